"""When a schedule fired last, by its executions."""

from __future__ import annotations

from datetime import datetime

from modelwatch_core.app.scheduled_executions import scheduled_executions
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Ledger, UnreadableRecord

_PAGE = 5


def last_fired(ledger: Ledger, schedule: MonitoringSchedule) -> datetime | None:
    """Return the time for which a schedule fired last, or since when it does; None if that cannot be read."""
    latest = next(scheduled_executions(ledger, schedule.schedule_id, page=_PAGE), None)
    if isinstance(latest, UnreadableRecord):
        return None  # what cannot be read is reported by itself
    return max(schedule.begins, latest.scheduled_time) if latest else schedule.begins
