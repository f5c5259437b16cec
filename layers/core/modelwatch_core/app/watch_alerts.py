"""What the sweep sees of alerts: schedules that did not fire, alerts that wait for a target, and the ends of mutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from modelwatch_core.app.follow_watched_endpoint import FollowWatchedEndpoint
from modelwatch_core.app.last_fired import last_fired
from modelwatch_core.domain.alerting import AlertName, AlertStatus
from modelwatch_core.domain.alerts import AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import (
    AlertStates,
    Clock,
    EventBus,
    Ledger,
    MutedSchedule,
    Schedules,
    WaitingAlerts,
)

_EVERY_HOUR_UNTIL = 5
"""Schedules are looked at only by the sweeps before this minute of each hour: a silence of hours can wait for one."""


@dataclass(frozen=True, slots=True)
class WatchAlerts:
    """Have what waits sent, and schedules that are silent reported."""

    schedules: Schedules
    ledger: Ledger
    states: AlertStates
    waiting: WaitingAlerts
    follow_endpoint: FollowWatchedEndpoint
    bus: EventBus
    clock: Clock

    def steps(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Yield what is to be done: what it is about, and the step."""
        for target in self.waiting.targets():
            yield f"alerts that wait for {target}", partial(self._published, AlertsWaiting(target=target))
        now = self.clock.now()
        if now.minute >= _EVERY_HOUR_UNTIL:
            return
        for name in self.schedules.overdue(now):
            yield f"the silence of {name}", partial(self._look_at, name, now)
        for mute in self.states.ended_mutes(now):
            yield f"the mute of {mute.monitoring_schedule_name}", partial(self._end_of, mute)

    def _published(self, event: AlertsWaiting | ScheduleSilent) -> bool:
        self.bus.publish(event)
        return False  # nothing is moved on: who takes the event counts what it does

    def _end_of(self, mute: MutedSchedule) -> bool:
        schedule, is_moved_on = self.schedules.get(mute.monitoring_schedule_name), False
        if schedule is not None and schedule.schedule_id == mute.schedule_id:
            is_moved_on = self.follow_endpoint.end_of_mute(schedule)
        self.states.unlist(mute)
        return is_moved_on

    def _look_at(self, name: str, now: datetime) -> bool:
        schedule = self.schedules.get(name)
        fired = last_fired(self.ledger, schedule) if schedule else None
        if schedule is None or fired is None:
            return False
        overdue = schedule.overdue_at(fired)
        if overdue is None or now < overdue:
            self.schedules.expect(schedule, fired)
            return False
        event = self._event(schedule, schedule.expression.after(fired), now)
        return self._published(event) if event else False

    def _event(self, schedule: MonitoringSchedule, due: datetime, now: datetime) -> ScheduleSilent | None:
        """Return what is to be said about a schedule that is silent since a moment: at first, and when it is time."""
        latest = self.states.known(schedule.schedule_id).state(AlertName.NOT_FIRED).latest
        name, schedule_id = schedule.monitoring_schedule_name, schedule.schedule_id
        if latest is None or latest.alert_status is AlertStatus.OK:
            return ScheduleSilent(monitoring_schedule_name=name, schedule_id=schedule_id, due=due)
        hours = schedule.alerting.remind_after_hours
        every = timedelta(hours=hours or 1)
        reminders = (now - latest.since) // every
        if hours is None or not reminders or (now - timedelta(hours=1) - latest.since) // every == reminders:
            return None
        return ScheduleSilent(
            monitoring_schedule_name=name, schedule_id=schedule_id, due=latest.since, reminder=reminders
        )
