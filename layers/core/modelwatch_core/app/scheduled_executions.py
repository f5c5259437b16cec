"""The executions of a schedule in the order of their scheduled times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.ports import ExecutionOrder, Ledger, UnreadableRecord

MOST_LOOKED_AT = 1000
"""How many executions are looked through: a schedule that checks batches when they are written may have many one-off
runs between two windows of its own."""
_LARGEST_PAGE = 100


def by_scheduled_time(
    ledger: Ledger, schedule_id: str, *, until: datetime | None = None, page: int
) -> Iterator[MonitoringExecution | UnreadableRecord]:
    """Yield the executions of a schedule, the latest first, page after page as they are asked for.

    The order of windows is another one where an update moved the offsets of a schedule further back. One-off runs are
    due at the end of their windows.

    Parameters
    ----------
    until : datetime, optional
        The last scheduled time.
    page : int
        How many executions are read at once.
    """
    order, limit, after = ExecutionOrder("ScheduledTime", schedule_id, until=until), min(page, _LARGEST_PAGE), None
    for _ in range(0, MOST_LOOKED_AT, limit):
        found = ledger.page(order, limit=limit, after=after)
        yield from (record for record, _ in found.records)
        if not (found.has_more and found.records):
            return
        after = found.records[-1][1]


def scheduled_executions(
    ledger: Ledger, schedule_id: str, *, until: datetime | None = None, page: int
) -> Iterator[MonitoringExecution | UnreadableRecord]:
    """Yield those of a schedule's own windows; see `by_scheduled_time`."""
    for record in by_scheduled_time(ledger, schedule_id, until=until, page=page):
        if isinstance(record, UnreadableRecord) or not record.one_off:
            yield record
