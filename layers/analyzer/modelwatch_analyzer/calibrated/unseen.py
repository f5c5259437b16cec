"""Values that the baseline has not: whether chance explains their number, and how frequent one of them is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.special_functions import log_factorial

Floats = NDArray[np.float64]


def unseen_test(pooled: Floats, unseen: Floats, rows_before: int, rows_now: int) -> float:
    """Return the p of the values that only the current rows have.

    Parameters
    ----------
    pooled : ndarray
        For each value of either sample, how many rows of both have it.
    unseen : ndarray
        The counts among them of values that no row of the baseline has.
    rows_before, rows_now : int

    Notes
    -----
    Given the pooled counts, a value with c rows is absent from the baseline with the chance H(c) that all of them are
    drawn into the current rows. The most frequent unseen value is judged by the union bound over all values that are
    as frequent; their number by Chernoff's bound, since the events are negatively associated (Joag-Dev and Proschan,
    1983). Ids, of which each row has a new one, come out right.
    """
    if not unseen.size or not rows_now:
        return 1.0
    counts, values = np.unique(pooled[pooled <= rows_now], return_counts=True)
    rows = float(rows_before + rows_now)
    all_drawn = _log_falling(float(rows_now), counts) - _log_falling(rows, counts)
    chances = values * np.exp(all_drawn)
    by_largest = float(chances[counts >= unseen.max()].sum())
    expected, number = float(chances.sum()), unseen.size
    by_number = 1.0
    if number > expected > 0:
        by_number = math.exp(-(expected - number + number * math.log(number / expected)))
    return min(1.0, 2 * by_largest, 2 * by_number)


def _log_falling(n: float, k: Floats) -> Floats:
    return math.lgamma(n + 1) - log_factorial(n - k)
