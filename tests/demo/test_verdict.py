"""The demo's verdict can fail, for every promise that it makes."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.demo.applications import SCORE, load_applications
from modelwatch.demo.hours import COMPLETENESS, DRIFT, HOURS, ROWS_PER_HOUR, Finding, Hour, as_usual
from modelwatch.demo.verdict import Outcome, failed_expectations
from modelwatch_core.domain.constraint_violations import ConstraintViolation

HEALTHY = Hour("as usual", as_usual)
BROKEN = Hour("dollars", as_usual, causes=frozenset({("income", DRIFT)}), consequences=frozenset({(SCORE, DRIFT)}))


def outcome(status: str, *findings: Finding, mails: int) -> Outcome:
    violations = [ConstraintViolation(feature_name=f, constraint_check_type=c, description="") for f, c in findings]
    return Outcome(status, tuple(violations), mails)


GOOD = outcome("Completed", mails=0)
CAUGHT = outcome("CompletedWithViolations", ("income", DRIFT), mails=1)


@pytest.mark.parametrize(
    "caught",
    [CAUGHT, outcome("CompletedWithViolations", ("income", DRIFT), (SCORE, DRIFT), mails=1)],
    ids=["the cause", "the cause and what follows from it"],
)
def test_healthy_hours_that_pass_and_broken_ones_that_are_caught_are_as_promised(caught: Outcome) -> None:
    assert failed_expectations([HEALTHY, BROKEN], [GOOD, caught]) == []


@pytest.mark.parametrize(
    ("hour", "outcome", "failed"),
    [
        (
            HEALTHY,
            outcome("CompletedWithViolations", ("age", DRIFT), mails=1),
            [
                "the execution was to end Completed, it is CompletedWithViolations",
                "baseline_drift_check of age failed without a cause",
                "mails to arrive: 0, mails that did: 1",
            ],
        ),
        (HEALTHY, outcome("not there", mails=0), ["the execution was to end Completed, it is not there"]),
        (
            HEALTHY,
            Outcome("Failed", failure_reason="NoData: nothing"),
            ["the execution was to end Completed, it is Failed (NoData: nothing)"],
        ),
        (
            BROKEN,
            GOOD,
            [
                "the execution was to end CompletedWithViolations, it is Completed",
                "baseline_drift_check of income was to fail, it did not",
                "mails to arrive: 1, mails that did: 0",
            ],
        ),
        (
            BROKEN,
            outcome("CompletedWithViolations", (SCORE, DRIFT), mails=1),
            ["baseline_drift_check of income was to fail, it did not"],
        ),
        (
            BROKEN,
            outcome("CompletedWithViolations", ("income", COMPLETENESS), mails=1),
            [
                "baseline_drift_check of income was to fail, it did not",
                "completeness_check of income failed without a cause",
            ],
        ),
        (
            BROKEN,
            outcome("CompletedWithViolations", ("income", DRIFT), ("age", DRIFT), mails=1),
            ["baseline_drift_check of age failed without a cause"],
        ),
        (
            BROKEN,
            outcome("CompletedWithViolations", ("income", DRIFT), mails=2),
            ["mails to arrive: 1, mails that did: 2"],
        ),
    ],
)
def test_each_broken_promise_is_named(hour: Hour, outcome: Outcome, failed: list[str]) -> None:
    assert failed_expectations([hour], [outcome]) == [f"hour 1 ({hour.title}): {what}" for what in failed]


def test_an_hour_that_was_not_watched_is_a_broken_promise() -> None:
    assert failed_expectations([HEALTHY, HEALTHY], [GOOD]) == ["2 hours were to be watched, 1 were"]


def test_the_story_begins_healthy_and_holds_three_failures() -> None:
    assert [bool(hour.causes) for hour in HOURS[:3]] == [False, False, False]
    assert sum(bool(hour.causes) for hour in HOURS) == 3


@pytest.mark.parametrize("number", range(len(HOURS)))
def test_an_hour_is_drawn_alike_from_the_same_seed_and_leaves_the_data_alone(number: int) -> None:
    applications = load_applications()
    before = applications.copy()
    hour = HOURS[number].draw(applications, np.random.default_rng(number))
    assert len(hour) == ROWS_PER_HOUR
    assert hour.equals(HOURS[number].draw(applications, np.random.default_rng(number)))
    assert not hour.equals(HOURS[number].draw(applications, np.random.default_rng(number + 1)))
    assert applications.equals(before)
