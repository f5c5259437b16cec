"""The profile of a dataset: every column's accumulators, filled in one pass over the data, or in two."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.profile.columns import NumericColumn, TextColumn
from modelwatch_analyzer.profile.lexical import ColumnType, type_of_spelled
from modelwatch_analyzer.reading.dataset import Dataset, Plan, ReadLog
from modelwatch_core.domain.outcome import RecordCounts

_DTYPES: Mapping[ColumnType, pl.DataType] = {ColumnType.INTEGRAL: pl.Int64(), ColumnType.FRACTIONAL: pl.Float64()}


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What is known about a column once the data has been read.

    Attributes
    ----------
    type : ColumnType
        Inferred from all values.
    numbers : NumericColumn, optional
        There if the type is numeric, or was expected to be.
    text : TextColumn, optional
        There if the type is none of these, or was expected to be.
    """

    type: ColumnType
    present: int
    missing: int
    numbers: NumericColumn | None
    text: TextColumn | None

    @property
    def completeness(self) -> float:
        """Share of rows that hold a value; 1 for a column without rows."""
        rows = self.present + self.missing
        return self.present / rows if rows else 1.0


@dataclass(slots=True)
class TableAccumulator:
    """Accumulators of some columns; ``update`` with batches in row order, ``merge`` with those of other rows."""

    columns: dict[str, NumericColumn | TextColumn]

    @classmethod
    def planned(cls, plan: Plan, known: Mapping[str, Collection[str]]) -> TableAccumulator:
        """Make an empty one: text for the columns that the plan reads as String, numbers for the others."""
        return cls(
            {
                name: TextColumn.knowing(known.get(name, ())) if dtype == pl.String() else NumericColumn()
                for name, dtype in plan.dtypes.items()
            }
        )

    def update(self, batch: pl.DataFrame) -> None:
        """Take in a batch, see `Dataset.batches`."""
        for name, column in self.columns.items():
            column.update(batch[name])

    def merge(self, other: TableAccumulator) -> TableAccumulator:
        """Return what both hold; neither changes. Both must be planned alike."""
        return TableAccumulator({name: _merge(mine, other.columns[name]) for name, mine in self.columns.items()})


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A dataset's profile, columns in the dataset's order, and the account of its records."""

    columns: dict[str, ColumnProfile]
    records: RecordCounts


def profile_dataset(
    dataset: Dataset,
    *,
    columns: Sequence[str] | None = None,
    expected: Mapping[str, ColumnType] | None = None,
    known: Mapping[str, Collection[str]] | None = None,
) -> TableProfile:
    """Read a dataset and profile its columns.

    Which accumulators a column gets is fixed before the first row: by the type that is expected of it, or else by the
    type of the first batch. Columns that turn out to be of another type are read a second time for the others.

    Parameters
    ----------
    dataset : Dataset
        What to read.
    columns : sequence of str, optional
        Which columns; all of them by default.
    expected : Mapping of str to ColumnType, optional
        The baseline's types by column name. How many values are Integral is exact where Integral is expected.
    known : Mapping of str to Collection of str, optional
        By column name, the values whose counts must be exact.

    Raises
    ------
    InvalidInput
        ``AllMalformed``, ``NoData`` or ``EmptyDataset`` where there is no row.
    """
    columns, known = columns or dataset.columns, known or {}
    types: dict[str, ColumnType] = {
        name: kind for name, kind in (expected or {}).items() if kind is not ColumnType.UNKNOWN
    }
    types |= _types_of_first_batch(dataset, [name for name in columns if name not in types])
    dtypes = {name: _dtype(types[name]) for name in columns}
    log = ReadLog()
    first = _accumulate(dataset, Plan(dtypes), known, log)
    log.require_records()
    others = {name: _dtype(column.type) for name, column in first.columns.items() if not _fits(column)}
    second = _accumulate(dataset, Plan(others), known, ReadLog()) if others else TableAccumulator({})
    profiles = {name: _profile(column, second.columns.get(name)) for name, column in first.columns.items()}
    return TableProfile(profiles, log.counts())


def _dtype(kind: ColumnType) -> pl.DataType:
    return _DTYPES.get(kind, pl.String())


def _types_of_first_batch(dataset: Dataset, columns: list[str]) -> dict[str, ColumnType]:
    plan = Plan(dict.fromkeys(columns, pl.String()))
    batch = next(iter(dataset.batches(plan, ReadLog())), None) if columns else None
    if batch is None:
        return dict.fromkeys(columns, ColumnType.UNKNOWN)
    return {name: type_of_spelled(batch[name].drop_nulls()) for name in columns}


def _accumulate(dataset: Dataset, plan: Plan, known: Mapping[str, Collection[str]], log: ReadLog) -> TableAccumulator:
    table = TableAccumulator.planned(plan, known)
    for batch in dataset.batches(plan, log):
        table.update(batch)
    return table


def _fits(column: NumericColumn | TextColumn) -> bool:
    """Tell whether the accumulators are those that the column's type asks for."""
    return column.type is ColumnType.UNKNOWN or column.type.is_numeric == isinstance(column, NumericColumn)


def _merge(one: NumericColumn | TextColumn, other: NumericColumn | TextColumn) -> NumericColumn | TextColumn:
    if isinstance(one, NumericColumn) and isinstance(other, NumericColumn):
        return one.merge(other)
    if isinstance(one, TextColumn) and isinstance(other, TextColumn):
        return one.merge(other)
    raise TypeError("only columns that were planned alike can be merged")


def _profile(column: NumericColumn | TextColumn, again: NumericColumn | TextColumn | None) -> ColumnProfile:
    both = [column] if again is None else [column, again]
    numbers = next((one for one in both if isinstance(one, NumericColumn)), None)
    text = next((one for one in both if isinstance(one, TextColumn)), None)
    return ColumnProfile(column.type, column.present, column.missing, numbers, text)
