"""Predictions without labels: the metrics that need none, and a word about the others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus
from tests.bias.reference import counted
from tests.bias.test_analysis import CAPTURED, CONFIG, FAIR, PATHS, PREDICTED, UNFAIR, captures, values

WITHOUT = {"CDDPL", "CI", "DI", "DPPL", "FD", "FT"}
NO_LABEL = {name: value for name, value in CONFIG.items() if name != "label"}

# As the API document writes it: neither a label nor a group variable is named.
DOCUMENTED = {
    "label_values_or_threshold": [1],
    "facet_name": "gender",
    "facet_values_or_threshold": [0],
    "predicted_label_name": "prediction",
}


def without_labels(rows: str) -> str:
    """Drop the column of labels."""
    cells = [row.split(",") for row in rows.splitlines()]
    return "\n".join(",".join([*row[:3], row[4]]) for row in cells)


def numeric(rows: str) -> str:
    """Write the texts as numbers, so that there is a flip test."""
    return rows.replace("F,", "1,").replace("M,", "0,").replace("N,", "1,").replace("S,", "0,")


def left_out(warnings: tuple[str, ...]) -> str:
    (found,) = [warning for warning in warnings if warning.startswith("there are no labels, so ")]
    return found


BOOLEANS = st.lists(st.booleans(), min_size=12, max_size=12)


@settings(max_examples=30)
@given(BOOLEANS, BOOLEANS, st.lists(st.integers(0, 1), min_size=12, max_size=12), BOOLEANS)
def test_a_metric_that_needs_no_labels_is_the_same_whatever_the_labels_are(facet, predicted, group, label):
    rows = np.array(facet), np.array(label), np.array(predicted), np.array([*group[:-1], 1])
    unlabelled = counted(rows[0], rows[1] & False, *rows[2:])
    for metric in METRICS.values():
        if not metric.needs_labels:
            assert metric.value(counted(*rows)) == metric.value(unlabelled), metric.name


def test_every_other_metric_depends_on_the_labels():
    generator = np.random.default_rng(3)
    facet, label, other, predicted = generator.random((4, 60)) < 0.5
    group = generator.integers(0, 2, 60)
    dependent = {
        name
        for name, metric in METRICS.items()
        if not isinstance(value := metric.value(counted(facet, label, predicted, group)), Undefined)
        and value != metric.value(counted(facet, other, predicted, group))
    }
    assert dependent == {name for name, metric in METRICS.items() if metric.needs_labels} == METRICS.keys() - WITHOUT


def test_the_example_of_the_api_document_makes_a_baseline_of_the_metrics_that_need_no_label(bench):
    rows = ["gender,income,prediction", *(f"{i % 2},{i % 7},{int(i % 3 == 0 or i % 4 == 1)}" for i in range(120))]
    summary = bench.baseline("\n".join(rows), DOCUMENTED)
    assert summary.status is OutcomeStatus.COMPLETED
    report = bench.report("baseline", "constraints.json")
    stage = report["post_training_bias_metrics"]
    assert (stage["label"], stage["label_value_or_threshold"]) == ("prediction", "1")
    found = values(bench.metrics("baseline", "gender", "0"))
    assert found.keys() == WITHOUT
    # By hand: of the women (even i) those with i % 6 == 0 are accepted, of the men those with i % 6 == 3 or i % 4 == 1.
    assert found["DPPL"] == pytest.approx(40 / 60 - 20 / 60)
    assert found["DI"] == pytest.approx(20 / 40)
    assert isinstance(found["FT"], float)
    assert bench.metrics("baseline", "gender", "0")["DPPL"]["range"][1] > 1 / 3
    assert left_out(summary.warnings) == (
        "there are no labels, so AD, BA, CBA, DAR, DCA, DCR, DRR, GE, RD, SD, TE, CDDL, DPL, JS, KL, KS, LP, TVD are "
        "left out: give labels in files of their own (ground truth), or name their column with ground_truth_attribute"
    )


def test_what_needs_no_labels_is_the_same_with_and_without_them(bench):
    facet = {"facet": [{"name_or_index": "sex"}]}
    bench.baseline(numeric(FAIR), CONFIG | facet, **PREDICTED)
    expected = {name: value for name, value in values(bench.metrics("baseline", "sex", "1")).items() if name in WITHOUT}
    bench.baseline(numeric(without_labels(FAIR)), NO_LABEL | facet, **PREDICTED)
    assert values(bench.metrics("baseline", "sex", "1")) == expected
    assert None not in expected.values()


def test_a_check_without_labels_violates_by_predictions_alone_and_names_once_what_is_not_compared(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(without_labels(UNFAIR), NO_LABEL, **PREDICTED)
    assert summary.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
    assert {violation.metric_name for violation in summary.violations} == {"CDDPL", "DPPL"}
    assert "the baseline's AD, BA, DAR, DCA, " in left_out(summary.warnings)
    assert "CBA, DAR" in left_out(summary.warnings)
    assert len([warning for warning in summary.warnings if "RD" in warning]) == 1
    assert values(bench.metrics("check", "sex", "F")).keys() == WITHOUT


def test_a_check_with_labels_against_a_baseline_without_any_compares_what_both_have(bench):
    bench.baseline(without_labels(FAIR), NO_LABEL, **PREDICTED)
    summary = bench.check(UNFAIR, CONFIG, **PREDICTED)
    assert {violation.metric_name for violation in summary.violations} == {"CDDPL", "DPPL"}
    (lacking,) = [warning for warning in summary.warnings if warning.startswith("the baseline has no ")]
    assert lacking.startswith("the baseline has no AD, BA, DAR, ")
    assert lacking.endswith(", TVD: reported but not compared")


@pytest.mark.parametrize("label", ["Target", "instances[*].label"])
@pytest.mark.parametrize(
    "predictions",
    [{"inference_attribute": "predictions[*].predicted_label"}, {"probability_attribute": "predictions[*].score"}],
)
def test_captures_that_are_not_merged_with_labels_give_what_the_table_gives(bench, label, predictions):
    record = json.loads(captures()[0])
    del record["groundTruthData"]
    config = CAPTURED | {"label": label}
    summary = bench.baseline(
        json.dumps(record),
        config,
        dataset_format={"sagemakerCaptureJson": {}},
        features_attribute=PATHS["features_attribute"],
        **predictions,
    )
    left_out(summary.warnings)
    found = values(bench.metrics("baseline", "sex", "1"))
    bench.baseline(numeric(without_labels(FAIR)), NO_LABEL | {"facet": CAPTURED["facet"]}, **PREDICTED)
    assert found == values(bench.metrics("baseline", "sex", "1"))


def test_headers_name_the_features_of_captured_text_though_they_are_as_many_as_its_columns(bench):
    rows = [row.split(",") for row in numeric(FAIR).splitlines()[1:]]
    sides = {
        "endpointInput": {"data": "\n".join(",".join(row[:3]) for row in rows), "encoding": "CSV", "mode": "INPUT"},
        "endpointOutput": {"data": "\n".join(row[4] for row in rows), "encoding": "CSV", "mode": "OUTPUT"},
    }
    event = {"eventId": "a", "inferenceTime": "2026-01-01T00:00:00Z"}
    record = json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"})
    bench.baseline(record, CAPTURED, dataset_format={"sagemakerCaptureJson": {}})
    found = values(bench.metrics("baseline", "sex", "1"))
    bench.baseline(numeric(without_labels(FAIR)), NO_LABEL | {"facet": CAPTURED["facet"]}, **PREDICTED)
    assert found == values(bench.metrics("baseline", "sex", "1"))


def test_labels_that_the_settings_name_are_required_of_captures(bench):
    record = json.loads(captures()[0])
    del record["groundTruthData"]
    with pytest.raises(InvalidInput, match="have no groundTruthData") as refused:
        bench.baseline(json.dumps(record), CAPTURED, dataset_format={"sagemakerCaptureJson": {}}, **PATHS)
    assert refused.value.code == "GroundTruthNotFound"


@pytest.mark.parametrize("header", [True, False])
def test_outputs_of_transform_jobs_need_no_labels_though_the_configuration_names_those_of_training(bench, header):
    lines = without_labels(FAIR).splitlines()
    config = CONFIG if header else CONFIG | {"headers": ["sex", "region", "income", "approved"]}
    files = {
        "job/output/2026/11/22/03/a.json": json.dumps([{"prefix": "s3://bucket/job/"}, "0.csv.out"]),
        "job/objects/bucket/job/0.csv.out": "\n".join(lines[0 if header else 1 :]),
    }
    for path, content in files.items():
        (bench.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (bench.folder / path).write_text(content)
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    summary = bench.check(
        "",
        config,
        dataset_source=bench.folder / "job",
        dataset_format={"batchTransform": {"side": "output", "csv": {"header": header}}},
        inference_attribute="predicted" if header else "3",
    )
    assert summary.violations == ()
    expected = {name: value for name, value in values(bench.metrics("baseline", "sex", "F")).items() if name in WITHOUT}
    assert values(bench.metrics("check", "sex", "F")) == expected


def of_responses(bench, responses: list[float], listed: list[object], **settings: object) -> tuple[str, float]:
    """Return the favourable outcome, and by how much more often men have it than women, whose response is 0.01."""
    rows = [("F", 0.01), *(("M", response) for response in responses)] * 10
    sides = {
        "endpointInput": {"data": "\n".join(sex for sex, _ in rows), "encoding": "CSV", "mode": "INPUT"},
        "endpointOutput": {"data": "\n".join(str(each) for _, each in rows), "encoding": "CSV", "mode": "OUTPUT"},
    }
    event = {"eventId": "a", "inferenceTime": "2026-01-01T00:00:00Z"}
    record = json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"})
    config = {
        "headers": ["sex"],
        "label_values_or_threshold": listed,
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    }
    bench.baseline(record, config, dataset_format={"sagemakerCaptureJson": {}}, **settings)
    stage = bench.report("baseline")["post_training_bias_metrics"]
    return stage["label_value_or_threshold"], bench.metrics("baseline", "sex", "F")["DPPL"]["value"]


@pytest.mark.parametrize(
    ("responses", "listed", "attributes", "spelled", "gap"),
    [
        ([0.2, 0.6, 0.8, 0.9], [1], {}, "1", 3 / 4),  # probabilities, above a half
        ([0.2, 0.6, 0.8, 0.9], [1], {"probability_threshold_attribute": 0.7}, "1", 2 / 4),
        ([0.2, 0.6, 0.8, 0.9], [0], {}, "0", 1 / 4 - 1),  # not above a half
        ([0.2, 0.6, 0.8, 0.9], [0.7], {}, "(0.7, 0.9]", 2 / 4),  # a threshold of what is predicted
        ([0.2, 0.6, 0.8, 0.9], [1], {"probability_attribute": "0"}, "1", 3 / 4),
        ([210.5, 60.1, 80.2, 90.3], [70], {}, "(70.0, 210.5]", 3 / 4),
    ],
)
def test_predictions_alone_are_read_as_labels_would_be_and_fractions_as_probabilities(
    bench, responses, listed, attributes, spelled, gap
):
    # By hand: of each four men those who get the favourable outcome; the women's response is 0.01.
    assert of_responses(bench, responses, listed, **attributes) == (spelled, pytest.approx(gap))


def test_predictions_of_one_kind_are_reported_with_examples(bench):
    header, *rows = without_labels(FAIR).splitlines()
    responses = {"0": "no", "1": "yes"}
    words = [header, *(row[:-1] + responses[row[-1]] for row in rows)]
    expected = "no prediction is 1: check label_values_or_threshold. The data has no, yes"
    assert expected in bench.baseline("\n".join(words), NO_LABEL, **PREDICTED).warnings
    everyone = [header, *(row[:-1] + "1" for row in rows)]
    assert "all predictions are 1" in bench.baseline("\n".join(everyone), NO_LABEL, **PREDICTED).warnings


def test_fractions_in_a_column_of_predicted_labels_are_said_to_be_perhaps_probabilities(bench):
    header, *rows = without_labels(FAIR).splitlines()
    scores = [header, *(f"{row[:-1]}0.{row[-1]}{i % 7}" for i, row in enumerate(rows))]
    (warning,) = [
        each
        for each in bench.baseline("\n".join(scores), NO_LABEL, **PREDICTED).warnings
        if "check label_values" in each
    ]
    assert warning.endswith("The data has 0.00, 0.01. If these are probabilities, name them with probability_attribute")


def test_rows_without_a_prediction_are_left_out_and_counted(bench):
    header, *rows = without_labels(FAIR).splitlines()
    summary = bench.baseline("\n".join([header, rows[0][:-1], *rows[1:]]), NO_LABEL, **PREDICTED)
    assert "1 row without a prediction was left out" in summary.warnings
    with pytest.raises(InvalidInput, match="no row has a prediction") as refused:
        bench.baseline("\n".join([header, *(row[:-1] for row in rows)]), NO_LABEL, **PREDICTED)
    assert refused.value.code == "NoPredictions"


@pytest.mark.parametrize(
    ("config", "settings", "said"),
    [
        (DOCUMENTED | {"facet_name": "sex"}, {}, "name them with inference_attribute or .* no column 'prediction'"),
        (NO_LABEL, {}, "name it with ground_truth_attribute, or with label in the configuration"),
        (
            NO_LABEL | {"methods": {"pre_training_bias": {"methods": ["DPL", "KL"]}}},
            PREDICTED,
            "; DPL, KL cannot be computed without labels",
        ),
    ],
)
def test_without_labels_and_predictions_or_metrics_of_these_there_is_nothing_to_do(bench, config, settings, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        bench.baseline(without_labels(FAIR), config, **settings)
    assert refused.value.code == "LabelsNotGiven"


def test_labels_that_come_later_are_what_changed(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    bench.check(without_labels(FAIR), NO_LABEL, **PREDICTED)
    again = bench.check(FAIR, CONFIG, **PREDICTED, previous_attempt_results=bench.folder / "check")
    assert "RD of sex = F: not measured before, 0.0 now" in again.changes
