"""The demo's verdict can fail, for every expectation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwatch.demo.applications import DECISION, FEATURES, SCORE, load_applications
from modelwatch.demo.hours import (
    COMPLETENESS,
    DRIFT,
    HOURS,
    Expectation,
    Finding,
    Hour,
    Rerun,
    as_usual,
    income_in_dollars_at_a_branch,
    obligations_refused,
)
from modelwatch.demo.monitors import BRANCHES, DATA_QUALITY_BASELINE, ENDPOINTS, MONITORS, Endpoint, Monitor
from modelwatch.demo.verdict import MISSING, Observation, failed_expectations, rerun_name
from modelwatch_core.domain.constraint_violations import ConstraintViolation

HOURLY = Monitor("hourly", BRANCHES, DATA_QUALITY_BASELINE)
EVERY_OTHER = Monitor("every-other", BRANCHES, DATA_QUALITY_BASELINE, hours_apart=2)
HEALTHY = Hour("as usual")
BROKEN = Hour(
    "dollars",
    expectations={
        "hourly": Expectation(causes=frozenset({("income", DRIFT)}), consequences=frozenset({(SCORE, DRIFT)})),
    },
)


def observation(status: str, *findings: Finding, mails: int) -> Observation:
    violations = [ConstraintViolation(feature_name=f, constraint_check_type=c, description="") for f, c in findings]
    return Observation(status, tuple(violations), mails)


GOOD = observation("Completed", mails=0)
CAUGHT = observation("CompletedWithViolations", ("income", DRIFT), mails=1)


@pytest.mark.parametrize(
    "caught",
    [CAUGHT, observation("CompletedWithViolations", ("income", DRIFT), (SCORE, DRIFT), mails=1)],
    ids=["the cause", "the cause and what follows from it"],
)
def test_healthy_hours_that_pass_and_broken_ones_that_are_caught_meet_their_expectations(caught: Observation) -> None:
    assert failed_expectations([HEALTHY, BROKEN], [HOURLY], [{"hourly": GOOD}, {"hourly": caught}]) == []


@pytest.mark.parametrize(
    ("hour", "observed", "failed"),
    [
        (
            HEALTHY,
            observation("CompletedWithViolations", ("age", DRIFT), mails=1),
            [
                "the execution should be Completed, it is CompletedWithViolations",
                "baseline_drift_check of age failed without a cause",
                "mails expected: 0, mails received: 1",
            ],
        ),
        (HEALTHY, observation("missing", mails=0), ["the execution should be Completed, it is missing"]),
        (
            HEALTHY,
            Observation("Failed", failure_reason="NoData: nothing"),
            ["the execution should be Completed, it is Failed (NoData: nothing)"],
        ),
        (
            BROKEN,
            GOOD,
            [
                "the execution should be CompletedWithViolations, it is Completed",
                "baseline_drift_check of income should have failed, it did not",
                "mails expected: 1, mails received: 0",
            ],
        ),
        (
            BROKEN,
            observation("CompletedWithViolations", (SCORE, DRIFT), mails=1),
            ["baseline_drift_check of income should have failed, it did not"],
        ),
        (
            BROKEN,
            observation("CompletedWithViolations", ("income", COMPLETENESS), mails=1),
            [
                "baseline_drift_check of income should have failed, it did not",
                "completeness_check of income failed without a cause",
            ],
        ),
        (
            BROKEN,
            observation("CompletedWithViolations", ("income", DRIFT), ("age", DRIFT), mails=1),
            ["baseline_drift_check of age failed without a cause"],
        ),
        (
            BROKEN,
            observation("CompletedWithViolations", ("income", DRIFT), mails=2),
            ["mails expected: 1, mails received: 2"],
        ),
    ],
)
def test_each_failed_expectation_is_named(hour: Hour, observed: Observation, failed: list[str]) -> None:
    named = [f"hour 1 ({hour.title}), hourly: {what}" for what in failed]
    assert failed_expectations([hour], [HOURLY], [{"hourly": observed}]) == named


def test_each_monitor_is_held_to_its_own_expectation() -> None:
    both = {"hourly": CAUGHT, "every-other": GOOD}
    assert failed_expectations([HEALTHY, BROKEN], [HOURLY, EVERY_OTHER], [{"hourly": GOOD}, both]) == []
    swapped = {"hourly": GOOD, "every-other": CAUGHT}
    assert [
        line.split(": ")[0]
        for line in failed_expectations([HEALTHY, BROKEN], [HOURLY, EVERY_OTHER], [{"hourly": GOOD}, swapped])
    ] == ["hour 2 (dollars), every-other"] * 3 + ["hour 2 (dollars), hourly"] * 3


def test_a_mail_says_that_an_alert_is_over_after_the_execution_that_raised_it() -> None:
    over = replace(GOOD, mails=1)
    hours, monitors = [BROKEN, HEALTHY, HEALTHY], [HOURLY]
    seen = [{"hourly": CAUGHT}, {"hourly": over}, {"hourly": GOOD}]
    assert failed_expectations(hours, monitors, seen) == []
    silent = [{"hourly": CAUGHT}, {"hourly": GOOD}, {"hourly": GOOD}]
    (failed,) = failed_expectations(hours, monitors, silent)
    assert failed.endswith("hourly: mails expected: 1, mails received: 0")


@pytest.mark.parametrize(
    ("hourly", "failed"),
    [
        ({}, "hourly: the execution should be Completed, it is missing"),
        ({"hourly": GOOD, "every-other": GOOD}, "every-other: no execution was due, one is Completed"),
        (
            {"hourly": GOOD, "every-other": replace(MISSING, mails=1)},
            "every-other: mails expected: 0, mails received: 1",
        ),
        (
            {"hourly": GOOD, "unknown": replace(MISSING, mails=1)},
            "unknown: mails expected: 0, mails received: 1",
        ),
    ],
)
def test_a_missing_execution_and_one_that_was_not_due_fail(hourly: dict[str, Observation], failed: str) -> None:
    assert failed_expectations([HEALTHY], [HOURLY, EVERY_OTHER], [hourly]) == [f"hour 1 (as usual), {failed}"]


def test_an_hour_that_was_not_monitored_fails() -> None:
    failed = failed_expectations([HEALTHY, HEALTHY], [HOURLY], [{"hourly": GOOD}])
    assert failed == ["2 hours should have been monitored, 1 were"]


LATE = Hour("labels are late", expectations={"hourly": Expectation(failure="NoMatchingGroundTruth")})
UNLABELLED = Observation("Failed", mails=1, failure_reason="NoMatchingGroundTruth: 500 predictions")


@pytest.mark.parametrize(
    ("observed", "failed"),
    [
        (UNLABELLED, []),
        (
            replace(UNLABELLED, failure_reason="NoData: nothing"),
            ["the execution should fail with NoMatchingGroundTruth, it failed with NoData: nothing"],
        ),
        (replace(UNLABELLED, mails=0), ["mails expected: 1, mails received: 0"]),
        (GOOD, ["the execution should be Failed, it is Completed", "mails expected: 1, mails received: 0"]),
    ],
)
def test_an_expected_failure_must_have_the_expected_code(observed: Observation, failed: list[str]) -> None:
    named = [f"hour 1 ({LATE.title}), hourly: {what}" for what in failed]
    assert failed_expectations([LATE], [HOURLY], [{"hourly": observed}]) == named


def test_a_rerun_is_held_to_an_expectation_of_its_own() -> None:
    hour = Hour("labels come", rerun=Rerun(HOURLY, due=1, expectation=BROKEN.expectations["hourly"]))
    assert failed_expectations([hour], [HOURLY], [{"hourly": GOOD, rerun_name("hourly"): CAUGHT}]) == []
    assert failed_expectations([hour], [HOURLY], [{"hourly": GOOD}]) == [
        f"hour 1 (labels come), hourly, again: {what}"
        for what in (
            "the execution should be CompletedWithViolations, it is missing",
            "baseline_drift_check of income should have failed, it did not",
            "mails expected: 1, mails received: 0",
        )
    ]
    assert failed_expectations([HEALTHY], [HOURLY], [{"hourly": GOOD, rerun_name("hourly"): CAUGHT}]) == [
        "hour 1 (as usual), hourly, again: no execution was due, one is CompletedWithViolations",
        "hour 1 (as usual), hourly, again: mails expected: 0, mails received: 1",
    ]


def test_the_story_begins_healthy_and_has_a_failure_for_every_kind_of_monitor() -> None:
    assert [bool(hour.expectations) for hour in HOURS[:2]] == [False, False]
    found = {name for hour in HOURS for name, expectation in hour.expectations.items() if expectation.causes}
    assert {m.baseline.kind.monitoring_type for m in MONITORS if m.name in found} == {
        m.baseline.kind.monitoring_type for m in MONITORS
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


def test_a_bank_that_changes_its_rule_sends_the_same_applications() -> None:
    applications = load_applications()
    usual, refused = (
        draw(applications, 500, np.random.default_rng(4)).reset_index(drop=True)
        for draw in (as_usual, obligations_refused)
    )
    assert refused[[*FEATURES]].equals(usual[[*FEATURES]])
    assert not refused[DECISION][usual["obrat"] > 36].any()
    assert refused[DECISION][usual["obrat"] <= 36].equals(usual[DECISION][usual["obrat"] <= 36])
    assert refused[DECISION].sum() < usual[DECISION].sum()


def test_a_faulty_branch_affects_too_few_rows_for_data_quality() -> None:
    applications = load_applications()
    usual, wrong = (
        draw(applications, 500, np.random.default_rng(4)).reset_index(drop=True)
        for draw in (as_usual, income_in_dollars_at_a_branch)
    )
    there = wrong["appinc"] != usual["appinc"]
    assert set(usual["race"][there]) == {"black", "hispanic"}
    assert (wrong["appinc"][there] == usual["appinc"][there] * 1000).all()
    assert 0 < there.mean() < 0.1  # the threshold of the data quality monitor's drift
