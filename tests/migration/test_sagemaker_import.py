"""Schedules of SageMaker made here, against botocore's description of SageMaker's API (botocore's Stubber)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner, Result

from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.commands import app as command
from modelwatch.migration.sagemaker_import import SageMakerImport
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from tests.core.world import World
from tests.shell.fake_app import FakeApp

THEN = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"

OUTPUT = {"S3Uri": "s3://results/reports/", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
ENDPOINT = {"EndpointName": "loans", "LocalPath": "/opt/ml/processing/input", "S3InputMode": "File"}
FILES = {
    "ConstraintsResource": {"S3Uri": "s3://models/baseline/constraints.json"},
    "StatisticsResource": {"S3Uri": "s3://models/baseline/statistics.json"},
}


def inside(image: str = ANALYZER, **parts: Any) -> dict[str, Any]:
    """Return a definition within a schedule, as the SDK made them before job definitions."""
    return {
        "BaselineConfig": FILES,
        "MonitoringInputs": [{"EndpointInput": ENDPOINT}],
        "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": OUTPUT}]},
        "MonitoringResources": {"ClusterConfig": CLUSTER},
        "MonitoringAppSpecification": {"ImageUri": image},
        "Environment": {"publish_cloudwatch_metrics": "Disabled", "decimal": ","},
        "RoleArn": ROLE,
    } | parts


def named(kind: str, application: dict[str, Any], monitored: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return the response of ``Describe{kind}JobDefinition``."""
    return {
        "JobDefinitionArn": "arn:aws:sagemaker:us-east-1:123456789012:job/x",
        "JobDefinitionName": f"{kind}-definition",
        "CreationTime": THEN,
        f"{kind}AppSpecification": application,
        f"{kind}JobInput": monitored,
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": OUTPUT}]},
        "JobResources": {"ClusterConfig": CLUSTER},
        "RoleArn": ROLE,
    } | parts


class SageMaker:
    """SageMaker's responses, in the order in which an import asks."""

    def __init__(self) -> None:
        self.stub = Stubber(boto3.client("sagemaker", region_name="us-east-1"))
        self._names: list[str] = []
        self._later: list[Callable[[], None]] = []

    def has(
        self,
        name: str,
        kind: str,
        definition: dict[str, Any],
        status: str = "Scheduled",
        expression: str | None = "cron(0 * ? * * *)",
        *,
        is_read: bool = True,
        job_output: str | None = None,
        alert: tuple[int, int] = (1, 1),
    ) -> None:
        self._names.append(name)
        if is_read:
            self._later.append(lambda: self._respond(name, kind, definition, status, expression, job_output, alert))

    def _respond(
        self,
        name: str,
        kind: str,
        definition: dict[str, Any],
        status: str,
        expression: str | None,
        job_output: str | None,
        alert: tuple[int, int],
    ) -> None:
        is_named = "JobDefinitionName" in definition
        what = (
            {"MonitoringJobDefinitionName": f"{kind}-definition"}
            if is_named
            else {"MonitoringJobDefinition": definition}
        )
        schedule = {
            "MonitoringScheduleArn": f"{ARN}/{name}",
            "MonitoringScheduleName": name,
            "MonitoringScheduleStatus": status,
            "MonitoringType": kind,
            "CreationTime": THEN,
            "LastModifiedTime": THEN,
            "MonitoringScheduleConfig": what
            | {"MonitoringType": kind}
            | ({"ScheduleConfig": {"ScheduleExpression": expression}} if expression else {}),
        }
        add = self.stub.add_response
        add("describe_monitoring_schedule", schedule, {"MonitoringScheduleName": name})
        if is_named:
            words = {"DataQuality": "data_quality", "ModelQuality": "model_quality", "ModelBias": "model_bias"}
            operation = f"describe_{words.get(kind, 'model_explainability')}_job_definition"
            add(operation, definition, {"JobDefinitionName": f"{kind}-definition"})
        if job_output:
            output = {"OutputName": "o", "S3Output": OUTPUT | {"S3Uri": job_output}}
            add("describe_processing_job", _processing_job(output), {"ProcessingJobName": "made-by-a-job"})
        tags = [{"Key": "team", "Value": "risk"}, {"Key": "aws:owned", "Value": "x"}]
        add("list_tags", {"Tags": tags}, {"ResourceArn": f"{ARN}/{name}"})
        due, of = alert
        summary = {
            "MonitoringAlertName": "a",
            "CreationTime": THEN,
            "LastModifiedTime": THEN,
            "AlertStatus": "OK",
            "DatapointsToAlert": due,
            "EvaluationPeriod": of,
            "Actions": {},
        }
        add("list_monitoring_alerts", {"MonitoringAlertSummaries": [summary]}, {"MonitoringScheduleName": name})

    def imported(self, app: FakeApp, *arguments: str) -> Result:
        app._clients = {"sagemaker": self.client()}
        with self.stub:
            ended = CliRunner().invoke(command, ["import", "sagemaker", *arguments])
            self.stub.assert_no_pending_responses()
        return ended

    def client(self) -> Any:
        """Return a client that gives the responses, while ``stub`` is entered."""
        summaries = [
            {
                "MonitoringScheduleName": name,
                "MonitoringScheduleArn": f"{ARN}/{name}",
                "CreationTime": THEN,
                "LastModifiedTime": THEN,
                "MonitoringScheduleStatus": "Scheduled",
            }
            for name in self._names
        ]
        self.stub.add_response("list_monitoring_schedules", {"MonitoringScheduleSummaries": summaries}, {})
        for later in self._later:
            later()
        return self.stub.client


def _processing_job(output: dict[str, Any]) -> dict[str, Any]:
    return {
        "ProcessingJobName": "made-by-a-job",
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        "AppSpecification": {"ImageUri": ANALYZER},
        "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/made-by-a-job",
        "ProcessingJobStatus": "Completed",
        "CreationTime": THEN,
        "ProcessingOutputConfig": {"Outputs": [output]},
    }


@pytest.fixture
def sagemaker() -> SageMaker:
    return SageMaker()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeApp:
    """An app without schedules."""
    monkeypatch.chdir(tmp_path)
    none: dict[str, Any] = {"schedules": [], "next_token": None}
    found = FakeApp(ListMonitoringSchedules=none, CreateMonitoringSchedule={}, StopMonitoringSchedule={})
    monkeypatch.setattr(AppOptions, "client", lambda _options: found)
    return found


def created(app: FakeApp) -> dict[str, Any]:
    """Return what the app was asked to create, after it has read it as a request."""
    parameters = app.parameters("CreateMonitoringSchedule")
    parsed(ScheduleRequest, dict(parameters))
    return parameters


def test_a_schedule_with_its_definition_inside_becomes_the_same_here(sagemaker: SageMaker, app: FakeApp):
    sagemaker.has("hourly", "DataQuality", inside())
    ended = sagemaker.imported(app)
    assert ended.exit_code == 0, ended.stderr
    assert created(app) == {
        "monitoring_schedule_name": "hourly",
        "monitoring_type": "DataQuality",
        "schedule_expression": "cron(0 * ? * * *)",
        "endpoint_input": {"endpoint_name": "loans"},
        "baseline": {
            "constraints_s3_uri": "s3://models/baseline/constraints.json",
            "statistics_s3_uri": "s3://models/baseline/statistics.json",
        },
        "output_s3_uri": "s3://results/reports",
        "publish_cloudwatch_metrics": False,
        "environment": {"decimal": ","},
        "processing": {
            "role_arn": ROLE,
            "tags": {"team": "risk"},
            "instance_type": "ml.m5.xlarge",
            "instance_count": 1,
            "volume_size_in_gb": 30,
            "input_local_path": "/opt/ml/processing/input",
            "s3_input_mode": "File",
            "local_path": "/opt/ml/processing/output",
            "s3_upload_mode": "EndOfJob",
        },
    }
    assert "1 schedule created. SageMaker's own go on until you stop them" in ended.stdout


def test_a_schedule_without_an_expression_is_due_daily(sagemaker: SageMaker, app: FakeApp):
    sagemaker.has("daily", "DataQuality", inside(), expression=None)
    ended = sagemaker.imported(app)
    assert ended.exit_code == 0, ended.stderr
    assert created(app)["schedule_expression"] == "cron(0 0 ? * * *)"


def test_each_kind_of_job_definition_is_read(sagemaker: SageMaker, app: FakeApp):
    watched = {
        "EndpointInput": ENDPOINT | {"InferenceAttribute": "0", "StartTimeOffset": "-PT4H", "EndTimeOffset": "-PT1H"}
    }
    labels = {"GroundTruthS3Input": {"S3Uri": "s3://labels/loans"}}
    quality = {"ImageUri": ANALYZER, "ProblemType": "BinaryClassification"}
    clarify = {"ImageUri": CLARIFY, "ConfigUri": "s3://models/analysis_config.json"}
    analysis = {"ConstraintsResource": {"S3Uri": "s3://models/analysis.json"}}
    csv = {"DataCapturedDestinationS3Uri": "s3://batch/capture", "LocalPath": "/opt/ml/processing/input"}
    transform = {"BatchTransformInput": csv | {"DatasetFormat": {"Csv": {"Header": False}}}}
    sagemaker.has(
        "batch", "DataQuality", named("DataQuality", {"ImageUri": ANALYZER}, transform, DataQualityBaselineConfig=FILES)
    )
    sagemaker.has("quality", "ModelQuality", named("ModelQuality", quality, watched | labels))
    sagemaker.has("bias", "ModelBias", named("ModelBias", clarify, watched | labels, ModelBiasBaselineConfig=analysis))
    sagemaker.has("shap", "ModelExplainability", named("ModelExplainability", clarify, watched))
    ended = sagemaker.imported(app, "--output-s3-uri", "s3://ours/results")
    assert ended.exit_code == 0, ended.stderr
    made = {each["monitoring_schedule_name"]: each for name, each in app.asked if name == "CreateMonitoringSchedule"}
    for parameters in made.values():
        parsed(ScheduleRequest, dict(parameters))
        assert parameters["output_s3_uri"] == "s3://ours/results"
    assert made["batch"]["batch_transform_input"] == {
        "data_captured_destination_s3_uri": "s3://batch/capture",
        "dataset_format": {"csv": {"header": False}},
    }
    assert made["quality"]["problem_type"] == "BinaryClassification"
    assert made["quality"]["ground_truth_input"] == "s3://labels/loans"
    assert made["quality"]["endpoint_input"]["start_time_offset"] == "-PT4H"
    assert made["bias"]["baseline"] == {"constraints_s3_uri": "s3://models/analysis.json"}
    assert made["shap"]["analysis_config"] == "s3://models/analysis_config.json"
    assert [each["monitoring_type"] for each in made.values()] == [
        "DataQuality",
        "ModelQuality",
        "ModelBias",
        "ModelExplainability",
    ]


def test_a_dry_run_makes_nothing_and_says_what_has_no_counterpart(sagemaker: SageMaker, app: FakeApp):
    network = {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}
    environment = {"start_time": "x", "publish_cloudwatch_metrics": "Enabled"}
    sagemaker.has("hourly", "DataQuality", inside(NetworkConfig=network, Environment=environment), alert=(3, 5))
    ended = sagemaker.imported(app, "--dry-run")
    assert ended.exit_code == 0, ended.stderr
    assert app.parameters("CreateMonitoringSchedule")["dry_run"] is True
    assert "would be created" in ended.stdout
    for said in (
        "the network is kept",
        "start_time of its environment is left out",
        "alarms on them get no data before modelwatch schedules update NAME --publish-feature-metrics",
    ):
        assert said in ended.stdout


def test_a_dry_run_says_what_the_app_would_refuse_and_leaves_nothing_there(sagemaker: SageMaker):
    world = World()
    world.endpoints.destinations["loans"] = "s3://captures/live"
    for name in ("constraints", "statistics"):
        world.objects.kept[f"s3://models/baseline/{name}.json"] = b"{}"
    elsewhere = {"MonitoringOutputs": [{"S3Output": OUTPUT | {"S3Uri": "s3://elsewhere/reports"}}]}
    sagemaker.has("fits", "DataQuality", inside(Environment={}))
    sagemaker.has("elsewhere", "DataQuality", inside(Environment={}, MonitoringOutputConfig=elsewhere))
    client = sagemaker.client()
    with sagemaker.stub:
        fits, refused = SageMakerImport(CrashingApp(world, -1), client)(dry_run=True)
    assert (fits.name, fits.result) == ("fits", "WouldBeCreated")
    assert (refused.name, refused.result) == ("elsewhere", "NotCreated")
    assert (refused.reason or "").startswith("OutputOutsideResults: ")
    assert (world.schedules.kept, world.ticks.set_for) == ({}, {})


def test_schedules_without_metrics_of_features_need_none(sagemaker: SageMaker, app: FakeApp):
    sagemaker.has("silent", "DataQuality", inside())
    sagemaker.has("own", "DataQuality", inside("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1", Environment={}))
    sagemaker.has("loud", "DataQuality", inside(Environment={}))
    found = json.loads(sagemaker.imported(app, "--json").stdout)["schedules"]
    assert {each["name"]: len(each["notes"]) for each in found} == {"silent": 0, "own": 0, "loud": 1}


def test_a_dry_run_counts_schedules_against_the_limit(sagemaker: SageMaker, app: FakeApp):
    app.responses["ListMonitoringSchedules"]["schedules"] = [{"monitoring_schedule_name": "hourly"}]
    app.responses["CreateMonitoringSchedule"] = {"most_schedules": 2}
    sagemaker.has("hourly", "DataQuality", inside(), is_read=False)
    for name in ("fits", "too-many"):
        sagemaker.has(name, "DataQuality", inside())
    ended = sagemaker.imported(app, "--dry-run", "--json")
    results = {each["name"]: each["result"] for each in json.loads(ended.stdout)["schedules"]}
    assert results == {"hourly": "Exists", "fits": "WouldBeCreated", "too-many": "NotCreated"}
    assert "there would be more than 2 schedules" in ended.stdout
    assert ended.exit_code == 2


def test_what_exists_is_left_and_not_even_read(sagemaker: SageMaker, app: FakeApp):
    app.responses["ListMonitoringSchedules"] = {
        "schedules": [{"monitoring_schedule_name": "hourly"}, {"unreadable": "no kind"}],
        "next_token": None,
    }
    sagemaker.has("hourly", "DataQuality", inside(), is_read=False)
    ended = sagemaker.imported(app, "--json")
    (one,) = json.loads(ended.stdout)["schedules"]
    assert (one["name"], one["result"], ended.exit_code) == ("hourly", "Exists", 0)


def test_a_stopped_schedule_is_stopped_here_too(sagemaker: SageMaker, app: FakeApp):
    sagemaker.has("hourly", "DataQuality", inside(), status="Stopped")
    sagemaker.imported(app)
    assert app.parameters("CreateMonitoringSchedule")["monitoring_schedule_status"] == "Stopped"


class Crash(BaseException):
    """The process of an import ends."""


class CrashingApp(FakeApp):
    """The app in memory, whose caller dies before or after a call takes effect, the call being counted from zero."""

    def __init__(self, world: World, crashes_at: float) -> None:
        super().__init__()
        self.world, self.crashes_at = world, crashes_at

    def manage(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self.asked.append((operation, parameters))
        number = len(self.asked) - 1
        if number == self.crashes_at:
            raise Crash
        try:
            response = self.world.manage(operation, **parameters)
        except InvalidInput as error:
            raise ValueError(str(error)) from None
        if number + 0.5 == self.crashes_at:
            raise Crash
        return response


def test_an_import_that_dies_anywhere_and_is_repeated_makes_each_schedule_once_with_its_status():
    wanted = {"paused": "Stopped", "running": "Scheduled"}
    crashes = 0
    for half_calls in range(8):
        world = World()
        world.endpoints.destinations["loans"] = "s3://captures/live"
        for name in ("constraints", "statistics"):
            world.objects.kept[f"s3://models/baseline/{name}.json"] = b"{}"
        for crashes_at in (half_calls / 2, -1):
            sagemaker, there = SageMaker(), set(world.schedules.kept)
            for name, status in wanted.items():
                sagemaker.has(name, "DataQuality", inside(Environment={}), status=status, is_read=name not in there)
            app = CrashingApp(world, crashes_at)
            client, found = sagemaker.client(), []
            with sagemaker.stub:
                try:
                    found = list(SageMakerImport(app, client)(dry_run=False))
                except Crash:
                    crashes += 1
            kept = world.schedules.kept
            assert {name: each.monitoring_schedule_status for name, each in kept.items()}.items() <= wanted.items()
        assert [each.name for each in found if each.result in ("Created", "Exists")] == ["paused", "running"], found
        assert {name: each.monitoring_schedule_status for name, each in world.ticks.set_for.items()} == wanted
    assert crashes == 6  # before and after each of three calls


def test_the_files_of_a_baseline_that_is_named_by_its_job_are_those_of_the_job(sagemaker: SageMaker, app: FakeApp):
    baseline = {"BaseliningJobName": "made-by-a-job"}
    sagemaker.has("hourly", "DataQuality", inside(BaselineConfig=baseline), job_output="s3://models/made/")
    sagemaker.imported(app)
    assert created(app)["baseline"] == {
        "constraints_s3_uri": "s3://models/made/constraints.json",
        "statistics_s3_uri": "s3://models/made/statistics.json",
    }


def test_what_the_app_refuses_is_listed_and_the_others_are_made(sagemaker: SageMaker, app: FakeApp):
    app.responses["CreateMonitoringSchedule"] = [ValueError("NoHost: no host can run it"), {}]
    sagemaker.has("own", "DataQuality", inside("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"))
    sagemaker.has("once", "DataQuality", inside(), expression="NOW")
    sagemaker.has("hourly", "DataQuality", inside())
    ended = sagemaker.imported(app, "--json")
    assert ended.exit_code == 2
    own, once, hourly = json.loads(ended.stdout)["schedules"]
    assert (own["monitoring_type"], own["result"], own["reason"]) == (
        "Custom",
        "NotCreated",
        "NoHost: no host can run it",
    )
    assert (once["result"], once["reason"]) == ("NotCreated", "it runs once, and has run")
    assert hourly["result"] == "Created"
