"""Finding labels by id or by time: sorted hashes, 16 bytes a key, searched for whole blocks of predictions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SEEDS = (0x6D6F64656C, 0x7761746368)


@dataclass(frozen=True, slots=True)
class Hashes:
    """Two 64-bit hashes of each of some keys; that two keys share both has a chance of 2e-27 among a million.

    Attributes
    ----------
    first, second : numpy.ndarray of uint64
        Of the same length.
    """

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]

    @classmethod
    def of(cls, keys: pl.Series) -> Self:
        """Hash keys of one type; a missing key has a hash as well."""
        first, second = (keys.hash(seed).to_numpy() for seed in _SEEDS)
        return cls(first, second)

    @classmethod
    def concatenated(cls, parts: list[Hashes]) -> Self:
        """Put the hashes of several blocks together."""
        none = np.empty(0, np.uint64)
        return cls(
            np.concatenate([none, *(part.first for part in parts)]),
            np.concatenate([none, *(part.second for part in parts)]),
        )

    def __getitem__(self, places: NDArray[np.bool_] | NDArray[np.int64]) -> Hashes:
        return Hashes(self.first[places], self.second[places])

    def order(self) -> NDArray[np.int64]:
        """Return the places in ascending order, of equal ones in the order in which they stand."""
        return np.lexsort((self.second, self.first)).astype(np.int64, copy=False)

    def repeats_of_next(self) -> NDArray[np.bool_]:
        """Tell, of ordered hashes, which equal the next one."""
        equal = (self.first[:-1] == self.first[1:]) & (self.second[:-1] == self.second[1:])
        return np.append(equal, np.zeros(min(1, self.first.size), bool))

    def find(self, wanted: Hashes) -> NDArray[np.int64]:
        """Return, in ordered and distinct hashes, the place of each wanted one; -1 where it is not among them.

        Returns
        -------
        numpy.ndarray of int64
            One for each wanted hash.
        """
        found = np.full(wanted.first.size, -1, np.int64)
        if not self.first.size:
            return found
        order = np.argsort(wanted.first)  # the search for ascending values stays in the processor's caches
        places = np.empty_like(found)
        places[order] = np.searchsorted(self.first, wanted.first[order])
        rows = np.arange(found.size)
        while rows.size:  # more than once only where two keys share their first hash
            inside = places < self.first.size
            rows, places = rows[inside], places[inside]
            alike = self.first[places] == wanted.first[rows]
            rows, places = rows[alike], places[alike]
            hit = self.second[places] == wanted.second[rows]
            found[rows[hit]] = places[hit]
            rows, places = rows[~hit], places[~hit] + 1
        return found
