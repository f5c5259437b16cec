"""How large a change is: an estimate, an interval, and what it is a share of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MANY = 5_000
"""From this many effective rows on the limits have 97.5 % on each side, because there the least effect that matters
decides, not chance; with fewer rows they have 90 % on each side."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change, as a share of the rows.

    Attributes
    ----------
    estimate, lower, upper : float
    what : str
        What it is a share of, to be read after it: ``of the rows moved to other values``.
    """

    estimate: float
    lower: float
    upper: float
    what: str


def effective_rows(before: float, now: float) -> float:
    """Return n m / (n + m), by which the error of a difference between two samples goes."""
    return before * now / (before + now) if before + now else 0.0


def largest_move(before: Floats, now: Floats, rows: float, what: str) -> Effect:
    """Return the largest difference between two cumulative distributions over ordered cells.

    Parameters
    ----------
    before, now : ndarray, shape (cells,)
        Shares.
    rows : float
        See `effective_rows`.

    Notes
    -----
    The interval is that of Dvoretzky, Kiefer, Wolfowitz and Massart (1990) for two samples; for two different
    distributions see Underwood and Paillusson (2024), arXiv 2409.18087.
    """
    largest = float(np.max(np.abs(np.cumsum(now - before)))) if before.size else 0.0
    margin = math.sqrt(math.log(2 / 0.05) / (2 * rows)) if rows else 1.0
    return Effect(largest, max(0.0, largest - margin), min(1.0, largest + margin), what)


def total_variation(before: Floats, now: Floats, rows: float, what: str) -> Effect:
    """Return the share of rows that would have to change, less what chance alone makes of it.

    Notes
    -----
    The lower limit is McDiarmid's.
    """
    if not rows or not before.size:
        return Effect(0.0, 0.0, 1.0, what)
    pooled = (before + now) / 2
    chance = 0.5 * float(np.sqrt(2 / math.pi * pooled * (1 - pooled) / rows).sum())
    estimate = max(0.0, 0.5 * float(np.abs(now - before).sum()) - chance)
    margin = math.sqrt(math.log(20) / (2 * rows))
    return Effect(estimate, max(0.0, estimate - margin), min(1.0, estimate + margin), what)


def difference_of_shares(before: float, rows_before: float, now: float, rows_now: float, what: str) -> Effect:
    """Return how much larger or smaller one share became, with the limits of Newcombe (1998), method 10."""
    if not rows_before or not rows_now:
        return Effect(0.0, 0.0, 1.0, what)
    then, later = before / rows_before, now / rows_now
    quantile = 1.959964 if effective_rows(rows_before, rows_now) >= _MANY else 1.281552
    (then_low, then_high), (now_low, now_high) = (
        _wilson(share, rows, quantile) for share, rows in ((then, rows_before), (later, rows_now))
    )
    if later >= then:
        low, high = math.hypot(later - now_low, then_high - then), math.hypot(now_high - later, then - then_low)
    else:
        low, high = math.hypot(now_high - later, then - then_low), math.hypot(later - now_low, then_high - then)
    size = abs(later - then)
    return Effect(size, max(0.0, size - low), min(1.0, size + high), what)


def change_of_missing(before: float, rows_before: float, now: float, rows_now: float) -> Effect:
    """Return how many more rows, or fewer, have no value; see `difference_of_shares`."""
    more = now * rows_before > before * rows_now
    what = "more of the rows have no value" if more else "fewer of the rows have no value"
    return difference_of_shares(before, rows_before, now, rows_now, what)


def _wilson(share: float, rows: float, quantile: float) -> tuple[float, float]:
    square = quantile * quantile
    middle = share + square / (2 * rows)
    reach = quantile * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    return (middle - reach) / (1 + square / rows), (middle + reach) / (1 + square / rows)
