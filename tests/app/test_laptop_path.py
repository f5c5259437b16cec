"""From a laptop to the first alert: a model behind an endpoint that captures, a baseline, a schedule, a clock."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelwatch.cli.commands import app as command
from modelwatch.local import LocalStack
from modelwatch.running_stack import announced
from tests.local.model_server import Container
from tests.repository import ROOT

pytestmark = pytest.mark.long_setup

PARAMETERS = {"NotificationEmail": "me@example.com", "MonitoredBuckets": "my-data", "CaptureSettlingSeconds": "0"}


class Laptop:
    """What a person does with boto3 and the shell while ``modelwatch local up`` runs."""

    def __init__(self, stack: LocalStack, container: Container) -> None:
        self.stack, self._random = stack, random.Random(1)
        self.s3 = stack.client("s3")
        stack.serve_model("my-model", container.url)

    def make_endpoint(self, name: str, bucket: str) -> None:
        sagemaker = self.stack.client("sagemaker")
        self.s3.create_bucket(Bucket=bucket)
        variant = {"VariantName": "AllTraffic", "ModelName": "my-model"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
            DataCaptureConfig={
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{bucket}/captures",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            },
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.stack.settle()

    def rows(self, number: int, factor: float) -> list[str]:
        incomes = [round(abs(self._random.gauss(50, 10)) * factor, 2) for _ in range(number)]
        return [f"{income},{self._random.choice('abc')}" for income in incomes]

    def ask(self, number: int, factor: float = 1.0) -> None:
        runtime = self.stack.client("sagemaker-runtime")
        for row in self.rows(number, factor):
            runtime.invoke_endpoint(EndpointName="my-endpoint", ContentType="text/csv", Body=f"{row}\n".encode())

    def call(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        client, name = self.stack.client("lambda"), self.stack.outputs[function]
        response: dict[str, Any] = json.loads(
            client.invoke(FunctionName=name, Payload=json.dumps(payload))["Payload"].read()
        )
        return response

    def schedule(self, name: str, endpoint: str) -> dict[str, Any]:
        folder = f"s3://{self.stack.outputs['ResultsBucketName']}/baselining/first"
        parameters = {
            "monitoring_schedule_name": name,
            "schedule_expression": "cron(0 * ? * * *)",
            "endpoint_input": {"endpoint_name": endpoint},
            "baseline": {
                "constraints_s3_uri": f"{folder}/constraints.json",
                "statistics_s3_uri": f"{folder}/statistics.json",
            },
        }
        request = {"operation": "CreateMonitoringSchedule", "parameters": parameters}
        return self.call("ManageMonitorsFunction", request)

    def shell(self, *arguments: str) -> str:
        with announced(self.stack.endpoint_url):
            result = CliRunner().invoke(command, ["local", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    """Return a stack as ``modelwatch local up`` starts it, with a served model and a baseline."""
    with LocalStack(ROOT / "template.yaml", parameters=PARAMETERS) as stack, Container() as container:
        laptop = Laptop(stack, container)
        role = "arn:aws:iam::123456789012:role/model"
        stack.client("sagemaker").create_model(
            ModelName="my-model", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role
        )
        # To the beginning of an hour, so that what follows falls into one window.
        stack.advance_to(stack.now.replace(minute=10, second=0, microsecond=0) + timedelta(hours=1))
        laptop.make_endpoint("my-endpoint", "my-data")
        train = [f"{2 * float(row.split(',')[0])},{row}" for row in laptop.rows(1000, 1.0)]
        body = "score,income,kind\n" + "\n".join(train) + "\n"
        laptop.s3.put_object(Bucket="my-data", Key="train.csv", Body=body.encode())
        asked = {"baselining_job_name": "first", "baseline_dataset_s3_uri": "s3://my-data/train.csv"}
        laptop.call("CreateBaselineFunction", {**asked, "dataset_format": {"csv": {"header": True}}})
        stack.settle()
        yield laptop


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_requests_to_an_endpoint_become_an_alert_when_the_clock_is_moved(laptop: Laptop) -> None:
    laptop.schedule("hourly", "my-endpoint")
    laptop.ask(300)
    hour = f"{laptop.stack.now:%Y-%m-%dT%H}"
    usual = laptop.shell("advance", "1h")
    assert f"hourly: Completed, {hour}:00:00Z to " in usual
    # The hours before the schedule are not made up: the app's clock was moved as well.
    assert usual.endswith(": 1 execution ended, 0 alerts.\n")
    assert laptop.stack.mails == []

    laptop.ask(300, factor=100)
    drifted = laptop.shell("advance", "--to", f"{laptop.stack.now + timedelta(hours=1):%Y-%m-%dT%H:%MZ}")
    assert "hourly: CompletedWithViolations" in drifted
    assert "income: baseline drift check. " in drifted
    assert re.search(r"of the rows moved to .*, threshold [12] %", drifted)
    assert "mail to me@example.com" in drifted
    assert "1 execution ended, 1 alert." in drifted
    (mail,) = laptop.stack.mails
    assert mail["Subject"].startswith("Modelwatch: 2 violations in hourly at ")
    assert "- income: baseline drift check. " in mail.get_content()
    assert re.search(r"of the rows moved to .*, threshold [12] %", mail.get_content())

    before = laptop.stack.now
    as_json = json.loads(laptop.shell("advance", "30m", "--json"))
    assert (as_json["executions"], as_json["alerts"], as_json["mails"]) == ([], [], [])
    moved = datetime.fromisoformat(as_json["now"]) - before
    assert timedelta(minutes=29) < moved < timedelta(minutes=35)


def test_the_clock_goes_forward_only(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", laptop.stack.endpoint_url)
    result = CliRunner().invoke(command, ["local", "advance", "--to", "2020-01-01T00:00Z"])
    assert result.exit_code == 2
    assert result.stderr.startswith("modelwatch: ClockGoesBack: ")


def test_a_baseline_of_a_bucket_that_is_not_listed_is_refused_with_the_same_advice(laptop: Laptop) -> None:
    laptop.s3.create_bucket(Bucket="unlisted")
    asked = {"baselining_job_name": "refused", "baseline_dataset_s3_uri": "s3://unlisted/train.csv"}
    response = laptop.call("CreateBaselineFunction", {**asked, "dataset_format": {"csv": {"header": True}}})
    assert response["errorMessage"].startswith("AccessDenied: this deployment may not read s3://unlisted/train.csv. ")
    assert "MonitoredBuckets" in response["errorMessage"]


def test_a_schedule_of_captures_in_a_bucket_that_is_not_listed_is_refused_at_once(laptop: Laptop) -> None:
    laptop.make_endpoint("elsewhere", "not-listed")
    response = laptop.schedule("refused", "elsewhere")
    assert response["errorMessage"].startswith("AccessDenied: ")
    assert "MonitoredBuckets" in response["errorMessage"]
    assert "s3://not-listed/captures" in response["errorMessage"]
    listed = laptop.call("ManageMonitorsFunction", {"operation": "ListMonitoringSchedules"})["schedules"]
    assert "refused" not in [each["monitoring_schedule_name"] for each in listed]
