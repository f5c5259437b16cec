"""The bins of measures that compare shares: they are the baseline's, whatever today's data is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.distances.measure import (
    CategoricalStatistic,
    DesignEffects,
    NumericalStatistic,
    NumericBaseline,
    nothing_in,
)
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined

Floats = NDArray[np.float64]

_MOST_SINGLE_VALUES = 20
_LEAST_REPETITIONS = 5
_DECILES = range(10, 100, 10)
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class BinCounts:
    """How many independent values each bin holds then and now.

    The last bin is that of everything that the baseline has none of: it is empty in the baseline.

    Attributes
    ----------
    baseline, current : ndarray of float64, shape (bins,)
    """

    baseline: Floats
    current: Floats

    def independent(self, effects: DesignEffects) -> BinCounts:
        """Return so many times fewer values."""
        return BinCounts(self.baseline / effects.baseline, self.current / effects.current)

    def shares(self) -> tuple[Floats, Floats]:
        """Return the shares of the bins, as they are: a bin that is empty has share 0."""
        return self.baseline / self.baseline.sum(), self.current / self.current.sum()

    def smoothed_shares(self) -> tuple[Floats, Floats]:
        """Return shares none of which is 0: half a value is added on both sides to every bin that one of them fills.

        That is the expected share after the counts, if all distributions were as likely before (Jeffreys' prior);
        Krichevsky and Trofimov, 1981. A bin that both leave empty has no share: half a value is a larger part of a
        small window than of the baseline, which would be a distance.
        """
        filled = self.baseline + self.current > 0
        return BinCounts(self.baseline[filled] + _SMOOTHING, self.current[filled] + _SMOOTHING).shares()


def bins_of_numbers(baseline: NumericBaseline, current: KllSketch) -> BinCounts | Undefined:
    """Count numbers in the bins of a baseline.

    A baseline of at most 20 different values, each five times on average, has a bin for each value. Any other has
    its tenths: from its minimum to its first decile, from there to the second, and so on to the maximum; the upper
    end is in the bin, and deciles that are equal make one bin. A last bin takes the values that are none of these.

    Returns
    -------
    BinCounts or Undefined
        Undefined if there is nothing on one side.
    """
    nothing = nothing_in(baseline.sketch.count, current.count)
    if nothing:
        return nothing
    items, weights = baseline.sketch.cumulative_weights()
    single = items.size <= min(_MOST_SINGLE_VALUES, weights[-1] / _LEAST_REPETITIONS)
    greatest = items[-1] if baseline.maximum is None else max(items[-1], baseline.maximum)
    least = items[0] if baseline.minimum is None else min(items[0], baseline.minimum)
    ends = items if single else np.unique([*baseline.sketch.percentiles(_DECILES), greatest])

    def counts(sketch: KllSketch) -> Floats:
        values, up_to = sketch.cumulative_weights()
        bins = np.searchsorted(ends, values)
        known = (values >= least) & (values <= greatest)
        if single:
            known &= ends[np.minimum(bins, ends.size - 1)] == values
        filled: Floats = np.zeros(ends.size + 1)
        np.add.at(filled, np.where(known, bins, ends.size), np.diff(up_to, prepend=0.0))
        return filled

    return BinCounts(counts(baseline.sketch), counts(current))


def bins_of_categories(baseline: Mapping[str, int], current: CategoryCounts) -> BinCounts | Undefined:
    """Count categories: each of the baseline's is a bin, and all that it never saw are one more.

    Returns
    -------
    BinCounts or Undefined
        Undefined if there is nothing on one side.
    """
    nothing = nothing_in(sum(baseline.values()), current.total)
    if nothing:
        return nothing
    seen = current.counts()
    now = [seen.get(category, 0) for category in baseline]
    return BinCounts(
        np.array([*baseline.values(), 0], dtype=np.float64),
        np.array([*now, current.total - sum(now)], dtype=np.float64),
    )


def of_numbers(statistic: Callable[[BinCounts], float]) -> NumericalStatistic:
    """Return a statistic of bins as one of numeric features."""

    def of_features(baseline: NumericBaseline, current: KllSketch, effects: DesignEffects) -> float | Undefined:
        counts = bins_of_numbers(baseline, current)
        return counts if isinstance(counts, Undefined) else statistic(counts.independent(effects))

    return of_features


def of_categories(statistic: Callable[[BinCounts], float]) -> CategoricalStatistic:
    """Return a statistic of bins as one of text features."""

    def of_features(baseline: Mapping[str, int], current: CategoryCounts, effects: DesignEffects) -> float | Undefined:
        counts = bins_of_categories(baseline, current)
        return counts if isinstance(counts, Undefined) else statistic(counts.independent(effects))

    return of_features
