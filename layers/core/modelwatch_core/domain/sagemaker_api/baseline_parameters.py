"""What the app makes of a processing job that is to make a baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.dataset_formats import DATASET_TYPES, format_of_dataset_type
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import BIAS, DATA_QUALITY, EXPLAINABILITY, MODEL_QUALITY
from modelwatch_core.domain.sagemaker_api.images import CLARIFY, repository
from modelwatch_core.domain.sagemaker_api.requests import ProcessingInput, ProcessingJobRequest, tags_by_key
from modelwatch_core.domain.sagemaker_api.schedule_parameters import ATTRIBUTES, cluster_parameters

_METHODS = {
    "shap": EXPLAINABILITY,
    "pdp": EXPLAINABILITY,
    "pre_training_bias": BIAS,
    "post_training_bias": BIAS,
}
"""The kind of monitor that each method of an ``analysis_config.json`` belongs to."""

_SCRIPTS = {
    "record_preprocessor_script": "record_preprocessor_source_uri",
    "post_analytics_processor_script": "post_analytics_processor_source_uri",
}
_PARAMETERS = frozenset({"problem_type", "ground_truth_attribute", *ATTRIBUTES})
_OF_THE_CONTAINER = frozenset(
    {"analysis_type", "dataset_source", "dataset_format", "output_path", "publish_cloudwatch_metrics"}
)


def baseline_parameters(request: ProcessingJobRequest, read: Callable[[str], bytes | None]) -> dict[str, Any]:
    """Return the app's parameters of a baselining job.

    Parameters
    ----------
    read : callable
        Returns an object in S3, or None; SageMaker Clarify's configuration says what a job is to do.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` where a job is no baseline of one kind of monitor.
    """
    output = request.processing_output_config.outputs[0].s3_output
    if output is None:
        raise InvalidInput("InvalidParameter", "ProcessingOutputConfig.Outputs[0]: needs an S3Output")
    clarify = repository(request.app_specification.image_uri) == CLARIFY
    own = _of_clarify(request, read) if clarify else _of_model_monitor(request)
    return own | {
        "baselining_job_name": request.processing_job_name,
        "output_s3_uri": output.s3_uri,
        "processing": _processing(request, output.local_path, output.s3_upload_mode),
        "sagemaker_request": {name: value for name, value in request.as_sent.items() if name != "Tags"},
    }


def _of_model_monitor(request: ProcessingJobRequest) -> dict[str, Any]:
    variables = {name: value for name, value in request.environment.items() if value}
    analysis_type = variables.get("analysis_type", DATA_QUALITY.analysis_type)
    kinds = {kind.analysis_type: kind for kind in (DATA_QUALITY, MODEL_QUALITY)}
    if analysis_type not in kinds:
        message = f"Environment: analysis_type must be one of {', '.join(kinds)} for this image"
        raise InvalidInput("InvalidParameter", message)
    dataset = _input(request, "baseline_dataset_input")
    scripts = {parameter: _file(request, variables[name]) for name, parameter in _SCRIPTS.items() if name in variables}
    taken = _OF_THE_CONTAINER | _PARAMETERS | _SCRIPTS.keys()
    named = {name: value for name, value in variables.items() if name in _PARAMETERS}
    return (
        named
        | scripts
        | {
            "monitoring_type": kinds[analysis_type].monitoring_type,
            "baseline_dataset_s3_uri": dataset.s3_uri,
            "dataset_format": _json(variables.get("dataset_format", '{"csv": {"header": true}}'), "dataset_format"),
            "environment": {name: value for name, value in request.environment.items() if name not in taken},
        }
    )


def _of_clarify(request: ProcessingJobRequest, read: Callable[[str], bytes | None]) -> dict[str, Any]:
    place = _input(request, "analysis_config").s3_uri
    content = read(place)
    if content is None:
        raise InvalidInput("InvalidParameter", f"analysis_config: there is no object {place}; upload it first")
    config = _json(content, "analysis_config")
    methods = config.get("methods")
    found = {
        _METHODS[name].monitoring_type for name in (methods if isinstance(methods, dict) else {}) if name in _METHODS
    }
    if len(found) != 1:
        message = (
            f"analysis_config: methods must be of one kind of monitor ({', '.join(_METHODS)}); make a job for each"
        )
        raise InvalidInput("InvalidParameter", message)
    (monitoring_type,) = found
    return _predictions(config) | {
        "monitoring_type": monitoring_type,
        "baseline_dataset_s3_uri": _input(request, "dataset").s3_uri,
        "dataset_format": _clarify_format(config),
        "analysis_config": place,
        "environment": request.environment,
    }


def _predictions(config: Mapping[str, Any]) -> dict[str, str]:
    """Return which column of a dataset holds predictions; one that headers name is found by its index."""
    name, headers = config.get("predicted_label"), config.get("headers") or []
    if name is None:
        return {}
    return {"inference_attribute": str(headers.index(name) if name in headers else name)}


def _clarify_format(config: Mapping[str, Any]) -> dict[str, Any]:
    dataset_type = config.get("dataset_type", "text/csv")
    if dataset_type not in DATASET_TYPES:
        message = f"analysis_config: dataset_type must be one of {', '.join(DATASET_TYPES)}"
        raise InvalidInput("InvalidParameter", message)
    return format_of_dataset_type(dataset_type, headers=bool(config.get("headers")))


def _processing(request: ProcessingJobRequest, local_path: str | None, upload_mode: str | None) -> dict[str, Any]:
    stopping = request.stopping_condition
    found = cluster_parameters(request.processing_resources.cluster_config) | {
        "role_arn": request.role_arn,
        "network_config": request.network_config,
        "max_runtime_in_seconds": stopping.max_runtime_in_seconds if stopping else None,
        "output_kms_key": request.processing_output_config.kms_key_id,
        "entrypoint": request.app_specification.container_entrypoint,
        "arguments": request.app_specification.container_arguments,
        "local_path": local_path,
        "s3_upload_mode": upload_mode,
        "tags": tags_by_key(request.tags),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _input(request: ProcessingJobRequest, name: str) -> ProcessingInput:
    for each in request.processing_inputs:
        if each.input_name == name and each.s3_uri:
            return each
    raise InvalidInput("InvalidParameter", f"ProcessingInputs: needs an input {name} with an S3Input")


def _file(request: ProcessingJobRequest, path: str) -> str:
    """Return the object that a container would find at a path, below the folder of one of its inputs."""
    for each in request.processing_inputs:
        if each.local_path and PurePosixPath(path).is_relative_to(each.local_path):
            inside = str(PurePosixPath(path).relative_to(each.local_path))
            is_the_file = each.s3_uri.rpartition("/")[2] == inside
            return each.s3_uri if is_the_file else s3_layout.join(each.s3_uri, inside)
    raise InvalidInput("InvalidParameter", "Environment: a script's path is in the LocalPath of no input")


def _json(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("InvalidParameter", f"{name}: is not a JSON object")
    return found
