"""SageMaker's descriptions of monitoring schedules as the app's parameters, and what has no counterpart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch_core.app.analysis_inputs import SET_BY_THE_APP
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.monitor_kinds import CUSTOM, monitor_kind
from modelwatch_core.domain.sagemaker_api.job_definitions import common_names
from modelwatch_core.domain.sagemaker_api.requests import InlineDefinition, MonitoringDefinition
from modelwatch_core.domain.sagemaker_api.schedule_parameters import DAILY, schedule_parameters

Document = Mapping[str, Any]

_OF_A_DEFINITION_ITSELF = ("JobDefinitionArn", "JobDefinitionName", "CreationTime", "ResponseMetadata")

_METRICS_OF_PARTS = (
    "metrics of single features, groups and labels are not published: alarms on them get no data before modelwatch "
    "schedules update NAME --publish-feature-metrics"
)


def definition_inside(document: Document) -> MonitoringDefinition:
    """Read a ``MonitoringJobDefinition`` within a schedule.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` for what is not in the form that is known here.
    """
    return parsed(InlineDefinition, document).definition


def named_definition(monitoring_type: str, response: Document) -> MonitoringDefinition:
    """Read the response of ``Describe{monitoring_type}JobDefinition``; raises as ``definition_inside``."""
    document = {name: value for name, value in response.items() if name not in _OF_A_DEFINITION_ITSELF}
    return parsed(MonitoringDefinition, common_names(monitoring_type, document))


@dataclass(frozen=True, slots=True)
class Translation:
    """The parameters of ``CreateMonitoringSchedule`` of the app, and what they leave out.

    Attributes
    ----------
    notes : tuple of str
        A sentence for each thing that has no counterpart, or another one.
    """

    parameters: dict[str, Any]
    notes: tuple[str, ...]


def translated(
    schedule: Document, definition: MonitoringDefinition, baseline: Mapping[str, str], tags: Mapping[str, str]
) -> Translation:
    """Return a schedule that SageMaker described as one of the app.

    Parameters
    ----------
    schedule : mapping
        The response of ``DescribeMonitoringSchedule``.
    baseline : mapping of str to str
        The app's parameter of that name.
    tags : mapping of str to str
        The schedule's.
    """
    timing = schedule["MonitoringScheduleConfig"].get("ScheduleConfig") or {"ScheduleExpression": DAILY}
    found = schedule_parameters(monitoring_type_of(schedule), definition, baseline)
    ours = sorted(found["environment"].keys() & SET_BY_THE_APP.keys())
    kept_tags = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    parameters = found | {
        "monitoring_schedule_name": schedule["MonitoringScheduleName"],
        "schedule_expression": timing["ScheduleExpression"],
        "data_analysis_start_time": timing.get("DataAnalysisStartTime"),
        "data_analysis_end_time": timing.get("DataAnalysisEndTime"),
        "output_s3_uri": found["output_s3_uri"].rstrip("/"),
        "environment": {name: value for name, value in found["environment"].items() if name not in ours} or None,
        "processing": found["processing"] | ({"tags": kept_tags} if kept_tags else {}),
    }
    is_custom = found["monitoring_type"] == CUSTOM.monitoring_type
    alarms = found["publish_cloudwatch_metrics"] and monitor_kind(found["monitoring_type"]).has_metrics_of_parts
    notes = (
        *_notes(schedule, definition, is_custom=is_custom),
        *map(_left_out, ours),
        *([_METRICS_OF_PARTS] if alarms else []),
    )
    return Translation({name: value for name, value in parameters.items() if value is not None}, notes)


def monitoring_type_of(schedule: Document) -> str:
    """Return SageMaker's kind of a schedule that it described."""
    inside = schedule["MonitoringScheduleConfig"].get("MonitoringType")
    return str(schedule.get("MonitoringType") or inside or "DataQuality")


def _notes(schedule: Document, definition: MonitoringDefinition, *, is_custom: bool) -> Iterator[str]:
    if definition.network_config:
        yield "the network is kept for hosts that run jobs; the Lambda host runs in the deployment's"
    if definition.job_output_config.kms_key_id:
        yield "the key of the output is kept for hosts that run jobs; the Lambda host writes with the bucket's"
    if not is_custom and definition.app_specification.container_entrypoint:
        yield "the entry point of SageMaker's container is kept and not used"
    status = schedule["MonitoringScheduleStatus"]
    if status in ("Failed", "Pending"):
        yield f"it is {status} in SageMaker, and will be Scheduled here"


def _left_out(name: str) -> str:
    return f"{name} of its environment is left out: the app sets it for every run"
