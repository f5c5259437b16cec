"""An alert as plain text, for targets that show text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.violation_text import check_text, rounded_text, violation_text

MOST_CHANGES_IN_A_TEXT = 20


def alert_subject(alert: Alert) -> str:
    """Return one line that says what happened and where: printable ASCII, of any length."""
    if alert.headline:
        return _ascii(f"Modelwatch: {alert.monitoring_schedule_name}: {alert.headline}")
    if alert.outcome.status is OutcomeStatus.FAILED:
        headline = "execution failed"
    else:
        count = alert.outcome.violation_count
        headline = f"{count} violation{'' if count == 1 else 's'}"
    attempt = f" (attempt {alert.attempt})" if alert.attempt > 1 else ""
    text = f"Modelwatch: {headline} in {alert.monitoring_schedule_name} at {iso_utc(alert.window.start)}{attempt}"
    return _ascii(text)


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def alert_text(alert: Alert) -> str:
    """Return the whole alert as lines of text."""
    return "\n".join(_notice_lines(alert) if alert.headline else _lines(alert)) + "\n"


def _notice_lines(alert: Alert) -> Iterator[str]:
    yield f"Schedule:  {alert.monitoring_schedule_name} ({alert.monitoring_type})"
    yield f"Endpoint:  {alert.endpoint_name or 'none, batch transform'}"
    yield f"Time:      {iso_utc(alert.since)}"
    yield from ("", _one_line(alert.outcome.exit_message or ""))


def _lines(alert: Alert) -> Iterator[str]:
    outcome = alert.outcome
    records, ground_truth = outcome.records, outcome.ground_truth
    yield f"Schedule:  {alert.monitoring_schedule_name} ({alert.monitoring_type})"
    yield f"Endpoint:  {alert.endpoint_name or 'none, batch transform'}"
    yield f"Window:    {iso_utc(alert.window.start)} to {iso_utc(alert.window.end)}"
    yield f"Status:    {outcome.status}"
    yield f"Records:   {f'{records.read} read, {records.malformed} malformed' if records else 'not counted'}"
    if ground_truth:
        yield f"Labels:    {ground_truth.matched} of {ground_truth.predictions} predictions have a label"
    yield ""
    yield from finding_lines(outcome, alert.violations)
    if outcome.changes:
        yield from ("", f"Since attempt {alert.attempt - 1}:")
        yield from (_one_line(f"- {rounded_text(change)}") for change in outcome.changes[:MOST_CHANGES_IN_A_TEXT])
    if outcome.warnings:
        yield from ("", *(_one_line(f"Note: {warning}") for warning in outcome.warnings))
    yield from ("", f"Reports:   {alert.reports_s3_uri}/")


def finding_lines(outcome: Outcome, violations: Sequence[ConstraintViolation]) -> Iterator[str]:
    """Yield why an execution failed, or what it found: those violations that are given, and how many more."""
    if outcome.status is OutcomeStatus.FAILED:
        yield _one_line(outcome.failure_reason or "No reason was given.")
        return
    for item in violations:
        yield _one_line(f"- {item.subject}: {check_text(item)}. {violation_text(item)}")
    if (left_out := outcome.violation_count - len(violations)) > 0:
        yield f"- and {left_out} more, see the report"


def _one_line(text: str) -> str:
    # Names come from data; a line break in one must not forge a line of the message.
    return "".join(character if character.isprintable() else "?" for character in text)
