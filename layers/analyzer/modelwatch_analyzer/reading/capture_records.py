"""The records that SageMaker's data capture writes, one a line: a request with its response, or a transform output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, date, datetime
from itertools import pairwise
from operator import attrgetter

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.reading.captured_record import DECODER, PAYLOAD_OF, CapturedRecord, with_offset
from modelwatch_analyzer.reading.event_ids import EventIds
from modelwatch_analyzer.reading.files import SourceFile, count_line_ends, in_pieces, least_bytes, line_blocks
from modelwatch_analyzer.reading.flattening import why_not_json
from modelwatch_analyzer.reading.payloads import Payload
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import EVERY_TIME, RecordTimes
from modelwatch_analyzer.reading.respelled import Respelling
from modelwatch_analyzer.reading.uniform_records import (
    EVENT_ID,
    FEWEST_UNIFORM,
    INFERENCE_ID,
    INFERENCE_TIME,
    LazySequence,
    UniformRecords,
    cut_records,
)
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, ValueSpelling
from modelwatch_core.domain.dataset_formats import CaptureSide

_LINE_END, _RETURN, _OPENING, _CLOSING = b"\n\r{}"
_CSV_RECORDS_PER_BLOCK = 16384
_PIECE_BYTES = 16 << 20
"""The least size of a piece, which takes as long to read as one of CSV; see
`modelwatch_analyzer.reading.files.cuts_of`."""
_JSON_RECORDS_PER_BLOCK = 8192  # their payloads become many more objects per record


_TIME = attrgetter(INFERENCE_TIME)


_FIRST_DAY = date(1970, 1, 1).toordinal()


def _slot(time: datetime, minutes: int) -> int | None:
    try:
        moment = time if time.tzinfo is UTC else time.astimezone(UTC)
    except OverflowError:
        return None
    if not 1970 <= moment.year < MAXYEAR:
        return None
    return ((moment.toordinal() - _FIRST_DAY) * 24 + moment.hour) * (60 // minutes) + moment.minute // minutes


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """Consecutive records of one file.

    Attributes
    ----------
    numbers : sequence of int
        The line number of each record in the file.
    lines : sequence of bytes
        The text of each record in the file.
    records : sequence of CapturedRecord
        The parsed records.
    uniform : UniformRecords, optional
        What was cut out of the lines if they are alike. Then records are parsed only where somebody looks at one.
    """

    file: SourceFile
    numbers: Sequence[int]
    lines: Sequence[bytes]
    records: Sequence[CapturedRecord]
    uniform: UniformRecords | None = None

    @property
    def event_ids(self) -> pl.Series:
        """The event id of each record, or null."""
        return self._ids(EVENT_ID)

    @property
    def inference_ids(self) -> pl.Series:
        """The inference id that the caller gave with each request, or null."""
        return self._ids(INFERENCE_ID)

    @property
    def times(self) -> Sequence[datetime]:
        """The time of each record, as it is written; of uniform records each time once.

        Raises
        ------
        AttributeError
            If a record has no metadata. Where it has no time, that is None.
        """
        return self.uniform.times if self.uniform else list(map(_TIME, self.records))

    def payloads(self, side: CaptureSide) -> Sequence[Payload | None]:
        """Return the payload of each record; None where that side was not captured."""
        return self.uniform.payloads(side) if self.uniform else list(map(PAYLOAD_OF[side], self.records))

    def slots(self, minutes: int) -> list[int | None]:
        """Return in which span of so many minutes since 1970 each record was captured, or None."""
        with suppress(AttributeError, TypeError, ValueError):  # as in `CapturedRecords._in_window`
            times = self.times
            first, last = (_slot(with_offset(time), minutes) for time in (min(times), max(times)))
            if first is not None and first == last:  # which is quick, and true of most files
                return [first] * len(self.numbers)
        of_each = self.uniform.each_time if self.uniform else [record.time for record in self.records]
        return [None if time is None else _slot(with_offset(time), minutes) for time in of_each]

    def _ids(self, path: str) -> pl.Series:
        if self.uniform:
            return self.uniform.ids(path)
        value = attrgetter(path)
        try:
            found = list(map(value, self.records))
        except AttributeError:
            found = [value(record) if record.eventMetadata else None for record in self.records]
        return pl.Series(found, dtype=pl.String)


@dataclass(frozen=True, slots=True)
class CapturedRecords:
    """The records of some files that were captured at certain times.

    Attributes
    ----------
    merge_log : ReadLog, optional
        The log of the merge that wrote the files. It counts the objects and events that were merged, so those of the
        merged files are not counted again.
    spelling : ValueSpelling
        How values in payloads are spelled.
    """

    files: tuple[SourceFile, ...]
    times: RecordTimes = EVERY_TIME
    merge_log: ReadLog | None = None
    spelling: ValueSpelling = AS_WRITTEN

    def blocks(self, log: ReadLog, most: int = _CSV_RECORDS_PER_BLOCK) -> Iterator[RecordBlock]:
        """Read all files in their order, block by block; log records that are left out, and repeated events.

        Parameters
        ----------
        most : int
            How many lines a block has at most.
        """
        events, respelling = EventIds(), Respelling(self.spelling)
        if self.merge_log:
            log.include(self.merge_log)
        for file in self.files:
            if not self.merge_log:
                log.count_file(file.label, file.size)
            may_be_uniform = not self.spelling  # which respells the payloads of records
            for chunk in _chunks(file, log, most):
                block = _parse(chunk, log, may_be_uniform=may_be_uniform)
                if len(block.numbers) >= FEWEST_UNIFORM:
                    may_be_uniform = block.uniform is not None
                block = self._in_window(block, log)
                if not self.merge_log:
                    log.duplicate_events += events.count_repeated(block.event_ids)
                if self.spelling:
                    respelling.payloads(_placed_payloads(block))
                yield block
        log.remarks += respelling.remarks()
        if not self.merge_log:
            log.events = events

    def pieces(self, columns: int) -> Iterator[CapturedRecords]:
        """Yield the records of some of the files each, which have so many columns; see `modelwatch_analyzer.parts`.

        Where values have a spelling of their own, remarks count those of all records: they are read in one piece.
        """
        merge_log = self.merge_log
        least = least_bytes(_PIECE_BYTES, columns)
        for files in (self.files,) if self.spelling else in_pieces(self.files, least):
            yield replace(self, files=files, merge_log=merge_log)
            merge_log = merge_log and ReadLog()

    def _in_window(self, block: RecordBlock, log: ReadLog) -> RecordBlock:
        if self.times.start is None and self.times.end is None:
            return block
        times = self.times.of_file(block.file)
        start, end = self.times.start or times.first, times.last
        with suppress(AttributeError, TypeError, ValueError):  # a record has no time, or one without an offset
            found = block.times
            if start <= min(found) and max(found) < end:
                return block
        moments = [record.time for record in block.records]
        inside = [time is not None and times.first <= time < end for time in moments]
        for number, time in zip(block.numbers, moments, strict=True):
            if time is None:
                log.leave_out(block.file.label, number, "no inference time in ISO 8601, so it belongs to no window")
        log.count_out_of_window(len(inside) - sum(inside) - moments.count(None), self.times.window)
        log.count_late(times.earlier(time for time, read in zip(moments, inside, strict=True) if time and read))
        return _select(block, [index for index, is_inside in enumerate(inside) if is_inside])


def _placed_payloads(block: RecordBlock) -> Iterator[tuple[str, Payload]]:
    for number, record in zip(block.numbers, block.records, strict=True):
        for payload_of in PAYLOAD_OF.values():
            payload = payload_of(record)
            if payload is not None:
                yield f"{block.file.label}:{number}", payload


def _select(block: RecordBlock, indices: Sequence[int]) -> RecordBlock:
    return RecordBlock(
        block.file,
        [block.numbers[index] for index in indices],
        [block.lines[index] for index in indices],
        [block.records[index] for index in indices],
    )


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some lines of a file.

    Attributes
    ----------
    first_line : int
        The number of the first one.
    text : bytes
        The last one may have no line end.
    count : int
        How many there are.
    """

    file: SourceFile
    first_line: int
    text: bytes
    count: int

    @property
    def numbers(self) -> range:
        """The number of each line."""
        return range(self.first_line, self.first_line + self.count)

    @property
    def lines(self) -> LazySequence[bytes]:
        """The text of each line."""
        return LazySequence(self.count, lambda: self.text.removesuffix(b"\n").split(b"\n"))

    def together(self) -> list[CapturedRecord] | None:
        """Decode all records at once; None unless each line is a record."""
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            records = DECODER.decode_lines(self.text)
            if len(records) == self.count and self._begin_and_end_with_braces():
                return records
            return list(map(DECODER.decode, self.lines))
        return None

    def _begin_and_end_with_braces(self) -> bool:
        """Return whether all lines do, so that none is a part of a record: within one, braces meet the other way."""
        characters, ends = np.frombuffer(self.text, np.uint8), _line_ends(self.text)
        last, first = characters[ends - 1], characters[ends + 1]
        if b"\r" in self.text[-2:]:
            last = np.where(last == _RETURN, characters[ends - 2], last)
        return characters[0] == _OPENING and bool((last == _CLOSING).all() and (first == _OPENING).all())


def _chunks(file: SourceFile, log: ReadLog, most: int) -> Iterator[_Chunk]:
    """Yield a file's lines in chunks that, when parsed, fit into the processor's caches."""
    for first_line, text in line_blocks(file, log):
        is_json = b'"JSON"' in text[: text.find(b"\n") + 1 or None]
        size = min(most, _JSON_RECORDS_PER_BLOCK) if is_json else most
        lines = count_line_ends(text) + (not text.endswith(b"\n"))
        if lines <= size:
            yield _Chunk(file, first_line, text, lines)
            continue
        starts = [0, *(_line_ends(text)[size - 1 :: size] + 1).tolist(), len(text)]
        for number, (start, end) in enumerate(pairwise(starts)):
            yield _Chunk(file, first_line + number * size, text[start:end], min(size, lines - number * size))


def _line_ends(text: bytes) -> NDArray[np.intp]:
    """Return where the line ends are behind which another line follows."""
    return np.flatnonzero(np.frombuffer(text, np.uint8)[:-1] == _LINE_END)


def _parse_record(line: bytes) -> CapturedRecord:
    """Decode one record; any ISO 8601 time is accepted, and an inference time that is not one is ignored."""
    try:
        return DECODER.decode(line)
    except msgspec.ValidationError:
        document = msgspec.json.decode(line)
        metadata = document.get("eventMetadata") if isinstance(document, dict) else None
        if not isinstance(metadata, dict) or "inferenceTime" not in metadata:
            raise
        text = metadata.pop("inferenceTime")
        record = msgspec.convert(document, CapturedRecord)
        if record.eventMetadata:
            with suppress(ValueError, TypeError):
                record.eventMetadata.inferenceTime = datetime.fromisoformat(text)
        return record


def _parse(chunk: _Chunk, log: ReadLog, *, may_be_uniform: bool) -> RecordBlock:
    file, numbers = chunk.file, chunk.numbers
    if may_be_uniform and (uniform := cut_records(chunk.text, chunk.count)) is not None:
        parsed = LazySequence(chunk.count, lambda: DECODER.decode_lines(chunk.text))
        return RecordBlock(file, numbers, chunk.lines, parsed, uniform)
    if (together := chunk.together()) is not None:
        return RecordBlock(file, numbers, chunk.lines, together)
    block = RecordBlock(file, valid_numbers := [], valid_lines := [], records := [])
    for number, line in zip(numbers, chunk.lines, strict=True):
        if not line or line.isspace():
            continue
        try:
            record = _parse_record(line)
        except msgspec.ValidationError as error:
            log.leave_out(file.label, number, f"not a captured record: {error}")
        except RecursionError:
            log.leave_out(file.label, number, "not a captured record: nested too deeply")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.leave_out(file.label, number, why_not_json(error))
        else:
            valid_numbers.append(number)
            valid_lines.append(line)
            records.append(record)
    return block
