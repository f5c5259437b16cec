"""The demo's story: hours of traffic, and what monitors must find. A new hour is one more entry in ``HOURS``."""

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
from modelwatch_core.domain.outcome import OutcomeStatus

DRIFT = "baseline_drift_check"
COMPLETENESS = "completeness_check"
EXTRA_COLUMN = "extra_column_check"
BIAS_DRIFT = "bias_drift_check"
TOO_LOW = "LessThanThreshold"
PREDICTIONS, LABELS = "predictionBaselineDrift", "labelBaselineDrift"
ATTRIBUTION_DRIFT = "feature_attribution_drift_check"
ATTRIBUTION_CHANGE = "feature_attribution_change_check"

Finding = tuple[str, str]
"""The subject of a violation, a feature or a metric, and the check that failed."""
Draw = Callable[[pd.DataFrame, int, np.random.Generator], pd.DataFrame]
"""Draws an hour's applications: from all of them, how many, and a random generator."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a monitor must find in an hour.

    Attributes
    ----------
    causes : frozenset of Finding
        The violations that it must report; without any, it must report none.
    consequences : frozenset of Finding
        Further violations that it may report, because they follow from the causes. Others are false alarms.
    failure : str, optional
        The code of the error with which its execution must fail.
    """

    causes: frozenset[Finding] = field(default_factory=frozenset)
    consequences: frozenset[Finding] = field(default_factory=frozenset)
    failure: str | None = None

    @property
    def status(self) -> OutcomeStatus:
        """The status that its execution must end with."""
        if self.failure:
            return OutcomeStatus.FAILED
        return OutcomeStatus.COMPLETED_WITH_VIOLATIONS if self.causes else OutcomeStatus.COMPLETED

    @property
    def mails(self) -> int:
        """The number of mails that it must cause: that an alert begins, or lasts.

        Where it causes none, one says that the alert is over that the monitor's execution before it raised.
        """
        return 1 if self.causes or self.failure else 0


NO_VIOLATIONS = Expectation()


def as_usual(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw ordinary applications, with replacement."""
    return applications.sample(count, replace=True, random_state=randomness)


@dataclass(frozen=True, slots=True)
class Rerun:
    """A repeated execution of a monitor, because more labels are there by then.

    Attributes
    ----------
    monitor : Monitor
        The monitor.
    due : int
        The hour at whose end it first ran.
    expectation : Expectation
        What it must find now.
    """

    monitor: Monitor
    due: int
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of traffic.

    Attributes
    ----------
    title : str
        What happens, for the timeline.
    traffic : mapping of str to callable
        How the applications that are sent to an endpoint are drawn, by its name; others get the usual ones.
    expectations : mapping of str to Expectation
        What a monitor must find, by its name; others that run at this hour's end must find no violations.
    labels_late : int
        The number of hours by which its labels are later than those of other hours.
    rerun : Rerun, optional
        What is repeated at this hour's end.
    """

    title: str
    traffic: Mapping[str, Draw] = field(default_factory=dict)
    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    labels_late: int = 0
    rerun: Rerun | None = None

    def draw(self, endpoint: Endpoint, applications: pd.DataFrame, randomness: np.random.Generator) -> pd.DataFrame:
        """Draw what is sent to an endpoint."""
        return self.traffic.get(endpoint.name, as_usual)(applications, endpoint.requests_per_hour, randomness)

    def expectation(self, monitor: Monitor) -> Expectation:
        """Return what a monitor that runs at this hour's end must find."""
        return self.expectations.get(monitor.name, NO_VIOLATIONS)


def income_in_dollars(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the income in dollars, while the model was trained on thousands of dollars."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(appinc=hour["appinc"] * 1000)


def income_in_dollars_at_a_branch(
    applications: pd.DataFrame, count: int, randomness: np.random.Generator
) -> pd.DataFrame:
    """Send the income in dollars for every fourth black or hispanic applicant."""
    hour = as_usual(applications, count, randomness)
    at_branch = (hour["race"] != "white") & (randomness.random(count) < 0.25)
    return hour.assign(appinc=hour["appinc"].mask(at_branch, hour["appinc"] * 1000))


def obligations_refused(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Let the bank refuse everyone with obligations above 36% of income, whatever it decided in 1990."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(**{DECISION: hour[DECISION].where(hour["obrat"] <= 36, 0)})


def obligations_left_out(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send two requests in five from a client that leaves the obligations empty."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(obrat=hour["obrat"].mask(randomness.random(len(hour)) < 0.4))


def little_paid_down(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Draw only applicants who borrow more than nine tenths of the price."""
    return as_usual(applications[applications["loanprc"] > 0.9], count, randomness)


def dependents_renamed(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the number of dependents with a name that the model does not know."""
    return as_usual(applications, count, randomness).rename(columns={"dep": "dependents"})


def unemployment_per_thousand(applications: pd.DataFrame, count: int, randomness: np.random.Generator) -> pd.DataFrame:
    """Send the unemployment rate per thousand, while the model was trained on per cent."""
    hour = as_usual(applications, count, randomness)
    return hour.assign(unem=hour["unem"] * 10)


HOURS = (
    Hour("traffic as usual"),
    Hour("traffic as usual"),
    Hour(
        "for this hour, the brokers' new software renames the field dep to dependents",
        {BROKERS.name: dependents_renamed},
        {
            BROKERS_DATA_QUALITY.name: Expectation(
                causes=frozenset({("dep", COMPLETENESS), ("dependents", EXTRA_COLUMN)}),
            )
        },
    ),
    Hour(
        "the bank now refuses everyone whose obligations exceed 36% of income, and the model stays as it is",
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
            BRANCHES_DATA_QUALITY.name: Expectation(
                causes=frozenset({("appinc", DRIFT)}),
                consequences=frozenset({(SCORE, DRIFT)}),
            ),
            BRANCHES_MODEL_QUALITY.name: Expectation(failure="NoMatchingGroundTruth"),  # hour 4, whose labels are late
        },
    ),
    Hour(
        "that client is fixed, and the bank is back to its old rule; the late labels of hour 4 arrive",
        rerun=Rerun(
            BRANCHES_MODEL_QUALITY,
            due=6,
            expectation=Expectation(
                causes=frozenset({("accuracy", TOO_LOW), ("precision", TOO_LOW)}),
                consequences=frozenset({(LABELS, DRIFT)}),
            ),
        ),
    ),
    Hour(
        "a new client, with two requests in five, leaves the obligations empty",
        {BRANCHES.name: obligations_left_out},
        {
            BRANCHES_DATA_QUALITY.name: Expectation(causes=frozenset({("obrat", COMPLETENESS)})),
            BRANCHES_MODEL_QUALITY.name: Expectation(  # hour 6, incomes in dollars: almost nobody was approved
                causes=frozenset({("accuracy", TOO_LOW), (PREDICTIONS, DRIFT)}),
                consequences=frozenset({("precision", TOO_LOW)}),
            ),
            BRANCHES_BIAS.name: Expectation(
                causes=frozenset({("DPPL of race = black,hispanic", BIAS_DRIFT)})
            ),  # hour 5
        },
    ),
    Hour(
        "a campaign brings applicants who pay down less than a tenth",
        {BRANCHES.name: little_paid_down},
        {
            BRANCHES_DATA_QUALITY.name: Expectation(
                causes=frozenset({("loanprc", DRIFT)}),
                consequences=frozenset({("price", DRIFT), (SCORE, DRIFT)}),
            )
        },
    ),
    Hour(
        "the same field means something else: unem, the rate of unemployment, comes per thousand, not per cent",
        {BRANCHES.name: unemployment_per_thousand},
        {
            BRANCHES_DATA_QUALITY.name: Expectation(
                causes=frozenset({("unem", DRIFT)}),
                consequences=frozenset({(SCORE, DRIFT)}),
            ),
            BRANCHES_EXPLAINABILITY.name: Expectation(
                causes=frozenset({(f"shap of {SCORE}", ATTRIBUTION_DRIFT), (f"unem of {SCORE}", ATTRIBUTION_CHANGE)}),
            ),
        },
    ),
)
