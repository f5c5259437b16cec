"""The profile of a dataset: the accumulators of all columns, filled in one or two passes over the data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Self

import polars as pl

from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows
from modelwatch_analyzer.parts import Gather, Place, Reading, one_by_one
from modelwatch_analyzer.profile.columns import NumericColumn, TextColumn, update_numbers
from modelwatch_analyzer.profile.lexical import ColumnType, infer_types, read_numbers
from modelwatch_analyzer.reading.dataset import NO_ARRIVALS, Arrivals, Dataset, Plan, beginning_of, parts_of
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.outcome import RecordCounts

_DTYPES: Mapping[ColumnType, pl.DataType] = {ColumnType.INTEGRAL: pl.Int64(), ColumnType.FRACTIONAL: pl.Float64()}


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """The profile of a column.

    Attributes
    ----------
    type : ColumnType
        Inferred from all values.
    numbers : NumericColumn, optional
        Not None if the type is numeric, or was expected to be.
    text : TextColumn, optional
        Not None if the type is not numeric, or was expected not to be.
    """

    type: ColumnType
    present: int
    missing: int
    numbers: NumericColumn | None
    text: TextColumn | None

    @property
    def completeness(self) -> float:
        """The share of rows that have a value; 1 if there are no rows."""
        rows = self.present + self.missing
        return self.present / rows if rows else 1.0


@dataclass(slots=True)
class TableAccumulator:
    """Accumulators of several columns, updated with batches in row order, and merged with those of other rows."""

    columns: dict[str, NumericColumn | TextColumn]

    @classmethod
    def for_plan(cls, plan: Plan, known: Mapping[str, Collection[str]]) -> TableAccumulator:
        """Return empty accumulators: text for the columns that the plan reads as String, numbers for the others."""
        return cls(
            {
                name: TextColumn.with_known_categories(known.get(name, ())) if dtype == pl.String() else NumericColumn()
                for name, dtype in plan.dtypes.items()
            }
        )

    def update(self, batch: pl.DataFrame) -> None:
        """Add a batch; see `Dataset.batches`."""
        numbers = {name: column for name, column in self.columns.items() if isinstance(column, NumericColumn)}
        update_numbers(list(numbers.values()), (batch.get_column(name) for name in numbers))
        for name, column in self.columns.items():
            if isinstance(column, TextColumn):
                column.update(_column(batch, name))

    def merge(self, other: TableAccumulator) -> TableAccumulator:
        """Return the accumulators of both, which do not change. Both must be for the same plan."""
        return TableAccumulator({name: _merge(column, other.columns[name]) for name, column in self.columns.items()})


@dataclass(frozen=True, slots=True)
class TableProfile:
    """The profiles of a dataset's columns, in the order of the dataset, and the counts of its records."""

    columns: dict[str, ColumnProfile]
    records: RecordCounts


def profile_dataset(
    dataset: Dataset,
    *,
    columns: Sequence[str] | None = None,
    expected: Mapping[str, ColumnType] | None = None,
    known: Mapping[str, Collection[str]] | None = None,
    sample: SampledRows | None = None,
    gather: Gather = one_by_one,
) -> TableProfile:
    """Read a dataset and profile its columns.

    The accumulators of a column are chosen before the first row, by the type that is expected or, without one, by the
    type of the first batch. Columns that turn out to be of another type are read a second time.

    Parameters
    ----------
    dataset : Dataset
        The dataset to read.
    columns : sequence of str, optional
        The columns to profile; all by default.
    expected : Mapping of str to ColumnType, optional
        The baseline's types by column name. The number of integers is exact where Integral is expected.
    known : Mapping of str to Collection of str, optional
        The values whose counts must be exact, by column name.
    sample : SampledRows, optional
        Gets the rows of each pass.
    gather : Gather
        How the parts of the dataset are read.

    Raises
    ------
    InvalidInput
        ``AllMalformed``, ``NoData`` or ``EmptyDataset`` if there are no rows.
    """
    columns, known = columns or dataset.columns, known or {}
    types: dict[str, ColumnType] = {
        name: expected_type
        for name, expected_type in (expected or {}).items()
        if expected_type is not ColumnType.UNKNOWN
    }
    types |= _types_of_first_batch(dataset, [name for name in columns if name not in types])
    dtypes = {name: _dtype(types[name]) for name in columns}
    first, log = _accumulate(dataset, dtypes, known, sample, gather)
    log.require_records()
    others = {name: _dtype(column.type) for name, column in first.columns.items() if not _fits(column)}
    second = _accumulate(dataset, others, known, sample, gather)[0] if others else TableAccumulator({})
    profiles = {name: _profile(column, second.columns.get(name)) for name, column in first.columns.items()}
    return TableProfile(profiles, log.counts())


def _dtype(column_type: ColumnType) -> pl.DataType:
    return _DTYPES.get(column_type, pl.String())


def _types_of_first_batch(dataset: Dataset, columns: list[str]) -> dict[str, ColumnType]:
    if not columns:
        return {}
    beginning = beginning_of(dataset)
    if beginning is None:
        found = [*islice(dataset.batches(Plan(dict.fromkeys(columns, pl.String())), ReadLog()), 1)]
    else:
        found = [*beginning.batches(Plan(dict.fromkeys(columns, pl.Float64())), ReadLog())]
    if not found:
        return dict.fromkeys(columns, ColumnType.UNKNOWN)
    batch = pl.concat(found)  # of two slices where a small row group comes before a large one
    texts = batch.select(pl.col(pl.String))
    types = dict(zip(texts.columns, infer_types(texts) if texts.width else (), strict=True))
    return {name: types[name] if name in types else read_numbers(batch.get_column(name)).type for name in columns}


@dataclass(frozen=True, slots=True)
class _SampledTable:
    """Accumulators of columns, and a sample of the rows."""

    table: TableAccumulator
    sample: RowSample | None

    @classmethod
    def of_part(
        cls, dtypes: Mapping[str, pl.DataType], known: Mapping[str, Collection[str]], width: int | None, place: Place
    ) -> Self:
        sample = None if width is None else RowSample(width, part=place.number, share=place.share)
        return cls(TableAccumulator.for_plan(Plan(dtypes), known), sample)

    def update(self, batch: pl.DataFrame) -> None:
        self.table.update(batch)
        if self.sample is not None:
            self.sample.update(batch)

    def merge(self, other: Self) -> Self:
        sample = self.sample.merge(other.sample) if self.sample and other.sample else None
        return type(self)(self.table.merge(other.table), sample)


def _accumulate(
    dataset: Dataset,
    dtypes: Mapping[str, pl.DataType],
    known: Mapping[str, Collection[str]],
    sample: SampledRows | None,
    gather: Gather,
) -> tuple[TableAccumulator, ReadLog]:
    width = None if sample is None else sample.width_of_first_pass(len(dtypes))
    start = partial(_SampledTable.of_part, dtypes, known, width)
    arrivals = NO_ARRIVALS if sample is None else Arrivals(requests=True, slot_minutes=sample.slot_minutes)
    counted = gather(Reading(start, dtypes, arrivals=arrivals), parts_of(dataset))
    if sample is not None and counted.accumulator.sample is not None:
        sample.add(counted.accumulator.sample)
    return counted.accumulator.table, counted.log


def _column(batch: pl.DataFrame, name: str) -> pl.Series:
    """Return a column under another name: polars takes one such as ^a.*$ for a pattern."""
    return batch.get_column(name).alias("value")


def _fits(column: NumericColumn | TextColumn) -> bool:
    """Return whether the column has the accumulators of its type."""
    return column.type is ColumnType.UNKNOWN or column.type.is_numeric == isinstance(column, NumericColumn)


def _merge(one: NumericColumn | TextColumn, other: NumericColumn | TextColumn) -> NumericColumn | TextColumn:
    if isinstance(one, NumericColumn) and isinstance(other, NumericColumn):
        return one.merge(other)
    if isinstance(one, TextColumn) and isinstance(other, TextColumn):
        return one.merge(other)
    raise TypeError("only columns with accumulators of the same type can be merged")


def _profile(column: NumericColumn | TextColumn, second: NumericColumn | TextColumn | None) -> ColumnProfile:
    both = [column] if second is None else [column, second]
    numbers = next((one for one in both if isinstance(one, NumericColumn)), None)
    text = next((one for one in both if isinstance(one, TextColumn)), None)
    return ColumnProfile(column.type, column.present, column.missing, numbers, text)
