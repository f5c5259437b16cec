"""How often each value of a column of text occurs, and how many distinct ones there are, in bounded memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

_VALUE, _COUNT = "value", "count"
_FEW, _FRAMES, _MOST_GATHERED = 1000, 4, 1 << 14
_MOST_TEXT = 8 << 20


class GatheredCounts:
    """Adds up counts by value until they are taken.

    Few values of a batch are added one by one, where a query would take longer than the work. Those of several batches
    with many are added at once; until then they keep the text of these batches in memory.
    """

    __slots__ = ("_few", "_length_of_few", "_many")

    def __init__(self) -> None:
        self._few = Counter[str]()
        self._length_of_few = 0
        self._many: list[pl.DataFrame] = []

    @staticmethod
    def suits(counts: pl.DataFrame, rows: int) -> bool:
        """Return whether the values of so many rows occur so often that it is worth to gather them."""
        return counts.height <= max(_FEW, rows // 2)

    @property
    def is_full(self) -> bool:
        """Whether there are so many values, or such long ones, that they are to be taken."""
        text = self._length_of_few + sum(frame.estimated_size() for frame in self._many)
        return text > _MOST_TEXT or len(self._few) + (self._many[0].height if self._many else 0) > _MOST_GATHERED

    def add(self, counts: pl.DataFrame) -> None:
        """Add distinct values, as String, with their counts; the count of nulls is left out."""
        if counts.height > _FEW:
            self._hold([counts.drop_nulls(_VALUE).cast({_COUNT: pl.Int64()})])
        else:
            for value, count in counts.iter_rows():
                if value is not None:
                    self._length_of_few += 0 if value in self._few else len(value)
                    self._few[value] += count

    def merge(self, other: GatheredCounts) -> GatheredCounts:
        """Return the counts of both, which do not change."""
        merged = GatheredCounts()
        merged._few = self._few + other._few
        merged._length_of_few = self._length_of_few + other._length_of_few
        merged._hold([*self._many, *other._many])
        return merged

    def take(self) -> pl.DataFrame:
        """Return the counts by value, and forget them."""
        few, many = self._few, self._many
        self._few, self._length_of_few, self._many = Counter(), 0, []
        if few or not many:
            values = {
                _VALUE: pl.Series([*few], dtype=pl.String()),
                _COUNT: pl.Series([*few.values()], dtype=pl.Int64()),
            }
            many = [pl.DataFrame(values), *many]
        return many[0] if len(many) == 1 else _sum_of(many)

    def _hold(self, frames: list[pl.DataFrame]) -> None:
        self._many += frames
        if len(self._many) >= _FRAMES:
            self._many = [_sum_of(self._many)]


def _sum_of(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames).group_by(_VALUE).agg(pl.col(_COUNT).sum())


class CategoryCounts:
    """Counts values: exactly as long as there are few, and then approximately, with all frequent values kept.

    Up to `limit` distinct values (and `bytes_limit` bytes of them) are counted exactly. Beyond that, the rarest values
    are dropped, and the counts of all others reduced by the largest count that was dropped. A count is then too small
    by at most `error`, which is at most the number of values divided by ``limit + 1``, unless the values are so long
    that fewer fit.

    Parameters
    ----------
    known : Collection of str
        Values that are never dropped, and always counted exactly: the baseline's categories.
    limit, bytes_limit : int
        The limits of what is kept in addition to these.

    Notes
    -----
    Misra and Gries, "Finding repeated elements", 1982; merged as in Agarwal et al., "Mergeable summaries", PODS 2012.
    """

    def __init__(self, *, known: Collection[str] = (), limit: int = 10_000, bytes_limit: int = 8 << 20) -> None:
        self._known = pl.Series(_VALUE, sorted(known), pl.String)
        self._limit = limit
        self._bytes_limit = bytes_limit
        self._counts = pl.DataFrame(schema={_VALUE: pl.String(), _COUNT: pl.Int64()})
        self.total = 0
        """The number of values."""
        self.error = 0
        """By how much a count may be too small; 0 while all are exact."""

    def update(self, counts: pl.DataFrame) -> None:
        """Add values with their counts.

        Parameters
        ----------
        counts : polars.DataFrame
            Two columns: distinct values, as String without nulls, and their counts.
        """
        value, count = counts.get_columns()
        self.total += int(count.sum())
        self._add(pl.DataFrame({_VALUE: value, _COUNT: count.cast(pl.Int64)}))

    def merge(self, other: CategoryCounts) -> CategoryCounts:
        """Return the counts of both, which do not change. Both must have the same known values."""
        merged = CategoryCounts(known=self._known.to_list(), limit=self._limit, bytes_limit=self._bytes_limit)
        merged.total, merged.error = self.total + other.total, self.error + other.error
        merged._counts = self._counts
        if not other._counts.is_empty():
            merged._add(other._counts)
        return merged

    @property
    def is_exact(self) -> bool:
        """Whether every value has its exact count."""
        return self.error == 0

    def counts(self) -> dict[str, int]:
        """Return the counts, from the most frequent value to the rarest; equally frequent values are in text order."""
        ordered = self._counts.sort([_COUNT, _VALUE], descending=[True, False])
        return dict(zip(ordered[_VALUE].to_list(), ordered[_COUNT].to_list(), strict=True))

    def frequencies(self) -> dict[str, float]:
        """Return the counts, with the dropped values spread over placeholders that are so rare that none stands out.

        They add up to `total`, so that every value's share is correct to within ``error / total``.
        """
        counts: dict[str, float] = dict(self.counts())
        rest = self.total - sum(counts.values())
        size = max(self.error, self.total // self._limit)
        for index in range(math.ceil(rest / size) if rest else 0):
            counts[f"\0{index}"] = min(size, rest - index * size)
        return counts

    def count_of(self, values: Collection[str]) -> int:
        """Return how many of all values are among the given ones; exact for known values."""
        selected = pl.Series(list(values), dtype=pl.String)
        return int(self._counts.filter(pl.col(_VALUE).is_in(selected.implode()))[_COUNT].sum())

    def _add(self, counts: pl.DataFrame) -> None:
        if not self._counts.is_empty():
            counts = pl.concat([self._counts, counts]).group_by(_VALUE).agg(pl.col(_COUNT).sum())
        self._counts = counts
        value, count = counts.get_columns()
        sizes = value.str.len_bytes().to_numpy()
        if sizes.size <= self._limit and int(sizes.sum()) <= self._bytes_limit:
            return
        known = value.is_in(self._known.implode()).to_numpy() if len(self._known) else np.zeros(sizes.size, bool)
        dropped = self._largest_dropped(count.to_numpy()[~known], sizes[~known])
        if dropped:
            self.error += dropped
            left = count.to_numpy() - dropped * ~known
            kept = known | (left > 0)
            self._counts = pl.DataFrame({_VALUE: value.filter(pl.Series(kept)), _COUNT: left[kept]})

    def _largest_dropped(self, counts: NDArray[np.int64], sizes: NDArray[np.uint32]) -> int:
        """Return the count of the most frequent value that does not fit, by counts and bytes of values; 0 if all fit.

        Nothing is left of the counts of values that are as frequent as this one, so that their order does not matter.
        """
        order = np.argsort(counts)[::-1]
        fitting = int(np.searchsorted(np.cumsum(sizes[order], dtype=np.int64), self._bytes_limit, side="right"))
        place = min(fitting, self._limit)
        return int(counts[order[place]]) if place < counts.size else 0


class DistinctCounter:
    """Counts distinct values: exactly up to `k` of them, and then as an estimate.

    It keeps the `k` smallest hashes. Hashes of distinct values are uniform in ``[0, 1)``, so that the k-th smallest one
    gives an estimate of their number. What is kept does not depend on order, repetition or splits.

    Parameters
    ----------
    k : int
        The number of hashes that are kept; they take 8 bytes each.

    Notes
    -----
    The estimator ``(k - 1) / U_(k)`` is unbiased with a relative standard error of about ``1 / sqrt(k - 2)``, 0.8 %
    by default: Beyer et al., "On synopses for distinct-value estimation under multiset operations", SIGMOD 2007.
    """

    def __init__(self, *, k: int = 16_384) -> None:
        self._k = k
        self._smallest: NDArray[np.uint64] = np.empty(0, np.uint64)

    def update(self, values: pl.Series) -> None:
        """Add values as String, without nulls."""
        self._add(values.hash().to_numpy())

    def merge(self, other: DistinctCounter) -> DistinctCounter:
        """Return a counter of the values of both, which do not change."""
        merged = DistinctCounter(k=self._k)
        merged._smallest = self._smallest
        merged._add(other._smallest)
        return merged

    @property
    def count(self) -> float:
        """The number of distinct values, which is an integer as long as it is exact."""
        if self._smallest.size < self._k:
            return float(self._smallest.size)
        return (self._k - 1) / ((float(self._smallest[-1]) + 1) / 2.0**64)

    def _add(self, hashes: NDArray[np.uint64]) -> None:
        if self._smallest.size == self._k:
            hashes = hashes[hashes < self._smallest[-1]]
        hashes = np.sort(np.concatenate([self._smallest, hashes]))  # of so many, np.unique takes ten times as long
        self._smallest = hashes[np.append(True, hashes[1:] != hashes[:-1])[: hashes.size]][: self._k]
