"""Columns of text that hold a list in each row, as columns of its elements: how probabilities are often stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any

import polars as pl

from modelwatch_analyzer.profile.spelling import MISSING
from modelwatch_analyzer.reading.bracketed import bracketed_values
from modelwatch_analyzer.reading.dataset import (
    Plan,
    Role,
    Roles,
    Table,
    TableOfParts,
    parts_of,
    roles_by_name,
    sources_of,
)
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.find_columns import find_columns, listed
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, to_text
from modelwatch_analyzer.reading.read_log import ReadLog

_SAMPLED_ROWS = 1000
_FEW, _NEARLY_ALL = 20, 0.95
_READ_AS_LISTS = (Role.INFERENCE, Role.PROBABILITY)


@dataclass(frozen=True, slots=True)
class ListColumns(TableOfParts):
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
        return self.columns_of(self.table.columns)

    @property
    def named(self) -> bool:
        """Like the table."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Like the table's."""
        return self.columns_of(self.table.input_columns)

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the table; elements are text. What is no list of so many numbers is missing, and counted."""
        lists = [name for name in self.widths if not plan.dtypes.keys().isdisjoint(self._elements(name))]
        others = {name: dtype for name, dtype in plan.dtypes.items() if name in self.table.columns}
        inner = Plan(others | dict.fromkeys(lists, pl.String()), arrivals=plan.arrivals)
        unread = dict.fromkeys(lists, 0)
        for batch in self.table.batches(inner, log):
            parts = [batch.drop(lists)]
            for name in lists:
                rows = [_elements_of(text, self.widths[name]) for text in batch[name]]
                unread[name] += sum(row is None for row in rows) - batch[name].null_count()
                schema = dict.fromkeys(self._elements(name), pl.String())
                missing = [None] * self.widths[name]
                elements = pl.DataFrame([missing if row is None else row for row in rows], schema, orient="row")
                parts.append(elements.select(column for column in schema if column in plan.dtypes))
            yield pl.concat(parts, how="horizontal")
        for name, count in unread.items():
            if count:
                log.remarks.append(
                    f"{count:,} values of {name!r} are not lists of {self.widths[name]} numbers, unlike the first "
                    "ones, and count as missing"
                )

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The files of the table, where it is a part of a dataset."""
        return sources_of(self.table)

    def parts(self) -> Iterator[ListColumns]:
        """Yield tables of the parts of the table; see `modelwatch_analyzer.parts`."""
        for part in parts_of(self.table):
            yield ListColumns(part, self.widths)

    def _elements(self, name: str) -> tuple[str, ...]:
        return tuple(f"{name}.{index}" for index in range(self.widths[name]))

    def columns_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return columns of the table, with those of its elements in the place of a list."""
        return tuple(chain.from_iterable(self._elements(name) if name in self.widths else (name,) for name in names))

    def roles(self, attributes: Mapping[Role, str]) -> Roles:
        """Find the columns that attributes name: of the table, as its indices count them, or elements of a list.

        Raises
        ------
        InvalidInput
            ``UnknownColumn``.
        """
        named = {}
        for role, text in attributes.items():
            found = find_columns(self.table.columns, text)
            named[role] = self.columns_of(found) if found else roles_by_name(self.columns, {role: text})[role]
        taken = {column for names in named.values() for column in names}
        return {Role.FEATURES: tuple(name for name in self.columns if name not in taken)} | named


def open_list_columns(table: Table, texts: Collection[str], attributes: Mapping[Role, str]) -> ListColumns | None:
    """Return a table in which the columns that attributes name for predictions are lists no more; None without one.

    A column is one of lists if nearly all values among the first rows are lists of as many numbers, those left out that
    mean a missing value. A list of one may hold a text.

    Parameters
    ----------
    texts : collection of str
        The columns that may hold text; no others are looked at.
    """
    given = [attributes[role] for role in _READ_AS_LISTS if role in attributes]
    elements = {
        part.rpartition(".")[0] for text in given for part in listed(text) if part.rpartition(".")[2].isdecimal()
    }
    names = {name for text in given for name in find_columns(table.columns, text) or ()} | elements
    first = _first_texts(table, [name for name in texts if name in names])
    widths = {name: width for name, values in first.items() if (width := _width(values))}
    expanded = ListColumns(table, widths)
    unique = len(set(expanded.columns)) == len(expanded.columns) <= MOST_COLUMNS
    return expanded if widths and unique else None


def _first_texts(table: Table, names: Sequence[str]) -> dict[str, list[str | None]]:
    """Return the texts of the first rows, by column."""
    found: dict[str, list[str | None]] = {name: [] for name in names}
    plan = Plan(dict.fromkeys(names, pl.String()), short=True)
    with closing(table.batches(plan, ReadLog())) as batches:  # type: ignore[type-var]  # a generator
        for batch in batches if names else ():
            for name, texts in found.items():
                texts.extend(batch[name].cast(pl.String).head(_SAMPLED_ROWS - len(texts)).to_list())
            if all(len(texts) == _SAMPLED_ROWS for texts in found.values()):
                break
    return found


def _width(first: Iterable[str | None]) -> int | None:
    """Return how many elements the lists have, if texts are lists."""
    texts = [text for text in first if text and text.strip() not in MISSING]
    if not any("[" in text or "(" in text for text in texts[:_FEW]):
        return None
    widths = Counter(len(row) for text in texts if (row := _elements_of(text, None)))
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    return width if count >= _NEARLY_ALL * len(texts) else None


def _elements_of(text: str | None, width: int | None) -> list[str | None] | None:
    values: list[Any] | None = bracketed_values(text.strip()) if text else None
    while values and len(values) == 1 and isinstance(values[0], list):
        values = values[0]  # [[0.1, 0.9]], the response to a batch of one row
    if not values or any(isinstance(value, list) for value in values) or width not in (None, len(values)):
        return None
    if len(values) > 1 and text and any(quote in text for quote in "'\""):
        return None
    return list(map(to_text, values))
