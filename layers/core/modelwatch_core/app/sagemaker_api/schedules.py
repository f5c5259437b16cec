"""Schedules and their executions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from modelwatch_core.app.sagemaker_api.definitions import note_use
from modelwatch_core.app.sagemaker_api.operation import App, Operation, page_of
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import monitor_kind
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.sagemaker_api.requests import (
    ApiExecutionsWanted,
    ApiScheduleRequest,
    ApiSchedulesWanted,
    BaselineConfig,
    MonitoringScheduleConfig,
    ScheduleConfig,
    ScheduleNamed,
    tags_by_key,
)
from modelwatch_core.domain.sagemaker_api.responses import (
    arn,
    execution_summary,
    requested_schedule,
    schedule_summary,
)
from modelwatch_core.domain.sagemaker_api.schedule_parameters import DAILY, schedule_parameters

_DEFINITIONS = frozenset({"MonitoringJobDefinition", "MonitoringJobDefinitionName"})


def _create(app: App, request: ApiScheduleRequest) -> dict[str, Any]:
    config, name = request.monitoring_schedule_config, request.monitoring_schedule_name
    if app.monitors.schedules.get(name) is not None:  # before its use of a definition is noted
        raise InvalidInput("ScheduleExists", f"{name} exists already; choose another name or update it")
    defined = _defined(app, name, config, None)
    if not defined:
        message = "MonitoringScheduleConfig: give MonitoringJobDefinition or MonitoringJobDefinitionName"
        raise InvalidInput("InvalidParameter", message)
    defined["processing"] |= {"tags": tags_by_key(request.tags)}
    when = _when(config.schedule_config) or {"schedule_expression": DAILY}
    app.manage("CreateMonitoringSchedule", monitoring_schedule_name=name, **defined | when)
    return _named(app, name)


def _update(app: App, request: ApiScheduleRequest) -> dict[str, Any]:
    config, name = request.monitoring_schedule_config, request.monitoring_schedule_name
    old = app.monitors.lists.schedule(name)
    changes = _defined(app, name, config, old) or {"sagemaker_request": _merged(old, config, {})}
    if "processing" in changes and old.processing:
        changes["processing"] |= {"tags": old.processing.tags}
    parameters = changes | _when(config.schedule_config) | {"monitoring_schedule_name": name}
    app.manage_whole("UpdateMonitoringSchedule", parameters)
    return _named(app, name)


def _defined(app: App, name: str, config: MonitoringScheduleConfig, old: MonitoringSchedule | None) -> dict[str, Any]:
    """Return the app's parameters of what a schedule is to do; nothing if it is not said."""
    inline, defined_by = config.monitoring_job_definition, config.monitoring_job_definition_name
    if inline and defined_by:
        message = "MonitoringScheduleConfig: give MonitoringJobDefinition or MonitoringJobDefinitionName, not both"
        raise InvalidInput("InvalidParameter", message)
    if defined_by:
        if config.monitoring_type is None:
            message = "MonitoringScheduleConfig: MonitoringJobDefinitionName needs MonitoringType"
            raise InvalidInput("InvalidParameter", message)
        definition = note_use(app, config.monitoring_type, defined_by, name).definition
    elif inline:
        definition = inline.definition
    else:
        return {}
    monitoring_type = config.monitoring_type or "DataQuality"
    baseline = _baseline(app, monitoring_type, definition.baseline_config, old if inline else None)
    return schedule_parameters(monitoring_type, definition, baseline) | {
        "sagemaker_request": _merged(old, config, {"image_uri": definition.app_specification.image_uri})
    }


def _merged(old: MonitoringSchedule | None, config: MonitoringScheduleConfig, more: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a request: what an update does not say stays as it was."""
    before: dict[str, Any] = (old.sagemaker_request if old else None) or {}
    sent, kept = config.as_sent, dict(before.get("MonitoringScheduleConfig", {}))
    if _DEFINITIONS & sent.keys():
        kept = {name: value for name, value in kept.items() if name not in _DEFINITIONS}
    if old and not kept and "ScheduleConfig" not in sent:
        kept = {"ScheduleConfig": {"ScheduleExpression": old.schedule_expression}}
    return {**before, **more, "MonitoringScheduleConfig": kept | sent}


def _baseline(
    app: App, monitoring_type: str, config: BaselineConfig | None, old: MonitoringSchedule | None
) -> dict[str, str]:
    """Return the files that data is compared with; files that are named come before those of a baselining job."""
    if config is None:
        return {}
    files, named = monitor_kind(monitoring_type).baseline_files, config.files
    compared = old.baseline if old else None
    if compared and "constraints_s3_uri" not in named and named.get("statistics_s3_uri") == compared.constraints_s3_uri:
        # SageMaker's SDK gives the constraints as the statistics where an update of an inline definition keeps them.
        return {name: uri for name in files if (uri := getattr(compared, name))}
    if config.baselining_job_name is None:
        return named
    output = app.manage("DescribeBaseliningJob", baselining_job_name=config.baselining_job_name)["output_s3_uri"]
    return {name: f"{output}/{file}" for name, file in files.items()} | named


def _when(config: ScheduleConfig | None) -> dict[str, str]:
    return {} if config is None else {name: value for name, value in config if value is not None}


def _named(app: App, name: str) -> dict[str, Any]:
    return {"MonitoringScheduleArn": arn(app.arns, "monitoring-schedule", name)}


def _describe(app: App, request: ScheduleNamed) -> dict[str, Any]:
    found = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=request.monitoring_schedule_name)
    return requested_schedule(app.arns, found)


def _change_state(operation: str) -> Operation:
    def carry_out(app: App, request: ScheduleNamed) -> dict[str, Any]:
        app.manage(operation, monitoring_schedule_name=request.monitoring_schedule_name)
        return {}

    return Operation(ScheduleNamed, carry_out)


def _list(app: App, asked: ApiSchedulesWanted) -> dict[str, Any]:
    if asked.status_equals in ("Pending", "Failed"):  # schedules of the app never are
        return {"MonitoringScheduleSummaries": []}
    response = app.manage("ListMonitoringSchedules", **asked.model_dump(mode="json"))
    return page_of(response, "schedules", partial(schedule_summary, app.arns), name="MonitoringScheduleSummaries")


def _list_executions(app: App, asked: ApiExecutionsWanted) -> dict[str, Any]:
    if asked.status_equals == "Stopping":  # an execution of the app is stopped at once
        return {"MonitoringExecutionSummaries": []}
    response = app.manage("ListMonitoringExecutions", **asked.model_dump(mode="json"))
    return page_of(response, "executions", partial(execution_summary, app.arns), name="MonitoringExecutionSummaries")


SCHEDULE_OPERATIONS: Mapping[str, Operation] = {
    "CreateMonitoringSchedule": Operation(ApiScheduleRequest, _create),
    "UpdateMonitoringSchedule": Operation(ApiScheduleRequest, _update),
    "DescribeMonitoringSchedule": Operation(ScheduleNamed, _describe),
    "ListMonitoringSchedules": Operation(ApiSchedulesWanted, _list),
    "ListMonitoringExecutions": Operation(ApiExecutionsWanted, _list_executions),
    **{
        name: _change_state(name)
        for name in ("DeleteMonitoringSchedule", "StartMonitoringSchedule", "StopMonitoringSchedule")
    },
}
