"""An endpoint of the user's own changed: its schedules react, and people hear of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.raise_notices import RaiseNotices
from modelwatch_core.domain.endpoint_reactions import reaction_of
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.watched_endpoint import Deployment, Notice, unheard_notices
from modelwatch_core.ports import AlertStates, Clock, Endpoints, Schedules


@dataclass(frozen=True, slots=True)
class FollowWatchedEndpoint:
    """Let the schedules of an endpoint react to what it is now.

    SageMaker's events come twice, late and in any order, so an event only makes the app look. What people should hear
    of a muted schedule is kept until the mute is over, and until targets can be read.
    """

    schedules: Schedules
    states: AlertStates
    endpoints: Endpoints
    follow_schedule: FollowSchedule
    raise_notices: RaiseNotices
    clock: Clock

    def __call__(self, endpoint_name: str) -> list[str]:
        """React, and return the names of the schedules that did.

        Raises
        ------
        InvalidInput
            ``InvalidParameter`` where the targets of notices cannot be read. All schedules have reacted by then, and
            a retry raises the notices.
        NotReady, Upstream
            When a retry may help; it goes on where this call stopped.
        """
        watching = list(self.schedules.watching(endpoint_name))
        if not watching:
            return []
        found, reacted, errors = self.endpoints.deployment(endpoint_name), list[str](), list[InvalidInput]()
        for each in watching:
            try:
                if self._reacts(each, found):
                    reacted.append(each.monitoring_schedule_name)
            except InvalidInput as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return reacted

    def _reacts(self, schedule: MonitoringSchedule, found: Deployment | None) -> bool:
        reaction = reaction_of(schedule, found, self.clock.now())
        if reaction is None:
            return self.end_of_mute(schedule)
        schedule_after, notices = reaction
        if self._is_muted(schedule):
            return self._written(schedule_after, notices)
        # Before the schedule is written: after a crash between the two, the notices are raised again, and sent once.
        try:
            self.raise_notices(schedule, *notices)
        except InvalidInput:
            self._written(schedule_after, notices)
            raise
        return self._written(schedule_after)

    def end_of_mute(self, schedule: MonitoringSchedule) -> bool:
        """Raise what was kept while a schedule was muted, if it is not any more, and return whether it was.

        Raises
        ------
        InvalidInput
            ``InvalidParameter`` where the targets of notices cannot be read.
        NotReady, Upstream
            When a retry may help.
        """
        seen = schedule.watched_endpoint
        if seen is None or not seen.unheard or self._is_muted(schedule):
            return False
        self.raise_notices(schedule, *seen.unheard)
        heard = seen.model_copy(update={"unheard": ()})
        return self._written(schedule.model_copy(update={"watched_endpoint": heard, "version": schedule.version + 1}))

    def _is_muted(self, schedule: MonitoringSchedule) -> bool:
        return self.states.known(schedule.schedule_id).are_muted(self.clock.now())

    def _written(self, schedule: MonitoringSchedule, kept: Iterable[Notice] = ()) -> bool:
        seen = schedule.watched_endpoint
        if seen and kept:
            noticed = {"noticed": self.clock.now()}
            later = (notice.model_copy(update=noticed) for notice in kept)
            seen = seen.model_copy(update={"unheard": unheard_notices(seen.unheard, *later)})
            schedule = schedule.model_copy(update={"watched_endpoint": seen})
        self.follow_schedule(self.schedules.save(schedule))
        return True
