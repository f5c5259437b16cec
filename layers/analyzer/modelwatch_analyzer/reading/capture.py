"""``sagemakerCaptureJson``: what SageMaker's data capture writes, one record a line, requests with their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import polars as pl
from pydantic import Field

from modelwatch_analyzer.reading.csv_text import careful_records, parse_block, plain_block, text_frame
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, positional_names
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

Side = Literal["endpointInput", "endpointOutput"]
_REQUEST: Side = "endpointInput"
_ANSWER: Side = "endpointOutput"
_SNIFFED_RECORDS = 1000


class CaptureOptions(Owned):
    """SageMaker's options of ``sagemakerCaptureJson``.

    Attributes
    ----------
    capture_index_names : tuple of str
        Which of request and answer are read.
    output_columns_position : {"START", "END"}
        Whether the answer's columns come before those of the request, as in SageMaker's own container, or after.
    """

    capture_index_names: tuple[Side, ...] = Field(
        default=(_REQUEST, _ANSWER), alias="captureIndexNames", min_length=1, max_length=2
    )
    output_columns_position: Literal["START", "END"] = "START"

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that are read, in the order of their columns."""
        order = (_ANSWER, _REQUEST) if self.output_columns_position == "START" else (_REQUEST, _ANSWER)
        return tuple(side for side in order if side in self.capture_index_names)


class _Payload(msgspec.Struct, gc=False):
    data: str
    encoding: str = ""


class _CaptureData(msgspec.Struct, gc=False):
    endpointInput: _Payload | None = None  # noqa: N815
    endpointOutput: _Payload | None = None  # noqa: N815


class _EventMetadata(msgspec.Struct, gc=False):
    inferenceTime: datetime | None = None  # noqa: N815


class _Line(msgspec.Struct, gc=False):
    captureData: _CaptureData  # noqa: N815
    eventMetadata: _EventMetadata | None = None  # noqa: N815


class _Record(NamedTuple):
    """One captured record: the text of each side that is read, without line ends behind it; "" for an absent side."""

    line: int
    texts: tuple[str, ...]


_DECODER = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class _CapturedRecords:
    """The records of some files that lie in a window."""

    files: tuple[SourceFile, ...]
    sides: tuple[Side, ...]
    start: datetime | None
    end: datetime | None

    def blocks(self, log: ReadLog) -> Iterator[tuple[SourceFile, list[_Record]]]:
        """Yield the records of each block of a file; log those that are left out."""
        for file in self.files:
            log.objects += 1
            log.bytes += file.size
            for first_line, block in line_blocks(file, log):
                yield file, list(self._records(file, first_line, block, log))

    def _records(self, file: SourceFile, first_line: int, block: bytes, log: ReadLog) -> Iterator[_Record]:
        for number, line in enumerate(block.split(b"\n"), start=first_line):
            if not line or line.isspace():
                continue
            try:
                parsed = _DECODER.decode(line)
                if not self._covers(parsed.eventMetadata):
                    log.out_of_window += 1
                    continue
                record = _Record(number, tuple(_text(getattr(parsed.captureData, side)) for side in self.sides))
            except msgspec.ValidationError as error:
                log.leave_out(file.label, number, f"not a captured record: {error}")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                log.leave_out(file.label, number, "not JSON")
            except _Unreadable as error:
                log.leave_out(file.label, number, str(error))
            else:
                yield record

    def _covers(self, event: _EventMetadata | None) -> bool:
        if self.start is None and self.end is None:
            return True
        if event is None or event.inferenceTime is None:
            raise _Unreadable("no inferenceTime, so that it belongs to no window")
        moment = event.inferenceTime
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


class _Unreadable(Exception):
    """Why a record cannot be used."""


def _text(payload: _Payload | None) -> str:
    if payload is None:
        return ""
    if payload.encoding != "CSV":
        known = payload.encoding if payload.encoding in ("JSON", "BASE64") else "of another name or none"
        raise _Unreadable(f"encoding {known}: only CSV payloads can be read so far")
    return payload.data.rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class CaptureFiles:
    """A `Dataset` of captured CSV payloads. Each line of a payload is a row; request and answer have as many lines.

    Attributes
    ----------
    widths : tuple of int
        How many columns each side has; 0 for a side that was not captured.
    """

    captured: _CapturedRecords
    widths: tuple[int, ...]
    named: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names by position."""
        return positional_names(sum(self.widths))

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Those of the requests."""
        return next((columns for side, _, columns in self._sides() if side == _REQUEST), ())

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order; see `Dataset.batches`."""
        for file, records in self.captured.blocks(log):
            frame = self._plain(records, plan)
            if frame is None:
                frame = self._careful(file, records, plan, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def _sides(self) -> Iterator[tuple[Side, int, tuple[str, ...]]]:
        """Yield each side with its index and its columns."""
        columns, start = self.columns, 0
        for index, (side, width) in enumerate(zip(self.captured.sides, self.widths, strict=True)):
            yield side, index, columns[start : start + width]
            start += width

    def _plain(self, records: list[_Record], plan: Plan) -> pl.DataFrame | None:
        """Parse the payloads of each side as one text; None if the rows of the sides may not belong together."""
        frames: list[pl.DataFrame] = []
        rows: list[int] | None = None
        for _, index, columns in self._sides():
            texts = [record.texts[index] for record in records]
            if not columns:
                if any(texts):
                    return None
                continue
            rows_of_side = [text.count("\n") + 1 for text in texts]
            rows = rows or rows_of_side
            joined = "\n".join(texts).encode(errors="surrogatepass")
            if rows != rows_of_side or b'"' in joined or b"\r" in joined:
                return None
            block = plain_block(joined, last=True)
            frame = parse_block(block, columns, plan) if block is not None and block.rows == sum(rows) else None
            if frame is None:
                return None
            frames.append(frame)
        return pl.concat(frames, how="horizontal")

    def _careful(self, file: SourceFile, records: list[_Record], plan: Plan, log: ReadLog) -> pl.DataFrame:
        good: list[list[str]] = []
        for record in records:
            try:
                for row in _joined_rows(record):
                    found = tuple(map(len, row))
                    if found == self.widths:
                        good.append(list(chain.from_iterable(row)))
                    else:
                        log.leave_out(file.label, record.line, self._unlike(found))
            except _Unreadable as error:
                log.leave_out(file.label, record.line, str(error))
        return text_frame(good, self.columns, plan)

    def _unlike(self, found: tuple[int, ...]) -> str:
        sides = zip(self.captured.sides, found, self.widths, strict=True)
        return ", ".join(f"{side} has {has} fields instead of {wanted}" for side, has, wanted in sides if has != wanted)


def open_capture(source: Path, options: CaptureOptions, start: datetime | None, end: datetime | None) -> CaptureFiles:
    """Open the records that were captured in ``[start, end)``.

    How many columns request and answer have is the most frequent pair among the first records.

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, ``NoData`` where nothing was captured in the window, ``AllMalformed``, ``NotUtf8``,
        ``DecompressedTooLarge`` or ``UnreadableFile``.
    """
    captured = _CapturedRecords(source_files(source), options.sides, start, end)
    log = ReadLog()
    for file, records in captured.blocks(log):
        widths: Counter[tuple[int, ...]] = Counter()
        for record in records[:_SNIFFED_RECORDS]:
            try:
                widths.update(tuple(map(len, row)) for row in _joined_rows(record))
            except _Unreadable as error:
                log.leave_out(file.label, record.line, str(error))
        if widths:
            return CaptureFiles(captured, widths.most_common(1)[0][0])
    if not (log.malformed or log.out_of_window):
        raise InvalidInput("NoData", f"the files in {source} hold no captured records")
    log.require_records()
    raise AssertionError("a log without records was accepted")


def _joined_rows(record: _Record) -> Iterator[tuple[list[str], ...]]:
    """Yield the rows of a record, of each the fields by side; a side that is not there has none.

    Raises
    ------
    _Unreadable
        If a payload is malformed, all are empty, or they differ in their number of rows.
    """
    sides = [_rows(text) for text in record.texts]
    heights = {len(rows) for rows in sides if rows}
    if not heights:
        raise _Unreadable("no payload")
    if len(heights) > 1:
        raise _Unreadable("the request has another number of rows than the answer")
    (height,) = heights
    yield from zip(*(rows or [[]] * height for rows in sides), strict=True)


def _rows(text: str) -> list[list[str]]:
    rows = []
    for record in careful_records(text.encode(errors="surrogatepass"), last=True):
        if record.fields is None:
            raise _Unreadable(f"a payload is malformed: {record.reason}")
        if record.fields:
            rows.append(record.fields)
    return rows
