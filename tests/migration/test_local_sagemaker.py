"""The import of what a user has in SageMaker, against the local stack, which has SageMaker's API beside the app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from modelwatch.cli.commands import app as command
from modelwatch.model_monitor import DefaultModelMonitor
from tests.migration.test_sagemaker_import import ANALYZER, CLARIFY, CLUSTER, ROLE, inside
from tests.sdk.specified_app import START, SpecifiedApp, running

pytestmark = pytest.mark.slow

RESULTS = "s3://my-bucket/results"
WATCHED = {"EndpointName": "my-endpoint", "LocalPath": "/opt/ml/processing/input"}
LABELS = {"GroundTruthS3Input": {"S3Uri": "s3://my-bucket/labels"}}
OUTPUT = {"MonitoringOutputs": [{"S3Output": {"S3Uri": RESULTS, "LocalPath": "/opt/ml/processing/output"}}]}
HOURLY = "cron(0 * ? * * *)"
ANALYSIS = {
    "label": "label",
    "headers": ["gender", "amount", "label"],
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "gender", "value_or_threshold": [0]}],
    "methods": {"post_training_bias": {"methods": "all"}},
}
EXPLANATION = {
    "headers": ["gender", "amount"],
    "predictor": {"model_name": "my-model", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1},
    "methods": {"shap": {"baseline": [[0.5, 50]], "num_samples": 20, "agg_method": "mean_abs"}},
}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "DataQuality": ({"ImageUri": ANALYZER}, {}),
    "ModelQuality": ({"ImageUri": ANALYZER, "ProblemType": "BinaryClassification"}, LABELS),
    "ModelBias": ({"ImageUri": CLARIFY, "ConfigUri": "s3://my-bucket/bias.json"}, LABELS),
    "ModelExplainability": ({"ImageUri": CLARIFY, "ConfigUri": "s3://my-bucket/shap.json"}, {}),
}
OPERATION = {
    "DataQuality": "create_data_quality_job_definition",
    "ModelQuality": "create_model_quality_job_definition",
    "ModelBias": "create_model_bias_job_definition",
    "ModelExplainability": "create_model_explainability_job_definition",
}


def schedule(sagemaker: Any, name: str, config: dict[str, Any], expression: str = HOURLY) -> None:
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={"ScheduleConfig": {"ScheduleExpression": expression}} | config,
        Tags=[{"Key": "team", "Value": "risk"}],
    )


def make_definition(sagemaker: Any, kind: str, **parts: Any) -> None:
    specification, more = KINDS[kind]
    watched = WATCHED if kind == "ModelExplainability" else WATCHED | {"InferenceAttribute": "0"}
    request = {
        "JobDefinitionName": f"{kind}-definition",
        f"{kind}AppSpecification": specification,
        f"{kind}JobInput": {"EndpointInput": watched} | more,
        f"{kind}JobOutputConfig": OUTPUT,
        "JobResources": {"ClusterConfig": CLUSTER},
        "RoleArn": ROLE,
    } | parts
    getattr(sagemaker, OPERATION[kind])(**request)


def make_in_sagemaker(sagemaker: Any) -> None:
    """Make what an account has after some years: job definitions of all kinds, and an older schedule without one."""
    sagemaker.create_processing_job(
        ProcessingJobName="baseline-of-2025",
        ProcessingResources={"ClusterConfig": CLUSTER},
        AppSpecification={"ImageUri": ANALYZER},
        RoleArn=ROLE,
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "monitoring_output",
                    "S3Output": {
                        "S3Uri": "s3://my-bucket/baseline-of-2025",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    )
    for kind in KINDS:
        is_compared = kind == "DataQuality"
        baseline = {"DataQualityBaselineConfig": {"BaseliningJobName": "baseline-of-2025"}} if is_compared else {}
        make_definition(sagemaker, kind, **baseline)
        name = {"MonitoringJobDefinitionName": f"{kind}-definition", "MonitoringType": kind}
        schedule(sagemaker, f"old-{kind}", name)
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName="old-ModelBias")
    older = inside(
        BaselineConfig={},
        MonitoringInputs=[{"EndpointInput": WATCHED}],
        MonitoringOutputConfig=OUTPUT,
    )
    schedule(sagemaker, "older", {"MonitoringJobDefinition": older})
    sagemaker.update_monitoring_alert(
        MonitoringScheduleName="older", MonitoringAlertName="older-alert", DatapointsToAlert=3, EvaluationPeriod=5
    )
    gone = older | {"MonitoringInputs": [{"EndpointInput": WATCHED | {"EndpointName": "gone"}}]}
    schedule(sagemaker, "of-a-deleted-endpoint", {"MonitoringJobDefinition": gone})
    schedule(sagemaker, "ran-once", {"MonitoringJobDefinition": older}, "NOW")


def imported(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code of the command, and what became of each schedule."""
    ended = CliRunner().invoke(command, ["import", "sagemaker", "--json", *arguments])
    assert ended.stdout, ended.stderr
    return ended.exit_code, {each["name"]: each for each in json.loads(ended.stdout)["schedules"]}


@pytest.fixture(scope="module")
def app() -> Iterator[SpecifiedApp]:
    """The app without schedules, and SageMaker with some; the files of their baseline are where a job wrote them."""
    with running() as specified:
        s3 = specified.stack.client("s3")
        for key, document in (("bias.json", ANALYSIS), ("shap.json", EXPLANATION)):
            s3.put_object(Bucket="my-bucket", Key=key, Body=json.dumps(document).encode())
        dataset, header = "s3://my-bucket/training-data/baseline.csv", {"csv": {"header": True}}
        DefaultModelMonitor(ROLE).suggest_baseline(dataset, header, "s3://my-bucket/baseline-of-2025", logs=False)
        make_in_sagemaker(boto3.client("sagemaker"))
        yield specified


@pytest.fixture(scope="module")
def results(app: SpecifiedApp) -> dict[str, tuple[int, dict[str, dict[str, Any]]]]:
    """What is said by a dry run, by the import, and by the import once more."""
    dry = imported("--dry-run")
    assert app.stack.client("scheduler").list_schedules(NamePrefix="old")["Schedules"] == []
    assert DefaultModelMonitor().list_executions() == []
    return {"dry": dry, "made": imported(), "again": imported()}


MADE = ("old-DataQuality", "old-ModelQuality", "old-ModelBias", "old-ModelExplainability", "older")


def test_a_dry_run_says_what_the_import_then_does(results: Any):
    (dry_code, dry), (_, made) = results["dry"], results["made"]
    assert dry_code == 2  # one of them ran once, and cannot be created
    not_made = dict.fromkeys(("of-a-deleted-endpoint", "ran-once"), "NotCreated")
    assert {name: each["result"] for name, each in dry.items()} == dict.fromkeys(MADE, "WouldBeCreated") | not_made
    assert {name: each["result"] for name, each in made.items()} == dict.fromkeys(MADE, "Created") | not_made
    assert {name: each["reason"] for name, each in dry.items()} == {name: each["reason"] for name, each in made.items()}
    assert all(each["parameters"] == dry[name]["parameters"] for name, each in made.items())


def test_it_says_what_differs_and_why_a_schedule_is_not_made(results: Any):
    _, made = results["made"]
    assert made["older"]["parameters"]["alerting"] == {"violations": {"datapoints_to_alert": 3, "evaluation_period": 5}}
    assert made["ran-once"]["reason"] == "it runs once, and has run"
    assert made["of-a-deleted-endpoint"]["reason"].startswith("EndpointNotFound: ")


def test_an_import_that_is_repeated_leaves_what_is_there(results: Any):
    _, again = results["again"]
    assert {again[name]["result"] for name in MADE} == {"Exists"}


def test_monitors_are_the_same_here_with_the_baselines_where_they_are(results: Any):
    made = {name: DefaultModelMonitor().describe_schedule(name)["Modelwatch"] for name in MADE}
    assert [each["monitoring_type"] for each in made.values()] == [*KINDS, "DataQuality"]
    assert made["old-DataQuality"]["baseline"] == {
        "constraints_s3_uri": "s3://my-bucket/baseline-of-2025/constraints.json",
        "statistics_s3_uri": "s3://my-bucket/baseline-of-2025/statistics.json",
    }
    assert made["old-ModelQuality"]["ground_truth_input"] == "s3://my-bucket/labels"
    assert made["old-ModelBias"]["analysis_config"] == "s3://my-bucket/bias.json"
    statuses = {name: each["monitoring_schedule_status"] for name, each in made.items()}
    assert statuses == dict.fromkeys(MADE, "Scheduled") | {"old-ModelBias": "Stopped"}
    for each in made.values():
        assert each["processing"]["tags"] == {"team": "risk"}
        assert (each["output_s3_uri"], each["schedule_expression"]) == (RESULTS, HOURLY)


def test_sagemakers_own_schedules_stay_as_they_are(results: Any):
    sagemaker = boto3.client("sagemaker")
    pages = sagemaker.get_paginator("list_monitoring_schedules").paginate(MaxResults=2, SortBy="Name")
    found = [each for page in pages for each in page["MonitoringScheduleSummaries"]]
    names = [each["MonitoringScheduleName"] for each in found]
    assert names == sorted([*MADE, "of-a-deleted-endpoint", "ran-once"], reverse=True)
    assert {each["MonitoringScheduleName"] for each in found if each["MonitoringScheduleStatus"] == "Stopped"} == {
        "old-ModelBias"
    }
    by_kind = sagemaker.list_monitoring_schedules(MonitoringTypeEquals="ModelBias", EndpointName="my-endpoint")
    assert [each["MonitoringJobDefinitionName"] for each in by_kind["MonitoringScheduleSummaries"]] == [
        "ModelBias-definition"
    ]
    with pytest.raises(ClientError, match="ValidationException"):
        sagemaker.list_monitoring_schedules(NextToken="forged")


def test_an_imported_monitor_finds_what_the_old_baseline_does_not_allow(app: SpecifiedApp, results: Any):
    app.capture("my-endpoint", START.replace(minute=0), income_factor=3.0)
    app.stack.advance_to(START + timedelta(minutes=45))
    monitor = DefaultModelMonitor.attach("old-DataQuality")
    assert [row[:2] for row in monitor.latest_monitoring_constraint_violations().table()] == [
        ("income", "baseline_drift_check")
    ]


def test_names_that_are_taken_or_unknown_are_refused_as_by_sagemaker(app: SpecifiedApp):
    sagemaker = boto3.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        schedule(sagemaker, "older", {"MonitoringJobDefinition": inside()})
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        schedule(sagemaker, "new", {"MonitoringJobDefinitionName": "none", "MonitoringType": "ModelBias"})
    with pytest.raises(ClientError, match="either MonitoringJobDefinition or MonitoringJobDefinitionName"):
        schedule(sagemaker, "new", {})
    schedule(sagemaker, "short-lived", {"MonitoringJobDefinition": inside()})
    daily = {"ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"}, "MonitoringJobDefinition": inside()}
    sagemaker.update_monitoring_schedule(MonitoringScheduleName="short-lived", MonitoringScheduleConfig=daily)
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="short-lived")
    assert described["MonitoringScheduleConfig"] == daily
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName="short-lived")
    for call in (sagemaker.describe_monitoring_schedule, sagemaker.start_monitoring_schedule):
        with pytest.raises(sagemaker.exceptions.ResourceNotFound):
            call(MonitoringScheduleName="short-lived")
