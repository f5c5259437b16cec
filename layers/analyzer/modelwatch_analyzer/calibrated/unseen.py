"""Values that the baseline has not: whether chance explains their number, and how frequent one of them is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.special_functions import log_factorial

Floats = NDArray[np.float64]

_POWERS = np.array([[0.0625], [0.125], [0.25], [0.5], [0.75], [1.0]])


def unseen_of_dependent(before: Floats, now: Floats, unseen: Floats, repeated: tuple[float, float]) -> float:
    """Return the p of the values that only the current rows have, where rows may count as fewer.

    Parameters
    ----------
    before, now : ndarray
        The rows of each value of the baseline, on either side.
    unseen : ndarray
        The current rows of each other value.
    repeated : tuple of float
        The design effects of the rows of either side.

    Notes
    -----
    A value that is there was there once at least: an id of five rows that count as seven times fewer is one id. Values
    that the baseline lacks have no rank in it, so the order of their rows does not show that they are alike: they
    count as rows of the baseline do, if that is fewer. How many chances of a value each side had is not clear either:
    as many as it has rows, or as the times its values were there. What gives the current rows more chances is used.
    """
    then, later, new = (
        np.where(rows > 0, np.maximum(np.floor(rows / effect), 1.0), 0.0)
        for rows, effect in zip((before, now, unseen), (*repeated, max(repeated)), strict=True)
    )
    chances = [(then.sum(), later.sum() + new.sum()), (before.sum(), now.sum() + unseen.sum())]
    rows_before, rows_now = max(chances, key=lambda sides: float(sides[1] / sum(sides)))
    pooled = np.append(then + later, new)
    return unseen_test(pooled[pooled > 0], new[new > 0], int(rows_before), int(rows_now))


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
