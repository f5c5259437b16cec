"""When a schedule fired last, by its executions."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from modelwatch_core.app.scheduled_executions import MOST_LOOKED_AT
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Ledger, UnreadableRecord

_PAGE = 20
"""How many executions are read at once."""


def last_fired(ledger: Ledger, schedule: MonitoringSchedule) -> datetime | None:
    """Return the time for which a schedule fired last, or since when it does; None if that cannot be read.

    One-off runs are passed over, and so are windows from before an update that moved the windows further back.
    """
    begins = schedule.begins
    try:
        first = schedule.window(schedule.expression.after(begins))
    except InvalidInput:  # it is never due, or its windows are empty
        return begins
    for each in islice(ledger.executions_before(schedule.schedule_id, page=_PAGE), MOST_LOOKED_AT):
        if isinstance(each, UnreadableRecord):
            return None  # what cannot be read is reported by itself
        if each.window.start < first.start:
            return begins
        if not each.one_off and each.scheduled_time > begins:
            return each.scheduled_time
    return begins
