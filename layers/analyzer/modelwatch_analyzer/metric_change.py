"""Whether a metric is farther from its baseline than chance takes it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Self

from pydantic import Field

from modelwatch_analyzer.special_functions import student_quantile, student_tail

LEAST_ROWS, MOST_ROWS = 2, 1 << 53
"""The fewest and the most rows of a metric: one row has no variance, and a float counts no further than the most."""

FURTHER_ROWS = 2.0
"""How many independent rows the bootstrap of standard errors adds: without any, a metric at its bound would seem to be
certain."""


Repeated = Annotated[float | None, Field(ge=1, allow_inf_nan=False)]
Requests = Annotated[float | None, Field(ge=1, allow_inf_nan=False)]
"""What files have of a `Dependence`."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """How far rows are from being independent, for a metric.

    Attributes
    ----------
    repeated : float
        The design effect: the rows carry as much information as so many times fewer independent ones.
    requests : float
        In how many requests they came, if these were equally large; infinite where requests do not matter.
    """

    repeated: float = 1.0
    requests: float = math.inf

    @classmethod
    def stored(cls, repeated: float | None, requests: float | None) -> Self:
        """Return what a file says, where rows that are independent have no keys."""
        return cls(1.0 if repeated is None else repeated, math.inf if requests is None else requests)

    def as_stored(self) -> dict[str, float]:
        """Return the keys of a file."""
        return {} if self == INDEPENDENT else {"repeated": self.repeated, "requests": self.requests}


INDEPENDENT = Dependence()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric as the rows of one side show it.

    Attributes
    ----------
    value : float
        The metric, less what chance alone adds to it.
    standard_error : float
        Its standard deviation over samples of as many rows that depend on each other as these do.
    rows : int
        How many rows it is computed from: for a recall, those with a positive label. At least two, since with two
        chance explains any difference.
    dependence : Dependence
        How far these rows are from being independent.
    """

    value: float
    standard_error: float
    rows: int
    dependence: Dependence = INDEPENDENT

    @property
    def independent_rows(self) -> float:
        """How many independent rows are worth as much."""
        return max(LEAST_ROWS, self.rows / self.dependence.repeated)

    @property
    def known_from(self) -> float:
        """How many rows, or requests, show how large the standard error is."""
        return max(LEAST_ROWS, min(self.independent_rows, self.dependence.requests))


@dataclass(frozen=True, slots=True)
class Rates:
    """How many false alarms there may be, of all metrics of an execution together.

    Attributes
    ----------
    per_window : float
        The share of windows without a change in which any metric is certain, in checks of their own.
    per_month : float
        The same of months, for the windows of a schedule.
    """

    per_window: float = 0.01
    per_month: float = 0.05

    def of_window(self, share_of_month: float | None) -> float:
        """Return the rate of one window: that of a schedule has its part of a month, by the union bound.

        The bound holds however windows depend on each other by the baseline that they share. No window has more than
        one that is checked alone.

        Parameters
        ----------
        share_of_month : float, optional
            None for a check of its own.
        """
        return self.per_window if share_of_month is None else min(self.per_window, self.per_month * share_of_month)

    def of_each(self, share_of_month: float | None, compared: int) -> RatesOfEach:
        """Return the rates of one of so many metrics in a window, by the union bound."""
        number = max(1, compared)
        return RatesOfEach(self.of_window(share_of_month) / number, self.per_window / number)


@dataclass(frozen=True, slots=True)
class RatesOfEach:
    """How likely a false alarm of one metric in one window may be.

    Attributes
    ----------
    of_change : float
        Where it is compared with the baseline's.
    of_limit : float
        Where it is compared with a limit that a person has set, and is at that limit in truth: that is a value which
        should rarely occur, and of which each window is judged alone.
    """

    of_change: float
    of_limit: float

    def is_certain(self, chance: float, before: Estimate | None) -> bool:
        """Return whether chance is too small to explain a difference, from a limit where there is no baseline."""
        return chance <= (self.of_limit if before is None else self.of_change)


def chance_of(worse_by: float, now: Estimate, before: Estimate | None) -> float:
    """Return how likely it is that chance makes a metric so much worse, where nothing has changed.

    Parameters
    ----------
    worse_by : float
        By how much it is worse than the baseline's value, or than a limit that is known without error; negative if it
        is better.
    now, before : Estimate
        The estimates of the window and of the baseline; `before` is None for a limit.

    Returns
    -------
    float
        The one-sided p of Student's law, with as many degrees of freedom as the smaller side has independent rows, or
        requests, less one; at least a half to the power of these, which is what a test of signs could find in them.

    Notes
    -----
    Where nothing has changed, rows of both sides vary alike. The larger of both variances per row stands for both: a
    side with few rows, or with a metric that happens to be at its bound, does not show its own. That of both together
    would let a small window of skewed values alarm several times too often against a large baseline.
    """
    if not worse_by > 0:
        return 1.0
    sides = (now,) if before is None else (now, before)
    known_from = min(each.known_from for each in sides)
    shares = sum(1 / each.independent_rows for each in sides)
    error = max(each.standard_error * math.sqrt(each.independent_rows * shares) for each in sides)
    away = worse_by / error if error > 0 else math.inf
    return 1.0 if math.isnan(away) else max(student_tail(known_from - 1, away), 0.5**known_from)


def further_rows_of(dependences: Iterable[Dependence]) -> float:
    """Return how many rows are worth `FURTHER_ROWS` independent ones, by the median over metrics."""
    return FURTHER_ROWS * median(each.repeated for each in (*dependences,) or (INDEPENDENT,))


def margin_of(estimate: Estimate, rate: float) -> float:
    """Return how far from its true value chance takes a metric in one direction, but for a rate of samples."""
    return student_quantile(estimate.known_from - 1, rate) * estimate.standard_error
