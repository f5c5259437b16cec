"""The tests of a column of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.cells import NumberCells
from modelwatch_analyzer.calibrated.effects import difference_of_shares, effective_rows, largest_move
from modelwatch_analyzer.calibrated.evidence import DRIFT_CHECK, MINIMUM_EFFECT, MINIMUM_SHARE, Awaited, Evidence
from modelwatch_analyzer.calibrated.permutation import sum_test
from modelwatch_analyzer.calibrated.single_values import changed_most
from modelwatch_analyzer.calibrated.two_counts import TwoCounts, more_each
from modelwatch_analyzer.calibrated.unseen import unseen_of_dependent

Floats = NDArray[np.float64]

NUMBER_WEIGHTS = {
    "ks": 0.45,
    "location": 0.25,
    "spread": 0.08,
    "tails": 0.08,
    "value": 0.04,
    "unseen": 0.03,
    "missing": 0.04,
    "type": 0.015,
    "sign": 0.015,
}
"""The share of a column's rate of false alarms that each of its tests has: all of them together are the whole rate."""

_TAIL = 0.01
_FREQUENT = 0.01
"""A value is tested on its own if it has at least this share of both samples together."""


@dataclass(frozen=True, slots=True)
class NumberSamples:
    """Two samples of numbers in the cells of the baseline.

    Attributes
    ----------
    before, now : ndarray of float64, shape (cells,)
        The rows of each cell.
    cells : NumberCells
    unseen : ndarray of float64, optional
        The rows of each current value that is not among the baseline's; None where its values are not all known.
    repeated : tuple of float
        The design effects of the rows of either side.
    """

    before: Floats
    now: Floats
    cells: NumberCells
    unseen: Floats | None
    repeated: tuple[float, float]

    def independent(self) -> tuple[Floats, Floats]:
        """Return how many independent rows those of each cell are worth."""
        return self.before / self.repeated[0], self.now / self.repeated[1]


def number_evidence(samples: NumberSamples) -> Iterator[Evidence | Awaited]:
    """Yield the result of each test."""
    before, now = samples.independent()
    rows_before, rows_now = float(before.sum()), float(now.sum())
    if not rows_before or not rows_now:
        return
    rows = effective_rows(rows_before, rows_now)
    then, later = before / rows_before, now / rows_now
    moved = largest_move(then, later, rows, "of the rows moved to lower or higher values")
    ks = min(1.0, 2 * math.exp(-2 * rows * moved.estimate**2))
    pooled = before + now
    ranks = (np.cumsum(pooled) - pooled / 2) / (rows_before + rows_now)
    location = sum_test(ranks, before, now)
    yield Evidence("Kolmogorov-Smirnov test", DRIFT_CHECK, _part(ks, "ks"), moved, MINIMUM_EFFECT)
    yield Evidence("location test", DRIFT_CHECK, _part(location, "location"), moved, MINIMUM_EFFECT)
    from_middle = np.abs(ranks - 0.5)
    spread = sum_test(from_middle**2, before, now)
    order = np.argsort(from_middle, kind="stable")
    left = largest_move(then[order], later[order], rows, "of the rows moved from the middle outwards or inwards")
    yield Evidence("spread test", DRIFT_CHECK, _part(spread, "spread"), left, MINIMUM_EFFECT)
    yield _tails(before, now, rows_before, rows_now)
    yield from _single_values(samples, int(rows_before), int(rows_now))


def _tails(before: Floats, now: Floats, rows_before: float, rows_now: float) -> Awaited:
    """Test the rows beyond the baseline's extremes and beyond its outermost hundredths."""
    total = np.cumsum(before)
    low = int(np.searchsorted(total, _TAIL * total[-1], side="right"))  # the cells below it hold 1 % at most
    high = int(np.searchsorted(total, (1 - _TAIL) * total[-1], side="left"))
    places = (np.s_[:low], np.s_[high + 1 :], np.s_[:1], np.s_[-1:])  # the outermost cells are beyond the extremes
    counts = [(int(before[place].sum()), int(now[place].sum())) for place in places]
    then, later = np.array(counts).T

    def evidence(p: Floats) -> Evidence:
        best = int(np.argmin(p))
        effect = difference_of_shares(then[best], rows_before, later[best], rows_now, "of the rows moved to an end")
        return Evidence("tails test", DRIFT_CHECK, _part(4 * float(p[best]), "tails"), effect, MINIMUM_SHARE)

    return Awaited(more_each, TwoCounts(then, int(rows_before), later, int(rows_now)), evidence)


def _single_values(samples: NumberSamples, rows_before: int, rows_now: int) -> Iterator[Evidence]:
    (before, now), cells = map(np.floor, samples.independent()), samples.cells
    own = np.searchsorted(cells.edges, cells.own, side="left")
    pooled = before[own] + now[own]
    frequent = own[pooled >= _FREQUENT * (rows_before + rows_now)]
    if frequent.size and rows_before and rows_now:
        then, later = (side[frequent].astype(np.int64) for side in (before, now))
        p, place = changed_most(then, rows_before, later, rows_now)
        effect = difference_of_shares(
            int(then[place]), rows_before, int(later[place]), rows_now, "of the rows have another frequent value"
        )
        yield Evidence("single values test", DRIFT_CHECK, _part(p, "value"), effect, MINIMUM_SHARE)
    if samples.unseen is not None and 4 * cells.distinct <= rows_before:
        p = unseen_of_dependent(samples.before[own], samples.now[own], samples.unseen, samples.repeated)
        new = min(float(samples.unseen.sum()) / samples.repeated[1], rows_now)
        effect = difference_of_shares(0, rows_before, new, rows_now, "of the rows have new values")
        yield Evidence("unseen values test", DRIFT_CHECK, _part(p, "unseen"), effect, MINIMUM_SHARE)


def _part(p: float, test: str) -> float:
    return min(1.0, p / NUMBER_WEIGHTS[test])
