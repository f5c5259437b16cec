"""Scores of what was measured, with grades: how far a measure is from where nothing has changed to its threshold."""

from __future__ import annotations

import math

from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.distances.measure import Exceeds
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.scores import Score

_SMALLEST_P_VALUE = 1e-300


def grade(value: float | Undefined | None, threshold: float | None, *, at_rest: float) -> float | None:
    """Return how far a value is from `at_rest`, as a share of the threshold's distance from there.

    Returns
    -------
    float or None
        0 where nothing has changed, 1 at the threshold, more beyond it; never negative. None where a number is missing
        or not finite, or the threshold leaves no distance.
    """
    if value is None or isinstance(value, Undefined) or threshold is None:
        return None
    allowed = threshold - at_rest
    share = (value - at_rest) / allowed if allowed else math.nan
    return max(0.0, share) if math.isfinite(share) else None


def drift_grade(drift: Drift, *, before_chance: float | None = None, chance: float = 0.0) -> float | None:
    """Return the grade of a drift; p-values are compared by their logarithms.

    Parameters
    ----------
    before_chance : float, optional
        The distance before what chance explains was taken off it, which grades what is all chance, too.
    chance : float
        What chance explains, which the distance may have on top of its threshold.
    """
    distance, threshold = drift.distance, drift.threshold
    if isinstance(distance, Undefined) or threshold is None:
        return None
    if drift.measure.exceeds is Exceeds.SMALLER:
        p_value = math.log(max(distance, _SMALLEST_P_VALUE))
        return grade(p_value, math.log(threshold) if threshold > 0 else None, at_rest=0.0)
    if before_chance is not None:
        return grade(before_chance, threshold + chance, at_rest=0.0)
    return grade(distance, threshold, at_rest=0.0)


def score(
    name: str,
    value: float | Undefined | None,
    *,
    baseline: float | Undefined | None = None,
    threshold: float | None = None,
    graded: float | None = None,
    violated: bool = False,
) -> Score:
    """Return a score; what is undefined or not finite is left out of it."""
    return Score(
        name=name,
        value=_finite(value),
        baseline=_finite(baseline),
        threshold=_finite(threshold),
        grade=_finite(graded),
        violated=violated,
    )


def _finite(value: float | Undefined | None) -> float | None:
    return None if value is None or isinstance(value, Undefined) or not math.isfinite(value) else float(value)
