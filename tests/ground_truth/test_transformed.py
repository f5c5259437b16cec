"""Merging outputs of transform jobs and labels."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.reading.dataset import Role
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput

from .conftest import PART, World, label, rows

IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(4)]
TIMES = [f"2026-11-22T03:{minute:02}:00Z" for minute in (0, 15, 30, 45)]
HOUR = "2026/11/22/03"
MERGED = f"nightly/{HOUR}/{PART}"
LABELS = [label(IDS[2], "1"), label(IDS[0], "0"), label("x", "1")]


def job(world: World, objects: dict[str, bytes | str], hour: str = HOUR) -> None:
    world.write(f"capture/output/{hour}/0a1b.json", json.dumps([{"prefix": "s3://bucket/job/"}, *objects]))
    for name, content in objects.items():
        world.write(f"capture/objects/bucket/job/{name}", content)


def opened(world: World, options: dict[str, Any], **changes: Any) -> Any:
    settings = {"sagemaker_monitoring_schedule_name": "nightly", "dataset_format": {"batchTransform": options}}
    return world.opened(**(settings | changes))


def test_rows_of_text_become_records_without_id_and_time(world: World) -> None:
    lines = [f'{number},"a, ""b""",,0.{number},{IDS[number]},{TIMES[number]}\n' for number in range(4)]
    job(world, {"0.csv.out": "".join(lines[:2]), "1.csv.out": "".join(lines[2:])})
    world.labels(*LABELS)
    found = opened(world, {"csv": {"header": False}}, inference_attribute="3")
    assert world.merged(MERGED)[0] == {
        "captureData": {"batchTransformOutput": {"data": '0,"a, ""b""",,0.0', "encoding": "CSV", "mode": "OUTPUT"}},
        "eventMetadata": {"eventId": IDS[0], "inferenceTime": TIMES[0]},
        "eventVersion": "0",
        "groundTruthData": {"data": "0", "encoding": "CSV"},
    }
    log = ReadLog()
    assert rows(found.dataset, Role.FEATURES, Role.INFERENCE, Role.GROUND_TRUTH, log=log) == [
        ("0", 'a, "b"', None, "0.0", "0"),
        ("2", 'a, "b"', None, "0.2", "1"),
    ]
    assert (log.read, log.objects) == (2, 2)
    assert found.counts.model_dump() == {
        "predictions": 4,
        "labels": 3,
        "matched": 2,
        "unlabelled": 2,
        "without_prediction": 1,
        "duplicates": 0,
        "conflicting": 0,
        "late": 0,
        "ambiguous": 0,
    }


@pytest.mark.slow
def test_attributes_may_name_columns_that_have_only_positions_in_merged_records(world: World) -> None:
    frame = {
        "age": [41, 23],
        "SageMakerInferenceId": IDS[:2],
        "score": [0.25, 0.75],
        "SageMakerInferenceTime": TIMES[:2],
    }
    file = io.BytesIO()
    pl.DataFrame(frame).write_parquet(file)
    world.labels(*LABELS)
    for options, content in (
        ({"csv": {"header": True}}, pl.DataFrame(frame).write_csv()),
        ({"parquet": {}}, file.getvalue()),
    ):
        job(world, {"a": content})
        found = opened(world, options, probability_attribute="score")
        assert rows(found.dataset, Role.FEATURES, Role.PROBABILITY, Role.GROUND_TRUTH) == [("41", "0.25", "0")]


def test_documents_become_records_as_the_merge_job_writes_them(world: World) -> None:
    document = {
        "SageMakerOutput": {"predictions": [{"p": 0.50}, {"p": 1}]},
        "instances": [{"f": [1, 2]}, {"f": [3, 4]}],
    }
    carried = document | {"SageMakerInferenceId": IDS[0], "SageMakerInferenceTime": TIMES[0]}
    world.labels(json.dumps([label(IDS[0], '{"instances": [{"label": 0}, {"label": 1}]}', "JSON")]))
    paths = {
        "features_attribute": "instances[*].f",
        "probability_attribute": "SageMakerOutput.predictions[*].p",
        "ground_truth_attribute": "instances[*].label",
    }
    for lines, content in ((True, json.dumps(carried)), (False, json.dumps([carried], indent=1))):
        job(world, {"a.out": content})
        found = opened(world, {"json": {"lines": lines}}, **paths)
        (record,) = world.merged(MERGED)
        output = record["captureData"]["batchTransformOutput"]
        assert (json.loads(output["data"]), output["encoding"]) == (document, "JSON")
        assert record["eventMetadata"] == {"eventId": IDS[0], "inferenceTime": TIMES[0]}
        assert rows(found.dataset, Role.PROBABILITY, Role.FEATURES, Role.GROUND_TRUTH) == [
            ("0.5", "1", "2", "0"),
            ("1", "3", "4", "1"),
        ]


def test_records_outside_the_window_and_malformed_ones_are_counted(world: World) -> None:
    documents = [
        {"p": 1, "SageMakerInferenceId": IDS[0], "SageMakerInferenceTime": TIMES[0]},
        {"p": 1, "SageMakerInferenceId": IDS[1], "SageMakerInferenceTime": "2026-11-22T05:00:00Z"},
        {"p": 1, "SageMakerInferenceId": 7},
        [1],
        {"p": 1, "SageMakerInferenceId": IDS[2]},
    ]
    job(world, {"a.out": "\n".join(map(json.dumps, documents))})
    world.labels(*LABELS)
    log = ReadLog()
    found = opened(world, {"json": {"lines": True}})
    assert rows(found.dataset, Role.INFERENCE, Role.GROUND_TRUTH, log=log) == [("1", "0")]
    assert (log.out_of_window, log.malformed, found.counts.predictions) == (1, 3, 1)
    assert log.malformed_examples[:2] == [
        "job/a.out:3: not a JSON object with a string as inference id",
        "job/a.out:4: not a JSON object with a string as inference id",
    ]


def test_each_hour_has_its_folder_even_where_nothing_is_matched(world: World) -> None:
    job(world, {"a": f"1,{IDS[0]},{TIMES[0]}\n"})
    job(world, {"b": f"2,{IDS[1]},2026-11-22T04:15:00Z\n"}, hour="2026/11/22/04")
    world.labels(*LABELS)
    opened(world, {"csv": {"header": False}}, end_time="2026-11-22T05:00:00Z")
    merged = MERGED.replace("T040000Z", "T050000Z")
    assert len(world.merged(merged)) == 1
    assert world.merged(merged.replace("/03/", "/04/")) == []


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("1,2,0.5\n", {"csv": {"header": False}}),
        ("0.5\n", {"csv": {"header": False}}),
        ('{"p": 1}\n', {"json": {"lines": True}}),
    ],
)
def test_outputs_without_inference_ids_cannot_be_merged(world: World, content: str, options: dict[str, Any]) -> None:
    job(world, {"a.out": content})
    world.labels(*LABELS)
    with pytest.raises(InvalidInput, match="GenerateInferenceId") as refused:
        opened(world, options)
    assert refused.value.code == "NoInferenceIds"
