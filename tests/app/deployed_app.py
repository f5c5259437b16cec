"""The deployed app in the local stack, with an endpoint that captures and a baseline of what it should see."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from modelwatch.local import LocalStack
from tests.repository import ROOT

START = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def started(template: Path | None = None, start: datetime = START, **parameters: str) -> LocalStack:
    usual = {
        "NotificationEmail": "team@example.com",
        "MonitoredBuckets": "captures",
        "CaptureSettlingSeconds": "0",
    }
    return LocalStack(template or ROOT / "template.yaml", parameters=usual | parameters, start=start)


class App:
    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.s3 = stack.client("s3")
        self.s3.create_bucket(Bucket="captures")
        self._make_endpoint()
        self._random, self._ids = random.Random(1), random.Random(2)
        rows = [self._row() for _ in range(1000)]
        body = "score,income,kind\n" + "\n".join(rows) + "\n"
        self.s3.put_object(Bucket="captures", Key="train.csv", Body=body.encode())

    def _make_endpoint(self) -> None:
        sagemaker = self.stack.client("sagemaker")
        role = "arn:aws:iam::123456789012:role/model"
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
        sagemaker.create_endpoint_config(
            EndpointConfigName="loans",
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": "m",
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                }
            ],
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://captures/live",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            },
        )
        sagemaker.create_endpoint(EndpointName="loans", EndpointConfigName="loans")

    def _row(self, income_factor: float = 1.0) -> str:
        income = round(self._random.gauss(50, 10) * income_factor, 2)
        return f"{round(self._random.random(), 3)},{abs(income)},{self._random.choice('abc')}"

    def call(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        response = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs[function], Payload=json.dumps(payload)
        )
        body: dict[str, Any] = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise RuntimeError(body["errorMessage"])
        return body

    def manage(self, operation: str, **parameters: object) -> dict[str, Any]:
        return self.call("ManageMonitorsFunction", {"operation": operation, "parameters": parameters})

    def make_baseline(self, name: str = "first") -> dict[str, Any]:
        asked = {
            "baselining_job_name": name,
            "baseline_dataset_s3_uri": "s3://captures/train.csv",
            "dataset_format": {"csv": {"header": True}},
        }
        self.call("CreateBaselineFunction", asked)
        self.stack.settle()
        return self.manage("DescribeBaseliningJob", baselining_job_name=name)

    def make_schedule(self, name: str = "hourly", *, compared_with: str = "first", **changes: object) -> dict[str, Any]:
        folder = f"s3://{self.stack.outputs['ResultsBucketName']}/baselining/{compared_with}"
        asked = {
            "monitoring_schedule_name": name,
            "schedule_expression": "cron(0 * ? * * *)",
            "endpoint_input": {"endpoint_name": "loans"},
            "baseline": {
                "constraints_s3_uri": f"{folder}/constraints.json",
                "statistics_s3_uri": f"{folder}/statistics.json",
            },
        }
        return self.manage("CreateMonitoringSchedule", **(asked | changes))

    def capture(self, hour: datetime, *, rows: int = 600, income_factor: float = 1.0) -> None:
        lines = []
        for i in range(rows):
            score, _, features = self._row(income_factor).partition(",")
            at = hour + timedelta(seconds=i)
            part = {"observedContentType": "text/csv", "encoding": "CSV"}
            record = {
                "captureData": {
                    "endpointInput": part | {"mode": "INPUT", "data": features},
                    "endpointOutput": part | {"mode": "OUTPUT", "data": score},
                },
                "eventMetadata": {
                    "eventId": f"{self._ids.getrandbits(128):032x}",
                    "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                },
                "eventVersion": "0",
            }
            lines.append(json.dumps(record))
        key = f"live/loans/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-{self._ids.getrandbits(32):08x}.jsonl"
        self.s3.put_object(Bucket="captures", Key=key, Body="\n".join(lines).encode())

    def write_batch(self) -> list[dict[str, Any]]:
        """Let a transform job write what a schedule checks as soon as it is written; return the executions of that."""
        watched = {"data_captured_destination_s3_uri": "s3://captures/batches", "check_when_written": True}
        self.manage(
            "CreateMonitoringSchedule",
            monitoring_schedule_name="batches",
            schedule_expression="cron(0 0 ? * * *)",
            batch_transform_input=watched | {"dataset_format": {"csv": {"header": False}}},
        )
        self.stack.client("sagemaker").create_transform_job(
            TransformJobName="nightly",
            ModelName="m",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://captures/in"}}},
            TransformOutput={"S3OutputPath": "s3://captures/out"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            DataCaptureConfig={"DestinationS3Uri": "s3://captures/batches"},
        )
        self.stack.settle()
        found: list[dict[str, Any]]
        found = self.manage("ListMonitoringExecutions", monitoring_schedule_name="batches")["executions"]
        return found

    def execution(self, scheduled: datetime, name: str = "hourly") -> dict[str, Any]:
        found = self.manage("ListMonitoringExecutions", monitoring_schedule_name=name)["executions"]
        one: dict[str, Any]
        (one,) = [e for e in found if e["scheduled_time"] == f"{scheduled:%Y-%m-%dT%H:%M:%SZ}"]
        return one

    def mails_of(self, hour: datetime) -> list[EmailMessage]:
        return [mail for mail in self.stack.mails if f"{hour:%Y-%m-%dT%H:%M:%SZ}" in mail["Subject"]]

    def report(self, execution: dict[str, Any], name: str) -> dict[str, Any]:
        bucket, _, key = execution["output_s3_uri"].removeprefix("s3://").partition("/")
        document: dict[str, Any] = json.loads(self.s3.get_object(Bucket=bucket, Key=f"{key}/{name}")["Body"].read())
        return document
