"""Records of any kind, taken apart into rows, as a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import polars as pl

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, positional_names
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, Unflattenable, decode, flatten, records_of
from modelwatch_core.domain.errors import InvalidInput

_BATCH_CELLS = 1 << 20


class Line(NamedTuple):
    """A JSON document, and where it starts."""

    file: str
    line: int
    text: bytes


class Row(NamedTuple):
    """The columns of one record by name, or its values by position."""

    file: str
    line: int
    values: dict[str, str | None] | list[str | None]


Rows = Callable[[ReadLog], Iterator[Row]]
"""Reads the rows from their start; what is left out goes to the log."""


def rows_of(document: Line, attributes: Attributes, log: ReadLog) -> Iterator[Row]:
    """Yield the rows that a JSON document holds, whole or as the attributes say: inference, probability, features."""
    try:
        rows = _rows_in(decode(document.text), attributes)
    except Unflattenable as error:
        log.leave_out(document.file, document.line, str(error))
        return
    for row in rows:
        yield Row(document.file, document.line, row)


def _rows_in(document: Any, attributes: Attributes) -> list[dict[str, str | None] | list[str | None]]:
    given = (attributes.inference, attributes.probability, attributes.features)
    parts = [attribute.records(document) for attribute in given if attribute] or [records_of(document)]
    if len(set(map(len, parts))) > 1:
        raise Unflattenable("the attributes find different numbers of rows")
    return [_joined(records) for records in zip(*parts, strict=True)]


def _joined(records: tuple[Any, ...]) -> dict[str, str | None] | list[str | None]:
    parts = [flatten(record) for record in records]
    if not all(isinstance(record, dict) for record in records):
        return [value for part in parts for value in part.values()]
    row = {name: value for part in parts for name, value in part.items()}
    if len(row) < sum(map(len, parts)):
        raise Unflattenable("the attributes find columns of the same name")
    return row


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RowFiles:
    """A `Dataset` of rows. What a record lacks of the columns is missing; columns without names need all of them."""

    rows: Rows
    columns: tuple[str, ...]
    named: bool

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all rows in their order, as text; see `Dataset.batches`."""
        wanted = plan.among(self.columns)
        rows = self.rows(log)
        while chunk := list(islice(rows, max(1, _BATCH_CELLS // max(1, len(wanted))))):
            frame = self.frame(chunk, wanted, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def frame(self, rows: Iterable[Row], wanted: list[str], log: ReadLog) -> pl.DataFrame:
        """Put rows into columns, as text; those that do not fit are left out."""
        values = list(self._values(rows, wanted, log))
        return pl.DataFrame(values, schema=dict.fromkeys(wanted, pl.String()), orient="row")

    def _values(self, rows: Iterable[Row], wanted: list[str], log: ReadLog) -> Iterator[list[str | None]]:
        places = {name: index for index, name in enumerate(self.columns)}
        indices = [places[name] for name in wanted]
        for row in rows:
            if isinstance(row.values, dict):
                if self.named:
                    yield [row.values.get(name) for name in wanted]
                else:
                    log.leave_out(row.file, row.line, "an object among lists")
            elif self.named:
                log.leave_out(row.file, row.line, "a list among objects")
            elif len(row.values) != len(self.columns):
                log.leave_out(row.file, row.line, f"{len(row.values)} values instead of {len(self.columns)}")
            else:
                yield [row.values[index] for index in indices]


@dataclass(slots=True)
class Shapes:
    """The columns that records are seen to have."""

    names: dict[str, None] = field(default_factory=dict)
    objects: int = 0
    widths: Counter[int] = field(default_factory=Counter)

    def see(self, row: Row) -> None:
        """Take in a row.

        Raises
        ------
        InvalidInput
            ``TooManyColumns``.
        """
        if isinstance(row.values, list):
            self.widths[len(row.values)] += 1
        else:
            self.see_object(row.values, row.file, row.line)

    def see_object(self, names: Iterable[str], file: str, line: int) -> None:
        """Take in the names of one record's columns, as `see` does."""
        self.objects += 1
        self.names.update(dict.fromkeys(names))
        if len(self.names) > MOST_COLUMNS:
            message = f"{file}:{line}: the records have more than {MOST_COLUMNS} columns together"
            raise InvalidInput("TooManyColumns", f"{message}: are names of fields data? Name the features by JMESPath")

    def table(self, rows: Rows) -> RowFiles:
        """Return the rows as a dataset of all columns that are named, or of as many as most lists have values."""
        if self.objects >= self.widths.total():
            return RowFiles(rows, tuple(self.names), named=True)
        return RowFiles(rows, positional_names(self.widths.most_common(1)[0][0]), named=False)


def open_rows(rows: Rows) -> RowFiles:
    """Read all rows for their columns.

    The columns are all that any record names, in the order in which they are first seen. Where most records are
    lists, they are those of the most frequent length.

    Raises
    ------
    InvalidInput
        ``TooManyColumns``, or where there is no row ``AllMalformed``, ``NoData`` or ``EmptyDataset``.
    """
    log, shapes = ReadLog(), Shapes()
    for row in rows(log):
        log.read += 1
        shapes.see(row)
    log.require_records()
    return shapes.table(rows)


def lines_in(file: str, first_line: int, block: bytes) -> Iterable[Line]:
    """Yield the lines of a block that hold anything."""
    for number, text in enumerate(block.split(b"\n"), start=first_line):
        if text and not text.isspace():
            yield Line(file, number, text)
