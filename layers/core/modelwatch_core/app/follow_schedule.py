"""A schedule was written or deleted: make its clock follow, however often a process that began to do so died."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.stop_execution import StopExecution
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.ports import ScheduleChange, Schedules, Ticks

CHANGE_LEASE = timedelta(minutes=2)
"""How long whoever changed a schedule has to make its clock follow: longer than its Lambda may run."""


@dataclass(frozen=True, slots=True)
class FollowSchedule:
    """Make the clock of a schedule what its definition says; end what a deleted schedule has running."""

    schedules: Schedules
    ticks: Ticks
    stop_execution: StopExecution

    def __call__(self, change: ScheduleChange) -> None:
        """Follow a change, and whatever was written since.

        Each step may be repeated, and the change is forgotten last.

        Raises
        ------
        Upstream, NotReady
            When a retry may help; the sweep retries.
        """
        name = change.monitoring_schedule_name
        schedule = self.schedules.get(name)
        while True:
            if schedule is None:
                self.ticks.remove(name)
            else:
                self.ticks.set(schedule)
            # Another process may have written the definition, and set the clock, before this one set it.
            standing = self.schedules.get(name)
            if standing == schedule:
                break
            schedule = standing
        if standing is None or standing.schedule_id != change.schedule_id:
            # A run that went on would write over the reports of a schedule that is created again under the name.
            with suppress(InvalidInput):  # nothing is running, or it has ended in this moment
                self.stop_execution(change.schedule_id)
        self.schedules.followed(change)
