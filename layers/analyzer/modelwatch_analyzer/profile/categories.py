"""How often each value of a column of text comes, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Collection

import polars as pl

_VALUE, _COUNT = "value", "count"


class CategoryCounts:
    """Counts values: exactly while they are few, and beyond that every value that comes often nearly so.

    While no more than `limit` distinct values (and `bytes_limit` bytes of them) have come, each is counted exactly.
    Beyond that, the rarest are given up and all others reduced by what the most frequent of those had. A count is
    then too small by `error` at most, which is at most the number of values divided by ``limit + 1``, unless the
    values are so long that fewer fit.

    Parameters
    ----------
    known : Collection of str
        Values that are never given up, and always counted exactly: the baseline's categories.
    limit, bytes_limit : int
        What is kept beside these.

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
        """Values taken in."""
        self.error = 0
        """By how much a count may be too small; 0 while all are exact."""

    def update(self, counts: pl.DataFrame) -> None:
        """Take in values and how often each comes.

        Parameters
        ----------
        counts : polars.DataFrame
            Two columns: distinct values, String without nulls; and counts.
        """
        value, count = counts.get_columns()
        self.total += int(count.sum())
        self._add(pl.DataFrame({_VALUE: value, _COUNT: count.cast(pl.Int64)}))

    def merge(self, other: CategoryCounts) -> CategoryCounts:
        """Return the counts of both; neither changes. Both must know the same values."""
        merged = CategoryCounts(known=self._known.to_list(), limit=self._limit, bytes_limit=self._bytes_limit)
        merged.total, merged.error = self.total + other.total, self.error + other.error
        merged._counts = self._counts
        merged._add(other._counts)
        return merged

    @property
    def is_exact(self) -> bool:
        """Whether every value is there with its exact count."""
        return self.error == 0

    def counts(self) -> dict[str, int]:
        """Return the counts, the most frequent value first and equally frequent ones in the order of their text."""
        ordered = self._counts.sort([_COUNT, _VALUE], descending=[True, False])
        return dict(zip(ordered[_VALUE].to_list(), ordered[_COUNT].to_list(), strict=True))

    def frequencies(self) -> dict[str, float]:
        """Return the counts, and what was given up spread over made-up values so rare that none of them stands out.

        Together they make `total`, so that every value's share is right within ``error / total``.
        """
        counts: dict[str, float] = dict(self.counts())
        rest = self.total - sum(counts.values())
        size = max(self.error, self.total // self._limit)
        for index in range(math.ceil(rest / size) if rest else 0):
            counts[f"\0{index}"] = min(size, rest - index * size)
        return counts

    def count_of(self, values: Collection[str]) -> int:
        """Return how many of the values taken in are among the given ones; exact for known ones."""
        wanted = pl.Series(list(values), dtype=pl.String)
        return int(self._counts.filter(pl.col(_VALUE).is_in(wanted.implode()))[_COUNT].sum())

    def _add(self, counts: pl.DataFrame) -> None:
        together = pl.concat([self._counts, counts]).group_by(_VALUE).agg(pl.col(_COUNT).sum())
        if together.height <= self._limit and int(together[_VALUE].str.len_bytes().sum()) <= self._bytes_limit:
            self._counts = together
            return
        known = pl.col(_VALUE).is_in(self._known.implode())
        others = together.filter(~known).sort([_COUNT, _VALUE], descending=[True, False])
        size = pl.col(_VALUE).str.len_bytes().cast(pl.Int64).cum_sum()
        kept = others.head(self._limit).filter(size <= self._bytes_limit)
        if kept.height < others.height:
            given_up = int(others[_COUNT][kept.height])
            self.error += given_up
            kept = kept.with_columns(pl.col(_COUNT) - given_up).filter(pl.col(_COUNT) > 0)
            self._counts = pl.concat([together.filter(known), kept])
        else:
            self._counts = together
