"""By how much a violation is beyond what is allowed."""

from __future__ import annotations

import math

from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.violation_text import numbers_of

UNKNOWN = 1.0
"""Of a violation whose sentence holds no measure and threshold: a missing column, a sentence of one's own."""


def excess_of(violation: ConstraintViolation) -> float:
    """Return how many times the most that is allowed a value is, or how many times the least is the value.

    Returns
    -------
    float
        1 or more; infinite where the most that is allowed, or the value below the least, is 0.

    Examples
    --------
    >>> drift = "Baseline drift distance: 0.9 exceeds threshold: 0.1"
    >>> round(excess_of(ConstraintViolation(constraint_check_type="baseline_drift_check", description=drift)), 9)
    9.0
    """
    numbers = numbers_of(violation)
    if "share" in numbers and "least" in numbers:
        return _ratio(numbers["least"], numbers["share"])
    if "value" not in numbers:
        return UNKNOWN
    value = numbers["value"]
    if "threshold" in numbers:
        return _ratio(value, numbers["threshold"])
    if "limit" in numbers:
        return _ratio(value, numbers["limit"])
    if "low" in numbers and "high" in numbers:
        return _ratio(value, numbers["low"] if value < numbers["low"] else numbers["high"])
    return UNKNOWN


def _ratio(one: float, other: float) -> float:
    """Return how many times the smaller number the larger one is, by their absolute values."""
    small, large = sorted((abs(one), abs(other)))
    if small == 0:
        return UNKNOWN if large == 0 else math.inf
    ratio = large / small if math.isfinite(large) else math.inf
    return max(UNKNOWN, ratio)
