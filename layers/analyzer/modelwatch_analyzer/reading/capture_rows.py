"""The rows of a single captured record, and the columns that such rows usually have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from modelwatch_analyzer.reading.capture_options import ColumnGroup
from modelwatch_analyzer.reading.capture_records import GROUND_TRUTH, PAYLOAD_OF, CapturedRecord, CapturedRecords, Side
from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, Unflattenable
from modelwatch_analyzer.reading.payloads import Content, Row, content_of
from modelwatch_core.domain.errors import InvalidInput

SAMPLED_ROWS = 1000
"""How many rows determine which columns there are."""

Keys = tuple[int | str, ...]
"""The names, or positions, that the columns of one group have in the payloads."""

_BY_NAME = -1


def sampled_rows(captured: CapturedRecords, groups: Sequence[ColumnGroup], log: ReadLog) -> list[tuple[Row, ...]]:
    """Return the first `SAMPLED_ROWS` rows of records; log records that are left out."""
    return list(islice(_readable_rows(captured, groups, log), SAMPLED_ROWS))


def rows_of_record(record: CapturedRecord, groups: Sequence[ColumnGroup]) -> Iterator[tuple[Row, ...]]:
    """Yield the rows of a record, each with the values by group; a side that was not captured has no values.

    Raises
    ------
    Unflattenable
        If a payload is malformed, all are empty, or they differ in their number of rows.
    """
    contents: dict[Side, Content] = {}
    for side in sides_of(groups):
        payload = PAYLOAD_OF[side](record)
        if payload is not None:
            contents[side] = content_of(payload)
    parts = [contents[group.side].rows(group.attribute) if group.side in contents else [] for group in groups]
    heights = {len(rows) for rows in parts if rows}
    if not heights:
        raise Unflattenable("no payload")
    if len(heights) > 1:
        captured = {len(rows) for group, rows in zip(groups, parts, strict=True) if rows and group.side != GROUND_TRUTH}
        differing = "the ground truth and the prediction" if len(captured) == 1 else "the request and the response"
        raise Unflattenable(f"{differing} differ in their number of rows")
    (height,) = heights
    yield from zip(*(rows or [{}] * height for rows in parts), strict=True)


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
    return None if len(row) == len(expected) else f"{group} has {len(row)} fields instead of {len(expected)}"


def has_unread_fields(expected: Row, row: Row) -> bool:
    """Return whether a row has names that its group's columns lack."""
    return _is_by_name(expected) and not row.keys() <= expected.keys()


def usual_keys(rows: Sequence[tuple[Row, ...]]) -> tuple[Keys, ...]:
    """Return the keys of each group in the most frequent kind of row: its positions, or all names that occur.

    Raises
    ------
    InvalidInput
        ``TooManyColumns``.
    """
    kinds = [tuple(_BY_NAME if _is_by_name(part) else len(part) for part in row) for row in rows]
    usual = Counter(kinds).most_common(1)[0][0]
    keys: list[dict[int | str, None]] = [{} for _ in usual]
    for kind, row in zip(kinds, rows, strict=True):
        if kind == usual:
            for known, part in zip(keys, row, strict=True):
                known.update(dict.fromkeys(part))
                if len(known) > MOST_COLUMNS and _is_by_name(part):
                    message = f"the captured payloads have more than {MOST_COLUMNS} columns together: are names of "
                    raise InvalidInput("TooManyColumns", message + "fields data? Name the features by a JMESPath")
    return tuple(map(tuple, keys))


def sides_of(groups: Sequence[ColumnGroup]) -> tuple[Side, ...]:
    """Return the sides of the groups, each once."""
    return tuple(dict.fromkeys(group.side for group in groups))


def _readable_rows(captured: CapturedRecords, groups: Sequence[ColumnGroup], log: ReadLog) -> Iterator[tuple[Row, ...]]:
    for block in captured.blocks(log):
        for number, record in zip(block.numbers, block.records, strict=True):
            try:
                yield from rows_of_record(record, groups)
            except Unflattenable as error:
                log.leave_out(block.file.label, number, str(error))


def _is_by_name(row: Row) -> bool:
    return isinstance(next(iter(row), None), str)
