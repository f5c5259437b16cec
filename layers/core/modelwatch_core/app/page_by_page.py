"""All records of a list, page after page as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Schedules

_PAGE = 100


def every_schedule(schedules: Schedules) -> Iterator[MonitoringSchedule]:
    """Yield all schedules that can be read, page after page, in the order of their names."""
    after = None
    while True:
        page = schedules.page(limit=_PAGE, after=after)
        yield from (schedule for schedule, _ in page.records if isinstance(schedule, MonitoringSchedule))
        if not page.has_more or not page.records:
            return
        after = page.records[-1][1]
