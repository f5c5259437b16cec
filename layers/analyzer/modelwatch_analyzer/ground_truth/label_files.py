"""Files of ground truth, in two forms, to blocks of labels.

The content of a file determines its form, which is either

- SageMaker's: JSON objects, one per line or in an array, ``{"groundTruthData": {"data": "1", "encoding": "CSV"},
  "eventMetadata": {"eventId": "..."}, "eventVersion": "0"}``; `data` of the encoding JSON may hold the labels of all
  rows of a request; or
- comma-separated text with a header: ``inference_id,timestamp,ground_truth_label`` or ``ground_truth_value``; another
  separator is taken where the header has these names by it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.column_names import spelled_otherwise
from modelwatch_analyzer.profile.spelling import MISSING, cleaned, example_text
from modelwatch_analyzer.profile.unusual_spellings import spelling_aside
from modelwatch_analyzer.reading.csv_form import SEPARATORS
from modelwatch_analyzer.reading.csv_text import Record, parse_block, parse_records, plain_block
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import SourceFile, line_blocks
from modelwatch_analyzer.reading.find_columns import positional_names
from modelwatch_analyzer.reading.flattening import why_not_json
from modelwatch_analyzer.reading.json_files import json_documents
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import JsonOptions, Separator
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

ENCODINGS = ("CSV", "JSON")
"""The encodings that a label may have."""

ID_COLUMNS, TIME_COLUMN = ("inference_id", "event_id"), "timestamp"
LABEL_COLUMNS = ("ground_truth_label", "ground_truth_value")
"""The columns that may hold the label in comma-separated text."""

_NAMES = (*ID_COLUMNS, TIME_COLUMN, *LABEL_COLUMNS)

_RECORDS_PER_BLOCK = 16384
_QUOTED_CHARACTERS = '[,"\r\n]'


class _GroundTruthData(msgspec.Struct, gc=False):
    data: str | bool | int | float  # SageMaker writes text, people numbers and booleans as well
    encoding: str


class _EventMetadata(msgspec.Struct, gc=False):
    eventId: str | int  # noqa: N815 - SageMaker's name


class _LabelRecord(msgspec.Struct, gc=False):
    groundTruthData: _GroundTruthData  # noqa: N815 - SageMaker's name
    eventMetadata: _EventMetadata  # noqa: N815 - SageMaker's name


_KNOWN_ENCODINGS = set(ENCODINGS)
_DECODER = msgspec.json.Decoder(_LabelRecord)
_ID = attrgetter("eventMetadata.eventId")
_DATA, _ENCODING = attrgetter("groundTruthData.data"), attrgetter("groundTruthData.encoding")


class LabelBlock(NamedTuple):
    """Consecutive labels; the keys are ids as text, or times in microseconds since 1970."""

    keys: pl.Series
    data: pl.Series
    encodings: NDArray[np.uint8]


def label_blocks(file: SourceFile, log: ReadLog) -> Iterator[LabelBlock]:
    """Yield the labels in a file; log those that are malformed.

    Raises
    ------
    InvalidInput
        ``InvalidGroundTruth`` for a file of neither form.
    """
    head = next(file.blocks(ReadLog()), b"").lstrip()
    if head.startswith(b"{"):
        for first_line, text in line_blocks(file, log):
            lines = text.split(b"\n")
            for start in range(0, len(lines), _RECORDS_PER_BLOCK):
                chunk = lines[start : start + _RECORDS_PER_BLOCK]
                yield from _json_block(file, range(first_line + start, first_line + start + len(chunk)), chunk, log)
    elif head.startswith(b"["):
        documents = json_documents([file], JsonOptions(lines=False), log)
        while array := list(islice(documents, _RECORDS_PER_BLOCK)):
            yield from _json_block(file, [line for _, line, _ in array], [text for *_, text in array], log)
    else:
        yield from _csv_blocks(file, log)


def _json_block(file: SourceFile, numbers: Sequence[int], lines: list[bytes], log: ReadLog) -> Iterator[LabelBlock]:
    if not lines[-1]:
        numbers, lines = numbers[:-1], lines[:-1]
    try:
        records = list(map(_DECODER.decode, lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        records = []
    if not (
        records
        and "" not in map(_ID, records)
        and "" not in map(_DATA, records)
        and {*map(_ENCODING, records)} <= _KNOWN_ENCODINGS
    ):
        pairs = zip(numbers, lines, strict=True)
        records = [record for number, line in pairs if (record := _parse_label(file, number, line, log))]
    if records:
        yield LabelBlock(
            pl.Series(list(map(str, map(_ID, records))), dtype=pl.String),
            pl.Series(list(map(_data_text, map(_DATA, records))), dtype=pl.String),
            np.fromiter(map(ENCODINGS.index, map(_ENCODING, records)), np.uint8, len(records)),
        )


def _data_text(data: object) -> str:
    return data if isinstance(data, str) else json.dumps(data)


def _parse_label(file: SourceFile, number: int, line: bytes, log: ReadLog) -> _LabelRecord | None:
    if not line or line.isspace():
        return None
    reason = None
    try:
        record = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        reason = f"not a label: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = why_not_json(error)
    else:
        if record.groundTruthData.encoding not in _KNOWN_ENCODINGS:
            reason = "an encoding that is neither CSV nor JSON"
        elif record.groundTruthData.data == "":
            reason = "no label"
        elif record.eventMetadata.eventId == "":
            reason = "no eventId"
    if reason is None:
        return record
    log.leave_out(file.label, number, reason)
    return None


def _csv_blocks(file: SourceFile, log: ReadLog) -> Iterator[LabelBlock]:
    read: _CsvReader | None = None
    for first_line, text in line_blocks(file, log):
        body, line = text, first_line
        if read is None:
            if not text.strip():
                continue
            columns, separator, header = _opening(file, text)
            body, line = text[header.end :], first_line + header.end_line
            read = _CsvReader(file, columns, separator, log)
            remark = f"labels are separated by {SEPARATORS[separator]}, as the names in their header show"
            if separator != "," and remark not in log.remarks:
                log.remarks.append(remark)
        yield from read(line, body)


def _opening(file: SourceFile, text: bytes) -> tuple[_CsvColumns, Separator, Record]:
    """Return the columns, the separator by which the header has their names, which makes it certain, and the header."""
    firsts: list[Record] = []
    for separator in SEPARATORS:
        records = parse_records(text, last=True, separator=separator)
        firsts.append(next(record for record in records if record.fields != []))
        columns = _CsvColumns.among(firsts[-1].fields or [])
        if columns:
            return columns, separator, firsts[-1]
    raise _neither_form(file, firsts[0].fields or [])


def _neither_form(file: SourceFile, header: Sequence[str]) -> InvalidInput:
    spellings = set(map(spelling_aside, header))
    known = [name for name in _NAMES if spelling_aside(name) in spellings]
    message = (
        f"{file.label} is neither JSON records with groundTruthData and eventMetadata.eventId, nor"
        " comma-separated text with the header inference_id,timestamp,ground_truth_label (or"
        f" ground_truth_value). Its first line has {count_text(len(header), 'field')}, of which"
        f" {' and '.join(known) or 'none'} {'are' if len(known) > 1 else 'is'} among these names. It must have"
        " inference_id or timestamp, or both, and either ground_truth_label or ground_truth_value, each once"
    )
    return InvalidInput("InvalidGroundTruth", message, examples=f"first line: {example_text(header)}")


class _CsvColumns(NamedTuple):
    """The positions of id, timestamp and label in a row, and the number of its fields."""

    inference_id: int | None
    time: int | None
    label: int
    width: int

    @classmethod
    def among(cls, header: Sequence[str]) -> _CsvColumns | None:
        """Find the columns by name; None if they are not there, or not certain."""
        if any(header.count(name) > 1 for name in _NAMES):
            return None
        found = {name: name for name in _NAMES if name in header}
        missing = [name for name in _NAMES if name not in found]
        found |= spelled_otherwise(missing, [name for name in header if name not in found])
        places = {name: header.index(column) for name, column in found.items()}
        ids = [places[name] for name in ID_COLUMNS if name in places]
        labels = [places[name] for name in LABEL_COLUMNS if name in places]
        time = places.get(TIME_COLUMN)
        if len(labels) != 1 or not (ids or time is not None):
            return None
        return cls(ids[0] if ids else None, time, labels[0], len(header))


@dataclass(frozen=True, slots=True)
class _CsvReader:
    """Reads blocks of complete lines of a file whose header is known."""

    file: SourceFile
    columns: _CsvColumns
    separator: Separator
    log: ReadLog

    def __call__(self, line: int, text: bytes) -> Iterator[LabelBlock]:
        """Yield the labels with ids and those without; log those that are malformed."""
        block = self._parse_if_all_have_ids(text)
        if block:
            yield block
            return
        rows: list[tuple[str | None, datetime | None, str]] = []
        for record in parse_records(text, last=True, separator=self.separator):
            row, reason = (None, record.reason) if record.fields is None else self._row(record.fields)
            if row:
                rows.append(row)
            elif reason:
                self.log.leave_out(self.file.label, line + record.line, reason)
        with_id = [(label_id, label) for label_id, _, label in rows if label_id]
        with_time = [(time, label) for label_id, time, label in rows if not label_id]
        if with_id:
            yield _csv_block(
                pl.Series([label_id for label_id, _ in with_id]), pl.Series([label for _, label in with_id])
            )
        if with_time:
            keys = times_to_keys([time for time, _ in with_time])
            yield _csv_block(keys, pl.Series([label for _, label in with_time]))

    def _parse_if_all_have_ids(self, text: bytes) -> LabelBlock | None:
        """Parse labels that all have an id together; None if some may have none, or may be malformed."""
        if self.columns.inference_id is None:
            return None
        names = positional_names(self.columns.width)
        columns = [names[self.columns.inference_id], names[self.columns.label]]
        block = plain_block(text, last=True, separator=self.separator)
        frame = parse_block(block, names, Plan(dict.fromkeys(columns, pl.String()))) if block and block.rows else None
        if frame is None or any(frame[name].has_nulls() for name in columns):
            return None
        ids, labels = cleaned(frame[columns[0]]), frame[columns[1]]
        if ids.has_nulls():
            return None
        return _csv_block(ids, labels)

    def _row(self, fields: list[str]) -> tuple[tuple[str | None, datetime | None, str] | None, str]:
        if len(fields) != self.columns.width:
            return None, f"{count_text(len(fields), 'field')} instead of {self.columns.width}" if fields else ""
        label = fields[self.columns.label]
        if not label:
            return None, "no label"
        label_id = "" if self.columns.inference_id is None else fields[self.columns.inference_id].strip()
        if label_id not in MISSING:
            return (label_id, None, label), ""
        if self.columns.time is None or fields[self.columns.time].strip() in MISSING:
            return None, "neither an inference_id nor a timestamp"
        try:
            time = datetime.fromisoformat(fields[self.columns.time].strip())
        except ValueError:
            return None, "no inference_id, and a timestamp that is not ISO 8601"
        return (None, time if time.tzinfo else time.replace(tzinfo=UTC), label), ""


def _csv_block(keys: pl.Series, labels: pl.Series) -> LabelBlock:
    if labels.str.contains(_QUOTED_CHARACTERS).any():
        labels = pl.Series([_quoted(label) for label in labels])
    return LabelBlock(keys, labels, np.full(len(labels), ENCODINGS.index("CSV"), np.uint8))


def _quoted(label: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([label])
    return text.getvalue()


def times_to_keys(times: Sequence[datetime | None]) -> pl.Series:
    """Return times as keys of labels: microseconds since 1970."""
    return pl.Series(times, dtype=pl.Datetime("us", "UTC")).to_physical()
