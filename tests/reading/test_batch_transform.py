"""The data that batch transform jobs captured, found by their manifests."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan, ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(4)]
TIMES = [f"2026-01-31T09:{minute:02}:00Z" for minute in (0, 15, 30, 45)]
CSV = {"csv": {"header": False}}


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Path]:
    """Write a manifest and its objects where a host downloads them to."""

    def job(objects: dict[str, bytes | str], *, side: str = "output", hour: str = "2026/01/31/09") -> Path:
        manifest = tmp_path / side / hour / "0a1b.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_text(json.dumps([{"prefix": "s3://bucket/job/"}, *objects]))
        for name, content in objects.items():
            path = tmp_path / "objects" / "bucket" / "job" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return job


def read(source: Path, options: dict[str, Any], **settings: str) -> tuple[Any, list[tuple[Any, ...]], ReadLog]:
    wanted = analysis_settings(
        dataset_source=source, dataset_format={"batchTransform": options}, output_path=source / "out", **settings
    )
    dataset, log = open_dataset(wanted), ReadLog()
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    rows = [row for batch in dataset.batches(plan, log) for row in batch[list(dataset.columns)].rows()]
    return dataset, rows, log


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame(
        {"a": ["0", "1", "2", "3"], "SageMakerInferenceId": IDS, "SageMakerInferenceTime": TIMES}
    ).write_parquet(file)
    return file.getvalue()


ROWS = [{"a": str(i), "SageMakerInferenceId": IDS[i], "SageMakerInferenceTime": TIMES[i]} for i in range(4)]
OUTPUTS = {
    "csv": ("".join(f"{i},{IDS[i]},{TIMES[i]}\n" for i in range(4)), CSV, "_c0"),
    "compressed csv": (gzip.compress("".join(f"{i},{IDS[i]},{TIMES[i]}\n" for i in range(4)).encode()), CSV, "_c0"),
    "json lines": ("\n".join(map(json.dumps, ROWS)), {"json": {"line": True}}, "a"),
    "json": (json.dumps(ROWS), {"json": {"lines": False}}, "a"),
    "parquet": (parquet(), {"parquet": {}}, "a"),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_rows_are_filtered_by_inference_time_and_neither_it_nor_the_id_is_a_feature(
    job: Callable[..., Path], kind: str
) -> None:
    content, options, column = OUTPUTS[kind]
    dataset, rows, log = read(
        job({"part.out": content}),
        {**options, "side": "output"},
        start_time="2026-01-31T09:15:00Z",
        end_time="2026-01-31T09:45:00Z",
    )
    assert dataset.columns == (column,)
    assert rows == [("1",), ("2",)]
    assert (log.objects, log.read, log.out_of_window, log.malformed) == (1, 2, 2, 0)


def test_records_read_by_attributes_are_filtered_by_their_inference_time(job: Callable[..., Path]) -> None:
    lines = [json.dumps({"p": [{"y": i}, {"y": i + 10}], **row}) for i, row in enumerate(ROWS)]
    timeless = [json.dumps({"p": [{"y": 20}]}), "{", "[]", '{"SageMakerInferenceTime": "noon", "p": [{"y": 21}]}']
    window = {"start_time": "2026-01-31T09:15:00Z", "end_time": "2026-01-31T09:45:00Z"}
    options = {"json": {}, "side": "output"}
    source = job({"a.out": "\n".join([*lines, *timeless])})
    dataset, rows, log = read(source, options, inference_attribute="p[*].y", **window)
    assert dataset.columns == ("_c0",)
    assert rows == [("1",), ("11",), ("2",), ("12",), ("20",), ("21",)]
    assert (log.read, log.out_of_window, log.malformed) == (6, 2, 2)
    _, rows, log = read(source, options, inference_attribute="a", **window)  # the name of a column
    assert [row[0] for row in rows] == ["1", "2"]
    assert log.out_of_window == 2


def test_without_id_and_time_all_rows_of_the_jobs_in_the_hours_are_read(job: Callable[..., Path]) -> None:
    job({"early.csv": "0,x\n"}, side="input", hour="2026/01/31/08")
    source = job({"a.csv": "1,x\n2,y\n", "b/c.csv": "3,z\n"}, side="input")
    dataset, rows, log = read(source, CSV, start_time="2026-01-31T09:00:00Z", end_time="2026-01-31T10:00:00Z")
    assert (dataset.columns, dataset.named) == (("_c0", "_c1"), False)
    assert rows == [("1", "x"), ("2", "y"), ("3", "z")]
    assert log.objects == 2
    assert len(read(source, CSV)[1]) == 4


def test_a_row_without_a_time_among_others_is_counted(job: Callable[..., Path]) -> None:
    source = job({"a.out": "\n".join(map(json.dumps, [*ROWS, {"a": "4"}]))})
    _, rows, log = read(source, {"json": {}, "side": "output"})
    assert len(rows) == 4
    assert (log.read, log.malformed) == (4, 1)


def test_attributes_and_preprocessors_work_on_transformed_records_too(job: Callable[..., Path], tmp_path: Path) -> None:
    line = json.dumps({"SageMakerOutput": {"predictions": [0.5, 0.25]}, "instances": [{"f": [1, 2]}, {"f": [3, 4]}]})
    source = job({"a.out": line})
    options = {"json": {}, "side": "output"}
    attributes = {"features_attribute": "instances[*].f", "inference_attribute": "SageMakerOutput.predictions[*]"}
    assert read(source, options, **attributes)[1] == [("0.5", "1", "2"), ("0.25", "3", "4")]
    script = tmp_path / "script.py"
    script.write_text(
        "import json\ndef preprocess_handler(line):\n    return {'n': len(json.loads(line)['instances'])}"
    )
    assert read(source, options, record_preprocessor_script=str(script))[1] == [("2",)]


def test_objects_are_found_wherever_a_user_may_have_copied_them(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "m.json").write_text(
        json.dumps([{"prefix": "s3://b/p/"}, "1.csv", "2.csv", "3.csv", "1.csv"])
    )
    for place, content in {"b/p/1.csv": "1\n", "p/2.csv": "2\n", "input/3.csv": "3\n"}.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with pytest.raises(InvalidInput) as refused:  # a file next to the manifest is not a manifest
        read(tmp_path, CSV)
    assert refused.value.code == "InvalidManifest"
    (tmp_path / "p" / "3.csv").write_text("3\n")
    (tmp_path / "input" / "3.csv").unlink()
    assert read(tmp_path, CSV)[1] == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ("[]", "InvalidManifest"),
        ("{}", "InvalidManifest"),
        ('["a.csv"]', "InvalidManifest"),
        ('[{"prefix": "/etc/"}, "passwd"]', "InvalidManifest"),
        ('[{"prefix": "s3://b/"}, {"x": "y"}]', "InvalidManifest"),
        ("\xff", "InvalidManifest"),
        ('[{"prefix": "s3://b/"}]', "NoData"),
        ('[{"prefix": "s3://b/"}, "gone.csv"]', "ObjectNotFetched"),
        ('[{"prefix": "s3://b/"}, "../../secret.csv"]', "ObjectNotFetched"),
        ('[{"prefix": "s3://b/"}, "/secret.csv"]', "ObjectNotFetched"),
    ],
)
def test_an_invalid_manifest_or_one_that_names_missing_objects_is_refused(
    tmp_path: Path, manifest: str, code: str
) -> None:
    source = tmp_path / "data" / "in"
    (source / "input").mkdir(parents=True)
    (source / "input" / "m.json").write_bytes(manifest.encode("latin-1"))
    (tmp_path / "secret.csv").write_text("1\n")
    with pytest.raises(InvalidInput) as refused:
        read(source, CSV)
    assert refused.value.code == code


def test_a_side_that_was_not_captured_or_a_window_without_jobs_has_no_data(job: Callable[..., Path]) -> None:
    source = job({"a.out": "1\n"})
    for options, window in ((CSV, {}), ({**CSV, "side": "output"}, {"start_time": "2026-02-01T00:00:00Z"})):
        with pytest.raises(InvalidInput) as refused:
            read(source, options, **window)
        assert refused.value.code == "NoData"


def test_exactly_one_format_must_be_given(job: Callable[..., Path]) -> None:
    for options in ({}, {**CSV, "json": {}}):
        with pytest.raises(InvalidInput, match="one of csv, json and parquet") as refused:
            read(job({"a": "1\n"}), options)
        assert refused.value.code == "InvalidSettings"
