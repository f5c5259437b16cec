"""The tests of one column: each with its p, its part of the column's rate, and the size of what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.effects import Effect
from modelwatch_analyzer.calibrated.two_counts import TwoCounts, TwoCountTest


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result of one test of a column.

    Attributes
    ----------
    test : str
        Its name in reports.
    check : str
        The ``constraint_check_type`` that it decides.
    p : float
        Divided by the part of the column's rate that the test has, and 1 at most: a column's p is the least of these.
    effect : Effect
    minimum : str
        Which of the settings its effect is compared with: ``minimum_effect`` or ``minimum_share``.
    """

    test: str
    check: str
    p: float
    effect: Effect
    minimum: str


DRIFT_CHECK = "baseline_drift_check"
"""SageMaker's ``constraint_check_type`` of a distribution that has moved too far."""

MINIMUM_EFFECT, MINIMUM_SHARE = "minimum_effect", "minimum_share"

NO_SUCH_HOURS = "the baseline has no rows of these hours"
"""The remark on a column that has no evidence because its rows are of hours that the baseline does not know."""

WINDOW_TEST = "test of the window's mean"
"""The test that takes a window as one observation among others; it decides where the window has too few rows for the
other tests."""


@dataclass(frozen=True, slots=True)
class WindowMean:
    """How far the mean of a window of numbers is from what is usual in its seasons.

    Attributes
    ----------
    away : float
    rows : float
        How many rows, without copies, it is the mean of.
    usual : float
        What it is compared with, where the baseline has no negative value; else 0.
    """

    away: float
    rows: float
    usual: float = 0.0


@dataclass(frozen=True, slots=True)
class Awaited:
    """Evidence of two counts, which are tested for all columns at once.

    Attributes
    ----------
    test : TwoCountTest
    counts : TwoCounts
    evidence : callable
        Makes it of the p.
    """

    test: TwoCountTest
    counts: TwoCounts
    evidence: Callable[[NDArray[np.float64]], Evidence]


def tested(columns: Mapping[str, Sequence[Evidence | Awaited]]) -> dict[str, tuple[Evidence, ...]]:
    """Return the evidence of each column with what was awaited."""
    awaited: dict[TwoCountTest, list[Awaited]] = {}
    for evidence in columns.values():
        for each in evidence:
            if isinstance(each, Awaited):
                awaited.setdefault(each.test, []).append(each)
    p = {test: iter(test([each.counts for each in those])) for test, those in awaited.items()}
    return {
        name: tuple(each.evidence(next(p[each.test])) if isinstance(each, Awaited) else each for each in evidence)
        for name, evidence in columns.items()
    }


@dataclass(frozen=True, slots=True)
class Found:
    """The evidence of a column, of which each setting of rates and minimums makes a verdict.

    Attributes
    ----------
    evidence : tuple of Evidence
    rows_before, rows : float
        How many independent rows each side's values are worth.
    remark : str
        What was done about rows that are not independent.
    mean : WindowMean, optional
        Where the baseline is seasonal.
    """

    evidence: tuple[Evidence, ...]
    rows_before: float
    rows: float
    remark: str = ""
    mean: WindowMean | None = None
