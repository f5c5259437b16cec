"""An alert: what happened, where and when, and how serious it is. Each target renders it in its own form."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import Alerting, AlertName, AlertStatus, Severity
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, SageMakerName, UtcDatetime, iso_utc
from modelwatch_core.domain.events import Emitted, ExecutionEnded
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window

MOST_VIOLATIONS_IN_AN_ALERT = 20


class AlertPhase(StrEnum):
    """What a message says of an alert: that it begins, lasts or is over."""

    IN_ALERT = "InAlert"
    REMINDER = "Reminder"
    RECOVERED = "Recovered"


class Change(Owned):
    """What an execution changed, or that it did not.

    Attributes
    ----------
    since : datetime
        When the alert began.
    number : int, optional
        How many beginnings and ends of the alert people have been notified of, this one included; a reminder has the
        number of its beginning. None for what belongs to no beginning: an alert that was over before it was sent.
    """

    phase: AlertPhase
    alert_name: AlertName
    severity: Severity
    since: UtcDatetime
    number: int | None = None

    @property
    def alert_status(self) -> AlertStatus:
        """The state that the alert is in with it, which is the same for a beginning and a reminder."""
        return AlertStatus.OK if self.phase is AlertPhase.RECOVERED else AlertStatus.IN_ALERT


class Alert(Owned):
    """Something that users should know: a change of a schedule's alerts, or that one lasts.

    All that an execution changed, and all its violations, are one message.

    Attributes
    ----------
    key : str
        The identity: the execution, its status and the states of alerts that the message is about. What is delivered
        twice has the same key, and so has a beginning that is raised again as a reminder.
    headline : str, optional
        What a notice says that is not about the end of an execution; ``outcome.exit_message`` has the rest of it.
    phase : AlertPhase
        Whether the alert has begun, lasts or is over.
    alert_name : AlertName
        Which alert of the schedule it is.
    recovered : tuple of AlertName
        Others that are over since the same execution.
    changes : tuple of Change
        All that it says of alerts, the most important first; none for a message that is about no alert's state.
    since : datetime
        Since when it is so, or was until now: the start of the window of the execution that began it.
    outcome : Outcome
        How the execution ended.
    violations : tuple of ConstraintViolation
        The worst 20, the worst first; ``outcome.violation_count`` counts all, the report has all.
    reports_s3_uri : str
        The folder of the reports.
    violation_report_uri : str, optional
        The report of violations, where there is one.
    """

    key: NonEmpty
    severity: Severity
    headline: NonEmpty | None = None
    phase: AlertPhase = AlertPhase.IN_ALERT
    alert_name: AlertName = AlertName.VIOLATIONS
    recovered: tuple[AlertName, ...] = ()
    changes: tuple[Change, ...] = ()
    monitoring_schedule_name: SageMakerName
    monitoring_type: MonitoringType
    endpoint_name: NonEmpty | None
    window: Window
    since: UtcDatetime
    attempt: int = 1
    outcome: Outcome
    violations: tuple[ConstraintViolation, ...] = Field(default=(), max_length=MOST_VIOLATIONS_IN_AN_ALERT)
    reports_s3_uri: S3Uri
    violation_report_uri: S3Uri | None = None

    @property
    def schedule_id(self) -> str:
        """The schedule that it is about."""
        return self.key.partition("/")[0]

    @property
    def occasion(self) -> str:
        """What it was raised for, in however many messages."""
        return self.key.partition("#")[0]

    def of_changes(self, changes: Sequence[Change]) -> Alert:
        """Return the message about these changes, in its order."""
        return self.model_copy(update=_about(changes) | {"changes": tuple(changes)})

    @property
    def notice(self) -> str | None:
        """What a notice says; None where it is about the end of an execution."""
        return self.outcome.exit_message if self.headline else None


NO_DATA_CODE = "NoData"
"""The code at the start of an execution's failure reason if its window holds no data."""


def alert_concerned(status: ExecutionStatus, failure_reason: str | None) -> AlertName | None:
    """Return the alert for which an execution is bad; None for one that is good, or was stopped."""
    if status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS:
        return AlertName.VIOLATIONS
    if status is not ExecutionStatus.FAILED:
        return None
    is_empty = (failure_reason or "").startswith(f"{NO_DATA_CODE}:")
    return AlertName.NO_DATA if is_empty else AlertName.FAILED_EXECUTIONS


_WITHOUT_RULES = Alerting()


def alert_of(event: ExecutionEnded, *changes: Change, alerting: Alerting = _WITHOUT_RULES) -> Alert | None:
    """Return the message about an ended execution, if one is due.

    Parameters
    ----------
    *changes : Change
        What it changed, the most important first. Without any, an execution that ended badly has its message as it
        is: it counts for no alert, or its schedule is not known.
    alerting : Alerting
        The rules that say how serious such a message is.
    """
    concerned = alert_concerned(event.monitoring_execution_status, event.outcome.failure_reason)
    is_counted = bool(changes)
    if not changes and concerned is not None:
        severity, start = alerting.severity(concerned, event.worst_breach), event.window.start
        changes = (Change(phase=AlertPhase.IN_ALERT, alert_name=concerned, severity=severity, since=start),)
    if not changes:
        return None
    said = "".join(f"#{change.alert_name}-{change.alert_status}" for change in changes) if is_counted else ""
    return Alert(
        key=f"{alert_key(event)}{said}",
        **_about(changes),
        changes=changes if is_counted else (),
        monitoring_schedule_name=event.monitoring_schedule_name,
        monitoring_type=event.monitoring_type,
        endpoint_name=event.endpoint_name,
        window=event.window,
        attempt=event.attempt,
        outcome=event.outcome,
        violations=event.violations[:MOST_VIOLATIONS_IN_AN_ALERT],
        reports_s3_uri=event.output_s3_uri,
        violation_report_uri=event.violation_report_uri,
    )


def _about(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the fields of a message that say what changed."""
    first, *others = changes
    return {
        "severity": first.severity,
        "phase": first.phase,
        "alert_name": first.alert_name,
        "recovered": tuple(change.alert_name for change in others if change.phase is AlertPhase.RECOVERED),
        "since": first.since,
    }


def alert_key(event: ExecutionEnded) -> str:
    """Return how the identity of each message about an execution begins."""
    window = f"{iso_utc(event.window.start)}/{iso_utc(event.window.end)}"
    return "/".join((event.schedule_id, window, str(event.attempt), event.monitoring_execution_status))


class AlertRaised(Emitted):
    """An alert for one target. Each target has an event of its own, so that none holds up another."""

    detail_type: ClassVar[str] = "Alert Raised"

    alert: Alert
    target: AlertTargetReference


class AlertsWaiting(Emitted):
    """More alerts came for a target in one second than it takes: they wait to be sent as one message."""

    detail_type: ClassVar[str] = "Alerts Waiting"

    target: AlertTargetReference


class ScheduleSilent(Emitted):
    """A schedule was due, and has not fired.

    Attributes
    ----------
    due : datetime
        The first time at which it should have fired.
    reminder : int
        0 for the first message, then the number of the reminder.
    """

    detail_type: ClassVar[str] = "Schedule Silent"

    monitoring_schedule_name: SageMakerName
    schedule_id: NonEmpty
    due: UtcDatetime
    reminder: int = Field(default=0, ge=0)


def silence_alert(schedule: MonitoringSchedule, event: ScheduleSilent, window: Window, change: Change) -> Alert:
    """Return the message that a schedule has not fired for a window that was due."""
    reason = (
        f"NotFired: it was due at {iso_utc(event.due)}, but no execution has begun since; check whether its schedule in"
        " EventBridge Scheduler is enabled, and what is in the dead-letter queue"
    )
    return Alert(
        key="/".join((event.schedule_id, AlertName.NOT_FIRED, iso_utc(event.due), str(event.reminder))),
        **_about([change]),
        changes=(change,),
        monitoring_schedule_name=schedule.monitoring_schedule_name,
        monitoring_type=schedule.monitoring_type,
        endpoint_name=schedule.endpoint_name,
        window=window,
        outcome=Outcome.failed(reason),
        reports_s3_uri=schedule.output_s3_uri,
    )
