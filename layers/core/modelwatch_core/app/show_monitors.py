"""The dashboard: read from the lists of schedules and executions, shown at once or kept as files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.page_by_page import every_schedule, executions_before
from modelwatch_core.domain.dashboard.monitors import Monitor
from modelwatch_core.domain.dashboard.pages import (
    FOLDER,
    INDEX,
    history_page,
    history_widget,
    overview_page,
    overview_widget,
    page_name,
)
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.s3_layout import join, split
from modelwatch_core.ports import Clock, ObjectStore

_RECENT = 24
"""Executions of each monitor in the overview."""
_MONTHS = 2200
"""Executions of one monitor in its history: three months of an hourly one, six years of a daily one."""
_PAGE = 400
_FRESH = timedelta(minutes=5)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReadMonitors:
    """Read schedules with their executions; neither scans a table."""

    lists: MonitorLists

    def all(self) -> Iterator[Monitor]:
        """Yield every monitor with its latest executions."""
        for schedule in every_schedule(self.lists.schedules):
            yield self.monitor(schedule, most=_RECENT)

    def named(self, name: str) -> Monitor:
        """Return a monitor with its executions of months.

        Raises
        ------
        InvalidInput
            ``ScheduleNotFound``.
        """
        return self.monitor(self.lists.schedule(name), most=_MONTHS)

    def monitor(self, schedule: MonitoringSchedule, *, most: int) -> Monitor:
        """Return a monitor with so many of its latest executions."""
        ledger, page = self.lists.ledger, min(most, _PAGE)
        found = list(islice(executions_before(ledger, schedule.schedule_id, page=page), most))
        executions = [each for each in found if isinstance(each, MonitoringExecution)]
        return Monitor(schedule, executions, len(found) - len(executions), ledger.cost(schedule.schedule_id))


@dataclass(frozen=True, slots=True)
class WriteDashboard:
    """Write the page of the monitor whose execution ended, and that of all monitors unless a later end will.

    The page of all costs a query for each monitor. So where many executions end together, the last of them writes it;
    while something runs, it is written every five minutes at most.

    Parameters
    ----------
    results : str
        The S3 URI of the results bucket.
    """

    read: ReadMonitors
    objects: ObjectStore
    clock: Clock
    results: str

    def __call__(self, event: ExecutionEnded) -> None:
        """Write the pages; writing them again makes them newer.

        Raises
        ------
        Upstream
            When a service did not answer; a retry helps.
        """
        now, (bucket, _) = self.clock.now(), split(self.results)
        schedule = self.read.lists.schedules.get(event.monitoring_schedule_name)
        if schedule is not None:  # it may have been deleted since
            monitor = self.read.monitor(schedule, most=_MONTHS)
            self._write(page_name(schedule), history_page(monitor, now, results_bucket=bucket))
        if self._is_due(now):
            self._write(INDEX, overview_page([*self.read.all()], now))

    def _is_due(self, now: datetime) -> bool:
        written = next(iter(self.objects.files(join(self.results, FOLDER, INDEX))), None)
        if written is None or now - written.modified >= _FRESH:
            return True
        open_ones = self.read.lists.ledger.open_and_due(_FOR_EVER)
        return all(not isinstance(each, MonitoringExecution) or each.is_settled for each in open_ones)

    def _write(self, name: str, page: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.html"
            path.write_text(page, encoding="utf-8")
            self.objects.upload(path, join(self.results, FOLDER, name))


@dataclass(frozen=True, slots=True)
class ShowWidget:
    """Answer CloudWatch, which shows the dashboard as a custom widget."""

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
            return history_widget(self.read.named(monitor), now, region=function_arn.split(":")[3], theme=theme)
        return overview_widget([*self.read.all()], now, function_arn=function_arn, theme=theme)
