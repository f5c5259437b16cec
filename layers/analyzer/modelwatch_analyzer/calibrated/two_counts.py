"""The exact test of two counts: whether chance explains that an event became more or less frequent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwatch_analyzer.calibrated.special_functions import log_factorial, normal_tails

Floats = NDArray[np.float64]

_MANY = 2_000
"""Where all four cells hold more, the normal distribution with a correction for continuity replaces the sum."""

_NEGLIGIBLE = 1e-14
_TERMS = 64
"""So many terms are summed at once."""


def more(before: ArrayLike, rows_before: int, now: ArrayLike, rows_now: int) -> Floats:
    """Return the chance of so many events now, or more, if all rows of both samples are exchangeable.

    Parameters
    ----------
    before, now : array_like of int, shape (k,)
        How many of the rows of each sample are an event, for k kinds of events.
    rows_before, rows_now : int
        The sizes of the samples.

    Returns
    -------
    ndarray of float64, shape (k,)

    Notes
    -----
    Given their sum, the events now are hypergeometric (Fisher's exact test, one-sided). The tail is summed by the ratio
    of its terms.
    """
    x0, x = np.atleast_1d(np.asarray(before, np.float64)), np.atleast_1d(np.asarray(now, np.float64))
    events, rows = x0 + x, float(rows_before + rows_now)
    mean = events * rows_now / rows if rows else events
    upper = x > mean  # the tail that is summed: from x up, or from x - 1 down
    tail = _summed(np.where(upper, x, x0 + 1), events, np.where(upper, rows_now, rows_before), rows)
    exact = np.where(upper, tail, 1.0 - tail)
    cells = np.minimum.reduce([x0, x, rows_before - x0, rows_now - x])
    return np.clip(np.where(cells > _MANY, _normal(x, mean, events, float(rows_now), rows), exact), 0.0, 1.0)


def fewer(before: ArrayLike, rows_before: int, now: ArrayLike, rows_now: int) -> Floats:
    """Return the chance of so few events now, or fewer; see `more`."""
    return more(now, rows_now, before, rows_before)


def different(before: ArrayLike, rows_before: int, now: ArrayLike, rows_now: int) -> Floats:
    """Return the chance of a difference in either direction: twice the smaller tail; see `more`."""
    tails = [tail(before, rows_before, now, rows_now) for tail in (more, fewer)]
    return np.minimum(1.0, 2.0 * np.minimum(*tails))


def _summed(x: Floats, events: Floats, drawn: Floats, rows: float) -> Floats:
    """Return P(X >= x) of hypergeometric X; x is above the mean, so that the terms shrink."""
    others = rows - events
    possible = (x <= events) & (x <= drawn)
    at = np.where(possible, x, 0.0)
    lowest = np.maximum(0.0, drawn - others)
    at = np.maximum(at, lowest)
    logs = _log_choose(events, at) + _log_choose(others, drawn - at) - _log_choose(np.full_like(at, rows), drawn)
    with np.errstate(over="ignore", invalid="ignore"):  # of terms that are not possible, which count as 0 below
        total = _series(at, events, drawn, others)
        return np.where(possible, np.exp(logs) * total, 0.0)


def _log_choose(n: Floats, k: Floats) -> Floats:
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k)


def _series(at: Floats, events: Floats, drawn: Floats, others: Floats) -> Floats:
    """Return the sum of the terms from some number of events on, as multiples of the first."""
    term, total = np.ones_like(at), np.ones_like(at)
    while np.any(term > _NEGLIGIBLE * total):
        next_ones = at + np.arange(_TERMS)[:, None]
        left = np.maximum(events - next_ones, 0.0) * np.maximum(drawn - next_ones, 0.0)
        terms = term * np.cumprod(left / ((next_ones + 1) * (others - drawn + next_ones + 1)), axis=0)
        total, term, at = total + terms.sum(axis=0), terms[-1], at + _TERMS
    return total


def _normal(x: Floats, mean: Floats, events: Floats, drawn: float, rows: float) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(mean * (1 - events / rows) * (rows - drawn) / (rows - 1))
        return normal_tails((x - mean - 0.5) / deviation)


TwoCountTest = Callable[[ArrayLike, int, ArrayLike, int], Floats]
"""``more``, ``fewer`` or ``different``."""
