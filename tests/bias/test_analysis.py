from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.settings_environment import analysis_settings

CONFIG = {
    "version": "1.0",
    "label": "approved",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    "group_variable": "region",
}
PREDICTED = {"inference_attribute": "predicted"}


def applicants(women: tuple[int, int, int, int], men: tuple[int, int, int, int]) -> str:
    """Write rows: how many of each sex were TP, FN, FP, TN. Region and income vary, the same in both sexes."""
    rows = ["sex,region,income,approved,predicted"]
    for sex, cells in (("F", women), ("M", men)):
        labels = [(1, 1)] * cells[0] + [(1, 0)] * cells[1] + [(0, 1)] * cells[2] + [(0, 0)] * cells[3]
        rows += [f"{sex},{'NS'[i % 2]},{20 + i % 7},{y},{p}" for i, (y, p) in enumerate(labels)]
    return "\n".join(rows) + "\n"


FAIR = applicants((60, 20, 20, 100), (90, 30, 30, 150))
UNFAIR = applicants((15, 65, 5, 115), (100, 20, 40, 140))


def values(metrics):
    return {name: metric["value"] for name, metric in metrics.items()}


def test_labels_alone_give_the_pre_training_metrics(bench):
    summary = bench.baseline(FAIR, CONFIG)
    report = bench.report("baseline")
    assert summary.status is OutcomeStatus.COMPLETED
    assert "post_training_bias_metrics" not in report
    stage = report["pre_training_bias_metrics"]
    assert (report["version"], stage["label"], stage["label_value_or_threshold"]) == ("1.0", "approved", "1")
    (entry,) = stage["facets"]["sex"]
    assert entry["value_or_threshold"] == "F"
    assert [metric["name"] for metric in entry["metrics"]] == ["CDDL", "CI", "DPL", "FD", "JS", "KL", "KS", "LP", "TVD"]
    assert entry["metrics"][1] | {"interval": None, "range": None} == {
        "name": "CI",
        "description": "Class Imbalance (CI)",
        "value": pytest.approx((300 - 200) / 500),  # by hand
        "interval": None,
        "range": None,
        "standard_error": pytest.approx(math.sqrt(0.6 * 0.4 / 500) * 2, rel=0.1),  # 1 - 2 p of a share p of 0.4
        "compared_rows": 500,
    }


def test_with_predictions_there_are_the_post_training_metrics_in_the_order_of_their_names(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    (entry,) = bench.report("baseline")["post_training_bias_metrics"]["facets"]["sex"]
    names = [metric["name"] for metric in entry["metrics"]]
    assert names == sorted(names)
    assert len(names) == 15
    found = values(bench.metrics("baseline", "sex", "F"))
    assert found["DI"] == pytest.approx((80 / 200) / (120 / 300))  # by hand
    assert found["AD"] == pytest.approx(240 / 300 - 160 / 200)
    assert found["BA"] == pytest.approx(found["DPPL"] - found["DPL"])


def test_a_baseline_is_its_own_constraints_file(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert bench.report("baseline") == bench.report("baseline", "constraints.json")


def test_data_like_the_baseline_violate_nothing(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(FAIR, CONFIG, **PREDICTED)
    assert summary.violations == ()
    assert [warning for warning in summary.warnings if "FT" not in warning] == []  # region is text
    assert bench.report("check", "constraint_violations.json") == {"version": "1.0", "violations": []}


def test_predictions_that_shift_against_a_group_violate_beyond_chance(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(UNFAIR, CONFIG, **PREDICTED)
    assert summary.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
    found = {
        violation["metric_name"]: violation
        for violation in bench.report("check", "constraint_violations.json")["violations"]
    }
    assert {"DPPL", "RD", "BA"} <= found.keys()
    assert "CI" not in found
    violation, metric = found["DPPL"], bench.metrics("check", "sex", "F")["DPPL"]
    assert violation.keys() == {"facet", "facet_value", "metric_name", "constraint_check_type", "description"}
    assert (violation["facet"], violation["facet_value"]) == ("sex", "F")
    assert violation["constraint_check_type"] == "bias_drift_check"
    before = bench.metrics("baseline", "sex", "F")["DPPL"]
    least, most = before["range"]
    assert most < metric["interval"][0]
    assert violation["description"].startswith(
        f"Metric value {metric['value']} doesn't meet the baseline constraint requirement [{least}, {most}]. "
        f"Chance does not explain the difference from the baseline's {before['value']} (p "
    )


def test_against_an_imported_baseline_the_plain_rule_holds_in_the_first_partys_wording(bench):
    bench.baseline(UNFAIR, CONFIG, **PREDICTED)
    current = values(bench.metrics("baseline", "sex", "F"))
    baseline = {"AD": -1.0, "DPPL": -current["DPPL"] + 1e-9, "DCR": -1.0, "RD": 0.25}
    imported = {
        "version": "1.0",
        "post_training_bias_metrics": {
            "label": "approved",
            "label_value_or_threshold": "1",
            "facets": {
                "sex": [
                    {
                        "value_or_threshold": "F",
                        "metrics": [
                            {"name": name, "description": "", "value": value} for name, value in baseline.items()
                        ],
                    }
                ]
            },
        },
    }
    summary = bench.check(UNFAIR, CONFIG, imported, **PREDICTED)
    assert [violation.description for violation in summary.violations] == [
        f"Metric value {current['DPPL']!r} doesn't meet the baseline constraint requirement {baseline['DPPL']!r}",
        f"Metric value {current['RD']!r} doesn't meet the baseline constraint requirement 0.25",
    ]


def test_an_infinite_metric_is_reported_by_name_and_violates(bench):
    data = applicants((40, 60, 0, 60), (40, 10, 10, 60))
    bench.baseline(data, CONFIG, **PREDICTED)
    assert bench.metrics("baseline", "sex", "F")["TE"]["value"] == "Infinity"
    constraints = bench.report("baseline")
    for metric in constraints["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]:
        metric.pop("range", None)
        if metric["name"] == "TE":
            metric["value"] = 2.916666666666667
    (violation,) = bench.check(data, CONFIG, constraints, **PREDICTED).violations
    wording = "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667"
    assert violation.description == wording  # SageMaker's own, of a real file


def test_a_probability_above_the_threshold_is_a_positive_prediction(bench):
    rows = FAIR.replace("predicted", "score").splitlines()
    scored = "\n".join([rows[0], *(row[:-1] + ("0.71" if row.endswith("1") else "0.7") for row in rows[1:])])
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    expected = values(bench.metrics("baseline", "sex", "F"))
    bench.baseline(scored, CONFIG, probability_attribute="score", probability_threshold_attribute="0.7")
    assert values(bench.metrics("baseline", "sex", "F")) == expected


@pytest.mark.parametrize(
    ("of_config", "setting", "accepted"),
    [(None, {}, 2), (0.1, {}, 3), (0.8, {"probability_threshold_attribute": "0"}, 4)],
)
def test_the_threshold_of_the_settings_takes_precedence_over_the_configurations_and_the_default(
    bench, of_config, setting, accepted
):
    # By hand: of each of 10 times 4 men those above the threshold; the women have all.
    data = "\n".join(["sex,score,approved", *["F,1,1", *(f"M,{score},1" for score in (0.1, 0.2, 0.6, 0.7))] * 10])
    config = CONFIG | {"probability_threshold": of_config, "group_variable": None}
    bench.baseline(data, config, probability_attribute="score", **setting)
    assert bench.metrics("baseline", "sex", "F")["DPPL"]["value"] == pytest.approx(accepted / 4 - 1)


def test_a_probability_is_that_of_label_1_also_where_0_is_the_positive_label(bench):
    # By hand: the labels 0 and 1 are predicted without a mistake.
    data = "\n".join(["sex,score,y", *["F,0.9,1", "F,0.1,0", "F,0.2,0", "M,0.5,0", "M,0.7,1"] * 20])
    config = CONFIG | {"label": "y", "group_variable": None}
    for listed, impact in (([0], (2 / 3) / (1 / 2)), ([1], (1 / 3) / (1 / 2))):
        bench.baseline(data, config | {"label_values_or_threshold": listed}, probability_attribute="score")
        found = values(bench.metrics("baseline", "sex", "F"))
        assert (found["RD"], found["SD"], found["AD"], found["GE"]) == (0.0, 0.0, 0.0, 0.0)
        assert found["DI"] == pytest.approx(impact)


def test_a_continuous_facet_is_the_rows_above_its_threshold(bench):
    # The form of SageMaker's own report of such a facet: "(0.5, 0.9936148802477393]".
    rows = ["age,approved", *(f"{20 + i / 4},{i % 2}" for i in range(100))]
    config = {
        "label": "approved",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "age", "value_or_threshold": [30]}],
    }
    bench.baseline("\n".join(rows), config)
    entry = bench.report("baseline")["pre_training_bias_metrics"]["facets"]["age"][0]
    assert (entry["value_or_threshold"], entry["rows"]) == ("(30.0, 44.75]", 59)


def test_the_baseline_says_how_a_facet_is_read_in_any_later_window(bench):
    # 40 whole numbers among 100 are continuous; the two of the window would be categories.
    config = {
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "age", "value_or_threshold": [30]}],
    }
    bench.baseline("\n".join(["age,y", *(f"{10 + i % 40},{i % 2}" for i in range(100))]), config)
    summary = bench.check("\n".join(["age,y", *(f"{30 + i % 2},{i // 2 % 2}" for i in range(100))]), config)
    entry = bench.report("check")["pre_training_bias_metrics"]["facets"]["age"][0]
    assert (entry["value_or_threshold"], entry["rows"]) == ("(30, 49]", 50)  # its name in the baseline
    assert not any("knows nothing" in warning for warning in summary.warnings)


def test_a_window_without_rows_above_the_threshold_has_the_group_of_the_baseline_without_rows(bench):
    config = {
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "age", "value_or_threshold": [30.0]}],
    }
    bench.baseline("\n".join(["age,y", *(f"{10.5 + i % 40},{i % 2}" for i in range(100))]), config)
    summary = bench.check("\n".join(["age,y", *(f"{10.5 + i % 9},{i % 2}" for i in range(100))]), config)
    entry = bench.report("check")["pre_training_bias_metrics"]["facets"]["age"][0]
    assert (entry["value_or_threshold"], entry["rows"]) == ("(30.0, 49.5]", 0)
    assert not any("knows nothing" in warning or "not checked" in warning for warning in summary.warnings)


def test_without_listed_values_there_is_one_group_for_each(bench):
    config = CONFIG | {"facet": [{"name_or_index": "sex"}, {"name_or_index": "region", "value_or_threshold": ["N"]}]}
    bench.baseline(FAIR, config, **PREDICTED)
    facets = bench.report("baseline")["pre_training_bias_metrics"]["facets"]
    assert [entry["value_or_threshold"] for entry in facets["sex"]] == ["F", "M"]
    assert [entry["value_or_threshold"] for entry in facets["region"]] == ["N"]
    women, men = (values(bench.metrics("baseline", "sex", sex)) for sex in "FM")
    assert women["DPPL"] == pytest.approx(-men["DPPL"])


def test_groups_of_a_baseline_are_found_again_where_their_values_are_spelled_otherwise(bench):
    def rows(spelled: str) -> str:
        return "\n".join(["sex,x,y,p", *(f"{i % 2}{spelled},{i},{i % 3 % 2},{i % 5 % 2}" for i in range(200))])

    config = {"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "sex"}]}
    bench.baseline(rows(""), config, inference_attribute="p")
    summary = bench.check(rows(".0"), config, inference_attribute="p")
    assert summary.warnings == ()
    assert values(bench.metrics("check", "sex", "1")) == values(bench.metrics("baseline", "sex", "1"))


def test_several_labels_may_be_positive(bench):
    rows = ["sex,grade", *(f"{'FM'[i % 2]},{'abcd'[i // 2 % 4]}" for i in range(120))]
    config = {
        "label": "grade",
        "label_values_or_threshold": ["a", "b"],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    }
    bench.baseline("\n".join(rows), config)
    assert bench.report("baseline")["pre_training_bias_metrics"]["label_value_or_threshold"] == "a,b"
    assert bench.metrics("baseline", "sex", "F")["DPL"]["value"] == 0.0


def test_continuous_labels_are_positive_above_their_threshold_and_so_are_predictions(bench):
    rows = ["sex,price,predicted", *(f"{'FM'[i % 2]},{i / 2 + 0.25},{(i + 8) / 2}" for i in range(100))]
    config = {
        "label": "price",
        "label_values_or_threshold": [25],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    }
    bench.baseline("\n".join(rows), config, **PREDICTED)
    assert bench.report("baseline")["post_training_bias_metrics"]["label_value_or_threshold"] == "(25.0, 49.75]"
    found = values(bench.metrics("baseline", "sex", "F"))
    # By hand: of each sex's 50 rows, 25 prices are above 25, and 28 or 29 predictions: i + 8 > 50 from i = 43 on.
    assert found["DPL"] == 0.0
    assert found["DPPL"] == pytest.approx(29 / 50 - 28 / 50)


def test_the_arguments_of_the_python_api_are_understood(bench):
    config = {
        "label_values_or_threshold": [1],
        "facet_name": "sex",
        "facet_values_or_threshold": ["F"],
        "predicted_label_name": "predicted",
    }
    bench.baseline(FAIR, config, ground_truth_attribute="approved")
    as_arguments = values(bench.metrics("baseline", "sex", "F"))
    bench.baseline(FAIR, CONFIG | {"group_variable": None}, **PREDICTED)
    assert as_arguments == values(bench.metrics("baseline", "sex", "F"))


def test_the_predicted_label_of_sagemakers_file_is_read(bench):
    bench.baseline(FAIR, CONFIG | {"predicted_label": "predicted"})
    as_key = bench.report("baseline")
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert as_key == bench.report("baseline")
    bench.baseline(FAIR, CONFIG | {"predicted_label": "not there"})
    assert "post_training_bias_metrics" not in bench.report("baseline")


def test_keys_of_other_analyses_are_passed_over(bench):
    others = {
        "dataset_type": "text/csv",
        "predictor": {"model_name": "m", "label": 0},
        "methods": {"shap": {"num_samples": 5}, "report": {"name": "report"}, "pre_training_bias": {"methods": "all"}},
    }
    assert bench.baseline(FAIR, CONFIG | others).warnings == ()


@pytest.mark.parametrize("excluded", [["region"], "region", [1]])
def test_columns_that_the_configuration_excludes_are_left_out_of_the_flip_test_alone(bench, excluded):
    bench.baseline(FAIR, CONFIG | {"excluded_columns": excluded}, **PREDICTED)
    without = bench.metrics("baseline", "sex", "F")
    rows = [row.split(",") for row in FAIR.splitlines()]
    bench.baseline(
        "\n".join(",".join([sex, *row]) for sex, _, *row in rows), CONFIG | {"group_variable": None}, **PREDICTED
    )
    assert without["FT"] == bench.metrics("baseline", "sex", "F")["FT"]
    assert without["FT"]["value"] is not None
    assert without["CDDL"]["value"] is not None  # which region is the group variable of


def test_columns_that_are_excluded_need_not_be_in_captures_since_the_model_is_not_sent_them(bench):
    record, _ = captures()
    summary = bench.baseline(
        record,
        CAPTURED | {"excluded_columns": ["customer", "income"]},
        dataset_format={"sagemakerCaptureJson": {}},
        inference_attribute="predictions[*].predicted_label",
        **PATHS,
    )
    few = "The rows came in one request, which does not show whether rows of one are alike."
    assert summary.warnings == (few,)
    assert bench.metrics("baseline", "sex", "1")["FT"]["value"] is not None


def test_training_data_without_the_predicted_label_give_the_metrics_of_its_labels(bench):
    bench.baseline(FAIR, CONFIG | {"predicted_label_name": "not there"})
    assert "post_training_bias_metrics" not in bench.report("baseline")


def test_one_facet_needs_no_list_and_a_group_variable_may_be_called_as_the_sdk_calls_it(bench):
    named = {name: value for name, value in CONFIG.items() if name not in ("facet", "group_variable")}
    bench.baseline(FAIR, named | {"facet": CONFIG["facet"][0], "group_name": "region"})
    found = bench.report("baseline")
    bench.baseline(FAIR, CONFIG)
    assert found == bench.report("baseline")
    assert bench.metrics("baseline", "sex", "F")["CDDL"]["value"] is not None


def test_a_check_takes_the_table_of_its_baseline(bench):
    table = "\n".join(row.rpartition(",")[0] for row in FAIR.splitlines())
    config = CONFIG | {"predicted_label": "predicted", "excluded_columns": ["id"]}
    bench.baseline(table, config)
    bench.check(table, config)
    assert values(bench.metrics("check", "sex", "F")) == values(bench.metrics("baseline", "sex", "F"))
    bench.check(FAIR, config)
    assert "DPPL" in bench.metrics("check", "sex", "F")


def test_an_excluded_column_that_no_baseline_has_is_named_where_nothing_needs_it(bench):
    config = CONFIG | {"excluded_columns": ["regoin"]}
    summary = bench.baseline(FAIR, config)
    (warning,) = (each for each in summary.warnings if "excluded_columns" in each)
    assert warning.startswith("excluded_columns names 'regoin', but the data has no such column")
    assert warning.endswith("Did you mean 'region'?")
    assert not any("excluded_columns" in each for each in bench.check(FAIR, config).warnings)


def test_predictions_and_excluded_columns_are_required_where_something_needs_them(bench):
    config = CONFIG | {"predicted_label": "predicted", "excluded_columns": ["region", "id"]}
    with pytest.raises(InvalidInput, match="excluded_columns names 'id', but the data has no such column"):
        bench.baseline(FAIR, config)
    bench.baseline(FAIR, config | {"excluded_columns": ["region"]})
    bench.check(FAIR, config)
    found = values(bench.metrics("check", "sex", "F"))["FT"]
    assert found == values(bench.metrics("baseline", "sex", "F"))["FT"]
    assert found is not None
    without = FAIR.replace("predicted", "other", 1)
    with pytest.raises(InvalidInput, match="predicted_label of the analysis configuration is 'predicted', but"):
        bench.check(without, config)


def test_headers_name_the_columns_of_data_without_any(bench):
    rows = FAIR.split("\n", 1)[1]
    config = CONFIG | {"headers": ["sex", "region", "income", "approved", "predicted"]}
    bench.baseline(rows, config, dataset_format={"csv": {"header": False}}, **PREDICTED)
    unnamed = values(bench.metrics("baseline", "sex", "F"))
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert unnamed == values(bench.metrics("baseline", "sex", "F"))


def test_headers_may_be_those_that_the_file_has_too(bench):
    # As in AWS's example of both Clarify monitors, with validation-dataset-with-header.csv.
    config = CONFIG | {"headers": ["sex", "region", "income", "approved", "predicted"]}
    summary = bench.baseline(FAIR, config, dataset_format={"csv": {"header": False}}, **PREDICTED)
    assert summary.records.read == FAIR.count("\n") - 1
    named_twice = bench.metrics("baseline", "sex", "F")
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert named_twice == bench.metrics("baseline", "sex", "F")


def test_a_header_of_some_files_only_stays_a_row(bench):
    folder = bench.folder / "files"
    folder.mkdir()
    (folder / "a.csv").write_text(FAIR)
    (folder / "b.csv").write_text(FAIR.split("\n", 1)[1])
    config = CONFIG | {"headers": ["sex", "region", "income", "approved", "predicted"]}
    summary = bench.baseline("", config, dataset_source=folder, dataset_format={"csv": {"header": False}})
    assert summary.records.read == 2 * FAIR.count("\n") - 1
    assert any("looks like names of columns, but was read as a row" in warning for warning in summary.warnings)


def captures() -> tuple[str, str]:
    """Write the fair applicants as a captured request that is merged with its labels; and as a file of JSON."""
    rows = [row.split(",") for row in FAIR.splitlines()[1:]]
    features = [{"features": [int(sex == "F"), int(region == "N"), int(income)]} for sex, region, income, _, _ in rows]
    labels = [{"label": int(label)} for *_, label, _ in rows]
    responses = [{"predicted_label": int(predicted), "score": 0.9 * int(predicted)} for *_, predicted in rows]

    def part(document: object, **others: str) -> dict[str, str]:
        return {"data": json.dumps(document), "encoding": "JSON", **others}

    record = {
        "eventVersion": "0",
        "groundTruthData": part({"instances": labels}),
        "captureData": {
            "endpointInput": part({"instances": features}, mode="INPUT", observedContentType="application/json"),
            "endpointOutput": part({"predictions": responses}, mode="OUTPUT", observedContentType="application/json"),
        },
        "eventMetadata": {"eventId": "a", "inferenceTime": "2026-01-01T00:00:00Z"},
    }
    together = [given | label for given, label in zip(features, labels, strict=True)]
    return json.dumps(record), json.dumps({"instances": together})


CAPTURED = {
    "label": "Target",
    "headers": ["sex", "region", "income", "Target"],
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": [1]}],
    "group_variable": "region",
}
PATHS = {"features_attribute": "instances[*].features", "ground_truth_attribute": "instances[*].label"}


@pytest.mark.parametrize(
    "predictions",
    [{"inference_attribute": "predictions[*].predicted_label"}, {"probability_attribute": "predictions[*].score"}],
)
def test_json_captures_merged_with_labels_give_what_the_same_rows_of_csv_give(bench, predictions):
    record, together = captures()
    bench.baseline(together, CAPTURED, dataset_format={"json": {}}, **PATHS)
    assert bench.report("baseline")["pre_training_bias_metrics"]["label"] == "Target"
    summary = bench.check(record, CAPTURED, dataset_format={"sagemakerCaptureJson": {}}, **PATHS, **predictions)
    assert summary.violations == ()
    captured = values(bench.metrics("check", "sex", "1"))
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    plain = values(bench.metrics("baseline", "sex", "F"))
    del captured["FT"], plain["FT"]  # text is no feature of the flip test
    assert captured == plain


def test_the_configuration_says_where_features_and_labels_of_json_are(bench):
    # As in AWS's example of the bias monitor for JSON.
    document, configured = captures()[1], {"features": PATHS["features_attribute"], "label": "instances[*].label"}
    bench.baseline(document, CAPTURED | configured, dataset_format={"json": {"line": False}})
    found = bench.metrics("baseline", "sex", "1")
    bench.baseline(document, CAPTURED, dataset_format={"json": {"line": False}}, **PATHS)
    assert found == bench.metrics("baseline", "sex", "1")


def test_features_of_the_configuration_that_find_nothing_are_called_by_that_name(bench):
    config = CAPTURED | {"features": "instances[*].inputs", "label": "instances[*].label"}
    with pytest.raises(InvalidInput, match="features of the analysis configuration finds nothing in the payload"):
        bench.baseline(captures()[1], config, dataset_format={"json": {"line": False}})


@pytest.mark.parametrize("given", [{"label": 3}, {"label": "3", "headers": FAIR.split("\n", 1)[0].split(",")}])
def test_a_label_that_an_index_gives_has_its_name_in_reports(bench, given):
    rows = FAIR if "headers" not in given else FAIR.split("\n", 1)[1]
    form = {"csv": {"header": "headers" not in given}}
    bench.baseline(rows, CONFIG | given, dataset_format=form, inference_attribute="4")
    assert bench.report("baseline")["pre_training_bias_metrics"]["label"] == "approved"


def test_the_label_of_json_lines_may_be_a_field_and_a_header(bench):
    rows = [row.split(",") for row in FAIR.splitlines()[1:]]
    lines = [json.dumps({"features": [sex, region], "approved": label}) for sex, region, _, label, _ in rows]
    config = CONFIG | {"headers": ["sex", "region", "approved"], "features": "features", "label": "approved"}
    bench.baseline("\n".join(lines), config, dataset_format={"json": {"lines": True}})
    found = values(bench.metrics("baseline", "sex", "F"))
    bench.baseline(FAIR, CONFIG)
    assert found == values(bench.metrics("baseline", "sex", "F"))


def test_the_last_header_names_the_label_of_json_lines(bench):
    # SageMaker's rule, where label is a JMESPath and no header.
    rows = [row.split(",") for row in FAIR.splitlines()[1:]]
    lines = [json.dumps({"features": [sex, int(income)], "y": int(label)}) for sex, _, income, label, _ in rows]
    config = CONFIG | {"label": "y", "headers": ["sex", "income", "approved"], "group_variable": None}
    bench.baseline("\n".join(lines), config, dataset_format={"json": {"line": True}}, features_attribute="features")
    assert bench.report("baseline")["pre_training_bias_metrics"]["label"] == "approved"
    assert bench.metrics("baseline", "sex", "F")["CI"]["value"] == pytest.approx((300 - 200) / 500)  # by hand


def test_labels_in_files_of_their_own_are_merged_first(bench, tmp_path):
    bench.baseline(
        "s,y\n" + "".join(f"{i % 2},{i % 3 % 2}\n" for i in range(200)),
        {"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "s", "value_or_threshold": [1]}]},
    )
    captured, labels = [], []
    for i in range(80):
        sides = {
            "endpointInput": {"data": f"{i % 2}", "encoding": "CSV", "mode": "INPUT"},
            "endpointOutput": {"data": f"{0.1 + 0.8 * (i % 3 % 2)}", "encoding": "CSV", "mode": "OUTPUT"},
        }
        event = {"eventId": str(i), "inferenceTime": "2026-01-01T00:10:00Z"}
        captured.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        truth = {
            "groundTruthData": {"data": str(i % 3 % 2), "encoding": "CSV"},
            "eventMetadata": {"eventId": str(i)},
            "eventVersion": "0",
        }
        labels += [json.dumps(truth)] if i else []
    config = {
        "headers": ["s", "y"],
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "s", "value_or_threshold": [1]}],
    }
    truth_folder = tmp_path / "labels"
    truth_folder.mkdir()
    (truth_folder / "labels.jsonl").write_text("\n".join(labels))
    summary = bench.check(
        "\n".join(captured), config, dataset_format={"sagemakerCaptureJson": {}}, ground_truth_source=truth_folder
    )
    assert summary.ground_truth is not None
    assert (summary.ground_truth.matched, summary.ground_truth.unlabelled) == (79, 1)
    found = values(bench.metrics("check", "s", "1"))
    assert (found["AD"], found["DPPL"]) == (0.0, found["DPL"])  # scores above a half, exactly where labels are positive


def checked_captures(
    bench, request, truth, config, *, encodings=("CSV", "CSV"), response=("CSV", str), **settings: object
) -> tuple[AnalysisSummary, Mapping[str, object]]:
    """Check the fair applicants as captures and labels in files of their own, each written by a function of its row."""
    captured, labels = [], []
    for i, row in enumerate(FAIR.splitlines()[1:]):
        sex, _, income, label, predicted = row.split(",")
        sides = {
            "endpointInput": {"data": request(sex, income), "encoding": encodings[0], "mode": "INPUT"},
            "endpointOutput": {"data": response[1](predicted), "encoding": response[0], "mode": "OUTPUT"},
        }
        event = {"eventId": str(i), "inferenceTime": "2026-01-01T00:10:00Z"}
        captured.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        truths = {"groundTruthData": {"data": truth(label), "encoding": encodings[1]}, "eventMetadata": event}
        labels.append(json.dumps(truths | {"eventVersion": "0"}))
    (bench.folder / "labels").mkdir(exist_ok=True)
    (bench.folder / "labels" / "labels.jsonl").write_text("\n".join(labels))
    known = {"dataset_format": {"sagemakerCaptureJson": {}}, "ground_truth_source": bench.folder / "labels"}
    summary = bench.check("\n".join(captured), config, **known | settings)
    return summary, values(bench.metrics("check", "sex", "F"))


OF_TRAINING = CONFIG | {"group_variable": None}
FEATURES_ALONE = OF_TRAINING | {"headers": ["sex", "income"]}


def as_object(sex: str, income: str) -> str:
    return json.dumps({"sex": sex, "income": int(income)})


def as_text(sex: str, income: str) -> str:
    return f"{sex},{income}"


@pytest.mark.parametrize("truth", [("CSV", str), ("JSON", str), ("JSON", '{{"approved": {}}}'.format)])
@pytest.mark.parametrize(
    ("request_form", "written", "config"), [("JSON", as_object, OF_TRAINING), ("CSV", as_text, FEATURES_ALONE)]
)
def test_the_label_of_training_data_names_no_part_of_a_label_that_is_one_bare_value(
    bench, request_form, written, config, truth
):
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    expected = values(bench.metrics("baseline", "sex", "F"))
    summary, found = checked_captures(bench, written, truth[1], config, encodings=(request_form, truth[0]))
    assert summary.violations == ()
    assert found | {"FT": None} == expected  # region, which is text, is among the features of the table
    records = next((bench.folder / "check" / "merge").rglob("*.jsonl"))  # as a merge job left them
    bench.check(records.read_text(), config, dataset_format={"sagemakerCaptureJson": {}})
    assert values(bench.metrics("check", "sex", "F")) | {"FT": None} == expected


def test_the_predicted_label_of_training_data_names_no_part_of_a_response_that_is_one_bare_value(bench):
    config = OF_TRAINING | {"predicted_label": "predicted"}
    bench.baseline(FAIR, config)
    summary, found = checked_captures(bench, as_object, str, config, encodings=("JSON", "CSV"))
    assert summary.violations == ()
    expected = values(bench.metrics("baseline", "sex", "F"))
    assert found | {"FT": None} == expected
    _, found = checked_captures(bench, as_object, str, config, encodings=("JSON", "CSV"), probability_attribute="0")
    assert found | {"FT": None} == expected


@pytest.mark.parametrize(("headers", "warned"), [(["id", "sex", "income", "approved", "predicted"], False), ([], True)])
def test_an_index_of_an_excluded_column_is_that_of_the_training_data(bench, headers, warned):
    table = "\n".join(
        f"{'id' if i == 0 else i},{sex},{income},{label},{predicted}"
        for i, (sex, _, income, label, predicted) in enumerate(row.split(",") for row in FAIR.splitlines())
    )
    config = OF_TRAINING | {"predicted_label": "predicted", "excluded_columns": [0], "headers": headers}
    bench.baseline(table, config)
    # Of the request, income is the first column.
    summary, found = checked_captures(
        bench,
        lambda sex, income: json.dumps({"income": int(income), "sex": sex}),
        str,
        config,
        encodings=("JSON", "CSV"),
    )
    assert found["FT"] is not None
    assert found["FT"] == values(bench.metrics("baseline", "sex", "F"))["FT"]
    assert any("excluded_columns gives 0 by index" in warning for warning in summary.warnings) is warned


NAMED_LABELS = [("CSV", str), ("JSON", '{{"approved": {}}}'.format), ("JSON", '{{"y": {}}}'.format)]


@pytest.mark.parametrize("truth", NAMED_LABELS)
@pytest.mark.parametrize("response", ['{{"prediction": {}}}', '{{"predictions": [{{"score": 0.{}5}}]}}', "{}"])
def test_one_value_of_another_name_is_the_label_or_the_response(bench, response, truth):
    config = OF_TRAINING | {"predicted_label": "predicted"}
    bench.baseline(FAIR, config)
    config |= {"probability_threshold": 0.1}  # of 0.05 and 0.15
    settings = {"probability_attribute": "predictions[*].score"} if "score" in response else {}
    for given in ({}, settings):
        summary, found = checked_captures(
            bench,
            as_object,
            truth[1],
            config,
            encodings=("JSON", truth[0]),
            response=("JSON", response.format),
            **given,
        )
        assert summary.violations == ()
        assert found | {"FT": None} == values(bench.metrics("baseline", "sex", "F"))


@pytest.mark.parametrize("key", ["predicted_label", "predicted_label_name"])
def test_several_values_of_other_names_are_refused_in_the_words_of_the_file(bench, key):
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    response = '{{"prediction": {}, "version": 7}}'.format
    with pytest.raises(InvalidInput, match=f"{key} of the analysis configuration finds nothing"):
        checked_captures(
            bench,
            as_object,
            str,
            OF_TRAINING | {key: "predicted"},
            encodings=("JSON", "CSV"),
            response=("JSON", response),
        )


@pytest.mark.parametrize("places", [{}, {"label": 2, "predicted_label": 3}])
def test_headers_of_training_data_name_the_features_of_captures_with_response_and_label(bench, places):
    # Four headers, and four captured columns in another order: the response, the request, and the label.
    headers = {"headers": ["sex", "income", "approved", "predicted"], "predicted_label": "predicted"}
    config = OF_TRAINING | headers | places
    rows = [row.split(",") for row in FAIR.splitlines()[1:]]
    table = "\n".join(f"{sex},{income},{label},{predicted}" for sex, _, income, label, predicted in rows)
    bench.baseline(table, config, dataset_format={"csv": {"header": False}})
    summary, found = checked_captures(bench, as_text, str, config)
    assert summary.violations == ()
    assert found == values(bench.metrics("baseline", "sex", "F"))


@pytest.mark.parametrize("headers", [["approved", "sex"], ["sex", "approved"]])
def test_headers_that_lack_a_feature_are_refused_though_they_are_as_many_with_the_label(bench, headers):
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    with pytest.raises(InvalidInput, match="headers names 1 feature besides the label, but the data has 2: name all"):
        checked_captures(bench, as_text, str, OF_TRAINING | {"headers": headers})


@pytest.mark.parametrize("excluded", ["id", 2])
def test_headers_of_training_data_may_name_what_is_not_sent_to_the_model(bench, excluded):
    # Four headers without the response, and four captured columns without the id.
    config = OF_TRAINING | {"headers": ["sex", "income", "id", "approved"], "excluded_columns": [excluded]}
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    _, found = checked_captures(bench, as_text, str, config)
    assert found | {"FT": None} == values(bench.metrics("baseline", "sex", "F"))


@pytest.mark.parametrize("truth", [("CSV", "7,{}".format), ("JSON", '{{"id": 7, "granted": {}}}'.format)])
def test_labels_that_the_configuration_does_not_find_are_refused_in_its_words(bench, truth):
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    with pytest.raises(InvalidInput, match="label of the analysis configuration") as refused:
        checked_captures(bench, as_text, truth[1], FEATURES_ALONE, encodings=("CSV", truth[0]))
    assert "ground_truth_attribute" not in refused.value.message
    with pytest.raises(InvalidInput, match="ground_truth_attribute"):
        checked_captures(
            bench, as_text, truth[1], FEATURES_ALONE, encodings=("CSV", truth[0]), ground_truth_attribute="approved"
        )
    with pytest.raises(InvalidInput, match=r"^UnknownColumn: label of the analysis configuration is 'granted', but "):
        bench.baseline(FAIR, OF_TRAINING | {"label": "granted"})


def test_names_of_features_need_headers_where_captures_have_no_names(bench):
    bench.baseline(FAIR, OF_TRAINING, **PREDICTED)
    with pytest.raises(
        InvalidInput, match="Its columns have no names: list the names of the features and of the label in"
    ):
        checked_captures(bench, as_text, str, OF_TRAINING)


def test_outputs_of_transform_jobs_meet_their_labels(bench, tmp_path):
    config = CONFIG | {"headers": ["sex", "region", "income", "approved"], "group_variable": "region"}
    rows = [row.split(",") for row in FAIR.splitlines()[1:]]
    ids = [f"{i:08x}-0000-4000-8000-000000000000" for i in range(len(rows))]
    moment = "2026-11-22T03:00:00Z"
    responses = [",".join((*row[:3], row[4], each, moment)) for row, each in zip(rows, ids, strict=True)]
    truths = [
        json.dumps(
            {
                "groundTruthData": {"data": row[3], "encoding": "CSV"},
                "eventMetadata": {"eventId": each},
                "eventVersion": "0",
            }
        )
        for row, each in zip(rows, ids, strict=True)
    ]
    for path, content in {
        "job/output/2026/11/22/03/a.json": json.dumps([{"prefix": "s3://bucket/job/"}, "0.csv.out"]),
        "job/objects/bucket/job/0.csv.out": "\n".join(responses),
        "labels/2026/11/22/03/a.jsonl": "\n".join(truths),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(
        "",
        config,
        dataset_source=tmp_path / "job",
        dataset_format={"batchTransform": {"csv": {"header": False}}},
        ground_truth_source=tmp_path / "labels",
        inference_attribute="3",
        start_time="2026-11-22T03:00:00Z",
        end_time="2026-11-22T04:00:00Z",
        sagemaker_monitoring_schedule_name="nightly",
    )
    assert summary.ground_truth is not None
    assert summary.ground_truth.matched == len(rows)
    assert values(bench.metrics("check", "sex", "F")) == values(bench.metrics("baseline", "sex", "F"))
    assert summary.violations == ()


def test_a_small_group_alerts_by_its_share_only_and_the_warning_says_what_else_is_beyond(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(applicants((1, 14, 0, 10), (100, 20, 40, 140)), CONFIG, **PREDICTED)
    assert [violation.metric_name for violation in summary.violations] == ["CI", "FD"]
    (warning,) = [text for text in summary.warnings if "fewer than 30" in text]
    assert warning.startswith("sex = F: 25 rows in the group, 300 outside it.")
    assert "metrics other than CI, FD are reported but never alert" in warning
    assert "FD" not in warning.partition("beyond the baseline: ")[2]
    assert "BA" in warning.partition("beyond the baseline: ")[2]
    assert "interval" in bench.metrics("check", "sex", "F")["DPPL"]


def test_drift_of_the_facet_itself_is_measured_and_held_against_its_range(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert bench.metrics("baseline", "sex", "F")["FD"]["range"] == [0.0, 0.1]
    summary = bench.check(applicants((24, 8, 8, 40), (180, 60, 60, 300)), CONFIG, **PREDICTED)
    drift = bench.metrics("check", "sex", "F")["FD"]
    assert drift["value"] == pytest.approx(200 / 500 - 80 / 680)  # by hand
    assert "FD" in {violation.model_extra["metric_name"] for violation in summary.violations}


def test_metrics_are_published_with_the_dimensions_of_sagemaker(bench):
    data = applicants((40, 60, 0, 60), (40, 10, 10, 60))
    names = {"sagemaker_endpoint_name": "e", "sagemaker_monitoring_schedule_name": "s"}
    bench.baseline(data, CONFIG, publish_cloudwatch_metrics="Enabled", **PREDICTED, **names)
    lines = [
        json.loads(line) for line in (bench.folder / "baseline" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    ]
    by_name = {line["MetricName"]: line for line in lines}
    assert by_name["bias_metric_TE"]["Value"] == 2.348543e108
    assert {each["Name"]: each["Value"] for each in by_name["bias_metric_CI"]["Dimensions"]} == {
        "Endpoint": "e",
        "MonitoringSchedule": "s",
        "BiasStage": "Pre-training",
        "Label": "approved",
        "LabelValue": "1",
        "Facet": "sex",
        "FacetValue": "F",
    }
    assert {"Name": "BiasStage", "Value": "Post-Training"} in by_name["bias_metric_DI"]["Dimensions"]
    assert "bias_metric_FT" not in by_name  # undefined: region is text


def test_the_value_farthest_from_no_bias_is_published_without_its_group(bench):
    # By hand: of 100 women 60, of 100 men 90, and of 10 others 1 were approved; the group of others is too small.
    rows = [
        f"{sex},{1 if i < approved else 0}"
        for sex, count, approved in (("F", 100, 60), ("M", 100, 90), ("X", 10, 1))
        for i in range(count)
    ]
    config = {"label": "approved", "label_values_or_threshold": [1], "facet": [{"name_or_index": "sex"}]}
    bench.baseline(
        "\n".join(["sex,approved", *rows]), config, publish_cloudwatch_metrics="Enabled",
        sagemaker_endpoint_name="e", sagemaker_monitoring_schedule_name="s",
    )  # fmt: skip
    lines = (bench.folder / "baseline" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    overall = {line["MetricName"]: line["Value"] for line in map(json.loads, lines) if len(line["Dimensions"]) == 2}
    # DPL is the share of the others' less the group's: women 91/110 - 60/100, men 61/110 - 90/100, which is farther.
    assert overall["bias_metric_DPL"] == pytest.approx(61 / 110 - 90 / 100)


def test_an_infinite_metric_is_published_with_its_sign(bench):
    # DCA is 0 of the women less 1/0 of the men.
    data = applicants((40, 0, 0, 60), (0, 40, 0, 60))
    bench.baseline(data, CONFIG, publish_cloudwatch_metrics="Enabled", **PREDICTED)
    lines = (bench.folder / "baseline" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    published = {line["MetricName"]: line["Value"] for line in map(json.loads, lines)}
    assert bench.metrics("baseline", "sex", "F")["TE"]["value"] == "-Infinity"
    assert (published["bias_metric_DCA"], published["bias_metric_TE"]) == (2.348543e108, -2.348543e108)


def test_the_flip_test_asks_as_many_neighbours_as_the_baseline_did(bench):
    # By hand: the woman's nearest man was rejected, the next four accepted; 11 men and 40 more women far away.
    rows = [
        "sex,x,approved,predicted",
        "F,1,1,1",
        "M,0.9,1,0",
        *(f"M,{5 + i},1,1" for i in range(40)),
        *["F,70,1,1"] * 40,
    ]
    data, config = "\n".join(rows), CONFIG | {"group_variable": None}
    imported = {
        "post_training_bias_metrics": {
            "facets": {"sex": [{"value_or_threshold": "F", "metrics": [{"name": "FT", "value": 0.01}]}]}
        }
    }
    summary = bench.check(data, config, imported, **PREDICTED)
    assert bench.metrics("check", "sex", "F")["FT"]["value"] == pytest.approx(1 / 41)
    assert [violation.model_extra["metric_name"] for violation in summary.violations] == ["FT"]
    bench.check(data, config | {"flip_test_neighbors": 5}, imported, **PREDICTED)
    assert bench.metrics("check", "sex", "F")["FT"]["value"] == 0.0
    bench.baseline(data, config, **PREDICTED)
    assert bench.report("baseline")["flip_test_neighbors"] == 5
    bench.check(data, config, **PREDICTED)
    assert bench.metrics("check", "sex", "F")["FT"]["value"] == 0.0


def test_whole_numbers_that_are_read_as_categories_are_reported_since_a_threshold_may_be_meant(bench):
    rows = "\n".join(["age,approved", *(f"{20 + i % 40},{i % 3 % 2}" for i in range(2000))])
    config = {"label": "approved", "label_values_or_threshold": [1]}
    facet = {"name_or_index": "age", "value_or_threshold": [40]}
    (warning,) = bench.baseline(rows, config | {"facet": [facet]}).warnings
    assert warning.startswith("age holds 40 whole numbers and is read as categories: the group has only the value 40.")
    summary = bench.baseline(rows, config | {"facet": [facet | {"data_type": "continuous"}]})
    assert summary.warnings == ()
    assert bench.metrics("baseline", "age", "(40, 59]")["CI"]["value"] == pytest.approx((21 - 19) / 40)


def test_a_rerun_reports_what_changed(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    bench.check(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(UNFAIR, CONFIG, previous_attempt_results=bench.folder / "check", **PREDICTED)
    assert any(change.startswith("DPPL of sex = F: ") for change in summary.changes)
    assert any(change.startswith("new violation: ") for change in summary.changes)
    assert not any(change.startswith("CI of") for change in summary.changes)


def test_a_rerun_reports_what_was_not_measured_or_cannot_be_compared(bench):
    config = CONFIG | {"facet": [{"name_or_index": "sex"}]}
    bench.baseline(FAIR, config, **PREDICTED)
    bench.check(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(FAIR, config, previous_attempt_results=bench.folder / "check", **PREDICTED)
    assert any(change.startswith("CI of sex = M: not measured before, ") for change in summary.changes)
    (bench.folder / "check" / "analysis.json").write_text("{}")
    summary = bench.check(FAIR, config, previous_attempt_results=bench.folder / "check", **PREDICTED)
    assert summary.changes == ("metrics are not compared: the previous attempt's analysis.json is not of bias",)


def test_intervals_depend_on_seed_replicates_and_level_alone(bench):
    def interval(**settings: object) -> list[float]:
        bench.baseline(FAIR, CONFIG, **PREDICTED, **settings)
        return bench.metrics("baseline", "sex", "F")["DPPL"]["interval"]

    first, again, other, wide = interval(), interval(), interval(seed=1), interval(confidence_level=0.99)
    assert first == again
    assert first != other
    assert wide[0] < first[0] < first[1] < wide[1]


def test_the_page_shows_every_metric(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    bench.check(UNFAIR, CONFIG, **PREDICTED)
    page = (bench.folder / "check" / "report.html").read_text()
    assert "Disparate Impact (DI)" in page
    assert "Bias Amplification (BA)" in page


# What may be wrong with the input


def test_a_facet_value_that_no_row_has_leaves_metrics_undefined_with_the_reason(bench):
    config = CONFIG | {"facet": [{"name_or_index": "sex", "value_or_threshold": ["X"]}]}
    summary = bench.baseline(FAIR, config, **PREDICTED)
    found = bench.metrics("baseline", "sex", "X")
    assert found["CI"] == {
        "name": "CI",
        "description": "Class Imbalance (CI)",
        "value": None,
        "error": "Facet set is empty: no row is in the group",
    }
    assert any(re.fullmatch("sex = X: [A-Z, ]+ are undefined: Facet set is.*", text) for text in summary.warnings)


def test_a_group_of_the_baseline_that_is_gone_violates_its_share(bench):
    config = CONFIG | {"facet": [{"name_or_index": "sex"}]}
    bench.baseline(FAIR, config, **PREDICTED)
    summary = bench.check(applicants((0, 0, 0, 0), (90, 30, 30, 150)), config, **PREDICTED)
    assert [(found.facet_value, found.metric_name) for found in summary.violations] == [("F", "FD"), ("M", "FD")]
    assert "Facet set is empty" in bench.metrics("check", "sex", "F")["DPL"]["error"]
    assert "Negated facet set is empty" in bench.metrics("check", "sex", "M")["DPL"]["error"]


NO_SEX = FAIR.replace("\nF,", "\n,").replace("\nM,", "\n,")


@pytest.mark.parametrize("data", [NO_SEX, NO_SEX.replace("\n,", "\nM,", 1), NO_SEX.replace("\n,", "\nX,", 5)])
@pytest.mark.parametrize("listed", [["F"], None])
def test_groups_of_the_baseline_that_no_row_belongs_to_are_gone_though_the_facet_has_hardly_a_value(
    bench, data, listed
):
    config = CONFIG | {"facet": [{"name_or_index": "sex", "value_or_threshold": listed}]}
    bench.baseline(FAIR, config, **PREDICTED)
    summary = bench.check(data, config, **PREDICTED)
    gone = "F" if listed or "\nM," in data else "FM"
    assert [(each.facet_value, each.metric_name) for each in summary.violations] == [(name, "FD") for name in gone]
    # By hand: of 500 applicants 200 were women, and 300 men.
    assert bench.metrics("check", "sex", "F")["FD"]["value"] == pytest.approx(200 / 500)
    without = data.count("\n,")
    names = ", ".join(f"sex = {name}" for name in gone)
    assert (
        f"no row is in {names}, so the rows outside include {without} rows without a value of sex" in summary.warnings
    )


def test_a_facet_of_numbers_that_has_become_text_has_lost_its_group(bench):
    bench.baseline(aged("20.5"), AGED, **PREDICTED)
    summary = bench.check(re.sub(r"\n([\d.]+),", r"\n\1 years,", aged("20.5")), AGED, **PREDICTED)
    assert [violation.metric_name for violation in summary.violations] == ["FD"]
    # By hand: 204 of 400 were above 40.
    assert bench.metrics("check", "age", "(40.0, 60.4]")["FD"]["value"] == pytest.approx(204 / 400)


def test_a_baseline_without_any_value_of_the_facet_has_no_share_of_it(bench):
    bench.baseline(NO_SEX, CONFIG, **PREDICTED)
    assert bench.metrics("baseline", "sex", "F")["FD"]["error"] == "there are no rows"


def test_with_one_label_only_some_metrics_are_undefined(bench):
    bench.baseline(applicants((50, 20, 0, 0), (60, 30, 0, 0)), CONFIG, **PREDICTED)
    found = bench.metrics("baseline", "sex", "F")
    assert found["CDDL"]["error"] == "No negative labels in set"
    assert found["DPL"]["value"] == 0.0


def test_labels_of_which_none_or_all_are_listed_are_reported(bench):
    summary = bench.baseline(FAIR, CONFIG | {"label_values_or_threshold": ["yes"]}, **PREDICTED)
    assert "no label is yes: check label_values_or_threshold. The data has 0, 1" in summary.warnings
    summary = bench.baseline(FAIR, CONFIG | {"label_values_or_threshold": [0, 1]}, **PREDICTED)
    assert "all labels are 0,1" in summary.warnings
    assert not any("label" in warning for warning in bench.baseline(FAIR, CONFIG, **PREDICTED).warnings)


def test_a_baseline_of_other_positive_labels_is_reported(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(FAIR, CONFIG | {"label_values_or_threshold": [0]}, **PREDICTED)
    warning = "the baseline's positive labels are 1, but here they are 0: the metrics are not comparable"
    assert warning in summary.warnings
    summary = bench.check(FAIR, CONFIG | {"label_values_or_threshold": ["1.0"]}, **PREDICTED)
    assert not any("positive labels" in warning for warning in summary.warnings)


def test_a_check_without_predictions_says_what_it_leaves_out(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    (warning,) = bench.check(FAIR, CONFIG).warnings
    assert warning.startswith("without predictions, the baseline's AD, BA, CBA, CDDPL, ")
    assert "probability_attribute" in warning
    bench.baseline(FAIR, CONFIG)
    assert bench.check(FAIR, CONFIG).warnings == ()


def test_groups_and_metrics_that_only_the_baseline_or_only_the_check_has_are_reported(bench):
    sex, region, income = (
        {"name_or_index": name, "value_or_threshold": listed}
        for name, listed in (("sex", ["F"]), ("region", ["N"]), ("income", [22, 23]))
    )
    bench.baseline(FAIR, CONFIG | {"facet": [income, sex]})
    warnings = bench.check(FAIR, CONFIG | {"facet": [income, region]}, **PREDICTED).warnings
    assert "the baseline does not have region = N: not compared" in warnings
    assert "the baseline has sex = F, which the configuration does not name: not checked" in warnings
    (lacking,) = [warning for warning in warnings if warning.startswith("the baseline has no AD, BA, ")]
    assert lacking.endswith("TE: reported but not compared")


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ({}, {"facet": [{"name_or_index": "region"}]}, "its facets are sex, but those of the configuration are region"),
        (
            {},
            {"facet": [{"name_or_index": "sex", "value_or_threshold": ["M"]}]},
            "its groups of sex are different ones",
        ),
        (
            {"methods": {"pre_training_bias": {"methods": ["DPL", "KS"]}}},
            {"methods": {"pre_training_bias": {"methods": ["JS"]}}},
            "it has DPL, KS, but JS are measured",
        ),
        ({"methods": {"pre_training_bias": {"methods": ["CDDL"]}}, "group_variable": None}, {}, "it has no value of"),
    ],
)
def test_a_check_that_compares_nothing_is_refused_with_the_reason(bench, before, now, reason):
    bench.baseline(FAIR, CONFIG | before)
    with pytest.raises(InvalidInput, match=f"nothing can be compared with the baseline: {reason}") as refused:
        bench.check(FAIR, CONFIG | now)
    assert refused.value.code == "NothingCompared"
    assert "F" not in refused.value.message.replace("FD", "")  # which may be a value of a row


@pytest.mark.parametrize(("before", "now"), [("sex", 0), (0, "sex"), ("0", 0)])
def test_a_facet_is_the_same_by_its_name_and_by_its_index(bench, before, now):
    facets = [CONFIG | {"facet": [{"name_or_index": each, "value_or_threshold": ["F"]}]} for each in (before, now)]
    bench.baseline(FAIR, facets[0], **PREDICTED)
    summary = bench.check(UNFAIR, facets[1], **PREDICTED)
    assert "DPPL" in {violation.metric_name for violation in summary.violations}


def test_a_facet_of_data_without_names_is_the_same_once_headers_name_it(bench):
    unnamed = {"dataset_format": {"csv": {"header": False}}, "inference_attribute": "4"}
    config = {**CONFIG, "label": 3, "facet": [{"name_or_index": 0, "value_or_threshold": ["F"]}], "group_variable": 1}
    bench.baseline(FAIR.split("\n", 1)[1], config, **unnamed)
    named = CONFIG | {"headers": ["sex", "region", "income", "approved", "predicted"]}
    summary = bench.check(UNFAIR.split("\n", 1)[1], named, **unnamed)
    assert {"_c0"} == {violation.facet for violation in summary.violations}
    unnamed_captures = captures()[0]
    with pytest.raises(
        InvalidInput, match=r"its facets are _c0, but those of the configuration are sex\. To compare, name"
    ):
        bench.check(
            unnamed_captures,
            CAPTURED,
            dataset_format={"sagemakerCaptureJson": {}},
            inference_attribute="predictions[*].predicted_label",
            **PATHS,
        )


def test_listed_values_are_one_group_in_any_order(bench):
    def regions(*listed: str) -> Mapping[str, object]:
        return CONFIG | {"facet": [{"name_or_index": "income", "value_or_threshold": list(listed)}]}

    bench.baseline(FAIR, regions("20", "21"), **PREDICTED)
    rejected = re.sub(r"(,2[01],[01]),1\n", r"\1,0\n", FAIR)
    found = [
        {each.metric_name: each.facet_value for each in bench.check(rejected, config, **PREDICTED).violations}
        for config in (regions("20", "21"), regions("21", "20"), regions("21.0", "20", "21"))
    ]
    assert found[0]["DPPL"] == "20,21"
    assert found == [found[0]] * 3
    assert [
        warning for warning in bench.check(FAIR, regions("21", "20"), **PREDICTED).warnings if "F" not in warning
    ] == []


def test_listed_labels_are_the_same_in_any_order(bench):
    graded = FAIR.replace(",1,", ",a,").replace("0,1\n", "0,b\n").replace(",0,", ",c,")
    bench.baseline(graded, CONFIG | {"label_values_or_threshold": ["a", "b"]})
    summary = bench.check(graded, CONFIG | {"label_values_or_threshold": ["b", "a"]})
    assert summary.warnings == ()
    assert bench.report("check")["pre_training_bias_metrics"]["label_value_or_threshold"] == "a,b"


def test_values_with_commas_that_nobody_listed_are_groups_of_their_own(bench):
    data = FAIR.replace("\nF,", '\n"a,b",').replace("\nM,", '\n"b,a",')
    config = CONFIG | {"facet": [{"name_or_index": "sex"}]}
    bench.baseline(data, config)
    bench.check(data, config)
    rows = [
        [(entry["value_or_threshold"], entry["rows"]) for entry in stage["facets"]["sex"]]
        for stage in (bench.report(each)["pre_training_bias_metrics"] for each in ("baseline", "check"))
    ]
    assert rows == [[("a,b", 200), ("b,a", 300)]] * 2


@pytest.mark.parametrize("listed", [[], ["(17, 30]"], ["(17, 30]", "(30, 45]"]])
def test_a_facet_of_intervals_is_read_as_categories_against_its_baseline_too(bench, listed):
    # As pandas.cut names them; groups of numbers above a threshold have such names, too.
    data = FAIR.replace("\nF,", '\n"(17, 30]",').replace("\nM,", '\n"(30, 45]",') + '"(45, 70]",N,20,1,1\n'
    config = CONFIG | {"facet": [{"name_or_index": "sex", "value_or_threshold": listed}]}
    bench.baseline(data, config)
    bench.check(data, config)
    groups = [
        [(entry["value_or_threshold"], entry["rows"]) for entry in stage["facets"]["sex"]]
        for stage in (bench.report(each)["pre_training_bias_metrics"] for each in ("baseline", "check"))
    ]
    expected = [("(17, 30]", 200), ("(30, 45]", 300), ("(45, 70]", 1)]
    assert groups == [[(",".join(listed), 200 + 300 * (len(listed) > 1))] if listed else expected] * 2


def test_labels_of_intervals_are_read_as_categories_against_their_baseline_too(bench):
    banded = FAIR.replace(",1,", ',"(50, 100]",').replace(",0,", ',"(0, 50]",')
    config = CONFIG | {"label_values_or_threshold": ["(50, 100]"]}
    bench.baseline(banded, config)
    bench.check(banded, config)
    found = [bench.metrics(output, "sex", "F")["DPL"]["value"] for output in ("baseline", "check")]
    assert found == [pytest.approx(120 / 300 - 80 / 200, abs=1e-12)] * 2


def test_without_predicted_positives_disparate_impact_is_undefined(bench):
    summary = bench.baseline(applicants((0, 50, 0, 50), (0, 60, 0, 60)), CONFIG, **PREDICTED)
    found = bench.metrics("baseline", "sex", "F")
    assert found["DI"]["error"].startswith("No Label values are present in the predicted Label Column")
    assert found["DPL"]["value"] == pytest.approx(0.0)
    assert any("No Label values are present" in warning for warning in summary.warnings)


def test_metrics_that_are_undefined_in_the_baseline_are_named_where_they_are_not_compared(bench):
    bench.baseline(applicants((0, 50, 0, 50), (0, 60, 0, 60)), CONFIG, **PREDICTED)
    summary = bench.check(UNFAIR, CONFIG, **PREDICTED)
    (warning,) = [each for each in summary.warnings if "not compared" in each]
    assert warning.startswith("sex = F: the baseline has no value of AD, ")
    assert {"DI", "DPPL"} <= set(warning.removeprefix("sex = F: the baseline has no value of ").split(", "))


def test_spellings_of_true_are_one_value_and_no_warning(bench):
    mixed = FAIR.replace("F,N", "TRUE,N").replace("F,S", "True,S").replace("M,N", "false,N").replace("M,S", "0,S")
    config = CONFIG | {"facet": [{"name_or_index": "sex", "value_or_threshold": ["true"]}]}
    summary = bench.baseline(mixed, config)
    assert not any("counted as different" in warning for warning in summary.warnings)
    named = FAIR.replace("F,N", "f,N")
    assert any("F, f" in warning for warning in bench.baseline(named, CONFIG).warnings)


@pytest.mark.parametrize(("column", "what"), [("approved", "labels"), ("predicted", "predictions")])
def test_a_facet_that_is_the_column_of_labels_or_predictions_is_refused(bench, column, what):
    config = CONFIG | {"facet": [{"name_or_index": column, "value_or_threshold": [1]}]}
    with pytest.raises(InvalidInput, match=f"the facet '{column}' is the column of {what}") as refused:
        bench.baseline(FAIR, config, **PREDICTED)
    assert refused.value.code == "InvalidAnalysisConfig"


def test_headers_in_another_order_do_not_make_a_facet_of_the_labels(bench):
    rows = "\n".join(FAIR.splitlines()[1:])
    config = CONFIG | {"headers": ["predicted", "approved", "region", "income", "sex"], "label": None}
    settings = {"dataset_format": {"csv": {"header": False}}, "ground_truth_attribute": "4"}
    with pytest.raises(InvalidInput, match="headers must name the features in their order, and then the label"):
        bench.baseline(rows, config, **settings)


def test_without_a_group_variable_conditional_disparity_is_undefined(bench):
    summary = bench.baseline(FAIR, {name: value for name, value in CONFIG.items() if name != "group_variable"})
    assert bench.metrics("baseline", "sex", "F")["CDDL"]["error"] == "Group variable is empty or not provided"
    assert summary.warnings == ()  # it was not requested


def test_features_that_are_not_numbers_leave_the_flip_test_undefined(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    error = bench.metrics("baseline", "sex", "F")["FT"]["error"]
    assert error == "FlipTest does not support non-numeric columns: region"


def test_features_that_lack_values_leave_the_flip_test_undefined(bench):
    config = CONFIG | {"group_variable": None}
    rows = [
        "sex,income,approved,predicted",
        *(f"{'FM'[i % 2]},{i % 5 or ''},{i % 3 % 2},{i % 7 % 2}" for i in range(100)),
    ]
    bench.baseline("\n".join(rows), config, **PREDICTED)
    error = bench.metrics("baseline", "sex", "F")["FT"]["error"]
    assert error == "FlipTest does not support missing values: income"


def test_rows_that_lack_a_label_a_prediction_or_a_facet_are_left_out_and_counted(bench):
    rows = FAIR.splitlines()
    rows[1], rows[2], rows[3] = "F,N,20,,1", "F,N,20,1,", ",N,20,1,1"
    summary = bench.baseline("\n".join(rows), CONFIG, **PREDICTED)
    assert "1 row without a label was left out" in summary.warnings
    assert "1 row without a prediction was left out" in summary.warnings
    assert "1 row without a value of sex was left out of its metrics" in summary.warnings
    assert bench.metrics("baseline", "sex", "F")["CI"]["value"] == pytest.approx((300 - 197) / 497)


@pytest.mark.parametrize(
    ("config", "settings", "code", "named"),
    [
        (CONFIG | {"facet": [{"name_or_index": "gender"}]}, {}, "UnknownColumn", "facet is 'gender'"),
        (CONFIG | {"facet": [{"name_or_index": 17}]}, {}, "UnknownColumn", "facet is 17"),
        (CONFIG | {"group_variable": "county"}, {}, "UnknownColumn", "group_variable is 'county'"),
        (CONFIG | {"label": "granted"}, {}, "UnknownColumn", "'granted'"),
        (CONFIG | {"label": None}, {}, "LabelsNotGiven", "ground_truth_attribute"),
        (CONFIG, {"inference_attribute": "guess"}, "UnknownColumn", "'guess'"),
        (CONFIG | {"facet": [{"name_or_index": "income", "data_type": "continuous"}]}, {}, "ThresholdMissing", "inc"),
        (
            CONFIG | {"facet": [{"name_or_index": "income", "value_or_threshold": ["low"], "data_type": "continuous"}]},
            {},
            "ThresholdNotNumeric",
            "income",
        ),
        (CONFIG | {"facet": []}, {}, "InvalidAnalysisConfig", "facet"),
        (CONFIG | {"label_values_or_threshold": []}, {}, "InvalidAnalysisConfig", "label_values_or_threshold"),
        ([], {}, "InvalidAnalysisConfig", "must be an object"),
        (CONFIG | {"methods": {"pre_training_bias": {"methods": ["DPX"]}}}, {}, "InvalidAnalysisConfig", "DPX"),
        (CONFIG | {"facet": [{"name_or_index": "sex"}] * 2}, {}, "InvalidAnalysisConfig", "more than once"),
        (CONFIG | {"facet": [{"name_or_index": True}]}, {}, "InvalidAnalysisConfig", "must be a name or an index$"),
        (CONFIG | {"group_variable": ["region"]}, {}, "InvalidAnalysisConfig", "must be a name or an index$"),
        (CONFIG | {"group_varable": "region"}, {}, "InvalidAnalysisConfig", "did you mean group_variable"),
        (CONFIG | {"probability_treshold": 0.9}, {}, "InvalidAnalysisConfig", "did you mean probability_threshold"),
        (
            CONFIG | {"facet": [{"name_or_index": "sex", "value_or_treshold": ["F"]}]},
            {},
            "InvalidAnalysisConfig",
            r"facet\[0\]: value_or_treshold: there is no such key; did you mean value_or_threshold",
        ),
        (
            CONFIG | {"methods": {"pre_training_bias": {"method": ["CI"]}}},
            {},
            "InvalidAnalysisConfig",
            "did you mean methods",
        ),
        (
                CONFIG | {"excluded_columns": ["incme"]},
                PREDICTED,
                "UnknownColumn",
                "excluded_columns names 'incme'.*'income'",
            ),
        (CONFIG | {"label_values_or_threshold": [[1]]}, {}, "InvalidAnalysisConfig", "a list of values: text, numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_analysed_is_refused_by_name(bench, config, settings, code, named):
    with pytest.raises(InvalidInput, match=named) as refused:
        bench.baseline(FAIR, config, **settings)
    assert refused.value.code == code


ONE_METRIC = {
    "pre_training_bias_metrics": {
        "facets": {"sex": [{"value_or_threshold": "F", "metrics": [{"name": "CI", "value": 0}]}]}
    }
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "JSON"),
        ({}, "no bias metrics"),
        ({"pre_training_bias_metrics": {"facets": {"sex": [{"metrics": []}]}}}, "value_or_threshold"),
        (
            {
                "pre_training_bias_metrics": {
                    "facets": {"sex": [{"value_or_threshold": "F", "metrics": [{"name": "CI", "value": "0.1"}]}]}
                }
            },
            "must be a number",
        ),
        (
            json.dumps(ONE_METRIC).replace('"value": 0', '"value":NaN'),
            "must be a number",
        ),
        (
            json.dumps(ONE_METRIC).replace('"value": 0', '"range":[1e400,null]'),
            "must be a number",
        ),
        (
            {
                "pre_training_bias_metrics": {
                    "facets": {"sex": [{"value_or_threshold": "F", "metrics": [{"name": "CI", "range": [1, 0]}]}]}
                }
            },
            "range must be",
        ),
    ],
)
def test_constraints_that_are_invalid_are_refused_with_their_place(bench, content, message):
    with pytest.raises(InvalidInput, match=message) as refused:
        bench.check(FAIR, CONFIG, content)
    assert refused.value.code == "InvalidConstraints"


def test_what_constraints_have_in_vain_is_named(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    constraints = bench.report("baseline")
    assert (
        bench.check(FAIR, CONFIG, constraints, **PREDICTED).warnings == bench.check(FAIR, CONFIG, **PREDICTED).warnings
    )
    (entry,) = constraints["post_training_bias_metrics"]["facets"]["sex"]
    edited = next(metric for metric in entry["metrics"] if metric["name"] == "DPPL")
    edited["rnage"] = [-0.0001, edited.pop("range")[1]]
    entry["metrics"].append({"name": "ZZZ", "value": 0.1})
    constraints["false_alarm_rat"] = 0.1
    warnings = bench.check(FAIR, CONFIG, constraints, **PREDICTED).warnings
    ignored = "the constraints file has keys without a meaning there, which were ignored: false_alarm_rat, rnage"
    assert ignored in warnings
    assert "the constraints file has unknown metrics, which were ignored: ZZZ" in warnings


def test_all_that_sagemakers_own_baselines_have_is_known(bench):
    entry = {
        "value_or_threshold": "F",
        "metrics": [
            {"name": "CI", "description": "Class Imbalance (CI)", "value": 0.2},
            {"name": "KL", "description": "Kullback-Liebler Divergence (KL)", "value": "Infinity"},
            {"name": "CDDL", "description": "...", "value": None, "error": "Group variable is empty or not provided"},
        ],
    }
    stage = {"label": "approved", "facets": {"sex": [entry]}, "label_value_or_threshold": "1"}
    explanations = {"kernel_shap": {"label0": {"global_shap_values": {"income": 0.1}, "expected_value": 0.2}}}
    document = {"version": "1.0", "explanations": explanations, "pre_training_bias_metrics": stage}
    assert not any("ignored" in warning for warning in bench.check(FAIR, CONFIG, document).warnings)


def test_without_a_configuration_there_is_nothing_to_do(tmp_path):
    (tmp_path / "data.csv").write_text(FAIR)
    settings = analysis_settings(
        dataset_source=tmp_path / "data.csv", analysis_type="MODEL_BIAS", output_path=tmp_path / "output"
    )
    with pytest.raises(InvalidInput) as refused:
        analyze(settings)
    assert refused.value.code == "InvalidAnalysisConfig"


def test_a_facet_of_too_many_values_and_a_group_variable_of_too_many_are_refused(bench):
    facet = {"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "id"}]}
    group = facet | {"facet": [{"name_or_index": "id", "value_or_threshold": ["p1"]}], "group_variable": "id"}
    for config, most, code in ((facet, 100, "TooManyFacetValues"), (group, 1000, "TooManyGroups")):
        rows = ["id,y", *(f"p{i},{i % 2}" for i in range(most)), ",1"]
        bench.baseline("\n".join(rows), config, bootstrap_replicates=100)
        with pytest.raises(InvalidInput, match=f"'id' has more than {most} distinct values") as refused:
            bench.baseline("\n".join([*rows, "another,1"]), config)
        assert refused.value.code == code


SPELLED = [("F", 1, 1)] * 20 + [("F", 0, 0)] * 30 + [("M", 1, 1)] * 40 + [("M", 0, 1)] * 10 + [("M", 0, 0)] * 25


def spelled(change) -> str:
    """Write 50 women and 75 men, spelled by a function of sex, label, prediction and place."""
    rows = (",".join(change(*row, place)) for place, row in enumerate(SPELLED))
    return "\n".join(["sex,approved,predicted", *rows]) + "\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda sex, label, prediction, _: (sex, str(label), str(prediction)),
        lambda sex, label, prediction, place: (f" {sex}" if place % 2 else sex, str(label), str(prediction)),
        lambda sex, label, prediction, _: (sex, str(label), f" {prediction}"),
        lambda sex, label, prediction, _: (f"{sex} ", f" {label}", f"{prediction} "),
        lambda sex, label, prediction, _: (f"\u00a0{sex}", f"{label}.0", f"0{prediction}"),
        lambda sex, label, prediction, _: (f'"{sex}\t"', str(label), str(prediction)),
    ],
)
def test_blanks_around_values_make_no_group_of_their_own(bench, change):
    bench.baseline(spelled(change), CONFIG | {"group_variable": None}, **PREDICTED)
    metrics = values(bench.metrics("baseline", "sex", "F"))
    # By hand: (75 - 50) / 125; 40/75 - 20/50 of the labels; 50/75 - 20/50 of the predictions, and their ratio.
    assert metrics["CI"] == 0.2
    assert metrics["DPL"] == pytest.approx(40 / 75 - 20 / 50, rel=1e-14)
    assert metrics["DPPL"] == pytest.approx(50 / 75 - 20 / 50, rel=1e-14)
    assert metrics["DI"] == pytest.approx((20 / 50) / (50 / 75), rel=1e-14)


def test_the_two_unicode_forms_and_all_spellings_of_a_number_are_one_group(bench):
    rows = [f"{name},1,1" for name in ("e\u0301", "\u00e9", "1", "1.0")] + ["b,0,0"] * 4
    config = CONFIG | {"group_variable": None, "facet": [{"name_or_index": "sex"}]}
    bench.baseline("sex,approved,predicted\n" + "\n".join(rows) + "\n", config, **PREDICTED)
    groups = bench.report("baseline")["pre_training_bias_metrics"]["facets"]["sex"]
    assert sorted((group["value_or_threshold"], group["rows"]) for group in groups) == [
        ("1", 2),
        ("b", 4),
        ("\u00e9", 2),
    ]


def test_groups_called_by_long_numbers_are_equal_as_decimals(bench):
    rows = [f"{2**53},1,1"] * 3 + [f"{2**53 + 1},0,0"] * 2 + [f"{2**53 + 1}.0,1,0"] * 2 + ["5,1,1"] * 40
    data = "sex,approved,predicted\n" + "\n".join(rows) + "\n"
    for listed in ([2**53 + 1], [f"{2**53 + 1}"]):
        facet = {"name_or_index": "sex", "value_or_threshold": listed, "data_type": "categorical"}
        bench.baseline(data, CONFIG | {"group_variable": None, "facet": [facet]}, **PREDICTED)
        (group,) = bench.report("baseline")["pre_training_bias_metrics"]["facets"]["sex"]
        assert group["rows"] == 4
    facet = {"name_or_index": "sex", "data_type": "categorical"}
    bench.baseline(data, CONFIG | {"group_variable": None, "facet": [facet]}, **PREDICTED)
    groups = bench.report("baseline")["pre_training_bias_metrics"]["facets"]["sex"]
    assert [group["rows"] for group in groups] == [40, 3, 4]


AGES = [20.5 + i / 10 for i in range(400)]


def aged(stray: str) -> str:
    rows = [f"{stray if i == 7 else age},{int(i % 3 == 0)},{int(i % 4 == 0)}" for i, age in enumerate(AGES)]
    return "age,approved,predicted\n" + "\n".join(rows) + "\n"


AGED = CONFIG | {"group_variable": None, "facet": [{"name_or_index": "age", "value_or_threshold": [40]}]}


@pytest.mark.slow
@pytest.mark.parametrize("stray", ["", "nan", "NaN", "None", "N/A", "unknown", "inf", "-Infinity", "?", "40 years"])
def test_a_stray_value_of_a_continuous_facet_is_left_out_and_makes_no_category_of_the_others(bench, stray):
    summary = bench.baseline(aged(stray), AGED, **PREDICTED)
    (group,) = bench.report("baseline")["pre_training_bias_metrics"]["facets"]["age"]
    # By hand: ages above 40 are those from place 196 on; place 7 is left out of the others.
    assert (group["value_or_threshold"], group["rows"]) == ("(40.0, 60.4]", 204)
    metrics = values(bench.metrics("baseline", "age", "(40.0, 60.4]"))
    assert metrics["CI"] == (195 - 204) / 399
    assert "1 row without a value of age was left out of its metrics" in summary.warnings
    if stray in ("unknown", "inf", "-Infinity", "?", "40 years"):
        assert "1 of 400 values of age are not numbers and were left out" in summary.warnings
    bench.baseline(aged("20.5"), AGED, **PREDICTED)
    bench.check(aged(stray), AGED, **PREDICTED)
    assert values(bench.metrics("check", "age", "(40.0, 60.4]"))["CI"] == (195 - 204) / 399


def test_a_facet_of_many_values_that_are_no_numbers_says_why_it_is_read_as_categories(bench):
    data = aged("20.5").replace("\n2", "\nabout 2")
    summary = bench.baseline(data, AGED, **PREDICTED)
    (warning,) = [each for each in summary.warnings if "so it is read as categories" in each]
    assert warning.startswith("95 of 400 values of age are not numbers")
    assert '"data_type": "continuous"' in warning
    facet = {"name_or_index": "age", "value_or_threshold": [40], "data_type": "continuous"}
    summary = bench.baseline(data, AGED | {"facet": [facet]}, **PREDICTED)
    assert values(bench.metrics("baseline", "age", "(40.0, 60.4]"))["CI"] == (101 - 204) / 305
    assert "95 of 400 values of age are not numbers and were left out" in summary.warnings


def test_labels_that_are_no_numbers_where_a_number_is_compared_are_left_out(bench):
    rows = [f"{'FM'[i % 2]},{i / 10}" for i in range(200)]
    rows[3], rows[4] = "M,unknown", "F,nan"
    config = CONFIG | {"group_variable": None, "label_values_or_threshold": [10.5]}
    summary = bench.baseline("sex,approved\n" + "\n".join(rows) + "\n", config)
    assert bench.metrics("baseline", "sex", "F")["CI"]["value"] == 0
    assert "1 row without a label was left out" in summary.warnings
    assert "1 row whose label is not a number was left out" in summary.warnings


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"facet": [{"name_or_index": "sex", "value_or_threshold": ["female"]}]},
            "no value of sex is in its group: the configuration lists female, the data has F, M. Check the spelling",
        ),
        (
            {"facet": [{"name_or_index": "sex", "value_or_threshold": ["w", "x", "y"]}]},
            "no value of sex is in its group: the configuration lists w, x, ..., the data has F, M",
        ),
        ({"label_values_or_threshold": ["yes"]}, "no label is yes: check label_values_or_threshold. The data has 0"),
    ],
)
def test_a_configuration_that_names_nothing_of_the_data_is_reported_with_examples(bench, config, said):
    summary = bench.baseline(FAIR, CONFIG | config, **PREDICTED)
    assert any(warning.startswith(said) for warning in summary.warnings)


def test_predictions_that_are_never_positive_are_reported_with_examples(bench):
    data = FAIR.replace(",1\n", ",yes\n").replace(",0\n", ",no\n")
    summary = bench.baseline(data, CONFIG, **PREDICTED)
    assert "no prediction is 1: the predictions are no, yes, but the labels are 0, 1" in summary.warnings


@pytest.mark.parametrize("certain", ["1.00", "0.99"])
def test_probabilities_that_are_named_as_predictions_are_reported_though_one_is_rounded_to_1(bench, certain):
    values = iter([certain, "0.41", "0.87", *(["0.2"] * 1_000)])
    head, *rows = FAIR.splitlines()
    data = "\n".join([head, *(f"{row.rpartition(',')[0]},{next(values)}" for row in rows)])
    summary = bench.baseline(data, CONFIG, **PREDICTED)
    said = [each for each in summary.warnings if "If these are probabilities, name them with probability_att" in each]
    assert len(said) == 1


def test_classes_that_are_written_as_fractions_are_not_taken_for_probabilities(bench):
    summary = bench.baseline(FAIR.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n"), CONFIG, **PREDICTED)
    assert not any("probabilities" in each for each in summary.warnings)


def test_a_listed_value_is_a_value_though_it_is_spelled_as_missing(bench):
    data = "sex,approved,predicted\n" + "NA,1,1\n" * 40 + "b,0,0\n" * 40 + "nan,1,1\n" * 7
    config = CONFIG | {"group_variable": None, "facet": [{"name_or_index": "sex", "value_or_threshold": ["NA"]}]}
    summary = bench.baseline(data, config, **PREDICTED)
    assert values(bench.metrics("baseline", "sex", "NA"))["CI"] == 0
    assert "7 rows without a value of sex were left out of its metrics" in summary.warnings
