"""The lists of schedules, of their versions, of executions and of baselining jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from modelwatch_core.app.listing import ListRequest, Section, SortOrder, by_status, listed, passes
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.documents import NonEmpty, SageMakerName, UtcDatetime
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.ports import BaseliningJobs, ExecutionOrder, Ledger, Page, Schedules, UnreadableRecord


class SchedulesWanted(ListRequest):
    """Which schedules are listed, and in which order."""

    name_contains: NonEmpty | None = None
    endpoint_name: NonEmpty | None = None
    monitoring_type_equals: MonitoringType | None = None
    status_equals: ScheduleStatus | None = None
    monitoring_job_definition_name: NonEmpty | None = None
    creation_time_after: UtcDatetime | None = None
    creation_time_before: UtcDatetime | None = None
    last_modified_time_after: UtcDatetime | None = None
    last_modified_time_before: UtcDatetime | None = None
    sort_by: Literal["Name", "CreationTime", "Status"] = "Name"
    sort_order: SortOrder = SortOrder.ASCENDING


class VersionsWanted(ListRequest):
    """Of which schedule the versions are listed; ``schedule_id`` finds those of one that was deleted."""

    monitoring_schedule_name: SageMakerName
    schedule_id: NonEmpty | None = None


class ExecutionsWanted(ListRequest):
    """Which executions are listed, and in which order: those of one schedule, or of all.

    Attributes
    ----------
    schedule_id : str, optional
        Finds the executions of a schedule that was deleted.
    before : datetime, optional
        Their windows start before it.
    scheduled_time_after, scheduled_time_before, creation_time_after, creation_time_before,
    last_modified_time_after, last_modified_time_before : datetime, optional
        Exclusive.
    """

    monitoring_schedule_name: SageMakerName | None = None
    schedule_id: NonEmpty | None = None
    endpoint_name: NonEmpty | None = None
    monitoring_type_equals: MonitoringType | None = None
    status_equals: ExecutionStatus | None = None
    before: UtcDatetime | None = None
    scheduled_time_after: UtcDatetime | None = None
    scheduled_time_before: UtcDatetime | None = None
    creation_time_after: UtcDatetime | None = None
    creation_time_before: UtcDatetime | None = None
    last_modified_time_after: UtcDatetime | None = None
    last_modified_time_before: UtcDatetime | None = None
    sort_by: Literal["CreationTime", "ScheduledTime", "Status"] = "ScheduledTime"
    sort_order: SortOrder = SortOrder.DESCENDING


class JobsWanted(ListRequest):
    """Which baselining jobs are listed, and in which order of their creation."""

    name_contains: NonEmpty | None = None
    status_equals: JobStatus | None = None
    sort_order: SortOrder = SortOrder.DESCENDING


@dataclass(frozen=True, slots=True)
class MonitorLists:
    """Pages of what there is, each with the token of the next page."""

    schedules: Schedules
    ledger: Ledger
    jobs: BaseliningJobs

    def of_schedules(
        self, asked: SchedulesWanted, *, now: datetime
    ) -> tuple[list[MonitoringSchedule | UnreadableRecord], str | None]:
        """Return a page of schedules."""
        descending = asked.sort_order is SortOrder.DESCENDING
        is_filtered = _is_filtered(asked)

        def keeps(schedule: MonitoringSchedule) -> bool:
            named = (asked.name_contains or "").lower() in schedule.monitoring_schedule_name.lower()
            has_status = asked.status_equals in (None, schedule.status_at(now))
            return (
                named
                and has_status
                and asked.monitoring_job_definition_name in (None, schedule.job_definition_name)
                and _in_time(
                    (asked.creation_time_after, schedule.creation_time, asked.creation_time_before),
                    (asked.last_modified_time_after, schedule.last_modified_time, asked.last_modified_time_before),
                )
                and passes(
                    schedule,
                    endpoint_name=asked.endpoint_name,
                    monitoring_type=asked.monitoring_type_equals,
                )
            )

        def read(limit: int, after: str | None) -> Page[MonitoringSchedule]:
            by_creation = asked.sort_by == "CreationTime"
            return self.schedules.page(limit=limit, after=after, by_creation=by_creation, descending=descending)

        if asked.sort_by != "Status":
            return listed(asked, [Section(read, keeps if is_filtered else None)])
        statuses = sorted(ScheduleStatus, reverse=descending)
        return listed(asked, by_status(read, statuses, lambda each: each.status_at(now), keeps))

    def of_versions(self, asked: VersionsWanted) -> tuple[list[MonitoringSchedule | UnreadableRecord], str | None]:
        """Return a page of the versions of a schedule, the newest first."""
        schedule_id = asked.schedule_id or self.schedule(asked.monitoring_schedule_name).schedule_id

        def read(limit: int, after: str | None) -> Page[MonitoringSchedule]:
            return self.schedules.versions(schedule_id, limit=limit, after=after)

        return listed(asked, [Section(read)])

    def of_executions(self, asked: ExecutionsWanted) -> tuple[list[MonitoringExecution | UnreadableRecord], str | None]:
        """Return a page of executions."""
        descending = asked.sort_order is SortOrder.DESCENDING
        order = self._order(asked)

        def read(limit: int, after: str | None) -> Page[MonitoringExecution]:
            return self.ledger.page(order, limit=limit, after=after, descending=descending)

        keeps = partial(_keeps, asked)
        if asked.sort_by != "Status":
            return listed(asked, [Section(read, keeps if _is_filtered(asked) else None)])
        statuses = sorted(ExecutionStatus, reverse=descending)
        return listed(asked, by_status(read, statuses, lambda each: each.monitoring_execution_status, keeps))

    def of_jobs(self, asked: JobsWanted) -> tuple[list[BaseliningJob | UnreadableRecord], str | None]:
        """Return a page of baselining jobs."""

        def keeps(job: BaseliningJob) -> bool:
            named = (asked.name_contains or "").lower() in job.baselining_job_name.lower()
            return named and passes(job, status=asked.status_equals)

        def read(limit: int, after: str | None) -> Page[BaseliningJob]:
            return self.jobs.page(limit=limit, after=after, descending=asked.sort_order is SortOrder.DESCENDING)

        return listed(asked, [Section(read, keeps if _is_filtered(asked) else None)])

    def schedule(self, name: str) -> MonitoringSchedule:
        """Return a schedule.

        Raises
        ------
        InvalidInput
            ``ScheduleNotFound``.
        """
        schedule = self.schedules.get(name)
        if schedule is None:
            raise InvalidInput("ScheduleNotFound", f"there is no monitoring schedule {name}")
        return schedule

    def _order(self, asked: ExecutionsWanted) -> ExecutionOrder:
        schedule_id, name = asked.schedule_id, asked.monitoring_schedule_name
        if schedule_id is None and name is not None:
            schedule_id = self.schedule(name).schedule_id
        if asked.sort_by == "CreationTime":
            times = (asked.creation_time_after, asked.creation_time_before)
            return ExecutionOrder("CreationTime", schedule_id, *times)
        times = (asked.scheduled_time_after, asked.scheduled_time_before)
        return ExecutionOrder("ScheduledTime", schedule_id, *times)


def _is_filtered(asked: ListRequest) -> bool:
    order = {"monitoring_schedule_name", "schedule_id", "sort_by", "sort_order", "max_results", "next_token"}
    return any(value is not None for name, value in asked if name not in order)


def _in_time(*spans: tuple[datetime | None, datetime, datetime | None]) -> bool:
    return all((not after or after < at) and (not before or at < before) for after, at, before in spans)


def _keeps(asked: ExecutionsWanted, execution: MonitoringExecution) -> bool:
    in_time = _in_time(
        (asked.scheduled_time_after, execution.scheduled_time, asked.scheduled_time_before),
        (asked.creation_time_after, execution.creation_time, asked.creation_time_before),
        (asked.last_modified_time_after, execution.last_modified_time, asked.last_modified_time_before),
        (None, execution.window.start, asked.before),
    )
    return in_time and passes(
        execution,
        endpoint_name=asked.endpoint_name,
        monitoring_type=asked.monitoring_type_equals,
        monitoring_execution_status=asked.status_equals,
    )
