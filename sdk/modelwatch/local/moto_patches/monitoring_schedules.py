"""SageMaker's monitoring schedules and their alerts: what somebody has in SageMaker who comes from there.

moto has the four kinds of job definition, and no monitoring schedules at all. These have no executions: only the app
runs monitors. A schedule is Scheduled at once, where AWS says Pending at first.
"""

# ruff: noqa: SLF001 - `_get_param` is how each of moto's operations reads its request
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement

_OF_KINDS = {
    "DataQuality": "data_quality",
    "ModelQuality": "model_quality",
    "ModelBias": "model_bias",
    "ModelExplainability": "model_explainability",
}
Operation = Callable[[Any, datetime], ActionResult]
"""Serves a request, which is moto's object of its service, at a time."""

_MOST_IN_A_PAGE = 100
_PAGE = 10


@dataclass(slots=True)
class MonitoringSchedule:
    """A schedule as its owner made it.

    Attributes
    ----------
    alert : tuple of int
        After how many executions with violations, of how many, SageMaker's own alert is raised.
    """

    name: str
    arn: str
    config: dict[str, Any]
    endpoint_name: str | None
    created: datetime
    modified: datetime
    tags: list[dict[str, str]] = field(default_factory=list)
    status: str = "Scheduled"
    alert: tuple[int, int] = (1, 1)

    @property
    def kind(self) -> str:
        """SageMaker's kind of it."""
        return str(self.config.get("MonitoringType", "DataQuality"))

    @property
    def definition_name(self) -> str | None:
        """The job definition that it names, if it holds none itself."""
        return self.config.get("MonitoringJobDefinitionName")

    @property
    def summary(self) -> dict[str, Any]:
        """Itself as ``ListMonitoringSchedules`` has it."""
        more = {"EndpointName": self.endpoint_name, "MonitoringJobDefinitionName": self.definition_name}
        return {
            "MonitoringScheduleName": self.name,
            "MonitoringScheduleArn": self.arn,
            "MonitoringScheduleStatus": self.status,
            "MonitoringType": self.kind,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        } | {name: value for name, value in more.items() if value}

    @property
    def description(self) -> dict[str, Any]:
        """Itself as ``DescribeMonitoringSchedule`` has it."""
        summary = {name: value for name, value in self.summary.items() if name != "MonitoringJobDefinitionName"}
        return summary | {"MonitoringScheduleConfig": self.config}

    @property
    def alert_summary(self) -> dict[str, Any]:
        """Its one alert as ``ListMonitoringAlerts`` has it."""
        due, of = self.alert
        return {
            "MonitoringAlertName": f"{self.name}-alert",
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "AlertStatus": "OK",
            "DatapointsToAlert": due,
            "EvaluationPeriod": of,
            "Actions": {"ModelDashboardIndicator": {"Enabled": True}},
        }


_FILTERS: Mapping[str, Callable[[MonitoringSchedule, Any], bool]] = {
    "NameContains": lambda schedule, text: text in schedule.name,
    "StatusEquals": lambda schedule, status: schedule.status == status,
    "MonitoringTypeEquals": lambda schedule, kind: schedule.kind == kind,
    "MonitoringJobDefinitionName": lambda schedule, name: schedule.definition_name == name,
    "EndpointName": lambda schedule, name: schedule.endpoint_name == name,
    "CreationTimeBefore": lambda schedule, time: schedule.created <= time,
    "CreationTimeAfter": lambda schedule, time: schedule.created >= time,
    "LastModifiedTimeBefore": lambda schedule, time: schedule.modified <= time,
    "LastModifiedTimeAfter": lambda schedule, time: schedule.modified >= time,
}
_SORTS: Mapping[str, Callable[[MonitoringSchedule], Any]] = {
    "Name": lambda schedule: schedule.name,
    "CreationTime": lambda schedule: schedule.created,
    "Status": lambda schedule: schedule.status,
}


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is added to moto's SageMaker."""
    original = SageMakerModelBackend._get_resource_from_arn

    def resource_from_arn(self: Any, arn: str) -> Any:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        return _schedules(self)[name] if kind == "monitoring-schedule" else original(self, arn)

    def added(operation: Operation) -> Callable[[Any], ActionResult]:
        return lambda self: operation(self, hooks.now())

    return [
        *(
            Replacement(SageMakerResponse, name, added(operation), is_new=True)
            for name, operation in _OPERATIONS.items()
        ),
        Replacement(SageMakerModelBackend, "_get_resource_from_arn", resource_from_arn),
    ]


def _create(request: Any, now: datetime) -> ActionResult:
    name, config = request._get_param("MonitoringScheduleName"), request._get_param("MonitoringScheduleConfig")
    backend, schedules = request.sagemaker_backend, _schedules(request.sagemaker_backend)
    if name in schedules:
        raise ResourceInUseException(message=f"Monitoring schedule {name} already exists")
    arn = f"arn:aws:sagemaker:{backend.region_name}:{ACCOUNT_ID}:monitoring-schedule/{name}"
    endpoint, tags = _endpoint_name(backend, config), request._get_param("Tags") or []
    schedules[name] = MonitoringSchedule(name, arn, config, endpoint, now, now, tags)
    return ActionResult({"MonitoringScheduleArn": arn})


def _update(request: Any, now: datetime) -> ActionResult:
    schedule, config = _named(request), request._get_param("MonitoringScheduleConfig")
    schedule.endpoint_name = _endpoint_name(request.sagemaker_backend, config)
    schedule.config, schedule.modified = config, now
    return ActionResult({"MonitoringScheduleArn": schedule.arn})


def _describe(request: Any, _: datetime) -> ActionResult:
    return ActionResult(_named(request).description)


def _list(request: Any, _: datetime) -> ActionResult:
    found = list(_schedules(request.sagemaker_backend).values())
    for name, fits in _FILTERS.items():
        if (wanted := request._get_param(name)) is not None:
            found = [schedule for schedule in found if fits(schedule, wanted)]
    is_descending = request._get_param("SortOrder", "Descending") == "Descending"
    found.sort(key=_SORTS[request._get_param("SortBy", "CreationTime")], reverse=is_descending)
    token = request._get_param("NextToken") or "0"
    if token not in map(str, range(len(found) + 1)):
        raise ValidationError("NextToken is not one that this list gave")
    start = int(token)
    end = start + min(request._get_param("MaxResults") or _PAGE, _MOST_IN_A_PAGE)
    response: dict[str, Any] = {"MonitoringScheduleSummaries": [each.summary for each in found[start:end]]}
    return ActionResult(response | ({"NextToken": str(end)} if end < len(found) else {}))


def _delete(request: Any, _: datetime) -> ActionResult:
    del _schedules(request.sagemaker_backend)[_named(request).name]
    return EmptyResult()


def _start(request: Any, now: datetime) -> ActionResult:
    return _become("Scheduled", request, now)


def _stop(request: Any, now: datetime) -> ActionResult:
    return _become("Stopped", request, now)


def _become(status: str, request: Any, now: datetime) -> ActionResult:
    schedule = _named(request)
    schedule.status, schedule.modified = status, now
    return EmptyResult()


def _list_alerts(request: Any, _: datetime) -> ActionResult:
    return ActionResult({"MonitoringAlertSummaries": [_named(request).alert_summary]})


def _update_alert(request: Any, now: datetime) -> ActionResult:
    schedule = _named(request)
    schedule.alert = (request._get_param("DatapointsToAlert"), request._get_param("EvaluationPeriod"))
    schedule.modified = now
    name = request._get_param("MonitoringAlertName")
    return ActionResult({"MonitoringScheduleArn": schedule.arn, "MonitoringAlertName": name})


_OPERATIONS: Mapping[str, Operation] = {
    "create_monitoring_schedule": _create,
    "update_monitoring_schedule": _update,
    "describe_monitoring_schedule": _describe,
    "list_monitoring_schedules": _list,
    "delete_monitoring_schedule": _delete,
    "start_monitoring_schedule": _start,
    "stop_monitoring_schedule": _stop,
    "list_monitoring_alerts": _list_alerts,
    "update_monitoring_alert": _update_alert,
}


def _schedules(backend: Any) -> dict[str, MonitoringSchedule]:
    """Return the schedules of a region; moto's reset of it removes them."""
    found: dict[str, MonitoringSchedule] = backend.__dict__.setdefault("monitoring_schedules", {})
    return found


def _named(request: Any) -> MonitoringSchedule:
    name = request._get_param("MonitoringScheduleName")
    schedule = _schedules(request.sagemaker_backend).get(name)
    if schedule is None:
        raise ResourceNotFound(message=f"Monitoring schedule {name} not found")
    return schedule


def _endpoint_name(backend: Any, config: Mapping[str, Any]) -> str | None:
    """Return the endpoint that a schedule watches, by the definition that it holds or names."""
    name, inside = config.get("MonitoringJobDefinitionName"), config.get("MonitoringJobDefinition")
    if (name is None) == (inside is None):
        raise ValidationError(message="Give either MonitoringJobDefinition or MonitoringJobDefinitionName")
    if inside:
        inputs = inside["MonitoringInputs"][0]
    else:
        kind = _OF_KINDS[config["MonitoringType"]]
        definition = getattr(backend, f"{kind}_job_definitions").get(name)
        if definition is None:
            raise ResourceNotFound(message=f"Job definition {name} not found")
        inputs = getattr(definition, f"{kind}_job_input")
    return (inputs.get("EndpointInput") or {}).get("EndpointName")
