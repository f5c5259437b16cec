"""Values that the baseline has not: whether chance explains their number, and how frequent one of them is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
    from scipy.special import gammaln

    def log_all_drawn(count: Floats) -> Floats:
        rows = rows_before + rows_now
        drawn: Floats = gammaln(rows_now + 1) - gammaln(rows_now - count + 1)
        of_all: Floats = gammaln(rows + 1) - gammaln(rows - count + 1)
        return drawn - of_all

    chances = np.exp(log_all_drawn(pooled[pooled <= rows_now]))
    eligible = pooled[pooled <= rows_now]
    by_largest = float(chances[eligible >= unseen.max()].sum())
    expected, number = float(chances.sum()), unseen.size
    by_number = 1.0
    if number > expected > 0:
        by_number = math.exp(-(expected - number + number * math.log(number / expected)))
    return min(1.0, 2 * by_largest, 2 * by_number)
