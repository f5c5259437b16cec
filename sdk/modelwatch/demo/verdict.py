"""Whether the demo did what it promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelwatch.demo.hours import Finding, Hour, Promise
from modelwatch.demo.monitors import Monitor
from modelwatch_core.domain.analysis import GroundTruthCounts
from modelwatch_core.domain.constraint_violations import ConstraintViolation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a monitor made of an hour.

    Attributes
    ----------
    status : str
        The execution's status in SageMaker's words, or why there is none.
    violations : tuple of ConstraintViolation
        As the violation report has them.
    mails : int
        How many mails arrived because of it.
    failure_reason : str, optional
        What the execution says of its failure.
    hours : tuple of int
        The hours that it looked at.
    labels : GroundTruthCounts, optional
        How many predictions met their labels.
    """

    status: str
    violations: tuple[ConstraintViolation, ...] = ()
    mails: int = 0
    failure_reason: str | None = None
    hours: tuple[int, ...] = ()
    labels: GroundTruthCounts | None = None

    @property
    def findings(self) -> frozenset[Finding]:
        """The features and checks that the violations name."""
        return frozenset((violation.subject, violation.constraint_check_type) for violation in self.violations)


NOT_THERE = Outcome("not there")

Outcomes = Mapping[str, Outcome]
"""What came of an hour, by the name of the monitor: those that were due, and whatever else stirred."""


def again(monitor: str) -> str:
    """Return by what name the outcome of a re-run goes."""
    return f"{monitor}, again"


def failed_expectations(hours: Sequence[Hour], monitors: Sequence[Monitor], outcomes: Sequence[Outcomes]) -> list[str]:
    """Compare what came of each hour with what it must come to.

    Parameters
    ----------
    hours : sequence of Hour
        What happened.
    monitors : sequence of Monitor
        What watched.
    outcomes : sequence of Outcomes
        What came of each hour.

    Returns
    -------
    list of str
        One sentence for each expectation that failed; empty if the demo did what it promises.
    """
    failed = []
    if len(outcomes) != len(hours):
        failed.append(f"{len(hours)} hours were to be watched, {len(outcomes)} were")
    for number, (hour, hourly) in enumerate(zip(hours, outcomes, strict=False), start=1):
        due = {monitor.name: hour.promise(monitor) for monitor in monitors if monitor.is_due(number)}
        if hour.rerun:
            due[again(hour.rerun.monitor.name)] = hour.rerun.promise
        for name in sorted(due.keys() | hourly.keys()):
            promise, outcome = due.get(name), hourly.get(name, NOT_THERE)
            wrong = _not_due(outcome) if promise is None else _failed(promise, outcome)
            failed += [f"hour {number} ({hour.title}), {name}: {what}" for what in wrong]
    return failed


def _failed(promise: Promise, outcome: Outcome) -> Iterable[str]:
    if outcome.status != promise.status:
        reason = f" ({outcome.failure_reason})" if outcome.failure_reason else ""
        yield f"the execution was to end {promise.status}, it is {outcome.status}{reason}"
    elif promise.failure and not (outcome.failure_reason or "").startswith(f"{promise.failure}: "):
        yield f"the execution was to fail with {promise.failure}, it did with {outcome.failure_reason}"
    for feature, check in sorted(promise.causes - outcome.findings):
        yield f"{check} of {feature} was to fail, it did not"
    for feature, check in sorted(outcome.findings - promise.causes - promise.consequences):
        yield f"{check} of {feature} failed without a cause"
    yield from _mails(promise.mails, outcome)


def _not_due(outcome: Outcome) -> Iterable[str]:
    if outcome.status != NOT_THERE.status:
        yield f"no execution was due, one is {outcome.status}"
    yield from _mails(0, outcome)


def _mails(expected: int, outcome: Outcome) -> Iterable[str]:
    if outcome.mails != expected:
        yield f"mails to arrive: {expected}, mails that did: {outcome.mails}"
