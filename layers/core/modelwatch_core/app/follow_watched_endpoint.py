"""An endpoint of the user's own changed: its schedules react, and people hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.raise_notices import RaiseNotices
from modelwatch_core.domain.endpoint_reactions import reaction_of
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.watched_endpoint import Deployment
from modelwatch_core.ports import Clock, Endpoints, Schedules


@dataclass(frozen=True, slots=True)
class FollowWatchedEndpoint:
    """Let the schedules of an endpoint react to what it is now.

    SageMaker's events come twice, late and in any order, so an event only makes the app look.
    """

    schedules: Schedules
    endpoints: Endpoints
    follow_schedule: FollowSchedule
    raise_notices: RaiseNotices
    clock: Clock

    def __call__(self, endpoint_name: str) -> list[str]:
        """React, and return the names of the schedules that did.

        Raises
        ------
        NotReady, Upstream
            When a retry may help; it goes on where this call stopped.
        """
        watching = list(self.schedules.watching(endpoint_name))
        if not watching:
            return []
        found = self.endpoints.deployment(endpoint_name)
        return [each.monitoring_schedule_name for each in watching if self._reacts(each, found)]

    def _reacts(self, schedule: MonitoringSchedule, found: Deployment | None) -> bool:
        reaction = reaction_of(schedule, found, self.clock.now())
        if reaction is None:
            return False
        # Before the schedule is written: after a crash between the two, the notices are raised again, and sent once.
        self.raise_notices(schedule, *reaction.notices)
        self.follow_schedule(self.schedules.save(reaction.schedule))
        return True
