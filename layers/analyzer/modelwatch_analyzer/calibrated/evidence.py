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


MINIMUM_EFFECT, MINIMUM_SHARE = "minimum_effect", "minimum_share"
