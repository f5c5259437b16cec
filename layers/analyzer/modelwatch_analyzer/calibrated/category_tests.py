"""The tests of a column of categories."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.effects import difference_of_shares, effective_rows, total_variation
from modelwatch_analyzer.calibrated.evidence import DRIFT_CHECK, MINIMUM_EFFECT, MINIMUM_SHARE, Evidence
from modelwatch_analyzer.calibrated.single_values import changed_most
from modelwatch_analyzer.calibrated.unseen import unseen_of_dependent
from modelwatch_analyzer.special_functions import chi_squared_tail

Floats = NDArray[np.float64]

CATEGORY_WEIGHTS = {"unseen": 0.2, "category": 0.3, "composition": 0.3, "missing": 0.2}
"""The share of a column's rate of false alarms that each of its tests has: all of them together are the whole rate."""

DOMAIN_CHECK = "categorical_values_check"


def category_evidence(
    before: Floats, now: Floats, unseen: Floats | None, repeated: tuple[float, float]
) -> Iterator[Evidence]:
    """Yield the result of each test.

    Parameters
    ----------
    before, now : ndarray of float64, shape (k,)
        The rows of each category of the baseline, or of each group of them, on either side.
    unseen : ndarray of float64, optional
        The current rows of each other category; None where categories are grouped.
    repeated : tuple of float
        The design effects of the rows of either side.
    """
    others = np.empty(0) if unseen is None else unseen
    then = np.append(before, np.zeros_like(others)) / repeated[0]
    later = np.append(now, others) / repeated[1]
    rows_before, rows_now = int(then.sum()), int(later.sum())
    if not rows_before or not rows_now:
        return
    whole_then, whole_later = (np.floor(side).astype(np.int64) for side in (then, later))
    if unseen is not None:
        p = unseen_of_dependent(before, now, unseen, repeated)
        new = min(float(later[before.size :].sum()), rows_now)
        effect = difference_of_shares(0, rows_before, new, rows_now, "of the rows have new categories")
        yield Evidence("unseen categories test", DOMAIN_CHECK, _part(p, "unseen"), effect, MINIMUM_SHARE)
    p, place = changed_most(whole_then, rows_before, whole_later, rows_now)
    effect = difference_of_shares(
        int(whole_then[place]), rows_before, int(whole_later[place]), rows_now, "of the rows have another category"
    )
    yield Evidence("one category test", DRIFT_CHECK, _part(p, "category"), effect, MINIMUM_SHARE)
    rows = effective_rows(float(then.sum()), float(later.sum()))
    moved = total_variation(then / then.sum(), later / later.sum(), rows, "of the rows changed their category")
    yield Evidence(
        "composition test", DRIFT_CHECK, _part(chi_squared(then, later), "composition"), moved, MINIMUM_EFFECT
    )


def chi_squared(before: Floats, now: Floats) -> float:
    """Return Pearson's p, with rare categories pooled: the tail of the law is exact for frequent ones only."""
    rows_before, rows_now = float(before.sum()), float(now.sum())
    pooled, rows = before + now, rows_before + rows_now
    if not rows_before or not rows_now:
        return 1.0
    least = 20 if rows_before > 5 * rows_now or rows_now > 5 * rows_before else 10
    smaller = min(rows_before, rows_now) / rows
    enough = pooled * smaller >= least
    rare = [float(each[~enough].sum()) for each in (before, now)]
    then, later = np.append(before[enough], rare[0]), np.append(now[enough], rare[1])
    if sum(rare) * smaller < least:
        if then.size == 1:
            return 1.0
        smallest = int(np.argmin((then + later)[:-1]))
        then[smallest], later[smallest] = then[smallest] + then[-1], later[smallest] + later[-1]
        then, later = then[:-1], later[:-1]
    if then.size < 2:
        return 1.0
    together = then + later
    statistic = float(((later - together * (rows_now / rows)) ** 2 / together).sum())
    statistic *= rows * rows / (rows_before * rows_now)
    return chi_squared_tail(then.size - 1, statistic)


def _part(p: float, test: str) -> float:
    return min(1.0, p / CATEGORY_WEIGHTS[test])
