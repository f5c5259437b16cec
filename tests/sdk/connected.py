"""A boto3 client that is served by the use cases in memory, and checks every response against botocore's model."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3
from botocore.validate import ParamValidator

from modelwatch.sagemaker import OPERATIONS, connect
from tests.core.world import World

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


class WorldApp:
    """What ``connect`` needs of an app; requests and responses go through JSON, as they do to a Lambda."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[str] = []

    def sagemaker(self, operation: str, parameters: dict[str, Any]) -> Any:
        self.asked.append(operation)
        sent = json.loads(json.dumps(parameters))
        return json.loads(json.dumps(self.world.sagemaker(operation, **sent)))


@cache
def _session() -> boto3.Session:
    return boto3.Session(region_name=REGION)  # it reads the service model once


def connected(app: WorldApp) -> Any:
    """Return a client that is connected to an app."""
    client = _session().client("sagemaker")
    connect(client, app=app)  # type: ignore[arg-type]  # a stand-in
    for operation in OPERATIONS:
        client.meta.events.register(f"after-call.sagemaker.{operation}", _check)
    return client


def _check(model: Any, parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
    if http_response.status_code == 200 and model.output_shape is not None:
        # The model says that a list of alerts has at least one; SageMaker's SDK asks for its length.
        empty = {"ResponseMetadata", *(name for name, value in parsed.items() if "Alert" in name and value == [])}
        response = {name: value for name, value in parsed.items() if name not in empty}
        report = ParamValidator().validate(response, model.output_shape)
        assert not report.has_errors(), report.generate_report()


# ---------------------------------------------------------------- requests, as SageMaker's SDK 2.257.7 makes them
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}}
CONSTRAINTS, STATISTICS = "s3://results/baseline/constraints.json", "s3://results/baseline/statistics.json"
ENDPOINT = {
    "EndpointName": "mortgages",
    "LocalPath": "/opt/ml/processing/input/endpoint",
    "S3InputMode": "File",
    "S3DataDistributionType": "FullyReplicated",
}
OUTPUTS = {
    "MonitoringOutputs": [
        {
            "S3Output": {
                "S3Uri": "s3://results/monitoring",
                "LocalPath": "/opt/ml/processing/output",
                "S3UploadMode": "Continuous",
            }
        }
    ]
}
SPECIFICATIONS: dict[str, dict[str, Any]] = {
    "DataQuality": {"ImageUri": ANALYZER},
    "ModelQuality": {"ImageUri": ANALYZER, "ProblemType": "Regression"},
    "ModelBias": {"ImageUri": CLARIFY, "ConfigUri": "s3://results/analysis_config.json"},
    "ModelExplainability": {"ImageUri": CLARIFY, "ConfigUri": "s3://results/analysis_config.json"},
}


def definition(kind: str = "DataQuality", name: str = "definition", **more: Any) -> dict[str, Any]:
    """Return the parameters of ``Create{kind}JobDefinition``."""
    given: dict[str, Any] = {"EndpointInput": ENDPOINT}
    if kind in ("ModelQuality", "ModelBias"):
        given["GroundTruthS3Input"] = {"S3Uri": "s3://labels/merged"}
    app = SPECIFICATIONS[kind] | {"Environment": {"publish_cloudwatch_metrics": "Enabled"}}
    return {
        "JobDefinitionName": name,
        f"{kind}BaselineConfig": {"ConstraintsResource": {"S3Uri": CONSTRAINTS}},
        f"{kind}AppSpecification": app,
        f"{kind}JobInput": given,
        f"{kind}JobOutputConfig": OUTPUTS,
        "JobResources": CLUSTER,
        "RoleArn": ROLE,
    } | more


def schedule(name: str = "hourly", **config: Any) -> dict[str, Any]:
    """Return the parameters of ``CreateMonitoringSchedule`` with a definition."""
    made = {
        "MonitoringJobDefinitionName": "definition",
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
    }
    return {"MonitoringScheduleName": name, "MonitoringScheduleConfig": made | config}


def inline(**changes: Any) -> dict[str, Any]:
    """Return an inline ``MonitoringJobDefinition``."""
    return {
        "BaselineConfig": {"ConstraintsResource": {"S3Uri": CONSTRAINTS}, "StatisticsResource": {"S3Uri": STATISTICS}},
        "MonitoringInputs": [{"EndpointInput": ENDPOINT}],
        "MonitoringOutputConfig": OUTPUTS,
        "MonitoringResources": CLUSTER,
        "MonitoringAppSpecification": {"ImageUri": ANALYZER},
        "Environment": {"publish_cloudwatch_metrics": "Disabled", "decimal": "."},
        "RoleArn": ROLE,
    } | changes


def processing_job(name: str = "baseline", **changes: Any) -> dict[str, Any]:
    """Return the parameters of ``CreateProcessingJob`` for a baseline of data quality."""
    source = {"S3Uri": "s3://data/train.csv", "LocalPath": "/opt/ml/processing/input/baseline_dataset_input"}
    target = {"S3Uri": "s3://results/made", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    transport = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {
        "ProcessingJobName": name,
        "ProcessingInputs": [{"InputName": "baseline_dataset_input", "S3Input": source | transport}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "monitoring_output", "S3Output": target}]},
        "ProcessingResources": CLUSTER,
        "AppSpecification": {"ImageUri": ANALYZER},
        "Environment": {
            "dataset_format": json.dumps({"csv": {"header": True, "output_columns_position": "START"}}),
            "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
            "output_path": "/opt/ml/processing/output",
            "publish_cloudwatch_metrics": "Disabled",
        },
        "RoleArn": ROLE,
    } | changes
