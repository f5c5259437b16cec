"""Columns of text that hold a list in each row, as columns of its elements: how probabilities are often stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import polars as pl

from modelwatch_analyzer.reading.bracketed import bracketed_numbers
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, Role, Table, find_column
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, to_text

_SAMPLED_ROWS = 1000
_READ_AS_LISTS = (Role.INFERENCE, Role.PROBABILITY)


@dataclass(frozen=True, slots=True)
class ListColumns:
    """A `Table` in which columns of lists are replaced by one column for each element, named as those of JSON.

    Attributes
    ----------
    widths : mapping of str to int
        The number of elements, by the name of the column of lists.
    """

    table: Table
    widths: Mapping[str, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the table, with ``p.0, p.1, ...`` in the place of a column ``p``."""
        return tuple(self._expanded(self.table.columns))

    @property
    def named(self) -> bool:
        """Like the table."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Like the table's."""
        return tuple(self._expanded(self.table.input_columns))

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the table; elements are text. What is no list of so many numbers is missing, and counted."""
        lists = [name for name in self.widths if not plan.dtypes.keys().isdisjoint(self._elements(name))]
        others = {name: dtype for name, dtype in plan.dtypes.items() if name in self.table.columns}
        inner = Plan(others | dict.fromkeys(lists, pl.String()))
        unread = dict.fromkeys(lists, 0)
        for batch in self.table.batches(inner, log):
            parts = [batch.drop(lists)]
            for name in lists:
                rows = [_numbers(text, self.widths[name]) for text in batch[name]]
                unread[name] += sum(row is None for row in rows) - batch[name].null_count()
                schema = dict.fromkeys(self._elements(name), pl.String())
                missing = [None] * self.widths[name]
                elements = pl.DataFrame([missing if row is None else row for row in rows], schema, orient="row")
                parts.append(elements.select(column for column in schema if column in plan.dtypes))
            yield pl.concat(parts, how="horizontal")
        for name, count in unread.items():
            if count:
                log.remarks.append(
                    f"{count} values of {name!r} are no lists of {self.widths[name]} numbers, as the first ones are, "
                    "and count as missing"
                )

    def _expanded(self, columns: Iterable[str]) -> Iterator[str]:
        for name in columns:
            yield from self._elements(name) if name in self.widths else (name,)

    def _elements(self, name: str) -> tuple[str, ...]:
        return tuple(f"{name}.{index}" for index in range(self.widths[name]))


def with_list_columns(table: Table, attributes: Mapping[Role, str]) -> Table:
    """Return a table in which the columns that attributes name for predictions are lists no more.

    A column is one of lists if all values among the first rows are lists of as many numbers.
    """
    names = {find_column(table.columns, attributes[role]) for role in _READ_AS_LISTS if role in attributes}
    widths = {name: width for name in table.columns if name in names and (width := _width(table, name))}
    expanded = ListColumns(table, widths)
    unique = len(set(expanded.columns)) == len(expanded.columns) <= MOST_COLUMNS
    return expanded if widths and unique else table


def _width(table: Table, name: str) -> int | None:
    with closing(table.batches(Plan({name: pl.String()}), ReadLog())) as batches:  # type: ignore[type-var]  # a generator
        first = next((batch[name] for batch in batches if batch.height), pl.Series(name, [], pl.String()))
    texts = first.cast(pl.String).drop_nulls().head(_SAMPLED_ROWS).to_list()
    rows = [_numbers(text, None) for text in texts if texts[0].rstrip().endswith(("]", ")"))]
    widths = {len(row) if row else 0 for row in rows}
    return widths.pop() if len(widths) == 1 else None


def _numbers(text: str | None, width: int | None) -> list[str | None] | None:
    values: list[Any] | None = bracketed_numbers(text.strip()) if text else None
    if not values or any(isinstance(value, list) for value in values) or width not in (None, len(values)):
        return None
    return list(map(to_text, values))
