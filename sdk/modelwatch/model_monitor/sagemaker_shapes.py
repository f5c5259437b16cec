"""The app's records in the shapes of SageMaker's API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelwatch.app_client import AppClient
from modelwatch.arguments import given

Record = Mapping[str, Any]


def moment(text: str) -> datetime:
    """Return a moment that the app wrote."""
    return datetime.fromisoformat(text)


def arn(app: AppClient, kind: str, name: str) -> str:
    """Return the ARN that SageMaker would give a resource of a name."""
    return f"arn:{app.partition}:sagemaker:{app.region}:{app.account_id}:{kind}/{name}"


def execution_summary(app: AppClient, execution: Record) -> dict[str, Any]:
    """Return an execution as ``ListMonitoringExecutions`` has it."""
    outcome = execution.get("outcome") or {}
    return given(
        MonitoringScheduleName=execution["monitoring_schedule_name"],
        ScheduledTime=moment(execution["scheduled_time"]),
        CreationTime=moment(execution["creation_time"]),
        LastModifiedTime=moment(execution["last_modified_time"]),
        MonitoringExecutionStatus=execution["monitoring_execution_status"],
        ProcessingJobArn=processing_job_arn(app, execution),
        EndpointName=execution.get("endpoint_name"),
        FailureReason=outcome.get("failure_reason"),
        MonitoringType=execution["monitoring_type"],
    )


def processing_job_arn(app: AppClient, execution: Record) -> str:
    """Return the ARN that the app shows for an execution; the answer to a launch has none yet."""
    if shown := execution.get("processing_job_arn"):
        return str(shown)
    from modelwatch_core.domain.monitoring_execution import MonitoringExecution

    return arn(app, "processing-job", MonitoringExecution.model_validate(execution).processing_job_name)


def baselining_job(app: AppClient, job: Record) -> dict[str, Any]:
    """Return a baselining job as ``DescribeProcessingJob`` has it, with the app's own record as ``Modelwatch``."""
    outcome, processing = job.get("outcome") or {}, job.get("processing") or {}
    location = given(S3Uri=job["output_s3_uri"], LocalPath=processing.get("local_path"))
    return given(
        ProcessingJobName=job["baselining_job_name"],
        ProcessingJobArn=arn(app, "processing-job", job["baselining_job_name"]),
        ProcessingJobStatus=job["status"],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "monitoring_output", "S3Output": location}]},
        ProcessingResources={"ClusterConfig": _cluster(processing)},
        Environment=job.get("environment") or {},
        RoleArn=processing.get("role_arn"),
        NetworkConfig=processing.get("network_config"),
        StoppingCondition=given(MaxRuntimeInSeconds=processing.get("max_runtime_in_seconds")),
        CreationTime=moment(job["creation_time"]),
        LastModifiedTime=moment(job["last_modified_time"]),
        ExitMessage=outcome.get("exit_message"),
        FailureReason=outcome.get("failure_reason"),
        Modelwatch=dict(job),
    )


def schedule_description(app: AppClient, schedule: Record) -> dict[str, Any]:
    """Return a schedule as ``DescribeMonitoringSchedule`` has it, with the app's own record as ``Modelwatch``."""
    last = schedule.get("last_monitoring_execution")
    endpoint = schedule.get("endpoint_input") or {}
    return given(
        MonitoringScheduleArn=arn(app, "monitoring-schedule", schedule["monitoring_schedule_name"]),
        MonitoringScheduleName=schedule["monitoring_schedule_name"],
        MonitoringScheduleStatus=schedule["monitoring_schedule_status"],
        MonitoringType=schedule["monitoring_type"],
        CreationTime=moment(schedule["creation_time"]),
        LastModifiedTime=moment(schedule["last_modified_time"]),
        EndpointName=endpoint.get("endpoint_name"),
        MonitoringScheduleConfig={
            "ScheduleConfig": given(
                ScheduleExpression=schedule["schedule_expression"],
                DataAnalysisStartTime=schedule.get("data_analysis_start_time"),
                DataAnalysisEndTime=schedule.get("data_analysis_end_time"),
            ),
            "MonitoringJobDefinition": _job_definition(schedule),
            "MonitoringType": schedule["monitoring_type"],
        },
        LastMonitoringExecutionSummary=execution_summary(app, last) if last and "window" in last else None,
        Modelwatch=dict(schedule),
    )


def _job_definition(schedule: Record) -> dict[str, Any]:
    processing, baseline = schedule.get("processing") or {}, schedule.get("baseline") or {}
    files = {"ConstraintsResource": "constraints_s3_uri", "StatisticsResource": "statistics_s3_uri"}
    output = given(
        S3Uri=schedule["output_s3_uri"],
        LocalPath=processing.get("local_path"),
        S3UploadMode=processing.get("s3_upload_mode"),
    )
    metrics = "Enabled" if schedule["publish_cloudwatch_metrics"] else "Disabled"
    return given(
        BaselineConfig={name: {"S3Uri": baseline[field]} for name, field in files.items() if baseline.get(field)},
        MonitoringInputs=[_monitored(schedule, processing)],
        MonitoringOutputConfig=given(
            MonitoringOutputs=[{"S3Output": output}], KmsKeyId=processing.get("output_kms_key")
        ),
        MonitoringResources={"ClusterConfig": _cluster(processing)},
        MonitoringAppSpecification=given(
            ImageUri=schedule.get("image_uri"),
            ContainerEntrypoint=processing.get("entrypoint"),
            ContainerArguments=processing.get("arguments"),
            RecordPreprocessorSourceUri=schedule.get("record_preprocessor_source_uri"),
            PostAnalyticsProcessorSourceUri=schedule.get("post_analytics_processor_source_uri"),
            ProblemType=schedule.get("problem_type"),
        ),
        StoppingCondition=given(MaxRuntimeInSeconds=processing.get("max_runtime_in_seconds")),
        Environment={"publish_cloudwatch_metrics": metrics} | (schedule.get("environment") or {}),
        NetworkConfig=processing.get("network_config"),
        RoleArn=processing.get("role_arn"),
    )


def _cluster(processing: Record) -> dict[str, Any]:
    return given(
        InstanceCount=processing.get("instance_count"),
        InstanceType=processing.get("instance_type"),
        VolumeSizeInGB=processing.get("volume_size_in_gb"),
        VolumeKmsKeyId=processing.get("volume_kms_key"),
    )


def _monitored(schedule: Record, processing: Record) -> dict[str, Any]:
    endpoint, transform = schedule.get("endpoint_input"), schedule.get("batch_transform_input")
    watched = dict(endpoint or transform or {})
    transport = {
        "LocalPath": processing.get("input_local_path"),
        "S3InputMode": processing.get("s3_input_mode"),
        "S3DataDistributionType": processing.get("s3_data_distribution_type"),
    }
    named = {"".join(map(str.title, name.split("_"))): each for name, each in watched.items()}
    truth = schedule.get("ground_truth_input")
    monitored = {"EndpointInput" if endpoint else "BatchTransformInput": given(**named, **transport)}
    return monitored | ({"GroundTruthS3Input": {"S3Uri": truth}} if truth else {})
