"""The executions of a schedule."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from modelwatch.app_client import AppClient, app_client
from modelwatch.arguments import choice, flag, given, integer, sagemaker_name, time
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch.model_monitor.execution_requests import (
    backfill_requests,
    execution_request,
    latest_due,
    one_after_another,
    span,
    window_request,
)
from modelwatch.model_monitor.files import Constraints, ConstraintViolations, Statistics
from modelwatch.model_monitor.replay import ReplayedWindow, replayed_windows

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

    def get_latest_execution_logs(self, wait: bool = False) -> None:
        """Print the log of the latest execution of the schedule that this object made or is attached to.

        Parameters
        ----------
        wait : bool
            Whether to wait for its end first. That it failed is in its log, and not raised.

        Raises
        ------
        ValueError
            Where there is no execution, or it has not been started.
        """
        latest = self.latest_monitoring_job
        if latest is None:
            raise ValueError(f"{self._named(None)} has no execution yet; run() starts one")
        if flag("wait", wait):
            _ended(latest, logs=False)
        latest.print_logs()

    def latest_monitoring_statistics(self, file_name: str = Statistics.file_name) -> Statistics | None:
        """Return the statistics of the latest execution; None where there is no execution, or it has none.

        Parameters
        ----------
        file_name : str
            The name that its container gave them.
        """
        latest = self.latest_monitoring_job
        return latest.statistics(file_name) if latest else None

    def latest_monitoring_constraint_violations(
        self, file_name: str = ConstraintViolations.file_name
    ) -> ConstraintViolations | None:
        """Return what the latest execution found; None where there is no execution, or nothing it compared with.

        Parameters
        ----------
        file_name : str
            The name that its container gave the violations.
        """
        latest = self.latest_monitoring_job
        return latest.constraint_violations(file_name) if latest else None

    def run(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        schedule_name: str | None = None,
        backfill: bool = False,
        scheduled_time: datetime | None = None,
    ) -> MonitoringExecution:
        """Run a schedule now, and return its execution.

        Parameters
        ----------
        start, end : datetime, optional
            The window of a one-off run, both or neither; UTC where they have no time zone. Without them it is the
            window that was due last.
        schedule_name : str, optional
            The schedule; that which this object made or is attached to if not given.
        backfill : bool
            Whether a window that has been analysed is analysed again.
        scheduled_time : datetime, optional
            The window that was due then, in place of ``start`` and ``end``; UTC where it has no time zone.

        Raises
        ------
        ValueError
            ``WindowTaken``, ``ScheduleStopped``, ``NotAScheduledTime``; or where the times do not fit.
        """
        if (start is None) != (end is None) or (start and scheduled_time):
            raise ValueError("give start and end, or scheduled_time, or none of them")
        due = None if scheduled_time is None else time("scheduled_time", scheduled_time)
        schedule = self._schedule(self._named(schedule_name))
        if start is not None and end is not None:
            request = window_request(schedule, *span(start, end), backfill=backfill)
        else:
            request = execution_request(schedule, due or latest_due(schedule, self._app.now), backfill=backfill)
        return MonitoringExecution(self._app, self._app.launch(request))

    def backfill(
        self,
        start: datetime,
        end: datetime,
        schedule_name: str | None = None,
        max_parallel: int = 1,
        wait: bool = False,
        logs: bool = True,
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
            How many requests are under way at once, 1 to 16; with ``wait``, how many executions.
        wait : bool
            Whether each window is requested when an earlier one has ended, and the call returns when all have. Without,
            all are requested at once, and the app starts those that wait within five minutes of their turn.
        logs : bool
            Whether a line is printed at each change of a status while waiting.
        """
        most = integer("max_parallel", max_parallel, 1, _MOST_AT_ONCE)
        begin, finish = span(start, end)
        requests = backfill_requests(self._schedule(self._named(schedule_name)), begin, finish)
        if wait:
            return list(one_after_another(self._app, requests, most, partial(_ended, logs=logs)))
        with ThreadPoolExecutor(most) as pool:
            return list(pool.map(lambda request: MonitoringExecution(self._app, self._app.launch(request)), requests))

    def replay(
        self,
        constraints: Constraints | str,
        start: datetime,
        end: datetime,
        schedule_name: str | None = None,
        statistics: Statistics | str | None = None,
    ) -> list[ReplayedWindow]:
        """Return what other constraints would have found in past windows; nothing is written.

        The statistics that the executions have left are checked, not the rows: ``ReplayedWindow.unknown`` names the
        checks that only the rows decide.

        Parameters
        ----------
        constraints : Constraints or str
            The changed constraints (of bias and explainability ``analysis.json``), an S3 URI, or a path here.
        start, end : datetime
            Scheduled times from ``start`` on and before ``end``; UTC where they have no time zone.
        schedule_name : str, optional
            The schedule; that which this object made or is attached to if not given.
        statistics : Statistics or str, optional
            Those of the baseline that drift is measured from; the schedule's if not given. Bias and explainability
            have both in one file, and use these for nothing.

        Returns
        -------
        list of ReplayedWindow
            In the order of their scheduled times.

        Raises
        ------
        ValueError
            For a custom kind of monitor, and files that are none.
        """
        schedule = self._schedule(self._named(schedule_name))
        return list(replayed_windows(self._app, schedule, constraints, *span(start, end), statistics))

    @property
    def _app(self) -> AppClient:
        return app_client(self.sagemaker_session)

    def _schedule(self, name: str) -> dict[str, Any]:
        return self._app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)

    def _named(self, name: str | None) -> str:
        name = self.monitoring_schedule_name if name is None else name
        if name is None:
            raise ValueError("monitor_schedule_name: this monitor has no schedule yet; name one, or attach to it")
        return sagemaker_name("monitor_schedule_name", name)


def _ended(execution: MonitoringExecution, *, logs: bool) -> MonitoringExecution:
    """Wait for the end of an execution; that it failed is in its status."""
    from botocore.exceptions import WaiterError

    with suppress(WaiterError):
        execution.wait(logs)
    return execution
