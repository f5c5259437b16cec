"""An execution ended: decide what it does to the alerts of its schedule, and raise a message for each target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from modelwatch_core.app.deliver_alerts import RaiseAlert
from modelwatch_core.app.last_fired import last_fired
from modelwatch_core.app.scheduled_executions import scheduled_executions
from modelwatch_core.domain.alert_states import (
    OF_EXECUTIONS,
    AlertState,
    AlertTransition,
    Judgement,
    datapoint,
    in_order,
    place_of,
)
from modelwatch_core.domain.alert_targets import Takes
from modelwatch_core.domain.alerting import Alerting, AlertName, AlertStatus, Severity
from modelwatch_core.domain.alerts import (
    Alert,
    AlertPhase,
    Change,
    ScheduleSilent,
    alert_of,
    silence_alert,
)
from modelwatch_core.domain.constraint_violations import excess_of
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.metric_namespace import metric_namespace
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.schedule_metrics import alert_state, schedule_metrics
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import AlertStates, Clock, KnownAlerts, Ledger, MetricSink, Schedules

_MOST_READS = 5
"""The most pages of executions that are searched for the datapoints of all alerts: some executions say nothing about
any alert."""


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
            When the ledger or the bus did not respond; a retry decides the same, and raises it for all targets again:
            each is sent it once.
        """
        key = ExecutionKey(schedule_id=event.schedule_id, window=event.window, attempt=event.attempt)
        execution = self.ledger.get(key)
        known = self.states.known(event.schedule_id)
        is_muted = known.are_muted(self.clock.now())
        if execution is None or execution.one_off:  # what was asked for by itself has a message by itself
            return None if is_muted else self._raised_by_itself(event, execution)
        judgements = self._judgements(event, execution, known)
        changes = self._changes(judgements, known)
        sent = {*AlertPhase} if execution.alerting.notify_recovery else {*AlertPhase} - {AlertPhase.RECOVERED}
        due = [] if is_muted else [each for each in changes if each.phase in sent]
        alert = self._raised(event, execution, due)
        self._keep(judgements, [] if is_muted else changes, due)  # last: a crash until here raises it all again
        if judgements[0].is_latest:
            self._publish_metrics(event, execution, judgements)
        return alert

    def raise_silence(self, event: ScheduleSilent) -> Alert | None:
        """Raise the message that a schedule has not fired, if it is still so, and return it."""
        schedule = self.schedules.get(event.monitoring_schedule_name)
        if schedule is None or schedule.schedule_id != event.schedule_id or self._has_fired(schedule, event.due):
            return None
        known = self.states.known(event.schedule_id)
        window = schedule.window(event.due)
        severity = schedule.alerting.severity(AlertName.NOT_FIRED)
        phase = AlertPhase.REMINDER if event.reminder else AlertPhase.IN_ALERT
        number = known.state(AlertName.NOT_FIRED).number_of(phase)
        change = Change(phase=phase, alert_name=AlertName.NOT_FIRED, severity=severity, since=event.due, number=number)
        if known.are_muted(self.clock.now()):
            return None  # nor is it noted: what still lasts after the mute is its beginning
        alert = silence_alert(schedule, event, window, change)
        self.raise_alert.whole(alert, schedule.alert_targets, schedule.tags)
        if phase is AlertPhase.IN_ALERT:
            transition = _silence(schedule, event, window, severity, self.clock.now())
            self.states.note(transition, announced=True)
            self.states.keep(AlertState(transition, transition, number or 0), place=place_of(transition))
        if schedule.publish_cloudwatch_metrics:
            state = alert_state(schedule, is_on=True, now=self.clock.now())
            self.metrics.publish(metric_namespace(schedule, self.metric_prefix), [state])
        return alert

    def _has_fired(self, schedule: MonitoringSchedule, due: datetime) -> bool:
        """Return whether a schedule has fired since it was due, or need not any more: the event may be hours old."""
        fired = last_fired(self.ledger, schedule)
        return fired is not None and (fired >= due or schedule.overdue_at(fired) is None)

    def _judgements(self, event: ExecutionEnded, execution: MonitoringExecution, known: KnownAlerts) -> list[Judgement]:
        latest = in_order([*self._looked_back(execution), execution])
        around = latest
        if latest[0].key != execution.key:
            around = in_order(self._looked_back(execution, execution.scheduled_time))
        before = [each for each in around if place_of(each) < place_of(execution)]
        severity = partial(execution.alerting.severity, breach=event.worst_breach)
        return [Judgement(each, execution, before, latest, known.state(each), severity(each)) for each in AlertName]

    def _changes(self, judgements: Sequence[Judgement], known: KnownAlerts) -> list[Change]:
        """Return what people should hear, the most important first."""
        changes = []
        for judged in judgements:
            phase = judged.phase(known.muted_until)
            if phase is None and judged.is_over_already and not self._was_announced(judged):
                phase = AlertPhase.RECOVERED
            if phase:
                change = Change(
                    phase=phase,
                    alert_name=judged.alert,
                    severity=judged.severity,
                    since=judged.since,
                    number=judged.state.number_of(phase),
                )
                changes.append(change)
        return sorted(changes, key=_importance)

    def _was_announced(self, judged: Judgement) -> bool:
        """Return whether an execution was announced before, when what it changed was noted."""
        execution = judged.execution
        return self.states.is_announced(execution.schedule_id, judged.alert, place_of(execution))

    def _raised(
        self,
        event: ExecutionEnded,
        execution: MonitoringExecution,
        due: Sequence[Change],
    ) -> Alert | None:
        """Raise the messages about changes, if there are any, and return the most important one."""
        messages = [partial(_message, event, changes) for changes in _messages(due)]
        endpoint_name, tags = execution.endpoint_name, execution.tags
        for message in messages:
            self.raise_alert(message, event.alert_targets, endpoint_name=endpoint_name, tags=tags)
        return messages[0](lambda _alert, _severity: True) if messages else None

    def _raised_by_itself(self, event: ExecutionEnded, execution: MonitoringExecution | None) -> Alert | None:
        alerting, tags = (execution.alerting, execution.tags) if execution else (Alerting(), {})
        alert = alert_of(event, alerting=alerting)
        if alert is not None:
            self.raise_alert.whole(alert, event.alert_targets, tags)
        return alert

    def _looked_back(
        self, execution: MonitoringExecution, until: datetime | None = None
    ) -> Iterator[MonitoringExecution]:
        """Yield the latest executions, or those until a scheduled time, as many as the alerts of one look back to."""
        most = 1 + max(execution.alerting.threshold(alert).evaluation_period for alert in OF_EXECUTIONS)
        page, judged = execution.alerting.executions_looked_at, Counter[AlertName]()
        found = scheduled_executions(self.ledger, execution.schedule_id, until=until, page=page)
        for place, each in enumerate(islice(found, _MOST_READS * page), start=1):
            if isinstance(each, MonitoringExecution):
                yield each
                judged.update(alert for alert in OF_EXECUTIONS if datapoint(alert, each) is not None)
            if place % page == 0 and all(judged[alert] > most for alert in OF_EXECUTIONS):
                return

    def _keep(self, judgements: Sequence[Judgement], changes: Sequence[Change], sent: Collection[Change]) -> None:
        """Note what changed, how each alert stands, of which of them people have heard, and how serious those are.

        Parameters
        ----------
        changes : sequence of Change
            What people know from now on, some of it because they do not want it to be sent.
        """
        now = self.clock.now()
        known = {each.alert_name: each for each in changes}
        for judged in judgements:
            transitions = judged.transitions(now)
            for transition in transitions:
                self.states.note(transition, announced=transition.key == judged.execution.key)
            change, state = known.get(judged.alert), judged.state
            latest = transitions[-1] if judged.changes_present else state.latest
            kept = state._replace(latest=latest)
            if change and change.phase is not AlertPhase.REMINDER and judged.now is not state.notified_status:
                kept = kept._replace(notified=latest, number=state.number + (change in sent))
            if change and change in sent and change.phase is not AlertPhase.RECOVERED:
                kept = kept.at_least(judged.own_severity)
            if kept != state:
                self.states.keep(kept, place=place_of(judged.latest[0]))

    def _publish_metrics(
        self, event: ExecutionEnded, execution: MonitoringExecution, judgements: Iterable[Judgement]
    ) -> None:
        if not execution.publish_cloudwatch_metrics:
            return
        is_on = any(judged.now is AlertStatus.IN_ALERT for judged in judgements)
        largest = max(map(excess_of, event.violations), default=0.0)
        metrics = schedule_metrics(execution, is_on=is_on, largest_excess=largest, now=self.clock.now())
        self.metrics.publish(metric_namespace(execution, self.metric_prefix), metrics)


def _importance(change: Change) -> tuple[int, int]:
    return list(AlertPhase).index(change.phase), -change.severity.rank


def _messages(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield the changes of each message: it is about one alert that is on, the first also about all that are over."""
    on = [each for each in changes if each.phase is not AlertPhase.RECOVERED]
    if changes:
        yield [*on[:1], *changes[len(on) :]]
    yield from ([each] for each in on[1:])


def _message(event: ExecutionEnded, changes: Sequence[Change], takes: Takes) -> Alert | None:
    """Return the message for a target, of the changes that it takes."""
    taken = [each for each in changes if takes(each.alert_name, each.severity)]
    return alert_of(event, *taken) if taken else None


def _silence(
    schedule: MonitoringSchedule, event: ScheduleSilent, window: Window, severity: Severity, now: datetime
) -> AlertTransition:
    return AlertTransition(
        monitoring_schedule_name=schedule.monitoring_schedule_name,
        schedule_id=schedule.schedule_id,
        alert_name=AlertName.NOT_FIRED,
        alert_status=AlertStatus.IN_ALERT,
        severity=severity,
        creation_time=now,
        window=window,
        scheduled_time=event.due,
        since=event.due,
    )
