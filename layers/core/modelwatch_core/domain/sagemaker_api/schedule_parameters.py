"""What the app makes of a schedule that SageMaker's API defines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelwatch_core.domain.monitor_kinds import CUSTOM
from modelwatch_core.domain.sagemaker_api.images import is_monitor_analyzer
from modelwatch_core.domain.sagemaker_api.requests import (
    ApiBatchTransformInput,
    ApiEndpointInput,
    ClusterConfig,
    MonitoredInput,
    MonitoringDefinition,
)

DAILY = "cron(0 0 ? * * *)"
"""When a schedule without an expression is due: SageMaker says daily, at a time of its choice."""

ATTRIBUTES = (
    "features_attribute",
    "inference_attribute",
    "probability_attribute",
    "probability_threshold_attribute",
    "exclude_features_attribute",
)
_METRICS = "publish_cloudwatch_metrics"
_WHOLE_CAPTURES = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'
_OFFSETS = ("start_time_offset", "end_time_offset")
_S3_URL = re.compile(r"^https://(?P<bucket>[^/.]+)\.s3[.\-a-z0-9]*\.amazonaws\.com(\.cn)?/(?P<key>.*)$")


def monitoring_type_of(monitoring_type: str, definition: MonitoringDefinition) -> str:
    """Return the app's kind of monitor: an image of the user's own makes it a custom one."""
    return monitoring_type if is_monitor_analyzer(definition.app_specification.image_uri) else CUSTOM.monitoring_type


def schedule_parameters(
    monitoring_type: str, definition: MonitoringDefinition, baseline: Mapping[str, str]
) -> dict[str, Any]:
    """Return the app's parameters of a schedule, None where the definition gives none.

    Parameters
    ----------
    baseline : mapping of str to str
        The app's parameter of that name; nothing is compared if it is empty.
    """
    app, given = definition.app_specification, definition.job_input
    watched = given.endpoint_input or given.batch_transform_input
    (output,) = definition.job_output_config.monitoring_outputs
    kind = monitoring_type_of(monitoring_type, definition)
    environment = {name: value for name, value in (app.environment or {}).items() if not _says_nothing(name, value)}
    truth = given.ground_truth_s3_input
    return {
        "monitoring_type": kind,
        "endpoint_input": _endpoint(given.endpoint_input),
        "batch_transform_input": _transform(given.batch_transform_input),
        "baseline": dict(baseline) or None,
        "ground_truth_input": truth.s3_uri if truth else None,
        "output_s3_uri": output.s3_output.s3_uri,
        "publish_cloudwatch_metrics": environment.pop(_METRICS, "Enabled") == "Enabled",
        "environment": environment,
        "problem_type": app.problem_type,
        "analysis_config": app.config_uri,
        "record_preprocessor_source_uri": app.record_preprocessor_source_uri,
        "post_analytics_processor_source_uri": app.post_analytics_processor_source_uri,
        "image_uri": app.image_uri if kind == CUSTOM.monitoring_type else None,
        "processing": _processing(definition, watched),
    }


def _says_nothing(name: str, value: str) -> bool:
    """Return whether a variable is what every run has: programs repeat what SageMaker sets for its container."""
    is_default_format = name == "dataset_format" and "".join(value.split()) == _WHOLE_CAPTURES
    return name in ("dataset_source", "output_path") or is_default_format


def _endpoint(watched: ApiEndpointInput | None) -> dict[str, Any] | None:
    return None if watched is None else {"endpoint_name": watched.endpoint_name} | _reading(watched)


def _transform(watched: ApiBatchTransformInput | None) -> dict[str, Any] | None:
    if watched is None:
        return None
    formats = {
        name.lower(): {
            option: value for option, value in (("header", each.header), ("lines", each.line)) if value is not None
        }
        for name, each in watched.dataset_format.items()
    }
    place = _S3_URL.sub(r"s3://\g<bucket>/\g<key>", watched.data_captured_destination_s3_uri)
    return {"data_captured_destination_s3_uri": place, "dataset_format": formats} | _reading(watched)


def _reading(watched: MonitoredInput) -> dict[str, Any]:
    return {name: value for name in (*ATTRIBUTES, *_OFFSETS) if (value := getattr(watched, name)) not in (None, "")}


def _processing(definition: MonitoringDefinition, watched: MonitoredInput | None) -> dict[str, Any]:
    app, stopping = definition.app_specification, definition.stopping_condition
    (output,) = definition.job_output_config.monitoring_outputs
    found = cluster_parameters(definition.job_resources.cluster_config) | {
        "role_arn": definition.role_arn,
        "network_config": definition.network_config,
        "max_runtime_in_seconds": stopping.max_runtime_in_seconds if stopping else None,
        "output_kms_key": definition.job_output_config.kms_key_id,
        "entrypoint": app.container_entrypoint,
        "arguments": app.container_arguments,
        "local_path": output.s3_output.local_path,
        "s3_upload_mode": output.s3_output.s3_upload_mode,
        "input_local_path": watched.local_path if watched else None,
        "s3_input_mode": watched.s3_input_mode if watched else None,
        "s3_data_distribution_type": watched.s3_data_distribution_type if watched else None,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def cluster_parameters(cluster: ClusterConfig) -> dict[str, Any]:
    """Return the app's parameters of what a job runs on."""
    return {
        "instance_type": cluster.instance_type,
        "instance_count": cluster.instance_count,
        "volume_size_in_gb": cluster.volume_size_in_gb,
        "volume_kms_key": cluster.volume_kms_key_id,
    }
