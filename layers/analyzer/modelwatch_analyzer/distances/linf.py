"""The L-infinity distance between a baseline and current data, SageMaker's measure of drift, Simple and Robust."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from modelwatch_analyzer.distances.measure import (
    INDEPENDENT_VALUES,
    DesignEffects,
    DriftMeasure,
    NumericBaseline,
    nothing_in,
)
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.sketches.kll import KllSketch, shares_up_to
from modelwatch_analyzer.undefined import Undefined

_CRITICAL_VALUE = 1.8


def l_infinity_numerical(
    baseline: KllSketch, current: KllSketch, effects: DesignEffects = INDEPENDENT_VALUES, *, robust: bool
) -> float | Undefined:
    """Return the greatest difference between two empirical distribution functions, in [0, 1].

    It is the statistic of the two-sample Kolmogorov-Smirnov test, on the functions that the sketches give.

    Parameters
    ----------
    baseline, current : KllSketch
    effects : DesignEffects
    robust : bool
        Whether to subtract what chance alone explains in so many independent values, see Notes.

    Returns
    -------
    float or Undefined
        Undefined if a sketch is empty.

    Notes
    -----
    Robust is ``max(0, d - 1.8 * sqrt((n + m) / (n * m)))``, as in Deequ's ``Distance``. By ``sqrt(-ln(alpha / 2) / 2)``
    (Knuth, The Art of Computer Programming 2, 3.3.1), 1.8 is the critical value of a level of about 0.003.
    """
    nothing = nothing_in(baseline.count, current.count)
    if nothing:
        return nothing
    then, now = baseline.cumulative_weights(), current.cumulative_weights()
    everywhere = np.concatenate([then[0], now[0]])
    distance = float(np.abs(shares_up_to(everywhere, *then) - shares_up_to(everywhere, *now)).max())
    return _less_chance(distance, baseline.count, current.count, effects) if robust else distance


def l_infinity_categorical(
    baseline: Mapping[str, float],
    current: Mapping[str, float],
    effects: DesignEffects = INDEPENDENT_VALUES,
    *,
    robust: bool,
) -> float | Undefined:
    """Return the greatest difference between the shares of a category, in [0, 1].

    Parameters
    ----------
    baseline, current : mapping of str to float
        How often each category occurs. One that is missing occurs never.
    effects, robust
        As in `l_infinity_numerical`.

    Returns
    -------
    float or Undefined
        Undefined if there is nothing on one side.
    """
    n, m = math.fsum(baseline.values()), math.fsum(current.values())
    nothing = nothing_in(n, m)
    if nothing:
        return nothing
    distance = max(abs(baseline.get(key, 0.0) / n - current.get(key, 0.0) / m) for key in baseline.keys() | current)
    return _less_chance(distance, n, m, effects) if robust else distance


def explained_by_chance(n: float, m: float) -> float:
    """Return what Robust takes off the distance between samples of `n` and `m`, see `l_infinity_numerical`."""
    return _CRITICAL_VALUE * math.sqrt((n + m) / (n * m))


def _less_chance(distance: float, n: float, m: float, effects: DesignEffects) -> float:
    return max(0.0, distance - explained_by_chance(n / effects.baseline, m / effects.current))


def _numerical(
    baseline: NumericBaseline, current: KllSketch, effects: DesignEffects, *, robust: bool
) -> float | Undefined:
    return l_infinity_numerical(baseline.sketch, current, effects, robust=robust)


def _categorical(
    baseline: Mapping[str, int], current: CategoryCounts, effects: DesignEffects, *, robust: bool
) -> float | Undefined:
    return l_infinity_categorical(baseline, current.frequencies(), effects, robust=robust)


_SOURCE = "SageMaker Model Monitor; Deequ, analyzers/Distance"

SIMPLE = DriftMeasure(
    name="Simple",
    title="Simple L-infinity",
    numerical=partial(_numerical, robust=False),
    categorical=partial(_categorical, robust=False),
    greatest=1.0,
    threshold="the greatest difference between cumulative shares, or between shares of a category, in [0, 1]",
    source=_SOURCE,
)
ROBUST = DriftMeasure(
    name="Robust",
    title="Robust L-infinity",
    numerical=partial(_numerical, robust=True),
    categorical=partial(_categorical, robust=True),
    greatest=1.0,
    threshold="as for Simple, less what chance explains in samples of these sizes",
    source=f"{_SOURCE}; Knuth, The Art of Computer Programming 2, 3.3.1",
)
