"""The demo's story: hours of traffic, and what each must come to. A new hour is one more entry in ``HOURS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from modelwatch.demo.applications import SCORE
from modelwatch_core.domain.analysis import AnalysisStatus

ROWS_PER_HOUR = 500

DRIFT = "baseline_drift_check"
COMPLETENESS = "completeness_check"

Finding = tuple[str, str]
"""A feature, and the check that it fails."""
Draw = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
"""Applications to draw from and a source of randomness to an hour's applications."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of traffic.

    Attributes
    ----------
    title : str
        What happens, for the timeline.
    draw : callable
        How the hour's applications come about.
    causes : frozenset of Finding
        What the monitor must name; none: the hour is healthy.
    consequences : frozenset of Finding
        What it may name beside, because it follows from the cause. Anything else is a false alarm.
    """

    title: str
    draw: Draw
    causes: frozenset[Finding] = field(default_factory=frozenset)
    consequences: frozenset[Finding] = field(default_factory=frozenset)

    @property
    def status(self) -> AnalysisStatus:
        """How the hour's execution must end."""
        return AnalysisStatus.COMPLETED_WITH_VIOLATIONS if self.causes else AnalysisStatus.COMPLETED

    @property
    def mails(self) -> int:
        """How many mails the hour must bring."""
        return 1 if self.causes else 0


def as_usual(applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw an ordinary hour, with replacement."""
    return applications.sample(ROWS_PER_HOUR, replace=True, random_state=randomness)


def income_in_dollars(applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the income in dollars, while the model learnt thousands of dollars."""
    hour = as_usual(applications, randomness)
    return hour.assign(appinc=hour["appinc"] * 1000)


def obligations_left_out(applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
    """Let two requests in five come from a client that leaves the obligations empty."""
    hour = as_usual(applications, randomness)
    return hour.assign(obrat=hour["obrat"].mask(randomness.random(len(hour)) < 0.4))


def little_paid_down(applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw only from applicants who borrow more than nine tenths of the price."""
    return as_usual(applications[applications["loanprc"] > 0.9], randomness)


HOURS = (
    Hour("traffic as usual", as_usual),
    Hour("traffic as usual", as_usual),
    Hour("traffic as usual", as_usual),
    Hour(
        "a client's new release sends income in dollars, not in thousands",
        income_in_dollars,
        causes=frozenset({("appinc", DRIFT)}),
        consequences=frozenset({(SCORE, DRIFT)}),
    ),
    Hour("that client is mended", as_usual),
    Hour(
        "a new client, two requests in five, leaves the obligations empty",
        obligations_left_out,
        causes=frozenset({("obrat", COMPLETENESS)}),
    ),
    Hour(
        "a campaign brings applicants who pay down less than a tenth",
        little_paid_down,
        causes=frozenset({("loanprc", DRIFT)}),
        consequences=frozenset({("price", DRIFT), (SCORE, DRIFT)}),
    ),
)
