"""An alert as plain text, for targets that show text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwatch_core.domain.alerting import AlertName, Severity
from modelwatch_core.domain.alerts import Alert, AlertPhase, alert_concerned
from modelwatch_core.domain.constraint_violations import (
    UNKNOWN_EXCESS,
    ConstraintViolation,
    check_text,
    excess_of,
    rounded_text,
    violation_text,
)
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.number_text import number_text
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus

MOST_CHANGES_IN_A_TEXT = 20


LONGEST_SMS = 140
"""The most characters that still fit into one SMS with what SNS adds; all of them are in the GSM alphabet."""
_MOST_SHORT_LINES = 2


def alert_subject(alert: Alert) -> str:
    """Return one line that says what happened and where: printable ASCII, of any length."""
    if alert.headline:
        return _ascii(f"Modelwatch: {alert.monitoring_schedule_name}: {alert.headline}")
    attempt = f" (attempt {alert.attempt})" if alert.attempt > 1 else ""
    critical = "CRITICAL, " if alert.severity is Severity.CRITICAL and alert.phase is not AlertPhase.RECOVERED else ""
    place = f"{alert.monitoring_schedule_name} at {iso_utc(alert.window.start)}{attempt}"
    return _ascii(f"Modelwatch: {critical}{_headline(alert)} in {place}")


def short_text(alert: Alert) -> str:
    """Return an alert as one SMS."""
    return cut_line(alert_subject(alert), LONGEST_SMS)


def cut_line(text: str, longest: int) -> str:
    """Return a line of at most so many characters, with dots at the end of one that was cut."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def alert_text(alert: Alert, link: str | None = None) -> str:
    """Return the whole alert as lines of text, with where its report opens."""
    return "\n".join(_notice_lines(alert) if alert.headline else _lines(alert, link))


def _notice_lines(alert: Alert) -> Iterator[str]:
    yield f"Schedule:  {alert.monitoring_schedule_name} ({alert.monitoring_type})"
    yield f"Endpoint:  {alert.endpoint_name or 'none, batch transform'}"
    yield f"Time:      {iso_utc(alert.since)}"
    yield from ("", one_line(alert.notice or ""))


def bundle_subject(alerts: Sequence[Alert]) -> str:
    """Return one line about several alerts."""
    critical = sum(alert.severity is Severity.CRITICAL for alert in alerts)
    names = sorted({alert.monitoring_schedule_name for alert in alerts})
    of_these = f", {critical} critical" if critical else ""
    return _ascii(f"Modelwatch: {len(alerts)} alerts{of_these}: {', '.join(names)}")


def bundle_text(alerts: Sequence[Alert], links: Sequence[str | None]) -> str:
    """Return several alerts as lines of text, the most serious first, each with its worst violations."""
    by_severity = sorted(zip(alerts, links, strict=True), key=lambda each: -each[0].severity.rank)
    lines = [f"{len(alerts)} alerts came at the same time. The execution and the report of each have the details.", ""]
    for alert, link in by_severity:
        lines += [alert_subject(alert).removeprefix("Modelwatch: "), *_short_lines(alert, link), ""]
    return "\n".join(lines)


def _short_lines(alert: Alert, link: str | None) -> Iterator[str]:
    if alert.notice:
        yield f"  {one_line(alert.notice)}"
        return
    if alert.recovered:
        yield f"  Also over: {', '.join(alert.recovered)}"
    shown = alert.violations[:_MOST_SHORT_LINES]
    yield from (f"  {line[:300]}" for line in finding_lines(alert.outcome, shown))
    yield f"  Reports:   {alert.reports_s3_uri}/"
    if link:
        yield f"  Open:      {link}"


def _headline(alert: Alert) -> str:
    count = alert.outcome.violation_count
    violations = f"{count} violation{'' if count == 1 else 's'}" if count else "violations"  # a container's, or earlier
    begun = _BEGUN.get(alert.alert_name, violations)
    if alert.phase is AlertPhase.RECOVERED:
        status = ExecutionStatus(alert.outcome.status)
        is_late = alert_concerned(status, alert.outcome.failure_reason) is alert.alert_name
        return f"{begun}, since resolved" if is_late else f"recovered {_OVER[alert.alert_name]}"
    return f"reminder, {begun}" if alert.phase is AlertPhase.REMINDER else begun


_BEGUN = {
    AlertName.FAILED_EXECUTIONS: "execution failed",
    AlertName.NO_DATA: "execution failed, no data",
    AlertName.NOT_FIRED: "schedule did not fire",
}
_OVER = {
    AlertName.VIOLATIONS: "from violations",
    AlertName.FAILED_EXECUTIONS: "from failed executions",
    AlertName.NO_DATA: "from missing data",
    AlertName.NOT_FIRED: "from not firing",
}


def _lines(alert: Alert, link: str | None) -> Iterator[str]:
    outcome = alert.outcome
    records, ground_truth = outcome.records, outcome.ground_truth
    yield f"Schedule:  {alert.monitoring_schedule_name} ({alert.monitoring_type})"
    yield f"Endpoint:  {alert.endpoint_name or 'none, batch transform'}"
    yield f"Window:    {iso_utc(alert.window.start)} to {iso_utc(alert.window.end)}"
    yield f"Status:    {outcome.status}{f', attempt {alert.attempt}' if alert.attempt > 1 else ''}"
    yield from _alert_lines(alert)
    yield f"Records:   {f'{records.read} read, {records.malformed} malformed' if records else 'not counted'}"
    if ground_truth:
        yield f"Labels:    {ground_truth.matched} of {ground_truth.predictions} predictions have a label"
    if findings := list(finding_lines(outcome, alert.violations)):
        yield from ("", *findings)
    if outcome.changes:
        yield from ("", f"Since attempt {alert.attempt - 1}:")
        yield from (one_line(f"- {rounded_text(change)}") for change in outcome.changes[:MOST_CHANGES_IN_A_TEXT])
    if outcome.warnings:
        yield from ("", *(one_line(f"Note: {warning}") for warning in outcome.warnings))
    yield from ("", f"Reports:   {alert.reports_s3_uri}/")
    if link:
        yield f"Open:      {link}"


_STATES = {
    AlertPhase.IN_ALERT: "on since",
    AlertPhase.REMINDER: "still on, since",
    AlertPhase.RECOVERED: "over, began",
}


def _alert_lines(alert: Alert) -> Iterator[str]:
    yield f"Alert:     {alert.alert_name}, {alert.severity}: {_STATES[alert.phase]} {iso_utc(alert.since)}"
    if alert.recovered:
        yield f"Also over: {', '.join(alert.recovered)}"
    if alert.violations and (excess := excess_of(alert.violations[0])) > UNKNOWN_EXCESS:
        # A limit of 0 is exceeded by any number of times.
        times = f"{number_text(excess, 2)} times" if excess < float("inf") else "beyond"
        yield one_line(f"Worst:     {alert.violations[0].subject}, {times} its threshold")


def finding_lines(outcome: Outcome, violations: Sequence[ConstraintViolation]) -> Iterator[str]:
    """Yield why an execution failed, or what it found: those violations that are given, and how many more."""
    if outcome.status is OutcomeStatus.FAILED:
        yield one_line(outcome.failure_reason or "No reason was given.")
        return
    if said := said_without_report(outcome):
        yield one_line(said)
    for item in violations:
        yield one_line(f"- {item.subject}: {check_text(item)}. {violation_text(item)}")
    if (left_out := (outcome.violation_count or 0) - len(violations)) > 0:
        yield f"- and {left_out} more, see the report"


def said_without_report(outcome: Outcome) -> str | None:
    """Return what a user's own container says of violations that it lists nowhere."""
    lists_none = outcome.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS and outcome.violation_count is None
    return outcome.exit_message if lists_none else None


def one_line(text: str) -> str:
    """Return text as one line: names come from data, and a line break in one must not forge a line of a message."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
