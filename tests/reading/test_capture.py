"""Captured records: SageMaker's JSON Lines of requests and responses in CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import capture_records, files
from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture import CaptureFiles, open_records
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN, SLOT_COLUMN, Arrivals, Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_core.domain.dataset_formats import CaptureOptions
from modelwatch_core.domain.errors import InvalidInput

Write = Callable[..., Path]


def record(
    request: str | None, response: str | None, *, time: str | None = "2026-11-22T09:30:00Z", encoding: str = "CSV"
) -> dict[str, Any]:
    sides = {"endpointInput": request, "endpointOutput": response}
    return {
        "captureData": {
            side: {"observedContentType": "text/csv", "mode": "X", "data": data, "encoding": encoding}
            for side, data in sides.items()
            if data is not None
        },
        "eventMetadata": {"eventId": "f04a8538", **({"inferenceTime": time} if time else {})},
        "eventVersion": "0",
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(records: Iterable[dict[str, Any] | bytes], name: str = "capture.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in records)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


def opened(source: Path, start: str | None = None, end: str | None = None, **options: object) -> CaptureFiles:
    moments = (datetime.fromisoformat(moment).replace(tzinfo=UTC) if moment else None for moment in (start, end))
    captured = CapturedRecords(source_files(source), RecordTimes(*moments))
    return open_records(captured, CaptureOptions.model_validate(options), Attributes())


def read(dataset: CaptureFiles) -> tuple[list[tuple[str | None, ...]], ReadLog]:
    plan, log = Plan(dict.fromkeys(dataset.columns, pl.String())), ReadLog()
    return [row for batch in dataset.batches(plan, log) for row in batch.select(dataset.columns).rows()], log


def test_the_response_columns_come_first_unless_the_option_says_last(write: Write) -> None:
    path = write([record("1,2", "0.5\n"), record("3,4", "0.7\n")])
    first = opened(path)
    assert first.columns == ("_c0", "_c1", "_c2")
    assert first.input_columns == ("_c1", "_c2")
    assert read(first)[0] == [("0.5", "1", "2"), ("0.7", "3", "4")]
    last = opened(path, output_columns_position="END")
    assert last.input_columns == ("_c0", "_c1")
    assert read(last)[0] == [("1", "2", "0.5"), ("3", "4", "0.7")]


def test_a_single_side_can_be_read(write: Write) -> None:
    path = write([record("1,2", "0.5")])
    assert read(opened(path, captureIndexNames=["endpointInput"]))[0] == [("1", "2")]
    assert read(opened(path, captureIndexNames=["endpointOutput"]))[0] == [("0.5",)]


def test_captures_of_requests_only_have_the_columns_of_requests(write: Write) -> None:
    dataset = opened(write([record("1,2", None), record("3,4", None)]))
    assert dataset.columns == dataset.input_columns == ("_c0", "_c1")
    assert read(dataset)[0] == [("1", "2"), ("3", "4")]


def test_each_line_of_a_payload_is_a_row(write: Write) -> None:
    path = write([record("1,2\n3,4\n", "0.5\n0.6\n"), record('"a\nb",4', "0.7"), record("5,6\r\n7,8", "1\r\n2")])
    rows, log = read(opened(path))
    assert rows == [("0.5", "1", "2"), ("0.6", "3", "4"), ("0.7", "a\nb", "4"), ("1", "5", "6"), ("2", "7", "8")]
    assert (log.read, log.malformed) == (5, 0)


@pytest.mark.parametrize("quoted", ["", '"quoted",0'])
def test_rows_of_one_request_share_a_number_where_requests_are_asked_for(write: Write, quoted: str) -> None:
    requests = ["1,2\n3,4", "5,6", "7,8\n9,0\n1,1", *([quoted] if quoted else [])]  # a quote is read one by one
    dataset = opened(write(record(request, None) for request in requests))
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()), arrivals=Arrivals(requests=True, slot_minutes=60))
    numbers = pl.concat(dataset.batches(plan, ReadLog()))[REQUEST_COLUMN]
    changes = (numbers != numbers.shift()).fill_null(value=True).arg_true().to_list()
    assert changes == [0, 2, 3, *([6] if quoted else [])]
    assert numbers.n_unique() == len(requests)
    plain = Plan(dict.fromkeys(dataset.columns, pl.String()))
    assert all(batch.columns == ["_c0", "_c1"] for batch in dataset.batches(plain, ReadLog()))


def test_requests_of_one_row_each_have_no_numbers(write: Write) -> None:
    dataset = opened(write([record("1,2", None), record("3,4", None)]))
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()), arrivals=Arrivals(requests=True, slot_minutes=60))
    assert [batch.columns for batch in dataset.batches(plan, ReadLog())] == [["_c0", "_c1", SLOT_COLUMN]]


def test_rows_have_the_hours_of_their_records_where_others_are_left_out(write: Write) -> None:
    times = [None, "2026-11-22T09:59:59Z", "2026-11-22T09:30:00Z", "2026-11-22T11:59:59+02:00", "1969-12-31T23:00:00Z"]
    records = [
        record(data, None, time=time) for data, time in zip(["1,2", "3,4\n5,6", "7", "8,9", "0,0"], times, strict=True)
    ]
    dataset = opened(write(records))
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()), arrivals=Arrivals(requests=True, slot_minutes=60))
    log = ReadLog()
    (batch,) = dataset.batches(plan, log)
    nine = (datetime(2026, 11, 22, 9, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(hours=1)
    assert batch[SLOT_COLUMN].to_list() == [None, nine, nine, nine, None]
    assert log.malformed == 1
    (alone,) = opened(write([*records[2:], records[0]])).batches(plan, ReadLog())
    assert alone[SLOT_COLUMN].to_list() == [nine, None, None]


@pytest.mark.parametrize("minutes", [60, 15])
@pytest.mark.parametrize("odd", ["", '"quoted",0'])
def test_rows_have_the_slots_of_their_records_where_all_are_alike_and_where_one_is_not(
    write: Write, minutes: int, odd: str
) -> None:
    first = datetime(2026, 11, 22, 22, tzinfo=UTC)
    times = [first + timedelta(seconds=23 * number) for number in range(600)]  # four hours
    records = [record(f"{number},0", None, time=f"{time:%Y-%m-%dT%H:%M:%SZ}") for number, time in enumerate(times)]
    dataset = opened(write([*records, *([record(odd, None, time="2026-11-22T09:00:00Z")] if odd else [])]))
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()), arrivals=Arrivals(slot_minutes=minutes))
    slots = pl.concat(dataset.batches(plan, ReadLog()))[SLOT_COLUMN].to_list()
    assert slots[: len(times)] == [int(time.timestamp()) // (60 * minutes) for time in times]


def test_the_window_is_half_open_and_records_outside_are_counted(write: Write) -> None:
    times = ["2026-11-22T08:59:59Z", "2026-11-22T09:00:00Z", "2026-11-22T11:59:59+02:00", "2026-11-22T10:00:00Z"]
    path = write([record(str(index), "0", time=time) for index, time in enumerate(times)])
    rows, log = read(opened(path, "2026-11-22T09:00:00", "2026-11-22T10:00:00"))
    assert [row[1] for row in rows] == ["1", "2"]
    assert log.out_of_window == 2


def test_malformed_records_are_counted_with_their_location_and_the_others_are_kept(write: Write) -> None:
    valid = record("1,2", "0.5")
    lines: list[dict[str, Any] | bytes] = [
        valid,
        b'{"captureData": {"endpointInput": {"data": "1,2", "enc',
        b"",
        b'{"captureData": []}',
        record('{"a": 1', "0.5", encoding="JSON"),
        record("iVBORw0KGgo=", "MC41", encoding="BASE64"),
        record("1,2,3", "0.5"),
        record("1", "0.5,2"),
        record("1,2\n3,4", "0.5"),
        record('1,"2', "0.5"),
        record(None, None),
        record("1,2", None),
        b"\xff" + json.dumps(valid).encode(),
        valid,
    ]
    rows, log = read(opened(write(lines)))
    assert rows == [("0.5", "1", "2")] * 2
    assert (log.read, log.malformed) == (2, 11)
    places = dict(example.removeprefix("capture.jsonl:").split(": ", 1) for example in log.malformed_examples)
    assert places["2"] == "not JSON"
    assert places["4"].startswith("not a captured record")
    assert places["5"] == "a payload is malformed: not JSON"
    assert places["6"] == "a BASE64 payload that is not text, such as an image: a record preprocessor can read it"
    hint = " (in CSV a comma within a value needs quotes around it)"
    assert places["7"] == f"endpointInput has 3 fields instead of 2{hint}"
    assert places["8"] == f"endpointOutput has 2 fields instead of 1{hint}, endpointInput has 1 field instead of 2"
    assert places["9"].startswith("the request and the response differ in their number of rows: ")
    assert places["10"] == "a payload is malformed: a quote is opened and not closed"
    assert places["11"] == "no payload"
    assert places["12"] == "endpointOutput was not captured, or is empty"
    assert places["13"] == "not JSON"


def test_a_record_without_a_time_belongs_to_no_window(write: Write) -> None:
    path = write([record("1", "2", time=None), record("3", "4")])
    assert read(opened(path))[0] == [("2", "1"), ("4", "3")]
    rows, log = read(opened(path, "2026-11-22T09:00:00"))
    assert rows == [("4", "3")]
    assert log.malformed_examples == ["capture.jsonl:1: no inference time in ISO 8601, so it belongs to no window"]


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        ("2026-11-22T09:30:00Z", 1),
        ("2026-11-22T09:30:00", 1),
        ("2026-11-22T11:30:00+02:00", 1),
        ("2026-11-22T09:30:00.5+0000", 1),
        ("20261122T0930", 1),
        ("2026-11-22T11:30:00+0000", 0),
        ("yesterday", None),
        (1795339800, None),
        ([], None),
    ],
)
def test_a_time_that_is_not_iso_8601_is_ignored_and_the_record_is_read(
    write: Write, time: Any, inside: int | None
) -> None:
    source = write([record("1", "2"), record("3", "4", time=time)])
    rows, log = read(opened(source))
    assert (rows, log.malformed) == ([("2", "1"), ("4", "3")], 0)
    rows, log = read(opened(source, "2026-11-22T09:00", "2026-11-22T10:00"))
    assert len(rows) == 1 + (inside or 0)
    assert (log.out_of_window, log.malformed) == (inside == 0, inside is None)


def test_a_window_without_records_is_named_by_its_times_and_not_by_those_of_records(write) -> None:
    source = write([record("1", "2", time="2026-11-22T07:00:00Z")])
    with pytest.raises(InvalidInput) as refused:
        read(opened(source, "2026-11-22T09:00", "2026-11-22T10:00"))
    assert refused.value.code == "NoData"
    assert "in the window from 2026-11-22T09:00:00Z to 2026-11-22T10:00:00Z: check whether" in refused.value.message
    assert "T07:00" not in refused.value.message


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "NoData"),
        ([record("1", "2", time="2026-11-22T07:00:00Z")], "NoData"),
        ([b"{", b"}"], "AllMalformed"),
        ([record("{}", "{}", encoding="JSON")], "AllMalformed"),
        ([record('"', '"')], "AllMalformed"),
    ],
)
def test_a_window_without_a_usable_record_is_refused(write: Write, lines: list[Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(write(lines), "2026-11-22T09:00:00", "2026-11-22T10:00:00")
    assert refused.value.code == code


def test_no_message_contains_a_value(write: Write) -> None:
    lines = [
        record("1", "2"),
        record('secret,"secret', "2"),
        record("secret,2", "3"),
        record("secret", "2", time="secret"),
    ]
    lines += [record("1", "2", encoding="secret"), b'{"secret']  # type: ignore[list-item]  # bytes among text
    _, log = read(opened(write(lines), "2026-11-22T09:00:00"))
    assert log.malformed == 5
    assert not any("secret" in example for example in log.malformed_examples)


def test_a_dataset_is_opened_without_parsing_more_records_than_its_layout_needs(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    parse = capture_records._parse
    monkeypatch.setattr(
        capture_records, "_parse", lambda *given, **how: parsed.append(len(given[0].numbers)) or parse(*given, **how)
    )
    dataset = opened(write([record("1,2", "0")] * 3_000))
    assert parsed == [1_000]
    assert read(dataset)[1].read == 3_000


def test_numbers_of_single_rows_take_the_fast_path(write: Write) -> None:
    dataset = opened(write([record("1,2.5", "0.5\n"), record("3,4.5", "0.75\n")]))
    (batch,) = dataset.batches(Plan({"_c2": pl.Float64(), "_c1": pl.Int64()}), ReadLog())
    assert dict(batch.schema) == {"_c1": pl.Int64, "_c2": pl.Float64}
    assert batch.select("_c1", "_c2").rows() == [(1, 2.5), (3, 4.5)]


_fields = st.one_of(st.sampled_from(["", "1", "-2.5", "a", "é"]), st.text('a1,"\n\r ', max_size=4))
_rows = st.lists(st.tuples(_fields, _fields, _fields), min_size=1, max_size=3)


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    def written(field: str, alone: bool) -> str:
        must = any(character in field for character in ',"\n\r') or (alone and not field)
        return '"' + field.replace('"', '""') + '"' if must else field

    return "\n".join(",".join(written(field, len(row) == 1) for field in row) for row in rows)


@settings(max_examples=150, deadline=None)
@given(payloads=st.lists(_rows, min_size=1, max_size=6), block=st.integers(1, 400), broken=st.booleans())
def test_captured_rows_come_back_as_they_were_sent_whatever_the_size_of_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    payloads: list[list[tuple[str, str, str]]],
    block: int,
    broken: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    lines = [json.dumps(record(_csv(row[1:] for row in rows), _csv(row[:1] for row in rows))) for rows in payloads]
    if broken:
        lines.insert(len(lines) // 2, "{" + "x" * 600)
    path.write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(files, "_LINE_BYTES", 3)
        patch.setattr(files, "LONGEST_RECORD", 550)
        dataset = opened(path)
        assume(not dataset.named)  # first lines of text above numbers, again and again, are headers
        rows, log = read(dataset)
    assert rows == [tuple(field or None for field in row) for rows in payloads for row in rows]
    assert log.malformed == broken
