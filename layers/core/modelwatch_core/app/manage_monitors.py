"""Create, change, list and remove schedules, and look at what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from modelwatch_core.app.accept_schedule import AcceptSchedule
from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.listing import shown
from modelwatch_core.app.monitor_alerts import AlertHistoryWanted, AlertsOf, AlertUpdate, MonitorAlerts, Mute
from modelwatch_core.app.monitor_lists import (
    ExecutionsWanted,
    JobsWanted,
    MonitorLists,
    SchedulesWanted,
    VersionsWanted,
)
from modelwatch_core.app.run_once import changed, due_once
from modelwatch_core.app.scheduled_executions import scheduled_executions
from modelwatch_core.app.stop_baselining_job import StopBaseliningJob
from modelwatch_core.app.stop_execution import StopExecution
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, parsed
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleRequest, ScheduleStatus
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import (
    BaseliningJobs,
    Clock,
    ExecutionOrder,
    Ledger,
    Schedules,
    SentAlerts,
    UnreadableRecord,
    readable,
)

_RECENT = 20
"""How many executions are searched for the last one of the present definition: others may have come after it."""


class ManageMonitorsRequest(Owned):
    """An operation and its parameters, with SageMaker's names."""

    operation: NonEmpty
    parameters: dict[str, Any] = Field(default_factory=dict)


class _ScheduleNamed(Owned):
    monitoring_schedule_name: SageMakerName


class _DescribeRequest(_ScheduleNamed):
    """A schedule as it is, or as it was in a version; ``schedule_id`` finds those of one that was deleted."""

    version: int | None = Field(default=None, ge=1)
    schedule_id: NonEmpty | None = None


class _CreateRequest(BaseModel):
    """Parameters of ``ScheduleRequest``, whose expression may be ``NOW``, and with which status it begins.

    With ``dry_run`` it is only said what would be made, or why it would not, and how many schedules there may be.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
    monitoring_schedule_status: ScheduleStatus = ScheduleStatus.SCHEDULED
    dry_run: bool = False


class _UpdateRequest(_ScheduleNamed):
    """Parameters of ``ScheduleRequest``: those to change, each whole; null takes one back to its default."""

    model_config = ConfigDict(extra="allow")


class _ExecutionNamed(_ScheduleNamed):
    """One execution of a schedule; the one that is active if no window is given.

    ``schedule_id`` finds those of a schedule that was deleted.
    """

    schedule_id: NonEmpty | None = None
    window: Window | None = None
    attempt: int = Field(default=1, ge=1)


class _JobNamed(Owned):
    baselining_job_name: SageMakerName


@dataclass(frozen=True, slots=True)
class ManageMonitors:
    """Carry out one operation on monitors.

    Parameters
    ----------
    new_token : callable
        Makes the part of a schedule's identity that distinguishes it from others of its name.
    arn_prefix : str
        How SageMaker's ARNs of the account and region begin: ``arn:{partition}:sagemaker:{region}:{account}``.
    most_schedules : int
        How many schedules there may be.
    """

    schedules: Schedules
    ledger: Ledger
    jobs: BaseliningJobs
    lists: MonitorLists
    alerts: MonitorAlerts
    sent_alerts: SentAlerts
    accept: AcceptSchedule
    follow_schedule: FollowSchedule
    stop_execution: StopExecution
    stop_baselining_job: StopBaseliningJob
    clock: Clock
    new_token: Callable[[], str]
    arn_prefix: str
    most_schedules: int = 100

    def __call__(self, request: ManageMonitorsRequest) -> dict[str, Any]:
        """Carry out the operation and return its response, ready for JSON.

        Raises
        ------
        InvalidInput
            ``UnknownOperation``, ``InvalidParameter`` or what the operation says.
        """
        if request.operation not in OPERATIONS:
            raise InvalidInput(
                "UnknownOperation", f"{request.operation!r} is not one of {', '.join(sorted(OPERATIONS))}"
            )
        parameters, operation = OPERATIONS[request.operation]
        return operation(self, parsed(parameters, request.parameters))

    def create(self, asked: _CreateRequest) -> dict[str, Any]:
        """Create a schedule and start its clock; if the clock cannot be started, nothing is left behind."""
        now = self.clock.now()
        request = parsed(ScheduleRequest, due_once(asked.model_extra or {}, now))
        schedule = MonitoringSchedule(
            **self.accept(request),
            monitoring_schedule_status=asked.monitoring_schedule_status,
            schedule_id=f"{request.monitoring_schedule_name}-{self.new_token()}",
            creation_time=now,
            last_modified_time=now,
            active_since=now,
        )
        if asked.dry_run:
            return shown(schedule) | {"warnings": schedule.warnings, "most_schedules": self.most_schedules}
        change = self.schedules.save(schedule, most=self.most_schedules)
        try:
            self.follow_schedule(change)
        except ModelwatchError:
            self.schedules.delete(schedule, now=now)
            raise
        return shown(schedule) | {"warnings": schedule.warnings}

    def update(self, changes: _UpdateRequest) -> dict[str, Any]:
        """Change what is given of a schedule; it goes on, or stays stopped, as it was.

        The response's ``covered_until`` is where its next window begins.
        """
        old, now = self.lists.schedule(changes.monitoring_schedule_name), self.clock.now()
        request = _changed(old, changes.model_extra or {}, now)
        is_same = request.endpoint_name == old.endpoint_name
        # What was paused because its endpoint was deleted goes on with another one.
        resumes = not is_same and old.watched_endpoint is not None and old.watched_endpoint.paused
        schedule = MonitoringSchedule(
            **self.accept(request, old),
            schedule_id=old.schedule_id,
            monitoring_schedule_status=ScheduleStatus.SCHEDULED if resumes else old.monitoring_schedule_status,
            creation_time=old.creation_time,
            last_modified_time=now,
            active_since=now,
            definition_changed=now,
            covered_until=self._covered_until(old, now),
            watched_endpoint=old.watched_endpoint if is_same else None,
            version=old.version + 1,
        )
        if schedule.alert_targets != old.alert_targets:  # before they count, so that a repetition finds it to do
            self.sent_alerts.note_return(old.schedule_id, of_all_but=old.alert_targets)
        self.follow_schedule(self.schedules.save(schedule))
        return shown(schedule) | {"warnings": schedule.warnings}

    def start(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Make a schedule fire again."""
        return self._switch(named, ScheduleStatus.SCHEDULED)

    def stop(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Make a schedule fire no more until it is started."""
        return self._switch(named, ScheduleStatus.STOPPED)

    def delete(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Remove a schedule, and stop what it has running; its executions and reports are kept.

        A run that went on would write over the reports of a schedule that is created again under the name.
        """
        schedule = self.lists.schedule(named.monitoring_schedule_name)
        # Before the deletion, so that one that meets an end in this moment can be repeated; what starts meanwhile is
        # stopped when the clock has followed.
        with suppress(InvalidInput):  # nothing is running, or it has ended in this moment
            self.stop_execution(schedule.schedule_id)
        self.follow_schedule(self.schedules.delete(schedule, now=self.clock.now()))
        return {}

    def describe(self, asked: _DescribeRequest) -> dict[str, Any]:
        """Return a schedule with its latest execution and what its executions cost so far, or a version of it."""
        if asked.version is not None:
            return shown(self._version(asked, asked.version))
        schedule = self.lists.schedule(asked.monitoring_schedule_name)
        latest = self.ledger.page(ExecutionOrder("ScheduledTime", schedule.schedule_id), limit=1).records
        return self._shown_schedule(schedule) | {
            "last_monitoring_execution": self.shown_execution(latest[0][0]) if latest else None,
            "cost": self.ledger.cost(schedule.schedule_id).model_dump(mode="json"),
        }

    def list_schedules(self, asked: SchedulesWanted) -> dict[str, Any]:
        """Return a page of schedules."""
        found, following = self.lists.of_schedules(asked, now=self.clock.now())
        return {"schedules": [self._shown_schedule(schedule) for schedule in found], "next_token": following}

    def list_versions(self, asked: VersionsWanted) -> dict[str, Any]:
        """Return a page of the versions of a schedule, the newest first."""
        found, following = self.lists.of_versions(asked)
        return {"versions": [shown(schedule) for schedule in found], "next_token": following}

    def list_executions(self, asked: ExecutionsWanted) -> dict[str, Any]:
        """Return a page of executions, of one schedule or of all."""
        found, following = self.lists.of_executions(asked)
        return {"executions": [self.shown_execution(execution) for execution in found], "next_token": following}

    def stop_one(self, requested: _ExecutionNamed) -> dict[str, Any]:
        """Stop an execution, and its run."""
        schedule_id = requested.schedule_id or self.lists.schedule(requested.monitoring_schedule_name).schedule_id
        stopped = self.stop_execution(schedule_id, requested.window, requested.attempt)
        return self.shown_execution(stopped)

    def describe_job(self, requested: _JobNamed) -> dict[str, Any]:
        """Return a baselining job."""
        return shown(self._job(requested.baselining_job_name))

    def list_jobs(self, asked: JobsWanted) -> dict[str, Any]:
        """Return a page of baselining jobs, the newest first."""
        found, following = self.lists.of_jobs(asked)
        return {"baselining_jobs": [shown(job) for job in found], "next_token": following}

    def stop_job(self, requested: _JobNamed) -> dict[str, Any]:
        """Stop a baselining job, and its run."""
        return shown(self.stop_baselining_job(self._job(requested.baselining_job_name)))

    def _job(self, name: str) -> BaseliningJob:
        job = self.jobs.get(name)
        if job is None:
            raise InvalidInput("BaseliningJobNotFound", f"there is no baselining job {name}")
        return job

    def _shown_schedule(self, schedule: MonitoringSchedule | UnreadableRecord) -> dict[str, Any]:
        """Return a schedule for JSON, with the status that it has by now."""
        if isinstance(schedule, UnreadableRecord):
            return shown(schedule)
        return shown(schedule) | {"monitoring_schedule_status": schedule.status_at(self.clock.now()).value}

    def shown_execution(self, execution: MonitoringExecution | UnreadableRecord) -> dict[str, Any]:
        """Return an execution for JSON, with the name and ARN that it has as a processing job."""
        if isinstance(execution, UnreadableRecord):
            return shown(execution)
        name = execution.processing_job_name
        arn = f"{self.arn_prefix}:processing-job/{name}"
        return shown(execution) | {"processing_job_name": name, "processing_job_arn": arn}

    def _covered_until(self, schedule: MonitoringSchedule, now: datetime) -> datetime:
        """Return where the last window that a schedule has had ended."""
        found = scheduled_executions(self.ledger, schedule.schedule_id, page=_RECENT)
        ends = [
            execution.window.end
            for execution in readable(islice(found, _RECENT))
            if schedule.scheduled_time_of(execution.window) is not None
        ]
        known = [*ends[:1], *([schedule.covered_until] if schedule.covered_until else [])]
        # One without executions yet has a first window, which began before its first tick.
        delay = timedelta(minutes=schedule.start_delay_minutes)
        return max(known) if known else schedule.expression.before(now - delay)

    def _version(self, asked: _DescribeRequest, version: int) -> MonitoringSchedule:
        schedule_id = asked.schedule_id or self.lists.schedule(asked.monitoring_schedule_name).schedule_id
        found = self.schedules.version(schedule_id, version)
        if found is None:
            message = f"{schedule_id} has no version {version}; ListMonitoringScheduleVersions shows which it has"
            raise InvalidInput("VersionNotFound", message)
        return found

    def _switch(self, named: _ScheduleNamed, status: ScheduleStatus) -> dict[str, Any]:
        old, now = self.lists.schedule(named.monitoring_schedule_name), self.clock.now()
        seen = old.watched_endpoint.model_copy(update={"paused": False}) if old.watched_endpoint else None
        schedule = old.switched(status, now=now, watched_endpoint=seen)  # from now on as its user says
        self.follow_schedule(self.schedules.save(schedule))
        return shown(schedule)


def _changed(schedule: MonitoringSchedule, changes: Mapping[str, Any], now: datetime) -> ScheduleRequest:
    """Return the request that would make a schedule as it is, with changes.

    What SageMaker's API sent is not what a schedule does any more, unless the change comes from there.
    """
    known = ScheduleRequest.model_fields
    kept = set(known) - {"sagemaker_request"}
    parameters = changed(schedule.model_dump(mode="json", include=kept), changes, now)
    return parsed(ScheduleRequest, {name: v for name, v in parameters.items() if v is not None or name not in known})


OPERATIONS: Mapping[str, tuple[type[BaseModel], Callable[[ManageMonitors, Any], dict[str, Any]]]] = {
    "CreateMonitoringSchedule": (_CreateRequest, ManageMonitors.create),
    "UpdateMonitoringSchedule": (_UpdateRequest, ManageMonitors.update),
    "StartMonitoringSchedule": (_ScheduleNamed, ManageMonitors.start),
    "StopMonitoringSchedule": (_ScheduleNamed, ManageMonitors.stop),
    "DeleteMonitoringSchedule": (_ScheduleNamed, ManageMonitors.delete),
    "DescribeMonitoringSchedule": (_DescribeRequest, ManageMonitors.describe),
    "ListMonitoringSchedules": (SchedulesWanted, ManageMonitors.list_schedules),
    "ListMonitoringScheduleVersions": (VersionsWanted, ManageMonitors.list_versions),
    "ListMonitoringExecutions": (ExecutionsWanted, ManageMonitors.list_executions),
    "StopMonitoringExecution": (_ExecutionNamed, ManageMonitors.stop_one),
    "ListMonitoringAlerts": (AlertsOf, lambda manage, asked: manage.alerts.of_schedule(asked)),
    "ListMonitoringAlertHistory": (AlertHistoryWanted, lambda manage, asked: manage.alerts.history(asked)),
    "UpdateMonitoringAlert": (AlertUpdate, lambda manage, asked: manage.alerts.update(asked)),
    "MuteMonitoringAlerts": (Mute, lambda manage, asked: manage.alerts.mute(asked)),
    "DescribeBaseliningJob": (_JobNamed, ManageMonitors.describe_job),
    "ListBaseliningJobs": (JobsWanted, ManageMonitors.list_jobs),
    "StopBaseliningJob": (_JobNamed, ManageMonitors.stop_job),
}
