"""The app in the local stack hears of endpoints, jobs and model packages from the events that SageMaker sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.app.deployed_app import HOUR, START, App, started
from tests.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long_setup]


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with started(BaselineRule="Enabled") as stack:
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.make_schedule()
        yield app
        assert stack.undelivered == []


def described(app: App) -> dict:
    app.stack.settle()
    return app.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")


def clock(app: App) -> str:
    return app.stack.client("scheduler").get_schedule(GroupName="modelwatch-schedules", Name="hourly")["State"]


def subjects(app: App) -> list[str]:
    app.stack.settle()
    return [mail["Subject"] for mail in app.stack.mails if mail["Subject"].startswith("Modelwatch: hourly: ")]


def test_a_deleted_endpoint_stops_the_clock_of_its_schedule_and_the_next_one_starts_it(app):
    sagemaker = app.stack.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="loans")
    paused = described(app)
    assert (paused["monitoring_schedule_status"], paused["watched_endpoint"]["paused"]) == ("Stopped", True)
    assert clock(app) == "DISABLED"
    sagemaker.create_endpoint(EndpointName="loans", EndpointConfigName="loans")
    resumed = described(app)
    assert resumed["monitoring_schedule_status"] == "Scheduled"
    assert resumed["watched_endpoint"]["deployment"]["models"] == {"AllTraffic": "m"}
    assert clock(app) == "ENABLED"
    assert subjects(app) == [
        "Modelwatch: hourly: paused, its endpoint was deleted",
        "Modelwatch: hourly: resumed, its endpoint exists again",
    ]


def test_an_execution_is_shown_with_its_cost_and_its_schedule_with_the_sum(app):
    nine = START.replace(minute=0) + HOUR
    for number in range(2):
        app.capture(nine + number * HOUR)
        app.stack.advance_to(nine + (number + 1) * HOUR + timedelta(minutes=20))
    listed = app.manage("ListMonitoringExecutions", monitoring_schedule_name="hourly")["executions"]
    assert {app.execution(nine + number * HOUR)["monitoring_execution_status"] for number in (1, 2)} == {"Completed"}
    costs = [each["cost"] for each in listed if each["cost"]]
    assert len(costs) >= 2
    assert all(cost["gb_seconds"] > 0 and cost["requests"] >= 3 and cost["usd"] > 0 for cost in costs)
    total = described(app)["cost"]
    assert total["executions"] == len(costs)
    assert total["usd"] == pytest.approx(sum(cost["usd"] for cost in costs))


def example(app: App, name: str, **changes: str) -> dict[str, Any]:
    """Return the template of docs/ and its parameters, as CloudFormation's users give them for a stack of a name."""
    parameters = {
        "ManageMonitors": app.stack.outputs["ManageMonitorsFunctionArn"],
        "EndpointName": "loans",
        "Bucket": app.stack.outputs["ResultsBucketName"],
        "RoleArn": "arn:aws:iam::123456789012:role/monitor",
    } | changes
    return {
        "StackName": name,
        "TemplateBody": (ROOT / "docs/examples/monitors.yaml").read_text(),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }


def test_the_example_template_makes_a_monitor_that_works_and_its_stack_removes_it(app):
    bucket = app.stack.outputs["ResultsBucketName"]
    for name in ("constraints.json", "statistics.json"):
        app.s3.copy_object(Bucket=bucket, Key=name, CopySource=f"{bucket}/baselining/first/{name}")
    cloudformation = app.stack.client("cloudformation")
    cloudformation.create_stack(**example(app, "my-monitors"))
    hour = START.replace(hour=4, minute=0)
    app.capture(hour, income_factor=1000)
    tick = {"monitoring_schedule_name": "hourly-data-quality", "tick_id": "t", "scheduled_time": "2026-11-20T05:00:00Z"}
    app.call("LaunchExecutionFunction", tick)
    app.stack.settle()
    execution = app.execution(hour + HOUR, "hourly-data-quality")
    assert execution["monitoring_execution_status"] == "CompletedWithViolations", execution
    (first,) = job_definitions(app)
    changed = example(app, "my-monitors")
    changed["TemplateBody"] = changed["TemplateBody"].replace("VolumeSizeInGB: 30", "VolumeSizeInGB: 50")
    cloudformation.update_stack(**changed)
    (second,) = job_definitions(app)  # a definition is replaced, and the schedule follows it
    assert second["MonitoringJobDefinitionName"] != first["MonitoringJobDefinitionName"]
    schedule = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly-data-quality")
    assert schedule["processing"]["volume_size_in_gb"] == 50
    cloudformation.delete_stack(StackName="my-monitors")
    names = [each["monitoring_schedule_name"] for each in app.manage("ListMonitoringSchedules")["schedules"]]
    assert "hourly" in names
    assert "hourly-data-quality" not in names
    assert job_definitions(app) == []


def job_definitions(app: App) -> list[dict]:
    asked = {"api": "sagemaker", "operation": "ListDataQualityJobDefinitions", "parameters": {}}
    return app.call("ManageMonitorsFunction", asked)["response"]["JobDefinitionSummaries"]


def test_a_template_that_the_app_refuses_is_not_created_and_the_reason_is_said(app):
    with pytest.raises(ClientError, match=r"Hourly could not be created: .*no-such-endpoint"):
        app.stack.client("cloudformation").create_stack(**example(app, "refused", EndpointName="no-such-endpoint"))
    assert job_definitions(app) == []  # it is rolled back


def test_a_completed_transform_job_is_checked_by_the_schedule_of_its_captures(app):
    (execution,) = app.write_batch()
    assert (execution["one_off"], execution["tick_id"]) == (True, "transform job nightly")


def test_a_training_job_and_an_approved_model_package_get_their_baselines(app):
    sagemaker = app.stack.client("sagemaker")
    noted = {"modelwatch:baseline_dataset_s3_uri": "s3://captures/train.csv", "modelwatch:dataset_format": "csv"}
    sagemaker.create_training_job(
        TrainingJobName="loans-t1",
        AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::123456789012:role/model",
        OutputDataConfig={"S3OutputPath": "s3://captures/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=[{"Key": key, "Value": value} for key, value in noted.items()],
    )
    sagemaker.create_model_package_group(ModelPackageGroupName="loans")
    made = sagemaker.create_model_package(
        ModelPackageGroupName="loans", ModelApprovalStatus="PendingManualApproval", CustomerMetadataProperties=noted
    )
    app.stack.settle()
    sagemaker.update_model_package(
        ModelPackageArn=made["ModelPackageArn"], ModelApprovalStatus="Approved", CustomerMetadataProperties=noted
    )
    app.stack.settle()
    for name in ("loans-t1-baseline", "loans-1-baseline"):
        assert app.manage("DescribeBaseliningJob", baselining_job_name=name)["status"] == "Completed"
