"""Requests of SageMaker's API for monitoring, as its service model has them, with the limits that clients do not check.

Texts are taken as numbers where numbers are wanted, because CloudFormation writes all values as texts.
A model whose name one of the app's own has too begins with ``Api``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from modelwatch_core.domain.documents import NonEmpty, SageMakerName, UtcDatetime

Arn = Annotated[str, Field(pattern=r"^arn:.*", max_length=256)]
_Variable = Annotated[str, Field(max_length=256)]
Environment = dict[_Variable, _Variable]
ApiMonitoringType = Literal["DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"]


class Request(BaseModel):
    """A part of a request, with SageMaker's names."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, hide_input_in_errors=True, defer_build=True
    )

    @property
    def as_sent(self) -> dict[str, Any]:
        """What was given, with SageMaker's names."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Tag(Request):
    """A tag."""

    key: Annotated[str, Field(min_length=1, max_length=128)]
    value: Annotated[str, Field(max_length=256)]


Tags = Annotated[tuple[Tag, ...], Field(max_length=50)]


def tags_by_key(tags: tuple[Tag, ...]) -> dict[str, str]:
    """Return tags as the app keeps them."""
    return {tag.key: tag.value for tag in tags}


# ---------------------------------------------------------------- parts
class S3Resource(Request):
    """A file in S3."""

    s3_uri: NonEmpty | None = None


class BaselineConfig(Request):
    """What data is compared with: files, or a job that made them."""

    baselining_job_name: SageMakerName | None = None
    constraints_resource: S3Resource | None = None
    statistics_resource: S3Resource | None = None

    @property
    def files(self) -> dict[str, str]:
        """The S3 URIs of the files that it names, by the app's parameters of them."""
        named = {"constraints_s3_uri": self.constraints_resource, "statistics_s3_uri": self.statistics_resource}
        return {name: each.s3_uri for name, each in named.items() if each and each.s3_uri}


class MonitoredInput(Request):
    """What an endpoint and batch transform jobs have in common as inputs."""

    local_path: NonEmpty
    s3_input_mode: Literal["Pipe", "File"] | None = None
    s3_data_distribution_type: Literal["FullyReplicated", "ShardedByS3Key"] | None = None
    features_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None
    probability_threshold_attribute: float | None = None
    start_time_offset: str | None = None
    end_time_offset: str | None = None
    exclude_features_attribute: str | None = None


class ApiEndpointInput(MonitoredInput):
    """An endpoint."""

    endpoint_name: SageMakerName


class FormatOptions(Request):
    """The options of a format: CSV has the first, JSON the second."""

    header: bool | None = None
    line: bool | None = None


class ApiBatchTransformInput(MonitoredInput):
    """Batch transform jobs."""

    data_captured_destination_s3_uri: NonEmpty
    dataset_format: dict[Literal["Csv", "Json", "Parquet"], FormatOptions]


class JobInput(Request):
    """What a definition monitors."""

    endpoint_input: ApiEndpointInput | None = None
    batch_transform_input: ApiBatchTransformInput | None = None
    ground_truth_s3_input: S3Resource | None = None


class S3Output(Request):
    """A folder that results go to."""

    s3_uri: NonEmpty
    local_path: NonEmpty | None = None
    s3_upload_mode: Literal["Continuous", "EndOfJob"] | None = None


class MonitoringOutput(Request):
    """An output."""

    s3_output: S3Output


class MonitoringOutputConfig(Request):
    """Where results go."""

    monitoring_outputs: Annotated[tuple[MonitoringOutput, ...], Field(min_length=1, max_length=1)]
    kms_key_id: str | None = None


class ClusterConfig(Request):
    """What a job runs on."""

    instance_count: int | None = Field(default=None, ge=1, le=100)
    instance_type: NonEmpty | None = None
    volume_size_in_gb: int = Field(alias="VolumeSizeInGB", ge=1, le=16384)
    volume_kms_key_id: str | None = None
    instance_preferences: Any = None


class MonitoringResources(Request):
    """What a job runs on."""

    cluster_config: ClusterConfig


class StoppingCondition(Request):
    """How long a job may run."""

    max_runtime_in_seconds: int | None = Field(default=None, ge=1, le=777_600)


class AppSpecification(Request):
    """What analyses: an image with its scripts and settings."""

    image_uri: Annotated[str, Field(min_length=1, max_length=255)]
    container_entrypoint: tuple[str, ...] | None = None
    container_arguments: tuple[str, ...] | None = None
    record_preprocessor_source_uri: NonEmpty | None = None
    post_analytics_processor_source_uri: NonEmpty | None = None
    environment: Annotated[Environment, Field(max_length=50)] | None = None
    problem_type: Literal["BinaryClassification", "MulticlassClassification", "Regression"] | None = None
    config_uri: NonEmpty | None = None


class MonitoringDefinition(Request):
    """What a schedule does, by the names that its four kinds of definitions have in common."""

    baseline_config: BaselineConfig | None = None
    app_specification: AppSpecification
    job_input: JobInput
    job_output_config: MonitoringOutputConfig
    job_resources: MonitoringResources
    network_config: dict[str, Any] | None = None
    role_arn: NonEmpty
    stopping_condition: StoppingCondition | None = None


class InlineDefinition(Request):
    """The definition that stands in a schedule itself."""

    baseline_config: BaselineConfig | None = None
    monitoring_inputs: Annotated[tuple[JobInput, ...], Field(min_length=1, max_length=1)]
    monitoring_output_config: MonitoringOutputConfig
    monitoring_resources: MonitoringResources
    monitoring_app_specification: AppSpecification
    stopping_condition: StoppingCondition | None = None
    environment: Annotated[Environment, Field(max_length=50)] | None = None
    network_config: dict[str, Any] | None = None
    role_arn: NonEmpty

    @property
    def definition(self) -> MonitoringDefinition:
        """The same by the names of the other definitions."""
        app = self.monitoring_app_specification.model_copy(update={"environment": self.environment})
        return MonitoringDefinition.model_construct(
            baseline_config=self.baseline_config,
            app_specification=app,
            job_input=self.monitoring_inputs[0],
            job_output_config=self.monitoring_output_config,
            job_resources=self.monitoring_resources,
            network_config=self.network_config,
            role_arn=self.role_arn,
            stopping_condition=self.stopping_condition,
        )


class ScheduleConfig(Request):
    """When a schedule is due."""

    schedule_expression: NonEmpty
    data_analysis_start_time: NonEmpty | None = None
    data_analysis_end_time: NonEmpty | None = None


class MonitoringScheduleConfig(Request):
    """What a schedule does, and when."""

    schedule_config: ScheduleConfig | None = None
    monitoring_job_definition: InlineDefinition | None = None
    monitoring_job_definition_name: SageMakerName | None = None
    monitoring_type: ApiMonitoringType | None = None


# ---------------------------------------------------------------- operations
class DefinitionRequest(MonitoringDefinition):
    """``Create{Kind}JobDefinition``."""

    job_definition_name: SageMakerName
    tags: Tags = ()


class DefinitionNamed(Request):
    """Describes or deletes a definition."""

    job_definition_name: SageMakerName


class ApiScheduleRequest(Request):
    """Creates or updates a schedule."""

    monitoring_schedule_name: SageMakerName
    monitoring_schedule_config: MonitoringScheduleConfig
    tags: Tags = ()


class ScheduleNamed(Request):
    """Names a schedule."""

    monitoring_schedule_name: SageMakerName


class ApiListRequest(Request):
    """What all lists take."""

    max_results: int = Field(default=10, ge=1, le=100)
    next_token: Annotated[str, Field(max_length=8192)] | None = None
    sort_order: Literal["Ascending", "Descending"] = "Descending"
    creation_time_before: UtcDatetime | None = None
    creation_time_after: UtcDatetime | None = None


class DefinitionsWanted(ApiListRequest):
    """``List{Kind}JobDefinitions``."""

    sort_by: Literal["Name", "CreationTime"] = "CreationTime"
    endpoint_name: SageMakerName | None = None
    name_contains: NonEmpty | None = None


class ApiSchedulesWanted(ApiListRequest):
    """``ListMonitoringSchedules``."""

    sort_by: Literal["Name", "CreationTime", "Status"] = "CreationTime"
    endpoint_name: SageMakerName | None = None
    name_contains: NonEmpty | None = None
    last_modified_time_before: UtcDatetime | None = None
    last_modified_time_after: UtcDatetime | None = None
    status_equals: Literal["Pending", "Failed", "Scheduled", "Stopped"] | None = None
    monitoring_job_definition_name: SageMakerName | None = None
    monitoring_type_equals: ApiMonitoringType | None = None


class ApiExecutionsWanted(ApiListRequest):
    """``ListMonitoringExecutions``."""

    sort_by: Literal["CreationTime", "ScheduledTime", "Status"] = "CreationTime"
    monitoring_schedule_name: SageMakerName | None = None
    endpoint_name: SageMakerName | None = None
    scheduled_time_before: UtcDatetime | None = None
    scheduled_time_after: UtcDatetime | None = None
    last_modified_time_before: UtcDatetime | None = None
    last_modified_time_after: UtcDatetime | None = None
    status_equals: (
        Literal["Pending", "Completed", "CompletedWithViolations", "InProgress", "Failed", "Stopping", "Stopped"] | None
    ) = None
    monitoring_type_equals: ApiMonitoringType | None = None


class ProcessingJobsWanted(ApiListRequest):
    """``ListProcessingJobs``."""

    sort_by: Literal["Name", "CreationTime", "Status"] = "CreationTime"
    sort_order: Literal["Ascending", "Descending"] = "Ascending"
    last_modified_time_before: UtcDatetime | None = None
    last_modified_time_after: UtcDatetime | None = None
    name_contains: NonEmpty | None = None
    status_equals: Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"] | None = None


class ProcessingInput(Request):
    """An input of a processing job."""

    input_name: NonEmpty
    app_managed: bool | None = None
    s3_input: dict[str, Any] | None = None
    dataset_definition: Any = None

    @property
    def s3_uri(self) -> str:
        """Where it is."""
        return str((self.s3_input or {}).get("S3Uri") or "")

    @property
    def local_path(self) -> str:
        """Where a container would find it."""
        return str((self.s3_input or {}).get("LocalPath") or "")


class ProcessingOutput(Request):
    """An output of a processing job."""

    output_name: NonEmpty
    s3_output: S3Output | None = None
    app_managed: bool | None = None
    feature_store_output: Any = None


class ProcessingOutputConfig(Request):
    """The outputs of a processing job."""

    outputs: Annotated[tuple[ProcessingOutput, ...], Field(min_length=1, max_length=10)]
    kms_key_id: str | None = None


class ProcessingJobRequest(Request):
    """``CreateProcessingJob``."""

    processing_job_name: SageMakerName
    processing_inputs: Annotated[tuple[ProcessingInput, ...], Field(max_length=10)] = ()
    processing_output_config: ProcessingOutputConfig
    processing_resources: MonitoringResources
    stopping_condition: StoppingCondition | None = None
    app_specification: AppSpecification
    environment: Annotated[Environment, Field(max_length=100)] = Field(default_factory=dict)
    network_config: dict[str, Any] | None = None
    role_arn: NonEmpty
    tags: Tags = ()
    experiment_config: Any = None


class ProcessingJobNamed(Request):
    """Names a processing job."""

    processing_job_name: SageMakerName


class AlertsWanted(ApiListRequest):
    """``ListMonitoringAlerts``, ``ListMonitoringAlertHistory``."""

    max_results: int = Field(default=100, ge=1, le=100)
    monitoring_schedule_name: SageMakerName | None = None
    monitoring_alert_name: SageMakerName | None = None
    sort_by: Literal["CreationTime", "Status"] = "CreationTime"
    status_equals: Literal["InAlert", "OK"] | None = None


class ApiAlertUpdate(Request):
    """``UpdateMonitoringAlert``."""

    monitoring_schedule_name: SageMakerName
    monitoring_alert_name: SageMakerName
    datapoints_to_alert: int = Field(ge=1, le=100)
    evaluation_period: int = Field(ge=1, le=100)


class TagsOf(Request):
    """``ListTags``."""

    resource_arn: Arn
    next_token: str | None = None
    max_results: int = Field(default=50, ge=50)


class AddTags(Request):
    """``AddTags``."""

    resource_arn: Arn
    tags: Tags


class DeleteTags(Request):
    """``DeleteTags``."""

    resource_arn: Arn
    tag_keys: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
