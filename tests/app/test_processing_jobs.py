"""Processing jobs in the local stack: of the analyzer's image and of users' own, with every way to end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from modelwatch.app_client import AppClient
from modelwatch.local.app_files import JOB_IMAGE
from modelwatch.local_session import LocalSession
from modelwatch.model_monitor import MonitoringExecution
from modelwatch_core.domain.hosts import RunStatus
from modelwatch_core.domain.processing_job import JobState
from tests.app.deployed_app import HOUR, START, App, started
from tests.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long_setup]

ROLE = "arn:aws:iam::123456789012:role/containers"
NINE = START.replace(minute=0) + HOUR
NOON = NINE + 3 * HOUR  # far enough from the window that starts at nine: an analysis also looks at the hours beside it

KILLED_ANALYZER = """
import importlib.util
import os
import signal
import sys

sys.path.insert(0, {real!r})
spec = importlib.util.spec_from_file_location("real_app", {real!r} + "/app.py")
real_app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real_app)


def handler(event, context):
    if event["settings"].get("sagemaker_monitoring_schedule_name") == "outgrown":
        os.kill(os.getpid(), signal.SIGKILL)  # as the system kills a process that needs more memory than there is
    return real_app.handler(event, context)
"""

CONTAINER = """
import json, os, pathlib, sys, time

case = os.environ["CASE"]
root = pathlib.Path(os.environ["OPT_ML"])
captures = sorted(pathlib.Path("opt/ml/processing/input").rglob("*.jsonl"))
assert captures == [path.relative_to(pathlib.Path.cwd()) for path in sorted(
    pathlib.Path(os.environ["dataset_source"]).rglob("*.jsonl"))]
message = root / "output" / "message"
if case == "waits":
    print("is waiting", flush=True)
    while True:
        time.sleep(60)
if case == "prints":
    print("a line\\nanother line")
if case == "fails":
    message.write_text("the threshold is missing")
    sys.exit(3)
count = sum(len(path.read_text().splitlines()) for path in captures)
found = [{"feature_name": "income", "constraint_check_type": "custom_check",
          "description": f"{count} records; {os.environ['CUSTOM_THRESHOLD']}"}]
(pathlib.Path(os.environ["output_path"]) / "violations.json").write_text(json.dumps({"violations": found}))
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("template")
    for name in ("functions", "layers"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    (folder / "analyzer_container").mkdir()
    (folder / "analyzer_container/Dockerfile").write_text((ROOT / "analyzer_container/Dockerfile").read_text())
    script = KILLED_ANALYZER.format(real=str(ROOT / "analyzer_container"))
    (folder / "analyzer_container/app.py").write_text(script)
    (folder / "container.py").write_text(CONTAINER)
    parameters = {"JobImageUri": JOB_IMAGE, "ProcessingRoleArns": ROLE}
    with started(folder / "template.yaml", **parameters) as stack:
        stack.run_image("custom:1", sys.executable, str(folder / "container.py"))
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.capture(NINE)
        yield app
        assert not [call for call in stack.calls if call.refused]


def launched(app: App, name: str, scheduled: datetime = NINE + HOUR) -> None:
    tick = {"monitoring_schedule_name": name, "tick_id": name, "scheduled_time": f"{scheduled:%Y-%m-%dT%H:%M:%SZ}"}
    app.call("LaunchExecutionFunction", tick)


def stored(app: App, folder: str) -> dict[str, bytes]:
    bucket, _, key = folder.removeprefix("s3://").partition("/")
    listed = app.s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/").get("Contents", ())
    return {
        each["Key"].removeprefix(f"{key}/"): app.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in listed
    }


def client(app: App) -> AppClient:
    return AppClient(LocalSession(app.stack.endpoint_url, app.stack.region), app.stack.name)


def job_of(app: App, execution: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = app.stack.client("sagemaker").describe_processing_job(
        ProcessingJobName=execution["processing_job_name"]
    )
    return described


def custom(app: App, name: str, case: str) -> None:
    app.manage(
        "CreateMonitoringSchedule",
        monitoring_schedule_name=name,
        monitoring_type="Custom",
        image_uri="custom:1",
        schedule_expression="cron(0 * ? * * *)",
        endpoint_input={"endpoint_name": "loans"},
        environment={"CASE": case, "CUSTOM_THRESHOLD": "0.05"},
        processing={"role_arn": ROLE, "instance_type": "ml.m5.xlarge", "tags": {"team": "credit"}},
    )


def test_a_baseline_and_an_execution_write_the_same_files_on_both_hosts(app):
    asked = {
        "baselining_job_name": "in-a-job",
        "baseline_dataset_s3_uri": "s3://captures/train.csv",
        "dataset_format": {"csv": {"header": True}},
        "resources": {"host": "sagemaker"},
    }
    app.call("CreateBaselineFunction", asked)
    app.stack.settle()
    made = app.manage("DescribeBaseliningJob", baselining_job_name="in-a-job")
    assert (made["status"], made["host"]) == ("Completed", "sagemaker"), app.stack.job_log("in-a-job")
    first = app.manage("DescribeBaseliningJob", baselining_job_name="first")
    for name in ("statistics.json", "constraints.json"):
        assert stored(app, made["output_s3_uri"])[name] == stored(app, first["output_s3_uri"])[name]

    app.capture(NOON, income_factor=1000)
    app.make_schedule("in-lambda")
    app.make_schedule("in-a-job", resources={"host": "sagemaker"})
    for name in ("in-lambda", "in-a-job"):
        launched(app, name, NOON + HOUR)
    app.stack.settle()
    ours, theirs = (app.execution(NOON + HOUR, name) for name in ("in-lambda", "in-a-job"))
    assert (ours["host"], theirs["host"]) == ("lambda", "sagemaker")
    assert ours["outcome"] == theirs["outcome"]
    assert theirs["monitoring_execution_status"] == "CompletedWithViolations"
    in_lambda, in_a_job = (stored(app, each["output_s3_uri"]) for each in (ours, theirs))
    assert in_lambda.keys() == in_a_job.keys()
    for name in ("statistics.json", "constraint_violations.json"):
        assert in_lambda[name] == in_a_job[name]
    assert theirs["cost"]["usd"] > theirs["cost"]["gb_seconds"] == 0
    assert b"sagemaker takes" in in_a_job["report.html"]
    described = job_of(app, theirs)
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ExitMessage"] == theirs["outcome"]["exit_message"]
    assert "JobRole" in described["RoleArn"]


def test_an_analysis_that_lambda_kills_for_its_memory_is_run_once_more_in_a_job(app):
    app.make_schedule("outgrown")
    launched(app, "outgrown")
    app.stack.settle()
    waiting = app.execution(NINE + HOUR, "outgrown")
    assert (waiting["monitoring_execution_status"], waiting["moved_up_from"]) == ("Pending", "lambda")
    app.call("ReconcileFunction", {})
    app.stack.settle()
    moved = app.execution(NINE + HOUR, "outgrown")
    assert (moved["monitoring_execution_status"], moved["host"]) == ("Completed", "sagemaker")
    assert moved["host_reason"].startswith("lambda ran out of memory; sagemaker takes")
    assert b"lambda ran out of memory" in stored(app, moved["output_s3_uri"])["report.html"]


def test_a_container_that_writes_only_violations_json_raises_an_alert(app):
    custom(app, "own-check", "finds")
    launched(app, "own-check")
    app.stack.settle()
    execution = app.execution(NINE + HOUR, "own-check")
    assert execution["monitoring_execution_status"] == "CompletedWithViolations", execution
    assert execution["violation_report_uri"].endswith("/violations.json")
    report = json.loads(stored(app, execution["output_s3_uri"])["violations.json"])
    assert report["violations"][0]["description"] == "600 records; 0.05"
    assert [*MonitoringExecution(client(app), execution).constraint_violations()] == report["violations"]
    (mail,) = [mail for mail in app.stack.mails if "own-check" in mail["Subject"]]
    assert "600 records" in mail.get_content()
    job = job_of(app, execution)
    assert job["RoleArn"] == ROLE
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.m5.xlarge"


def test_a_container_that_fails_ends_its_execution_with_its_exit_code_and_message(app):
    custom(app, "broken-check", "fails")
    launched(app, "broken-check")
    app.stack.settle()
    execution = app.execution(NINE + HOUR, "broken-check")
    assert execution["monitoring_execution_status"] == "Failed"
    reason = execution["outcome"]["failure_reason"]
    assert reason.startswith("ProcessingJobFailed: ")
    assert "exit code: 3" in reason
    assert "the threshold is missing" in reason
    assert [mail["Subject"] for mail in app.stack.mails if "broken-check" in mail["Subject"]]


def test_what_the_container_of_an_execution_printed_is_the_log_of_that_execution(app, capsys):
    custom(app, "chatty-check", "prints")
    launched(app, "chatty-check")
    app.stack.settle()
    MonitoringExecution(client(app), app.execution(NINE + HOUR, "chatty-check")).print_logs()
    assert capsys.readouterr().out.splitlines() == ["a line", "another line"]


def test_an_execution_that_is_stopped_stops_its_job(app):
    custom(app, "endless-check", "waits")
    launched(app, "endless-check")
    running = app.execution(NINE + HOUR, "endless-check")
    assert running["monitoring_execution_status"] == "InProgress"
    while "is waiting" not in app.stack.job_log(running["processing_job_name"]):
        time.sleep(0.05)  # until the program runs; the test's own timeout ends it
    app.manage("StopMonitoringExecution", monitoring_schedule_name="endless-check")
    app.stack.settle()
    assert app.execution(NINE + HOUR, "endless-check")["monitoring_execution_status"] == "Stopped"
    assert job_of(app, running)["ProcessingJobStatus"] == "Stopped"


def test_what_describe_says_of_a_job_is_what_its_event_said(app):
    events = app.stack.client("events")
    rules = [each["Name"] for each in events.list_rules()["Rules"] if "JobEnded" in each["Name"]]
    assert rules
    for name in rules:
        events.disable_rule(Name=name)
    custom(app, "unheard-check", "fails")
    launched(app, "unheard-check")
    app.stack.settle()
    for name in rules:
        events.enable_rule(Name=name)
    execution = app.execution(NINE + HOUR, "unheard-check")
    assert execution["monitoring_execution_status"] == "InProgress"
    described = JobState.model_validate(job_of(app, execution)).description
    assert (described.status, described.exhausted) == (RunStatus.ENDED, None)
    assert described.outcome is not None
    assert "the threshold is missing" in (described.outcome.failure_reason or "")


def test_a_container_without_a_role_that_may_be_passed_on_is_refused_with_what_to_do(app):
    custom(app, "no-role", "finds")
    another = {"role_arn": "arn:aws:iam::123456789012:role/another"}
    with pytest.raises(RuntimeError, match=r"RoleNotPassable: .*ProcessingRoleArns"):
        app.manage("UpdateMonitoringSchedule", monitoring_schedule_name="no-role", processing=another)


def test_the_event_of_a_job_of_somebody_elses_is_ignored(app):
    before = len(app.stack.invocations)
    app.stack.client("sagemaker").create_processing_job(
        ProcessingJobName="theirs",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": "unknown:1"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    app.stack.settle()
    assert len(app.stack.invocations) > before
    assert all(each.function_error is None for each in app.stack.invocations[before:])
