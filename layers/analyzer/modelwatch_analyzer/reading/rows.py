"""Records of any format, flattened into rows, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import polars as pl

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Plan, Role, Roles
from modelwatch_analyzer.reading.find_columns import positional_names
from modelwatch_analyzer.reading.flattening import (
    MOST_COLUMNS,
    Unflattenable,
    decode,
    empty_parents,
    flatten,
    records_of,
)
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput

_BATCH_CELLS = 1 << 20


class Line(NamedTuple):
    """A JSON document or a line of text, and where it starts."""

    file: str
    line: int
    text: bytes


_Values = dict[str, str | None] | list[str | None]


class Row(NamedTuple):
    """The columns of one record by name, or its values by position.

    Attributes
    ----------
    widths : tuple of int
        The number of columns that each attribute selected, in their order; empty without attributes.
    """

    file: str
    line: int
    values: _Values
    widths: tuple[int, ...] = ()


Rows = Callable[[ReadLog], Iterator[Row]]
"""Reads the rows from the first one on; logs what is left out."""


def rows_of(document: Line, attributes: Attributes, log: ReadLog) -> Iterator[Row]:
    """Yield the rows of a JSON document: all its columns, or those that the attributes select, next to each other."""
    try:
        rows = _rows_in(decode(document.text), attributes)
    except Unflattenable as error:
        log.leave_out(document.file, document.line, str(error))
        return
    for values, widths in rows:
        yield Row(document.file, document.line, values, widths)


def _rows_in(document: Any, attributes: Attributes) -> list[tuple[_Values, tuple[int, ...]]]:
    selected = [attribute.records(document) for attribute in attributes.given.values()] or [records_of(document)]
    if len(set(map(len, selected))) > 1:
        raise Unflattenable("the attributes select different numbers of rows")
    return [_joined(records) for records in zip(*selected, strict=True)]


def _joined(records: tuple[Any, ...]) -> tuple[_Values, tuple[int, ...]]:
    parts = [flatten(record) for record in records]
    widths = tuple(map(len, parts))
    if not all(isinstance(record, dict) for record in records):
        return [value for part in parts for value in part.values()], widths
    row = {name: value for part in parts for name, value in part.items()}
    if len(row) < sum(widths):
        raise Unflattenable("the attributes select columns with the same name")
    return row, widths


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RowFiles:
    """A `Table` of rows. Objects may lack columns, which are missing values; lists must have all of them."""

    rows: Rows
    columns: tuple[str, ...]
    named: bool

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all rows in their order, as text; see `Dataset.batches`."""
        columns = plan.columns_among(self.columns)
        rows = self.rows(log)
        while chunk := list(islice(rows, max(1, _BATCH_CELLS // max(1, len(columns))))):
            frame = self.frame(chunk, columns, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def frame(self, rows: Iterable[Row], columns: list[str], log: ReadLog) -> pl.DataFrame:
        """Return columns of the rows, as text; rows that do not fit are left out."""
        values = list(self._values(rows, columns, log))
        return pl.DataFrame(values, schema=dict.fromkeys(columns, pl.String()), orient="row")

    def _values(self, rows: Iterable[Row], columns: list[str], log: ReadLog) -> Iterator[list[str | None]]:
        positions = {name: index for index, name in enumerate(self.columns)}
        indices = [positions[name] for name in columns]
        for row in rows:
            if isinstance(row.values, dict):
                if self.named:
                    yield [row.values.get(name) for name in columns]
                else:
                    log.leave_out(row.file, row.line, "an object, but most records are lists")
            elif self.named:
                log.leave_out(row.file, row.line, "a list, but most records are objects")
            elif len(row.values) != len(self.columns):
                log.leave_out(row.file, row.line, f"{len(row.values)} values instead of {len(self.columns)}")
            else:
                yield [row.values[index] for index in indices]


@dataclass(slots=True)
class Shapes:
    """Collects the columns that records have."""

    names: dict[str, None] = field(default_factory=dict)
    objects: int = 0
    widths: Counter[int] = field(default_factory=Counter)
    parts: dict[str, int] = field(default_factory=dict)
    splits: Counter[tuple[int, ...]] = field(default_factory=Counter)

    def add(self, row: Row, times: int = 1) -> None:
        """Add a row, or as many rows with the same columns.

        Raises
        ------
        InvalidInput
            ``TooManyColumns``.
        """
        if isinstance(row.values, list):
            self.widths[len(row.values)] += times
            self.splits[row.widths] += times
        else:
            self.add_object(row.values, row.file, row.line, times)
            if row.widths:
                self.parts.update(zip(row.values, _numbers(row.widths), strict=True))

    def add_object(self, names: Iterable[str], file: str, line: int, times: int = 1) -> None:
        """Add the names of one record's columns, like `add`."""
        self.objects += times
        self.names.update(dict.fromkeys(names))
        if len(self.names) > MOST_COLUMNS:
            message = (
                f"{file}:{line}: the records have more than {MOST_COLUMNS:,} columns in total: if field names are "
            )
            raise InvalidInput("TooManyColumns", f"{message}data, name the features with a JMESPath")

    def completed(self, rows: Rows, expected: Expected | None) -> Shapes:
        """Return the shapes with what a baseline expects, and without `empty_parents`."""
        absent = expected.absent(self.names) if expected and self.named else []
        names = self.names | dict.fromkeys(absent)
        objects = (row.values for row in rows(ReadLog()) if isinstance(row.values, dict))
        parents = empty_parents(names, objects)
        return replace(self, names={name: None for name in names if name not in parents})

    @property
    def named(self) -> bool:
        """Whether most records are objects."""
        return self.objects >= self.widths.total()

    @property
    def columns(self) -> tuple[str, ...]:
        """All names, or by position as many columns as the most frequent length of the lists."""
        return tuple(self.names) if self.named else positional_names(self.widths.most_common(1)[0][0])

    def roles(self, given: Sequence[Role]) -> Roles:
        """Return the columns that each attribute selected; `given` is the order of the attributes."""
        columns = self.columns
        if self.named:
            numbers: Iterable[int] = (self.parts.get(name, 0) for name in columns)
        else:
            fitting = Counter({split: count for split, count in self.splits.items() if sum(split) == len(columns)})
            numbers = _numbers(fitting.most_common(1)[0][0])
        roles: dict[Role, tuple[str, ...]] = dict.fromkeys(given, ())
        for name, number in zip(columns, numbers, strict=True):
            roles[given[number]] += (name,)
        return roles

    def table(self, rows: Rows) -> RowFiles:
        """Return the rows as a table."""
        return RowFiles(rows, self.columns, self.named)


def open_rows(rows: Rows, expected: Expected | None = None) -> RowFiles:
    """Read all rows to find the columns.

    The columns are all names that occur, in the order of their first occurrence, without `empty_parents`, and what a
    baseline expects. If most records are lists, there are as many columns as the most frequent length of the lists.

    Raises
    ------
    InvalidInput
        ``TooManyColumns``, or if there is no row ``AllMalformed``, ``NoData`` or ``EmptyDataset``.
    """
    log, shapes = ReadLog(), Shapes()
    for row in rows(log):
        log.read += 1
        shapes.add(row)
    log.require_records()
    return shapes.completed(rows, expected).table(rows)


def _numbers(widths: tuple[int, ...]) -> Iterator[int]:
    """Yield 0, 1, ..., each as many times as the width at that position."""
    return chain.from_iterable(repeat(number, width) for number, width in enumerate(widths))


def lines_in(file: str, first_line: int, block: bytes) -> Iterable[Line]:
    """Yield the lines of a block that are not blank."""
    for number, text in enumerate(block.split(b"\n"), start=first_line):
        if text and not text.isspace():
            yield Line(file, number, text)
