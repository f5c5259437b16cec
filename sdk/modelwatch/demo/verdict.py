"""Whether the demo did what it promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelwatch.demo.hours import Finding, Hour
from modelwatch_core.domain.constraint_violations import ConstraintViolation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an hour.

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
    """

    status: str
    violations: tuple[ConstraintViolation, ...] = ()
    mails: int = 0
    failure_reason: str | None = None

    @property
    def findings(self) -> frozenset[Finding]:
        """The features and checks that the violations name."""
        return frozenset((violation.subject, violation.constraint_check_type) for violation in self.violations)


def failed_expectations(hours: Sequence[Hour], outcomes: Sequence[Outcome]) -> list[str]:
    """Compare what came of each hour with what it must come to.

    Returns
    -------
    list of str
        One sentence for each expectation that failed; empty if the demo did what it promises.
    """
    failed = []
    if len(outcomes) != len(hours):
        failed.append(f"{len(hours)} hours were to be watched, {len(outcomes)} were")
    for number, (hour, outcome) in enumerate(zip(hours, outcomes, strict=False), start=1):
        failed += [f"hour {number} ({hour.title}): {what}" for what in _failed(hour, outcome)]
    return failed


def _failed(hour: Hour, outcome: Outcome) -> Iterable[str]:
    if outcome.status != hour.status:
        reason = f" ({outcome.failure_reason})" if outcome.failure_reason else ""
        yield f"the execution was to end {hour.status}, it is {outcome.status}{reason}"
    for feature, check in sorted(hour.causes - outcome.findings):
        yield f"{check} of {feature} was to fail, it did not"
    for feature, check in sorted(outcome.findings - hour.causes - hour.consequences):
        yield f"{check} of {feature} failed without a cause"
    if outcome.mails != hour.mails:
        yield f"mails to arrive: {hour.mails}, mails that did: {outcome.mails}"
