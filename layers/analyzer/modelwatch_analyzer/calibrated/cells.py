"""What a baseline freezes of its rows: cells, and how many rows are in each; and the ranks of rows by these cells."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from modelwatch_analyzer.calibrated.dependence import ENOUGH_ROWS, Blocks, EqualRows, blocks_of, informative_rows
from modelwatch_analyzer.calibrated.row_sample import SampledColumn, SampledRows, hashes_of
from modelwatch_analyzer.calibrated.seasons import RankedColumn, SeasonalCounts, learn_seasons
from modelwatch_analyzer.documents import EditedDocument
from modelwatch_analyzer.profile.lexical import read_numbers
from modelwatch_analyzer.rounding import known_where_rounded, rounding_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_VALUES = 1_000
"""Up to this many distinct values have a cell each; more numbers share cells between quantiles, more categories share
groups."""

_GROUPS, _GROUPED_ROWS = 64, 20_000
_SQUARED = 1e150
"""Sums of squares of numbers larger than this may be beyond a double."""
_SEASONAL_CELLS = 10_000
"""The most cells that all columns of a seasonal baseline have together, because it has counts for each of up to 48
seasons."""

Count = Annotated[int, Field(ge=0, lt=2**63)]


class ColumnCounts(EditedDocument):
    """What a baseline keeps of a column: of its sampled rows how many are in each cell.

    Attributes
    ----------
    missing, present : int
        Rows without and with a value.
    numbers : NumberCells, optional
    categories : CategoryCells, optional
        One of the two, unless no row has a value.
    repeated : float
        The design effect of the rows: they carry as much information as so many times fewer independent ones.
    seasons : SeasonalCounts, optional
        What is usual in each season, if the baseline is seasonal.
    """

    missing: Count
    present: Count
    numbers: NumberCells | None = None
    categories: CategoryCells | None = None
    repeated: Annotated[float, Field(ge=1)] = 1.0
    seasons: SeasonalCounts | None = None

    def fresh(self) -> ColumnCounts:
        """Return the same counts without what is computed of them on the way, which takes as much memory as they do."""
        numbers = self.numbers and NumberCells.model_construct(**dict(self.numbers))
        categories = self.categories and CategoryCells.model_construct(**dict(self.categories))
        return self.model_copy(update={"numbers": numbers, "categories": categories})


class NumberCells(EditedDocument):
    """Cells of numbers: one for each of `values`, and those between them and `cuts`.

    Attributes
    ----------
    values : tuple of float
        Values with a cell of their own, ascending.
    cuts : tuple of float
        A value that is a cut belongs to the cell below.
    counts : tuple of int
        The rows in each cell, in ascending order of cells.
    integral, negative : int
        How many of the numbers are whole, and how many are negative.
    distinct : int
        Distinct numbers.
    mean, deviation : float
        The mean and the population standard deviation of the numbers.
    """

    values: tuple[float, ...]
    cuts: tuple[float, ...] = ()
    counts: tuple[Count, ...]
    integral: Count
    negative: Count
    distinct: Count
    mean: float
    deviation: float

    @classmethod
    def of(cls, sample: Numbers, most: int = MOST_VALUES) -> NumberCells:
        """Freeze the cells of a baseline, and count its own rows in them."""
        distinct, times = sample.distinct
        own, cuts = distinct, np.empty(0)
        if distinct.size > most:
            own = np.union1d(distinct[times >= 2 * sample.values.size / most], distinct[[0, -1]])
            ranks = np.cumsum(times)
            wanted = np.arange(1, most) * sample.values.size / most
            place = np.unique(np.minimum(np.searchsorted(ranks, wanted), distinct.size - 2))
            cuts = distinct[place] / 2 + distinct[place + 1] / 2
        cells = cls(
            values=tuple(own.tolist()),
            cuts=tuple(cuts.tolist()),
            counts=(),
            integral=sample.integral,
            negative=sample.negative,
            distinct=distinct.size,
            mean=sample.mean,
            deviation=sample.deviation,
        )
        return cells.model_copy(update={"counts": tuple(cells.count(sample).tolist())})

    @cached_property
    def own(self) -> Floats:
        """The values with a cell of their own, ascending."""
        return np.sort(np.asarray(self.values, np.float64))  # a baseline may have been edited

    @cached_property
    def rows(self) -> Floats:
        """How many rows of the baseline are in each cell."""
        return np.asarray(self.counts, np.float64)

    @cached_property
    def edges(self) -> Floats:
        """The upper ends of all cells but the last, ascending; each belongs to its cell."""
        return np.unique(np.concatenate([self.own, np.nextafter(self.own, -np.inf), np.asarray(self.cuts)]))

    def count(self, sample: Numbers) -> Integers:
        """Return how many values are in each cell."""
        distinct, times = self.own_where_rounded(sample.distinct[0]), sample.distinct[1]
        below = np.zeros(self.edges.size + 2, np.int64)
        below[1:-1] = np.append(0, np.cumsum(times))[np.searchsorted(distinct, self.edges, side="right")]
        below[-1] = sample.values.size
        return below[1:] - below[:-1]

    def place(self, values: Floats) -> Integers:
        """Return the cell of each value."""
        order, cells = np.argsort(values), np.empty(values.size, np.int64)
        ascending = self.own_where_rounded(values[order])
        cells[order] = np.searchsorted(self.edges, ascending, side="left")  # many times faster in ascending order
        return cells

    def own_where_rounded(self, ascending: Floats) -> Floats:
        """Return values, but the known one for each that differs from it by rounding only.

        Only where all values of the baseline are known, and not all of them whole.
        """
        return ascending if self._rounding is None else known_where_rounded(ascending, self.own, self._rounding)

    @cached_property
    def _rounding(self) -> Floats | None:
        return None if self.cuts else rounding_of(self.own)


class CategoryCells(EditedDocument):
    """Cells of categories: one for each of `values`, or groups of values by their checksum where there are too many.

    Attributes
    ----------
    values : tuple of str, optional
        The most frequent first; None where values are grouped.
    counts : tuple of int
        The rows of each value, or of each group.
    """

    values: tuple[str, ...] | None = None
    counts: tuple[Count, ...]

    @cached_property
    def rows(self) -> Floats:
        """How many rows of the baseline are in each cell."""
        return np.asarray(self.counts, np.float64)

    @classmethod
    def of(cls, values: pl.Series, most: int = MOST_VALUES) -> CategoryCells:
        """Freeze the cells of a baseline, and count its own rows in them."""
        counts = values.alias("value").value_counts()
        if counts.height > most:
            return cls(values=None, counts=tuple(_grouped(values).tolist()))
        counts = counts.sort(["count", "value"], descending=[True, False])
        return cls(values=tuple(counts["value"].to_list()), counts=tuple(counts["count"].to_list()))

    def count(self, values: pl.Series) -> tuple[Integers, dict[str, int]]:
        """Return how many values are in each cell, and the counts of values that have none."""
        if self.values is None:
            return _grouped(values), {}
        counts = values.alias("value").value_counts().sort("value")  # sums depend on the order, to the last digit
        by_value = dict(zip(counts["value"].to_list(), counts["count"].to_list(), strict=True))
        known = np.array([by_value.pop(value, 0) for value in self.values], np.int64)
        return known, by_value

    def place(self, values: pl.Series) -> Integers:
        """Return the cell of each value; those without one have the cell after the last."""
        if self.values is None:
            return _groups_of(values)
        places = {value: place for place, value in enumerate(self.values)}  # a baseline may have been edited
        found = values.cast(pl.Enum([*places]), strict=False).to_physical().cast(pl.Int64)
        found = found.fill_null(len(places)) if found.null_count() else found
        placed: Integers = np.array([*places.values(), len(self.values)], np.int64)[found.to_numpy()]
        return placed


def _groups_of(values: pl.Series) -> Integers:
    """Return the group of each value."""
    return np.array([zlib.crc32(value.encode()) for value in values.to_list()], np.int64) % _GROUPS


def _grouped(values: pl.Series) -> Integers:
    """Return how many of at most so many values are in each group."""
    some = values.gather_every(max(1, -(-len(values) // _GROUPED_ROWS)))
    return np.bincount(_groups_of(some), minlength=_GROUPS).astype(np.int64)


class Numbers:
    """The sampled values of a column that is read as numbers.

    Attributes
    ----------
    values : ndarray of float64
        The numeric ones.
    present, missing, negative : int
    """

    def __init__(self, column: SampledColumn) -> None:
        read = [read_numbers(part) for part in column.parts]
        self.values = np.concatenate([each.values for each in read]) if read else np.empty(0)
        self.present = sum(each.present for each in read)
        self.missing = sum(each.missing for each in read)
        self.negative = int(np.count_nonzero(self.values < 0))

    @cached_property
    def integral(self) -> int:
        """How many are whole, also if spelled as fractions (1.0), as pandas does where one is missing."""
        return int(np.count_nonzero(self.values == np.trunc(self.values)))

    @cached_property
    def distinct(self) -> tuple[Floats, Integers]:
        """The distinct values, ascending, and how often each is there."""
        ordered = np.sort(self.values) + 0.0  # since -0.0 has a place among 0.0 by chance
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
        return ordered[starts], np.diff(np.append(starts, ordered.size))

    @property
    def mean(self) -> float:
        """The mean, or the nearest double where the sum is beyond one."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.nan_to_num(self.values.mean())) if self.values.size else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation, or 0 where it is beyond a double."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.nan_to_num(self.values.std(), posinf=0.0)) if self.values.size else 0.0


def texts(column: SampledColumn) -> tuple[pl.Series, int]:
    """Return the values of a column that is read as text, and the number of missing ones."""
    whole = (
        pl.concat([part.cast(pl.String) for part in column.parts]) if column.parts else pl.Series([], dtype=pl.String)
    )
    return whole.drop_nulls(), whole.null_count()


def counts_of(column: SampledColumn, *, numeric: bool, most: int = MOST_VALUES) -> ColumnCounts:
    """Freeze the cells of a baseline's column."""
    if numeric:
        numbers = Numbers(column)
        cells = NumberCells.of(numbers, most) if numbers.values.size else None
        return ColumnCounts(missing=numbers.missing, present=numbers.present, numbers=cells).fresh()
    values, missing = texts(column)
    return ColumnCounts(
        missing=missing, present=len(values), categories=CategoryCells.of(values, most) if len(values) else None
    )


def dependence_of(rows: SampledRows, columns: Mapping[str, tuple[ColumnCounts, SampledColumn, bool]]) -> Blocks:
    """Return how far sampled rows are alike, by their order and their requests.

    Parameters
    ----------
    rows : SampledRows
    columns : mapping of str to (ColumnCounts, SampledColumn, bool)
        The counts of the baseline's column, the sampled values, and whether they are numbers.
    """
    requests = rows.requests()
    most = informative_rows(requests, rows.rows)
    ranks = {name: _ranks_of(*column, most=most) for name, column in columns.items()}
    return blocks_of({name: each for name, each in ranks.items() if each is not None}, requests)


def _ranks_of(counts: ColumnCounts, sampled: SampledColumn, numeric: bool, *, most: int) -> Floats | None:
    """Return the ranks in the baseline, from 0 to 1, of so many first sampled rows; NaN for a missing value.

    None for a column without cells.
    """
    counts = counts.fresh()
    cells = counts.numbers if numeric else counts.categories
    if cells is None:
        return None
    left, placed = most, []
    for part in sampled.parts:
        first = part.head(left)
        left -= len(first)
        placed.append(_placed(first, cells))
    return _middles(cells)[np.concatenate(placed)] if placed else np.empty(0)


def _middles(cells: NumberCells | CategoryCells) -> Floats:
    """Return the rank of the middle row of each cell, of values without one, and, last, of a missing value."""
    weights = np.append(cells.rows, 0.0)
    return np.append((np.cumsum(weights) - weights / 2) / max(float(weights.sum()), 1.0), np.nan)


def _placed(part: pl.Series, cells: NumberCells | CategoryCells) -> Integers:
    """Return the cell of each value; -1 where it is missing."""
    placed = np.full(len(part), -1)
    if isinstance(cells, NumberCells):
        numbers = as_numbers(part)
        filled = np.isfinite(numbers)
        placed[filled] = cells.place(numbers[filled])
    else:
        values = part if part.dtype == pl.String() else part.cast(pl.String())
        if not values.null_count():
            return cells.place(values)
        placed[values.is_not_null().to_numpy()] = cells.place(values.drop_nulls())
    return placed


def as_numbers(part: pl.Series) -> Floats:
    """Return the value of each row; not finite where it has no number."""
    if part.dtype == pl.String():
        part = part.str.replace(" ", "", literal=True).cast(pl.Float64, strict=False)
    return part.to_numpy().astype(np.float64, copy=False)  # polars converts nulls to NaN


@dataclass(frozen=True, slots=True)
class FrozenTable:
    """What is kept of a baseline.

    Attributes
    ----------
    columns : mapping of str to ColumnCounts
    equal : EqualRows, optional
        How often whole rows of these columns are equal; None where that is not known.
    """

    columns: Mapping[str, ColumnCounts]
    equal: EqualRows | None = None


def freeze(rows: SampledRows, numeric: Mapping[str, bool]) -> FrozenTable:
    """Freeze what is kept of a baseline.

    Parameters
    ----------
    numeric : mapping of str to bool
        Whether each column is one of numbers.
    """
    sampled = rows.columns()
    counts = {name: counts_of(sampled[name], numeric=numbers) for name, numbers in numeric.items()}
    blocks = dependence_of(rows, {name: (counts[name], sampled[name], numbers) for name, numbers in numeric.items()})
    coarse, most = counts, max(2, _SEASONAL_CELLS // max(len(numeric), 1))
    if most < MOST_VALUES and rows.hours() is not None:
        coarse = {name: counts_of(sampled[name], numeric=numbers, most=most) for name, numbers in numeric.items()}
    seasons = _seasons(rows, coarse, sampled)
    if coarse is not counts and any(len(each.seasons) > 1 for each in seasons.values()):
        counts = coarse
    elif coarse is not counts and seasons:
        seasons = _seasons(rows, counts, sampled)
    columns = {
        name: each.model_copy(update={"repeated": blocks.effects.get(name, 1.0), "seasons": seasons.get(name)})
        for name, each in counts.items()
    }
    return FrozenTable(columns, EqualRows.of(hashes_of(rows.parts, most=ENOUGH_ROWS)))


def _seasons(
    rows: SampledRows, counts: Mapping[str, ColumnCounts], sampled: Mapping[str, SampledColumn]
) -> dict[str, SeasonalCounts]:
    hours = rows.hours()
    if hours is None:
        return {}
    ranked = {name: _ranked(each, sampled[name]) for name, each in counts.items() if each.present}
    zone = {"time_zone": rows.time_zone}
    return {name: each.model_copy(update=zone) for name, each in learn_seasons(hours, ranked).items()}


def _ranked(counts: ColumnCounts, sampled: SampledColumn) -> RankedColumn:
    cells, values = counts.numbers or counts.categories, None
    if cells is None:
        raise ValueError("a column with values has cells")
    placed = np.concatenate([_placed(part, cells) for part in sampled.parts]).astype(np.int32)
    if counts.numbers is not None:
        values = np.concatenate([as_numbers(part) for part in sampled.parts])
        values = np.where(np.isfinite(values), values, np.nan)
        if float(np.nanmax(np.abs(values))) > _SQUARED:
            values = None  # the rows are compared alone
    return RankedColumn(placed, _middles(cells), values)


ColumnCounts.model_rebuild()
