"""The dashboard: read from the lists of schedules and executions, shown at once or kept as files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.s3_layout import join, split
from modelwatch_core.ports import Clock, Ledger, ObjectStore, Schedules

_RECENT = 24
"""Executions of each monitor in the overview."""
_MONTHS = 2200
"""Executions of one monitor in its history: three months of an hourly one, six years of a daily one."""
_PAGE = 100
_FRESH = timedelta(minutes=5)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReadMonitors:
    """Read schedules with their executions; neither scans a table."""

    schedules: Schedules
    ledger: Ledger

    def all(self) -> Iterator[Monitor]:
        """Yield every monitor with its latest executions."""
        after: str | None = None
        while True:
            page = self.schedules.page(limit=_PAGE, after=after)
            for record, position in page.records:
                after = position
                if isinstance(record, MonitoringSchedule):
                    yield self.monitor(record, most=_RECENT)
            if not page.has_more or not page.records:
                return

    def named(self, name: str) -> Monitor:
        """Return a monitor with its executions of months.

        Raises
        ------
        InvalidInput
            ``ScheduleNotFound``.
        """
        schedule = self.schedules.get(name)
        if schedule is None:
            raise InvalidInput("ScheduleNotFound", f"there is no monitoring schedule {name}")
        return self.monitor(schedule, most=_MONTHS)

    def monitor(self, schedule: MonitoringSchedule, *, most: int) -> Monitor:
        """Return a monitor with so many of its latest executions."""
        found: list[MonitoringExecution] = []
        unreadable, before = 0, None
        while len(found) < most:
            page = self.ledger.history(schedule.schedule_id, limit=min(most - len(found), 400), before=before)
            executions = [each for each in page if isinstance(each, MonitoringExecution)]
            unreadable += len(page) - len(executions)
            found += executions
            if not executions or most <= _PAGE:  # one query has so many
                break
            before = executions[-1].window.start
        return Monitor(schedule, found, unreadable, self.ledger.cost(schedule.schedule_id))


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
        schedule = self.read.schedules.get(event.monitoring_schedule_name)
        if schedule is not None:  # it may have been deleted since
            monitor = self.read.named(schedule.monitoring_schedule_name)
            self._write(page_name(schedule), history_page(monitor, now, results_bucket=bucket))
        if self._is_due(now):
            self._write(INDEX, overview_page([*self.read.all()], now))

    def _is_due(self, now: datetime) -> bool:
        written = next(iter(self.objects.files(join(self.results, FOLDER, INDEX))), None)
        if written is None or now - written.modified >= _FRESH:
            return True
        open_ones = self.read.ledger.open_and_due(_FOR_EVER)
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
            return history_widget(self.read.named(monitor), now, theme=theme)
        return overview_widget([*self.read.all()], now, function_arn=function_arn, theme=theme)
