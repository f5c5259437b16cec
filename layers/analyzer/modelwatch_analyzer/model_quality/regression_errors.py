"""Errors of predicted numbers: sums and quantiles, accumulated from batches of rows and resampled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.distributions import LABEL, PREDICTION, Distributions, of_numbers
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_analyzer.resampling import Resampling
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.spread import Ranges, sum_of_squares_within

BLOCKS = 1024
"""Rows are resampled in this many blocks; of up to as many rows each is a block of its own."""

_MANY_ROWS, _NEARLY_ALL, _MOVED = 20, 0.99, 0.05
_EPSILON = float(np.finfo(np.float64).eps)
QUANTILE_LEVELS = {
    "median_absolute_error": 0.5,
    "absolute_error_p90": 0.9,
    "absolute_error_p95": 0.95,
    "absolute_error_p99": 0.99,
}


_MERGED = (
    "label",
    "label_sketch",
    "prediction",
    "prediction_sketch",
    "absolute",
    "squared",
    "percentage",
    "sketch",
)


class RegressionErrors:
    """A mergeable accumulator of everything that regression metrics need.

    Sums are exact (`Moments`): offsets cost no digits, and any split of the rows gives the same metrics. Quantiles
    of absolute errors come from a `KllSketch`: exact up to 2,050 rows, then of a rank that was off by less than
    0.1 % of the rows in trials up to a million. For intervals, each of up to 1,024 rows is in a block of its own, and
    each of more in a random block: of sorted rows, or of series in turn, blocks at even distances would differ less,
    or more, than those of rows in any order.
    """

    __slots__ = (
        "_blocks",
        "absolute",
        "count",
        "label",
        "label_sketch",
        "percentage",
        "prediction",
        "prediction_sketch",
        "sketch",
        "squared",
    )

    def __init__(self) -> None:
        self.count = 0
        self.label = Moments()
        self.label_sketch = KllSketch()
        self.prediction = Moments()
        self.prediction_sketch = KllSketch()
        self.absolute = Moments()
        self.squared = _Sum()
        self.percentage = _Sum()
        self.sketch = KllSketch()
        self._blocks = Blocks.empty()

    def update(self, label: NDArray[np.float64], prediction: NDArray[np.float64]) -> None:
        """Take in rows.

        Parameters
        ----------
        label, prediction : ndarray of float64, shape (n,)
            Finite values. An error beyond the greatest float64 counts as that.
        """
        if not label.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            absolute, squared, percentage = _errors_of(label, prediction)
            block = self._blocks_of_further(label.size)
            self._blocks = self._blocks.plus(Blocks.of(block, absolute, squared, percentage, label, prediction))
        self.label.update(label)
        self.label_sketch.update(label)
        self.prediction.update(prediction)
        self.prediction_sketch.update(prediction)
        self.absolute.update(absolute)
        self.squared.update(squared)
        self.percentage.update(percentage)
        self.sketch.update(absolute)
        self.count += label.size

    def merge(self, other: RegressionErrors) -> RegressionErrors:
        """Return the errors of both, the other's rows behind this one's; neither changes."""
        merged = RegressionErrors()
        merged._include(self)
        merged._include(other)
        return merged

    def _include(self, other: RegressionErrors) -> None:
        if not other.count:
            return
        for name in _MERGED:
            setattr(self, name, getattr(self, name).merge(getattr(other, name)))
        blocks = other._blocks
        if self.count:
            places = self._blocks_of_further(min(other.count, BLOCKS + 1))
            blocks = blocks.moved(places) if other.count <= BLOCKS else blocks.rolled(int(places[0]))
        self._blocks = self._blocks.plus(blocks)
        self.count += other.count

    def _blocks_of_further(self, number: int) -> NDArray[np.int64]:
        """Return the blocks of so many further rows; when rows are more than blocks, those before are moved as well."""
        if self.count + number <= BLOCKS:
            return np.arange(self.count, self.count + number)
        if 0 < self.count <= BLOCKS:
            self._blocks = self._blocks.moved(_blocks_of_rows(0, self.count))
        return _blocks_of_rows(self.count, number)

    def distributions(self, requests: RequestRows) -> Distributions:
        """Return those of the predicted numbers and of the labels; there must be a row."""
        return {
            PREDICTION: of_numbers(PREDICTION, self.prediction, self.prediction_sketch, requests),
            LABEL: of_numbers(LABEL, self.label, self.label_sketch, requests),
        }

    def remarks(self) -> Iterator[str]:
        """Say where one row decides the mean error, as a placeholder of a missing value does."""
        share = self.absolute.maximum / self.count
        if self.count >= _MANY_ROWS and share > _NEARLY_ALL * self.absolute.mean:
            yield (
                f"one of {self.count:,} rows makes up more than {_NEARLY_ALL:.0%} of the mean error: check whether a "
                "large number stands for a missing value. It hides the errors of all other rows"
            )

    def finish(self) -> tuple[MeanErrors, ErrorQuantiles]:
        """Return the evidence of `REGRESSION` and of `QUANTILES`."""
        errors = MeanErrors(
            rows=np.float64(self.count),
            absolute=np.float64(self.absolute.mean),
            squared=np.float64(self.squared.mean),
            percentage=np.float64(self.percentage.mean),
            label_spread=_spread(self.label),
            prediction_spread=_spread(self.prediction),
            blocks=self._blocks.filled(),
        )
        items, weights = self.sketch.cumulative_weights()
        return errors, ErrorQuantiles(items, weights, np.array(list(QUANTILE_LEVELS.values())))


def _errors_of(
    label: NDArray[np.float64], prediction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return absolute, squared and relative errors."""
    absolute = np.minimum(np.abs(label - prediction), sys.float_info.max)
    return absolute, absolute * absolute, absolute / np.maximum(np.abs(label), _EPSILON)


def _blocks_of_rows(first: int, number: int) -> NDArray[np.int64]:
    """Return the blocks of so many rows from the first on."""
    run, start = divmod(first, BLOCKS)
    runs = [_blocks_of_run(each) for each in range(run, -(-(first + number) // BLOCKS))]
    return np.concatenate(runs)[start : start + number]


@lru_cache(maxsize=1)
def _blocks_of_run(run: int) -> NDArray[np.int64]:
    """Return the blocks of as many consecutive rows as there are blocks; they depend on the place of the rows alone."""
    return np.random.default_rng(run).integers(BLOCKS, size=BLOCKS)


def _spread(moments: Moments) -> np.float64:
    """Return the sum of squared deviations from the mean."""
    rows = np.float64(moments.count)
    ranges = Ranges(np.float64(moments.minimum), np.float64(moments.maximum))
    with np.errstate(over="ignore"):
        squares = np.float64(moments.population_std) ** 2 * rows
    return np.float64(sum_of_squares_within(squares, rows, ranges))


class _Sum:
    """Moments of values that may be beyond the greatest float64, in which case there is no mean."""

    __slots__ = ("_moments", "_overflown")

    def __init__(self) -> None:
        self._moments = Moments()
        self._overflown = False

    def update(self, values: NDArray[np.float64]) -> None:
        if np.isfinite(values).all():
            self._moments.update(values)
        else:
            self._overflown = True

    def merge(self, other: _Sum) -> _Sum:
        merged = _Sum()
        merged._moments = self._moments.merge(other._moments)
        merged._overflown = self._overflown or other._overflown
        return merged

    @property
    def mean(self) -> float:
        return float("nan") if self._overflown else self._moments.mean


@dataclass(frozen=True, slots=True)
class Blocks:
    """Means by block of rows, and the spreads of labels and predictions in each; a mergeable accumulator.

    Means do not overflow where sums do, and a spread about the block's own mean does not depend on which row came
    first.

    Attributes
    ----------
    rows, absolute, squared, percentage, label, prediction : ndarray, shape (k,)
        Number of rows; means of absolute, squared and relative errors, of labels and of predictions.
    label_spread, prediction_spread : ndarray, shape (k,)
        Sums of squared deviations from the block's mean.
    label_range, prediction_range : Ranges, shape (k,)
    """

    rows: NDArray[np.float64]
    absolute: NDArray[np.float64]
    squared: NDArray[np.float64]
    percentage: NDArray[np.float64]
    label: NDArray[np.float64]
    prediction: NDArray[np.float64]
    label_spread: NDArray[np.float64]
    prediction_spread: NDArray[np.float64]
    label_range: Ranges
    prediction_range: Ranges

    @classmethod
    def empty(cls) -> Blocks:
        """Return blocks without rows."""
        none = Ranges(np.full(BLOCKS, np.inf), np.full(BLOCKS, -np.inf))
        return cls._of(np.zeros((len(_ARRAYS), BLOCKS)), (none, none))

    @classmethod
    def _of(cls, arrays: Iterable[NDArray[Any]], ranges: Iterable[Ranges]) -> Blocks:
        named = {name: array.astype(np.float64) for name, array in zip(_ARRAYS, arrays, strict=True)}
        label_range, prediction_range = ranges
        return cls(**named, label_range=label_range, prediction_range=prediction_range)

    @classmethod
    def of(
        cls,
        block: NDArray[np.int64],
        absolute: NDArray[np.float64],
        squared: NDArray[np.float64],
        percentage: NDArray[np.float64],
        label: NDArray[np.float64],
        prediction: NDArray[np.float64],
    ) -> Blocks:
        """Return the blocks of rows, of which `block` says where each is."""
        rows = np.bincount(block, minlength=BLOCKS).astype(np.float64)
        share = 1 / rows[block]
        means = [
            np.bincount(block, values * share, minlength=BLOCKS)
            for values in (absolute, squared, percentage, label, prediction)
        ]
        spreads = [
            np.bincount(block, (values - mean[block]) ** 2, minlength=BLOCKS)
            for values, mean in zip((label, prediction), means[-2:], strict=True)
        ]
        ranges = (Ranges.of_groups(values, block, BLOCKS) for values in (label, prediction))
        return cls._of((rows, *means, *spreads), ranges)

    def plus(self, other: Blocks) -> Blocks:
        """Return the blocks of the rows of both.

        Spreads are joined as Chan, Golub and LeVeque, 1979, have it.
        """
        rows = self.rows + other.rows
        ours, theirs = (np.divide(each.rows, rows, out=np.zeros(rows.shape), where=rows > 0) for each in (self, other))
        with np.errstate(over="ignore", invalid="ignore"):
            means = [getattr(self, name) * ours + getattr(other, name) * theirs for name in _MEANS]
            spreads = [
                getattr(self, f"{name}_spread")
                + getattr(other, f"{name}_spread")
                + (getattr(self, name) - getattr(other, name)) ** 2 * ours * other.rows
                for name in _VALUES
            ]
        ranges = (getattr(self, name).merge(getattr(other, name)) for name in _RANGES)
        return Blocks._of((rows, *means, *spreads), ranges)

    def rolled(self, places: int) -> Blocks:
        """Rotate the blocks by some places."""
        return self._each(lambda blocks: np.roll(blocks, places))

    def moved(self, block: NDArray[np.int64]) -> Blocks:
        """Return the blocks of the same rows, each of which was in a block of its own; `block` says where each is."""
        rows = self.filled()
        with np.errstate(over="ignore", invalid="ignore"):
            return Blocks.of(block, *(getattr(rows, name) for name in _MEANS))

    def filled(self) -> Blocks:
        """Return the blocks that hold rows."""
        return self._each(lambda blocks: blocks[self.rows > 0])

    def _each(self, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Blocks:
        ranges = (getattr(self, name) for name in _RANGES)
        return Blocks._of(
            (change(getattr(self, name)) for name in _ARRAYS),
            (Ranges(change(each.minimum), change(each.maximum)) for each in ranges),
        )

    def drawn(self, weights: NDArray[np.int64]) -> MeanErrors:
        """Return the errors of samples of blocks.

        Parameters
        ----------
        weights : ndarray of int, shape (..., k)
            How often each block is in each sample.
        """
        each = weights * self.rows
        rows = each.sum(axis=-1)
        share = each / rows[..., None]
        # A mean is not above the greatest of what it is a mean of, though rounding may put it there.
        absolute, squared, percentage = (
            np.minimum(share @ values, values.max()) for values in (self.absolute, self.squared, self.percentage)
        )
        label_spread, prediction_spread = (self._spread_of_drawn(name, weights, share, rows) for name in _VALUES)
        return MeanErrors(rows, absolute, squared, percentage, label_spread, prediction_spread)

    def normal_rows(self, name: str) -> int:
        """Return of how many normally distributed values the spread of labels or predictions is as well known.

        By the kurtosis, which is 3 for a normal distribution: the variance of a sum of squared deviations is
        proportional to it, less 1. Of more rows than blocks it is that of the blocks' sums.
        """
        rows, values = float(self.rows.sum()), getattr(self, name)
        with np.errstate(over="ignore", invalid="ignore"):
            away = values - float(self.rows / rows @ values)
            parts = getattr(self, f"{name}_spread") + self.rows * away**2
            mean = float(parts.sum() / rows)  # of a row, since blocks have different numbers of rows
        expected = rows / self.rows.size
        variation = float(((parts / mean - self.rows) ** 2).mean()) / expected**2 if 0 < mean < np.inf else 0.0
        known: float = 3 * rows / (1 + variation * rows / self.rows.size)
        return round(min(rows, known))

    def _spread_of_drawn(
        self, name: str, weights: NDArray[np.int64], share: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the spreads, about the mean of each sample: about any other number digits are lost."""
        values, ranges = getattr(self, name), getattr(self, f"{name}_range").of_drawn(weights)
        means = np.clip(share @ values, ranges.minimum, ranges.maximum)
        deviations = values - means[..., None]
        # The mean just subtracted is rounded; the second term takes that error back out.
        between = np.einsum("...k,...k,...k->...", share, deviations, deviations)
        between -= np.einsum("...k,...k->...", share, deviations) ** 2
        between *= rows
        return sum_of_squares_within(weights @ getattr(self, f"{name}_spread") + between, rows, ranges)


_VALUES = ("label", "prediction")
_MEANS = ("absolute", "squared", "percentage", *_VALUES)
_RANGES = ("label_range", "prediction_range")
_ARRAYS = tuple(name for name in Blocks.__slots__ if name not in _RANGES)


@dataclass(frozen=True, slots=True)
class MeanErrors:
    """Means over all rows; the evidence of `REGRESSION`.

    Attributes
    ----------
    rows, absolute, squared, percentage : ndarray, shape (...)
        Number of rows; means of absolute, squared and relative errors.
    label_spread, prediction_spread : ndarray, shape (...)
        Sums of squared deviations from the mean; 0 exactly where the values are equal.
    blocks : Blocks, optional
        What replicates are drawn from; replicates have none.
    """

    rows: NDArray[np.float64] | np.float64
    absolute: NDArray[np.float64] | np.float64
    squared: NDArray[np.float64] | np.float64
    percentage: NDArray[np.float64] | np.float64
    label_spread: NDArray[np.float64] | np.float64
    prediction_spread: NDArray[np.float64] | np.float64
    blocks: Blocks | None = None

    def resampled(self, resampling: Resampling) -> tuple[MeanErrors, MeanErrors]:
        """Resample blocks of rows."""
        blocks = self._of_rows()
        number = blocks.rows.size
        return blocks.drawn(resampling.weights(number)), blocks.drawn(np.ones(number, dtype=np.int64))

    def seen_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return labels and predictions."""
        return rows.select(_VALUES)

    def with_one_more(self, rows: pl.DataFrame) -> MeanErrors:
        """Add a label and a prediction to the means, and to the spreads about them."""
        label, prediction = (rows[name].to_numpy() for name in _VALUES)
        means, number = (self.absolute, self.squared, self.percentage), self.rows + 1
        absolute, squared, percentage = (
            mean + (value - mean) / number for mean, value in zip(means, _errors_of(label, prediction), strict=True)
        )
        blocks, spreads = self._of_rows(), (self.label_spread, self.prediction_spread)
        label_spread, prediction_spread = (
            spread + (values - blocks.rows @ getattr(blocks, name) / self.rows) ** 2 * self.rows / number
            for name, values, spread in zip(_VALUES, (label, prediction), spreads, strict=True)
        )
        return MeanErrors(number, absolute, squared, percentage, label_spread, prediction_spread)

    def normal_rows(self, name: str) -> int:
        """Return how well the spread of labels or predictions is known; see `Blocks.normal_rows`."""
        return self._of_rows().normal_rows(name)

    def _of_rows(self) -> Blocks:
        if self.blocks is None:
            raise TypeError("replicates have no blocks of rows")
        return self.blocks


@dataclass(frozen=True, slots=True)
class ErrorQuantiles:
    """The distribution of absolute errors; the evidence of `QUANTILES`.

    Attributes
    ----------
    items, weights : ndarray, shape (m,)
        As `KllSketch.cumulative_weights` gives them.
    levels : ndarray, shape (..., 4)
        The level of each quantile, from the least (0) to the greatest error (1).
    """

    items: NDArray[np.float64]
    weights: NDArray[np.float64]
    levels: NDArray[np.float64]

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Resample the levels: the rank of a resample's quantile follows a beta distribution."""
        rows = self.weights[-1] / resampling.variance_ratio
        size = (resampling.replicates, self.levels.size)
        levels = resampling.generator().beta(self.levels * rows, (1 - self.levels) * rows, size=size)
        return type(self)(self.items, self.weights, levels), self

    def seen_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return labels and predictions."""
        return rows.select(_VALUES)

    def with_one_more(self, rows: pl.DataFrame) -> Self:
        """Move the levels towards the end at which the row's error is, for each quantile.

        By a twentieth of the way: one row of many would move a quantile of a sketch by less than its items are apart.
        What matters is on which side of the quantile an error is.
        """
        absolute, *_ = _errors_of(*(rows[name].to_numpy() for name in _VALUES))
        places = np.searchsorted(self.weights, self.levels * self.weights[-1]).clip(0, self.items.size - 1)
        above = absolute[:, None] > self.items[places]
        return type(self)(self.items, self.weights, self.levels + _MOVED * (above - self.levels))
