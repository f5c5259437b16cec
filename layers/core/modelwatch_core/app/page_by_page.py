"""All records of a list, page after page as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Ledger, Schedules, UnreadableRecord

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


def executions_before(
    ledger: Ledger, schedule_id: str, moment: datetime | None = None, *, page: int = _PAGE
) -> Iterator[MonitoringExecution | UnreadableRecord]:
    """Yield the executions of a schedule, those of the latest windows first, page after page as they are asked for.

    Parameters
    ----------
    moment : datetime, optional
        Only those whose windows begin before it.
    page : int
        How many are read at once.
    """
    while True:
        found = ledger.history(schedule_id, limit=page, before=moment)
        yield from found
        readable = [each.window.start for each in found if isinstance(each, MonitoringExecution)]
        if len(found) < page or not readable or readable[-1] == moment:
            return
        moment = readable[-1]
