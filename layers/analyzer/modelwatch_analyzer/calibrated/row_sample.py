"""A uniform sample of the rows of a dataset, in their order, in bounded memory and one pass."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.local_hours import local_hours, slot_minutes
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN, SLOT_COLUMN

MOST_ROWS = 100_000
"""More rows than this change no decision: the error of a share is already below the smallest change that is
reported."""

_CELLS = 6_000_000
"""The most rows times columns that are held: a table of more than 60 columns has a smaller sample."""

_SLACK = 2
"""Up to this many times the sample is held before rows are dropped, because dropping some copies the others."""

_SHORT = 1_000
"""Parts that have fewer rows on average are joined, because any operation on a series costs as much as thousands of
values do, and each takes a kilobyte. Longer ones are joined only at the end, because that takes as much memory
again."""

_MANY = 100
"""So many short parts of a dataset of small files are joined at a time, because joining copies all that is held."""

_MORE, _AT_LEAST_MORE = 1.25, 500
"""What each of several samples keeps beyond its share of the merged one: this many times the share, and this many
rows."""

_LONGEST = 120
_VALUE = "value"
"""The name that all series get: polars takes a name such as ^a.*$ for a pattern."""
_SEED = 20261119


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """The sampled values of a column, in parts of one data type each, in row order.

    Attributes
    ----------
    parts : tuple of polars.Series
        Int64, Float64 or String, as a reader delivers them (`Dataset.batches`).
    """

    parts: tuple[pl.Series, ...]


class RowSample:
    """Keeps rows with the smallest of random numbers, which do not depend on the data or on how it is split.

    Each pass over the same rows keeps the same ones.

    Parameters
    ----------
    columns : int
        How many columns the rows have.
    rows : int
        The most rows that are kept.
    part : int
        Which part of the dataset the rows are of: each has random numbers of its own.
    share : float
        About which share the rows are of those of all samples that will be merged: so much of the merged sample is kept
        at least, and more, so that it suffices if there are more rows.
    """

    def __init__(self, columns: int, *, rows: int = MOST_ROWS, part: int = 0, share: float = 1.0) -> None:
        self._merged_limit = max(1_000, min(rows, _CELLS // max(columns, 1)))
        self._limit = min(self._merged_limit, math.ceil(_MORE * share * self._merged_limit) + _AT_LEAST_MORE)
        self._generator = np.random.default_rng([_SEED, part] if part else _SEED)
        self._priorities: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        self._parts: list[pl.DataFrame] = []
        self._threshold = 1.0
        self._held = 0
        self.total = 0
        """How many rows there were."""

    def update(self, batch: pl.DataFrame) -> None:
        """Add the next rows."""
        self.total += batch.height
        priorities = self._generator.random(batch.height)
        if self._threshold < 1.0:
            kept = priorities < self._threshold
            batch, priorities = batch.filter(kept), priorities[kept]
        texts = [name for name, dtype in batch.schema.items() if dtype == pl.String()]
        self._parts.append(_shortened(batch, texts))
        self._priorities.append(priorities)
        self._held += batch.height
        if self._held > _SLACK * self._limit:
            self._prune()
        if len(self._parts) > _MANY:
            self._join_short()

    def merge(self, other: RowSample) -> RowSample:
        """Return the sample of the rows of this part and of later ones; neither changes."""
        both = RowSample(1, rows=self._merged_limit)
        both.total = self.total + other.total
        both._threshold = min(self._threshold, other._threshold)
        both._held = self._held + other._held
        both._parts, both._priorities = [*self._parts, *other._parts], [*self._priorities, *other._priorities]
        if both._held > both._limit:
            both._drop()
        both._join_short()
        return both

    def _prune(self) -> None:
        if self._held > self._limit or any(each.max(initial=0.0) >= self._threshold for each in self._priorities):
            self._drop()

    def _drop(self) -> None:
        """Drop the rows from the threshold on, once it is low enough for the limit."""
        together = np.concatenate([np.empty(0), *self._priorities])
        below = together[together < self._threshold]
        if below.size > self._limit:
            self._threshold = float(np.partition(below, self._limit)[self._limit])
        kept = [each < self._threshold for each in self._priorities]
        self._parts = [part if rows.all() else part.filter(rows) for part, rows in zip(self._parts, kept, strict=True)]
        self._priorities = [each[rows] for each, rows in zip(self._priorities, kept, strict=True)]
        self._held = sum(part.height for part in self._parts)

    @property
    def rows(self) -> int:
        """The number of sampled rows."""
        self._prune()
        return self._held

    @property
    def parts(self) -> list[pl.DataFrame]:
        """The sampled rows, in parts whose columns differ in their data types."""
        return [part.drop(names) if (names := _arrivals(part)) else part for part in self._joined()]

    def requests(self) -> NDArray[np.int64] | None:
        """Return the places of the first sampled rows of each request; None where none is known to have several."""
        parts, numbers, rows = self._joined(), [], 0
        if not any(REQUEST_COLUMN in _arrivals(part) for part in parts):
            return None
        for part in parts:
            alone = ~np.arange(rows, rows + part.height, dtype=np.uint64)  # far from the numbers of requests
            numbers.append(part[REQUEST_COLUMN].to_numpy() if REQUEST_COLUMN in _arrivals(part) else alone)
            rows += part.height
        together = np.concatenate(numbers)
        return np.flatnonzero(np.append(True, np.diff(together) != 0)[:rows])

    def slots(self) -> NDArray[np.int64] | None:
        """Return in which slot each sampled row came (see `Arrivals`), -1 if not known; None if all are so."""
        slots = []
        for part in self._joined():
            if SLOT_COLUMN in _arrivals(part):
                slots.append(part[SLOT_COLUMN].cast(pl.Int64()).fill_null(-1).to_numpy())
            else:
                slots.append(np.full(part.height, -1))
        together = np.concatenate(slots) if slots else np.empty(0, np.int64)
        return together if together.max(initial=-1) >= 0 else None

    def _joined(self) -> list[pl.DataFrame]:
        self._prune()
        self._join()
        return self._parts

    def _join_short(self) -> None:
        if self._held < _SHORT * len(self._parts):
            self._join()

    def _join(self) -> None:
        """Join neighbouring parts."""
        held = zip(self._parts, self._priorities, strict=True)
        runs = [list(zip(*run, strict=True)) for _, run in groupby(held, lambda pair: pair[0].schema)]
        if len(runs) < len(self._parts):
            self._parts = [pl.concat(parts, rechunk=True) for parts, _ in runs]
            self._priorities = [np.concatenate(priorities) for _, priorities in runs]

    def columns(self) -> dict[str, SampledColumn]:
        """Return the sampled values of each column."""
        parts = self.parts
        names = parts[0].columns if parts else []
        return {name: SampledColumn(tuple(part[name].alias(_VALUE) for part in parts)) for name in names}


_ARRIVALS = {REQUEST_COLUMN: pl.UInt64(), SLOT_COLUMN: pl.UInt32()}


def _arrivals(part: pl.DataFrame) -> list[str]:
    """Return the columns that are not of the data."""
    names = part.columns
    return [name for name, dtype in _ARRIVALS.items() if name in names and part[name].dtype == dtype]


def _shortened(batch: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Replace long texts by their beginning and a checksum: they are compared, and never read."""
    longest = batch.select(pl.col(pl.String).str.len_bytes().max()).row(0) if columns else ()  # bytes need no decoding
    for name in (name for name, most in zip(columns, longest, strict=True) if (most or 0) > _LONGEST):
        values = batch[name].alias(_VALUE)
        long = values.filter(values.str.len_chars() > _LONGEST).unique().to_list()
        if long:
            short = {text: f"{text[:_LONGEST]}#{zlib.crc32(text.encode()):08x}" for text in long}
            replaced = values.replace(short).alias(name)
            batch = batch.clone().replace_column(batch.get_column_index(name), replaced)
    return batch


def hashes_of(parts: Sequence[pl.DataFrame], *, most: int) -> NDArray[np.uint64]:
    """Return a hash of each row, or of each of so many evenly spread ones; equal rows have the same."""
    parts = [part for part in parts if part.width]
    step, start, hashes = max(1, math.ceil(sum(part.height for part in parts) / most)), 0, [np.empty(0, np.uint64)]
    for part in parts:
        some = part if step == 1 else part.gather_every(step, -start % step)
        hashes.append(some.hash_rows().to_numpy())
        start += part.height
    return np.concatenate(hashes)


class SampledRows:
    """The sampled rows of a dataset that is read in one or more passes, each of some of its columns.

    Parameters
    ----------
    time_zone : str, optional
        The zone by whose clocks hours are counted; UTC if not given.
    """

    def __init__(self, time_zone: str | None = None) -> None:
        self.time_zone = time_zone
        self.slot_minutes = slot_minutes(time_zone)
        """How exactly it must be known when rows came; see `Arrivals`."""
        self._passes: list[RowSample] = []
        self._width = 0

    def add(self, sample: RowSample) -> None:
        """Add the sample of the next pass; it replaces what earlier passes read of the same columns."""
        self._passes.append(sample)

    def width_of_first_pass(self, columns: int) -> int:
        """Take in how many columns the next pass has, and return those of the first: all passes keep the same rows."""
        self._width = self._width or columns
        return self._width

    @property
    def rows(self) -> int:
        """The number of sampled rows."""
        return self._passes[0].rows if self._passes else 0

    @property
    def parts(self) -> list[pl.DataFrame]:
        """The rows as the first pass read them."""
        return self._passes[0].parts if self._passes else []

    def requests(self) -> NDArray[np.int64] | None:
        """Return where the rows of each request begin; see `RowSample.requests`."""
        return self._passes[0].requests() if self._passes else None

    def hours(self) -> NDArray[np.int64] | None:
        """Return the local hour since 1970 in which each row came, -1 where it is not known; None if all are so."""
        slots = self._passes[0].slots() if self._passes else None
        return None if slots is None else local_hours(slots, self.time_zone)

    def columns(self) -> dict[str, SampledColumn]:
        """Return the sampled values of each column."""
        columns: dict[str, SampledColumn] = {}
        for each in self._passes:
            columns |= each.columns()
        return columns
