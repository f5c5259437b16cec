"""The dashboard: read from the lists of schedules and executions, shown at once or kept as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from modelwatch_core.app.keep_measures import KeepMeasures
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.page_by_page import every_schedule
from modelwatch_core.app.scheduled_executions import by_scheduled_time
from modelwatch_core.domain.alert_states import in_order, standing
from modelwatch_core.domain.alerting import AlertName, AlertStatus
from modelwatch_core.domain.dashboard.monitors import Executions, Monitor
from modelwatch_core.domain.dashboard.pages import (
    FOLDER,
    INDEX,
    history_page,
    history_widget,
    overview_page,
    overview_widget,
    page_name,
)
from modelwatch_core.domain.dashboard.periods import Measured, worst_of
from modelwatch_core.domain.dashboard.summaries import MonitorSummary, summary_of
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.s3_layout import join, split
from modelwatch_core.ports import AlertStates, Clock, MonitorPeriods, MonitorSummaries, ObjectStore, readable

_LATEST = 100
"""How many executions of a monitor its history shows one by one."""
_DAYS = 400
"""How many days before these executions are shown, each as one point."""
_FRESH, _HOUR = timedelta(minutes=5), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReadMonitors:
    """Read schedules and what their executions came to; neither scans a table."""

    lists: MonitorLists
    summaries: MonitorSummaries
    periods: MonitorPeriods
    states: AlertStates

    def all(self) -> Iterator[Monitor]:
        """Yield every monitor; the cost is that of two lists, whose pages hold a hundred and some hundreds of them."""
        known = {summary.schedule_id: summary for summary in self.summaries.all()}
        for schedule in every_schedule(self.lists.schedules):
            summary = known.get(schedule.schedule_id)
            has_page = summary is not None
            yield Monitor(schedule, summary or MonitorSummary(schedule_id=schedule.schedule_id), has_page)

    def history(self, schedule: MonitoringSchedule) -> tuple[Monitor, Executions]:
        """Return a monitor with its latest executions and its days; what is read does not grow with its age."""
        ledger, schedule_id = self.lists.ledger, schedule.schedule_id
        most = max(_LATEST, schedule.alerting.executions_looked_at)
        found = [*islice(by_scheduled_time(ledger, schedule_id, page=_LATEST), most)]
        executions = list(readable(found))
        ended, known = in_order(executions), self.states.known(schedule_id)
        alerts = (standing(alert, ended, known.state(alert)) for alert in AlertName)
        on = tuple(each for each in alerts if each.status is AlertStatus.IN_ALERT)
        cost, before = ledger.cost(schedule_id), self.summaries.get(schedule_id)
        summary = summary_of(schedule_id, executions, cost, before)
        summary = summary.model_copy(update={"alerts": on, "muted_until": known.muted_until})
        shown, unreadable = executions[:_LATEST], len(found) - len(executions)
        first = min(each.window.start for each in shown) if shown and len(found) >= _LATEST else None
        return Monitor(schedule, summary), Executions(shown, self._days_before(schedule_id, first), unreadable)

    def _days_before(self, schedule_id: str, first: datetime | None) -> list[Measured]:
        """Return the worst of each day, and of the day on which the executions that are shown begin until they do."""
        days = {day.start: day.measures for day in self.periods.days(schedule_id, most=_DAYS)}
        if first is not None:
            day = first.replace(hour=0, minute=0, second=0, microsecond=0)
            hours = (hour for hour in self.periods.hours(schedule_id, day) if hour.start + _HOUR <= first)
            days[day] = worst_of(each for hour in hours for each in hour.measures)
        return [each for measures in days.values() for each in measures]


@dataclass(frozen=True, slots=True)
class WriteDashboard:
    """Keep the summary of the monitor whose execution ended, and write its page, and perhaps that of all monitors.

    Where many executions end together, the last of them writes the page of all; while something runs, it is written
    every five minutes at most.

    Parameters
    ----------
    results : str
        The S3 URI of the results bucket.
    """

    read: ReadMonitors
    keep: KeepMeasures
    objects: ObjectStore
    clock: Clock
    results: str

    def __call__(self, event: ExecutionEnded) -> None:
        """Write the pages; writing them again makes them newer.

        Raises
        ------
        Upstream
            When a service did not respond; a retry helps.
        """
        now, (bucket, _) = self.clock.now(), split(self.results)
        schedule = self.read.lists.schedules.get(event.monitoring_schedule_name)
        if schedule is not None:  # it may have been deleted since
            self.keep(schedule.schedule_id, event.window.start)
            monitor, executions = self.read.history(schedule)
            self.read.summaries.put(monitor.summary, read_at=now)
            self._write(page_name(schedule), history_page(monitor, executions, now, results_bucket=bucket))
        if self._is_due(now):
            self._write(INDEX, overview_page([*self.read.all()], now))

    def _is_due(self, now: datetime) -> bool:
        written = next(iter(self.objects.files(join(self.results, FOLDER, INDEX))), None)
        if written is None or now - written.modified >= _FRESH:
            return True
        open_ones = self.read.lists.ledger.still_open()
        return all(each.is_settled for each in readable(open_ones))

    def _write(self, name: str, page: str) -> None:
        self.objects.write(page, join(self.results, FOLDER, name))


@dataclass(frozen=True, slots=True)
class ShowWidget:
    """Serve CloudWatch, which shows the dashboard as a custom widget."""

    read: ReadMonitors
    clock: Clock

    def __call__(self, *, monitor: str, theme: str, function_arn: str) -> str:
        """Return the HTML of all monitors, or of one.

        Raises
        ------
        InvalidInput
            ``ScheduleNotFound``.
        """
        now = self.clock.now()
        if monitor:
            found, executions = self.read.history(self.read.lists.schedule(monitor))
            return history_widget(found, executions, now, region=function_arn.split(":")[3], theme=theme)
        return overview_widget([*self.read.all()], now, function_arn=function_arn, theme=theme)
