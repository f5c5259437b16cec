"""The app in the local stack, with the buckets, endpoints, models and datasets that the specification names."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from modelwatch.local import LocalStack
from modelwatch.model_monitor import DataCaptureConfig
from tests.local.model_server import Container
from tests.repository import ROOT

START = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKETS = ("my-bucket", "bucket")


class Builder:
    """Deploys endpoints of the model ``my-model``, as a builder of SageMaker's SDK does."""

    def __init__(self, stack: LocalStack) -> None:
        self._sagemaker = stack.client("sagemaker")
        self._sagemaker.create_model(ModelName="my-model", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)

    def deploy(self, endpoint_name: str, data_capture_config: DataCaptureConfig) -> SimpleNamespace:
        variant = {"VariantName": "AllTraffic", "ModelName": "my-model"}
        resources = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self._sagemaker.create_endpoint_config(
            EndpointConfigName=endpoint_name,
            ProductionVariants=[variant | resources],
            DataCaptureConfig=data_capture_config._to_request_dict(),
        )
        self._sagemaker.create_endpoint(EndpointName=endpoint_name, EndpointConfigName=endpoint_name)
        return SimpleNamespace(endpoint_name=endpoint_name)


class SpecifiedApp:
    """What stands where the specification expects it."""

    def __init__(self, stack: LocalStack, model_url: str) -> None:
        self.stack, self.model_url, self._random = stack, model_url, random.Random(1)
        self._s3 = stack.client("s3")
        for bucket in BUCKETS:
            self._s3.create_bucket(Bucket=bucket)
        self.builder = Builder(stack)
        self.builder.deploy("my-endpoint", DataCaptureConfig(True, destination_s3_uri="s3://my-bucket/data-capture"))
        self._put_datasets()

    def _put_datasets(self) -> None:
        self.put("my-bucket", "training-data/baseline.csv", "score,income,kind", self._captured_rows(500))
        scored = [(int(p > 0.5), p, int(p > self._random.random())) for p in self._shares(500)]
        self.put("my-bucket", "validation-with-predictions.csv", "prediction,probability,label", scored)
        groups = [(i % 2, int(p > 0.5), p, int(p > self._random.random())) for i, p in enumerate(self._shares(500))]
        for bucket in BUCKETS:
            self.put(bucket, "training-data.csv", "gender,prediction,probability,label", groups)
        self.put("bucket", "baseline.csv", None, [self._shares(4) for _ in range(120)])
        names = ("statistics.json", "constraints.json")
        self._transform_baseline = [("my-bucket", f"baseline/{name}", f"baseline/{name}") for name in names]

    def put(self, bucket: str, key: str, header: str | None, rows: Any) -> None:
        lines = [*([header] if header else []), *(",".join(map(str, row)) for row in rows)]
        self._s3.put_object(Bucket=bucket, Key=key, Body=("\n".join(lines) + "\n").encode())

    def put_alarm(self, name: str, endpoint_name: str, schedule_name: str) -> None:
        """Make an alarm of the total of a schedule of data quality."""
        self.stack.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="model-data-drift",
            Namespace="aws/sagemaker/Endpoints/data-metrics",
            Period=3600,
            Statistic="Maximum",
            Threshold=0,
            Dimensions=[
                {"Name": "Endpoint", "Value": endpoint_name},
                {"Name": "MonitoringSchedule", "Value": schedule_name},
            ],
        )

    def copy_baseline(self) -> None:
        """Put the baseline of data quality where the batch transform block expects one."""
        for source, key, target in self._transform_baseline:
            self._s3.copy_object(Bucket="bucket", Key=target, CopySource={"Bucket": source, "Key": key})

    def _shares(self, count: int) -> list[float]:
        return [round(self._random.random(), 3) for _ in range(count)]

    def _captured_rows(self, count: int, income_factor: float = 1.0) -> list[tuple[float, float, str]]:
        draw = self._random
        return [
            (round(draw.random(), 3), round(abs(draw.gauss(50, 10)) * income_factor, 2), draw.choice("abc"))
            for _ in range(count)
        ]

    def capture(self, endpoint: str, hour: datetime, income_factor: float) -> None:
        """Write what an endpoint captures in an hour."""
        lines = []
        for i, (score, *features) in enumerate(self._captured_rows(300, income_factor)):
            part = {"observedContentType": "text/csv", "encoding": "CSV"}
            asked = part | {"mode": "INPUT", "data": ",".join(map(str, features))}
            returned = part | {"mode": "OUTPUT", "data": str(score)}
            at = f"{hour + timedelta(seconds=i):%Y-%m-%dT%H:%M:%SZ}"
            metadata = {"eventId": f"{i}", "inferenceTime": at}
            data = {"endpointInput": asked, "endpointOutput": returned}
            lines.append(json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}))
        key = f"data-capture/{endpoint}/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-a.jsonl"
        self._s3.put_object(Bucket="my-bucket", Key=key, Body="\n".join(lines).encode())


@contextmanager
def running() -> Iterator[SpecifiedApp]:
    """Start the stack, and set the environment variables by which boto3 finds it, as docs/local-stack.md says."""
    listed = {
        "MonitoredBuckets": ",".join(BUCKETS),
        "OutputBuckets": ",".join(BUCKETS),
        "AlertTopicArns": "arn:aws:sns:us-east-1:123456789012:ml-team-alerts",
        "AlertFunctionArns": "arn:aws:lambda:us-east-1:123456789012:function:handle-violations",
        "ProcessingRoleArns": ROLE,
    }
    stack = LocalStack(ROOT / "template.yaml", parameters=listed | {"CaptureSettlingSeconds": "0"}, start=START)
    with Container() as model, stack, pytest.MonkeyPatch.context() as patch:
        variables = {"ENDPOINT_URL": stack.endpoint_url, "DEFAULT_REGION": stack.region}
        for name, value in (variables | {"ACCESS_KEY_ID": "local", "SECRET_ACCESS_KEY": "local"}).items():
            patch.setenv(f"AWS_{name}", value)
        stack.serve_model("my-model", model.url)
        yield SpecifiedApp(stack, model.url)
