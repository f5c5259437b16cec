"""What people are told, in words."""

from __future__ import annotations

from modelwatch_core.domain.documents import NonEmpty, Owned, iso_utc
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.monitoring_execution import ExecutionStatus

SNS_LONGEST_SUBJECT = 100
MOST_VIOLATIONS_IN_AN_ALERT = 20


class Alert(Owned):
    """One message for people.

    Attributes
    ----------
    key : str
        The identity (execution, transition): whatever is delivered twice has the same key.
    subject : str
        Printable ASCII without line breaks, at most 100 characters, as SNS demands.
    """

    key: NonEmpty
    subject: str
    body: str


def alert_of(event: ExecutionEnded) -> Alert | None:
    """Return what people should hear of an ended execution, or None if it is no news."""
    if event.monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS:
        headline = f"{event.violation_count} violation{'s' if event.violation_count != 1 else ''}"
        lines = [
            _one_line(f"- {item.subject}: {item.constraint_check_type.replace('_', ' ')}. {item.description}")
            for item in event.violations[:MOST_VIOLATIONS_IN_AN_ALERT]
        ]
        if (left_out := event.violation_count - len(lines)) > 0:
            lines.append(f"- and {left_out} more, see the report")
    elif event.monitoring_execution_status is ExecutionStatus.FAILED:
        headline, lines = "execution failed", [_one_line(event.failure_reason or "No reason was given.")]
    else:
        return None
    records, labelled = event.records, event.ground_truth
    read = f"{records.read} read, {records.malformed} malformed" if records else "not counted"
    changed = [_one_line(f"- {change}") for change in event.changes[:MOST_VIOLATIONS_IN_AN_ALERT]]
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    body = [
        f"Schedule:  {event.monitoring_schedule_name} ({event.monitoring_type})",
        f"Endpoint:  {event.endpoint_name or 'none, batch transform'}",
        f"Window:    {iso_utc(event.window.start)} to {iso_utc(event.window.end)}",
        f"Status:    {event.monitoring_execution_status}",
        f"Records:   {read}",
        *([f"Labels:    {labelled.matched} of {labelled.predictions} predictions have theirs"] if labelled else []),
        "",
        *lines,
        *(["", f"Since attempt {event.attempt - 1}:", *changed] if changed else []),
        "",
        f"Reports:   {event.output_s3_uri}/",
    ]
    subject = f"Modelwatch: {headline} in {event.monitoring_schedule_name} at {iso_utc(event.window.start)}{again}"
    return Alert(
        key="/".join(
            (event.monitoring_schedule_name, iso_utc(event.window.start), event.monitoring_execution_status)
            + ((str(event.attempt),) if event.attempt > 1 else ())
        ),
        subject=_printable(subject)[:SNS_LONGEST_SUBJECT],
        body="\n".join(body) + "\n",
    )


def _printable(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _one_line(text: str) -> str:
    # Names come from data; a line break in one must not forge a line of the mail.
    return "".join(character if character.isprintable() else "?" for character in text)
