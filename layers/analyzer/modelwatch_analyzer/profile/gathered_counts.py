"""Counts of values that occur again and again, gathered from many batches before anything looks at the values."""

from __future__ import annotations

from collections import Counter

import polars as pl

_FEW, _FRAMES, _MOST = 1000, 4, 1 << 14


class GatheredCounts:
    """Adds up counts by value until they are taken.

    Few values of a batch are added one by one, where a query would take longer than the work. Those of several batches
    with many are added at once; until then they keep the text of these batches in memory.
    """

    __slots__ = ("_few", "_many")

    def __init__(self) -> None:
        self._few = Counter[str]()
        self._many: list[pl.DataFrame] = []

    @staticmethod
    def suits(counts: pl.DataFrame, rows: int) -> bool:
        """Return whether the values of so many rows occur so often that it is worth to gather them."""
        return counts.height <= max(_FEW, rows // 2)

    @property
    def is_full(self) -> bool:
        """Whether there are so many values that they are to be taken."""
        return len(self._few) + (self._many[0].height if self._many else 0) > _MOST

    def add(self, counts: pl.DataFrame) -> None:
        """Add distinct values, as String, with their counts; the count of nulls is left out."""
        if counts.height > _FEW:
            self._many.append(counts.drop_nulls("value").cast({"count": pl.Int64()}))
            if len(self._many) == _FRAMES:
                self._many = [_sum_of(self._many)]
        else:
            for value, count in counts.iter_rows():
                if value is not None:
                    self._few[value] += count

    def merge(self, other: GatheredCounts) -> GatheredCounts:
        """Return the counts of both, which do not change."""
        merged = GatheredCounts()
        merged._few = self._few + other._few
        merged._many = [*self._many, *other._many]
        if len(merged._many) >= _FRAMES:
            merged._many = [_sum_of(merged._many)]
        return merged

    def take(self) -> pl.DataFrame:
        """Return the counts by value, and forget them."""
        few, many = self._few, self._many
        self._few, self._many = Counter(), []
        if few or not many:
            values = {
                "value": pl.Series([*few], dtype=pl.String()),
                "count": pl.Series([*few.values()], dtype=pl.Int64()),
            }
            many = [pl.DataFrame(values), *many]
        return many[0] if len(many) == 1 else _sum_of(many)


def _sum_of(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames).group_by("value").agg(pl.col("count").sum())
