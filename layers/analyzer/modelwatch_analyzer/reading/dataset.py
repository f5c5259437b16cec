"""What the reader of every format provides: batches of columns, which have roles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import polars as pl

from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.find_columns import existing, find_columns, names_among
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput

DATA_FRAME = "dataFrame"
"""The name of the format of a table in memory. No document can hold such a dataset."""

REQUEST_COLUMN, SLOT_COLUMN = "\0request", "\0slot"
"""The columns of `Arrivals`, of type UInt64 and UInt32. Data has columns of neither type. Batches lack one whose name a
payload uses."""


class Arrivals(NamedTuple):
    """What batches say of how captured rows arrived.

    Attributes
    ----------
    requests : bool
        Whether, where requests had several rows, a column `REQUEST_COLUMN` has a number that neighbouring rows share if
        they came in one.
    slot_minutes : int
        Unless it is 0, a column `SLOT_COLUMN` has the number of the span of so many minutes since 1970, or null where
        it is not known.
    """

    requests: bool = False
    slot_minutes: int = 0


NO_ARRIVALS = Arrivals()


class Plan:
    """The columns to read from a dataset, and the data type to parse each as.

    If the reader's number parser refuses values of a column, or would parse them differently from the grammar of
    `modelwatch_analyzer.profile.lexical`, the reader delivers that column as text, at least for that batch.

    Parameters
    ----------
    dtypes : Mapping of str to polars data type
        ``Int64``, ``Float64`` or ``String`` by column name. Other columns are not read.
    arrivals : Arrivals
        What batches say of how captured rows arrived.
    short : bool
        Whether batches of few rows will do, for a caller that looks at the first rows only.
    """

    def __init__(
        self, dtypes: Mapping[str, pl.DataType], *, arrivals: Arrivals = NO_ARRIVALS, short: bool = False
    ) -> None:
        self.dtypes = dict(dtypes)
        self.arrivals = arrivals
        self.short = short

    def columns_among(self, columns: Iterable[str]) -> list[str]:
        """Return those of the given columns that are to be read, in the given order."""
        return [column for column in columns if column in self.dtypes]

    def read_as_text(self, column: str) -> None:
        """Parse a column as text from now on."""
        self.dtypes[column] = pl.String()


class Role(StrEnum):
    """The role of columns for a model; the setting ``<role>_attribute`` says which columns have it."""

    FEATURES = "features"
    INFERENCE = "inference"
    PROBABILITY = "probability"
    GROUND_TRUTH = "ground_truth"


Roles = Mapping[Role, tuple[str, ...]]
"""Columns by their role, without roles that have no columns unless an attribute gives the role."""


class Table(Protocol):
    """Columns of any format that can be read more than once."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names; ``_c0, _c1, ...`` if the data has no names."""

    @property
    def named(self) -> bool:
        """Whether the names come from the data; otherwise columns are known by their position only."""

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns of the requests only, for captured data; otherwise all columns."""

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the dataset from its start in the order of its files; memory is bounded by the size of a block.

        Parameters
        ----------
        plan : Plan
            What to read; the reader may change columns to text.
        log : ReadLog
            Where the reader counts records.

        Yields
        ------
        polars.DataFrame
            The plan's columns, in any order. The data type of a column is one of

            - ``String``: the text of the values, with empty ones as null;
            - ``Int64``: values that are all Integral by the grammar;
            - ``Float64``: finite values that are all numeric, at least one of them Fractional by the grammar.
        """
        ...


class Dataset(Table, Protocol):
    """A table whose columns have roles."""

    @property
    def without_exclusions(self) -> Table:
        """The same table with no column excluded."""

    @property
    def roles(self) -> Roles:
        """The columns of each role, which are all among `columns`.

        Raises
        ------
        InvalidInput
            ``UnknownColumn`` if an attribute names a column that does not exist.
        """


class TableOfParts(ABC):
    """A table whose files may be read apart from each other; see `modelwatch_analyzer.parts`."""

    __slots__ = ()

    @property
    @abstractmethod
    def sources(self) -> tuple[SourceFile, ...]:
        """The files."""

    @abstractmethod
    def parts(self) -> Iterator[Table]:
        """Yield tables of some of the files each, in their order."""


class TableOfPieces(ABC):
    """A table that one machine may read in pieces; see `modelwatch_analyzer.parts`."""

    __slots__ = ()

    @property
    def extent(self) -> float:
        """How many rows it has as a piece, in a unit of the part; the same for all if there are about as many."""
        return 1.0

    @abstractmethod
    def pieces(self) -> Iterator[Table]:
        """Yield tables of some of the rows each, in their order."""


class TypedTable(ABC):
    """A table whose columns have types, of which a plan of ``Float64`` delivers all numbers as numbers."""

    __slots__ = ()

    @abstractmethod
    def beginning(self) -> Table | None:
        """Return a table of the first rows, as many as a batch has at most; None if the columns have no types."""


def beginning_of(table: Table) -> Table | None:
    """Return a table of the first rows of a table; None if its columns have no types."""
    return table.beginning() if isinstance(table, TypedTable) else None


def pieces_of(table: Table) -> tuple[Table, ...]:
    """Return the pieces of a part, in their order: the part itself if its format has none."""
    return tuple(table.pieces()) if isinstance(table, TableOfPieces) else (table,)


def shares_of(pieces: Sequence[Table]) -> list[float]:
    """Return about which share of the rows of a part each of its pieces has."""
    if len(pieces) == 1:
        return [1.0]
    extents = [max(1.0, piece.extent) if isinstance(piece, TableOfPieces) else 1.0 for piece in pieces]
    return [extent / sum(extents) for extent in extents]


def parts_of(table: Table) -> tuple[Table, ...]:
    """Return the parts of a table, in their order: the table itself if its format has none."""
    return tuple(table.parts()) if isinstance(table, TableOfParts) else (table,)


def sources_of(table: Table) -> tuple[SourceFile, ...]:
    """Return the files of a table that may be a part; none if its format has no parts."""
    return table.sources if isinstance(table, TableOfParts) else ()


@dataclass(frozen=True, slots=True)
class TableWithRoles(TableOfParts, TableOfPieces, TypedTable):
    """A `Dataset`: the columns of a table that are not excluded, and their roles.

    Attributes
    ----------
    attributes : mapping of Role to str
        The attributes as the settings give them: names of columns, or indices.
    selected_roles : mapping of Role to tuple of str, optional
        The roles, if JMESPaths have selected the columns.
    """

    table: Table
    columns: tuple[str, ...]
    attributes: Mapping[Role, str]
    selected_roles: Roles | None = None

    @property
    def without_exclusions(self) -> Table:
        """The table."""
        return self.table

    @property
    def named(self) -> bool:
        """Like the table."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Those of the table's input columns that are not excluded."""
        return names_among(self.columns, self.table.input_columns)

    @property
    def roles(self) -> Roles:
        """The roles by the attributes; without one for features, these are the columns that have no other role."""
        roles = self.selected_roles
        if roles is None:
            roles = roles_by_name(self.table.columns, self.attributes)
        return {role: names_among(self.columns, names) for role, names in roles.items()}

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the table."""
        return self.table.batches(plan, log)

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """Those of the table."""
        return sources_of(self.table)

    def parts(self) -> Iterator[Table]:
        """Yield the parts of the table."""
        yield from parts_of(self.table)

    def pieces(self) -> Iterator[Table]:
        """Yield the pieces of the table."""
        yield from pieces_of(self.table)

    def beginning(self) -> Table | None:
        """Return that of the table."""
        return beginning_of(self.table)


def roles_by_name(columns: Sequence[str], attributes: Mapping[Role, str]) -> Roles:
    """Find the column, or the columns separated by commas, that each attribute names.

    Without an attribute for features, these are all columns that none names.

    Raises
    ------
    InvalidInput
        ``UnknownColumn``.
    """
    roles: dict[Role, tuple[str, ...]] = {}
    for role, name in attributes.items():
        found = find_columns(columns, name)
        if found is None:
            message = f"{role}_attribute is {name!r}, but the dataset has no such column; {existing(columns, name)}"
            raise InvalidInput("UnknownColumn", message)
        roles[role] = found
    taken = {column for names in roles.values() for column in names}
    return {Role.FEATURES: tuple(name for name in columns if name not in taken)} | roles
