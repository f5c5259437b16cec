"""The KLL quantile sketch in the deterministic variant that SageMaker Model Monitor writes into ``statistics.json``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_core.domain.errors import InvalidInput

_MAX_K = 1 << 24
_MAX_LEVELS = 48  # an item at level 47 stands for 1.4e14 values


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a histogram: the number of values in ``[lower_bound, upper_bound)``, the last one with its end."""

    lower_bound: float
    upper_bound: float
    count: float


class _Compactor:
    """One level of a sketch: a buffer of which compaction keeps every second item after sorting.

    The buffer is reused, so that a compaction sorts in place, in memory that is in the processor's cache.
    """

    __slots__ = ("_items", "capacity", "compactions", "length")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._items: NDArray[np.float64] = np.empty(0)
        self.length = 0
        self.compactions = 0

    @property
    def items(self) -> NDArray[np.float64]:
        return self._items[: self.length]

    def extend(self, values: NDArray[np.float64]) -> None:
        end = self.length + values.size
        if end > self._items.size:
            grown = np.empty(max(end, 2 * self._items.size))
            grown[: self.length] = self.items
            self._items = grown
        self._items[self.length : end] = values
        self.length = end

    def compact_into(self, above: _Compactor, *, in_runs: bool) -> int:
        """Move every second item of the sorted buffer up, and return the number of items that were dropped.

        Parameters
        ----------
        in_runs : bool
            Whether the buffer consists of few sorted runs, so that merging them is faster than sorting again.
        """
        even = self.length - self.length % 2
        # The first survivor is sorted item 0, 1, 1, 0, 0, 1, 1, ...: each pair of compactions cancels its bias.
        offset = (self.compactions + 1) // 2 % 2
        head = self._items[:even]
        # Of contiguous float64 the default kind is NumPy's SIMD quicksort, the stable one a merge sort that finds runs.
        head.sort(kind="stable" if in_runs else None)
        above.extend(head[offset::2])
        if self.length > even:
            self._items[0] = self._items[even]
        self.length -= even
        self.compactions += 1
        return even // 2


class KllSketch:
    """A quantile sketch of a stream of numbers, in memory that does not grow with the length of the stream.

    Items are on levels; one at level ``h`` stands for ``2**h`` values. Level ``h`` holds about
    ``capacity(h) = 2 * (ceil(k * c**h / 2) + 1)`` items. When the sketch holds more items than the capacity
    of all its levels, the lowest full level is sorted and every second item of it moves up. This depends only on the
    number of values and never on the values themselves, so that blocks of values can be added at once, and any split
    of a sequence into calls of `update` gives the identical sketch.

    Parameters
    ----------
    k : int
        The size of the lowest level, at least 2. The sketch is exact up to ``capacity(0)`` values (2050 by default).
    c : float
        The ratio of the sizes of a level and the one below, ``0 < c <= 1``.

    Notes
    -----
    Karnin, Lang and Liberty, "Optimal quantile approximation in streams", 2016; in the form of Deequ's
    ``QuantileNonSample`` (largest level at the bottom, no random choice), which is what SageMaker's container runs.
    """

    def __init__(self, *, k: int = 2048, c: float = 0.64) -> None:
        if k < 2 or not 0 < c <= 1:
            raise InvalidInput("InvalidSketch", f"a KLL sketch needs k >= 2 and 0 < c <= 1; k is {k} and c is {c}")
        self.k = k
        self.c = c
        self._levels: list[_Compactor] = []
        self._size = 0  # items on all levels
        self._capacity = 0  # of all levels
        self._cumulative: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None  # until the next change
        self._add_level()

    @property
    def count(self) -> int:
        """The number of values that the sketch stands for."""
        return sum(level.length << height for height, level in enumerate(self._levels))

    def update(self, values: NDArray[np.float64]) -> None:
        """Add finite values, in row order.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)

        Raises
        ------
        ValueError
            If a value is NaN or infinite.
        """
        if not np.isfinite(values).all():
            raise ValueError("a KLL sketch takes finite values only")
        values = _without_negative_zero(values)
        start = 0
        while start < values.size:
            room = max(self._capacity - self._size + 1, 1)
            self._extend(0, values[start : start + room])
            start += room
            if self._size > self._capacity:
                self._condense()

    def merge(self, other: KllSketch) -> KllSketch:
        """Return a sketch of both streams; the two sketches do not change.

        Level by level, the other's items are appended to this one's, then full levels are compacted. The result
        depends on the order of merging, as in SageMaker's container.

        Raises
        ------
        InvalidInput
            ``SketchesDiffer`` if the two were made with different ``k`` or ``c``.
        """
        if (self.k, self.c) != (other.k, other.c):
            message = f"cannot merge a sketch of k={self.k}, c={self.c} with one of k={other.k}, c={other.c}"
            raise InvalidInput("SketchesDiffer", message)
        merged = KllSketch(k=self.k, c=self.c)
        merged._append(self)
        merged._append(other)
        for mine, level in zip(merged._levels, self._levels, strict=False):
            mine.compactions = level.compactions
        while merged._size >= merged._capacity:
            merged._condense()
        return merged

    def replaced(self, replace: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> KllSketch:
        """Return a sketch in which others stand for the items, one for each; this one does not change."""
        sketch = KllSketch(k=self.k, c=self.c)
        for height, level in enumerate(self._levels):
            sketch._extend(height, replace(level.items))
        return sketch

    def cumulative_weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sorted distinct items, and for each the number of values that it and all smaller ones stand for.

        Returns
        -------
        items, weights : ndarray of float64, shape (m,)
            ``weights[-1] == count``; both are empty for an empty sketch.
        """
        if self._cumulative is None:
            items = np.concatenate([level.items for level in self._levels])
            order = np.argsort(items)  # of equal items in any order: weights are whole, so that sums of them are exact
            items = items[order]
            weights = np.repeat(2.0 ** np.arange(len(self._levels)), [level.length for level in self._levels])
            last = np.append(items[1:] != items[:-1], True)[: items.size]
            self._cumulative = items[last], np.cumsum(weights[order])[last]
        return self._cumulative

    def release(self) -> None:
        """Keep the items only, until something is looked up again: for that, twice as much memory is held."""
        self._cumulative = None

    @property
    def rank_error(self) -> float:
        """How wrong a share of values below a number may be, in [0, 1]; 0 while every value is kept.

        Twice the standard deviation of that error, if for each compaction a rank is as likely odd as even: then it is
        off by the weight of an item, in either direction. Twice is what the largest error over all ranks hardly
        exceeds; it is about 0.002 for 100,000 values and 0.004 for a million.
        """
        variance, above = 0.0, 0
        for height in reversed(range(len(self._levels))):
            level = self._levels[height]
            variance += above * 2.0**height / level.capacity / 2
            above += level.length << height
        return 2 * math.sqrt(variance) / above if variance else 0.0

    def shares_up_to(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distribution function: for each value, the share of the stream that is not above it.

        Raises
        ------
        ValueError
            If the sketch is empty.
        """
        if not self.count:
            raise ValueError("no shares without a value")
        return shares_up_to(values, *self.cumulative_weights())

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Return percentiles: of each, the least item with at least so many per cent of all values up to it.

        Parameters
        ----------
        percents : sequence of float
            From 0, which is the least item, to 100, which is the greatest.

        Raises
        ------
        ValueError
            If the sketch is empty.
        """
        count = self.count
        if not count:
            raise ValueError("no percentiles without a value")
        items, weights = self.cumulative_weights()
        ranks = [max(-(-count * percent // 100), 1) for percent in percents]  # whole percents without rounding
        return [float(item) for item in items[np.searchsorted(weights, ranks)]]

    def buckets(self, minimum: float, maximum: float, *, n: int = 10) -> tuple[Bucket, ...]:
        """Return the histogram of ``n`` buckets of equal width between the stream's minimum and maximum.

        Parameters
        ----------
        minimum, maximum : float
            The exact minimum and maximum of the stream, which the sketch may have lost. If they are equal, all bounds
            are that value and the last bucket holds everything.
        n : int
            Number of buckets.

        Returns
        -------
        tuple of Bucket, length n
            The counts are estimates of the sketch, which are exact integers up to ``capacity(0)`` values.

        Notes
        -----
        The bounds are ``minimum + (maximum - minimum) * i / n`` in this order of operations, which gives exactly the
        bounds of SageMaker's container. The last one may therefore be less than `maximum` by a rounding error, and
        then, as in the files of that container, no bucket holds the values in between.
        """
        edges = _bucket_edges(minimum, maximum, n)
        items, weights = self.cumulative_weights()
        ranks = np.concatenate([[0.0], weights])
        below = ranks[np.searchsorted(items, edges, side="left")]
        below[-1] = ranks[np.searchsorted(items, edges[-1], side="right")]
        counts = np.diff(below)
        return tuple(
            Bucket(float(lower), float(upper), float(count))
            for lower, upper, count in zip(edges[:-1], edges[1:], counts, strict=True)
        )

    def to_document(self) -> dict[str, Any]:
        """Return the sketch as the ``sketch`` object of ``statistics.json``: parameters, and the items by level."""
        return {
            "parameters": {"c": self.c, "k": float(self.k)},
            "data": [level.items.tolist() for level in self._levels],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> KllSketch:
        """Read a ``sketch`` object of a ``statistics.json`` of SageMaker or Modelwatch.

        The document does not say how often each level was compacted, so that after further updates the sketch may have
        different items from the one that was written.

        Raises
        ------
        InvalidInput
            ``InvalidSketch`` if it is not such an object.
        """
        try:
            found = dict(document.items())  # at once: one that is deferred is computed each time
            parameters, data = found["parameters"], found["data"]
            k, c = parameters["k"], parameters["c"]
        except (AttributeError, KeyError, TypeError, IndexError):
            raise _invalid('it must be an object with "parameters" {"c", "k"} and "data"') from None
        if {type(k), type(c)} - {int, float} or not (2 <= k <= _MAX_K and k == int(k) and 0 < c <= 1):
            raise _invalid(f"its parameter k must be an integer from 2 to {_MAX_K}, and c more than 0 and at most 1")
        sketch = cls(k=int(k), c=float(c))
        if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > _MAX_LEVELS:
            raise _invalid(f"its data must be a list of at most {_MAX_LEVELS} levels")
        for height, values in enumerate(data):
            sketch._extend(height, _without_negative_zero(_read_level(height, values)))
        return sketch

    def _add_level(self) -> None:
        capacity = 2 * (math.ceil(self.k * self.c ** len(self._levels) / 2) + 1)
        self._levels.append(_Compactor(capacity))
        self._capacity += capacity

    def _extend(self, height: int, items: NDArray[np.float64]) -> None:
        while height >= len(self._levels):
            self._add_level()
        self._cumulative = None
        self._levels[height].extend(items)
        self._size += items.size

    def _append(self, other: KllSketch) -> None:
        for height, level in enumerate(other._levels):
            self._extend(height, level.items)

    def _condense(self) -> None:
        """Compact the lowest full level once. There is one if the number of items is the capacity or more."""
        self._cumulative = None
        for height, level in enumerate(self._levels):
            if level.length >= level.capacity:
                if height + 1 == len(self._levels):
                    self._add_level()
                self._size -= level.compact_into(self._levels[height + 1], in_runs=height > 0)
                return


def shares_up_to(
    values: NDArray[np.float64], items: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distribution function of the cumulative weights of a sketch that is not empty."""
    shares: NDArray[np.float64] = np.concatenate([[0.0], weights / weights[-1]])
    return shares[np.searchsorted(items, values, side="right")]


def _without_negative_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace -0.0 by 0.0: the two compare equal, so that their order after sorting would be undefined."""
    return values + 0.0


def _bucket_edges(minimum: float, maximum: float, n: int) -> NDArray[np.float64]:
    steps = np.arange(n + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        edges = minimum + (maximum - minimum) * steps / n
    if np.isfinite(edges).all():
        return edges
    return minimum * (1 - steps / n) + maximum * (steps / n)  # the range overflows a float64


def _read_level(height: int, values: object) -> NDArray[np.float64]:
    error = _invalid(f"level {height} of its data must be a list of finite numbers")
    if not isinstance(values, Sequence) or not set(map(type, values)) <= {int, float}:
        raise error
    try:
        level = np.array(values, dtype=np.float64)
    except OverflowError:
        raise error from None
    if not np.isfinite(level).all():
        raise error
    return level


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(
        "InvalidSketch", f"the KLL sketch in statistics.json cannot be read: {reason}; create the baseline again"
    )
