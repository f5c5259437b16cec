"""The rows of a single captured record, and the columns that such rows usually have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.capture_layout import Layout, layout_of
from modelwatch_analyzer.reading.capture_options import ColumnGroup
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.captured_record import PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.flat_responses import cut
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, Unflattenable, empty_parents
from modelwatch_analyzer.reading.payloads import Content, Row, row_of
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, REQUEST, CaptureSide
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

SAMPLED_ROWS = 1000
"""How many rows determine which columns there are."""

Keys = tuple[int | str, ...]
"""The names, or positions, that the columns of one group have in the payloads."""

_BY_NAME = -1


class RowsOfRecord(NamedTuple):
    """The rows of a record, each with the values by group; a side that was not captured has no values.

    Attributes
    ----------
    were_cut : bool
        Whether a flat response was cut into rows; see `modelwatch_analyzer.reading.flat_responses`.
    """

    rows: list[tuple[Row, ...]]
    were_cut: bool


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads the rows of single records.

    Attributes
    ----------
    groups : tuple of ColumnGroup
        What is read of each record.
    features : Attribute, optional
        Where the features are in a request, whether they are read or not; they say how many rows it has.
    layout : Layout
        How payloads hold their rows.
    """

    groups: tuple[ColumnGroup, ...]
    features: Attribute | None = None
    layout: Layout = Layout()  # noqa: RUF009 (it is frozen)

    def rows(self, record: CapturedRecord) -> RowsOfRecord:
        """Return the rows of a record.

        Raises
        ------
        Unflattenable
            If a payload is malformed, all are empty, or they differ in their number of rows.
        """
        contents: dict[CaptureSide, Content] = {}
        for side in sides_of(self.groups):
            payload = PAYLOAD_OF[side](record)
            if payload is not None:
                contents[side] = self.layout.content_of(side, payload)
        found = [self._records(group, contents[group.side]) if group.side in contents else [] for group in self.groups]
        rows = self._rows_sent(record, contents) or max(map(len, found))
        parts = [self._cut(group, records, rows) for group, records in zip(self.groups, found, strict=True)]
        heights = {len(records) for records in parts if records}
        if not heights:
            raise Unflattenable("no payload")
        if len(heights) > 1:
            raise Unflattenable(self._differing_heights(parts))
        (height,) = heights
        flat = [list(map(row_of, records)) or [{}] * height for records in parts]
        return RowsOfRecord(list(zip(*flat, strict=True)), list(map(len, parts)) != list(map(len, found)))

    def _rows_sent(self, record: CapturedRecord, contents: dict[CaptureSide, Content]) -> int | None:
        if REQUEST in contents:
            return self.layout.rows_of(contents[REQUEST], self.features)
        return self.layout.request_rows(record, self.features)

    def _records(self, group: ColumnGroup, content: Content) -> list[Any]:
        if group.side == REQUEST:
            return self.layout.request_records(content, group.attribute)
        places = group.attribute if group.attribute and group.attribute.places else None
        return content.records(None if places else group.attribute)

    def _cut(self, group: ColumnGroup, records: list[Any], rows: int) -> list[Any]:
        if group.side == REQUEST:
            return records
        attribute = group.attribute
        projected = attribute is not None and attribute.many
        found = cut(records, rows, in_columns=group.side in self.layout.in_columns, projected=projected)
        return list(map(attribute.select, found)) if attribute and attribute.places else found

    def _differing_heights(self, parts: list[list[Any]]) -> str:
        """Say which sides of a record differ in their number of rows."""
        heights = {group.side: len(records) for group, records in zip(self.groups, parts, strict=True) if records}
        captured = {height for side, height in heights.items() if side != GROUND_TRUTH}
        differing = "the ground truth and the prediction" if len(captured) == 1 else "the request and the response"
        numbers = ", ".join(f"{side} has {height}" for side, height in heights.items())
        return f"{differing} differ in their number of rows: {numbers}"


def open_reader(
    captured: CapturedRecords,
    groups: tuple[ColumnGroup, ...],
    features: Attribute | None,
    log: ReadLog,
    expected: Expected | None = None,
) -> tuple[RecordReader, tuple[Keys, ...]]:
    """Return a reader for the layout of the first `SAMPLED_ROWS` records, and the keys of their first rows.

    There are no keys where there is no row. Records that are left out are logged.

    Raises
    ------
    InvalidInput
        ``DuplicateColumn``, ``TooManyColumns``.
    """
    records = _numbered_records(captured, log)
    first = list(islice(records, SAMPLED_ROWS))
    paths = {group.side: group.attribute for group in groups if group.attribute and group.attribute.path}
    attributes = dict.fromkeys(group.side for group in groups) | paths
    reader = RecordReader(groups, features, layout_of([record for *_, record in first], features, attributes))
    rows = list(islice(_readable_rows(reader, chain(first, records), log), SAMPLED_ROWS))
    if not rows:
        log.remarks += reader.layout.remarks  # the cause may be among them
    return reader, _usual_keys(groups, rows, expected) if rows else ()


def mismatch(group: ColumnGroup, expected: Row, row: Row) -> str | None:
    """Describe how the columns of a group differ from the expected ones; None if they do not."""
    expected_by_name = _is_by_name(expected)
    if row and expected and _is_by_name(row) != expected_by_name:
        kinds = ("by position", "by name")
        return f"{group} has fields {kinds[not expected_by_name]} instead of {kinds[expected_by_name]}"
    if row and expected_by_name:
        if row.keys() & expected.keys():
            return None
        return f"{group} has none of the fields of the first {SAMPLED_ROWS} rows"
    if expected and not row:
        return f"{group} was not captured, or is empty"
    if len(row) == len(expected):
        return None
    fields = f"{group} has {count_text(len(row), 'field')} instead of {len(expected)}"
    return fields if len(row) < len(expected) else f"{fields} (in CSV a comma within a value needs quotes around it)"


def has_unread_fields(expected: Row, row: Row) -> bool:
    """Return whether a row has values under names that its group's columns lack."""
    return _is_by_name(expected) and any(row[name] is not None for name in row.keys() - expected.keys())


def _usual_keys(
    groups: Sequence[ColumnGroup], rows: Sequence[tuple[Row, ...]], expected: Expected | None
) -> tuple[Keys, ...]:
    """Return the keys of each group in the most frequent kind of row: its positions, or all names that occur.

    One group with names, that of the request if it has any, also has those that a baseline expects.

    Raises
    ------
    InvalidInput
        ``TooManyColumns``.
    """
    kinds = [tuple(_BY_NAME if _is_by_name(part) else len(part) for part in row) for row in rows]
    usual = Counter(kinds).most_common(1)[0][0]
    keys: list[dict[int | str, None]] = [{} for _ in usual]
    alike = [row for kind, row in zip(kinds, rows, strict=True) if kind == usual]
    for known, parts in zip(keys, zip(*alike, strict=True), strict=True):
        for part in parts:
            known.update(dict.fromkeys(part))
            if len(known) > MOST_COLUMNS and _is_by_name(part):
                message = f"the captured payloads have more than {MOST_COLUMNS:,} columns in total: if field names "
                raise InvalidInput("TooManyColumns", message + "are data, name the features with a JMESPath")
    named = {group.side: known for group, known, kind in zip(groups, keys, usual, strict=True) if kind == _BY_NAME}
    if expected and named:
        absent = expected.absent([str(key) for known in named.values() for key in known])
        named.get(REQUEST, next(iter(named.values()))).update(dict.fromkeys(absent))
    for known, parts, kind in zip(keys, zip(*alike, strict=True), usual, strict=True):
        for name in empty_parents(known, parts) if kind == _BY_NAME else ():
            del known[name]
    return tuple(map(tuple, keys))


def sides_of(groups: Sequence[ColumnGroup]) -> tuple[CaptureSide, ...]:
    """Return the sides of the groups, each once."""
    return tuple(dict.fromkeys(group.side for group in groups))


def _numbered_records(captured: CapturedRecords, log: ReadLog) -> Iterator[tuple[str, int, CapturedRecord]]:
    for block in captured.blocks(log, SAMPLED_ROWS):
        for number, record in zip(block.numbers, block.records, strict=True):
            yield block.file.label, number, record


def _readable_rows(
    reader: RecordReader, records: Iterable[tuple[str, int, CapturedRecord]], log: ReadLog
) -> Iterator[tuple[Row, ...]]:
    for file, number, record in records:
        try:
            yield from reader.rows(record).rows
        except Unflattenable as error:
            log.leave_out(file, number, str(error))


def _is_by_name(row: Row) -> bool:
    return isinstance(next(iter(row), None), str)
