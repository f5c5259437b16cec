"""Which class a label, a prediction or a column of probabilities is of.

Columns of probabilities in another order than that of classes are in automlbenchmark 212 and scikit-learn 30910, their
names with a beginning of their own in NannyML's tutorials and H2O's predictions.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

import modelwatch

ROWS = 300


def scored(number):
    """Return the places of labels among so many classes, and the probabilities of all; a fifth is predicted wrongly."""
    generator = np.random.default_rng(number)
    places = generator.integers(0, number, ROWS)
    probabilities = generator.dirichlet(np.ones(number), ROWS)
    probabilities[np.arange(ROWS), (places + (generator.random(ROWS) < 0.2)) % number] += 1
    return places, probabilities / probabilities.sum(axis=1, keepdims=True)


def quality(table, **options):
    made = modelwatch.baseline(table, kind="model-quality", problem_type="MulticlassClassification", **options)
    return made.statistics["multiclass_classification_metrics"], made.warnings


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        # Classes that are numbers but do not count from 0, in any order.
        (["1", "2", "3"], None),
        (["3", "1", "2"], None),
        (["0", "1", "10", "11", "2", "3"], None),
        ([1.0, 2.0, 3.0], None),
        # Dots in the names of classes.
        (["St. Gallen", "Bern", "Basel"], None),
        (["U.S.", "France", "Spain"], None),
        (["St. Gallen", "Bern"], ["scores.St. Gallen", "scores.Bern"]),
        # Names with a path or another beginning.
        (["cat", "dog"], ["a.cat", "b.dog"]),
        (["cat", "dog"], ["proba_cat", "proba_dog"]),
        (["prepaid_card", "highstreet_card"], ["y_pred_proba_prepaid_card", "y_pred_proba_highstreet_card"]),
        (["low_cost", "low_risk"], ["prob_low_cost", "prob_low_risk"]),
        (["1", "2", "10"], ["p1", "p2", "p10"]),
        ([0.0, 1.0, 2.0], ["proba_0.0", "proba_1.0", "proba_2.0"]),
    ],
)
def test_a_column_of_probabilities_is_that_of_the_class_in_its_name(classes, names):
    places, probabilities = scored(len(classes))
    names = names or [str(each) for each in classes]
    table = pd.DataFrame({"y": np.array(classes)[places]} | dict(zip(names, probabilities.T, strict=True)))
    found, warnings = quality(table, ground_truth_attribute="y", probability_attribute=",".join(names))
    assert found["accuracy"]["value"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == places), rel=1e-12)
    assert found["log_loss"]["value"] == pytest.approx(log_loss(places, probabilities), rel=1e-12)  # scikit-learn 1.9
    assert not warnings


def test_columns_that_are_named_by_their_places_are_those_of_classes_from_0():
    places, probabilities = scored(3)
    table = pd.DataFrame(np.column_stack([places, probabilities]))
    table.columns = [str(name) for name in table.columns]
    found, _ = quality(table, ground_truth_attribute="0", probability_attribute="1,2,3")
    assert found["log_loss"]["value"] == pytest.approx(log_loss(places, probabilities), rel=1e-12)  # scikit-learn 1.9


def binary(labels, **options):
    table = pd.DataFrame({"y": labels, "s": np.linspace(0.1, 0.9, len(labels))})
    options = {"problem_type": "BinaryClassification", "probability_attribute": "s"} | options
    made = modelwatch.baseline(table, kind="model-quality", ground_truth_attribute="y", **options)
    return made, made.statistics["binary_classification_metrics"]


def test_a_label_of_minus_one_beside_zero_is_reported_and_the_option_leaves_it_out():
    # Weak supervision writes -1 where it does not know (snorkel 1692); unlabelled rows in metrics are autolabel 467.
    labels = [-1, 0, 1, 1] * 75
    made, found = binary(labels)
    assert sum(found["confusion_matrix"]["0"].values()) == 150
    (warning,) = [each for each in made.warnings if "-1 and 0 are all negative labels" in each]
    assert "--missing-values -1 " in warning
    made, found = binary(labels, missing_values="-1")
    assert sum(found["confusion_matrix"]["0"].values()) == 75
    assert not [each for each in made.warnings if "-1" in each]
    assert not binary([-1, 1, 1] * 100)[0].warnings


@pytest.mark.parametrize(
    ("labels", "undefined"),
    [
        ([1] * 300, [("true_negative_rate, false_positive_rate", "no label is negative"), ("auc", "of one class")]),
        ([0] * 300, [("true_positive_rate, false_negative_rate", "no label is positive"), ("auc", "of one class")]),
        ([0, 1, 1] * 100, []),
    ],
)
def test_a_baseline_names_the_metrics_that_its_rows_leave_undefined(labels, undefined):
    # NannyML 326 and 405: of a chunk of one class, metrics are NaN without a word.
    made, _ = binary(labels)
    warnings = [each for each in made.warnings if "undefined in the baseline" in each]
    assert len(warnings) == len(undefined)
    for warning, (names, reason) in zip(warnings, undefined, strict=True):
        assert warning.startswith(names)
        assert reason in warning
    constraints = made.constraints["binary_classification_constraints"]
    assert {"auc", "true_positive_rate", "true_negative_rate"} - set(constraints) == {
        name for name in ("auc", "true_positive_rate", "true_negative_rate") if any(name in each for each in warnings)
    }


def test_a_label_whose_comma_is_not_in_quotes_is_left_out_with_the_cause(shell):
    labels = ["New York, NY" if number % 3 == 0 else "Bern" for number in range(60)]
    sides = [
        {"endpointInput": {"data": "1", "encoding": "CSV"}, "endpointOutput": {"data": "Bern", "encoding": "CSV"}}
        for _ in labels
    ]
    shell.write(
        "captures/ep/AllTraffic/2026/03/01/10/f.jsonl",
        "".join(
            json.dumps(
                {"captureData": side, "eventMetadata": {"eventId": f"e{n}", "inferenceTime": "2026-03-01T10:00Z"}}
            )
            + "\n"
            for n, side in enumerate(sides)
        ),
    )
    command = (
        "baseline model-quality --data captures --dataset-format capture --ground-truth labels --output b"
        " --problem-type MulticlassClassification"
    )
    for quotes, left_out in (("", True), ('"', False)):
        records = [
            {
                "groundTruthData": {"data": f"{quotes}{label}{quotes}", "encoding": "CSV"},
                "eventMetadata": {"eventId": f"e{n}"},
            }
            for n, label in enumerate(labels)
        ]
        shell.write("labels/2026/03/01/11/l.jsonl", "".join(json.dumps(record) + "\n" for record in records))
        made = shell(command)
        assert (
            "groundTruthData has 2 fields instead of 1 (in CSV a comma within a value needs quotes" in made.text
        ) is left_out
        assert (
            "New York, NY" in shell.read("b/statistics.json")["multiclass_classification_metrics"]["confusion_matrix"]
        ) is not left_out
