"""The exact test of two counts: whether chance explains that an event became more or less frequent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwatch_analyzer.special_functions import log_factorial, normal_tails

Floats = NDArray[np.float64]

_MANY = 2_000
"""If all four cells hold more rows, the normal distribution with a continuity correction replaces the sum."""

_NEGLIGIBLE = 1e-14
_TERMS = 64
"""How many terms are added at once."""


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
    return more_each([TwoCounts(before, rows_before, now, rows_now)])[0]


def different(before: ArrayLike, rows_before: int, now: ArrayLike, rows_now: int) -> Floats:
    """Return the chance of a difference in either direction: twice the smaller tail; see `more`."""
    return different_each([TwoCounts(before, rows_before, now, rows_now)])[0]


class TwoCounts(NamedTuple):
    """The counts of one test, of k kinds of events; see `more`."""

    before: ArrayLike
    rows_before: int
    now: ArrayLike
    rows_now: int


def more_each(counts: Sequence[TwoCounts]) -> list[Floats]:
    """Return what `more` does of each, to the last digit, in the time of a few: of a table with many columns."""
    found: list[Floats] = [np.empty(0)] * len(counts)
    sides = [np.asarray([each.before, each.now], np.float64).reshape(2, -1) for each in counts]
    for kinds in {side.shape[1] for side in sides} - {0}:
        places = [place for place, side in enumerate(sides) if side.shape[1] == kinds]
        x0, x = np.concatenate([sides[place] for place in places], axis=1)
        of = np.array([(counts[place].rows_before, counts[place].rows_now) for place in places], np.float64)
        p = _more(x0, np.repeat(of[:, 0], kinds), x, np.repeat(of[:, 1], kinds), kinds)
        for place, each in zip(places, p.reshape(-1, kinds), strict=True):
            found[place] = each
    return found


def different_each(counts: Sequence[TwoCounts]) -> list[Floats]:
    """Return what `different` does of each; see `more_each`."""
    above = more_each(counts)
    below = more_each([TwoCounts(now, rows_now, before, rows_before) for before, rows_before, now, rows_now in counts])
    return [np.minimum(1.0, 2.0 * np.minimum(*tails)) for tails in zip(above, below, strict=True)]


def _more(x0: Floats, rows_before: Floats, x: Floats, rows_now: Floats, kinds: int) -> Floats:
    """Return the chances of tests that have so many kinds of events each, one test after the other."""
    events, rows = x0 + x, rows_before + rows_now
    mean = np.divide(events * rows_now, rows, out=events.copy(), where=rows > 0)
    upper = x > mean  # the tail that is summed: from x up, or from x - 1 down
    tail = _summed(np.where(upper, x, x0 + 1), events, np.where(upper, rows_now, rows_before), rows, kinds)
    exact = np.where(upper, tail, 1.0 - tail)
    many = np.minimum.reduce([x0, x, rows_before - x0, rows_now - x]) > _MANY
    if many.any():
        exact = np.where(many, _normal(x, mean, events, rows_now, rows), exact)
    return np.clip(exact, 0.0, 1.0)


def _summed(x: Floats, events: Floats, drawn: Floats, rows: Floats, kinds: int) -> Floats:
    """Return P(X >= x) of hypergeometric X; x is above the mean, so that the terms shrink."""
    others = rows - events
    possible = (x <= events) & (x <= drawn)
    at = np.where(possible, x, 0.0)
    lowest = np.maximum(0.0, drawn - others)
    at = np.maximum(at, lowest)
    logs = _log_choose(events, at) + _log_choose(others, drawn - at) - _log_choose(rows, drawn)
    with np.errstate(over="ignore", invalid="ignore"):  # of terms that are not possible, which count as 0 below
        total = _series(at, events, drawn, others, kinds)
        return np.where(possible, np.exp(logs) * total, 0.0)


def _log_choose(n: Floats, k: Floats) -> Floats:
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k)


def _series(at: Floats, events: Floats, drawn: Floats, others: Floats, kinds: int) -> Floats:
    """Return the sum of the terms from some number of events on, as multiples of the first.

    A test has as many terms as the one of its kinds that needs most, whatever tests are beside it.
    """
    term, total, at = np.ones_like(at), np.ones_like(at), at.copy()
    tests = np.arange(at.size).reshape(-1, kinds)
    while (tests := tests[np.any(term[tests] > _NEGLIGIBLE * total[tests], axis=1)]).size:
        here = tests.ravel()
        next_ones = at[here] + np.arange(_TERMS)[:, None]
        left = np.maximum(events[here] - next_ones, 0.0) * np.maximum(drawn[here] - next_ones, 0.0)
        ratios = left / ((next_ones + 1) * (others[here] - drawn[here] + next_ones + 1))
        terms = term[here] * np.cumprod(ratios, axis=0)
        # NumPy adds up the terms of a single kind in another order, and so to other last digits.
        total[here] += terms.sum(axis=0) if kinds > 1 else np.ascontiguousarray(terms.T).sum(axis=1)
        term[here] = terms[-1]
        at[here] += _TERMS
    return total


def _normal(x: Floats, mean: Floats, events: Floats, drawn: Floats, rows: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(mean * (1 - events / rows) * (rows - drawn) / (rows - 1))
        return normal_tails((x - mean - 0.5) / deviation)


TwoCountTest = Callable[[Sequence[TwoCounts]], list[Floats]]
"""The type of ``more_each`` and ``different_each``."""
