"""Finding labels by id or by time: sorted hashes of 16 bytes per key, searched for a block of predictions at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SIGN = np.uint64(1 << 63)
_SEEDS = (0x6D6F64656C, 0x7761746368)


@dataclass(frozen=True, slots=True)
class Hashes:
    """Two 64-bit hashes for each key; the probability that any two of a million keys share both is 2e-27.

    Attributes
    ----------
    first, second : numpy.ndarray of uint64
        Arrays of the same length.
    """

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]

    @classmethod
    def of(cls, keys: pl.Series) -> Self:
        """Hash keys of one type; a missing key also has a hash. Those of times are the times, and sort as they do."""
        if keys.dtype == pl.Int64:
            times = keys.fill_null(0).to_numpy()
            return cls(times.view(np.uint64) ^ _SIGN, np.zeros(times.size, np.uint64))
        first, second = (keys.hash(seed).to_numpy() for seed in _SEEDS)
        return cls(first, second)

    @classmethod
    def concatenated(cls, parts: list[Hashes]) -> Self:
        """Concatenate the hashes of several blocks."""
        empty = np.empty(0, np.uint64)
        return cls(
            np.concatenate([empty, *(part.first for part in parts)]),
            np.concatenate([empty, *(part.second for part in parts)]),
        )

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Hashes:
        return Hashes(self.first[index], self.second[index])

    def order(self) -> NDArray[np.int64]:
        """Return the indices that sort the hashes; the sort is stable."""
        return np.lexsort((self.second, self.first)).astype(np.int64, copy=False)

    def repeats_of_next(self) -> NDArray[np.bool_]:
        """Return which of the sorted hashes equal the next one."""
        equal = (self.first[:-1] == self.first[1:]) & (self.second[:-1] == self.second[1:])
        return np.append(equal, np.zeros(min(1, self.first.size), bool))

    def ranges(self, times: pl.Series, within: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which of these times, sorted, are so near to each of the others: from the first to before the second.

        A missing time is near to none.
        """
        hashes = Hashes.of(times).first.astype(np.uint64)
        distance = np.uint64(within)
        first = np.searchsorted(self.first, hashes - np.minimum(hashes, distance), side="left")
        last = np.searchsorted(self.first, hashes + np.minimum(~hashes, distance), side="right")
        return first, np.where(times.is_null().to_numpy(), first, last)

    def find(self, wanted: Hashes) -> NDArray[np.int64]:
        """Return the index of each wanted hash among these, which are sorted and distinct; -1 if it is not among them.

        Returns
        -------
        numpy.ndarray of int64
            One index for each wanted hash.
        """
        found = np.full(wanted.first.size, -1, np.int64)
        if not self.first.size:
            return found
        order = np.argsort(wanted.first)  # searching in ascending order is faster, because of the processor's caches
        positions = np.empty_like(found)
        positions[order] = np.searchsorted(self.first, wanted.first[order])
        rows = np.arange(found.size)
        while rows.size:  # repeated only if two keys share their first hash
            inside = positions < self.first.size
            rows, positions = rows[inside], positions[inside]
            equal = self.first[positions] == wanted.first[rows]
            rows, positions = rows[equal], positions[equal]
            hit = self.second[positions] == wanted.second[rows]
            found[rows[hit]] = positions[hit]
            rows, positions = rows[~hit], positions[~hit] + 1
        return found
