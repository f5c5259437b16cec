"""What JMESPaths find in payloads: through any number of fields, and with numbers that are compared and computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import modelwatch


@pytest.mark.parametrize(
    ("path", "response"),
    [
        ("a.b.c", lambda scores: {"a": {"b": {"c": scores[0]}}}),
        ("a.b.c.d", lambda scores: {"a": {"b": {"c": {"d": scores[0]}}}}),
        ("a.b[0].c", lambda scores: {"a": {"b": [{"c": scores[0]}]}}),
        ("a.b[-1].c[0].d", lambda scores: {"a": {"b": [{"c": [{"d": scores[0]}]}]}}),
        ('"my model".output.score', lambda scores: {"my model": {"output": {"score": scores[0]}}}),
        ("a.b.c[*].d", lambda scores: {"a": {"b": {"c": [{"d": score} for score in scores]}}}),
        ("a.b[0].c[*]", lambda scores: {"a": {"b": [{"c": scores}]}}),
        ("a.b.c[]", lambda scores: {"a": {"b": {"c": scores}}}),
    ],
)
def test_attributes_may_lead_through_any_number_of_fields(shell, path, response):
    rows = 2 if path.endswith(("[*].d", "[*]", "[]")) else 1
    records, labels = [], []
    for number in range(120):
        scores = [round((number * 7 + row * 3) % 100 / 100, 2) for row in range(rows)]
        sides = {
            "endpointInput": {"data": "1,2\n" * rows, "encoding": "CSV"},
            "endpointOutput": {"data": json.dumps(response(scores)), "encoding": "JSON"},
        }
        event = {"eventId": f"e{number}", "inferenceTime": "2026-03-01T10:00:00Z"}
        records.append({"captureData": sides, "eventMetadata": event, "eventVersion": "0"})
        truth = "\n".join(str(int(score > 0.5)) for score in scores)
        labels.append({"groundTruthData": {"data": truth, "encoding": "CSV"}, "eventMetadata": event})
    shell.write("captures/ep/AllTraffic/2026/03/01/10/f.jsonl", "".join(json.dumps(each) + "\n" for each in records))
    shell.write("labels/2026/03/01/11/l.jsonl", "".join(json.dumps(each) + "\n" for each in labels))
    made = shell(
        "baseline model-quality --data captures --dataset-format capture --ground-truth labels --output b"
        f" --problem-type BinaryClassification --probability-attribute '{path}'"
    )
    assert made.exit_code == 0, made.text
    document = shell.read("b/statistics.json")
    assert document["dataset"]["item_count"] == 120 * rows
    assert document["binary_classification_metrics"]["accuracy"]["value"] == 1.0


SCORES = [0.5, 1e-05, 10.25, 9.5, 0.125]


def captured(shell, documents):
    records = [
        {
            "captureData": {"endpointOutput": {"data": json.dumps(document), "encoding": "JSON"}},
            "eventMetadata": {"eventId": f"e{number}", "inferenceTime": "2026-03-01T10:00:00Z"},
            "eventVersion": "0",
        }
        for number, document in enumerate(documents)
    ]
    shell.write("captures/ep/AllTraffic/2026/03/01/10/f.jsonl", "".join(json.dumps(each) + "\n" for each in records))
    return shell.folder / "captures"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("max(scores)", 10.25),  # as text, 9.5 would be the greatest
        ("min(scores)", 1e-05),  # and 0.125 the least
        ("sort(scores)[0]", 1e-05),
        ("sum(scores)", sum(SCORES)),
        ("avg(scores)", np.mean(SCORES)),
        ("scores[?@ > `9.75`] | [0]", 10.25),
        ("scores[?@ == `0.125`] | [0]", 0.125),
        ("max_by(items, &score).score", 10.25),
        ("items[?score > `0.2`].score | [0]", 0.5),
        ("ceil(scores[0])", 1),
    ],
)
def test_numbers_are_compared_and_computed_as_numbers(shell, path, expected):
    data = captured(shell, [{"scores": SCORES, "items": [{"score": score} for score in SCORES]}] * 120)
    made = modelwatch.baseline(data, dataset_format="capture", inference_attribute=path)
    (feature,) = made.statistics["features"]
    assert feature["inferred_type"] == ("Integral" if isinstance(expected, int) else "Fractional")
    assert feature["numerical_statistics"]["mean"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("path", ["scores[?@ > `1`]", "merge(missing, missing)", "&scores", "sum(scores)"])
def test_a_path_that_does_not_fit_the_values_is_refused_with_this_cause(shell, path):
    data = captured(shell, [{"scores": ["high", "low"]}] * 120)
    with pytest.raises(modelwatch.ModelwatchError, match="inference_attribute cannot be applied to the payload"):
        modelwatch.baseline(data, dataset_format="capture", inference_attribute=path)


def test_a_number_that_no_double_holds_is_refused_by_a_path_that_rounds_it(shell):
    data = captured(shell, [{"score": 0.5}] * 120)
    (file,) = data.rglob("*.jsonl")
    file.write_text(file.read_text().replace("0.5", "1e400"))
    with pytest.raises(modelwatch.ModelwatchError, match="inference_attribute cannot be applied to the payload"):
        modelwatch.baseline(data, dataset_format="capture", inference_attribute="ceil(score)")


def test_the_class_of_the_greatest_score_is_found_by_a_path(shell):
    # Text classifiers of Hugging Face respond with a list of labels and scores, the best one not always first.
    classes = ["cat" if number % 3 else "dog" for number in range(120)]
    data = captured(
        shell,
        [[{"label": name, "score": 0.9 if name == best else 1e-05} for name in ("cat", "dog")] for best in classes],
    )
    labels = [
        {"groundTruthData": {"data": name, "encoding": "CSV"}, "eventMetadata": {"eventId": f"e{number}"}}
        for number, name in enumerate(classes)
    ]
    shell.write("labels/2026/03/01/11/l.jsonl", "".join(json.dumps(each) + "\n" for each in labels))
    made = modelwatch.baseline(
        data,
        kind="model-quality",
        dataset_format="capture",
        problem_type="MulticlassClassification",
        ground_truth=shell.folder / "labels",
        inference_attribute="max_by(@, &score).label",
    )
    assert made.statistics["multiclass_classification_metrics"]["accuracy"]["value"] == 1.0
