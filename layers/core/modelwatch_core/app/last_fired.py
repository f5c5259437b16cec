"""When a schedule fired last, by its executions."""

from __future__ import annotations

from datetime import datetime

from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Ledger, UnreadableRecord, readable

_RECENT = 5
"""How many executions of a schedule are searched for its last tick: one-off runs may have come after it."""


def last_fired(ledger: Ledger, schedule: MonitoringSchedule) -> datetime | None:
    """Return the time for which a schedule fired last, or since when it does; None if that cannot be read."""
    found = ledger.history(schedule.schedule_id, limit=_RECENT)
    if any(isinstance(each, UnreadableRecord) for each in found):
        return None  # what cannot be read is reported by itself
    scheduled = [each.scheduled_time for each in readable(found) if not each.one_off]
    return max([schedule.begins, *scheduled])
