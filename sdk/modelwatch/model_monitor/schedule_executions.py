"""The executions of a schedule."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from modelwatch.app_client import AppClient, app_client
from modelwatch.arguments import choice, given, integer, sagemaker_name
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch.model_monitor.files import ConstraintViolations, Statistics

_STATUSES = ("Pending", "InProgress", "Completed", "CompletedWithViolations", "Failed", "Stopped")
_SORTS = ("CreationTime", "ScheduledTime", "Status")
_ORDERS = ("Ascending", "Descending")
_MOST_AT_ONCE = 16


class ScheduleExecutions:
    """Lists and requests executions of a schedule, and reads what they found.

    Parameters
    ----------
    sagemaker_session : optional
        Which app is used; see ``modelwatch.app_client.app_client``.
    """

    def __init__(self, sagemaker_session: Any = None) -> None:
        self.sagemaker_session = sagemaker_session
        self.monitoring_schedule_name: str | None = None

    def list_executions(
        self,
        schedule_name: str | None = None,
        status_equals: str | None = None,
        sort_by: str = "CreationTime",
        sort_order: str = "Descending",
        max_results: int = 100,
    ) -> list[MonitoringExecution]:
        """Return executions, the newest first unless asked otherwise.

        Parameters
        ----------
        schedule_name : str, optional
            The schedule; that which this object made or is attached to if not given, and all if there is none.
        status_equals : str, optional
            ``Completed``, ``CompletedWithViolations``, ``Failed`` ...
        sort_by : {"CreationTime", "ScheduledTime", "Status"}
        sort_order : {"Descending", "Ascending"}
            SageMaker's SDK v2 returns the latest execution last, which is Ascending.
        max_results : int
            The most that are returned, 1 to 100.

        Returns
        -------
        list of MonitoringExecution
            Each is a dict in SageMaker's shape, with attributes and methods.

        Raises
        ------
        ValueError
            Where an argument is none of these.
        botocore.exceptions.ClientError
            ``ResourceNotFound`` where there is no such schedule.
        """
        if status_equals is not None:
            choice("status_equals", status_equals, _STATUSES)
        most = integer("max_results", max_results, 1, 100)
        wanted = given(
            monitoring_schedule_name=self.monitoring_schedule_name if schedule_name is None else schedule_name,
            status_equals=status_equals,
            sort_by=choice("sort_by", sort_by, _SORTS),
            sort_order=choice("sort_order", sort_order, _ORDERS),
            max_results=most,
        )
        records = self._app.pages("ListMonitoringExecutions", "executions", **wanted)
        readable = (record for record in records if "window" in record)
        return [MonitoringExecution(self._app, record) for record in islice(readable, most)]

    @property
    def latest_monitoring_job(self) -> MonitoringExecution | None:
        """The latest execution of the schedule that this object made or is attached to, or None."""
        return next(iter(self.list_executions(self._named(None), max_results=1)), None)

    def latest_monitoring_statistics(self, file_name: str = Statistics.file_name) -> Statistics | None:
        """Return the statistics of the latest execution; None where there is no execution, or it has none."""
        latest = self.latest_monitoring_job
        return latest.statistics(file_name) if latest else None

    def latest_monitoring_constraint_violations(
        self, file_name: str = ConstraintViolations.file_name
    ) -> ConstraintViolations | None:
        """Return what the latest execution found; None where there is no execution, or nothing it compared with."""
        latest = self.latest_monitoring_job
        return latest.constraint_violations(file_name) if latest else None

    def backfill(
        self, start: datetime, end: datetime, schedule_name: str | None = None, max_parallel: int = 1
    ) -> list[MonitoringExecution]:
        """Analyse the windows of a schedule again that were due in a span of time, and return their executions.

        A schedule has one active execution at a time: the app lets the others wait for their turn.

        Parameters
        ----------
        start, end : datetime
            Scheduled times from ``start`` on and before ``end``; UTC where they have no time zone.
        schedule_name : str, optional
            The schedule; that which this object made or is attached to if not given.
        max_parallel : int
            How many requests are under way at once, 1 to 16.
        """
        name = self._named(schedule_name)
        begin, finish = (each if each.tzinfo else each.replace(tzinfo=UTC) for each in (start, end))
        if not begin < finish:
            raise ValueError("start must be before end")
        schedule = self._schedule(name)
        due = [*_due(schedule["schedule_expression"], begin, finish)]
        delay = timedelta(minutes=schedule["start_delay_minutes"])

        def launched(scheduled: datetime) -> MonitoringExecution:
            request = {
                "monitoring_schedule_name": name,
                "scheduled_time": (scheduled + delay).isoformat(),
                "start_delay_minutes": schedule["start_delay_minutes"],
                "tick_id": f"backfill of {scheduled.isoformat()} {secrets.token_hex(8)}",
                "backfill": True,
            }
            return MonitoringExecution(self._app, self._app.launch(request))

        with ThreadPoolExecutor(integer("max_parallel", max_parallel, 1, _MOST_AT_ONCE)) as pool:
            return list(pool.map(launched, reversed(due)))

    @property
    def _app(self) -> AppClient:
        return app_client(self.sagemaker_session)

    def _schedule(self, name: str) -> dict[str, Any]:
        return self._app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)

    def _named(self, name: str | None) -> str:
        name = self.monitoring_schedule_name if name is None else name
        if name is None:
            raise ValueError("monitor_schedule_name: this monitor has made no schedule yet; name one, or attach to it")
        return sagemaker_name("monitor_schedule_name", name)


def _due(expression: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the times at which a schedule was due from a moment on and before another, the latest first."""
    from modelwatch_core.domain.windows import ScheduleExpression

    schedule, due = ScheduleExpression(expression), end
    while (due := schedule.before(due)) >= start:
        yield due
