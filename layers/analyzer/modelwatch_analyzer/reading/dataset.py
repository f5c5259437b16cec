"""What every format's reader gives: batches of columns, and an account of what was read and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import polars as pl

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import RecordCounts

_EXAMPLES = 20
_REASONS = 3
_COUNTS = (
    "objects",
    "bytes",
    "read",
    "captured",
    "malformed",
    "out_of_window",
    "duplicate_events",
    "dropped",
    "with_unread_fields",
)
_NAMED_AT_MOST = 10


@dataclass(slots=True)
class ReadLog:
    """Counts, while a dataset is read, what becomes of its records."""

    objects: int = 0
    bytes: int = 0
    read: int = 0
    captured: int = 0
    malformed: int = 0
    out_of_window: int = 0
    duplicate_events: int = 0
    dropped: int = 0
    with_unread_fields: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    malformed_examples: list[str] = field(default_factory=list)

    def leave_out(self, file: str, line: int | None, reason: str) -> None:
        """Count one malformed record; `reason` says what is wrong with it and never holds its content.

        The line is None where it is not known.
        """
        self.malformed += 1
        if len(self.malformed_examples) < _EXAMPLES:
            place = file if line is None else f"{file}:{line}"
            self.malformed_examples.append(f"{place}: {reason}")

    def include(self, other: ReadLog) -> None:
        """Add the account of an earlier step to this one."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.encodings.update(other.encodings)
        self.malformed_examples = [*self.malformed_examples, *other.malformed_examples][:_EXAMPLES]

    def require_records(self) -> None:
        """Refuse to go on with nothing.

        Raises
        ------
        InvalidInput
            ``AllMalformed``, ``NoData`` where all records lie outside the window, or ``EmptyDataset``.
        """
        if self.read:
            return
        if self.malformed:
            reasons = {example.split(": ", 1)[1]: example for example in reversed(self.malformed_examples)}
            first = "; ".join(list(reversed(reasons.values()))[:_REASONS])
            raise InvalidInput("AllMalformed", f"none of the {self.malformed} records can be understood: {first}")
        if self.out_of_window:
            message = (
                f"none of the {self.out_of_window} captured records lies in the window from start_time to end_time"
            )
            raise InvalidInput("NoData", message)
        if self.dropped:
            message = f"the record preprocessor dropped all {self.dropped} records"
            raise InvalidInput("EmptyDataset", f"{message}: let it keep some")
        raise InvalidInput("EmptyDataset", "the dataset has no rows: give one with at least one row below the header")

    def counts(self) -> RecordCounts:
        """Return the account as the analysis contract has it."""
        return RecordCounts(
            **{name: getattr(self, name) for name in _COUNTS},
            encodings={encoding: count for encoding, count in sorted(self.encodings.items()) if count},
            malformed_examples=tuple(self.malformed_examples),
        )


class Plan:
    """The columns that are wanted of a dataset, and as what each is best parsed.

    A reader that meets spellings in a column that its parser for numbers refuses, or would read otherwise than the
    grammar of `modelwatch_analyzer.profile.lexical` does, hands that column over as text, for that batch at least.

    Parameters
    ----------
    dtypes : Mapping of str to polars data type
        ``Int64``, ``Float64`` or ``String`` by column name. Columns that are not named are not delivered.
    """

    def __init__(self, dtypes: Mapping[str, pl.DataType]) -> None:
        self.dtypes = dict(dtypes)

    def among(self, columns: Iterable[str]) -> list[str]:
        """Return which of some columns are wanted, in their own order."""
        return [column for column in columns if column in self.dtypes]

    def read_as_text(self, column: str) -> None:
        """Parse a column as text from now on."""
        self.dtypes[column] = pl.String()


class Role(StrEnum):
    """What columns are to a model; ``<role>_attribute`` is the setting that says where they lie."""

    FEATURES = "features"
    INFERENCE = "inference"
    PROBABILITY = "probability"
    GROUND_TRUTH = "ground_truth"


Roles = Mapping[Role, tuple[str, ...]]
"""Columns by their role. A role that was not asked for and is not there is absent."""


class Table(Protocol):
    """Columns of any format that can be read more than once."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names; ``_c0, _c1, ...`` where the data carries none."""

    @property
    def named(self) -> bool:
        """Whether the names come from the data. Without, columns are known by their position only."""

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Of captured data, the columns of the requests alone; otherwise all columns."""

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the dataset from its start, in file order, in memory bounded by the size of a block.

        Parameters
        ----------
        plan : Plan
            What to read; the reader may turn columns of it to text.
        log : ReadLog
            Where the reader keeps its account.

        Yields
        ------
        polars.DataFrame
            The plan's columns, in any order. A column is one of

            - ``String``: the values as they are spelled, empty ones as null;
            - ``Int64``: values that are all Integral by the grammar;
            - ``Float64``: finite values that are all numeric, one at least of them no whole number.
        """
        ...


class Dataset(Table, Protocol):
    """A table whose columns have roles."""

    @property
    def whole(self) -> Table:
        """The same with the columns that are excluded."""

    @property
    def roles(self) -> Roles:
        """The columns of each role, all of them among `columns`.

        Raises
        ------
        InvalidInput
            ``UnknownColumn`` where an attribute names none.
        """


@dataclass(frozen=True, slots=True)
class Assigned:
    """A `Dataset`: the columns of a table that are not excluded, and their roles.

    Attributes
    ----------
    asked : mapping of Role to str
        The attributes as they are given: names of columns, or indices.
    found : mapping of Role to tuple of str, optional
        The roles, where JMESPaths have found the columns.
    """

    table: Table
    columns: tuple[str, ...]
    asked: Mapping[Role, str]
    found: Roles | None = None

    @property
    def whole(self) -> Table:
        """The table."""
        return self.table

    @property
    def named(self) -> bool:
        """As the table."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Those that are left of the table's."""
        return among(self.columns, self.table.input_columns)

    @property
    def roles(self) -> Roles:
        """By the attributes. Without one for features, they are the columns that have no other role."""
        found = roles_by_name(self.table.columns, self.asked) if self.found is None else self.found
        return {role: among(self.columns, names) for role, names in found.items()}

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the table, whose plan names what is wanted."""
        return self.table.batches(plan, log)


def roles_by_name(columns: Sequence[str], asked: Mapping[Role, str]) -> Roles:
    """Find the column that each attribute names; features, unless asked for, are all that nothing else names.

    Raises
    ------
    InvalidInput
        ``UnknownColumn``.
    """
    roles: dict[Role, tuple[str, ...]] = {}
    for role, name in asked.items():
        column = column_of(columns, name)
        if column is None:
            known = ", ".join(columns[:_NAMED_AT_MOST]) + (" and more" if len(columns) > _NAMED_AT_MOST else "")
            message = f"{role}_attribute is {name!r}, and the dataset has no such column; it has {known}"
            raise InvalidInput("UnknownColumn", message)
        roles[role] = (column,)
    taken = {column for names in roles.values() for column in names}
    return {Role.FEATURES: tuple(name for name in columns if name not in taken)} | roles


def column_of(columns: Sequence[str], name: str) -> str | None:
    """Return the column of a name, or else of an index from 0; None if there is none."""
    if name in columns:
        return name
    return columns[int(name)] if name.isdecimal() and int(name) < len(columns) else None


def among(columns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are columns, in their own order."""
    kept = set(columns)
    return tuple(name for name in names if name in kept)


def positional_names(count: int) -> tuple[str, ...]:
    """Name the columns of data that carries no names as Spark does: ``_c0, _c1, ...``."""
    return tuple(f"_c{index}" for index in range(count))
