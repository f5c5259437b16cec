"""SageMaker's descriptions of monitoring schedules as the app's parameters, and what has no counterpart.

Source of the shapes: botocore's service model of SageMaker, ``DescribeMonitoringSchedule`` and
``Describe{DataQuality,ModelQuality,ModelBias,ModelExplainability}JobDefinition``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch.arguments import given
from modelwatch.model_monitor.dataset_format import as_app_reads_it

Document = Mapping[str, Any]

METRICS = "publish_cloudwatch_metrics"

_OWN_IMAGE = re.compile(r"/(sagemaker-model-monitor-analyzer|sagemaker-clarify-processing)(:|@|$)")
"""SageMaker's own images, whose analyses the app does itself."""

_INPUT = {
    "EndpointName": "endpoint_name",
    "DataCapturedDestinationS3Uri": "data_captured_destination_s3_uri",
    "FeaturesAttribute": "features_attribute",
    "InferenceAttribute": "inference_attribute",
    "ProbabilityAttribute": "probability_attribute",
    "ProbabilityThresholdAttribute": "probability_threshold_attribute",
    "ExcludeFeaturesAttribute": "exclude_features_attribute",
    "StartTimeOffset": "start_time_offset",
    "EndTimeOffset": "end_time_offset",
}


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What an execution does, whichever of SageMaker's two forms it was described in: its parts, by their own names.

    Attributes
    ----------
    baseline : mapping
        ``ConstraintsResource`` and ``StatisticsResource``.
    monitored : mapping
        ``EndpointInput`` or ``BatchTransformInput``, and ``GroundTruthS3Input``.
    application : mapping
        ``ImageUri``, ``ProblemType``, ``ConfigUri``, ``Environment``, scripts, entry point.
    output : mapping
        ``MonitoringOutputs`` and ``KmsKeyId``.
    job : mapping
        ``ClusterConfig``, ``NetworkConfig``, ``RoleArn``, ``StoppingCondition``.
    """

    baseline: Document
    monitored: Document
    application: Document
    output: Document
    job: Document

    @classmethod
    def inside(cls, definition: Document) -> JobDefinition:
        """Read a ``MonitoringJobDefinition`` within a schedule."""
        application = dict(definition["MonitoringAppSpecification"]) | given(Environment=definition.get("Environment"))
        return cls(
            definition.get("BaselineConfig") or {},
            definition["MonitoringInputs"][0],
            application,
            definition["MonitoringOutputConfig"],
            _job(definition, definition["MonitoringResources"]),
        )

    @classmethod
    def named(cls, kind: str, definition: Document) -> JobDefinition:
        """Read the answer of ``Describe{kind}JobDefinition``."""
        return cls(
            definition.get(f"{kind}BaselineConfig") or {},
            definition[f"{kind}JobInput"],
            definition[f"{kind}AppSpecification"],
            definition[f"{kind}JobOutputConfig"],
            _job(definition, definition["JobResources"]),
        )

    @property
    def is_custom(self) -> bool:
        """Whether a container of the user's own analyses."""
        return not _OWN_IMAGE.search(self.application["ImageUri"])


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


def translated(schedule: Document, definition: JobDefinition, tags: Mapping[str, str] | None = None) -> Translation:
    """Return a schedule that SageMaker described as one of the app.

    Parameters
    ----------
    schedule : mapping
        The answer of ``DescribeMonitoringSchedule``.
    tags : mapping of str to str, optional
        The schedule's.
    """
    from modelwatch_core.app.analysis_inputs import SET_BY_THE_APP

    timing = schedule["MonitoringScheduleConfig"]["ScheduleConfig"]
    application, environment = definition.application, dict(definition.application.get("Environment") or {})
    metrics = environment.pop(METRICS, None)
    ours = sorted(environment.keys() & SET_BY_THE_APP.keys())
    parameters = given(
        monitoring_schedule_name=schedule["MonitoringScheduleName"],
        monitoring_type=_kind(schedule, definition),
        schedule_expression=timing["ScheduleExpression"],
        data_analysis_start_time=timing.get("DataAnalysisStartTime"),
        data_analysis_end_time=timing.get("DataAnalysisEndTime"),
        **_input(definition.monitored),
        ground_truth_input=(definition.monitored.get("GroundTruthS3Input") or {}).get("S3Uri"),
        baseline=_baseline(definition.baseline) or None,
        output_s3_uri=_output(definition)["S3Uri"].rstrip("/"),
        problem_type=application.get("ProblemType"),
        analysis_config=application.get("ConfigUri"),
        record_preprocessor_source_uri=application.get("RecordPreprocessorSourceUri"),
        post_analytics_processor_source_uri=application.get("PostAnalyticsProcessorSourceUri"),
        image_uri=application["ImageUri"] if definition.is_custom else None,
        publish_cloudwatch_metrics=None if metrics is None else metrics == "Enabled",
        environment={name: value for name, value in environment.items() if name not in ours} or None,
        processing=_processing(definition, tags or {}) or None,
    )
    return Translation(parameters, (*_notes(schedule, definition), *map(_left_out, ours)))


def _kind(schedule: Document, definition: JobDefinition) -> str:
    if definition.is_custom:
        return "Custom"
    inside = schedule["MonitoringScheduleConfig"].get("MonitoringType")
    return str(schedule.get("MonitoringType") or inside or "DataQuality")


def _input(monitored: Document) -> dict[str, Any]:
    name = "EndpointInput" if "EndpointInput" in monitored else "BatchTransformInput"
    watched = {ours: monitored[name][theirs] for theirs, ours in _INPUT.items() if theirs in monitored[name]}
    if name == "EndpointInput":
        return {"endpoint_input": watched}
    return {"batch_transform_input": watched | {"dataset_format": as_app_reads_it(monitored[name]["DatasetFormat"])}}


def _baseline(baseline: Document) -> dict[str, str]:
    files = {"constraints_s3_uri": "ConstraintsResource", "statistics_s3_uri": "StatisticsResource"}
    return given(**{name: (baseline.get(part) or {}).get("S3Uri") for name, part in files.items()})


def _output(definition: JobDefinition) -> Document:
    found: Document = definition.output["MonitoringOutputs"][0]["S3Output"]
    return found


def _job(definition: Document, resources: Document) -> dict[str, Any]:
    parts = ("NetworkConfig", "RoleArn", "StoppingCondition")
    return {"ClusterConfig": resources["ClusterConfig"]} | {name: definition.get(name) for name in parts}


def _processing(definition: JobDefinition, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return how SageMaker runs it, which the app keeps and shows."""
    cluster, output = definition.job["ClusterConfig"], _output(definition)
    watched = definition.monitored.get("EndpointInput") or definition.monitored["BatchTransformInput"]
    return given(
        role_arn=definition.job["RoleArn"],
        tags={key: value for key, value in tags.items() if not key.startswith("aws:")} or None,
        network_config=definition.job["NetworkConfig"],
        max_runtime_in_seconds=(definition.job["StoppingCondition"] or {}).get("MaxRuntimeInSeconds"),
        instance_type=cluster.get("InstanceType"),
        instance_count=cluster.get("InstanceCount"),
        volume_size_in_gb=cluster.get("VolumeSizeInGB"),
        volume_kms_key=cluster.get("VolumeKmsKeyId"),
        output_kms_key=definition.output.get("KmsKeyId"),
        entrypoint=definition.application.get("ContainerEntrypoint"),
        arguments=definition.application.get("ContainerArguments"),
        input_local_path=watched.get("LocalPath"),
        s3_input_mode=watched.get("S3InputMode"),
        s3_data_distribution_type=watched.get("S3DataDistributionType"),
        local_path=output.get("LocalPath"),
        s3_upload_mode=output.get("S3UploadMode"),
    )


def _notes(schedule: Document, definition: JobDefinition) -> Iterator[str]:
    if definition.job["NetworkConfig"]:
        yield "the network is kept for hosts that run jobs; the Lambda host runs in the deployment's"
    if definition.output.get("KmsKeyId"):
        yield "the key of the output is kept for hosts that run jobs; the Lambda host writes with the bucket's"
    if not definition.is_custom and definition.application.get("ContainerEntrypoint"):
        yield "the entry point of SageMaker's container is kept and not used"
    status = schedule["MonitoringScheduleStatus"]
    if status in ("Failed", "Pending"):
        yield f"it is {status} in SageMaker, and will be Scheduled here"


def _left_out(name: str) -> str:
    return f"{name} of its environment is left out: the app sets it for every run"
