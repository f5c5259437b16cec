"""Explaining a served model, from settings to files."""

from __future__ import annotations

import json
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingRegressor

from modelwatch_analyzer.explainability import changes, explanation
from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.host import Host, any_address
from modelwatch_analyzer.wording import duration_text
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference
from modelwatch_core.domain.outcome import OutcomeStatus
from tests.explainability.conftest import CAPTURED, THIS_MACHINE, Asked, Explaining

Rows = NDArray[np.float64]
REVERSED = np.array([1.0, 2.0, 3.0])


def checks_of(summary: AnalysisSummary) -> list[tuple[str, str]]:
    """Return what is violated, without the wording."""
    return [
        (violation.feature_name or (violation.model_extra or {})["metric_name"], violation.constraint_check_type)
        for violation in summary.violations
    ]


def test_a_baseline_is_sagemakers_file_with_what_we_add(explaining: Explaining, rows: Rows) -> None:
    summary = explaining.baseline(explaining.write(rows))
    document = explaining.read("baseline/analysis.json")
    assert document["version"] == "1.0"
    label = document["explanations"]["kernel_shap"]["label0"]
    # A linear model against zeros: the value of a feature is weight * x (Lundberg and Lee 2017, corollary 1).
    expected = np.abs(rows * [3.0, 2.0, 1.0]).mean(axis=0)
    assert list(label["global_shap_values"]) == ["f0", "f1", "f2"]
    assert list(label["global_shap_values"].values()) == pytest.approx(expected.tolist(), abs=1e-9)
    assert label["expected_value"] == pytest.approx(0)
    low, high = label["confidence_intervals"]["f0"]
    assert low < expected[0] < high
    details = document["run_details"]
    assert (details["explainer"], details["coalitions"], details["rows_explained"]) == ("exact", 6, 150)
    assert details["model_calls"] == len(explaining.server.asked) == 2
    assert details["rows_scored"] == explaining.server.rows == 1 + 150 + 150 * 6
    assert explaining.read("baseline/constraints.json") == document
    assert summary.status is OutcomeStatus.COMPLETED
    assert summary.records.read == 150
    assert "exact, 6 coalitions a row: 2 of at most 100 model calls, 1,051 rows scored" in summary.notes[0]
    assert set(summary.outputs) == {
        "analysis.json", "constraints.json", "explanations_shap/out.csv", "explanations_shap/baseline.csv",
        "report.html", "cloudwatch_metrics.jsonl", "analysis_summary.json",
    }  # fmt: skip


def test_local_values_are_a_row_each_in_the_order_of_the_dataset(explaining: Explaining, rows: Rows) -> None:
    explaining.baseline(explaining.write(rows))
    found = pl.read_csv(explaining.folder / "baseline/explanations_shap/out.csv")
    assert found.columns == ["f0_label0", "f1_label0", "f2_label0"]
    np.testing.assert_allclose(found.to_numpy(), rows * [3.0, 2.0, 1.0], atol=1e-9)
    behind = pl.read_csv(explaining.folder / "baseline/explanations_shap/baseline.csv")
    assert behind.rows() == [(0, 0, 0)]


def test_local_values_are_left_out_on_demand(explaining: Explaining, rows: Rows) -> None:
    explaining.config["methods"]["shap"]["save_local_shap_values"] = False
    assert "explanations_shap/out.csv" not in explaining.baseline(explaining.write(rows)).outputs


def test_the_baseline_passes_its_own_check(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    assert checks_of(explaining.check(data)) == []
    assert explaining.read("check/constraint_violations.json") == {"version": "1.0", "violations": []}
    drift = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]["attribution_drift"]
    assert drift["ndcg"] == pytest.approx(1.0)
    assert drift["features"]["f0"]["change"] == pytest.approx(0.0)


def test_drift_of_attribution_is_found_in_the_documented_wording_and_its_features_are_named(
    explaining: Explaining, rows: Rows
) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.server.function = lambda values: values @ REVERSED
    summary = explaining.check(data)
    (violation,) = explaining.read("check/constraint_violations.json")["violations"]
    then = np.abs(rows * [3.0, 2.0, 1.0]).mean(axis=0)
    discounts = 1 / np.log2([2, 3, 4])
    ndcg = then[::-1] @ discounts / (then @ discounts)
    drift = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]["attribution_drift"]
    assert drift["ndcg"] == pytest.approx(ndcg)
    assert violation == {
        "label": "label0",
        "metric_name": "shap",
        "constraint_check_type": "feature_attribution_drift_check",
        "description": f"Feature attribution drift {drift['ndcg']!r} exceeds threshold 0.9",
    }
    assert drift["ndcg_interval"][1] < 0.9
    assert (drift["features"]["f2"]["rank"], drift["features"]["f2"]["baseline_rank"]) == (1, 3)
    assert any("changed most for 'f2' (rank 3 to 1" in warning or "'f0' (rank 1 to 3" in warning
               for warning in summary.warnings)  # fmt: skip
    assert summary.exit_message == "CompletedWithViolations: Job completed successfully with 1 violations."
    page = (explaining.folder / "check/report.html").read_text()
    assert "is below the threshold 0.9" in page


def test_features_whose_share_is_as_before_are_not_named_as_changed(explaining: Explaining, rows: Rows) -> None:
    rows = np.column_stack([rows[:, :2], rows[::-1, 0]])
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.server.function = lambda values: values @ REVERSED
    (warning,) = (warning for warning in explaining.check(data).warnings if "changed most" in warning)
    assert re.findall(r"'(\w+)' \(rank", warning) == ["f0", "f2"]


def uneven(seed: int) -> Rows:
    """Draw rows of three features, each of which a few rows have large values of."""
    drawn = np.random.default_rng(seed)
    return (drawn.normal(size=(20, 3)) * drawn.lognormal(0, 2, (20, 3))).round(3)


def test_a_low_ndcg_that_may_be_chance_is_a_violation_by_sagemakers_rule_only(explaining: Explaining) -> None:
    weights = np.array([1.0, 0.9, 0.8])
    explaining.server.function = lambda values: values @ weights
    explaining.baseline(explaining.write(uneven(1)))
    path = explaining.folder / "baseline/analysis.json"
    document = json.loads(path.read_text())
    assert document["monitoring_config"]["feature_attribution_drift_confidence"] == 0.99
    errors = document["explanations"]["kernel_shap"]["label0"]["standard_errors"]
    # The standard error of a mean, of the rows as the population.
    assert list(errors.values()) == pytest.approx(np.abs(uneven(1) * weights).std(axis=0) / np.sqrt(20), rel=0.1)
    data = explaining.write(uneven(3))
    summary = explaining.check(data)
    drift = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]["attribution_drift"]
    assert drift["ndcg"] < 0.9 < drift["ndcg_at_most"]
    assert checks_of(summary) == []
    assert any("below 0.9, which may be chance: the rows of both sides allow for" in each for each in summary.warnings)
    del document["monitoring_config"]  # as a file of SageMaker's
    path.write_text(json.dumps(document))
    assert checks_of(explaining.check(data)) == [("shap", "feature_attribution_drift_check")]


def test_each_further_constraint_is_checked_where_it_is_given(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    path = explaining.folder / "baseline/analysis.json"
    document = json.loads(path.read_text())
    document["monitoring_config"] = {
        "feature_attribution_drift_threshold": 0.1,
        "max_attribution_change": 0.1,
        "max_rank_change": 1,
        "min_attribution_stability": 0.5,
        "min_explanation_consistency": 0.99,
    }
    path.write_text(json.dumps(document))
    explaining.server.function = lambda values: values @ REVERSED
    summary = explaining.check(data, earlier_executions_results=explaining.folder / "baseline")
    assert checks_of(summary) == [
        ("f0", "feature_attribution_change_check"),
        ("f2", "feature_attribution_change_check"),
        ("f0", "feature_rank_check"),
        ("f2", "feature_rank_check"),
        ("attribution_stability", "attribution_stability_check"),
        ("explanation_consistency", "explanation_consistency_check"),
    ]
    found = [violation.description for violation in summary.violations]
    assert found[2] == "Rank changed from 1 to 3, by more than 1"
    assert found[4] == "Attribution stability -1.0 is below threshold 0.5"


def test_a_change_that_may_be_chance_is_no_violation(explaining: Explaining, rows: Rows) -> None:
    explaining.baseline(explaining.write(rows))
    path = explaining.folder / "baseline/analysis.json"
    document = json.loads(path.read_text())
    document["monitoring_config"] = {"max_attribution_change": 0.0}
    path.write_text(json.dumps(document))
    other = np.random.default_rng(8).normal(size=(60, 3)).round(3)
    assert checks_of(explaining.check(explaining.write(other))) == []


def baseline_of(folder: Path, *attributions: dict[str, float]) -> Path:
    """Write what the first party writes of some outputs, with values of the data for labels."""
    path = folder / "first.json"
    kernel_shap = {
        f"0.{number}956783771514893": {"global_shap_values": each, "expected_value": 0.25}
        for number, each in enumerate(attributions)
    }
    path.write_text(json.dumps({"version": "1.0", "explanations": {"kernel_shap": kernel_shap}}))
    return path


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ({"f0": 0.0, "f1": 0.0, "f2": 0.0}, "no feature had any attribution in the baseline"),
        ({"f0": 3.0, "f1": 2.0, "gone": 1.0}, "the model's features are not those of the baseline"),
    ],
)
def test_drift_that_is_undefined_is_explained(
    explaining: Explaining, rows: Rows, then: dict[str, float], says: str
) -> None:
    explaining.server.function = lambda values: values[:, :2]
    path = baseline_of(explaining.folder, {"f0": 3.0, "f1": 2.0, "f2": 1.0}, then)
    summary = explaining.check(explaining.write(rows), baseline_constraints=path)
    assert f"feature attribution drift of label1 was not measured: {says}" in summary.warnings
    drift = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label1"]["attribution_drift"]
    assert drift["ndcg"] == {"undefined": says}
    new = [("gone", "feature_set_check"), ("f2", "feature_set_check")] if "gone" in then else []
    assert [found for found in checks_of(summary) if found[1] == "feature_set_check"] == new


@pytest.mark.parametrize(
    ("then", "code", "says"),
    [
        ({"f0": 0.0, "f1": 0.0, "f2": 0.0}, "ExplanationsNotComparable", "no feature has any attribution"),
        ({"age": 3.0, "f9": 2.0}, "FeaturesNotFound", "has none of the 2 features that the baseline explains, 'age'"),
    ],
)
def test_a_check_that_could_compare_nothing_is_refused(
    explaining: Explaining, rows: Rows, then: dict[str, float], code: str, says: str
) -> None:
    path = baseline_of(explaining.folder, then)
    with pytest.raises(InvalidInput, match=says) as refused:
        explaining.check(explaining.write(rows), baseline_constraints=path)
    assert refused.value.code == code
    assert not explaining.server.asked


def test_a_model_that_returns_a_constant_has_no_attribution_and_nothing_breaks(
    explaining: Explaining, rows: Rows
) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.server.function = lambda values: values[:, 0] * 0 + 5
    explaining.check(data)
    label = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]
    assert label["global_shap_values"] == pytest.approx({"f0": 0, "f1": 0, "f2": 0}, abs=1e-12)
    assert label["expected_value"] == 5


def test_several_outputs_have_a_label_each(explaining: Explaining, rows: Rows) -> None:
    explaining.config["predictor"] = {"label_headers": ["cat", "dog"]}
    explaining.server.function = lambda values: np.stack([values[:, 0], -2 * values[:, 1]], axis=1)
    data = explaining.write(rows)
    explaining.baseline(data)
    labels = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]
    magnitudes = np.abs(rows).mean(axis=0)
    assert labels["cat"]["global_shap_values"] == pytest.approx({"f0": magnitudes[0], "f1": 0, "f2": 0}, abs=1e-9)
    assert labels["dog"]["global_shap_values"] == pytest.approx({"f0": 0, "f1": 2 * magnitudes[1], "f2": 0}, abs=1e-9)
    explaining.server.function = lambda values: np.stack([values[:, 2], -2 * values[:, 1]], axis=1)
    summary = explaining.check(data)
    assert [violation.model_extra["label"] for violation in summary.violations if violation.model_extra] == ["cat"]


@pytest.mark.parametrize(("now", "by_order"), [(["dog", "cat"], False), (["a", "b"], True), (["dog", "a"], None)])
def test_outputs_of_other_names_are_compared_in_their_order_with_a_warning_and_not_mixed(
    explaining: Explaining, rows: Rows, now: list[str], by_order: bool | None
) -> None:
    explaining.config["predictor"] = {"label_headers": ["cat", "dog"]}
    explaining.server.function = lambda values: np.stack([values[:, 0], -2 * values[:, 1]], axis=1)
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.config["predictor"] = {"label_headers": now}
    if by_order is None:
        with pytest.raises(InvalidInput, match="'cat', 'dog', but the configuration names 'dog', 'a'") as refused:
            explaining.check(data)
        assert refused.value.code == "ExplanationsNotComparable"
        return
    warnings = explaining.check(data).warnings
    assert any("the outputs 'a', 'b' have different names" in warning for warning in warnings) is by_order


def test_a_baseline_of_other_outputs_or_another_aggregation_cannot_be_compared_with(
    explaining: Explaining, rows: Rows
) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.server.function = lambda values: values[:, :2]
    with pytest.raises(InvalidInput, match="the baseline explains 1 output, but the model has 2") as refused:
        explaining.check(data)
    assert refused.value.code == "ExplanationsNotComparable"
    explaining.baseline(data)
    explaining.server.function = lambda values: values[:, 1]
    with pytest.raises(InvalidInput, match="the baseline explains 2 outputs, but the model has 1") as refused:
        explaining.check(data)
    assert refused.value.code == "ExplanationsNotComparable"
    explaining.config["methods"]["shap"]["agg_method"] = "MEAN_SQ"
    asked = len(explaining.server.asked)
    with pytest.raises(InvalidInput) as refused:
        explaining.check(data)
    assert refused.value.code == "ExplanationsNotComparable"
    assert len(explaining.server.asked) == asked


def test_json_requests_by_templates_give_the_values_of_csv_requests(explaining: Explaining, rows: Rows) -> None:
    def respond(asked: Asked) -> tuple[int, bytes]:
        instances = json.loads(asked.body)["instances"]
        scores = [{"score": 3 * each["f0"] + 2 * each["f1"] + each["f2"]} for each in instances]
        return 200, json.dumps({"predictions": scores}).encode()

    data = explaining.write(rows)
    explaining.baseline(data)
    by_csv = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    explaining.server.respond = respond
    explaining.config["predictor"] = {
        "content_type": "application/json",
        "accept_type": "application/json",
        "content_template": '{"instances":$records}',
        "record_template": "$features_kvp",
        "probability": "predictions[*].score",
    }
    explaining.baseline(data)
    found = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert found == pytest.approx(by_csv)


def test_the_apis_form_of_the_configuration_means_the_same(explaining: Explaining, rows: Rows) -> None:
    # ExplainabilityAnalysisConfig(SHAPConfig(ClarifyShapBaselineConfig)) of the API document, as JSON.
    data = explaining.write(rows)
    explaining.baseline(data)
    then = explaining.read("baseline/analysis.json")
    baseline = {"mime_type": "text/csv", "shap_baseline": "0,0,0"}
    explaining.config = {
        "explainability_config": {"baseline": baseline, "agg_method": "MEAN_ABS", "save_local_shap_values": True},
        "model_config": {"model_name": "mine", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1},
    }
    explaining.baseline(data)
    assert explaining.read("baseline/analysis.json") == then


def test_features_come_in_the_order_of_the_headers_without_the_label(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(np.c_[rows, rows[:, 0]], ["f2", "f0", "f1", "target"])
    explaining.config |= {"headers": ["f0", "f1", "f2", "target"], "label": "target"}
    explaining.baseline(data)
    values = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    expected = np.abs(rows[:, [1, 2, 0]] * [3.0, 2.0, 1.0]).mean(axis=0)
    assert values == pytest.approx(dict(zip(("f0", "f1", "f2"), expected, strict=True)), abs=1e-9)


@pytest.mark.parametrize(
    "columns",
    [
        {"label": "target"},
        {"label": 3},
        {"label": "3"},
        {"predicted_label": "target"},
        {"joinsource_name_or_index": 3},
        {"excluded_columns": ["target"]},
        {"excluded_columns": [3]},
        {"excluded_columns": ["target"], "headers": ["f0", "f1", "f2", "target"]},
    ],
)
def test_the_label_and_excluded_columns_are_no_features(
    explaining: Explaining, rows: Rows, columns: dict[str, Any]
) -> None:
    explaining.config |= columns
    explaining.baseline(explaining.write(np.c_[rows, rows[:, 0]], ["f0", "f1", "f2", "target"]))
    values = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert list(values) == ["f0", "f1", "f2"]


def test_headers_that_the_dataset_does_not_have_are_refused(explaining: Explaining, rows: Rows) -> None:
    explaining.config["headers"] = ["f0", "f1", "height"]
    with pytest.raises(InvalidInput, match="does not have 'height'") as refused:
        explaining.baseline(explaining.write(rows))
    assert refused.value.code == "FeaturesNotFound"


def test_captured_requests_are_explained_by_the_names_of_the_headers(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write_captures([",".join(map(str, row)) for row in rows.tolist()])
    explaining.config["headers"] = ["age", "income", "height"]
    explaining.baseline(data, dataset_format=CAPTURED)
    values = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    expected = np.abs(rows * [3.0, 2.0, 1.0]).mean(axis=0)
    assert values == pytest.approx(dict(zip(("age", "income", "height"), expected, strict=True)), abs=1e-9)


def test_cluster_centres_stand_in_for_a_baseline_and_a_check_compares_with_the_same(
    explaining: Explaining, rows: Rows
) -> None:
    explaining.config = {"methods": {"shap": {"num_clusters": 4}}}
    explaining.baseline(explaining.write(rows))
    made = explaining.read("baseline/analysis.json")["run_details"]["background"]
    assert made["features"] == ["f0", "f1", "f2"]
    assert len(made["rows"]) == 4
    explaining.check(explaining.write(rows[:100] + 5))
    behind = pl.read_csv(explaining.folder / "check/explanations_shap/baseline.csv", infer_schema=False)
    assert [list(row) for row in behind.rows()] == made["rows"]


def test_rows_are_sampled_where_the_budget_does_not_reach_all_and_it_is_said(
    explaining: Explaining, rows: Rows
) -> None:
    explaining.config["methods"]["shap"] |= {"max_model_calls": 10, "max_payload_bytes": 1000}
    announced: list[str] = []
    done: list[tuple[int, int]] = []
    host = replace(THIS_MACHINE, announce=announced.append, progress=lambda *calls: done.append(calls))
    summary = explaining.run(explaining.write(rows), "baseline", host)
    details = explaining.read("baseline/analysis.json")["run_details"]
    assert 0 < details["rows_explained"] < 150 == details["rows_in_dataset"]
    assert len(explaining.server.asked) == details["model_calls"] <= 10
    sentence = f"explaining {details['rows_explained']} of 150 rows by exact SHAP: {details['rows_scored']} rows"
    assert announced[0] == f"{sentence} to score in at most {done[-1][1]} of 10 model calls"
    assert len(announced) == 2
    assert [number for number, _ in done] == list(range(1, details["model_calls"] + 1))
    assert f"{details['rows_explained']} of 150 rows were explained, drawn with seed 0" in " ".join(summary.warnings)


@pytest.mark.slow
def test_the_expected_time_is_announced_after_the_first_request(
    explaining: Explaining, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    explaining.config["methods"]["shap"] |= {"max_records_per_call": 50, "max_parallel_calls": 1}
    announced: list[tuple[str, int]] = []
    host = replace(THIS_MACHINE, announce=lambda message: announced.append((message, len(explaining.server.asked))))
    monkeypatch.setattr(explanation, "perf_counter", iter([100.0, 104.5]).__next__)
    explaining.run(explaining.write(rows), "baseline", host)
    # 50 rows in 4.5 seconds; 1 + 150 * 7 = 1,051 rows in 94.6.
    assert announced[1][0] == "the first 50 rows were scored in 4.5 seconds: all 1,051 should take 95 seconds at most"
    assert [calls for _, calls in announced] in ([0, 1], [0, 2])  # the next request may be on its way
    assert len(explaining.server.asked) == 4 + 18


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "2 seconds"), (2.4, "2 seconds"), (119, "119 seconds"), (130, "2 minutes"), (7199, "120 minutes"),
     (7200, "2 hours"), (9e6, "2,500 hours")],
)  # fmt: skip
def test_expected_times_are_round(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def explained(explaining: Explaining, verb: str) -> tuple[int, int]:
    details = explaining.read(f"{verb}/analysis.json")["run_details"]
    return details["rows_explained"], details["rows_in_dataset"]


def test_a_thousand_rows_are_explained_by_default_in_baseline_and_check_alike(explaining: Explaining) -> None:
    rows = np.random.default_rng(3).normal(size=(1200, 3)).round(3)
    data = explaining.write(rows)
    first, second = explaining.baseline(data), explaining.check(data)
    assert explained(explaining, "baseline") == explained(explaining, "check") == (1000, 1200)
    assert explaining.server.rows == 2 * (1 + 1000 * 7)
    for summary in (first, second):
        assert not [warning for warning in summary.warnings if "were explained" in warning]
        (note,) = summary.notes[1:]
        assert note.startswith(
            "1,000 of 1,200 rows were explained, drawn with seed 0: max_explained_rows says how many, or all; "
            "the widest 95% interval is that of f0 to label0, "
        )
    label = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]
    widest = max(high - low for low, high in label["confidence_intervals"].values())
    assert f"{label['global_shap_values']['f0']:.3g} with a width of {widest:.2g}" in note


@pytest.mark.parametrize(
    ("configured", "setting", "reached"),
    [(40, None, 40), ("all", None, 150), (40, "60", 60), (40, "all", 150), ("all", "20", 20), (None, "500", 150)],
)
def test_more_or_fewer_rows_are_explained_where_that_is_requested(
    explaining: Explaining, rows: Rows, configured: int | str | None, setting: str | None, reached: int
) -> None:
    if configured is not None:
        explaining.config["methods"]["shap"]["max_explained_rows"] = configured
    explaining.baseline(explaining.write(rows), **({"max_explained_rows": setting} if setting else {}))
    assert explained(explaining, "baseline") == (reached, 150)
    assert explaining.read("baseline/analysis.json")["run_details"]["max_explained_rows"] == str(setting or configured)


def test_a_sample_of_more_rows_holds_that_of_fewer(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    found = []
    for number in ("30", "60"):
        explaining.baseline(data, max_explained_rows=number)
        found.append(set(pl.read_csv(explaining.folder / "baseline/explanations_shap/out.csv").rows()))
    assert len(found[0]) == 30
    assert found[0] < found[1]


@pytest.mark.parametrize("limit", [0, -1, 1.5, "some", True, "1e3", ""])
def test_a_limit_that_is_no_number_of_rows_is_refused(explaining: Explaining, rows: Rows, limit: Any) -> None:
    explaining.config["methods"]["shap"]["max_explained_rows"] = limit
    message = "max_explained_rows: .*must be a number of rows, from 1 on, or 'all'"
    with pytest.raises(InvalidInput, match=message) as refused:
        explaining.baseline(explaining.write(rows))
    assert refused.value.code == "InvalidAnalysisConfig"


def test_cluster_centres_are_of_all_sampled_rows_however_few_are_explained(explaining: Explaining, rows: Rows) -> None:
    explaining.config = {"methods": {"shap": {"num_clusters": 4}}}
    data = explaining.write(rows)
    centres = []
    for number in ("1", "all"):
        explaining.baseline(data, max_explained_rows=number)
        centres.append(explaining.read("baseline/analysis.json")["run_details"]["background"])
    assert centres[0] == centres[1]


def test_the_same_seed_gives_the_same_files(explaining: Explaining) -> None:
    rows = np.random.default_rng(1).normal(size=(60, 12)).round(2)
    data = explaining.write(rows)
    explaining.config = {"methods": {"shap": {"num_samples": 40, "seed": 5, "num_clusters": 3}}}
    explaining.server.function = lambda values: np.cos(values).prod(axis=1)
    first, again = (explaining.run(data, name) and explaining.read(f"{name}/analysis.json") for name in ("a", "b"))
    assert first == again
    assert first["run_details"]["explainer"] == "kernel"
    explaining.config["methods"]["shap"]["seed"] = 6
    explaining.run(data, "c")
    assert explaining.read("c/analysis.json")["explanations"] != first["explanations"]


def test_metrics_bear_sagemakers_names_and_dimensions(explaining: Explaining, rows: Rows) -> None:
    explaining.baseline(
        explaining.write(rows),
        sagemaker_endpoint_name="credit",
        sagemaker_monitoring_schedule_name="hourly",
        end_time="2026-01-31T10:00:00Z",
    )
    lines = (explaining.folder / "baseline/cloudwatch_metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [line["MetricName"] for line in found] == ["feature_f0", "feature_f1", "feature_f2", "ExpectedValue"]
    assert {each["Name"]: each["Value"] for each in found[0]["Dimensions"]} == {
        "Endpoint": "credit",
        "MonitoringSchedule": "hourly",
        "ExplainabilityMethod": "KernelShap",
        "Label": "label0",
        "ValueType": "GlobalShapValues",
    }
    assert {"Name": "ValueType", "Value": "ExpectedValue"} in found[3]["Dimensions"]
    assert found[3]["Timestamp"] == "2026-01-31T10:00:00Z"


def test_the_least_agreement_with_the_baseline_is_a_metric_without_a_label(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    names = {"sagemaker_endpoint_name": "credit", "sagemaker_monitoring_schedule_name": "hourly"}
    explaining.check(data, publish_cloudwatch_metrics="Enabled", **names)
    lines = (explaining.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    (found,) = (line for line in map(json.loads, lines) if line["MetricName"] == "feature_attribution_drift_ndcg")
    assert found["Value"] == 1.0  # nothing has changed
    assert [each["Name"] for each in found["Dimensions"]] == ["Endpoint", "MonitoringSchedule"]


def test_a_rerun_of_a_window_reports_what_changed(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.check(data)
    (explaining.folder / "check").rename(explaining.folder / "previous")
    again = explaining.check(data, previous_attempt_results=explaining.folder / "previous")
    assert again.changes == ()
    explaining.server.function = lambda values: values @ REVERSED
    changed = explaining.check(data, previous_attempt_results=explaining.folder / "previous")
    assert re.fullmatch(r"NDCG of label0: 1\.0 before, 0\.\d+ now", changed.changes[0])
    attribution = explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    before = explaining.read("previous/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert changed.changes[1:4] == tuple(
        f"attribution of {name} to label0: {before[name]!r} before, {attribution[name]!r} now" for name in before
    )
    assert changed.changes[4] == "new violation: shap of label0 feature_attribution_drift_check"
    assert "Changed since the previous attempt" in (explaining.folder / "check/report.html").read_text()
    (explaining.folder / "previous/analysis.json").write_text("{")
    spoilt = explaining.check(data, previous_attempt_results=explaining.folder / "previous")
    assert len(spoilt.changes) == 2
    assert spoilt.changes[0].startswith("feature attributions are not compared")
    assert spoilt.changes[1].startswith("new violation: ")


def test_a_rerun_with_more_rows_reports_the_rows_and_bounds_the_attributions(
    explaining: Explaining,
) -> None:
    values = np.random.default_rng(3).normal(size=(120, 30)).round(3)
    explaining.config = {"methods": {"shap": {"baseline": [[0] * 30], "num_samples": 100}}}
    explaining.baseline(explaining.write(values[:100]))
    explaining.check(explaining.write(values[:100]))
    (explaining.folder / "check").rename(explaining.folder / "previous")
    again = explaining.check(explaining.write(values), previous_attempt_results=explaining.folder / "previous")
    assert again.changes[:2] == ("rows: 100 before, 120 now", "rows explained: 100 before, 120 now")
    attributions = [change for change in again.changes if change.startswith("attribution of ")]
    assert len(attributions) == changes.MOST_ATTRIBUTIONS
    assert "and 10 more attributions changed" in again.changes


@pytest.mark.parametrize(
    ("predictor", "settings", "asked"),
    [
        ({"model_name": "m", "instance_type": "ml.m5.large", "initial_instance_count": 2}, {},
         ModelReference(model_name="m", instance_type="ml.m5.large", initial_instance_count=2)),
        ({"model_name": "m", "endpoint_name": "live"}, {}, ModelReference(endpoint_name="live")),
        ({"model_name": "m", "custom_attributes": "a=b"}, {"model_endpoint_name": "named"},
         ModelReference(endpoint_name="named", custom_attributes="a=b")),
        ({}, {"sagemaker_endpoint_name": "watched"}, ModelReference(endpoint_name="watched")),
    ],
)  # fmt: skip
def test_the_host_opens_the_model_that_is_named_and_closes_it(
    explaining: Explaining, rows: Rows, predictor: dict[str, Any], settings: dict[str, Any], asked: ModelReference
) -> None:
    references: list[ModelReference] = []
    left: list[bool] = []

    @contextmanager
    def opened(reference: ModelReference) -> Iterator[Model]:
        references.append(reference)
        try:
            yield HttpModel(explaining.server.url, allows_address=any_address)
        finally:
            left.append(True)

    explaining.config["predictor"] = predictor
    data = explaining.write(rows)
    explaining.run(data, "a", Host(open_model=opened), model_url=None, **settings)
    explaining.server.respond = lambda _: (400, b"no")
    with pytest.raises(InvalidInput):
        explaining.run(data, "b", Host(open_model=opened), model_url=None, **settings)
    assert references == [asked, asked]
    assert left == [True, True]


@pytest.mark.parametrize(("predictor", "code"), [({}, "ModelNotGiven"), ({"model_name": "m"}, "ModelNotReachable")])
def test_without_a_model_nothing_can_be_explained(
    explaining: Explaining, rows: Rows, predictor: dict[str, str], code: str
) -> None:
    explaining.config["predictor"] = predictor
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(explaining.write(rows), model_url=None)
    assert refused.value.code == code


@pytest.mark.parametrize("content", ["{", "{}", '{"explanations": {"kernel_shap": {}}}',
    '{"explanations": {"kernel_shap": {"label0": {"global_shap_values": {"f0": "1"}}}}}'])  # fmt: skip
def test_baselines_that_are_invalid_are_refused(explaining: Explaining, rows: Rows, content: str) -> None:
    path = explaining.folder / "analysis.json"
    path.write_text(content)
    with pytest.raises(InvalidInput) as refused:
        explaining.check(explaining.write(rows), baseline_constraints=path)
    assert refused.value.code == "InvalidConstraints"
    assert not explaining.server.asked


@pytest.fixture
def trees(tmp_path: Path, rows: Rows) -> Path:
    target = rows[:, 0] * rows[:, 1] + rows[:, 2]
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(GradientBoostingRegressor(n_estimators=20, random_state=0).fit(rows, target)))
    return path


def test_trees_in_a_file_give_the_values_that_calling_the_model_gives(
    explaining: Explaining, rows: Rows, trees: Path
) -> None:
    model = pickle.loads(trees.read_bytes())
    explaining.server.function = model.predict
    explaining.config = {"methods": {"shap": {"baseline": rows[:20].tolist()}}}
    data = explaining.write(rows)
    explaining.baseline(data)
    by_asking = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]
    asked = len(explaining.server.asked)
    summary = explaining.baseline(data, model_artifact=trees, allow_pickle=True)
    by_trees = explaining.read("baseline/analysis.json")
    assert by_trees["run_details"]["explainer"] == "tree"
    found = by_trees["explanations"]["kernel_shap"]["label0"]
    # Tolerance of "tree": shap adds up trees in float64, scikit-learn's thresholds are compared in float32.
    assert found["global_shap_values"] == pytest.approx(by_asking["global_shap_values"], abs=1e-6)
    assert found["expected_value"] == pytest.approx(by_asking["expected_value"], abs=1e-6)
    assert len(explaining.server.asked) == asked
    assert any("runs any code that it contains" in warning for warning in summary.warnings)


def test_a_pickle_is_not_loaded_unless_that_is_switched_on(explaining: Explaining, rows: Rows, tmp_path: Path) -> None:
    class Spoils:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "spoilt",))

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Spoils()))
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(explaining.write(rows), model_artifact=path)
    assert refused.value.code == "PickleNotAllowed"
    assert not (tmp_path / "spoilt").exists()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("model.onnx", b"", "ModelArtifactNotReadable"),
        ("model.pkl", b"no pickle", "ModelArtifactNotReadable"),
        ("model.pkl", pickle.dumps([1]), "TreeExplainerNotApplicable"),
    ],
)
def test_files_that_hold_no_trees_are_refused(
    explaining: Explaining, rows: Rows, tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(explaining.write(rows), model_artifact=path, allow_pickle=True)
    assert refused.value.code == code


@pytest.mark.parametrize("kind", ["json", "txt"])
def test_a_format_whose_package_is_not_there_is_reported(
    explaining: Explaining, rows: Rows, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    package = {"json": "xgboost", "txt": "lightgbm"}[kind]
    monkeypatch.setitem(sys.modules, package, None)
    path = explaining.folder / f"model.{kind}"
    path.write_text("{}")
    with pytest.raises(InvalidInput, match=f"needs the package {package}") as refused:
        explaining.baseline(explaining.write(rows), model_artifact=path)
    assert refused.value.code == "ModelArtifactNotReadable"


def test_a_model_that_returns_the_same_for_everything_is_reported(explaining: Explaining, rows: Rows) -> None:
    data = explaining.write(rows)
    assert not [warning for warning in explaining.baseline(data).warnings if "any attribution" in warning]
    explaining.server.function = lambda values: np.full(len(values), 0.1)
    warnings = explaining.check(data).warnings
    assert "no feature has any attribution to label0: the model returns the same output for all rows" in warnings
    assert not [warning for warning in warnings if "changed most" in warning]
