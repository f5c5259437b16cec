"""What an execution does to the alerts of its schedule. It follows from the executions alone, in their order.

Executions may be announced late, twice and out of order. So the state of an alert does not depend on what was announced
before: it is that of the executions in the order in which they were due, each judged by the settings that it carries.
What people hear is the difference between the state as it is now and the last one that they heard of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from modelwatch_core.domain.alerting import AlertName, AlertStatus, Severity
from modelwatch_core.domain.alerts import AlertPhase, alert_concerned
from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, UtcDatetime, iso_utc
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.domain.windows import Window

OF_EXECUTIONS = (AlertName.VIOLATIONS, AlertName.FAILED_EXECUTIONS, AlertName.NO_DATA)
"""The alerts that executions decide, the most important first."""


class AlertTransition(Owned):
    """A change of the state of an alert, as its history has it.

    Attributes
    ----------
    creation_time : datetime
        When it was noticed.
    window : Window
        The window of the execution that changed it; if a schedule did not fire, the window that it should have had.
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

    @property
    def key(self) -> ExecutionKey:
        """The identity of the execution that changed it."""
        return ExecutionKey(schedule_id=self.schedule_id, window=self.window, attempt=self.attempt)

    def at_least(self, severity: Severity) -> AlertTransition:
        """Return the same, if it is less serious with this severity."""
        return self.model_copy(update={"severity": severity}) if severity.rank > self.severity.rank else self


class AlertState(NamedTuple):
    """An alert of a schedule as it stands.

    Attributes
    ----------
    latest : AlertTransition, optional
        The latest change of its state; None if it has never changed from OK.
    notified : AlertTransition, optional
        The latest change that people know of: while a schedule is muted they hear of none. None for OK from the start.
    number : int
        How many beginnings and ends were sent. It orders the messages of an alert, however they arrive.
    """

    latest: AlertTransition | None = None
    notified: AlertTransition | None = None
    number: int = 0

    @property
    def status(self) -> AlertStatus:
        """The state."""
        return self.latest.alert_status if self.latest else AlertStatus.OK

    @property
    def notified_status(self) -> AlertStatus:
        """The state that people know."""
        return self.notified.alert_status if self.notified else AlertStatus.OK

    def at_least(self, severity: Severity) -> AlertState:
        """Return the state of an alert that is on, and that people know to be so serious by now."""
        latest, notified = (each and each.at_least(severity) for each in (self.latest, self.notified))
        return self._replace(latest=latest, notified=notified)

    def number_of(self, phase: AlertPhase) -> int | None:
        """Return the number of a message about the alert, see ``Change``."""
        if phase is AlertPhase.IN_ALERT:
            return self.number + (self.notified_status is AlertStatus.OK)
        if self.notified_status is AlertStatus.OK or not self.number:  # not counted by earlier versions
            return None
        return self.number + (phase is AlertPhase.RECOVERED)


def place_of(record: AlertTransition | MonitoringExecution) -> str:
    """Return the place of an execution, or of what it changed, among those of its schedule.

    The scheduled time decides: after an update that moved the offsets further back, windows begin before earlier ones.
    """
    return f"{iso_utc(record.scheduled_time)}~{record.key.place}"


def datapoint(alert: AlertName, execution: MonitoringExecution) -> bool | None:
    """Return whether an execution is bad for an alert; None if it says nothing about it."""
    if alert is AlertName.NOT_FIRED:
        return False  # it has begun
    status, outcome = execution.monitoring_execution_status, execution.outcome
    concerned = alert_concerned(status, outcome.failure_reason if outcome else None)
    if concerned is alert:
        return True
    if alert is AlertName.VIOLATIONS and (outcome is None or outcome.violation_count is None):
        return None  # nothing was compared: that is no recovery
    return False if status.is_completed else None


def in_order(executions: Iterable[MonitoringExecution]) -> list[MonitoringExecution]:
    """Return the executions that count, newest first: all attempts at windows of the schedule's own that ended."""
    counted = {place_of(each): each for each in executions if each.is_settled and not each.one_off}
    return [counted[place] for place in sorted(counted, reverse=True)]


def status_after(
    alert: AlertName, executions: Iterable[MonitoringExecution], known: AlertStatus = AlertStatus.OK
) -> AlertStatus:
    """Return the state of an alert after the first of some executions, which are in order.

    Of a window that was repeated the last attempt counts that says something about the alert.

    Parameters
    ----------
    known : AlertStatus
        What it is where none of them says anything about it.
    """
    judged: dict[Window, bool] = {}
    threshold = None
    for each in executions:
        if (bad := datapoint(alert, each)) is None:
            continue
        threshold = threshold or each.alerting.threshold(alert)
        judged.setdefault(each.window, bad)
        if len(judged) == threshold.evaluation_period:
            break  # what is further back changes nothing
    if threshold is None:
        return known
    return AlertStatus.IN_ALERT if threshold.is_met([*judged.values()]) else AlertStatus.OK


def status_now(alert: AlertName, executions: Sequence[MonitoringExecution], state: AlertState) -> AlertStatus:
    """Return the state of an alert after the latest executions, which are in order, or as it is known after them."""
    if state.latest and (not executions or place_of(state.latest) > place_of(executions[0])):
        return state.status
    return status_after(alert, executions, state.status)


class Standing(Owned):
    """An alert as it is shown.

    Attributes
    ----------
    since : datetime, optional
        When it began, if it is on.
    severity : Severity, optional
        How serious it is, if it is on and that has been noted.
    """

    alert: AlertName
    status: AlertStatus
    since: UtcDatetime | None = None
    severity: Severity | None = None


def standing(alert: AlertName, executions: Sequence[MonitoringExecution], state: AlertState) -> Standing:
    """Return how an alert stands after the latest executions, which are in order, and by what is known of it."""
    status, latest = status_now(alert, executions, state), state.latest
    if status is AlertStatus.OK:
        return Standing(alert=alert, status=status)
    if latest and latest.alert_status is AlertStatus.IN_ALERT:
        return Standing(alert=alert, status=status, since=latest.since, severity=latest.severity)
    return Standing(alert=alert, status=status, since=_turn(alert, executions).window.start)


@dataclass(frozen=True)
class Judgement:
    """What an execution means for one of the alerts of its schedule.

    Attributes
    ----------
    before : sequence of MonitoringExecution
        Those that count before it, in order; its own earlier attempts among them.
    latest : sequence of MonitoringExecution
        The latest of the schedule, in order. The first is the execution itself, unless it is announced late or repeats
        an older window.
    state : AlertState
        What the alert was when the execution was announced.
    own_severity : Severity
        How serious the alert is by the execution's settings and its worst violation.
    """

    alert: AlertName
    execution: MonitoringExecution
    before: Sequence[MonitoringExecution]
    latest: Sequence[MonitoringExecution]
    state: AlertState
    own_severity: Severity

    @property
    def is_latest(self) -> bool:
        """Whether no later window has ended."""
        return self.latest[0].key == self.execution.key

    @cached_property
    def is_bad(self) -> bool | None:
        """Whether the execution is bad for the alert; None if it says nothing about it."""
        return datapoint(self.alert, self.execution)

    @cached_property
    def was(self) -> AlertStatus:
        """The state before the execution."""
        latest = self.state.latest
        known = latest if latest and place_of(latest) < place_of(self.execution) else None
        return status_after(self.alert, self.before, known.alert_status if known else AlertStatus.OK)

    @cached_property
    def became(self) -> AlertStatus:
        """The state after the execution."""
        return status_after(self.alert, [self.execution, *self.before], self.was)

    @cached_property
    def now(self) -> AlertStatus:
        """The state after the latest execution."""
        return status_now(self.alert, self.latest, self.state)

    @cached_property
    def turned(self) -> MonitoringExecution:
        """The execution with which the present state began, as far back as they are known.

        Where a repetition of an older window has changed the present state, it is the latest execution.
        """
        turned = _turn(self.alert, self.latest)
        changed_since = self.state.latest is not None and place_of(turned) < place_of(self.state.latest)
        return self.latest[0] if changed_since else turned

    @cached_property
    def since(self) -> datetime:
        """When the alert began that is on, or that is over since the execution."""
        if self._begun:
            return self._begun.since
        if self.now is AlertStatus.IN_ALERT:
            return self.turned.window.start
        is_over = self.was is AlertStatus.IN_ALERT
        return (_turn(self.alert, self.before) if is_over and self.before else self.execution).window.start

    @property
    def severity(self) -> Severity:
        """How serious the alert is; one that is over, or lasts through a good execution, is as serious as it was."""
        if self._begun and (self.now is AlertStatus.OK or not self.is_bad):
            return self._begun.severity
        return self.own_severity

    def phase(self, muted_until: datetime | None) -> AlertPhase | None:
        """Return what people should hear of the alert now; None for nothing.

        Parameters
        ----------
        muted_until : datetime, optional
            The end of a time in which nothing was sent: what still lasts is in the message of the first execution after
            it, and so is the end of what people were notified of before.
        """
        notified = self.state.notified_status
        speaks = self.is_latest or self.execution.attempt > 1  # else the latest execution says what it changed
        if self.now is AlertStatus.OK:
            if notified is AlertStatus.IN_ALERT:
                return AlertPhase.RECOVERED if speaks else self._reminder
            return AlertPhase.RECOVERED if self._reminder and self.was is AlertStatus.IN_ALERT else None
        if self.is_bad is None or not (self.is_latest or self.is_bad):
            return None  # the execution that is bad says so itself
        if notified is AlertStatus.OK:
            began = speaks or place_of(self.execution) >= place_of(self.turned)
            return AlertPhase.IN_ALERT if began else self._reminder
        return AlertPhase.REMINDER if self._is_worse or self._reminds(muted_until) else None

    @property
    def changes_present(self) -> bool:
        """Whether the present state is another than was noted, and no later execution is to say so."""
        is_said_here = self.execution.attempt > 1 or place_of(self.turned) <= place_of(self.execution)
        return self.now is not self.state.status and is_said_here

    def transitions(self, noticed: datetime) -> list[AlertTransition]:
        """Return what belongs in the history: what the execution changed, and last the change to the present state.

        Where a later window has ended what a late execution began, that is in the history too: else an alert that is
        over would be on at its end. A repetition of an older window changes nothing but the present.
        """
        found: dict[str, AlertTransition] = {}
        if self.was is not self.became and (self.is_latest or self.execution.attempt == 1):
            found[place_of(self.execution)] = self._transition(self.execution, self.became, noticed)
            if self.now is AlertStatus.OK and self.became is AlertStatus.IN_ALERT and (ended := self._ended):
                found[place_of(ended)] = self._transition(ended, self.now, noticed)
        if self.changes_present:
            found[place_of(self.turned)] = self._transition(self.turned, self.now, noticed)
        return list(found.values())

    @property
    def _ended(self) -> MonitoringExecution | None:
        """The first later execution, as far back as they are known, that ended what the execution began."""
        place = [each.key for each in self.latest].index(self.execution.key)
        for later in range(place - 1, -1, -1):
            executions = in_order([*self.latest[later:], *self.before])
            if status_after(self.alert, executions, self.became) is AlertStatus.OK:
                return self.latest[later]
        return None

    def _transition(self, by: MonitoringExecution, status: AlertStatus, noticed: datetime) -> AlertTransition:
        begins = status is AlertStatus.IN_ALERT
        of_begin = self.own_severity if by.key == self.execution.key else by.alerting.severity(self.alert)
        return AlertTransition(
            monitoring_schedule_name=by.monitoring_schedule_name,
            schedule_id=by.schedule_id,
            alert_name=self.alert,
            alert_status=status,
            severity=of_begin if begins else self.severity,
            creation_time=noticed,
            window=by.window,
            attempt=by.attempt,
            scheduled_time=by.scheduled_time,
            since=by.window.start if begins else self._since_before(by),
        )

    def _since_before(self, by: MonitoringExecution) -> datetime:
        """Return when the alert began that an execution ended, in the order of windows."""
        earlier = [each for each in self.latest if place_of(each) < place_of(by)] or self.before
        turned = _turn(self.alert, earlier) if earlier else by
        is_older = turned is (earlier[-1] if earlier else by)  # than the executions that are looked back to
        start = turned.window.start
        return min(self._begun.since, start) if self._begun and is_older else start

    @property
    def is_over_already(self) -> bool:
        """Whether later windows have ended what the execution found, so that nobody heard of it yet."""
        if self.is_latest or self.now is AlertStatus.IN_ALERT or self.state.notified_status is AlertStatus.IN_ALERT:
            return False
        began = (self.was, self.became) == (AlertStatus.OK, AlertStatus.IN_ALERT)
        return began or (self._is_awaited and self.was is AlertStatus.IN_ALERT)

    @cached_property
    def _begun(self) -> AlertTransition | None:
        """The beginning of the alert that people think is on, however often it began again in a mute; or that is on."""
        begun = (each for each in (self.state.notified, self.state.latest) if each)
        return next((each for each in begun if each.alert_status is AlertStatus.IN_ALERT), None)

    @property
    def _reminder(self) -> AlertPhase | None:
        """The message about an execution that is bad, where people want one of each that is."""
        is_wanted = self.is_bad and self.execution.alerting.remind_after_hours == 0
        return AlertPhase.REMINDER if is_wanted else None

    @property
    def _is_worse(self) -> bool:
        """Whether it is more serious than people know, so that those who hear of serious alerts only do not know it."""
        notified = self.state.notified
        is_more = notified is None or self.own_severity.rank > notified.severity.rank
        return self.is_latest and bool(self.is_bad) and is_more

    @property
    def _is_awaited(self) -> bool:
        """Whether a person waits for it: who repeats a window wants to know what became of it."""
        return (
            self.execution.attempt > 1 and self.execution.outcome is not None and bool(self.execution.outcome.changes)
        )

    def _reminds(self, muted_until: datetime | None) -> bool:
        if (self._is_awaited and self.is_bad) or self._reminder:
            return True
        if not self.is_latest:
            return False
        earlier = (each for each in self.before if each.window != self.execution.window)
        previous = next((each for each in earlier if datapoint(self.alert, each) is not None), None)
        if muted_until and previous and previous.creation_time < muted_until:
            return True
        hours = self.execution.alerting.remind_after_hours
        if not hours:
            return False
        every, start = timedelta(hours=hours), self.execution.window.start
        latest = previous.window.start if previous else self.since
        return (start - self.since) // every > (max(latest, self.since) - self.since) // every


def _turn(alert: AlertName, executions: Sequence[MonitoringExecution]) -> MonitoringExecution:
    """Return the execution with which the state after the first of some began, as far back as they are known."""
    status, turned = status_after(alert, executions), executions[0]
    for place, each in enumerate(executions):
        if status_after(alert, executions[place:]) is not status:
            break
        turned = each
    return turned
