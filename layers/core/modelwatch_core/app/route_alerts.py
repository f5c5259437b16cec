"""An execution ended: decide what it does to the alerts of its schedule, and raise a message for each target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.raise_alert import RaiseAlert
from modelwatch_core.domain.alert_states import (
    OF_EXECUTIONS,
    AlertTransition,
    changes_by,
    datapoint,
    in_order,
    status_after,
)
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import AlertName, AlertStatus
from modelwatch_core.domain.alerts import (
    Alert,
    AlertPhase,
    Change,
    ScheduleSilent,
    alert_of,
    silence_alert,
)
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.excess import excess_of
from modelwatch_core.domain.metric_namespace import metric_namespace
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.schedule_metrics import schedule_metrics
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import AlertStates, Clock, KnownAlerts, Ledger, MetricSink, Schedules

_MOST_READS = 5
"""Pages of executions that are looked through for the datapoints of all alerts: some are of no alert's business."""


@dataclass(frozen=True, slots=True)
class RouteAlerts:
    """Raise the message that an execution calls for, once for each target.

    Parameters
    ----------
    metric_prefix : str
        How the CloudWatch namespaces of metrics begin.
    """

    ledger: Ledger
    states: AlertStates
    schedules: Schedules
    raise_alert: RaiseAlert
    metrics: MetricSink
    clock: Clock
    metric_prefix: str

    def __call__(self, event: ExecutionEnded) -> Alert | None:
        """Raise the message, if one is due, and return it.

        Raises
        ------
        Upstream
            When the ledger or the bus did not answer; a retry decides the same, and raises it for all targets again:
            each is sent it once.
        """
        key = ExecutionKey(schedule_id=event.schedule_id, window=event.window, attempt=event.attempt)
        execution = self.ledger.get(key)
        known = self.states.known(event.schedule_id)
        if execution is None or execution.one_off:  # what was asked for by itself has a message by itself
            muted = known.are_muted(self.clock.now())
            return self._raised(None if muted else alert_of(event), event.alert_targets, {})
        earlier = self._earlier(execution)
        before = in_order([each for each in earlier if _comes_before(each, execution)])
        up_to_now = _known_up_to(known, execution.window)
        worst = event.violations[0] if event.violations else None
        changes = sorted(
            changes_by(execution, before, up_to_now, worst, muted_until=known.muted_until), key=_importance
        )
        alert = self._message(event, execution, changes, known)
        self._raised(alert, event.alert_targets, execution.tags)
        if not self._has_newer(execution):  # the past changes no state; and a crash until here raises it all again
            self._note(execution, changes)
            self._publish_metrics(event, execution, before)
        return alert

    def silent(self, event: ScheduleSilent) -> Alert | None:
        """Raise the message that a schedule has not fired, if it is still so, and return it."""
        schedule = self.schedules.get(event.monitoring_schedule_name)
        if schedule is None or schedule.schedule_id != event.schedule_id:
            return None
        known = self.states.known(event.schedule_id)
        window = schedule.window(event.due)
        severity = schedule.alerting.severity(AlertName.NOT_FIRED)
        phase = AlertPhase.REMINDER if event.reminder else AlertPhase.IN_ALERT
        change = Change(phase=phase, alert_name=AlertName.NOT_FIRED, severity=severity, since=event.due)
        if known.are_muted(self.clock.now()):
            return None  # nor is it noted: what still lasts after the mute is its beginning
        alert = silence_alert(schedule, event, window, change)
        self._raised(alert, schedule.alert_targets, schedule.tags)
        if phase is AlertPhase.IN_ALERT:
            self.states.note(_transition_of(schedule, window, event.due, change, self.clock))
        return alert

    def _message(
        self, event: ExecutionEnded, execution: MonitoringExecution, changes: Sequence[Change], known: KnownAlerts
    ) -> Alert | None:
        if known.are_muted(self.clock.now()):
            return None
        worth_a_message = [
            change
            for change in changes
            if change.phase is not AlertPhase.RECOVERED or execution.alerting.notify_recovery
        ]
        return alert_of(event, *worth_a_message) if worth_a_message else None

    def _raised(self, alert: Alert | None, named: Iterable[AlertTargetReference], tags: dict[str, str]) -> Alert | None:
        if alert is not None:
            self.raise_alert(alert, named, about=alert.names, tags=tags)
        return alert

    def _earlier(self, execution: MonitoringExecution) -> list[MonitoringExecution]:
        """Return the executions of windows up to its own, as many as its alerts look back to."""
        most = 1 + max(execution.alerting.threshold(alert).evaluation_period for alert in OF_EXECUTIONS)
        found: list[MonitoringExecution] = []
        before = execution.window.start + timedelta(seconds=1)
        for _ in range(_MOST_READS):
            page = self.ledger.history(execution.schedule_id, limit=2 * most + 6, before=before)
            records = [each for each in page if isinstance(each, MonitoringExecution)]
            found += [each for each in records if each not in found]
            is_enough = all(sum(datapoint(alert, each) is not None for each in found) > most for alert in OF_EXECUTIONS)
            if is_enough or len(page) < 2 * most + 6 or not records:
                break
            before = records[-1].window.start
        return found

    def _has_newer(self, execution: MonitoringExecution) -> bool:
        latest = self.ledger.history(execution.schedule_id, limit=10)
        return any(
            isinstance(each, MonitoringExecution)
            and each.is_settled
            and not each.one_off
            and (each.window.start, each.window.end, each.attempt)
            > (execution.window.start, execution.window.end, execution.attempt)
            for each in latest
        )

    def _note(self, execution: MonitoringExecution, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.phase is not AlertPhase.REMINDER:
                scheduled = execution.scheduled_time
                self.states.note(_transition_of(execution, execution.window, scheduled, change, self.clock))

    def _publish_metrics(
        self, event: ExecutionEnded, execution: MonitoringExecution, before: Sequence[MonitoringExecution]
    ) -> None:
        if not execution.publish_cloudwatch_metrics:
            return
        replaced = [each for each in before if each.window != execution.window]
        is_on = any(status_after(alert, [execution, *replaced]) is AlertStatus.IN_ALERT for alert in OF_EXECUTIONS)
        largest = max(map(excess_of, event.violations), default=0.0)
        metrics = schedule_metrics(execution, is_on=is_on, largest_excess=largest, now=self.clock.now())
        self.metrics.publish(metric_namespace(execution, self.metric_prefix), metrics)


def _comes_before(one: MonitoringExecution, other: MonitoringExecution) -> bool:
    if one.window == other.window:
        return one.attempt < other.attempt
    return (one.window.start, one.window.end) < (other.window.start, other.window.end)


def _known_up_to(known: KnownAlerts, window: Window) -> dict[AlertName, AlertTransition]:
    return {
        name: transition
        for name, transition in known.latest.items()
        if (transition.window.start, transition.window.end) < (window.start, window.end)
    }


def _importance(change: Change) -> tuple[int, int]:
    return list(AlertPhase).index(change.phase), -change.severity.rank


def _transition_of(
    record: MonitoringExecution | MonitoringSchedule, window: Window, scheduled: object, change: Change, clock: Clock
) -> AlertTransition:
    recovered = change.phase is AlertPhase.RECOVERED
    return AlertTransition.model_validate(
        {
            "monitoring_schedule_name": record.monitoring_schedule_name,
            "schedule_id": record.schedule_id,
            "alert_name": change.alert_name,
            "alert_status": AlertStatus.OK if recovered else AlertStatus.IN_ALERT,
            "severity": change.severity,
            "creation_time": clock.now(),
            "window": window,
            "attempt": getattr(record, "attempt", 1),
            "scheduled_time": scheduled,
            "since": change.since,
        }
    )
