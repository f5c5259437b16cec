"""Values that the baseline has not: whether chance explains their number, and how frequent one of them is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.special_functions import log_factorial

Floats = NDArray[np.float64]

_POWERS = np.array([[0.0625], [0.125], [0.25], [0.5], [0.75], [1.0]])


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
    as frequent. All of them together by Chernoff's bound of the sum of -log H(c), since the events are negatively
    associated (Joag-Dev and Proschan, 1983): P(sum >= t) <= exp(-s t) prod (1 - H + H^(1-s)), for the best of some s.
    Ids, of which each row has a new one, come out right.
    """
    if not unseen.size or not rows_now:
        return 1.0
    counts, values = np.unique(pooled[pooled <= rows_now], return_counts=True)
    rows = float(rows_before + rows_now)
    all_drawn = _log_falling(float(rows_now), counts) - _log_falling(rows, counts)
    chances = np.exp(all_drawn)
    by_largest = float((values * chances)[counts >= unseen.max()].sum())
    surprise = float((_log_falling(rows, unseen) - _log_falling(float(rows_now), unseen)).sum())
    possible = chances > 0
    excess = values[possible] * np.log1p(chances[possible] ** (1 - _POWERS) - chances[possible])
    together = math.exp(min(0.0, float((excess.sum(axis=1) - _POWERS[:, 0] * surprise).min())))
    return min(1.0, 2 * by_largest, 2 * together)


def _log_falling(n: float, k: Floats) -> Floats:
    return math.lgamma(n + 1) - log_factorial(n - k)
