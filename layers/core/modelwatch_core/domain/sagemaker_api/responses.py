"""The app's records in the shapes of SageMaker's API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelwatch_core.domain.sagemaker_request import definition_name, sent_config

Record = Mapping[str, Any]

_OF_EXECUTIONS = {"Pending": "InProgress", "CompletedWithViolations": "Completed"}
"""Statuses of executions that processing jobs do not have, and what these have in their place."""

_INPUT, _OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
_BASELINE = "/opt/ml/processing/baseline"
_RESOURCES = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
OWN_IMAGE, _NO_ROLE = "modelwatch/analyzer", "none"
"""What a response has for members that SageMaker requires and that nobody gave, because the monitor was made by another
API."""


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def moment(text: str) -> datetime:
    """Return a moment that the app wrote."""
    return datetime.fromisoformat(text)


def arn(arns: str, kind: str, name: str) -> str:
    """Return the ARN that SageMaker would give a resource of a name.

    Parameters
    ----------
    arns : str
        How ARNs of the account and region begin: ``arn:{partition}:sagemaker:{region}:{account}``.
    """
    return f"{arns}:{kind}/{name}"


def execution_summary(arns: str, execution: Record) -> dict[str, Any]:
    """Return an execution as ``ListMonitoringExecutions`` has it."""
    outcome = execution.get("outcome") or {}
    return given(
        MonitoringScheduleName=execution["monitoring_schedule_name"],
        ScheduledTime=moment(execution["scheduled_time"]),
        CreationTime=moment(execution["creation_time"]),
        LastModifiedTime=moment(execution["last_modified_time"]),
        MonitoringExecutionStatus=execution["monitoring_execution_status"],
        ProcessingJobArn=processing_job_arn(arns, execution),
        EndpointName=execution.get("endpoint_name"),
        FailureReason=outcome.get("failure_reason"),
        MonitoringType=execution["monitoring_type"],
    )


def processing_job_arn(arns: str, execution: Record) -> str:
    """Return the ARN that the app shows for an execution; the response to a launch has none yet."""
    if shown := execution.get("processing_job_arn"):
        return str(shown)
    from modelwatch_core.domain.monitoring_execution import MonitoringExecution

    return arn(arns, "processing-job", MonitoringExecution.model_validate(execution).processing_job_name)


def processing_job_status(execution: Record) -> str:
    """Return the status of an execution as that of a processing job."""
    status = str(execution["monitoring_execution_status"])
    return _OF_EXECUTIONS.get(status, status)


def baselining_job(arns: str, job: Record) -> dict[str, Any]:
    """Return a baselining job as ``DescribeProcessingJob`` has it, with the app's own record as ``Modelwatch``."""
    outcome, processing = job.get("outcome") or {}, job.get("processing") or {}
    location = given(S3Uri=job["output_s3_uri"], LocalPath=processing.get("local_path"))
    return given(
        ProcessingJobName=job["baselining_job_name"],
        ProcessingJobArn=arn(arns, "processing-job", job["baselining_job_name"]),
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


def schedule_description(arns: str, schedule: Record) -> dict[str, Any]:
    """Return a schedule as ``DescribeMonitoringSchedule`` has it, with the app's own record as ``Modelwatch``."""
    last = schedule.get("last_monitoring_execution")
    endpoint = schedule.get("endpoint_input") or {}
    return given(
        MonitoringScheduleArn=arn(arns, "monitoring-schedule", schedule["monitoring_schedule_name"]),
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
            "MonitoringJobDefinition": job_definition(schedule),
            "MonitoringType": schedule["monitoring_type"],
        },
        LastMonitoringExecutionSummary=execution_summary(arns, last) if last and "window" in last else None,
        Modelwatch=dict(schedule),
    )


def job_definition(schedule: Record) -> dict[str, Any]:
    """Return what a schedule does as an inline definition."""
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


# ---------------------------------------------------------------- as SageMaker's clients know them
def requested_schedule(arns: str, schedule: Record) -> dict[str, Any]:
    """Return a schedule as ``DescribeMonitoringSchedule`` does, with what SageMaker's API sent, if that made it."""
    response = schedule_description(arns, schedule)
    del response["Modelwatch"]
    config = sent_config(schedule.get("sagemaker_request"))
    if config is None:
        _complete(response["MonitoringScheduleConfig"]["MonitoringJobDefinition"], arns)
        return response
    named = {"MonitoringType": config["MonitoringType"]} if "MonitoringType" in config else {}
    return response | named | {"MonitoringScheduleConfig": config}


def _complete(definition: dict[str, Any], arns: str) -> None:
    """Give an inline definition what SageMaker's shapes need, and whoever made the schedule did not say."""
    definition["MonitoringAppSpecification"].setdefault("ImageUri", OWN_IMAGE)
    (output,), (monitored,) = definition["MonitoringOutputConfig"]["MonitoringOutputs"], definition["MonitoringInputs"]
    output["S3Output"].setdefault("LocalPath", _OUTPUT)
    for name in ("EndpointInput", "BatchTransformInput"):
        if name in monitored:
            monitored[name].setdefault("LocalPath", _INPUT)
    cluster = definition["MonitoringResources"]
    cluster["ClusterConfig"] = _RESOURCES | cluster["ClusterConfig"]
    _, partition, _, _, account = arns.split(":")
    definition.setdefault("RoleArn", f"arn:{partition}:iam::{account}:role/{_NO_ROLE}")
    for name in ("StoppingCondition", "BaselineConfig"):
        if not definition[name]:
            del definition[name]


def schedule_summary(arns: str, schedule: Record) -> dict[str, Any]:
    """Return a schedule as ``ListMonitoringSchedules`` has it."""
    described = requested_schedule(arns, schedule)
    summary = {name: value for name, value in described.items() if name in _OF_SUMMARIES}
    return summary | given(MonitoringJobDefinitionName=definition_name(schedule.get("sagemaker_request")))


def requested_job(arns: str, job: Record) -> dict[str, Any]:
    """Return a baselining job as ``DescribeProcessingJob`` does, with what SageMaker's API sent, if that made it."""
    response = baselining_job(arns, job)
    del response["Modelwatch"]
    sent = job.get("sagemaker_request")
    if not response["StoppingCondition"]:
        del response["StoppingCondition"]
    ended = {"ProcessingEndTime": response["LastModifiedTime"]} if job["status"] != "InProgress" else {}
    response |= {"ProcessingStartTime": response["CreationTime"], **ended}
    if sent:
        return {**response, **sent}
    (output,) = response["ProcessingOutputConfig"]["Outputs"]
    output["S3Output"] = {"LocalPath": _OUTPUT, "S3UploadMode": "EndOfJob"} | output["S3Output"]
    cluster = {"ClusterConfig": _RESOURCES | response["ProcessingResources"]["ClusterConfig"]}
    image = {"ImageUri": job.get("image_uri") or OWN_IMAGE}
    return response | {"ProcessingResources": cluster, "AppSpecification": image}


def job_summary(arns: str, job: Record) -> dict[str, Any]:
    """Return a baselining job as ``ListProcessingJobs`` has it."""
    return {name: value for name, value in requested_job(arns, job).items() if name in _OF_JOB_SUMMARIES}


def execution_job(arns: str, execution: Record, schedule: Record) -> dict[str, Any]:
    """Return an execution as ``DescribeProcessingJob`` has it: what it read, where its reports are, how it ended.

    Parameters
    ----------
    schedule : mapping
        Its schedule, as it is or as it was last.
    """
    outcome, processing = execution.get("outcome") or {}, schedule.get("processing") or {}
    watched = schedule.get("endpoint_input") or schedule.get("batch_transform_input") or {}
    source = {"S3Uri": watched["data_captured_destination_s3_uri"], "S3DataType": "S3Prefix", "S3InputMode": "File"}
    source["LocalPath"] = processing.get("input_local_path") or _INPUT
    inputs = {"monitoring_input": source} | _baseline_inputs(schedule.get("baseline") or {})
    result = {"S3Uri": execution["output_s3_uri"], "S3UploadMode": processing.get("s3_upload_mode") or "Continuous"}
    result["LocalPath"] = processing.get("local_path") or _OUTPUT
    output = {"OutputName": "monitoring_output", "S3Output": result, "AppManaged": False}
    ended = outcome.get("status") and moment(execution["last_modified_time"])
    return given(
        ProcessingJobName=execution["processing_job_name"],
        ProcessingJobArn=processing_job_arn(arns, execution),
        ProcessingJobStatus=processing_job_status(execution),
        ProcessingInputs=[{"InputName": name, "AppManaged": False, "S3Input": each} for name, each in inputs.items()],
        ProcessingOutputConfig=given(Outputs=[output], KmsKeyId=processing.get("output_kms_key")),
        ProcessingResources={"ClusterConfig": _RESOURCES | _cluster(processing)},
        AppSpecification={"ImageUri": (schedule.get("sagemaker_request") or schedule).get("image_uri") or OWN_IMAGE},
        RoleArn=processing.get("role_arn"),
        NetworkConfig=processing.get("network_config"),
        Environment=schedule.get("environment") or {},
        MonitoringScheduleArn=arn(arns, "monitoring-schedule", execution["monitoring_schedule_name"]),
        CreationTime=moment(execution["creation_time"]),
        LastModifiedTime=moment(execution["last_modified_time"]),
        ProcessingEndTime=ended or None,
        ExitMessage=outcome.get("exit_message"),
        FailureReason=outcome.get("failure_reason"),
    )


def _baseline_inputs(baseline: Record) -> dict[str, Any]:
    """Return the files of a baseline as inputs of a job, with the names and paths that SageMaker gives them."""
    files = (("baseline", "stats", "statistics_s3_uri"), ("constraints", "constraints", "constraints_s3_uri"))
    return {
        name: {
            "S3Uri": baseline[field],
            "LocalPath": f"{_BASELINE}/{folder}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        for name, folder, field in files
        if baseline.get(field)
    }


def wire(value: Any) -> Any:
    """Return a response as SageMaker writes it in JSON: a moment is a number of seconds."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Mapping):
        return {name: wire(each) for name, each in value.items()}
    return [wire(each) for each in value] if isinstance(value, list | tuple) else value


_OF_SUMMARIES = frozenset(
    {
        "MonitoringScheduleArn",
        "MonitoringScheduleName",
        "MonitoringScheduleStatus",
        "MonitoringType",
        "CreationTime",
        "LastModifiedTime",
        "EndpointName",
    }
)
_OF_JOB_SUMMARIES = frozenset(
    {
        "ProcessingJobName",
        "ProcessingJobArn",
        "ProcessingJobStatus",
        "CreationTime",
        "LastModifiedTime",
        "ProcessingEndTime",
        "ExitMessage",
        "FailureReason",
    }
)
