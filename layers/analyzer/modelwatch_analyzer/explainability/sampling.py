"""Which rows are explained where not all can be.

Each row gets a number by hashing the seed and its place in the dataset, and the rows of the smallest numbers are taken:
a uniform sample without replacement, the same for one seed however the dataset is cut into blocks, found in one pass,
and of which any smaller sample is a part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_PLACE, _KEY = "place", "key"


@dataclass(frozen=True, slots=True)
class SampledRows:
    """A sample.

    Attributes
    ----------
    rows : DataFrame
        The rows in the order of their numbers, so that the first n are a sample of n.
    places : array of int
        The place of each row in the dataset, from 0.
    of : int
        How many rows the dataset has.
    """

    rows: pl.DataFrame
    places: NDArray[np.int64]
    of: int

    def head(self, most: int) -> SampledRows:
        """Return a sample of at most so many rows."""
        return SampledRows(self.rows.head(most), self.places[:most], self.of)


def sample(batches: Iterable[pl.DataFrame], most: int, seed: int) -> SampledRows:
    """Sample at most `most` rows of all batches."""
    kept: pl.DataFrame | None = None
    seen = 0
    for batch in batches:
        places = np.arange(seen, seen + batch.height)
        seen += batch.height
        keyed = batch.rename({name: f"c{name}" for name in batch.columns}).with_columns(
            pl.Series(_PLACE, places), pl.Series(_KEY, _hash(places.astype(np.uint64), seed))
        )
        if kept is not None and kept.height == most:
            keyed = keyed.filter(pl.col(_KEY) <= kept[_KEY].max())
        both = keyed if kept is None else pl.concat([kept, keyed.select(kept.columns)])
        kept = both if both.height <= most else both.sort(_KEY, _PLACE).head(most)
    if kept is None:
        return SampledRows(pl.DataFrame(), np.zeros(0, dtype=np.int64), 0)
    kept = kept.sort(_KEY, _PLACE)
    places = kept[_PLACE].to_numpy()
    rows = kept.drop(_PLACE, _KEY)
    return SampledRows(rows.rename({name: name[1:] for name in rows.columns}), places, seen)


def _hash(places: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Mix as SplitMix64 does (Steele, Lea and Flood 2014), starting at the mixed seed."""
    with np.errstate(over="ignore"):
        mixed = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + _mix(np.uint64(seed % 2**64))
        return _mix(mixed)


def _mix(z: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))
