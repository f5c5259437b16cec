"""Values that are spelled as settings say, in every format."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.memory_frames import HeldFrame
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings, environment_of, settings_from_environment

COLUMNS = ("price", "name")
ROWS = [("1.234,50 €", "a"), ("12,5 %", ' "q", b '), ("", "NA"), ("7", "é\\N"), ("1.5", "-"), ("0.5", "x")]
PLAIN = [("1234.50", "a"), ("12.5e-2", '"q", b'), (None, None), ("7", "é\\N"), ("1.5", "-"), ("0.5", "x")]
GIVEN = {"decimal": ",", "missing_values": ["NA"], "trim_blanks": True}

Put = Callable[[Path], dict[str, object]]


def as_csv(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def put_csv(folder: Path) -> dict[str, object]:
    (folder / "data").write_text(as_csv([COLUMNS, *ROWS]))
    return {"csv": {"header": True}}


def put_json(folder: Path) -> dict[str, object]:
    (folder / "data").write_text(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in ROWS]))
    return {"json": {"lines": False}}


def put_json_lines(folder: Path) -> dict[str, object]:
    lines = [json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in ROWS]
    (folder / "data").write_text("\n".join(lines))
    return {"json": {"lines": True}}


def put_parquet(folder: Path) -> dict[str, object]:
    pl.DataFrame(ROWS, schema=COLUMNS, orient="row").write_parquet(folder / "data")
    return {"parquet": {}}


def captured(data: Callable[[tuple[str, str]], str], encoding: str, content_type: str) -> Put:
    def put(folder: Path) -> dict[str, object]:
        payloads = [{"data": data(row), "encoding": encoding, "observedContentType": content_type} for row in ROWS]
        records = [{"captureData": {"endpointInput": payload}, "eventMetadata": {}} for payload in payloads]
        (folder / "data").write_text("\n".join(map(json.dumps, records)))
        return {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}

    return put


def transformed(name: str, put: Put) -> Put:
    def put_job(folder: Path) -> dict[str, object]:
        job = folder / "data"
        (job / "objects/bucket").mkdir(parents=True)
        form = put(job / "objects/bucket")
        manifest = job / "input/2026/01/31/09/m.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(json.dumps([{"prefix": "s3://bucket/"}, name]))
        return {"batchTransform": form}

    return put_job


def of_json(row: tuple[str, str]) -> str:
    return json.dumps(dict(zip(COLUMNS, row, strict=True)))


def of_csv(row: tuple[str, str]) -> str:
    return as_csv([row])


def of_base64(row: tuple[str, str]) -> str:
    return base64.b64encode(as_csv([row]).encode()).decode()


def read(folder: Path, form: dict[str, object], **given: object) -> tuple[list[tuple[str | None, ...]], list[str]]:
    settings = analysis_settings(
        dataset_source=folder / "data", dataset_format=form, output_path=folder / "out", **given
    )
    dataset, log = open_dataset(settings), ReadLog()
    batches = dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.String())), log)
    return [row for batch in batches for row in batch[:, list(dataset.columns)].rows()], log.remarks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("put", "holder", "place"),
    [
        (put_csv, "'price'", "row 5 of data"),
        (put_json, "JSON and payloads", "data:1"),
        (put_json_lines, "JSON and payloads", "data:5"),
        (put_parquet, "'price'", "row 5 of data"),
        (captured(of_json, "JSON", "application/json"), "JSON and payloads", "data:5"),
        (captured(of_csv, "CSV", "text/csv"), "JSON and payloads", "data:5"),
        (captured(of_base64, "BASE64", "text/csv"), "JSON and payloads", "data:5"),
        (transformed("data", put_csv), "'price'", "row 5 of data"),
        (transformed("data", put_json_lines), "JSON and payloads", "data:5"),
        (transformed("data", put_parquet), "'price'", "row 5 of data"),
    ],
)
def test_values_are_the_same_in_every_format_and_what_does_not_fit_is_counted(
    tmp_path: Path, put: Put, holder: str, place: str
) -> None:
    form = put(tmp_path)
    rows, remarks = read(tmp_path, form, **GIVEN)
    assert rows == PLAIN
    (remark,) = remarks
    assert remark == (
        f"{holder} has 2 numbers not written with the decimal mark ',', which were left as they are (the first one "
        f"is in {place}): check the mark"
    )
    assert read(tmp_path, form)[0] == [tuple(value or None for value in row) for row in ROWS]


SENTINELS = [
    {"x": 1.5, "k": 7, "t": "a-999"},
    {"x": -999.0, "k": 8, "t": " -9.99e2 "},
    {"x": 9990.5, "k": -999, "t": "-999"},
]
WITHOUT = [("1.5", "7", "a-999"), (None, "8", None), ("9990.5", None, None)]


def in_csv(row: dict[str, object]) -> str:
    return ",".join(map(str, row.values()))


def put_captured(data: Callable[[dict[str, object]], str], encoding: str) -> Put:
    def put(folder: Path) -> dict[str, object]:
        payloads = [{"data": data(row), "encoding": encoding} for row in SENTINELS]
        records = [{"captureData": {"endpointInput": payload}, "eventMetadata": {}} for payload in payloads]
        (folder / "data").write_text("\n".join(map(json.dumps, records)))
        return {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}

    return put


def put_numbers_in_csv(folder: Path) -> dict[str, object]:
    (folder / "data").write_text("\n".join(["x,k,t", *map(in_csv, SENTINELS)]))
    return {"csv": {"header": True}}


def put_numbers_in_json(folder: Path) -> dict[str, object]:
    (folder / "data").write_text("\n".join(map(json.dumps, SENTINELS)))
    return {"json": {"lines": True}}


def put_numbers_in_parquet(folder: Path) -> dict[str, object]:
    pl.DataFrame(SENTINELS).write_parquet(folder / "data")
    return {"parquet": {}}


def put_numbers_in_memory(folder: Path) -> dict[str, object]:
    (folder / "data").touch()
    return {"dataFrame": {"data": HeldFrame(pl.DataFrame(SENTINELS), "frame")}}


@pytest.mark.parametrize(
    "put",
    [
        put_numbers_in_csv,
        put_numbers_in_json,
        put_numbers_in_parquet,
        put_numbers_in_memory,
        put_captured(json.dumps, "JSON"),
        put_captured(in_csv, "CSV"),
        put_captured(lambda row: base64.b64encode(json.dumps(row).encode()).decode(), "BASE64"),
    ],
)
def test_a_number_that_is_missing_is_so_in_every_format_and_spelling(tmp_path: Path, put: Put) -> None:
    form = put(tmp_path)
    rows, _ = read(tmp_path, form, missing_values=["-999"])
    assert rows == WITHOUT
    settings = analysis_settings(
        dataset_source=tmp_path / "data", dataset_format=form, output_path=tmp_path / "out", missing_values=["-999.00"]
    )
    dataset = open_dataset(settings)
    x, k, _ = dataset.columns
    frames = list(dataset.batches(Plan({x: pl.Float64(), k: pl.Int64()}), ReadLog()))
    numbers = pl.concat(frames, how="vertical_relaxed").select(pl.col(x, k).cast(pl.Float64))
    assert numbers.rows() == [(1.5, 7.0), (None, 8.0), (9990.5, None)]


def put_frame(folder: Path, frame: pl.DataFrame) -> dict[str, object]:
    frame.write_parquet(folder / "data")
    return {"parquet": {}}


def put_frame_as_csv(folder: Path, frame: pl.DataFrame) -> dict[str, object]:
    frame.write_csv(folder / "data")
    return {"csv": {"header": True}}


@pytest.mark.parametrize("put", [put_frame, put_frame_as_csv])
def test_columns_whose_names_look_like_patterns_may_have_missing_numbers(
    tmp_path: Path, put: Callable[[Path, pl.DataFrame], dict[str, object]]
) -> None:
    form = put(tmp_path, pl.DataFrame({"^a.*$": [-999, 1], "a": ["-999", "2"]}))
    assert read(tmp_path, form, missing_values=["-999"])[0] == [(None, None), ("1", "2")]


@pytest.mark.parametrize("word", ["-99.9", "9.96921e36", "1e20"])
def test_missing_numbers_are_found_in_single_precision(tmp_path: Path, word: str) -> None:
    form = put_frame(tmp_path, pl.DataFrame({"x": pl.Series([float(word), 1.5, 0.0], dtype=pl.Float32)}))
    assert read(tmp_path, form, missing_values=[word, "1e-50", "1e300"])[0] == [(None,), ("1.5",), ("0.0",)]


@pytest.mark.parametrize("put", [put_frame, put_frame_as_csv])
def test_infinities_that_are_missing_leave_a_column_of_numbers(
    tmp_path: Path, put: Callable[[Path, pl.DataFrame], dict[str, object]]
) -> None:
    form = put(tmp_path, pl.DataFrame({"x": [math.inf, 1.5, -math.inf], "y": ["1e400", "Infinity", "2"]}))
    assert read(tmp_path, form, missing_values=["inf"])[0] == [(None, None), ("1.5", None), ("-inf", "2")]
    assert read(tmp_path, form, missing_values=["inf", "-inf"])[0][2] == (None, "2")


@pytest.mark.parametrize("text", ["[0. 1. 2.]", "[(0, 1, 2)]"])
def test_printed_lists_are_read_where_numbers_are_missing(tmp_path: Path, text: str) -> None:
    form = put_captured(lambda _: text, "JSON")(tmp_path)
    assert len(read(tmp_path, form, missing_values=["0"])[0]) == len(SENTINELS)


def test_lists_of_json_have_missing_values_also_if_they_are_called_csv(tmp_path: Path) -> None:
    form = put_captured(lambda _: '[1, -999.0, "na"]', "CSV")(tmp_path)
    assert read(tmp_path, form, missing_values=["-999", "na"])[0] == [("1", None, None)] * len(SENTINELS)


def test_rows_of_a_preprocessor_are_spelled_by_the_settings_too(tmp_path: Path) -> None:
    form = put_csv(tmp_path)
    script = tmp_path / "preprocess.py"
    script.write_text('def preprocess_handler(line):\n    return {"a": line.split(";")[0], "b": 1.234, "c": "1.234"}\n')
    (tmp_path / "data").write_text('price\n"12,5 %"\n')
    rows, _ = read(tmp_path, form, record_preprocessor_script=script, **GIVEN)
    assert rows == [('"12,5 %"', "1.234", "1234")]


def test_numbers_of_json_are_never_taken_for_text(tmp_path: Path) -> None:
    lines = ['{"x": 1.234, "y": "1.234", "1,5": "\\u20ac 1,5", "z": {"NA": ["NA", 1e-3]}}', '{"x": 2.5, "y": "7,0"}']
    (tmp_path / "data").write_text("\n".join(lines))
    rows, remarks = read(tmp_path, {"json": {"lines": True}}, **GIVEN)
    assert rows == [("1.234", "1234", "1.5", None, "1e-3"), ("2.5", "7.0", None, None, None)]
    assert remarks == []


def test_malformed_documents_and_payloads_stay_malformed(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b'{"x": "1,5"}\n{"x": "1,5\n{"x": "\xff1,5"}\n{"x": "1,5" "1,5"}\n{"x": "2,5"}\n')
    settings = analysis_settings(
        dataset_source=tmp_path / "data", dataset_format={"json": {}}, output_path=tmp_path / "out", **GIVEN
    )
    dataset, log = open_dataset(settings), ReadLog()
    (batch,) = dataset.batches(Plan({"x": pl.Float64()}), log)
    assert batch["x"].to_list() == ["1.5", "2.5"]
    assert log.malformed_examples == ["data:2: not JSON", "data:3: not UTF-8", "data:4: not JSON"]


def test_settings_of_values_go_through_an_environment() -> None:
    given = {"dataset_source": "in", "output_path": "out", "decimal": ",", "missing_values": "NA, k. A.,usual"}
    settings = settings_from_environment({**given, "trim_blanks": "true"})
    assert (settings.decimal, settings.missing_values, settings.trim_blanks) == (",", ("NA", "k. A.", "usual"), True)
    assert settings_from_environment(environment_of(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("decimal", ";"), ("missing_values", ["a,b"]), ("missing_values", "NA,,x"), ("trim_blanks", "so")],
)
def test_settings_of_values_that_make_no_sense_are_refused_by_name(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"InvalidSettings: {name}"):
        analysis_settings(dataset_source=tmp_path, output_path=tmp_path / "out", **{name: value})
