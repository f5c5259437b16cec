"""What is gathered about one column: accumulators that take in batches and merge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import polars as pl

from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.profile.distinct import DistinctCounter
from modelwatch_analyzer.profile.lexical import ColumnType, read_numbers, type_of_spelled
from modelwatch_analyzer.sketches.kll import KllSketch


@dataclass(slots=True)
class NumericColumn:
    """A column read as numbers. Values that are no numbers are counted and have no part in moments and sketch.

    Attributes
    ----------
    present, missing : int
        Values of any type, and nulls.
    integral : int
        Values spelled as whole numbers; exact if the column was planned as Int64.
    negative : int
        Numeric values below zero.
    """

    type: ColumnType = ColumnType.UNKNOWN
    present: int = 0
    missing: int = 0
    integral: int = 0
    negative: int = 0
    moments: Moments = field(default_factory=Moments)
    sketch: KllSketch = field(default_factory=KllSketch)

    def update(self, column: pl.Series) -> None:
        """Take in a batch, see `Dataset.batches`."""
        numbers = read_numbers(column)
        self.type = self.type.with_(numbers.type)
        self.present += numbers.present
        self.missing += numbers.missing
        self.integral += numbers.integral
        self.negative += int(np.count_nonzero(numbers.values < 0))
        self.moments.update(numbers.values)
        self.sketch.update(numbers.values)

    def merge(self, other: Self) -> Self:
        """Return what both hold; neither changes."""
        return type(self)(
            type=self.type.with_(other.type),
            present=self.present + other.present,
            missing=self.missing + other.missing,
            integral=self.integral + other.integral,
            negative=self.negative + other.negative,
            moments=self.moments.merge(other.moments),
            sketch=self.sketch.merge(other.sketch),
        )


@dataclass(slots=True)
class TextColumn:
    """A column read as text.

    Attributes
    ----------
    present, missing : int
        Values, and nulls.
    """

    type: ColumnType = ColumnType.UNKNOWN
    present: int = 0
    missing: int = 0
    categories: CategoryCounts = field(default_factory=CategoryCounts)
    distinct: DistinctCounter = field(default_factory=DistinctCounter)

    @classmethod
    def knowing(cls, categories: Collection[str]) -> Self:
        """Make an empty column that counts the given categories exactly whatever else comes."""
        return cls(categories=CategoryCounts(known=categories))

    def update(self, column: pl.Series) -> None:
        """Take in a batch of String."""
        values = column.drop_nulls()
        counts = values.value_counts()
        distinct = counts.to_series(0)
        if self.type is not ColumnType.STRING:  # no further value can change that one
            self.type = self.type.with_(type_of_spelled(distinct))
        self.present += len(values)
        self.missing += column.null_count()
        self.categories.update(counts)
        self.distinct.update(distinct)

    def merge(self, other: Self) -> Self:
        """Return what both hold; neither changes."""
        return type(self)(
            type=self.type.with_(other.type),
            present=self.present + other.present,
            missing=self.missing + other.missing,
            categories=self.categories.merge(other.categories),
            distinct=self.distinct.merge(other.distinct),
        )
