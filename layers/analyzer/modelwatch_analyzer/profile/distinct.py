"""The number of distinct values, in bounded memory."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


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
        self._smallest = np.unique(np.concatenate([self._smallest, hashes]))[: self._k]
