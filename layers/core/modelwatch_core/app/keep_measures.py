"""Keep what a monitor measured in an hour and its day, when one of its executions has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from modelwatch_core.domain.dashboard.periods import Measured, Period, PeriodLength, measured, worst_of
from modelwatch_core.ports import Clock, Ledger, MonitorPeriods, UnreadableRecord, readable

_PAGE = 10
_MOST_IN_AN_HOUR = 500
"""The most executions that are read for one hour: a window each minute, and repetitions."""


@dataclass(frozen=True, slots=True)
class KeepMeasures:
    """Work out an hour from its executions and a day from its hours.

    Each is computed again from what is kept below it, so that it does not matter how often, in which order or how many
    at once this is done.
    """

    ledger: Ledger
    periods: MonitorPeriods
    clock: Clock

    def __call__(self, schedule_id: str, moment: datetime) -> None:
        """Keep the hour and the day in which a window began."""
        hour = moment.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0)
        read_at = self.clock.now()
        before = self.ledger.executions_before(schedule_id, hour + timedelta(hours=1), page=_PAGE)
        found = takewhile(lambda each: isinstance(each, UnreadableRecord) or each.window.start >= hour, before)
        ended = readable(islice(found, _MOST_IN_AN_HOUR))
        self._put(Period(schedule_id=schedule_id, length=PeriodLength.HOUR, start=hour), measured(ended), read_at)
        read_at = self.clock.now()  # after the hour was written: of two that do this at once the later sees both
        of_hours = (each for hour in self.periods.hours(schedule_id, day) for each in hour.measures)
        self._put(Period(schedule_id=schedule_id, length=PeriodLength.DAY, start=day), of_hours, read_at)

    def _put(self, period: Period, measures: Iterable[Measured], read_at: datetime) -> None:
        self.periods.put(period.model_copy(update={"measures": worst_of(measures)}), read_at=read_at)
