"""The tests of one column: each with its p, its part of the column's rate, and the size of what it saw."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_analyzer.calibrated.effects import Effect


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

WINDOW_TEST = "test of the window's mean"
"""The test of a window as one observation among others, which decides where its rows are too few to."""


@dataclass(frozen=True, slots=True)
class WindowMean:
    """How far the mean of a window of numbers is from what is usual in its seasons.

    Attributes
    ----------
    away : float
    rows : float
        Of how many rows, without copies.
    """

    away: float
    rows: float


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
