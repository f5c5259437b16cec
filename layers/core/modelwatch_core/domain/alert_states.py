"""What an execution does to the alerts of its schedule. It follows from the executions alone, in their order.

Executions may be announced late, twice and out of order. So nothing here depends on what was announced before: the
state before an execution is that of the executions before it, each judged by the settings that it carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from modelwatch_core.domain.alerting import AlertName, AlertStatus, Severity
from modelwatch_core.domain.alerts import AlertPhase, Change, alert_concerned
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, UtcDatetime
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.windows import Window

OF_EXECUTIONS = (AlertName.VIOLATIONS, AlertName.FAILED_EXECUTIONS, AlertName.NO_DATA)
"""The alerts that executions decide, the most important first."""

_GOOD = (ExecutionStatus.COMPLETED, ExecutionStatus.COMPLETED_WITH_VIOLATIONS)


class AlertTransition(Owned):
    """A change of the state of an alert, as its history has it.

    Attributes
    ----------
    creation_time : datetime
        When it was noticed.
    window : Window
        That of the execution that changed it; of a schedule that did not fire, the one that it should have had.
    since : datetime
        When the alert began: the start of the window of the execution that began it.
    """

    monitoring_schedule_name: SageMakerName
    schedule_id: NonEmpty
    alert_name: AlertName
    alert_status: AlertStatus
    severity: Severity
    creation_time: UtcDatetime
    window: Window
    attempt: int = 1
    scheduled_time: UtcDatetime
    since: UtcDatetime


def datapoint(alert: AlertName, execution: MonitoringExecution) -> bool | None:
    """Return whether an execution is bad for an alert; None if it says nothing about it."""
    status = execution.monitoring_execution_status
    concerned = alert_concerned(status, execution.outcome.failure_reason if execution.outcome else None)
    if concerned is alert:
        return True
    return False if status in _GOOD else None


def in_order(executions: Sequence[MonitoringExecution]) -> list[MonitoringExecution]:
    """Return the executions that count, newest first: settled, of own windows, the last attempt of each."""
    counted = [each for each in executions if each.is_settled and not each.one_off]
    counted.sort(key=lambda each: (each.window.start, each.window.end, each.attempt), reverse=True)
    last: dict[tuple[datetime, datetime], MonitoringExecution] = {}
    for each in counted:
        last.setdefault((each.window.start, each.window.end), each)
    return list(last.values())


def status_after(alert: AlertName, executions: Sequence[MonitoringExecution]) -> AlertStatus:
    """Return the state of an alert after the first of some executions, which are in order."""
    judged = [(each, bad) for each in executions if (bad := datapoint(alert, each)) is not None]
    if not judged:
        return AlertStatus.OK
    threshold = judged[0][0].alerting.threshold(alert)
    is_met = threshold.is_met([bad for _, bad in judged])
    return AlertStatus.IN_ALERT if is_met else AlertStatus.OK


def changes_by(
    execution: MonitoringExecution,
    before: Sequence[MonitoringExecution],
    known: Mapping[AlertName, AlertTransition],
    worst: ConstraintViolation | None,
    *,
    muted_until: datetime | None = None,
) -> Iterator[Change]:
    """Yield what an execution does to each alert: that it begins, lasts and people are to be reminded, or is over.

    Parameters
    ----------
    before : sequence of MonitoringExecution
        What counts before it, newest first: ``in_order`` of the earlier ones and of its own earlier attempts.
    known : mapping of AlertName to AlertTransition
        The latest transition of each alert up to it, which says since when it is on.
    muted_until : datetime, optional
        The end of a time in which nothing was sent: what still lasts is in the message of the first execution after it.
    """
    replaced = [each for each in before if each.window != execution.window]
    for alert in OF_EXECUTIONS:
        bad = datapoint(alert, execution)
        if bad is None:
            continue
        was = _status_before(alert, before, known.get(alert))
        now = status_after(alert, [execution, *replaced])
        if now is AlertStatus.OK and was is AlertStatus.OK:
            continue
        begun = known.get(alert)
        is_on = was is AlertStatus.IN_ALERT and begun is not None and begun.alert_status is AlertStatus.IN_ALERT
        since = begun.since if begun and is_on else _beginning(alert, execution, replaced, was)
        severity = execution.alerting.severity(alert, worst)
        if now is AlertStatus.OK:
            kept = begun.severity if begun and is_on else severity
            yield Change(phase=AlertPhase.RECOVERED, alert_name=alert, severity=kept, since=since)
        elif was is AlertStatus.OK:
            since = execution.window.start
            yield Change(phase=AlertPhase.IN_ALERT, alert_name=alert, severity=severity, since=since)
        elif _reminds(execution, _latest_about(alert, replaced), since, muted_until, bad=bad):
            yield Change(phase=AlertPhase.REMINDER, alert_name=alert, severity=severity, since=since)
    silent = known.get(AlertName.NOT_FIRED)
    if silent and silent.alert_status is AlertStatus.IN_ALERT:
        yield Change(
            phase=AlertPhase.RECOVERED, alert_name=AlertName.NOT_FIRED, severity=silent.severity, since=silent.since
        )


def _status_before(
    alert: AlertName, before: Sequence[MonitoringExecution], known: AlertTransition | None
) -> AlertStatus:
    """Return the state of an alert that the executions before left; as it is known where they say nothing about it."""
    if known and all(datapoint(alert, each) is None for each in before):
        return known.alert_status
    return status_after(alert, before)


def _beginning(
    alert: AlertName, execution: MonitoringExecution, before: Sequence[MonitoringExecution], was: AlertStatus
) -> datetime:
    """Return when an alert began whose beginning is not noted yet, as far back as the executions are known."""
    start = execution.window.start
    if was is AlertStatus.IN_ALERT:
        for place, each in enumerate(before):
            if status_after(alert, before[place:]) is AlertStatus.OK:
                break
            start = each.window.start
    return start


def _latest_about(alert: AlertName, before: Iterable[MonitoringExecution]) -> MonitoringExecution | None:
    return next((each for each in before if datapoint(alert, each) is not None), None)


def _reminds(
    execution: MonitoringExecution,
    previous: MonitoringExecution | None,
    since: datetime,
    muted_until: datetime | None,
    *,
    bad: bool,
) -> bool:
    if muted_until and previous and previous.creation_time < muted_until:
        return True
    if bad and execution.attempt > 1 and execution.outcome and execution.outcome.changes:
        return True  # who repeats a window wants to know what became of it
    hours = execution.alerting.remind_after_hours
    if hours is None:
        return False
    if hours == 0:
        return bad
    every = timedelta(hours=hours)
    earlier = previous.window.start if previous else since
    return (execution.window.start - since) // every > (max(earlier, since) - since) // every
