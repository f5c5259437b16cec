"""Job runs of EMR Serverless in the local stack, with every way to end; tests/spark has them with Spark itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from modelwatch.local.job_runs import NO_SPARK
from tests.app.deployed_app import App, started
from tests.app.test_processing_jobs import stored
from tests.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long_setup]

PACKAGES = "s3://code/packages.tar.gz"
STAND_IN = (sys.executable, str(ROOT / "tests/app/spark_stand_in.py"))
ENDLESS = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with started(SparkPackagesUri=PACKAGES) as stack:
        app = App(stack)
        give_packages(app)
        assert app.make_baseline()["status"] == "Completed"
        yield app
        assert not [call for call in stack.calls if call.refused]


def give_packages(app: App) -> None:
    app.s3.create_bucket(Bucket="code")
    app.s3.put_object(Bucket="code", Key="packages.tar.gz", Body=b"")


def asked(app: App, name: str, **changes: Any) -> dict[str, Any]:
    """Ask for a baseline on Spark, and return its record when all has settled."""
    request = {
        "baselining_job_name": name,
        "baseline_dataset_s3_uri": "s3://captures/train.csv",
        "dataset_format": {"csv": {"header": True}},
        "resources": {"host": "emr-serverless"},
        "processing": {"tags": {"team": "credit"}},
    }
    app.call("CreateBaselineFunction", request | changes)
    app.stack.settle()
    return described(app, name)


def described(app: App, name: str) -> dict[str, Any]:
    return app.manage("DescribeBaseliningJob", baselining_job_name=name)


def test_a_baseline_of_a_job_run_has_the_files_of_one_that_lambda_made(app):
    app.stack.run_spark(*STAND_IN)
    made = asked(app, "on-spark")
    assert (made["status"], made["host"]) == ("Completed", "emr-serverless"), app.stack.job_run_log(
        made["run"]["run_id"]
    )
    first = described(app, "first")
    ours, theirs = stored(app, first["output_s3_uri"]), stored(app, made["output_s3_uri"])
    assert ours.keys() == theirs.keys()
    for name in ("statistics.json", "constraints.json"):
        assert ours[name] == theirs[name]
    assert b"emr-serverless takes" in theirs["report.html"]
    assert made["outcome"] == first["outcome"]
    assert made["cost"]["usd"] > 0
    events = app.stack.client("logs").filter_log_events(logGroupName=log_group(app))["events"]
    assert any("application.py" in event["message"] for event in events)


def log_group(app: App) -> str:
    groups = app.stack.client("logs").describe_log_groups()["logGroups"]
    (name,) = [group["logGroupName"] for group in groups if "SparkLogs" in group["logGroupName"]]
    return str(name)


def test_a_dataset_that_cannot_be_read_fails_with_the_reason_of_the_analysis(app):
    app.stack.run_spark(*STAND_IN)
    app.s3.put_object(Bucket="captures", Key="damaged/a.csv", Body="a,b\n1,2\n".encode("utf-16"))
    failed = asked(app, "damaged", baseline_dataset_s3_uri="s3://captures/damaged/")
    assert failed["status"] == "Failed"
    assert failed["outcome"]["failure_reason"].startswith("NotUtf8: a.csv")


@pytest.mark.parametrize(
    ("program", "reason"),
    [((sys.executable, "-c", "raise SystemExit(3)"), "ExitCode: 3"), (None, NO_SPARK)],
    ids=["a crash", "no spark-submit"],
)
def test_a_run_that_stored_no_end_fails_with_the_words_of_its_host(app, program, reason):
    if program is None:
        app.stack._job_runs.program = None
    else:
        app.stack.run_spark(*program)
    failed = asked(app, f"crashed-{program is None}")
    assert failed["status"] == "Failed"
    assert failed["outcome"]["failure_reason"].startswith("JobRunFailed: ")
    assert reason[:200] in failed["outcome"]["failure_reason"]


def test_a_baseline_that_is_stopped_cancels_its_run(app):
    app.stack.run_spark(*ENDLESS)
    app.call("CreateBaselineFunction", request_of("stopped"))
    run = described(app, "stopped")["run"]
    app.manage("StopBaseliningJob", baselining_job_name="stopped")
    app.stack.settle()
    assert described(app, "stopped")["status"] == "Stopped"
    state = app.stack.client("emr-serverless").get_job_run(applicationId=application(app), jobRunId=run["run_id"])
    assert state["jobRun"]["state"] == "CANCELLED"


def request_of(name: str) -> dict[str, Any]:
    return {
        "baselining_job_name": name,
        "baseline_dataset_s3_uri": "s3://captures/train.csv",
        "dataset_format": {"csv": {"header": True}},
        "resources": {"host": "emr-serverless"},
    }


def application(app: App) -> str:
    (one,) = app.stack.client("emr-serverless").list_applications()["applications"]
    return str(one["id"])


def test_an_end_whose_event_is_lost_is_found_by_the_sweep(app):
    app.stack.run_spark(sys.executable, "-c", "raise SystemExit(4)")
    events = app.stack.client("events")
    (rule,) = [each["Name"] for each in events.list_rules()["Rules"] if "JobRunEnded" in each["Name"]]
    events.disable_rule(Name=rule)
    assert asked(app, "unheard")["status"] == "InProgress"
    events.enable_rule(Name=rule)
    app.stack.client("dynamodb").update_item(  # as if a quarter of an hour had passed
        TableName=app.stack.outputs["LedgerTableName"],
        Key={"pk": {"S": "BASELINE#unheard"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET list_key = :due",
        ExpressionAttributeValues={":due": {"S": "2026-01-01T00:00:00Z"}},
    )
    app.call("ReconcileFunction", {})
    assert "ExitCode: 4" in described(app, "unheard")["outcome"]["failure_reason"]


def test_what_spark_cannot_share_out_is_refused_before_anything_is_started(app):
    with pytest.raises(RuntimeError, match="emr-serverless does not share out JSON"):
        asked(app, "json", dataset_format={"json": {"line": True}})
    with pytest.raises(RuntimeError, match="emr-serverless does not share out captures"):
        app.make_schedule("on-spark", resources={"host": "emr-serverless"})
