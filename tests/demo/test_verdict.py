"""The demo's verdict can fail, for every promise that it makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwatch.demo.applications import DECISION, FEATURES, SCORE, load_applications
from modelwatch.demo.hours import (
    COMPLETENESS,
    DRIFT,
    HOURS,
    Finding,
    Hour,
    Promise,
    Rerun,
    as_usual,
    income_in_dollars_at_a_branch,
    obligations_refused,
)
from modelwatch.demo.monitors import BRANCHES, DATA_QUALITY, ENDPOINTS, MONITORS, Endpoint, Monitor
from modelwatch.demo.verdict import NOT_THERE, Outcome, again, failed_expectations
from modelwatch_core.domain.constraint_violations import ConstraintViolation

HOURLY = Monitor("hourly", BRANCHES, DATA_QUALITY)
EVERY_OTHER = Monitor("every-other", BRANCHES, DATA_QUALITY, hours_apart=2)
HEALTHY = Hour("as usual")
BROKEN = Hour(
    "dollars",
    promises={
        "hourly": Promise(causes=frozenset({("income", DRIFT)}), consequences=frozenset({(SCORE, DRIFT)})),
    },
)


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
    assert failed_expectations([HEALTHY, BROKEN], [HOURLY], [{"hourly": GOOD}, {"hourly": caught}]) == []


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
    named = [f"hour 1 ({hour.title}), hourly: {what}" for what in failed]
    assert failed_expectations([hour], [HOURLY], [{"hourly": outcome}]) == named


def test_each_monitor_is_held_to_its_own_promise() -> None:
    both = {"hourly": CAUGHT, "every-other": GOOD}
    assert failed_expectations([HEALTHY, BROKEN], [HOURLY, EVERY_OTHER], [{"hourly": GOOD}, both]) == []
    swapped = {"hourly": GOOD, "every-other": CAUGHT}
    assert [
        line.split(": ")[0]
        for line in failed_expectations([HEALTHY, BROKEN], [HOURLY, EVERY_OTHER], [{"hourly": GOOD}, swapped])
    ] == ["hour 2 (dollars), every-other"] * 3 + ["hour 2 (dollars), hourly"] * 3


@pytest.mark.parametrize(
    ("hourly", "failed"),
    [
        ({}, "hourly: the execution was to end Completed, it is not there"),
        ({"hourly": GOOD, "every-other": GOOD}, "every-other: no execution was due, one is Completed"),
        (
            {"hourly": GOOD, "every-other": replace(NOT_THERE, mails=1)},
            "every-other: mails to arrive: 0, mails that did: 1",
        ),
        (
            {"hourly": GOOD, "a stranger": replace(NOT_THERE, mails=1)},
            "a stranger: mails to arrive: 0, mails that did: 1",
        ),
    ],
)
def test_what_was_due_and_is_not_there_and_what_was_not_due_and_is_break_the_promise(
    hourly: dict[str, Outcome], failed: str
) -> None:
    assert failed_expectations([HEALTHY], [HOURLY, EVERY_OTHER], [hourly]) == [f"hour 1 (as usual), {failed}"]


def test_an_hour_that_was_not_watched_is_a_broken_promise() -> None:
    failed = failed_expectations([HEALTHY, HEALTHY], [HOURLY], [{"hourly": GOOD}])
    assert failed == ["2 hours were to be watched, 1 were"]


LATE = Hour("labels are late", promises={"hourly": Promise(failure="NoMatchingGroundTruth")})
UNLABELLED = Outcome("Failed", mails=1, failure_reason="NoMatchingGroundTruth: none of the 500 predictions has one")


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (UNLABELLED, []),
        (
            replace(UNLABELLED, failure_reason="NoData: nothing"),
            ["the execution was to fail with NoMatchingGroundTruth, it did with NoData: nothing"],
        ),
        (replace(UNLABELLED, mails=0), ["mails to arrive: 1, mails that did: 0"]),
        (GOOD, ["the execution was to end Failed, it is Completed", "mails to arrive: 1, mails that did: 0"]),
    ],
)
def test_a_failure_that_was_promised_must_come_for_its_own_reason(outcome: Outcome, failed: list[str]) -> None:
    named = [f"hour 1 ({LATE.title}), hourly: {what}" for what in failed]
    assert failed_expectations([LATE], [HOURLY], [{"hourly": outcome}]) == named


def test_what_is_run_again_is_held_to_a_promise_of_its_own() -> None:
    hour = Hour("labels come", rerun=Rerun(HOURLY, due=1, promise=BROKEN.promises["hourly"]))
    assert failed_expectations([hour], [HOURLY], [{"hourly": GOOD, again("hourly"): CAUGHT}]) == []
    assert failed_expectations([hour], [HOURLY], [{"hourly": GOOD}]) == [
        f"hour 1 (labels come), hourly, again: {what}"
        for what in (
            "the execution was to end CompletedWithViolations, it is not there",
            "baseline_drift_check of income was to fail, it did not",
            "mails to arrive: 1, mails that did: 0",
        )
    ]
    assert failed_expectations([HEALTHY], [HOURLY], [{"hourly": GOOD, again("hourly"): CAUGHT}]) == [
        "hour 1 (as usual), hourly, again: no execution was due, one is CompletedWithViolations",
        "hour 1 (as usual), hourly, again: mails to arrive: 0, mails that did: 1",
    ]


def test_the_story_begins_healthy_and_has_a_failure_for_every_kind_of_monitor() -> None:
    assert [bool(hour.promises) for hour in HOURS[:2]] == [False, False]
    found = {name for hour in HOURS for name, promise in hour.promises.items() if promise.causes}
    assert {m.baseline.monitoring_type for m in MONITORS if m.name in found} == {
        m.baseline.monitoring_type for m in MONITORS
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("number", range(len(HOURS)))
def test_an_hour_is_drawn_alike_from_the_same_seed_and_leaves_the_data_alone(number: int, endpoint: Endpoint) -> None:
    applications = load_applications()
    before = applications.copy()
    first, again, other = (
        HOURS[number].draw(endpoint, applications, np.random.default_rng(seed)) for seed in (number, number, number + 1)
    )
    assert len(first) == endpoint.requests_per_hour
    assert first.equals(again)
    assert not first.equals(other)
    assert applications.equals(before)


def test_a_bank_that_decides_otherwise_leaves_no_trace_in_what_is_sent() -> None:
    applications = load_applications()
    usual, refused = (
        draw(applications, 500, np.random.default_rng(4)).reset_index(drop=True)
        for draw in (as_usual, obligations_refused)
    )
    assert refused[[*FEATURES]].equals(usual[[*FEATURES]])
    assert not refused[DECISION][usual["obrat"] > 36].any()
    assert refused[DECISION][usual["obrat"] <= 36].equals(usual[DECISION][usual["obrat"] <= 36])
    assert refused[DECISION].sum() < usual[DECISION].sum()


def test_a_branch_that_errs_errs_for_some_of_its_customers_and_for_too_few_to_be_seen_in_all_rows() -> None:
    applications = load_applications()
    usual, wrong = (
        draw(applications, 500, np.random.default_rng(4)).reset_index(drop=True)
        for draw in (as_usual, income_in_dollars_at_a_branch)
    )
    there = wrong["appinc"] != usual["appinc"]
    assert set(usual["race"][there]) == {"black", "hispanic"}
    assert (wrong["appinc"][there] == usual["appinc"][there] * 1000).all()
    assert 0 < there.mean() < 0.1  # the threshold of the data quality monitor's drift
