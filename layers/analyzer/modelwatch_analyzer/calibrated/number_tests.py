"""The tests of a column of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.cells import NumberCells
from modelwatch_analyzer.calibrated.effects import difference_of_shares, effective_rows, largest_move
from modelwatch_analyzer.calibrated.evidence import DRIFT_CHECK, MINIMUM_EFFECT, MINIMUM_SHARE, Evidence
from modelwatch_analyzer.calibrated.permutation import sum_test
from modelwatch_analyzer.calibrated.single_values import changed_most
from modelwatch_analyzer.calibrated.two_counts import more
from modelwatch_analyzer.calibrated.unseen import unseen_test

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WEIGHTS = {"ks": 0.45, "location": 0.25, "spread": 0.08, "tails": 0.08, "value": 0.04, "unseen": 0.03}
"""The parts of a column's rate; missing values, types and signs have the rest."""

_TAIL = 0.01
_FREQUENT = 0.01
"""A value of its own is tested if it holds this share of both samples together."""


@dataclass(frozen=True, slots=True)
class NumberSamples:
    """Two samples of numbers in the cells of the baseline.

    Attributes
    ----------
    before, now : ndarray of int64, shape (cells,)
    cells : NumberCells
    unseen : ndarray of float64
        How often each current value occurs that is not among the baseline's; None where its values are not all known.
    repeated : float
        The design effect of the current rows: they tell as much as so many times fewer independent ones.
    """

    before: Integers
    now: Integers
    cells: NumberCells
    unseen: Floats | None
    repeated: float = 1.0


def number_evidence(samples: NumberSamples) -> Iterator[Evidence]:
    """Yield the result of each test."""
    before, now = samples.before.astype(np.float64), samples.now / samples.repeated
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
    whole = np.floor(now).astype(np.int64)
    yield _tails(samples.before, whole, rows_before, rows_now)
    yield from _single_values(samples, whole)


def _tails(before: Integers, now: Integers, rows_before: float, rows_now: float) -> Evidence:
    """Test the rows beyond the baseline's extremes and beyond its outermost hundredths."""
    total = np.cumsum(before)
    low = int(np.searchsorted(total, _TAIL * total[-1], side="right"))  # the cells below it hold 1 % at most
    high = int(np.searchsorted(total, (1 - _TAIL) * total[-1], side="left"))
    places = (np.s_[:low], np.s_[high + 1 :], np.s_[:1], np.s_[-1:])  # the outermost cells are beyond the extremes
    counts = [(int(before[place].sum()), int(now[place].sum())) for place in places]
    then, later = np.array(counts).T
    p = more(then, int(rows_before), later, int(rows_now))
    best = int(np.argmin(p))
    effect = difference_of_shares(then[best], rows_before, later[best], rows_now, "of the rows moved to an end")
    return Evidence("tails test", DRIFT_CHECK, _part(4 * float(p[best]), "tails"), effect, MINIMUM_SHARE)


def _single_values(samples: NumberSamples, now: Integers) -> Iterator[Evidence]:
    before, cells = samples.before, samples.cells
    own = np.searchsorted(cells.edges, np.asarray(cells.values), side="left")
    pooled = before[own] + now[own]
    frequent = own[pooled >= _FREQUENT * (before.sum() + now.sum())]
    if frequent.size:
        rows_before, rows_now = int(before.sum()), int(now.sum())
        p, place = changed_most(before[frequent], rows_before, now[frequent], rows_now)
        then, later = int(before[frequent][place]), int(now[frequent][place])
        effect = difference_of_shares(then, rows_before, later, rows_now, "of the rows have another frequent value")
        yield Evidence("single values test", DRIFT_CHECK, _part(p, "value"), effect, MINIMUM_SHARE)
    if samples.unseen is not None and 4 * cells.distinct <= int(before.sum()):
        unseen = np.floor(samples.unseen / samples.repeated)
        unseen = unseen[unseen > 0]
        rows_before, rows_now = int(before.sum()), int(now.sum())
        p = unseen_test(np.concatenate([pooled.astype(np.float64), unseen]), unseen, rows_before, rows_now)
        effect = difference_of_shares(0, rows_before, float(unseen.sum()), rows_now, "of the rows have new values")
        yield Evidence("unseen values test", DRIFT_CHECK, _part(p, "unseen"), effect, MINIMUM_SHARE)


def _part(p: float, test: str) -> float:
    return min(1.0, p / WEIGHTS[test])
