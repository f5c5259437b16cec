"""Which columns are features, predictions, probabilities and labels, in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture import CaptureFiles, open_records
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.dataset import Dataset, Plan, Role
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import CaptureOptions
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

GROUND_TRUTH = "groundTruthData"
ROWS = [{"age": 41, "score": 0.75, "guess": 1, "the label": 1}, {"age": 23, "score": 0.25, "guess": 0, "the label": 1}]
BY_NAME = {"inference_attribute": "guess", "probability_attribute": "score", "ground_truth_attribute": "the label"}


def opened(source: Path, dataset_format: dict[str, Any], **attributes: str) -> Dataset:
    return open_dataset(
        analysis_settings(
            dataset_source=source, dataset_format=dataset_format, output_path=source.parent / "out", **attributes
        )
    )


def values(dataset: Dataset, role: Role) -> list[tuple[str | None, ...]]:
    names = list(dataset.roles[role])
    batches = dataset.batches(Plan(dict.fromkeys(names, pl.String())), ReadLog())
    return [row for batch in batches for row in batch[:, names].rows()]


def written(folder: Path, name: str) -> tuple[Path, dict[str, Any]]:
    path, frame = folder / f"data.{name}", pl.DataFrame(ROWS)
    if name == "csv":
        frame.write_csv(path)
        return path, {"csv": {"header": True}}
    if name == "parquet":
        frame.write_parquet(path)
        return path, {"parquet": {}}
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path, {"json": {"lines": True}}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "parquet", "json"])
@pytest.mark.parametrize(
    "attributes",
    [BY_NAME, {"inference_attribute": "2", "probability_attribute": "1", "ground_truth_attribute": "3"}],
)
def test_columns_of_files_are_selected_by_name_or_index(name: str, attributes: dict[str, str], tmp_path: Path) -> None:
    dataset = opened(*written(tmp_path, name), **attributes)
    assert dataset.roles == {
        Role.FEATURES: ("age",),
        Role.INFERENCE: ("guess",),
        Role.PROBABILITY: ("score",),
        Role.GROUND_TRUTH: ("the label",),
    }
    assert dataset.columns == ("age", "score", "guess", "the label")
    assert values(dataset, Role.PROBABILITY) == [("0.75",), ("0.25",)]


@pytest.mark.parametrize("name", ["csv", "parquet", "json"])
def test_without_attributes_all_columns_are_features(name: str, tmp_path: Path) -> None:
    assert opened(*written(tmp_path, name)).roles == {Role.FEATURES: ("age", "score", "guess", "the label")}


def test_a_name_of_digits_has_precedence_over_an_index(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,0\n5,6\n")
    assert opened(path, {"csv": {"header": True}}, inference_attribute="0").roles[Role.INFERENCE] == ("0",)


def test_excluded_columns_have_no_role(tmp_path: Path) -> None:
    dataset = opened(*written(tmp_path, "csv"), **BY_NAME, exclude_features_attribute="age")
    assert dataset.roles[Role.FEATURES] == ()
    assert dataset.columns == ("score", "guess", "the label")


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_an_attribute_that_names_no_column_is_refused_with_the_existing_columns(name: str, tmp_path: Path) -> None:
    dataset = opened(*written(tmp_path, name), ground_truth_attribute="labels")
    with pytest.raises(
        InvalidInput, match=r"ground_truth_attribute is 'labels'.* it has 'age', 'score', 'guess', 'the label'"
    ):
        _ = dataset.roles


def test_paths_select_the_roles_in_json_documents(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    documents = [
        {"instances": [{"f": [n, n + 1], "label": n % 2}, {"f": [0, 0], "label": 0}], "out": {"predictions": [n, 0]}}
        for n in range(3)
    ]
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    paths = {
        "features_attribute": "instances[*].f",
        "inference_attribute": "out.predictions[*]",
        "ground_truth_attribute": "instances[*].label",
    }
    dataset = opened(path, {"json": {"lines": True}}, **paths)
    assert dataset.roles == {
        Role.INFERENCE: ("_c0",),
        Role.FEATURES: ("_c1", "_c2"),
        Role.GROUND_TRUTH: ("_c3",),
    }
    assert values(dataset, Role.FEATURES) == [("0", "1"), ("0", "0"), ("1", "2"), ("0", "0"), ("2", "3"), ("0", "0")]
    assert values(dataset, Role.GROUND_TRUTH) == [("0",), ("0",), ("1",), ("0",), ("0",), ("0",)]


def test_paths_also_select_named_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"in": {"a": 1, "b": 2}, "out": {"p": 0.5}, "truth": {"y": 1}}\n')
    paths = {"features_attribute": "in", "probability_attribute": "out", "ground_truth_attribute": "truth"}
    assert opened(path, {"json": {"lines": True}}, **paths).roles == {
        Role.PROBABILITY: ("p",),
        Role.FEATURES: ("a", "b"),
        Role.GROUND_TRUTH: ("y",),
    }


def test_json_lists_are_selected_by_index(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text("[0.5, 41, 1]\n[0.25, 23, 0]\n")
    dataset = opened(path, {"json": {"lines": True}}, probability_attribute="0", ground_truth_attribute="2")
    assert dataset.roles == {
        Role.FEATURES: ("_c1",),
        Role.PROBABILITY: ("_c0",),
        Role.GROUND_TRUTH: ("_c2",),
    }


@pytest.mark.parametrize(
    ("options", "content", "attributes", "features"),
    [
        (
            {"csv": {"header": False}},
            "41,0.5,1,00000000-0000-4000-8000-000000000000,2026-01-31T09:00:00Z\n",
            {"inference_attribute": "1", "ground_truth_attribute": "2"},
            [("41",)],
        ),
        (
            {"json": {"lines": True}},
            '{"age": 41, "out": 0.5, "y": 1, "SageMakerInferenceTime": "2026-01-31T09:00:00Z"}',
            {"inference_attribute": "out", "ground_truth_attribute": "y"},
            [("41",)],
        ),
        (
            {"json": {"lines": True}},
            '{"in": [41, 7], "out": [0.5], "y": 1, "SageMakerInferenceTime": "2026-01-31T09:00:00Z"}',
            {"features_attribute": "in", "inference_attribute": "out", "ground_truth_attribute": "y"},
            [("41", "7")],
        ),
    ],
)
def test_transform_outputs_have_roles(
    options: dict[str, Any], content: str, attributes: dict[str, str], features: list[tuple[str]], tmp_path: Path
) -> None:
    manifest = tmp_path / "output/2026/01/31/09/m.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('[{"prefix": "s3://b/"}, "o.out"]')
    (tmp_path / "objects/b").mkdir(parents=True)
    (tmp_path / "objects/b/o.out").write_text(content)
    dataset = opened(tmp_path, {"batchTransform": options | {"side": "output"}}, **attributes)
    assert values(dataset, Role.FEATURES) == features
    assert (values(dataset, Role.INFERENCE), values(dataset, Role.GROUND_TRUTH)) == ([("0.5",)], [("1",)])


def test_rows_of_a_preprocessor_have_roles_by_name(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(merged(endpointInput=csv("41"), endpointOutput=csv("0.5")))
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(record):\n"
        "    return {'age': record.endpoint_input.data, 'score': record.endpoint_output.data}\n"
    )
    dataset = opened(
        tmp_path / "c.jsonl",
        {"sagemakerCaptureJson": {}},
        record_preprocessor_script=str(script),
        probability_attribute="score",
    )
    assert dataset.roles == {Role.FEATURES: ("age",), Role.PROBABILITY: ("score",)}


def csv(text: str) -> dict[str, str]:
    return {"data": text, "encoding": "CSV"}


def as_json(document: Any) -> dict[str, str]:
    return {"data": json.dumps(document), "encoding": "JSON"}


def merged(**sides: dict[str, str]) -> str:
    ground_truth = {GROUND_TRUTH: sides.pop(GROUND_TRUTH)} if GROUND_TRUTH in sides else {}
    return json.dumps({"captureData": sides, "eventMetadata": {"eventId": "e"}, "eventVersion": "0", **ground_truth})


def captured(folder: Path, *lines: str, names: tuple[str, ...] = (), **attributes: str) -> CaptureFiles:
    (folder / "c.jsonl").write_text("\n".join(lines))
    options = CaptureOptions.model_validate({"captureIndexNames": names} if names else {})
    return open_records(CapturedRecords(source_files(folder / "c.jsonl")), options, Attributes.of(**attributes))


def test_requests_are_features_and_responses_are_predictions(tmp_path: Path) -> None:
    line = merged(endpointInput=csv("41,7"), endpointOutput=csv("0.5"))
    assert captured(tmp_path, line).roles == {Role.FEATURES: ("_c1", "_c2"), Role.INFERENCE: ("_c0",)}


def test_ground_truth_is_read_if_it_is_requested(tmp_path: Path) -> None:
    line = merged(endpointInput=csv("41,7"), endpointOutput=csv("1,0.5"), groundTruthData=csv("1"))
    assert Role.GROUND_TRUTH not in captured(tmp_path, line).roles
    named = captured(tmp_path, line, names=("endpointOutput", GROUND_TRUTH), inference="0", probability="1")
    assert named.roles == {Role.INFERENCE: ("_c0",), Role.PROBABILITY: ("_c1",), Role.GROUND_TRUTH: ("_c2",)}
    requested = captured(tmp_path, line, inference="0", probability="1", ground_truth="0")
    assert requested.roles == {
        Role.INFERENCE: ("_c0",),
        Role.PROBABILITY: ("_c1",),
        Role.FEATURES: ("_c2", "_c3"),
        Role.GROUND_TRUTH: ("_c4",),
    }
    assert requested.input_columns == ("_c2", "_c3")
    assert values(requested, Role.GROUND_TRUTH) == [("1",)]


def test_a_real_merged_record_of_a_batch_request_has_roles(tmp_path: Path) -> None:
    line = merged(
        endpointInput=as_json({"instances": [{"features": [28, 2]}, {"features": [43, 3]}]}),
        endpointOutput=as_json({"predictions": [{"score": 0.9, "label": 1}, {"score": 0.1, "label": 0}]}),
        groundTruthData=as_json({"instances": [{"label": 0}, {"label": 1}]}),
    )
    paths = {
        "features": "instances[*].features",
        "inference": "predictions[*].label",
        "probability": "predictions[*].score",
        "ground_truth": "instances[*].label",
    }
    dataset = captured(tmp_path, line, **paths)
    assert {role: values(dataset, role) for role in dataset.roles} == {
        Role.INFERENCE: [("1",), ("0",)],
        Role.PROBABILITY: [("0.9",), ("0.1",)],
        Role.FEATURES: [("28", "2"), ("43", "3")],
        Role.GROUND_TRUTH: [("0",), ("1",)],
    }


def test_a_transform_output_is_read_by_paths_and_by_indices(tmp_path: Path) -> None:
    line = merged(
        batchTransformOutput=as_json({"SageMakerOutput": [0.9], "x": [1, 2]}), groundTruthData=as_json({"label": 1})
    )
    paths = {"features": "x", "inference": "SageMakerOutput[*]", "ground_truth": "label"}
    dataset = captured(tmp_path, line, **paths)
    assert dataset.roles == {Role.INFERENCE: ("_c0",), Role.FEATURES: ("_c1", "_c2"), Role.GROUND_TRUTH: ("_c3",)}
    line = merged(batchTransformOutput=csv("41,7,0.5\n"), groundTruthData=csv("1"))
    dataset = captured(tmp_path, line, inference="2", ground_truth="0")
    assert dataset.roles == {Role.FEATURES: ("_c0", "_c1"), Role.INFERENCE: ("_c2",), Role.GROUND_TRUTH: ("_c3",)}
    assert values(dataset, Role.INFERENCE) == [("0.5",)]
    assert captured(tmp_path, line).roles == {Role.INFERENCE: ("_c0", "_c1", "_c2")}
    with pytest.raises(InvalidInput, match="inference_attribute is '3'") as refused:
        _ = captured(tmp_path, line, inference="3").roles
    assert refused.value.code == "UnknownColumn"


FIELD = st.sampled_from(["0", "1", "0.5", "", "a", '"x,y"'])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    records=st.lists(st.tuples(st.lists(FIELD, min_size=1, max_size=3), st.integers(0, 3)), min_size=1, max_size=6),
    together=st.booleans(),
)
def test_parsing_ground_truth_together_and_one_by_one_gives_the_same(
    records: list[tuple[list[str], int]], together: bool, tmp_path: Path
) -> None:
    """A last record in another encoding makes all records of the block be parsed one by one."""
    lines = [
        merged(
            endpointInput=csv("\n".join(f"{place},7" for place in range(len(fields)))),
            endpointOutput=csv("\n".join(f"0.{place}" for place in range(len(fields)))),
            groundTruthData=csv("\n".join(f"{field},9" for field in fields) + "\n" * ends),
        )
        for fields, ends in records
    ]
    if not together:
        lines.append(merged(endpointInput=csv("1,7"), endpointOutput=csv("1"), groundTruthData=as_json([["z", 9]])))
    dataset = captured(tmp_path, *lines, probability="0", ground_truth="0")
    expected = [field.strip('"') or None for fields, _ in records for field in fields] + ["z"] * (not together)
    assert [value for (value,) in values(dataset, Role.GROUND_TRUTH)] == expected
    assert len(values(dataset, Role.FEATURES)) == len(expected)
