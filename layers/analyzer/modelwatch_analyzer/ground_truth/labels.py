"""Labels that were collected after the predictions: two forms of files, into a table that is searched by key.

A file of ground truth is, told by what is in it,

- SageMaker's: a JSON object a line, or an array of them, ``{"groundTruthData": {"data": "1", "encoding": "CSV"},
  "eventMetadata": {"eventId": "..."}, "eventVersion": "0"}``; `data` of the encoding JSON may hold the labels of all
  rows of a request;
- comma-separated text with a header: ``inference_id,timestamp,ground_truth_label`` or ``ground_truth_value``.

A label is keyed by its id, or by its timestamp if it has no id. Of labels with the same key, the one that was uploaded
last counts: files in the order of their paths, which begin with the hour of collection, lines from first to last.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.ground_truth.keys import Hashes
from modelwatch_analyzer.reading.csv_text import parse_block, parse_records, plain_block
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, positional_names
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.json_files import JsonOptions, json_documents
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_core.domain.errors import InvalidInput

ENCODINGS = ("CSV", "JSON")
"""What a label may be encoded in."""

IDS, TIME, LABELS = ("inference_id", "event_id"), "timestamp", ("ground_truth_label", "ground_truth_value")
"""The columns of the form of comma-separated text."""

_RECORDS_AT_ONCE = 16384
_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{2})/")
_UUID = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_TO_BE_QUOTED = '[,"\r\n]'
EXAMPLES = 3
"""How many malformed labels a message tells of."""


class _GroundTruthData(msgspec.Struct, gc=False):
    data: str
    encoding: str


class _EventMetadata(msgspec.Struct, gc=False):
    eventId: str  # noqa: N815


class _LabelRecord(msgspec.Struct, gc=False):
    groundTruthData: _GroundTruthData  # noqa: N815
    eventMetadata: _EventMetadata  # noqa: N815


_KNOWN = set(ENCODINGS)
_DECODER = msgspec.json.Decoder(_LabelRecord)
_ID = attrgetter("eventMetadata.eventId")
_DATA, _ENCODING = attrgetter("groundTruthData.data"), attrgetter("groundTruthData.encoding")


class _Block(NamedTuple):
    """Some labels, in their order; ids are texts, or times in microseconds."""

    keys: pl.Series
    data: pl.Series
    encodings: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Labels:
    """All labels that were found, with distinct keys: first those with ids, behind them those with times alone.

    Attributes
    ----------
    ids, times : Hashes
        The keys in the order of the labels; times in microseconds since 1970.
    data : polars.Series of String
        The content of each label.
    encodings : numpy.ndarray of uint8
        Its encoding, a place in `ENCODINGS`.
    late : numpy.ndarray of bool
        Whether it was collected when the window had ended.
    found, duplicates, conflicting : int
        Records that were read; those that came again and said the same; those that said something else.
    kinds : dict of str to int
        How many of the records have which kind of key, for messages.
    """

    ids: Hashes
    times: Hashes
    data: pl.Series
    encodings: NDArray[np.uint8]
    late: NDArray[np.bool_]
    found: int
    duplicates: int
    conflicting: int
    kinds: dict[str, int]

    def fragments(self, places: NDArray[np.int64]) -> list[bytes]:
        """Return labels as they end a merged record: ``,"groundTruthData":{...}}`` and the end of the line."""
        pairs = zip(self.encodings[places].tolist(), self.data.gather(places).to_list(), strict=True)
        made: dict[tuple[int, str], bytes] = {}
        return [made.get(pair) or made.setdefault(pair, _fragment(*pair)) for pair in pairs]


@dataclass(slots=True)
class _Collected:
    """Labels of one kind of key, while they are read."""

    keys: list[Hashes] = field(default_factory=list)
    data: list[pl.Series] = field(default_factory=list)
    encodings: list[NDArray[np.uint8]] = field(default_factory=list)
    late: list[NDArray[np.bool_]] = field(default_factory=list)
    found: int = 0

    def add(self, block: _Block, *, late: bool) -> None:
        self.keys.append(Hashes.of(block.keys))
        self.data.append(block.data)
        self.encodings.append(block.encodings)
        self.late.append(np.full(len(block.data), late))
        self.found += len(block.data)

    def distinct(self) -> _Distinct:
        """Keep the last label of each key."""
        keys = Hashes.concatenated(self.keys)
        data = pl.concat([pl.Series(dtype=pl.String), *self.data])
        encodings = np.concatenate([np.empty(0, np.uint8), *self.encodings])
        late = np.concatenate([np.empty(0, bool), *self.late])
        order = keys.order()
        keys = keys[order]
        repeated = keys.repeats_of_next()
        kept = order[~repeated]
        said = self.found
        if repeated.any():
            groups = np.empty(order.size, np.int64)
            groups[order] = np.cumsum(~repeated) - ~repeated
            said = pl.DataFrame({"group": groups, "data": data, "encoding": encodings}).n_unique()
        return _Distinct(keys[~repeated], data.gather(kept), encodings[kept], late[kept], self.found, said)


class _Distinct(NamedTuple):
    """Labels with distinct keys, how many records there were, and how many that differ in key or content."""

    keys: Hashes
    data: pl.Series
    encodings: NDArray[np.uint8]
    late: NDArray[np.bool_]
    found: int
    said: int


def read_labels(source: Path, end: datetime | None, log: ReadLog) -> Labels:
    """Read all labels in a file or folder.

    Parameters
    ----------
    source : Path
        Hour folders ``yyyy/mm/dd/hh`` in the paths of files tell when their labels were collected.
    end : datetime, optional
        The end of the window.
    log : ReadLog
        Takes note of malformed labels.

    Raises
    ------
    InvalidInput
        ``GroundTruthNotFound`` where there are no labels, ``InvalidGroundTruth`` for a file of neither form, or where
        no label can be understood.
    """
    by_id, by_time, kinds = _Collected(), _Collected(), dict[str, int]()
    for file in _files(source):
        late = _collected_late(file, end)
        for block in _blocks(file, log):
            timed = block.keys.dtype != pl.String
            (by_time if timed else by_id).add(block, late=late)
            for kind, count in ({"a timestamp alone": len(block.keys)} if timed else kinds_of(block.keys)).items():
                kinds[kind] = kinds.get(kind, 0) + count
    if not by_id.found + by_time.found:
        if log.malformed:
            reasons = "; ".join(log.malformed_examples[:EXAMPLES])
            message = f"none of the {log.malformed} labels in {source} can be understood: {reasons}"
            raise InvalidInput("InvalidGroundTruth", message)
        raise _not_found(source, "the files there are empty")
    parts = by_id.distinct(), by_time.distinct()
    return Labels(
        ids=parts[0].keys,
        times=parts[1].keys,
        data=pl.concat([part.data for part in parts]),
        encodings=np.concatenate([part.encodings for part in parts]),
        late=np.concatenate([part.late for part in parts]),
        found=sum(part.found for part in parts),
        duplicates=sum(part.found - part.said for part in parts),
        conflicting=sum(part.said - len(part.data) for part in parts),
        kinds=kinds,
    )


def kinds_of(ids: pl.Series) -> dict[str, int]:
    """Count ids by what they look like; messages may tell this, and never the ids."""
    uuids = int(ids.str.contains(_UUID).sum())
    whole = int(ids.str.contains(r"^\d+$").sum())
    counts = {"a UUID as id": uuids, "a whole number as id": whole, "another id": len(ids) - uuids - whole}
    return {kind: count for kind, count in counts.items() if count}


def times_of(moments: Sequence[datetime | None]) -> pl.Series:
    """Return moments as keys of labels: microseconds since 1970."""
    return pl.Series(moments, dtype=pl.Datetime("us", "UTC")).to_physical()


def _files(source: Path) -> tuple[SourceFile, ...]:
    try:
        return source_files(source)
    except InvalidInput as error:
        if error.code in ("DatasetNotFound", "NoData"):
            raise _not_found(source, "there are no files") from None
        raise


def _not_found(source: Path, what: str) -> InvalidInput:
    message = (
        f"no ground truth labels were found in {source}: {what}. Upload the labels of the window, look at a window"
        " further back (start_time_offset, end_time_offset), or run this one again when they are there"
    )
    return InvalidInput("GroundTruthNotFound", message)


def _collected_late(file: SourceFile, end: datetime | None) -> bool:
    hour = _HOUR.search(file.label)
    if hour is None or end is None:
        return False
    try:
        return datetime(*map(int, hour.groups()), tzinfo=UTC) >= end  # type: ignore[arg-type, misc]
    except ValueError:
        return False


def _blocks(file: SourceFile, log: ReadLog) -> Iterator[_Block]:
    head = next(file.blocks(ReadLog()), b"").lstrip()
    if head.startswith(b"{"):
        for first_line, text in line_blocks(file, log):
            lines = text.split(b"\n")
            for start in range(0, len(lines), _RECORDS_AT_ONCE):
                run = lines[start : start + _RECORDS_AT_ONCE]
                yield from _json_block(file, range(first_line + start, first_line + start + len(run)), run, log)
    elif head.startswith(b"["):
        documents = json_documents([file], JsonOptions(lines=False), log)
        while array := list(islice(documents, _RECORDS_AT_ONCE)):
            yield from _json_block(file, [line for _, line, _ in array], [text for *_, text in array], log)
    else:
        yield from _csv_blocks(file, log)


def _json_block(file: SourceFile, numbers: Sequence[int], lines: list[bytes], log: ReadLog) -> Iterator[_Block]:
    if not lines[-1]:
        numbers, lines = numbers[:-1], lines[:-1]
    try:
        records = list(map(_DECODER.decode, lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        records = []
    if not (records and all(map(_ID, records)) and all(map(_DATA, records)) and {*map(_ENCODING, records)} <= _KNOWN):
        pairs = zip(numbers, lines, strict=True)
        records = [record for number, line in pairs if (record := _label(file, number, line, log))]
    if records:
        yield _Block(
            pl.Series(list(map(_ID, records)), dtype=pl.String),
            pl.Series(list(map(_DATA, records)), dtype=pl.String),
            np.fromiter(map(ENCODINGS.index, map(_ENCODING, records)), np.uint8, len(records)),
        )


def _label(file: SourceFile, number: int, line: bytes, log: ReadLog) -> _LabelRecord | None:
    if not line or line.isspace():
        return None
    reason = None
    try:
        record = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        reason = f"not a label: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reason = "not JSON"
    else:
        if record.groundTruthData.encoding not in _KNOWN:
            reason = "an encoding that is neither CSV nor JSON"
        elif not record.groundTruthData.data:
            reason = "no label"
        elif not record.eventMetadata.eventId:
            reason = "no eventId"
    if reason is None:
        return record
    log.leave_out(file.label, number, reason)
    return None


def _csv_blocks(file: SourceFile, log: ReadLog) -> Iterator[_Block]:
    read: Callable[[int, bytes], Iterator[_Block]] | None = None
    for first_line, text in line_blocks(file, log):
        body, line = text, first_line
        if read is None:
            header = next((record for record in parse_records(text, last=True) if record.fields != []), None)
            if header is None:
                continue
            columns = _CsvColumns.of(file, header.fields or [])
            body, line = text[header.end :], first_line + header.end_line
            read = _CsvReader(file, columns, log)
        yield from read(line, body)


class _CsvColumns(NamedTuple):
    """Where in a row lie its id, its timestamp and its label, and how many fields it has."""

    identity: int | None
    time: int | None
    label: int
    width: int

    @classmethod
    def of(cls, file: SourceFile, header: Sequence[str]) -> _CsvColumns:
        names = [name.strip().lower() for name in header]
        ids = [names.index(name) for name in IDS if name in names]
        labels = [names.index(name) for name in LABELS if name in names]
        time = names.index(TIME) if TIME in names else None
        if len(labels) != 1 or not (ids or time is not None) or len(set(names)) < len(names):
            message = (
                f"{file.label} is neither JSON records with groundTruthData and eventMetadata.eventId, nor"
                " comma-separated text with the header inference_id,timestamp,ground_truth_label (or"
                " ground_truth_value)"
            )
            raise InvalidInput("InvalidGroundTruth", message)
        return cls(ids[0] if ids else None, time, labels[0], len(names))


@dataclass(frozen=True, slots=True)
class _CsvReader:
    """Reads blocks of whole lines of a file whose header is known."""

    file: SourceFile
    columns: _CsvColumns
    log: ReadLog

    def __call__(self, line: int, text: bytes) -> Iterator[_Block]:
        """Yield the labels with ids and those without; log what is malformed."""
        quick = self._all_with_ids(text)
        if quick:
            yield quick
            return
        rows: list[tuple[str | None, datetime | None, str]] = []
        for record in parse_records(text, last=True):
            row, reason = (None, record.reason) if record.fields is None else self._row(record.fields)
            if row:
                rows.append(row)
            elif reason:
                self.log.leave_out(self.file.label, line + record.line, reason)
        named = [(identity, label) for identity, _, label in rows if identity]
        timed = [(time, label) for identity, time, label in rows if not identity]
        if named:
            yield _csv_block(pl.Series([identity for identity, _ in named]), pl.Series([label for _, label in named]))
        if timed:
            yield _csv_block(times_of([time for time, _ in timed]), pl.Series([label for _, label in timed]))

    def _all_with_ids(self, text: bytes) -> _Block | None:
        """Read labels that all have an id, quickly; None if some may not, or may be malformed."""
        if self.columns.identity is None:
            return None
        names = positional_names(self.columns.width)
        wanted = [names[self.columns.identity], names[self.columns.label]]
        block = plain_block(text, last=True)
        frame = parse_block(block, names, Plan(dict.fromkeys(wanted, pl.String()))) if block and block.rows else None
        if frame is None or any(frame[name].has_nulls() for name in wanted):
            return None
        ids, labels = (frame[name] for name in wanted)
        return _csv_block(ids, labels)

    def _row(self, fields: list[str]) -> tuple[tuple[str | None, datetime | None, str] | None, str]:
        if len(fields) != self.columns.width:
            return None, f"{len(fields)} fields instead of {self.columns.width}" if fields else ""
        label = fields[self.columns.label]
        if not label:
            return None, "no label"
        if self.columns.identity is not None and (identity := fields[self.columns.identity]):
            return (identity, None, label), ""
        if self.columns.time is None or not fields[self.columns.time]:
            return None, "neither an inference_id nor a timestamp"
        try:
            time = datetime.fromisoformat(fields[self.columns.time].strip())
        except ValueError:
            return None, "no inference_id, and a timestamp that is not ISO 8601"
        return (None, time if time.tzinfo else time.replace(tzinfo=UTC), label), ""


def _csv_block(keys: pl.Series, labels: pl.Series) -> _Block:
    if labels.str.contains(_TO_BE_QUOTED).any():
        labels = pl.Series([_quoted(label) for label in labels])
    return _Block(keys, labels, np.full(len(labels), ENCODINGS.index("CSV"), np.uint8))


def _quoted(label: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([label])
    return text.getvalue()


def _fragment(encoding: int, data: str) -> bytes:
    payload = msgspec.json.encode({"data": data, "encoding": ENCODINGS[encoding]})
    return b',"groundTruthData":' + payload + b"}\n"
