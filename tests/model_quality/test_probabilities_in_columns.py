"""The probabilities of several classes as several columns of files and of captured responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwatch_core.domain.errors import InvalidInput

MULTICLASS = {"problem_type": "MulticlassClassification"}
# The greatest probabilities are those of 0, 2, 1 and 2; three of four labels are those: accuracy 0.75, by hand.
PROBABILITIES = [(0.7, 0.2, 0.1), (0.1, 0.3, 0.6), (0.2, 0.5, 0.3), (0.25, 0.25, 0.5)]
LABELS = ["0", "2", "1", "0"]


def accuracy(runs: Any, output: str) -> float:
    found = runs.read(output, "statistics.json")["multiclass_classification_metrics"]["accuracy"]["value"]
    return float(found)


@pytest.mark.parametrize("given", ["1,2,3", "p.0,p.1,p.2", " p.0 , 2 ,p.2"])
def test_a_file_has_them_by_index_or_name(runs: Any, given: str) -> None:
    rows = [",".join(map(str, (label, *row))) for label, row in zip(LABELS, PROBABILITIES, strict=True)]
    runs.run(runs.csv("data.csv", "label,p.0,p.1,p.2", *rows), "out", probability_attribute=given, **MULTICLASS)
    assert accuracy(runs, "out") == 0.75


def test_names_are_those_of_classes(runs: Any) -> None:
    rows = [f"{'abc'[int(label)]},{a},{b},{c}" for label, (a, b, c) in zip(LABELS, PROBABILITIES, strict=True)]
    runs.run(runs.csv("data.csv", "label,a,b,c", *rows), "out", probability_attribute="a,b,c", **MULTICLASS)
    assert accuracy(runs, "out") == 0.75


def test_one_name_that_does_not_exist_is_refused(runs: Any) -> None:
    source = runs.csv("data.csv", "label,a,b", "0,0.5,0.5")
    with pytest.raises(InvalidInput, match="probability_attribute is 'a,c', but the dataset has no such column") as no:
        runs.run(source, "out", probability_attribute="a,c", **MULTICLASS)
    assert no.value.code == "UnknownColumn"


def captures(folder: Path, responses: list[str], encoding: str = "CSV") -> Path:
    lines = [
        {
            "captureData": {
                "endpointInput": {"data": "1", "encoding": "CSV"},
                "endpointOutput": {"data": response, "encoding": encoding},
            },
            "groundTruthData": {"data": label, "encoding": "CSV"},
        }
        for response, label in zip(responses, LABELS, strict=True)
    ]
    path = folder / "captures.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.mark.parametrize("given", [None, "0,1,2", "@", "[*]"])
@pytest.mark.parametrize(
    ("spelled", "encoding"),
    [("[{0}, {1}, {2}]", "CSV"), ("[{0} {1} {2}]", "CSV"), ("[{0}, {1}, {2}]", "JSON"), ("{0},{1},{2}", "CSV")],
)
def test_a_captured_response_has_them_in_brackets_or_on_a_line(
    runs: Any, tmp_path: Path, spelled: str, encoding: str, given: str | None
) -> None:
    if given in ("@", "[*]") and not spelled.startswith("["):
        pytest.skip("a JMESPath is not for plain text")
    source = captures(tmp_path, [spelled.format(*row) for row in PROBABILITIES], encoding)
    summary = runs.run(
        source,
        "out",
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}},
        ground_truth_attribute=None,
        probability_attribute=given,
        **MULTICLASS,
    )
    assert accuracy(runs, "out") == 0.75
    assumed = any("were taken for the probabilities of the classes" in warning for warning in summary.warnings)
    assert assumed == (given is None)


@pytest.mark.parametrize("labels", ["0211", "0111"])
def test_columns_that_do_not_add_up_to_1_are_not_taken_for_probabilities(
    runs: Any, tmp_path: Path, labels: str
) -> None:
    source = captures(tmp_path, [f"{label},{a},{b}" for label, (a, b, _) in zip(labels, PROBABILITIES, strict=True)])
    with pytest.raises(InvalidInput, match="do not add up to 1 as probabilities do") as refused:
        runs.run(
            source,
            "out",
            dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}},
            ground_truth_attribute=None,
            **MULTICLASS,
        )
    assert refused.value.code == "OneColumnExpected"


def test_what_names_have_in_common_is_left_out_of_all_predictions_by_the_labels_of_any_rows(
    runs: Any, tmp_path: Path
) -> None:
    header, options = "label,p_cat,p_dog", {"probability_attribute": "p_cat,p_dog", **MULTICLASS}
    (tmp_path / "parts").mkdir()
    files = {"a.csv": ["fish,0.9,0.1", "fish,0.2,0.8"], "b.csv": ["cat,0.7,0.3", "dog,0.4,0.6"]}
    for name, rows in files.items():
        runs.csv(f"parts/{name}", header, *rows)
    runs.run(tmp_path / "parts", "parts_out", **options)
    runs.run(runs.csv("whole.csv", header, *files["a.csv"], *files["b.csv"]), "out", **options)
    in_parts, whole = (runs.read(each, "statistics.json") for each in ("parts_out", "out"))
    metrics = in_parts["multiclass_classification_metrics"]
    assert metrics["confusion_matrix"]["fish"] == {"cat": 1, "dog": 1, "fish": 0}
    assert metrics == whole["multiclass_classification_metrics"]
