"""The data that batch transform jobs captured, found by their manifests."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(4)]
TIMES = ["2026-01-31T09:00:00Z", "2026-01-31T10:15:00+01:00", "2026-01-31T04:00:00-05:30", "2026-01-31T09:45:00.5Z"]
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


def rows_or_none(source: Path, options: dict[str, Any], **settings: str) -> list[tuple[Any, ...]]:
    try:
        return list(read(source, {**options, "side": "output"}, **settings)[1])
    except InvalidInput as refused:
        if refused.code == "NoData":
            return []
        raise


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


@pytest.mark.slow
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


def test_a_row_of_a_transform_job_is_no_header(job: Callable[..., Path]) -> None:
    lines = [f"{number},{IDS[number]},{TIMES[number]}" for number in range(4)]
    source = job({"a.out": "\n".join(lines[:2]), "b.out": "\n".join(lines[2:])})
    dataset, rows, log = read(source, {"csv": {"header": True}, "side": "output"})
    assert dataset.columns == ("_c0",)
    assert rows == [("0",), ("1",), ("2",), ("3",)]
    assert any("ends with an inference id and a time" in remark and "--no-header" in remark for remark in log.remarks)


def test_records_read_by_attributes_are_filtered_by_their_inference_time(job: Callable[..., Path]) -> None:
    lines = [json.dumps({"p": [{"y": i}, {"y": i + 10}], **row}) for i, row in enumerate(ROWS)]
    timeless = [json.dumps({"p": [{"y": 20}]}), "{", "[]", '{"SageMakerInferenceTime": "noon", "p": [{"y": 21}]}']
    window = {"start_time": "2026-01-31T09:15:00Z", "end_time": "2026-01-31T09:45:00Z"}
    options = {"json": {}, "side": "output"}
    source = job({"a.out": "\n".join([*lines, *timeless])})
    dataset, rows, log = read(source, options, inference_attribute="p[*].y", **window)
    assert dataset.columns == ("_c0",)
    assert rows == [("1",), ("11",), ("2",), ("12",)]
    assert (log.read, log.out_of_window, log.malformed) == (4, 2, 0)
    of_the_start = {"start_time": "2026-01-31T08:45:00Z", "end_time": "2026-01-31T09:15:00Z"}
    dataset, rows, log = read(source, options, inference_attribute="p[*].y", **of_the_start)
    assert rows == [("0",), ("10",), ("20",), ("21",)]  # those without a time, in the window of the manifest's hour
    assert (log.read, log.out_of_window, log.malformed) == (4, 3, 2)
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


def _lines_of_a_long_job(kind: str) -> tuple[str | bytes, dict[str, Any]]:
    """Return 120 rows, one a minute from 9:50 on."""
    begin = datetime(2026, 3, 1, 9, 50, tzinfo=UTC)
    rows = [
        {
            "a": str(number),
            "SageMakerInferenceId": f"{number:08x}-0000-4000-8000-000000000000",
            "SageMakerInferenceTime": (begin + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for number in range(120)
    ]
    if kind == "parquet":
        file = io.BytesIO()
        pl.DataFrame(rows).write_parquet(file)
        return file.getvalue(), {"parquet": {}}
    if kind == "json":
        return "\n".join(map(json.dumps, rows)), {"json": {}}
    return "".join(",".join(row.values()) + "\n" for row in rows), CSV


@pytest.mark.slow
@pytest.mark.parametrize("read_by", ["columns", "attribute", "preprocessor"])
@pytest.mark.parametrize("kind", ["csv", "json", pytest.param("parquet", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("minute", "counts"), [(0, [10, 60, 50]), (30, [0, 40, 60, 20]), (50, [0, 60, 60])])
def test_each_row_of_a_long_job_is_read_in_the_window_of_its_time(
    job: Callable[..., Path], tmp_path: Path, kind: str, read_by: str, minute: int, counts: list[int]
) -> None:
    if read_by == "preprocessor" and kind == "parquet":
        pytest.skip("a preprocessor reads lines")
    content, options = _lines_of_a_long_job(kind)
    source = job({"part.out": content}, hour="2026/03/01/09")
    if kind != "parquet":
        job({"timeless.out": '{"a": "x"}\n' if kind == "json" else "x\n"}, hour="2026/02/28/23")
    settings: dict[str, str] = {}
    if read_by == "attribute":
        settings = {"inference_attribute": {"csv": "_c0", "json": "[a][0]", "parquet": "a"}[kind]}
    if read_by == "preprocessor":
        (tmp_path / "p.py").write_text(
            "import json\ndef preprocess_handler(line):\n"
            "    return {'a': json.loads(line)['a'] if line[0] == '{' else line.split(',')[0]}"
        )
        settings = {"record_preprocessor_script": str(tmp_path / "p.py")}
    begin = datetime(2026, 3, 1, 8 if minute else 9, minute, tzinfo=UTC)
    seen, found = [], []
    for number in range(len(counts) + 1):
        start = begin + timedelta(hours=number)
        window = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
        rows = rows_or_none(source, options, **settings, **window)
        seen += [row[0] for row in rows]
        found.append(len(rows))
    assert found == [*counts, 0]
    assert seen == [str(number) for number in range(120)]


def test_rows_without_a_time_belong_to_the_window_in_which_the_hour_of_their_manifest_starts(
    job: Callable[..., Path],
) -> None:
    source = job({"a.csv": "1\n2\n"}, hour="2026/03/01/09")
    found = []
    for hour in (8, 9, 10):
        window = {"start_time": f"2026-03-01T{hour:02}:30:00Z", "end_time": f"2026-03-01T{hour + 1:02}:30:00Z"}
        found.append(len(rows_or_none(source, CSV, **window)))
    assert found == [2, 0, 0]


def test_jobs_that_started_more_than_five_days_before_the_window_are_not_looked_at(job: Callable[..., Path]) -> None:
    source = job({"a.csv": f"1,{IDS[0]},2026-02-06T08:30:00Z\n"}, hour="2026/02/01/09")
    window = {"start_time": "2026-02-06T08:00:00Z", "end_time": "2026-02-06T09:00:00Z"}
    assert len(read(source, {**CSV, "side": "output"}, **window)[1]) == 1
    window = {"start_time": "2026-02-06T10:00:00Z", "end_time": "2026-02-06T11:00:00Z"}
    with pytest.raises(InvalidInput, match="no transform job with data capture has rows in the window") as refused:
        read(source, {**CSV, "side": "output"}, **window)
    assert refused.value.code == "NoData"
