"""What the reader of every format provides: batches of columns, and a log of what was read and what was left out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl

from modelwatch_analyzer.reading.csv_form import NO_HEADER, SEPARATORS, looks_like_number, separator_option
from modelwatch_analyzer.reading.event_ids import EventIds
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import RecordCounts

if TYPE_CHECKING:
    from modelwatch_analyzer.reading.files import SourceFile

DATA_FRAME = "dataFrame"
"""The name of the format of a table in memory. No document can hold such a dataset."""

REQUEST_COLUMN, HOUR_COLUMN = ARRIVALS = "\0request", "\0hour"
"""The columns of `Plan.arrivals`, of type UInt64 and UInt32. Data has columns of neither type, although a payload may
use such a name."""

_PARTITIONS = "folder names hold values of {0!r} ({0}=...), which are not read: write this column into the files"
_SIMILARITY = 0.7
"""A column at least this similar to the name that is looked for (difflib's ratio) is suggested: ``target`` is not for
``age``."""
_MAX_EXAMPLES = 20
_MAX_REASONS = 3
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
_MAX_NAMED_COLUMNS = 10
_MAX_HOURS = 48
_MUCH = 0.05
"""If at least this share of the records is malformed, a remark says so."""
_MALFORMED = "{malformed:,} of {records:,} records cannot be parsed and were left out: the results are of the others"
_LATE = "{count:,} records of earlier windows reached S3 after the execution of their window, and are analysed here"


class _Malformed(NamedTuple):
    """A malformed record; see `ReadLog.leave_out`."""

    file: str
    line: int | None
    reason: str
    in_piece: bool

    def behind(self, log: ReadLog) -> _Malformed:
        """Return it as a record behind all that a log has read."""
        if self.line is None or not self.in_piece:
            return self
        return self._replace(line=log.next_line + self.line, in_piece=log.objects == 0)

    def __str__(self) -> str:
        location = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{location}: {self.reason}"


@dataclass(slots=True)
class ReadLog:
    """Counts what happens to the records of a dataset while it is read.

    Attributes
    ----------
    next_line : int
        The number of the line behind what was read of the last file, if it may be a piece. The log of one that starts
        inside of the file numbers lines from 0 on, until it is included in the log of what is before.
    late : Counter of str
        Records that were read although they are of earlier windows, by the hour of their time.
    window : str
        Which window it is that records are out of, if some are.
    events : EventIds, optional
        The events of the records: some of a log of other records may be the same.
    remarks : list of str
        What a reader took the data for where that is not certain, a sentence each, without row values.
    """

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
    late: Counter[str] = field(default_factory=Counter)
    next_line: int = 0
    window: str = field(default="", compare=False)
    events: EventIds | None = field(default=None, repr=False, compare=False)
    remarks: list[str] = field(default_factory=list)
    _malformed: list[_Malformed] = field(default_factory=list)

    @property
    def malformed_examples(self) -> list[str]:
        """Where the first malformed records are, and what is wrong with them."""
        return list(map(str, self._malformed))

    def count_file(self, label: str, size: int) -> None:
        """Count a file of so many bytes; values in the names of its folders, as Spark writes them, are not read."""
        self.objects += 1
        self.bytes += size
        for folder in label.split("/")[:-1]:
            column, is_partition, _ = folder.partition("=")
            remark = _PARTITIONS.format(column)
            if is_partition and column and remark not in self.remarks:
                self.remarks.append(remark)

    def leave_out(self, file: str, line: int | None, reason: str, *, in_piece: bool = False) -> None:
        """Count a malformed record; `reason` says what is wrong with it, without any of its content.

        The line is None if it is not known. It is counted from the start of the file or, in a piece of one, of that.
        """
        self.malformed += 1
        if len(self._malformed) < _MAX_EXAMPLES:
            self._malformed.append(_Malformed(file, line, reason, in_piece))

    def count_late(self, times: Iterable[datetime]) -> None:
        """Count records of earlier windows, by their times."""
        self.late.update(time.astimezone(UTC).strftime("%Y-%m-%dT%H:00Z") for time in times)

    def count_out_of_window(self, count: int, window: str) -> None:
        """Count records that are not read because they are of other windows."""
        self.out_of_window += count
        self.window = window

    def include(self, other: ReadLog) -> None:
        """Add the counts and examples of another log, of what is behind."""
        malformed = [each.behind(self) for each in other._malformed]
        self._malformed = [*self._malformed, *malformed][:_MAX_EXAMPLES]
        self.next_line = other.next_line + (0 if other.objects else self.next_line)
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.encodings.update(other.encodings)
        self.late.update(other.late)
        self.window = self.window or other.window
        if self.events and other.events:
            self.events, repeated = self.events.followed_by(other.events)
            self.duplicate_events += repeated
        else:
            self.events = self.events or other.events
        self.remarks = list(dict.fromkeys([*self.remarks, *other.remarks]))

    def require_records(self) -> None:
        """Raise an error if no record was read.

        Raises
        ------
        InvalidInput
            ``AllMalformed``, ``NoData`` if all records are outside the window, or ``EmptyDataset``.
        """
        if self.read:
            return
        hint = "".join(f"; {remark}" for remark in self.remarks)
        if self.malformed:
            reasons = {example.reason: str(example) for example in reversed(self._malformed)}
            first = "; ".join(list(reversed(reasons.values()))[:_MAX_REASONS])
            raise InvalidInput(
                "AllMalformed", f"no record can be parsed ({count_text(self.malformed, 'record')} read): {first}{hint}"
            )
        if self.out_of_window:
            message = (
                f"no captured record ({self.out_of_window:,} read) is in the window {self.window}: check whether"
                " there was traffic then, and whether the times of the records are right; windows are in UTC"
            )
            raise InvalidInput("NoData", message)
        if self.dropped:
            message = f"the record preprocessor dropped every record ({self.dropped:,})"
            raise InvalidInput("EmptyDataset", f"{message}: let it keep at least one")
        raise InvalidInput("EmptyDataset", f"the dataset has no rows: it needs at least one row below the header{hint}")

    def counts(self) -> RecordCounts:
        """Return the counts in the form of the analysis contract."""
        late = sorted(self.late.items())
        counts = RecordCounts(
            **{name: getattr(self, name) for name in _COUNTS},
            encodings={encoding: count for encoding, count in sorted(self.encodings.items()) if count},
            malformed_examples=tuple(self.malformed_examples),
            late=dict(late[-_MAX_HOURS:]),
        )
        remarks = [*self.remarks]
        if counts.malformed_share >= _MUCH:
            remarks.append(_MALFORMED.format(malformed=counts.malformed, records=counts.total))
        if late:
            remarks.append(f"{_LATE.format(count=self.late.total())}: {_by_hour(late)}")
        return counts.model_copy(update={"remarks": tuple(remarks)})


def named_format(name: str) -> str:
    """Return what helps where a dataset has another format than it was said to have."""
    return f"name the format {name} in dataset_format"


def _by_hour(counts: list[tuple[str, int]]) -> str:
    shown = ", ".join(f"{count:,} of {hour}" for hour, count in counts[-_MAX_NAMED_COLUMNS:])
    return shown + (" and earlier ones" if len(counts) > _MAX_NAMED_COLUMNS else "")


class Plan:
    """The columns to read from a dataset, and the data type to parse each as.

    If the reader's number parser refuses values of a column, or would parse them differently from the grammar of
    `modelwatch_analyzer.profile.lexical`, the reader delivers that column as text, at least for that batch.

    Parameters
    ----------
    dtypes : Mapping of str to polars data type
        ``Int64``, ``Float64`` or ``String`` by column name. Other columns are not read.
    arrivals : collection of str
        Which of `ARRIVALS` batches have, to say how captured rows arrived: `REQUEST_COLUMN`, where requests had several
        rows, has a number that neighbouring rows share if they came in one; `HOUR_COLUMN` has the hour since 1970, or
        null where it is not known. Each is missing where the data has a column of its name.
    short : bool
        Whether batches of few rows will do, for a caller that looks at the first rows only.
    """

    def __init__(
        self, dtypes: Mapping[str, pl.DataType], *, arrivals: Collection[str] = (), short: bool = False
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


def existing(columns: Sequence[str], wanted: str | int) -> str:
    """Say which columns there are instead of one that is wanted, and which one may be meant."""
    blanks = [name for name in columns if name.strip() == str(wanted).strip()]
    if blanks:
        return f"it has {blanks[0]!r}, which differs only in blanks: remove them from the header, or give this name"
    for separator, called in SEPARATORS.items():
        joined = [name for name in columns if separator in name]
        if 2 * len(joined) > len(columns) and any(str(wanted) in name.split(separator) for name in joined):
            return f"the names of its columns are separated by {called}: give {separator_option(separator)}"
    are_values = any(map(looks_like_number, columns))
    hint = f". If these are values, the file has no header: give {NO_HEADER}" if are_values else ""
    near = get_close_matches(str(wanted), columns, n=1, cutoff=_SIMILARITY)
    meant = f". Did you mean {near[0]!r}?" if near and not are_values else ""
    return f"it has {enumerated(list(map(repr, columns)))}{hint}{meant}"


def find_columns(columns: Sequence[str], names: str) -> tuple[str, ...] | None:
    """Return the columns that a text names: one, by `find_column`; those of the elements of a list; or several.

    Several names or indices are separated by commas. None if one does not exist.
    """
    if one := find_column(columns, names):
        return (one,)
    parts = ((name, *name.rpartition(".")) for name in columns)
    if elements := tuple(name for name, whole, _, index in parts if whole == names and index.isdecimal()):
        return elements
    found = tuple(find_column(columns, name) for name in listed(names))
    return None if None in found else tuple(dict.fromkeys(name for name in found if name))


def listed(names: str) -> tuple[str, ...]:
    """Return the names in a text that are separated by commas."""
    return tuple(part.strip() for part in names.split(","))


def find_column(columns: Sequence[str], name: str) -> str | None:
    """Return the column with a name or, if there is none, with an index from 0; None if neither exists."""
    if name in columns:
        return name
    return columns[int(name)] if name.isdecimal() and int(name) < len(columns) else None


def names_among(columns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are columns, in the order of the names."""
    known = set(columns)
    return tuple(name for name in names if name in known)


def positional_names(count: int) -> tuple[str, ...]:
    """Name the columns of data without names as Spark does: ``_c0, _c1, ...``."""
    return tuple(f"_c{index}" for index in range(count))
