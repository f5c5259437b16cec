"""Baselines and checks of model quality on files: what is written, and how it is worded."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus

HEADER = "probability,prediction,label"
GOOD = ["0.9,1,1", "0.8,1,1", "0.4,0,1", "0.3,0,0", "0.2,0,0", "0.1,0,0"]
BAD = ["0.1,0,1", "0.8,1,0", "0.4,0,1", "0.3,0,0", "0.2,0,0", "0.9,1,1"]
BINARY = {
    "problem_type": "BinaryClassification",
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
}

FIRST_PARTY_ORDER = [
    "confusion_matrix",
    "recall",
    "precision",
    "accuracy",
    "recall_best_constant_classifier",
    "precision_best_constant_classifier",
    "accuracy_best_constant_classifier",
    "true_positive_rate",
    "true_negative_rate",
    "false_positive_rate",
    "false_negative_rate",
    "receiver_operating_characteristic_curve",
    "precision_recall_curve",
    "auc",
    "f0_5",
    "f1",
    "f2",
    "f0_5_best_constant_classifier",
    "f1_best_constant_classifier",
    "f2_best_constant_classifier",
]
"""SageMaker's documentation of binary statistics."""

FIRST_PARTY_CONSTRAINTS = {
    "recall": "LessThanThreshold",
    "precision": "LessThanThreshold",
    "accuracy": "LessThanThreshold",
    "true_positive_rate": "LessThanThreshold",
    "true_negative_rate": "LessThanThreshold",
    "false_positive_rate": "GreaterThanThreshold",
    "false_negative_rate": "GreaterThanThreshold",
    "auc": "LessThanThreshold",
    "f0_5": "LessThanThreshold",
    "f1": "LessThanThreshold",
    "f2": "LessThanThreshold",
}
"""The public output of a first-party baseline, with its order."""


def test_a_baseline_of_two_classes_has_the_first_partys_metrics_in_its_order(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)
    metrics = runs.read("baseline", "statistics.json")["binary_classification_metrics"]
    assert list(metrics)[: len(FIRST_PARTY_ORDER)] == FIRST_PARTY_ORDER
    assert list(metrics)[len(FIRST_PARTY_ORDER) :] == [
        "balanced_accuracy",
        "matthews_correlation_coefficient",
        "average_precision",
        "log_loss",
        "brier_score",
        "expected_calibration_error",
        "class_counts",
        "per_class",
        "calibration_curve",
    ]
    assert metrics["confusion_matrix"] == {"0": {"0": 3, "1": 0}, "1": {"0": 1, "1": 2}}
    assert metrics["class_counts"] == {"0": {"labels": 3, "predictions": 4}, "1": {"labels": 3, "predictions": 2}}


def test_a_baseline_suggests_the_first_partys_constraints_by_its_own_rule_at_its_own_values(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY, threshold_rule="Exact")
    constraints = runs.read("baseline", "constraints.json")["binary_classification_constraints"]
    metrics = runs.read("baseline", "statistics.json")["binary_classification_metrics"]
    assert {name: each["comparison_operator"] for name, each in constraints.items()} == FIRST_PARTY_CONSTRAINTS
    assert list(constraints) == list(FIRST_PARTY_CONSTRAINTS)
    assert all(each["threshold"] == metrics[name]["value"] for name, each in constraints.items())
    assert {key for each in constraints.values() for key in each} == {"threshold", "comparison_operator"}


def test_a_baseline_has_the_thresholds_of_the_first_partys_baseline(runs):
    # The public first-party baseline of the churn example: 201 rows, confusion matrix 173, 0, 12, 16; to the last bit.
    rows = ["0,0"] * 173 + ["0,1"] * 12 + ["1,1"] * 16
    source = runs.csv("churn.csv", "prediction,label", *rows)
    runs.run(source, "baseline", **BINARY | {"probability_attribute": None}, threshold_rule="Exact")
    constraints = runs.read("baseline", "constraints.json")["binary_classification_constraints"]
    assert {name: constraint["threshold"] for name, constraint in constraints.items()} == {
        "recall": 0.5714285714285714,
        "precision": 1.0,
        "accuracy": 0.9402985074626866,
        "true_positive_rate": 0.5714285714285714,
        "true_negative_rate": 1.0,
        "false_positive_rate": 0.0,
        "false_negative_rate": 0.42857142857142855,
        "f0_5": 16 * 1.25 / (16 + 0.25 * 28),
        "f1": 16 * 2 / (16 + 28),
        "f2": 16 * 5 / (16 + 4 * 28),
    }


def test_an_imported_threshold_that_differs_by_rounding_is_met(runs, edited):
    source = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(source, "baseline", **BINARY, threshold_rule="Exact")

    def rounded(document):
        document["binary_classification_constraints"]["recall"]["threshold"] *= 1 + 1e-15

    assert runs.run(source, "check", **BINARY, baseline_constraints=edited("baseline", rounded)).violations == ()

    def higher(document):
        document["binary_classification_constraints"]["recall"]["threshold"] *= 1 + 1e-9

    checked = runs.run(source, "check", **BINARY, baseline_constraints=edited("baseline", higher))
    assert [violation.subject for violation in checked.violations] == ["recall"]


def test_data_pass_their_own_baseline(runs):
    source = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(source, "baseline", **BINARY)
    constraints = runs.folder / "baseline/constraints.json"
    summary = runs.run(source, "check", **BINARY, baseline_constraints=constraints)
    assert summary.status is OutcomeStatus.COMPLETED
    assert runs.read("check", "constraint_violations.json") == {"violations": []}


def test_violations_are_worded_as_the_first_party_words_them(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD * 40), "baseline", **BINARY, threshold_rule="Exact")
    constraints = runs.folder / "baseline/constraints.json"
    summary = runs.run(runs.csv("bad.csv", HEADER, *BAD * 40), "check", **BINARY, baseline_constraints=constraints)
    found = runs.read("check", "constraint_violations.json")["violations"]
    assert summary.exit_message == "CompletedWithViolations: Job completed successfully with 11 violations."
    assert [violation["metric_name"] for violation in found] == [
        "recall",
        "precision",
        "accuracy",
        "truePositiveRate",
        "trueNegativeRate",
        "falsePositiveRate",
        "falseNegativeRate",
        "auc",
        "f0_5",
        "f1",
        "f2",
    ]
    sd = runs.read("check", "statistics.json")["binary_classification_metrics"]["recall"]["standard_deviation"]
    assert found[0] == {
        "constraint_check_type": "LessThanThreshold",
        "description": f"Metric recall with 0.3333333333333333 +/- {sd} was LessThanThreshold '0.6666666666666666'",
        "metric_name": "recall",
    }
    assert found[5]["description"].startswith("Metric falsePositiveRate with 0.3333333333333333 +/- ")
    assert found[5]["description"].endswith(" was GreaterThanThreshold '0.0'")


def test_below_200_rows_standard_deviations_are_nan_strings(runs):
    summary = runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)
    metrics = runs.read("baseline", "statistics.json")["binary_classification_metrics"]
    assert metrics["recall"]["standard_deviation"] == "NaN"
    assert metrics["recall"]["confidence_interval"].keys() == {"lower", "upper", "confidence_level"}
    assert any("fewer than 200" in warning for warning in summary.warnings)


def test_undefined_metrics_are_nan_strings_with_the_reason_and_have_no_constraint_and_no_metric_line(runs):
    source = runs.csv("ones.csv", HEADER, "0.9,1,1", "0.8,1,1")
    runs.run(source, "baseline", **BINARY, publish_cloudwatch_metrics="Enabled")
    auc = runs.read("baseline", "statistics.json")["binary_classification_metrics"]["auc"]
    assert auc == {"value": "NaN", "standard_deviation": "NaN", "undefined": "all labels are of one class"}
    assert "auc" not in runs.read("baseline", "constraints.json")["binary_classification_constraints"]
    lines = (runs.folder / "baseline/cloudwatch_metrics.jsonl").read_text().splitlines()
    names = [json.loads(line)["MetricName"] for line in lines]
    assert "recall" in names
    assert "auc" not in names


def test_an_undefined_metric_is_not_compared_and_reported(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)
    source = runs.csv("ones.csv", HEADER, "0.9,1,1", "0.8,1,1")
    constraints = runs.folder / "baseline/constraints.json"
    summary = runs.run(source, "check", **BINARY, baseline_constraints=constraints)
    assert "auc is not compared: all labels are of one class" in summary.warnings


def test_metric_lines_carry_endpoint_and_schedule(runs):
    source = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(
        source,
        "baseline",
        **BINARY,
        publish_cloudwatch_metrics="Enabled",
        sagemaker_endpoint_name="churn",
        sagemaker_monitoring_schedule_name="quality",
        end_time="2026-11-22T10:00:00Z",
    )
    first = json.loads((runs.folder / "baseline/cloudwatch_metrics.jsonl").read_text().splitlines()[0])
    assert first == {
        "MetricName": "recall",
        "Value": 2 / 3,
        "Timestamp": "2026-11-22T10:00:00Z",
        "Dimensions": [
            {"Name": "Endpoint", "Value": "churn"},
            {"Name": "MonitoringSchedule", "Value": "quality"},
        ],
        "Unit": "None",
    }


def test_without_predictions_a_probability_above_the_threshold_is_positive(runs):
    settings = BINARY | {"inference_attribute": None}
    source = runs.csv("edge.csv", "probability,label", "0.5,0", "0.500001,1", "0.7,1")
    runs.run(source, "half", **settings)
    matrix = runs.read("half", "statistics.json")["binary_classification_metrics"]["confusion_matrix"]
    assert matrix == {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 2}}
    runs.run(source, "high", **settings, probability_threshold_attribute=0.7)
    matrix = runs.read("high", "statistics.json")["binary_classification_metrics"]["confusion_matrix"]
    assert matrix == {"0": {"0": 1, "1": 0}, "1": {"0": 2, "1": 0}}


def test_a_threshold_beside_predictions_is_reported_as_unused(runs):
    source = runs.csv("good.csv", HEADER, *GOOD)
    summary = runs.run(source, "baseline", **BINARY, probability_threshold_attribute=0.7)
    assert any("probability_threshold_attribute is not used" in warning for warning in summary.warnings)


def test_spellings_of_one_class_are_one_class(runs):
    source = runs.csv("spelled.csv", "prediction,label", "1,1.0", "true,yes", "0,false", "0.0,no", "TRUE,0")
    runs.run(source, "baseline", **BINARY | {"probability_attribute": None})
    matrix = runs.read("baseline", "statistics.json")["binary_classification_metrics"]["confusion_matrix"]
    assert matrix == {"0": {"0": 2, "1": 1}, "1": {"0": 0, "1": 2}}


def test_rows_without_a_label_or_a_prediction_are_left_out_and_counted(runs):
    summary = runs.run(runs.csv("gaps.csv", HEADER, *GOOD, "0.5,1,", "0.5,,1", ",1,1"), "baseline", **BINARY)
    assert runs.read("baseline", "statistics.json")["dataset"]["item_count"] == len(GOOD)
    assert "1 row without a label was left out" in summary.warnings
    assert "2 rows without a prediction or probability were left out" in summary.warnings


MULTICLASS = {"problem_type": "MulticlassClassification", "inference_attribute": "prediction"}


def test_several_classes_have_the_first_partys_metrics_and_those_of_each_class(runs):
    source = runs.csv("animals.csv", "prediction,label", "cat,cat", "dog,dog", "dog,cat", "emu,emu", "cat,dog")
    runs.run(source, "baseline", **MULTICLASS)
    metrics = runs.read("baseline", "statistics.json")["multiclass_classification_metrics"]
    names = ["accuracy", "weighted_recall", "weighted_precision", "weighted_f0_5", "weighted_f1", "weighted_f2"]
    assert list(metrics)[:13] == [
        "confusion_matrix",
        *names,
        *(f"{name}_best_constant_classifier" for name in names),
    ]
    assert metrics["confusion_matrix"]["cat"] == {"cat": 1, "dog": 1, "emu": 0}
    assert metrics["per_class"]["emu"]["recall"]["value"] == 1.0
    constraints = runs.read("baseline", "constraints.json")["multiclass_classification_constraints"]
    assert {name: each["comparison_operator"] for name, each in constraints.items()} == dict.fromkeys(
        names, "LessThanThreshold"
    )


def test_classes_that_the_baseline_never_saw_are_evaluated(runs):
    good = runs.csv("two.csv", "prediction,label", "cat,cat", "dog,dog")
    runs.run(good, "baseline", **MULTICLASS, threshold_rule="Exact")
    source = runs.csv("three.csv", "prediction,label", "cat,cat", "dog,emu")
    files = {f"baseline_{name}": runs.folder / f"baseline/{name}.json" for name in ("constraints", "statistics")}
    summary = runs.run(source, "check", **MULTICLASS, **files)
    assert summary.violations[0].subject == "accuracy"
    (unseen,) = (warning for warning in summary.warnings if "does not have" in warning)
    said = "1 of 2 labels belong to 1 class that the baseline does not have among its labels; see the confusion matrix"
    assert unseen == said
    matrix = runs.read("check", "statistics.json")["multiclass_classification_metrics"]["confusion_matrix"]
    assert set(matrix) == {"cat", "dog", "emu"}


def test_a_probability_for_each_class_predicts_and_gives_the_log_loss(runs):
    path = runs.folder / "scores.jsonl"
    rows = [([0.7, 0.2, 0.1], 0), ([0.1, 0.6, 0.3], 1), ([0.3, 0.3, 0.4], 0)]
    path.write_text("".join(json.dumps({"scores": scores, "label": label}) + "\n" for scores, label in rows))
    runs.run(
        path,
        "baseline",
        problem_type="MulticlassClassification",
        probability_attribute="scores",
        dataset_format={"json": {"lines": True}},
    )
    metrics = runs.read("baseline", "statistics.json")["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == pytest.approx(2 / 3)
    # scikit-learn 1.9.1: log_loss([0, 1, 0], rows, labels=[0, 1, 2]) = -(ln 0.7 + ln 0.6 + ln 0.3) / 3, by hand.
    assert metrics["log_loss"]["value"] == pytest.approx(0.6904911240102196, rel=1e-12)


def test_one_probability_of_several_classes_is_that_of_the_prediction(runs):
    source = runs.csv("sure.csv", "prediction,label,probability", "cat,cat,0.9", "dog,cat,0.8")
    runs.run(source, "baseline", **MULTICLASS, probability_attribute="probability")
    metrics = runs.read("baseline", "statistics.json")["multiclass_classification_metrics"]
    # By hand: one bin, (0.8, 0.9]? 0.8 is in (0.7, 0.8]: |0.9 - 1| / 2 + |0.8 - 0| / 2.
    assert metrics["expected_calibration_error"]["value"] == pytest.approx(0.45)


REGRESSION = {"problem_type": "Regression", "inference_attribute": "prediction"}
NUMBERS = ["1.5,1", "2.5,3", "2.0,2", "4.5,4"]


def test_regression_has_the_first_partys_metrics_and_constraints(runs):
    runs.run(runs.csv("numbers.csv", "prediction,label", *NUMBERS), "baseline", **REGRESSION)
    metrics = runs.read("baseline", "statistics.json")["regression_metrics"]
    assert list(metrics)[:4] == ["mae", "mse", "rmse", "r2"]
    # By hand: errors 0.5, 0.5, 0, 0.5; labels' mean 2.5 and spread 5; predictions' mean 2.625 and spread 5.1875.
    assert [metrics[name]["value"] for name in ("mae", "mse", "r2", "r2_first_party")] == pytest.approx(
        [0.375, 0.1875, 1 - 0.75 / 5, 1 - 0.75 / 5.1875], rel=1e-12
    )
    constraints = runs.read("baseline", "constraints.json")["regression_constraints"]
    assert {name: each["comparison_operator"] for name, each in constraints.items()} == {
        "mae": "GreaterThanThreshold",
        "mse": "GreaterThanThreshold",
        "rmse": "GreaterThanThreshold",
        "r2": "LessThanThreshold",
    }
    assert constraints["r2"]["definition"] == "Textbook"


def test_an_imported_r2_is_compared_with_the_first_partys_definition(runs, edited):
    source = runs.csv("numbers.csv", "prediction,label", *NUMBERS)
    runs.run(source, "baseline", **REGRESSION)

    def imported(document):
        document["regression_constraints"]["r2"] = {
            "threshold": 0.853,
            "comparison_operator": "LessThanThreshold",
            "additional_properties": None,
        }

    constraints = edited("baseline", imported)
    # The textbook's r2 is 0.85, less than 0.853; the first party's is 0.8554.
    summary = runs.run(source, "check", **REGRESSION, baseline_constraints=constraints)
    assert summary.violations == ()
    assert any("names no definition" in warning for warning in summary.warnings)
    table = (runs.folder / "check/report.html").read_text().split("</tr>")
    assert [name for name in (">r2<", ">r2FirstParty<") for row in table if name in row and "0.853" in row] == [
        ">r2FirstParty<"
    ]

    def textbook(document):
        imported(document)
        document["regression_constraints"]["r2"]["definition"] = "Textbook"

    summary = runs.run(source, "again", **REGRESSION, baseline_constraints=edited("baseline", textbook))
    assert [violation.subject for violation in summary.violations] == ["r2"]


def test_a_constraint_may_ask_for_worse_beyond_the_interval(runs, edited):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY, threshold_rule="Exact")

    def beyond(document):
        document["binary_classification_constraints"] = {
            "accuracy": {
                "threshold": document["binary_classification_constraints"]["accuracy"]["threshold"],
                "comparison_operator": "LessThanThreshold",
                "beyond_confidence_interval": True,
            }
        }

    constraints = edited("baseline", beyond)
    settings = BINARY | {"baseline_constraints": constraints}
    few = runs.run(runs.csv("bad.csv", HEADER, *BAD), "few", **settings)
    assert few.violations == ()  # 3 of 6 right: 5 of 6 are well within the interval
    many = runs.run(runs.csv("bad.csv", HEADER, *BAD * 100), "many", **settings)
    assert [violation.subject for violation in many.violations] == ["accuracy"]
    assert (
        "and chance does not explain the difference from the threshold (p below 1e-12)"
        in many.violations[0].description
    )


def test_any_metric_may_be_constrained_and_what_has_no_meaning_is_reported(runs, edited):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)

    def more(document):
        document["binary_classification_constraints"] |= {
            "log_loss": {"threshold": 0.001, "comparison_operator": "GreaterThanThreshold"},
            "auc": {"threshold": "NaN", "comparison_operator": "LessThanThreshold"},
            "gini": {"threshold": 0.5, "comparison_operator": "LessThanThreshold", "tresholds": 1},
            "falsePositiveRate": {"threshold": 0.5, "comparison_operator": "GreaterThanThreshold"},
        }

    summary = runs.run(
        runs.csv("good.csv", HEADER, *GOOD), "check", **BINARY, baseline_constraints=edited("baseline", more)
    )
    assert [violation.subject for violation in summary.violations] == ["logLoss"]
    assert "gini is not compared: it is not measured" in summary.warnings
    meant = "falsePositiveRate is not compared: it is not measured. Did you mean false_positive_rate?"
    assert meant in summary.warnings
    assert "auc is not compared: its threshold is NaN" in summary.warnings
    assert any("tresholds" in warning for warning in summary.warnings)


def test_what_else_is_captured_is_no_prediction_where_a_probability_predicts(runs):
    output = {"observedContentType": "text/csv", "mode": "OUTPUT", "encoding": "CSV"}
    lines = [
        {
            "captureData": {"endpointOutput": output | {"data": response}},
            "eventMetadata": {"eventId": response},
            "eventVersion": "0",
            "groundTruthData": {"data": label, "encoding": "CSV"},
        }
        for response, label in (("0.9,0", "1"), ("0.2,1", "0"))
    ]
    source = runs.folder / "merged.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)))
    runs.run(
        source,
        "baseline",
        problem_type="BinaryClassification",
        probability_attribute="0",
        ground_truth_attribute=None,
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}},
    )
    metrics = runs.read("baseline", "statistics.json")["binary_classification_metrics"]
    assert metrics["confusion_matrix"] == {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 1}}


def test_a_re_run_reports_what_changed(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY, threshold_rule="Exact")
    constraints = runs.folder / "baseline/constraints.json"
    settings = BINARY | {"baseline_constraints": constraints}
    first = runs.run(
        runs.csv("day.csv", HEADER, *GOOD[:4]), "check", **settings, previous_attempt_results=runs.folder / "check"
    )
    assert first.changes == ()
    again = runs.run(
        runs.csv("day.csv", HEADER, *GOOD[:4], "0.2,0,1"),
        "check",
        **settings,
        previous_attempt_results=runs.folder / "check",
    )
    assert "rows with a label: 4 before, 5 now" in again.changes
    assert "recall: 0.6666666666666666 before, 0.5 now" in again.changes
    assert "new violation: recall LessThanThreshold" in again.changes
    back = runs.run(
        runs.csv("day.csv", HEADER, *GOOD), "check", **settings, previous_attempt_results=runs.folder / "check"
    )
    assert "no violation any more: recall LessThanThreshold" in back.changes


@pytest.mark.parametrize(
    "spoilt",
    ["{", "5", '{"dataset": 5}', '{"dataset": {"item_count": 9}, "features": []}'],
    ids=["not JSON", "no object", "another shape", "of another kind"],
)
def test_earlier_statistics_that_cannot_be_compared_are_reported_and_no_obstacle(runs, spoilt):
    (runs.folder / "earlier").mkdir()
    (runs.folder / "earlier/statistics.json").write_text(spoilt)
    summary = runs.run(
        runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY, previous_attempt_results=runs.folder / "earlier"
    )
    assert summary.changes == (
        "metrics are not compared: the previous attempt's statistics.json is not of model quality",
    )


@pytest.mark.parametrize("spoilt", ["{", '{"violations": 5}', '{"violations": [{"feature_name": "age"}]}'])
def test_earlier_violations_that_cannot_be_compared_are_reported_and_no_obstacle(runs, spoilt):
    data = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(data, "baseline", **BINARY)
    (runs.folder / "baseline/constraint_violations.json").write_text(spoilt)
    again = runs.run(data, "again", **BINARY, previous_attempt_results=runs.folder / "baseline")
    assert again.changes == (
        "violations are not compared: the previous attempt's constraint_violations.json cannot be read",
    )


def test_an_earlier_metric_that_is_not_a_number_is_reported_as_undefined(runs):
    data = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(data, "baseline", **BINARY)
    path = runs.folder / "baseline/statistics.json"
    document = json.loads(path.read_text())
    document["binary_classification_metrics"]["auc"]["value"] = float("inf")
    path.write_text(json.dumps(document))
    again = runs.run(data, "again", **BINARY, previous_attempt_results=runs.folder / "baseline")
    (change,) = again.changes
    assert change.startswith("auc: undefined before, ")


def test_the_same_data_give_the_same_files(runs):
    source = runs.csv("good.csv", HEADER, *GOOD * 50)
    for output in ("first", "second"):
        runs.run(source, output, **BINARY, seed=7)
    first, second = (runs.read(output, "statistics.json") for output in ("first", "second"))
    assert first["binary_classification_metrics"] == second["binary_classification_metrics"]


def test_the_report_shows_metrics_with_intervals_and_the_confusion_matrix(runs):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)
    page = (runs.folder / "baseline/report.html").read_text()
    assert "Model quality baseline of good.csv" in page
    for shown in ("logLoss", "ROC curve", "Calibration", "expectedCalibrationError", "recall of 1"):
        assert shown in page


@pytest.mark.parametrize(
    ("code", "rows", "settings"),
    [
        ("ProblemTypeNotGiven", GOOD, BINARY | {"problem_type": None}),
        ("InvalidSettings", GOOD, BINARY | {"problem_type": "Ranking"}),
        ("InvalidSettings", GOOD, BINARY | {"probability_threshold_attribute": 1.5}),
        ("ProbabilityNotGiven", GOOD, BINARY | {"probability_attribute": None, "probability_threshold_attribute": 0.5}),
        ("ProbabilityOutOfRange", ["1.5,1,1", "0.5,0,0"], BINARY),
        ("ProbabilityOutOfRange", ["-0.1,1,1", "0.5,0,0"], BINARY),
        ("ValuesNotNumeric", ["high,1,1", "low,0,0"], BINARY),
        ("LabelsNotBinary", ["0.5,1,2", "0.5,0,0"], BINARY),
        ("LabelsNotBinary", ["0.5,cat,1", "0.5,0,0"], BINARY),
        ("LabelsNotBinary", [f"0.5,1,{n}" for n in range(2000)], BINARY),
        ("ValuesNotNumeric", ["0.5,1,cat", "0.5,0,dog"], REGRESSION),
        ("TooManyClasses", [f"0.5,1,{n}.5" for n in range(2000)], MULTICLASS),
        ("GroundTruthNotFound", GOOD, BINARY | {"ground_truth_attribute": None}),
        ("GroundTruthNotFound", ["0.5,1,", "0.4,0,"], BINARY),
        ("NoPredictions", [",,1", "nan,,0", "0.5,1,"], BINARY),
        ("PredictionNotGiven", GOOD, BINARY | {"inference_attribute": None, "probability_attribute": None}),
        ("PredictionNotGiven", GOOD, REGRESSION | {"inference_attribute": None}),
        (
            "PredictionNotGiven",
            GOOD,
            MULTICLASS | {"inference_attribute": None, "probability_attribute": "probability"},
        ),
        ("UnknownColumn", GOOD, BINARY | {"inference_attribute": "guess"}),
        ("SameColumn", GOOD, BINARY | {"inference_attribute": "label"}),
        ("SameColumn", GOOD, BINARY | {"ground_truth_attribute": "probability"}),
    ],
)
def test_what_cannot_be_used_is_reported(runs, code, rows, settings):
    with pytest.raises(InvalidInput) as refusal:
        runs.run(runs.csv("data.csv", HEADER, *rows), "baseline", **settings)
    assert refusal.value.code == code


def test_constraints_may_begin_with_a_byte_order_mark(runs):
    data = runs.csv("good.csv", HEADER, *GOOD)
    runs.run(data, "baseline", **BINARY)
    path = runs.folder / "baseline/constraints.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert runs.run(data, "check", **BINARY, baseline_constraints=path).violations == ()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"binary_classification_constraints": {"auc": {"threshold": "0.5"}}}',
        '{"regression_constraints": {}}',
    ],
)
def test_constraints_that_are_invalid_are_refused_with_their_place(runs, text):
    path = runs.folder / "constraints.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"constraints\.json") as refusal:
        runs.run(runs.csv("good.csv", HEADER, *GOOD), "check", **BINARY, baseline_constraints=path)
    assert refusal.value.code == "InvalidConstraints"


def test_labels_that_are_not_numbers_are_left_out_of_a_regression_and_counted(runs):
    source = runs.csv("numbers.csv", "prediction,label", *NUMBERS, "1.0,unknown")
    summary = runs.run(source, "baseline", **REGRESSION)
    assert "1 row whose 'label' is not a number was left out" in summary.warnings
    assert runs.read("baseline", "statistics.json")["dataset"]["item_count"] == 4


def never_met(summary) -> list[str]:
    return [warning for warning in summary.warnings if warning.startswith("no predicted class")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ["0,cat", "1,dog", "2,eel", "0,dog"],
            "no predicted class (0, 1, ...) is among the labels' classes (cat, dog, ...)",
        ),
        (["a,1", "b,2"], "no predicted class (a, b) is among the labels' classes (1, 2)"),
        (["cat,Cat", "dog,Dog"], "no predicted class (cat, dog) is among the labels' classes (Cat, Dog)"),
        (["1,class 1", "1,class 1"], "no predicted class (1) is among the labels' classes (class 1)"),
        (["{0},0", "{1},1"], "no predicted class ({0}, {1}) is among the labels' classes (0, 1)"),
        ([f"{'x' * 99},y"], f"no predicted class ({'x' * 39}…) is among the labels' classes (y)"),
    ],
)
def test_classes_that_never_meet_are_reported_in_a_baseline_and_in_a_check(runs, rows, said):
    summary = runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **MULTICLASS)
    assert [said in warning for warning in never_met(summary)] == [True]
    constraints = runs.folder / "baseline" / "constraints.json"
    checked = runs.run(runs.folder / "a.csv", "check", **MULTICLASS, baseline_constraints=constraints)
    assert never_met(checked) == never_met(summary)
    (notice,) = checked.outcome.warnings  # which mails quote; values of the data do not leave the report
    assert re.fullmatch(r"the analysis has \d warnings?: see its report\.html", notice)


def test_a_metric_that_these_data_do_not_give_is_not_taken_for_a_misspelt_one(runs, edited):
    runs.run(runs.csv("a.csv", "prediction,label", "a,a", "b,b"), "baseline", **MULTICLASS)

    def more(document):
        limit = {"threshold": 0.1, "comparison_operator": "GreaterThanThreshold"}
        document["multiclass_classification_constraints"] |= {"log_loss": limit, "logLoss": limit}

    summary = runs.run(runs.folder / "a.csv", "check", **MULTICLASS, baseline_constraints=edited("baseline", more))
    assert "log_loss is not compared: it is not measured" in summary.warnings
    assert "logLoss is not compared: it is not measured. Did you mean log_loss?" in summary.warnings


def test_constraints_without_a_metric_compare_nothing_and_a_warning_says_so(runs, edited):
    runs.run(runs.csv("good.csv", HEADER, *GOOD), "baseline", **BINARY)
    empty = edited("baseline", lambda document: document.update(binary_classification_constraints={}))
    summary = runs.run(runs.folder / "good.csv", "check", **BINARY, baseline_constraints=empty)
    assert "the constraints name no metric: nothing was compared with a threshold" in summary.warnings


def test_classes_that_meet_anywhere_are_not_reported(runs):
    summary = runs.run(runs.csv("a.csv", "prediction,label", "a,b", "b,c"), "baseline", **MULTICLASS)
    assert not never_met(summary)


def test_classes_that_differ_in_case_alone_are_reported(runs):
    summary = runs.run(runs.csv("a.csv", "prediction,label", "cat,cat", "Cat,cat"), "baseline", **MULTICLASS)
    assert any("differ only in case" in warning and "Cat, cat" in warning for warning in summary.warnings)


@pytest.mark.parametrize(
    ("first", "spelling"),
    [
        *product([2**53, 2**63 - 1, 10**19], ["{}", "{}.0", " {}", "+{}", "0{}", "{}.00"]),
        *product([-(2**53) - 2], ["{}", "{}.0", " {}"]),
    ],
)
def test_classes_called_by_long_numbers_are_equal_as_decimals(runs, spelling, first):
    # As doubles the first two are one number; by hand, 2 of the 4 predictions are right.
    pairs = [(first, first), (first, first + 1), (first + 1, first), (first + 3, first + 3)]
    rows = [f"{spelling.format(predicted)},{label}" for predicted, label in pairs]
    runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **MULTICLASS)
    metrics = runs.read("baseline", "statistics.json")["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == 0.5
    assert list(metrics["confusion_matrix"]) == [str(first), str(first + 1), str(first + 3)]


def test_the_two_unicode_forms_of_a_class_are_one_class(runs):
    rows = ["caf\u00e9,cafe\u0301", "cafe\u0301,cafe\u0301", "th\u00e9,caf\u00e9", "the\u0301,th\u00e9"]
    runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **MULTICLASS)
    metrics = runs.read("baseline", "statistics.json")["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == 0.75
    assert list(metrics["confusion_matrix"]) == ["caf\u00e9", "th\u00e9"]


@pytest.mark.parametrize("missing", ["nan", "NaN", "None", "NULL", "N/A", "<NA>", " nan", "NaT"])
def test_labels_and_predictions_that_are_spelled_as_missing_are_missing(runs, missing):
    rows = ["a,a", f"a,{missing}", f"{missing},b", f"{missing},{missing}", "b,b"]
    summary = runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **MULTICLASS)
    assert runs.read("baseline", "statistics.json")["dataset"]["item_count"] == 2
    assert "2 rows without a label were left out" in summary.warnings
    assert "1 row without a prediction or probability was left out" in summary.warnings
    assert "4 of the missing values are written out, such as nan or None" in summary.warnings


@pytest.mark.parametrize("missing", ["nan", "None", "N/A", ""])
def test_numbers_that_are_spelled_as_missing_are_missing(runs, missing):
    rows = ["1.5,1", f"2.5,{missing}", f"{missing},3", "2.5,2"]
    regression = {"problem_type": "Regression", "inference_attribute": "prediction"}
    summary = runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **regression)
    assert runs.read("baseline", "statistics.json")["regression_metrics"]["mae"]["value"] == 0.5
    assert "1 row without a label was left out" in summary.warnings


@pytest.mark.parametrize(
    ("off", "rounded"),
    [
        ("1.0000000000000002", "1.0"),  # the double above 1
        ("1.0000001192092896", "1.0"),  # the float32 above 1
        ("-2.7755575615628914e-17", "0.0"),
        ("1.00000999", "1.0"),  # scikit-learn 1.7 clips up to 1e-5 when it calibrates
        ("-1e-300", "0.0"),
        ("1.0009765625e0", "1.0"),  # the float16 above 1
        ("1.001", None),
        ("1.5", None),
    ],
)
def test_a_probability_off_by_rounding_is_clipped_and_reported(runs, off, rounded):
    binary = {"problem_type": "BinaryClassification", "probability_attribute": "p"}
    rows = ["0.9,1", "0.2,0", "0.4,1", "0.6,0"]
    source = runs.csv("off.csv", "p,label", *rows, f"{off},1")
    if rounded is None:
        with pytest.raises(InvalidInput, match="ProbabilityOutOfRange"):
            runs.run(source, "off", **binary)
        return
    summary = runs.run(source, "off", **binary)
    assert any(
        warning.startswith("1 of the probabilities are outside [0, 1] by rounding") for warning in summary.warnings
    )
    runs.run(runs.csv("rounded.csv", "p,label", *rows, f"{rounded},1"), "rounded", **binary)
    metrics = [runs.read(each, "statistics.json")["binary_classification_metrics"] for each in ("off", "rounded")]
    assert metrics[0] == metrics[1]


def churn(runs, *, wrong: int = 12) -> Path:
    """The first party's public churn baseline (173 true negatives, 12 false negatives, 16 true positives), or worse."""
    rows = ["0,0"] * 173 + ["0,1"] * wrong + ["1,1"] * (28 - wrong)
    return runs.csv(f"churn{wrong}.csv", "prediction,label", *rows)


CHURN = {"problem_type": "BinaryClassification", "inference_attribute": "prediction", "bootstrap_replicates": 1000}


def test_suggested_thresholds_allow_for_chance_and_say_what_they_were_made_from(runs):
    runs.run(churn(runs), "baseline", **CHURN)
    constraints = runs.read("baseline", "constraints.json")["binary_classification_constraints"]
    metrics = runs.read("baseline", "statistics.json")["binary_classification_metrics"]
    assert list(constraints) == [name for name in FIRST_PARTY_CONSTRAINTS if name != "auc"]
    # 173 true negatives, 12 false negatives, 16 true positives: 28 are positive, by their label or their prediction.
    looked_at = {"accuracy": 201, "precision": 16, "true_negative_rate": 173, "false_positive_rate": 173}
    for name, each in constraints.items():
        assert each.keys() == {"threshold", "comparison_operator", "beyond_confidence_interval", "baseline"}
        assert each["baseline"] == {
            "value": metrics[name]["value"],
            "standard_error": metrics[name]["standard_error"],
            "rows": looked_at.get(name, 28),
            "threshold": each["threshold"],
        }
        lower, upper = (metrics[name]["confidence_interval"][side] for side in ("lower", "upper"))
        if each["comparison_operator"] == "LessThanThreshold":
            assert each["threshold"] <= lower <= metrics[name]["value"], name
        else:
            assert each["threshold"] >= upper >= metrics[name]["value"], name
    # scipy 1.17, stats.beta.ppf: Jeffreys' limits at 1 - 0.01 / 8 are 0.81 of 16 right of 16, 0.979 of 173 of 173.
    assert 0.7 < constraints["precision"]["threshold"] < 0.95
    assert 0.0 < constraints["false_positive_rate"]["threshold"] < 0.04


def test_a_suggested_threshold_is_compared_with_both_sides_errors_and_an_edited_one_as_written(runs, edited):
    runs.run(churn(runs), "baseline", **CHURN)
    constraints = runs.folder / "baseline/constraints.json"
    worse = runs.run(churn(runs, wrong=27), "worse", **CHURN, baseline_constraints=constraints)
    assert "from the baseline's 0.571" in worse.violations[0].description

    def strict(document):
        for name, each in document["binary_classification_constraints"].items():
            each["threshold"] = 0.99 if name == "accuracy" else each["threshold"]

    checked = runs.run(churn(runs), "strict", **CHURN, baseline_constraints=edited("baseline", strict))
    # 12 of 201 are wrong, with a standard error of 0.0169: 0.0497 are 2.94 of these.
    assert [violation.subject for violation in checked.violations] == []
    checked = runs.run(churn(runs, wrong=17), "stricter", **CHURN, baseline_constraints=runs.folder / "edited.json")
    assert [violation.subject for violation in checked.violations] == ["accuracy"]
    assert "from the threshold (p" in checked.violations[0].description


@pytest.mark.parametrize("wrong", [4, 8, 12, 14, 17])
def test_as_many_errors_as_chance_makes_do_not_alarm(runs, wrong):
    runs.run(churn(runs), "baseline", **CHURN)
    constraints = runs.folder / "baseline/constraints.json"
    assert runs.run(churn(runs, wrong=wrong), "check", **CHURN, baseline_constraints=constraints).violations == ()


def test_one_number_in_several_forms_is_one_violation_that_names_them(runs):
    runs.run(churn(runs), "baseline", **CHURN)
    settings = CHURN | {"baseline_constraints": runs.folder / "baseline/constraints.json"}
    found = runs.run(churn(runs, wrong=27), "check", **settings).violations
    assert [violation.subject for violation in found] == ["recall", "f0_5", "f1", "f2"]
    assert found[0].description.endswith(". The same number as truePositiveRate and 1 - falseNegativeRate")
    every = runs.run(churn(runs, wrong=27), "check", **settings, threshold_rule="Exact").violations
    assert [violation.subject for violation in every][:3] == ["recall", "accuracy", "truePositiveRate"]


def test_constraints_as_the_first_party_writes_them_have_a_violation_each(runs):
    runs.run(churn(runs), "baseline", **CHURN, threshold_rule="Exact")
    constraints = runs.folder / "baseline/constraints.json"
    found = runs.run(churn(runs, wrong=13), "check", **CHURN, baseline_constraints=constraints).violations
    assert [violation.subject for violation in found] == [
        "recall",
        "accuracy",
        "truePositiveRate",
        "falseNegativeRate",
        "f0_5",
        "f1",
        "f2",
    ]


@pytest.mark.parametrize(
    ("problem_type", "header", "right", "wrong", "number", "others"),
    [
        ("MulticlassClassification", "prediction,label", "a,a", "b,a", "accuracy", "weightedRecall"),
        ("BinaryClassification", "prediction,label", "0,0", "1,0", "trueNegativeRate", "1 - falsePositiveRate"),
    ],
)
def test_one_number_in_several_forms_is_one_violation_for_other_problem_types_too(
    runs, problem_type, header, right, wrong, number, others
):
    settings = {"problem_type": problem_type, "inference_attribute": "prediction"}
    more = ["1,1"] if "Binary" in problem_type else ["b,b"]
    runs.run(runs.csv("good.csv", header, *[right] * 290, *more * 5), "baseline", **settings)
    constraints = runs.folder / "baseline/constraints.json"
    bad = runs.csv("bad.csv", header, *[wrong] * 290, *more * 5)
    found = runs.run(bad, "check", **settings, baseline_constraints=constraints).violations
    (violation,) = [each for each in found if each.subject == number]
    assert violation.description.endswith(f". The same number as {others}")
    assert others.removeprefix("1 - ") not in {each.subject for each in found}


@pytest.mark.parametrize(
    ("problem_type", "rows", "said"),
    [
        ("MulticlassClassification", ["0,cat", "1,dog"] * 60, "nothing can violate any constraint"),
        ("BinaryClassification", ["0,1", "1,0"] * 60, "nothing can violate any constraint"),
        ("BinaryClassification", ["0,0", "0,1"] * 60, "nothing can violate the constraints of recall, precision"),
        ("BinaryClassification", ["1,1", "1,0"] * 60, "nothing can violate the constraints of true_negative_rate"),
    ],
)
@pytest.mark.parametrize("rule", ["Exact", "SamplingError"])
def test_a_baseline_that_nothing_can_violate_says_so_as_does_a_check(runs, problem_type, rows, said, rule):
    settings = {"problem_type": problem_type, "inference_attribute": "prediction", "threshold_rule": rule}
    source = runs.csv("a.csv", "prediction,label", *rows)
    made = runs.run(source, "baseline", **settings)
    constraints = runs.folder / "baseline/constraints.json"
    checked = runs.run(source, "check", **settings, baseline_constraints=constraints)
    for summary in (made, checked):
        assert [said in warning for warning in summary.warnings if "nothing can" in warning] == [True]


def test_a_great_number_that_stands_for_a_missing_one_is_reported(runs):
    regression = {"problem_type": "Regression", "inference_attribute": "prediction"}
    rows = [f"{i % 7}.5,{i % 5}" for i in range(250)]
    for great in ("1.7976931348623157e308", "-999999999", "1e200"):
        summary = runs.run(runs.csv("a.csv", "prediction,label", *rows, f"{great},3"), "baseline", **regression)
        assert any(warning.startswith("one of 251 rows makes up more than 99%") for warning in summary.warnings)
    summary = runs.run(runs.csv("a.csv", "prediction,label", *rows), "baseline", **regression)
    assert not any("makes up more than" in warning for warning in summary.warnings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("baseline_rows", "rows"),
    [(400, 400), *(pytest.param(*rows, marks=pytest.mark.slow) for rows in ((2000, 100), (150, 2000)))],
)
def test_a_model_that_is_as_good_as_its_baseline_does_not_alarm_and_a_worse_one_does(runs, baseline_rows, rows):
    generator = np.random.default_rng(17)

    def responses(count: int, noise: float) -> list[str]:
        label = generator.random(count) < 0.2
        score = 1 / (1 + np.exp(-6 * (label - 0.5) - noise * generator.normal(size=count)))
        return [f"{s:.4f},{int(y)}" for s, y in zip(score, label, strict=True)]

    settings = {"problem_type": "BinaryClassification", "probability_attribute": "p", "bootstrap_replicates": 200}
    alarms = worse = by_the_first_partys_rule = 0
    for _ in range(4):
        runs.run(runs.csv("a.csv", "p,label", *responses(baseline_rows, 2.0)), "baseline", **settings)
        against = settings | {"baseline_constraints": runs.folder / "baseline/constraints.json"}
        alarms += bool(runs.run(runs.csv("b.csv", "p,label", *responses(rows, 2.0)), "check", **against).violations)
        worse += bool(runs.run(runs.csv("c.csv", "p,label", *responses(rows, 9.0)), "check", **against).violations)
        runs.run(runs.folder / "a.csv", "baseline", **settings, threshold_rule="Exact")
        by_the_first_partys_rule += bool(runs.run(runs.folder / "b.csv", "check", **against).violations)
    assert (alarms, worse) == (0, 4)
    assert by_the_first_partys_rule >= 2
