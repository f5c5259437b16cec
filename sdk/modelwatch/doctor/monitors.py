"""Whether each schedule that is on has what it needs: a clock, an endpoint that captures, a baseline of its kind."""

from __future__ import annotations

from collections.abc import Iterator

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem
from modelwatch_core.adapters.aws.endpoints import SageMakerEndpoints
from modelwatch_core.adapters.aws.object_store import S3ObjectStore
from modelwatch_core.adapters.aws.schedule_table import TableSchedules
from modelwatch_core.adapters.aws.versioned_items import VersionedItems
from modelwatch_core.app.baseline_files import refuse_unfit_constraints
from modelwatch_core.app.page_by_page import every_schedule
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus

LARGEST_BASELINE = 64 * 2**20
"""The largest constraints file that is read, in bytes."""


def clocks(deployed: Deployed) -> Iterator[Problem]:
    """Yield the schedules that EventBridge Scheduler does not fire."""
    scheduled = list(_scheduled(deployed))
    if not scheduled:
        return
    group = next(iter(deployed.of_type("AWS::Scheduler::ScheduleGroup").values())).rpartition("/")[2]
    pages = deployed.client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
    states = {each["Name"]: each["State"] for page in pages for each in page["Schedules"]}
    for schedule in scheduled:
        name = schedule.monitoring_schedule_name
        if (state := states.get(name)) != "ENABLED":
            message = f"the schedule {name} never fires: its clock in the group {group} is {state or 'not there'}"
            yield Problem("ClockStopped", message, f"modelwatch schedules stop {name}, then start {name}: this sets it")


def capture(deployed: Deployed) -> Iterator[Problem]:
    """Yield the schedules whose endpoint is gone, captures nothing, or captures elsewhere."""
    endpoints = SageMakerEndpoints(deployed.client("sagemaker"))
    for schedule in _scheduled(deployed):
        watched, name = schedule.endpoint_input, schedule.monitoring_schedule_name
        if watched is None:
            continue
        try:
            destination = endpoints.capture_destination(watched.endpoint_name, watched.variant_name)
        except InvalidInput as error:
            fix = "modelwatch capture enable, or stop the schedule; nothing to do if something else captures there"
            if error.code == "VariantNotFound":
                fix = "correct endpoint_input of the schedule, or stop it; nothing to do if it reads earlier captures"
            yield Problem(error.code, f"the schedule {name}: {error.message}", fix)
            continue
        reads = (watched.data_captured_destination_s3_uri or "").rstrip("/")
        if destination != reads:
            message = f"the endpoint {watched.endpoint_name} captures to {destination}, but {name} reads {reads}"
            yield Problem("CapturesElsewhere", message, "update endpoint_input of the schedule", serious=False)


def baselines(deployed: Deployed) -> Iterator[Problem]:
    """Yield the schedules whose baseline is gone, or is that of another kind of monitor."""
    objects = S3ObjectStore(deployed.client("s3"))
    for schedule in _scheduled(deployed):
        uri = schedule.baseline.constraints_s3_uri if schedule.baseline else None
        if uri is None:
            continue
        name, fix = schedule.monitoring_schedule_name, "make the baseline again, and update the schedule"
        content = objects.read(uri, most=LARGEST_BASELINE)
        if content is None:
            yield Problem("BaselineNotFound", f"the schedule {name} compares with {uri}, which does not exist", fix)
            continue
        try:
            refuse_unfit_constraints(content, uri, schedule.kind)
        except InvalidInput as error:
            yield Problem(error.code, f"the schedule {name}: {error.message}", fix)


def _scheduled(deployed: Deployed) -> Iterator[MonitoringSchedule]:
    """Yield the schedules that are on and due again; one that cannot be read is reported with the executions."""
    for schedule in every_schedule(TableSchedules(VersionedItems(deployed.table))):
        if schedule.status_at(deployed.now) is ScheduleStatus.SCHEDULED:
            yield schedule
