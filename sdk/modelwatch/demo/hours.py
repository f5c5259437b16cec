"""The demo's story: hours of traffic, and what each must come to. A new hour is one more entry in ``HOURS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from modelwatch.demo.applications import DECISION, SCORE
from modelwatch.demo.monitors import (
    BRANCHES,
    BRANCHES_BIAS,
    BRANCHES_DATA_QUALITY,
    BRANCHES_EXPLAINABILITY,
    BRANCHES_MODEL_QUALITY,
    BROKERS,
    BROKERS_DATA_QUALITY,
    Endpoint,
    Monitor,
)
from modelwatch_core.domain.analysis import AnalysisStatus

DRIFT = "baseline_drift_check"
COMPLETENESS = "completeness_check"
EXTRA_COLUMN = "extra_column_check"
BIAS_DRIFT = "bias_drift_check"
TOO_LOW = "LessThanThreshold"
ATTRIBUTION_DRIFT = "feature_attribution_drift_check"
ATTRIBUTION_CHANGE = "feature_attribution_change_check"

Finding = tuple[str, str]
"""What a violation is about, a feature or a metric, and the check that it fails."""
Draw = Callable[[pd.DataFrame, int, np.random.Generator], pd.DataFrame]
"""Applications to draw from, how many to draw and a source of randomness to an hour's applications."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a monitor must make of an hour.

    Attributes
    ----------
    causes : frozenset of Finding
        What it must name; none: it finds nothing wrong.
    consequences : frozenset of Finding
        What it may name beside, because it follows from the cause. Anything else is a false alarm.
    failure : str, optional
        The code of the error that its execution must end with.
    """

    causes: frozenset[Finding] = field(default_factory=frozenset)
    consequences: frozenset[Finding] = field(default_factory=frozenset)
    failure: str | None = None

    @property
    def status(self) -> AnalysisStatus:
        """How its execution must end."""
        if self.failure:
            return AnalysisStatus.FAILED
        return AnalysisStatus.COMPLETED_WITH_VIOLATIONS if self.causes else AnalysisStatus.COMPLETED

    @property
    def mails(self) -> int:
        """How many mails it must bring."""
        return 1 if self.causes or self.failure else 0


HEALTHY = Promise()


def as_usual(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw ordinary applications, with replacement."""
    return applications.sample(count, replace=True, random_state=randomness)


@dataclass(frozen=True, slots=True)
class Rerun:
    """An earlier look of a monitor that people have done again, because there is more to see by then.

    Attributes
    ----------
    monitor : Monitor
        Which one.
    due : int
        The hour at whose end it looked first.
    promise : Promise
        What it must find now.
    """

    monitor: Monitor
    due: int
    promise: Promise


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of traffic.

    Attributes
    ----------
    title : str
        What happens, for the timeline.
    traffic : mapping of str to callable
        By the name of an endpoint, how the applications come about that are sent to it; others are as usual.
    promises : mapping of str to Promise
        By the name of a monitor, what it must find; others that look at this hour's end must find nothing.
    labels_late : int
        So many hours later than those of other hours, the labels of this one come.
    rerun : Rerun, optional
        What is done again at this hour's end.
    """

    title: str
    traffic: Mapping[str, Draw] = field(default_factory=dict)
    promises: Mapping[str, Promise] = field(default_factory=dict)
    labels_late: int = 0
    rerun: Rerun | None = None

    def draw(self, endpoint: Endpoint, applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
        """Draw what is sent to an endpoint."""
        return self.traffic.get(endpoint.name, as_usual)(applications, endpoint.requests_per_hour, randomness)

    def promise(self, monitor: Monitor) -> Promise:
        """Return what a monitor that looks at this hour's end must find."""
        return self.promises.get(monitor.name, HEALTHY)


def income_in_dollars(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the income in dollars, while the model learnt thousands of dollars."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(appinc=hour["appinc"] * 1000)


def income_in_dollars_at_a_branch(
    applications: pd.DataFrame, count: int, randomness: np.random.Generator
) -> pd.DataFrame:
    """Send the income in dollars for every fourth black or hispanic applicant."""
    hour = as_usual(applications, count, randomness)
    there = (hour["race"] != "white") & (randomness.random(count) < 0.25)
    return hour.assign(appinc=hour["appinc"].mask(there, hour["appinc"] * 1000))


def obligations_refused(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Let people turn away everyone with obligations above 36% of income, whatever they decided in 1990."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(**{DECISION: hour[DECISION].where(hour["obrat"] <= 36, 0)})


def obligations_left_out(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Let two requests in five come from a client that leaves the obligations empty."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(obrat=hour["obrat"].mask(randomness.random(len(hour)) < 0.4))


def little_paid_down(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw only from applicants who borrow more than nine tenths of the price."""
    return as_usual(applications[applications["loanprc"] > 0.9], count, randomness)


def dependents_renamed(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the number of dependents by a name that the model does not know."""
    return as_usual(applications, count, randomness).rename(columns={"dep": "dependents"})


def unemployment_per_thousand(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the unemployment rate per thousand, while the model learnt per cent."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(unem=hour["unem"] * 10)


HOURS = (
    Hour("traffic as usual"),
    Hour("traffic as usual"),
    Hour(
        "for this hour, the brokers' new software calls the field dep by the name dependents",
        {BROKERS.name: dependents_renamed},
        {
            BROKERS_DATA_QUALITY.name: Promise(
                causes=frozenset({("dep", COMPLETENESS), ("dependents", EXTRA_COLUMN)}),
            )
        },
    ),
    Hour(
        "the bank now turns away everyone whose obligations exceed 36% of income, and the model is not told",
        {BRANCHES.name: obligations_refused},
        labels_late=1,
    ),
    Hour(
        "a client's new release, tried at a branch with many black and hispanic customers, sends income in dollars",
        {BRANCHES.name: income_in_dollars_at_a_branch},
    ),
    Hour(
        "every branch gets that release: all incomes are in dollars, not in thousands",
        {BRANCHES.name: income_in_dollars},
        {
            BRANCHES_DATA_QUALITY.name: Promise(
                causes=frozenset({("appinc", DRIFT)}),
                consequences=frozenset({(SCORE, DRIFT)}),
            ),
            BRANCHES_MODEL_QUALITY.name: Promise(failure="NoMatchingGroundTruth"),  # hour 4, whose labels are late
        },
    ),
    Hour(
        "that client is mended, and the bank keeps to its old rule; the labels of hour 4 come at last",
        rerun=Rerun(
            BRANCHES_MODEL_QUALITY,
            due=6,
            promise=Promise(causes=frozenset({("accuracy", TOO_LOW), ("precision", TOO_LOW)})),
        ),
    ),
    Hour(
        "a new client, two requests in five, leaves the obligations empty",
        {BRANCHES.name: obligations_left_out},
        {
            BRANCHES_DATA_QUALITY.name: Promise(causes=frozenset({("obrat", COMPLETENESS)})),
            BRANCHES_MODEL_QUALITY.name: Promise(  # hour 6, incomes in dollars: hardly anybody was approved
                causes=frozenset({("accuracy", TOO_LOW)}),
                consequences=frozenset({("precision", TOO_LOW)}),
            ),
            BRANCHES_BIAS.name: Promise(causes=frozenset({("DPPL of race = black,hispanic", BIAS_DRIFT)})),  # hour 5
        },
    ),
    Hour(
        "a campaign brings applicants who pay down less than a tenth",
        {BRANCHES.name: little_paid_down},
        {
            BRANCHES_DATA_QUALITY.name: Promise(
                causes=frozenset({("loanprc", DRIFT)}),
                consequences=frozenset({("price", DRIFT), (SCORE, DRIFT)}),
            )
        },
    ),
    Hour(
        "the same field means something else: unem, the rate of unemployment, comes per thousand, not per cent",
        {BRANCHES.name: unemployment_per_thousand},
        {
            BRANCHES_DATA_QUALITY.name: Promise(
                causes=frozenset({("unem", DRIFT)}),
                consequences=frozenset({(SCORE, DRIFT)}),
            ),
            BRANCHES_EXPLAINABILITY.name: Promise(
                causes=frozenset({(f"shap of {SCORE}", ATTRIBUTION_DRIFT), (f"unem of {SCORE}", ATTRIBUTION_CHANGE)}),
            ),
        },
    ),
)
