"""Something happened to what a schedule watches: an alert for each of its targets."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.app.deliver_alerts import RaiseAlert
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.notices import notice_alert
from modelwatch_core.domain.watched_endpoint import Notice
from modelwatch_core.ports import Clock


@dataclass(frozen=True, slots=True)
class RaiseNotices:
    """Raise notices as alerts, which are delivered as those of executions are."""

    raise_alert: RaiseAlert
    clock: Clock

    def __call__(self, schedule: MonitoringSchedule, *notices: Notice) -> None:
        """Raise notices of a schedule; raises as ``RaiseAlert``."""
        for notice in notices:
            alert = notice_alert(notice, schedule, self.clock.now())
            self.raise_alert.whole(alert, schedule.alert_targets, schedule.tags)
