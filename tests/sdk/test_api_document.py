"""Every block of code of the specification runs, in its order, with nothing changed but the modules it imports from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from modelwatch.model_monitor import EndpointInput, ModelMonitor, MonitoringOutput
from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alerts import alert_of
from modelwatch_core.domain.events import ExecutionEnded
from tests.repository import ROOT
from tests.sdk.api_document import CODE
from tests.sdk.specified_app import ROLE, START, SpecifiedApp, running

MONITOR = """
import json, os, pathlib

captures = list(pathlib.Path("opt/ml/processing/input").rglob("*.jsonl"))
found = [{"feature_name": captures[0].name, "constraint_check_type": "custom_check",
          "description": os.environ["CUSTOM_THRESHOLD"]}]
pathlib.Path("opt/ml/processing/output/violations.json").write_text(json.dumps({"violations": found}))
"""
"""A container as the document describes one."""

BASELINE = """
import json, pathlib, sys

(dataset,) = pathlib.Path("opt/ml/processing/input").rglob("*.csv")
made = {"arguments": sys.argv[1:], "lines": len(dataset.read_text().splitlines())}
pathlib.Path("opt/ml/processing/output/constraints.json").write_text(json.dumps(made))
"""
"""A container that makes a baseline."""


def _of_this_account(source: str) -> str:
    """Return a block with ARNs of the local stack: targets of another account or region are refused."""
    return source.replace(":us-west-2:123:", ":us-east-1:123456789012:")


class Reader:
    """Runs the blocks in one namespace, with what a reader of the document would have around them."""

    def __init__(self, app: SpecifiedApp) -> None:
        self.app = app
        destination = "s3://my-bucket/further-results"
        self.names: dict[str, Any] = {
            "builder": app.builder,
            "role": ROLE,
            "endpoint_input": EndpointInput("my-endpoint"),
            "output": MonitoringOutput("/opt/ml/processing/output", destination),
            "problem_type_config": {
                "problem_type": "BinaryClassification",
                "inference_attribute": "prediction",
                "ground_truth_attribute": "label",
            },
            "ModelMonitor": ModelMonitor,
            "is_critical": bool,
            "send_page_alert": lambda *alert: self.paged.append(alert),
        }
        self.paged: list[Any] = []

    def run(self, title: str) -> None:
        source = re.sub(r"\bsagemaker\.core\.", "modelwatch.", CODE[title])
        exec(compile(_of_this_account(source), title, "exec"), self.names)

    def between(self, title: str) -> None:
        """Do what happens in the world before a block."""
        if title == "Analyzing violations":
            self.first_monitor = self.names["monitor"]
            self.app.capture("monitored-endpoint", START.replace(minute=0), income_factor=3)
            self.app.stack.advance_to(START + timedelta(minutes=45))
        if title == "Alert actions":
            self.app.put_alarm(
                "model-quality-alarm", self.names["endpoint_input"].endpoint_name, "monitored-endpoint-with-alerts"
            )
        if title == "Batch transform":  # the loop of the block before took the name
            self.names["monitor"] = self.first_monitor
            self.app.copy_baseline()


@pytest.fixture(scope="module")
def read() -> Iterator[tuple[Reader, dict[str, str], dict[str, BaseException]]]:
    """The reader after all blocks, with what each printed and how those ended that did not run through."""
    import contextlib
    import io

    printed, failed = {}, {}
    with running() as app:
        reader = Reader(app)
        for title in CODE:
            reader.between(title)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                try:
                    reader.run(title)
                except Exception as error:
                    failed[title] = error
            printed[title] = out.getvalue()
        yield reader, printed, failed


@pytest.mark.slow
@pytest.mark.parametrize("title", CODE)
def test_a_block_runs_as_it_stands_in_the_document(read: Any, title: str) -> None:
    _, _, failed = read
    error = failed.get(title)
    if error is not None:
        raise error


@pytest.mark.slow
def test_the_violations_of_the_hour_are_read_by_the_arn_of_its_processing_job(read: Any) -> None:
    _, printed, _ = read
    lines = printed["Analyzing violations"]
    assert "Violations detected at 2026-11-20 09:00:00+00:00" in lines
    found = json.loads(lines.partition("Violations: ")[2])
    assert {each["feature_name"] for each in found["violations"]} == {"income"}


@pytest.mark.slow
def test_a_baseline_says_how_it_goes(read: Any) -> None:
    _, printed, _ = read
    first = printed["Data quality"]
    assert re.search(r"^baseline baseline-suggestion-job-\S+: Completed", first, re.MULTILINE)
    assert "Statistics: s3://my-bucket/baseline/statistics.json" in first


@pytest.mark.slow
def test_the_schedules_of_the_document_are_described_as_they_were_made(read: Any) -> None:
    reader, _, _ = read
    described = reader.names["quality_monitor"].describe_schedule("model-quality-monitor")
    definition = described["MonitoringScheduleConfig"]["MonitoringJobDefinition"]
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert described["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"] == "cron(0 0 ? * * *)"
    assert definition["RoleArn"] == "arn:aws:iam::123456789012:role/SageMakerRole"
    assert definition["MonitoringResources"]["ClusterConfig"] == {
        "InstanceCount": 1,
        "InstanceType": "ml.m5.xlarge",
        "VolumeSizeInGB": 30,
    }
    (monitored,) = definition["MonitoringInputs"]
    assert monitored["EndpointInput"]["EndpointName"] == "my-endpoint"
    assert monitored["EndpointInput"]["InferenceAttribute"] == "prediction"
    assert monitored["EndpointInput"]["LocalPath"] == "/opt/ml/processing/input/endpoint"
    assert monitored["GroundTruthS3Input"] == {"S3Uri": "s3://my-bucket/ground-truth-labels/"}


@pytest.mark.slow
def test_a_bias_schedule_that_names_statistics_has_the_analysis_in_their_folder(read: Any) -> None:
    reader, _, _ = read
    described = reader.names["bias_monitor"].describe_schedule("fully-monitored-endpoint-bias-drift")
    baseline = described["MonitoringScheduleConfig"]["MonitoringJobDefinition"]["BaselineConfig"]
    assert baseline == {
        "ConstraintsResource": {"S3Uri": "s3://bucket/baselines/bias-drift/constraints.json"},
        "StatisticsResource": {"S3Uri": "s3://bucket/baselines/bias-drift/analysis.json"},
    }


@pytest.mark.slow
def test_the_container_of_the_document_finds_violations(read: Any) -> None:
    reader, _, _ = read
    app, monitor = reader.app, reader.names["custom_monitor"]
    app.stack.run_image(monitor.image_uri, sys.executable, "-c", MONITOR)
    hour = START.replace(minute=0) - timedelta(hours=1)
    app.capture("my-endpoint", hour, income_factor=1)
    tick = {"monitoring_schedule_name": "custom-monitor", "tick_id": "tick"}
    due = f"{hour + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    payload = json.dumps(tick | {"scheduled_time": due})
    function = app.stack.outputs["LaunchExecutionFunction"]
    app.stack.client("lambda").invoke(FunctionName=function, Payload=payload)
    app.stack.settle()
    (execution,) = monitor.list_executions()
    (violation,) = execution.constraint_violations("violations.json").body_dict["violations"]
    assert violation["description"] == "0.05"


@pytest.mark.slow
def test_run_baseline_starts_the_container_with_its_arguments(read: Any) -> None:
    reader, _, _ = read
    app = reader.app
    app.stack.run_image("my-baseline:1", sys.executable, "-c", BASELINE)
    monitor = ModelMonitor(ROLE, image_uri="my-baseline:1")
    dataset = SimpleNamespace(source="s3://my-bucket/training-data/baseline.csv")  # as a ProcessingInput has it
    output = MonitoringOutput(destination="s3://my-bucket/custom-baseline")
    monitor.run_baseline([dataset], output, ["--least", "5"], logs=False, job_name="custom-baseline")
    assert monitor.describe_latest_baselining_job()["ProcessingJobStatus"] == "Completed"
    assert monitor.suggested_constraints().body_dict == {"arguments": ["--least", "5"], "lines": 501}


@pytest.mark.slow
def test_the_handler_of_the_document_is_given_its_four_fields(read: Any) -> None:
    reader, _, _ = read
    ended = json.loads((ROOT / "events/outbound/execution-ended.with-violations.json").read_text())
    alert = alert_of(ExecutionEnded.model_validate(ended["detail"]))
    assert alert is not None
    event = json.loads(json.dumps(alert_event(alert)))  # as an invocation carries it
    assert reader.names["lambda_handler"](event, None) == {"statusCode": 200}
    assert reader.paged == [(alert.endpoint_name, reader.names["violations"])]


@pytest.mark.slow
def test_the_alarm_of_the_document_fires_where_it_names_the_endpoint_of_its_schedule(read: Any) -> None:
    reader, _, _ = read
    stack = reader.app.stack
    topic = stack.client("sns").create_topic(Name="alerts")["TopicArn"]
    stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ml-team@example.com")
    source = CODE["CloudWatch alarm"].replace('"my-endpoint"', '"monitored-endpoint"')
    exec(compile(_of_this_account(source), "CloudWatch alarm", "exec"), reader.names)
    (alarm,) = stack.client("cloudwatch").describe_alarms(AlarmNames=["model-data-drift"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM", alarm
    stack.settle()
    subjects = [str(mail["Subject"]) for mail in stack.mails]
    assert subjects.count('ALARM: "model-data-drift" in us-east-1') == 1
