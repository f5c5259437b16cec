"""Something happened to what a schedule watches: an alert for each of its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch_core.domain.alert_targets import AlertTargetReference, reached
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.notices import Notice, notice_alert
from modelwatch_core.ports import Clock, EventBus


@dataclass(frozen=True, slots=True)
class RaiseNotices:
    """Raise notices as alerts, which are delivered as those of executions are.

    Parameters
    ----------
    default_targets : sequence of AlertTargetReference
        Who is notified of schedules that name no targets that alerts are sent to.
    """

    bus: EventBus
    default_targets: Sequence[AlertTargetReference]
    clock: Clock

    def __call__(self, schedule: MonitoringSchedule, *notices: Notice) -> None:
        """Raise notices of a schedule.

        Raises
        ------
        Upstream
            When the bus did not take one; a retry raises it again, and each target is sent it once.
        """
        for notice in notices:
            alert = notice_alert(notice, schedule, self.clock.now())
            targets = reached(
                schedule.alert_targets,
                self.default_targets,
                alerts=(),
                severity=alert.severity,
                endpoint_name=alert.endpoint_name,
                tags=schedule.tags,
            )
            for target in targets:
                self.bus.publish(AlertRaised(alert=alert, target=target))
