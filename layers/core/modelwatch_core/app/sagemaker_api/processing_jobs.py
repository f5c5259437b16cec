"""Processing jobs: baselining jobs, and executions by the names that they have as such jobs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from modelwatch_core.app.monitor_lists import JobsWanted
from modelwatch_core.app.sagemaker_api.operation import App, NotOurs, Operation, page_of
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.sagemaker_api.requests import ProcessingJobNamed, ProcessingJobsWanted
from modelwatch_core.domain.sagemaker_api.responses import execution_job, job_summary, requested_job


def _describe(app: App, request: ProcessingJobNamed) -> dict[str, Any]:
    name = request.processing_job_name
    job = app.monitors.jobs.get(name)
    if job is not None:
        return requested_job(app.arns, job.model_dump(mode="json"))
    execution = _execution(app, name)
    return execution_job(app.arns, app.monitors.shown_execution(execution), _schedule_of(app, execution))


def _stop(app: App, request: ProcessingJobNamed) -> dict[str, Any]:
    name = request.processing_job_name
    if app.monitors.jobs.get(name) is not None:
        app.manage("StopBaseliningJob", baselining_job_name=name)
        return {}
    execution = _execution(app, name)
    app.monitors.stop_execution(execution.schedule_id, execution.window, execution.attempt)
    return {}


def _execution(app: App, name: str) -> MonitoringExecution:
    execution = app.monitors.ledger.of_processing_job(name)
    if execution is None:
        raise NotOurs
    return execution


def _schedule_of(app: App, execution: MonitoringExecution) -> dict[str, Any]:
    """Return the schedule of an execution, or the last version of one that is deleted."""
    schedule = app.monitors.schedules.get(execution.monitoring_schedule_name)
    if schedule is not None and schedule.schedule_id == execution.schedule_id:
        return schedule.model_dump(mode="json")
    named = {"monitoring_schedule_name": execution.monitoring_schedule_name, "schedule_id": execution.schedule_id}
    (last,) = app.manage("ListMonitoringScheduleVersions", **named, max_results=1)["versions"]
    return dict(last)


def _list(app: App, asked: ProcessingJobsWanted) -> dict[str, Any]:
    if asked.status_equals == "Stopping":  # a job of the app is stopped at once
        return {"ProcessingJobSummaries": []}
    given_parameters = asked.model_dump(mode="json")
    known = {name: given_parameters.pop(name) for name in JobsWanted.model_fields}
    if asked.sort_by != "CreationTime" or any(value for name, value in given_parameters.items() if name != "sort_by"):
        message = (
            "jobs are listed by CreationTime and filtered by NameContains and StatusEquals only; leave out the rest"
        )
        raise InvalidInput("InvalidParameter", message)
    response = app.manage("ListBaseliningJobs", **known)
    return page_of(response, "baselining_jobs", partial(job_summary, app.arns), name="ProcessingJobSummaries")


PROCESSING_JOB_OPERATIONS: Mapping[str, Operation] = {
    "DescribeProcessingJob": Operation(ProcessingJobNamed, _describe),
    "StopProcessingJob": Operation(ProcessingJobNamed, _stop),
    "ListProcessingJobs": Operation(ProcessingJobsWanted, _list),
}
