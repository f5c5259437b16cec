"""An alert: what happened, where and when, and how serious it is. Each target renders it in its own form."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, SageMakerName, UtcDatetime, iso_utc
from modelwatch_core.domain.events import Emitted, ExecutionEnded
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window

MOST_VIOLATIONS_IN_AN_ALERT = 20


class Severity(StrEnum):
    """How serious an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alert(Owned):
    """Something that users should know.

    Attributes
    ----------
    key : str
        The identity (execution, status): what is delivered twice has the same key.
    headline : str, optional
        What a notice says that is not about the end of an execution; ``outcome.exit_message`` has the rest of it.
    since : datetime
        From when on it is so: the start of the window.
    outcome : Outcome
        How the execution ended.
    violations : tuple of ConstraintViolation
        The first 20; ``outcome.violation_count`` counts all, the report has all.
    reports_s3_uri : str
        The folder of the reports.
    violation_report_uri : str, optional
        The report of violations, where there is one.
    """

    key: NonEmpty
    severity: Severity
    headline: NonEmpty | None = None
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


_SEVERITIES = {
    ExecutionStatus.COMPLETED_WITH_VIOLATIONS: Severity.WARNING,
    ExecutionStatus.FAILED: Severity.WARNING,
}
"""Of the ends that are alerted; the others are not."""


def alert_of(event: ExecutionEnded) -> Alert | None:
    """Return the alert that an ended execution calls for, if any."""
    severity = _SEVERITIES.get(event.monitoring_execution_status)
    if severity is None:
        return None
    window = f"{iso_utc(event.window.start)}/{iso_utc(event.window.end)}"
    return Alert(
        key="/".join((event.schedule_id, window, str(event.attempt), event.monitoring_execution_status)),
        severity=severity,
        monitoring_schedule_name=event.monitoring_schedule_name,
        monitoring_type=event.monitoring_type,
        endpoint_name=event.endpoint_name,
        window=event.window,
        since=event.window.start,
        attempt=event.attempt,
        outcome=event.outcome,
        violations=event.violations[:MOST_VIOLATIONS_IN_AN_ALERT],
        reports_s3_uri=event.output_s3_uri,
        violation_report_uri=event.violation_report_uri,
    )


class AlertRaised(Emitted):
    """An alert for one target. Each target has an event of its own, so that none holds up another."""

    detail_type: ClassVar[str] = "Alert Raised"

    alert: Alert
    target: AlertTargetReference
