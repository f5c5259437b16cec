"""Captured records are decoded together, with the same result as line by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import capture_records
from modelwatch_analyzer.reading.capture_records import CapturedRecords, RecordBlock
from modelwatch_analyzer.reading.captured_record import CapturedRecord
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.read_log import ReadLog

RECORD = '{"captureData":{"endpointInput":{"data":"1,{\\n"}},"eventMetadata":{"eventId":"%d"}}'
HALVES = RECORD[: RECORD.index('"endpointInput"')], RECORD[RECORD.index('"endpointInput"') :]
NESTED = RECORD[: RECORD.index(',"eventMetadata"')], RECORD[RECORD.index(',"eventMetadata"') :]


def by_line(text: bytes) -> tuple[list[tuple[int, bytes, CapturedRecord]], int]:
    """Decode each line by itself; also return how many are no records."""
    lines = text.split(b"\n")
    found, malformed = [], 0
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            try:
                found.append((number, line, msgspec.json.decode(line, type=CapturedRecord)))
            except msgspec.MsgspecError:
                malformed += 1
    return found, malformed


PARTS = [RECORD, RECORD, RECORD, *HALVES, *NESTED, "", " ", "\r", "{}", "[]", "nonsense", "}", "{"]


@given(
    parts=st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(["\n", "\n", "\n", "", "\r\n", "\n\n"]))),
    most=st.integers(1, 5),
)
@example(parts=[(RECORD, "\n")] * 7, most=3)
@example(parts=[(HALVES[0], "\n"), (HALVES[1], "\n"), (RECORD, ""), (RECORD, "\n")], most=5)
@example(parts=[(NESTED[0], "\n"), (NESTED[1], "\n"), (RECORD, ""), (RECORD, "\n")], most=5)
@example(parts=[("", "\n"), (RECORD, "\n"), (RECORD, "")], most=5)
@example(parts=[(NESTED[0], "\r\n"), (NESTED[1], "\r\n"), (RECORD, ""), (RECORD, "\r\n")], most=5)
@settings(max_examples=300, deadline=None)
def test_records_are_those_of_single_lines(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str]], most: int
) -> None:
    text = "".join(part.replace("%d", str(number)) + end for number, (part, end) in enumerate(parts)).encode()
    path = tmp_path_factory.mktemp("capture") / "a.jsonl"
    path.write_bytes(text)
    log = ReadLog()
    blocks = list(CapturedRecords((SourceFile(path, path.name),)).blocks(log, most))
    found = [row for block in blocks for row in zip(block.numbers, block.lines, block.records, strict=True)]
    assert (found, log.malformed) == by_line(text)
    assert all(len(block.records) <= most for block in blocks)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_well_formed_lines_are_decoded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    (tmp_path / "a.jsonl").write_bytes((RECORD + end).encode() * 5)
    monkeypatch.setattr(capture_records, "LazySequence", lambda *_: pytest.fail("lines were made"))
    monkeypatch.setattr(capture_records, "DECODER", AtOnce())
    file = SourceFile(tmp_path / "a.jsonl", "a")
    (chunk,) = capture_records._chunks(file, ReadLog(), 10)
    records = chunk.together()
    assert records is not None
    assert len(records) == 5


class AtOnce:
    """Decodes lines together only."""

    def decode_lines(self, text: bytes) -> list[CapturedRecord]:
        return msgspec.json.Decoder(CapturedRecord).decode_lines(text)


def _at(time: datetime, zone: tzinfo | None) -> datetime:
    return time.replace(tzinfo=zone)


SHIFTED = [timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))]
ZONES: st.SearchStrategy[tzinfo | None] = st.sampled_from([None, UTC, *SHIFTED])
MOMENTS = st.datetimes(min_value=datetime(1969, 12, 30), max_value=datetime(1970, 1, 3))  # noqa: DTZ001 (zones are drawn apart)
TIMES = st.builds(_at, MOMENTS, ZONES)


LAST = [datetime(9999, 1, 1, hour, 30, tzinfo=zone) for hour in (0, 6, 23) for zone in (UTC, *SHIFTED)]


@given(st.lists(st.one_of(TIMES, st.none(), st.sampled_from(LAST)), max_size=5))
@example([datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 13, tzinfo=SHIFTED[1])])
@example([datetime(9998, 12, 31, 18, tzinfo=UTC), LAST[1]])
def test_slots_of_an_hour_are_whole_hours_since_1970(times: list[datetime | None]) -> None:
    block = RecordBlock(SourceFile(Path("a"), "a"), range(len(times)), [], [record_at(time) for time in times])
    assert block.slots(60) == [hour_of(time) for time in times]


@given(first=TIMES, minutes=st.lists(st.integers(0, 59), min_size=1))
def test_records_of_one_hour_have_its_slot(first: datetime, minutes: list[int]) -> None:
    records = [record_at(first.replace(minute=minute)) for minute in minutes]
    block = RecordBlock(SourceFile(Path("a"), "a"), range(len(records)), [], records)
    assert block.slots(60) == [hour_of(first.replace(minute=minute)) for minute in minutes]


def record_at(time: datetime | None) -> CapturedRecord:
    record = msgspec.json.decode(RECORD.encode(), type=CapturedRecord)
    assert record.eventMetadata is not None
    record.eventMetadata.inferenceTime = time
    return record


def hour_of(time: datetime | None) -> int | None:
    """Divide the distance to 1970; None before it, and from the last year of the calendar on."""
    if time is None:
        return None
    moment = time if time.tzinfo else time.replace(tzinfo=UTC)
    hour = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(hours=1)
    end = (datetime(9999, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(hours=1)
    return hour if 0 <= hour < end else None
