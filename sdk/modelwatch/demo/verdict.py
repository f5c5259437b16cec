"""Compares what the monitors of the demo found with what they must find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelwatch.demo.hours import Expectation, Finding, Hour
from modelwatch.demo.monitors import Monitor
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import GroundTruthCounts


@dataclass(frozen=True, slots=True)
class Observation:
    """What a monitor found in an hour.

    Attributes
    ----------
    status : str
        The execution's status as SageMaker names it, or ``missing``.
    violations : tuple of ConstraintViolation
        Those of the violation report.
    mails : int
        The number of mails about it.
    failure_reason : str, optional
        The failure reason of the execution.
    hours : tuple of int
        The hours in its window.
    ground_truth : GroundTruthCounts, optional
        How many predictions have labels.
    """

    status: str
    violations: tuple[ConstraintViolation, ...] = ()
    mails: int = 0
    failure_reason: str | None = None
    hours: tuple[int, ...] = ()
    ground_truth: GroundTruthCounts | None = None

    @property
    def findings(self) -> frozenset[Finding]:
        """The features and checks of the violations."""
        return frozenset((violation.subject, violation.constraint_check_type) for violation in self.violations)


MISSING = Observation("missing")

Observations = Mapping[str, Observation]
"""The observations of one hour by the name of the monitor: those that were due, and any others that ran or sent
mail."""


def rerun_name(monitor: str) -> str:
    """Return the name of the observation of a re-run."""
    return f"{monitor}, again"


def failed_expectations(
    hours: Sequence[Hour], monitors: Sequence[Monitor], observations: Sequence[Observations]
) -> list[str]:
    """Compare what was observed of each hour with what is expected.

    Parameters
    ----------
    hours : sequence of Hour
        What happened.
    monitors : sequence of Monitor
        The monitors that ran.
    observations : sequence of Observations
        What was observed of each hour.

    Returns
    -------
    list of str
        One sentence for each expectation that failed; empty if all were met.
    """
    failed = []
    in_alert: set[str] = set()
    if len(observations) != len(hours):
        failed.append(f"{len(hours)} hours should have been monitored, {len(observations)} were")
    for number, (hour, hourly) in enumerate(zip(hours, observations, strict=False), start=1):
        due = {monitor.name: hour.expectation(monitor) for monitor in monitors if monitor.is_due(number)}
        if hour.rerun:
            due[rerun_name(hour.rerun.monitor.name)] = hour.rerun.expectation
        for name in sorted(due.keys() | hourly.keys()):
            expectation, observation = due.get(name), hourly.get(name, MISSING)
            recovers = 1 if expectation is not None and name in in_alert and not expectation.mails else 0
            wrong = _not_due(observation) if expectation is None else _failed(expectation, observation, recovers)
            failed += [f"hour {number} ({hour.title}), {name}: {what}" for what in wrong]
        in_alert = (in_alert - due.keys()) | {name for name, each in due.items() if each.mails}
    return failed


def _failed(expectation: Expectation, observation: Observation, recovers: int) -> Iterable[str]:
    """Yield what is not as expected; ``recovers`` is 1 where a mail says that the monitor's alert is over."""
    if observation.status != expectation.status:
        reason = f" ({observation.failure_reason})" if observation.failure_reason else ""
        yield f"the execution should be {expectation.status}, it is {observation.status}{reason}"
    elif expectation.failure and not (observation.failure_reason or "").startswith(f"{expectation.failure}: "):
        yield f"the execution should fail with {expectation.failure}, it failed with {observation.failure_reason}"
    for feature, check in sorted(expectation.causes - observation.findings):
        yield f"{check} of {feature} should have failed, it did not"
    for feature, check in sorted(observation.findings - expectation.causes - expectation.consequences):
        yield f"{check} of {feature} failed without a cause"
    yield from _mails(expectation.mails + recovers, observation)


def _not_due(observation: Observation) -> Iterable[str]:
    if observation.status != MISSING.status:
        yield f"no execution was due, one is {observation.status}"
    yield from _mails(0, observation)


def _mails(expected: int, observation: Observation) -> Iterable[str]:
    if observation.mails != expected:
        yield f"mails expected: {expected}, mails received: {observation.mails}"
