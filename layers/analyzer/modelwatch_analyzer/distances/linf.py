"""The L-infinity distance between a baseline and current data, SageMaker's measure of drift."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined

_DEFAULT_CRITICAL_VALUE = 1.8


class ComparisonMethod(StrEnum):
    """``comparison_method`` of a constraints file."""

    SIMPLE = "Simple"
    ROBUST = "Robust"


class CategoricalDriftMethod(StrEnum):
    """How drift of a categorical feature is measured."""

    L_INFINITY = "LInfinity"
    CHI_SQUARED = "ChiSquared"


def l_infinity_numerical(
    baseline: KllSketch, current: KllSketch, *, method: ComparisonMethod, alpha: float | None = None
) -> float | Undefined:
    """Return the greatest difference between two empirical distribution functions, in [0, 1].

    It is the statistic of the two-sample Kolmogorov-Smirnov test, on the functions that the sketches give.

    Parameters
    ----------
    baseline, current : KllSketch
    method : ComparisonMethod
        ``ROBUST`` subtracts what chance alone explains, see Notes.
    alpha : float, optional
        Level of significance of that correction; by default the first party's 1.8, about 0.003.

    Returns
    -------
    float or Undefined
        Undefined if a sketch is empty.

    Notes
    -----
    Robust is ``max(0, d - c(alpha) * sqrt((n + m) / (n * m)))`` with ``c(alpha) = sqrt(-ln(alpha / 2) / 2)``: Knuth,
    The Art of Computer Programming 2, 3.3.1, as in Deequ's ``Distance``.
    """
    if not (baseline.count and current.count):
        return Undefined("there is no value in " + ("the current data" if baseline.count else "the baseline"))
    items_b, weights_b = baseline.cumulative_weights()
    items_c, weights_c = current.cumulative_weights()
    everywhere = np.concatenate([items_b, items_c])
    distance = np.abs(_cdf(items_b, weights_b, everywhere) - _cdf(items_c, weights_c, everywhere)).max()
    return _corrected(float(distance), float(weights_b[-1]), float(weights_c[-1]), method, alpha)


def l_infinity_categorical(
    baseline: Mapping[str, float],
    current: Mapping[str, float],
    *,
    method: ComparisonMethod,
    alpha: float | None = None,
) -> float | Undefined:
    """Return the greatest difference between the shares of a category, in [0, 1].

    Parameters
    ----------
    baseline, current : mapping of str to float
        How often each category occurs. One that is missing occurs never.
    method, alpha
        As in `l_infinity_numerical`.

    Returns
    -------
    float or Undefined
        Undefined if there is nothing on one side.
    """
    n, m = math.fsum(baseline.values()), math.fsum(current.values())
    if not (n and m):
        return Undefined("there is no value in " + ("the current data" if n else "the baseline"))
    distance = max(abs(baseline.get(key, 0.0) / n - current.get(key, 0.0) / m) for key in baseline.keys() | current)
    return _corrected(distance, n, m, method, alpha)


def _cdf(items: NDArray[np.float64], weights: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.concatenate([[0.0], weights / weights[-1]])
    return shares[np.searchsorted(items, at, side="right")]


def _corrected(distance: float, n: float, m: float, method: ComparisonMethod, alpha: float | None) -> float:
    if method is ComparisonMethod.SIMPLE:
        return distance
    critical_value = _DEFAULT_CRITICAL_VALUE if alpha is None else math.sqrt(-math.log(alpha / 2) / 2)
    return max(0.0, distance - critical_value * math.sqrt((n + m) / (n * m)))
