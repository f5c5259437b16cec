"""The accumulators of one column, which are updated with batches and can be merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import polars as pl

from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.profile.categories import CategoryCounts, DistinctCounter, GatheredCounts
from modelwatch_analyzer.profile.lexical import ColumnType, Numbers, infer_type, read_numbers
from modelwatch_analyzer.profile.unusual_spellings import count_spellings
from modelwatch_analyzer.sketches.kll import KllSketch


@dataclass(slots=True)
class NumericColumn:
    """A column that is read as numbers. Other values are counted, but not included in moments and sketch.

    Attributes
    ----------
    present, missing : int
        The number of values of any type, and of nulls.
    integral : int
        The number of integers; exact if the column was planned as Int64.
    negative : int
        The number of numeric values below zero.
    """

    type: ColumnType = ColumnType.UNKNOWN
    present: int = 0
    missing: int = 0
    integral: int = 0
    negative: int = 0
    moments: Moments = field(default_factory=Moments)
    sketch: KllSketch = field(default_factory=KllSketch)

    def update(self, column: pl.Series) -> None:
        """Add a batch; see `Dataset.batches`."""
        update_numbers([self], [column])

    def include(self, numbers: Numbers) -> None:
        """Add a batch to everything but the moments, which `update_numbers` computes for many columns at once."""
        self.type = self.type.combine(numbers.type)
        self.present += numbers.present
        self.missing += numbers.missing
        self.integral += numbers.integral
        self.negative += int(np.count_nonzero(numbers.values < 0))
        self.sketch.update(numbers.values)

    def merge(self, other: Self) -> Self:
        """Return an accumulator of the values of both, which do not change."""
        return type(self)(
            type=self.type.combine(other.type),
            present=self.present + other.present,
            missing=self.missing + other.missing,
            integral=self.integral + other.integral,
            negative=self.negative + other.negative,
            moments=self.moments.merge(other.moments),
            sketch=self.sketch.merge(other.sketch),
        )


def update_numbers(accumulators: Sequence[NumericColumn], columns: Iterable[pl.Series]) -> None:
    """Add a batch of each column to its accumulator."""
    numbers = [read_numbers(column) for column in columns]
    for accumulator, read in zip(accumulators, numbers, strict=True):
        accumulator.include(read)
    Moments.update_each((accumulator.moments for accumulator in accumulators), (read.values for read in numbers))


class TextColumn:
    """A column that is read as text.

    The counts of values that occur again and again are gathered before anything looks at the values.

    Attributes
    ----------
    present, missing : int
        The number of values, and of nulls.
    """

    __slots__ = ("_categories", "_distinct", "_gathered", "_spellings", "_type", "missing", "present")

    def __init__(
        self,
        *,
        type: ColumnType = ColumnType.UNKNOWN,  # noqa: A002 (what it is called everywhere)
        present: int = 0,
        missing: int = 0,
        spellings: Counter[str] | None = None,
        categories: CategoryCounts | None = None,
        distinct: DistinctCounter | None = None,
        gathered: GatheredCounts | None = None,
    ) -> None:
        self.present = present
        self.missing = missing
        self._type = type
        self._spellings = Counter[str]() if spellings is None else spellings
        self._categories = categories or CategoryCounts()
        self._distinct = distinct or DistinctCounter()
        self._gathered = gathered or GatheredCounts()
        if self._gathered.is_full:
            self._look_at_gathered()

    @classmethod
    def with_known_categories(cls, categories: Collection[str]) -> Self:
        """Return an empty column that always counts the given categories exactly."""
        return cls(categories=CategoryCounts(known=categories))

    @property
    def type(self) -> ColumnType:
        """The type of all values."""
        self._look_at_gathered()
        return self._type

    @property
    def spellings(self) -> Counter[str]:
        """The number of values that are numbers, or would be in another spelling, by `Spelling`."""
        self._look_at_gathered()
        return self._spellings

    @property
    def categories(self) -> CategoryCounts:
        """The counts by value."""
        self._look_at_gathered()
        return self._categories

    @property
    def distinct(self) -> DistinctCounter:
        """The number of distinct values."""
        self._look_at_gathered()
        return self._distinct

    def update(self, column: pl.Series) -> None:
        """Add a batch of String."""
        missing = column.null_count()
        self.present += len(column) - missing
        self.missing += missing
        counts = column.alias("value").value_counts()
        if not GatheredCounts.suits(counts, len(column)):
            self._look_at(counts.drop_nulls("value") if missing else counts)
            return
        self._gathered.add(counts)
        if self._gathered.is_full:
            self._look_at_gathered()

    def merge(self, other: Self) -> Self:
        """Return an accumulator of the values of both, which do not change."""
        return type(self)(
            type=self._type.combine(other._type),
            present=self.present + other.present,
            missing=self.missing + other.missing,
            spellings=self._spellings + other._spellings,
            categories=self._categories.merge(other._categories),
            distinct=self._distinct.merge(other._distinct),
            gathered=self._gathered.merge(other._gathered),
        )

    def _look_at_gathered(self) -> None:
        counts = self._gathered.take()
        if not counts.is_empty():
            self._look_at(counts)

    def _look_at(self, counts: pl.DataFrame) -> None:
        distinct = counts.to_series(0)
        if self._type is not ColumnType.STRING:  # which no further value can change
            self._type = self._type.combine(infer_type(distinct))
        self._spellings += count_spellings(counts)
        self._categories.update(counts)
        self._distinct.update(distinct)
