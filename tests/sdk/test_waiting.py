"""Waiting for an execution, and its log, over an app with prepared responses."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError
from botocore.stub import Stubber

from modelwatch.model_monitor import DefaultModelMonitor, MonitoringExecution, progress
from modelwatch.model_monitor.baselining import BaseliningJob
from tests.shell.fake_app import FakeApp, execution

JOB = {
    "baselining_job_name": "loans",
    "monitoring_type": "DataQuality",
    "output_s3_uri": "s3://bucket/loans",
    "creation_time": "2026-11-20T09:00:00Z",
    "last_modified_time": "2026-11-20T09:00:00Z",
}
FAILED = {"failure_reason": "DuplicateColumn: two columns have the name 'a'"}
GROUP = "/aws/lambda/analyzer"
RUN = {"host": "lambda", "subject": "s", "run_id": "r-1", "log_location": f"{GROUP} (request r-1)"}
STARTED = execution(9, "InProgress", outcome=None, run=RUN)


class Clock:
    """Time that passes in pauses only."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def app_with(*records: dict[str, Any]) -> FakeApp:
    return FakeApp(ListMonitoringExecutions={"executions": list(records), "next_token": None})


def test_an_execution_that_does_not_end_in_time_raises_a_waiter_error_with_its_status(clock: Clock):
    running = MonitoringExecution(app_with(STARTED), STARTED)
    with pytest.raises(WaiterError, match="has not ended after 90 seconds: InProgress") as raised:
        running.wait(logs=False, timeout_in_seconds=90)
    assert clock.seconds == 90
    assert raised.value.last_response["MonitoringExecutionStatus"] == "InProgress"


def test_without_a_limit_of_its_own_a_wait_ends_after_the_longest_run_that_there_is(clock: Clock):
    with pytest.raises(WaiterError, match=r"after 86,400 seconds"):
        MonitoringExecution(app_with(STARTED), STARTED).wait(logs=False)
    assert clock.seconds == 86_400


def test_an_execution_that_ends_at_the_last_moment_has_ended_in_time(clock: Clock):
    app = FakeApp(ListMonitoringExecutions=[{"executions": [each]} for each in (STARTED, execution(9))])
    ended = MonitoringExecution(app, STARTED)
    ended.wait(logs=False, timeout_in_seconds=1)
    assert ended.monitoring_execution_status == "Completed"


@pytest.mark.parametrize(("limit", "error"), [(0, ValueError), (86_401, ValueError), (True, TypeError)])
def test_an_invalid_limit_is_refused_before_anything_is_asked(limit: Any, error: type[Exception]):
    app = app_with(STARTED)
    with pytest.raises(error, match="timeout_in_seconds"):
        MonitoringExecution(app, STARTED).wait(timeout_in_seconds=limit)
    assert not app.asked


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"status": "InProgress"}, "is InProgress. Wait for its end: latest_baselining_job.wait()"),
        ({"status": "Failed", "outcome": FAILED}, f"is Failed: {FAILED['failure_reason']}"),
    ],
)
def test_asking_for_files_that_a_baseline_has_not_made_is_refused_with_its_status(record: dict[str, Any], reason: str):
    app = FakeApp(DescribeBaseliningJob=JOB | record)
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    app._clients = {"s3": s3}
    monitor = DefaultModelMonitor(sagemaker_session=app)
    monitor.latest_baselining_job = BaseliningJob(app, JOB | {"status": "InProgress"})
    with Stubber(s3) as stub:
        for name, method in (("statistics", "baseline_statistics"), ("constraints", "suggested_constraints")):
            stub.add_client_error("get_object", "NoSuchKey")
            words = f"there is no s3://bucket/loans/{name}.json: the baseline loans {reason}"
            with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
                getattr(monitor, method)()


def monitor_of(app: FakeApp, events: list[str]) -> DefaultModelMonitor:
    """Return the monitor of ``hourly``, whose log group has lines of the run."""
    logs = boto3.client("logs", region_name="us-east-1")
    stub = Stubber(logs)
    # 2026-11-20T09:05:00Z, in milliseconds since 1970
    wanted = {"logGroupName": GROUP, "filterPattern": '"r-1"', "startTime": 1_795_165_500_000}
    stub.add_response("filter_log_events", {"events": [{"message": line} for line in events]}, wanted)
    stub.activate()
    app._clients = {"logs": logs}
    monitor = DefaultModelMonitor(sagemaker_session=app)
    monitor.monitoring_schedule_name = "hourly"
    return monitor


@pytest.mark.parametrize(
    ("lines", "printed"),
    [(["first\n", "second"], ["first", "second"]), ([], [f"{GROUP} (request r-1) has no lines yet"])],
)
def test_the_log_of_the_latest_execution_is_printed(
    capsys: pytest.CaptureFixture[str], lines: list[str], printed: list[str]
):
    monitor_of(app_with(execution(9, run=RUN)), lines).get_latest_execution_logs(wait=True)
    assert capsys.readouterr().out.splitlines() == printed


def test_the_log_of_a_run_on_a_processing_job_is_read_from_the_streams_of_the_job(capsys: pytest.CaptureFixture[str]):
    group = "/aws/sagemaker/ProcessingJobs"
    run = {"host": "sagemaker", "subject": "s", "run_id": "hourly-1", "log_location": f"{group} (streams ...)"}
    app = app_with(execution(9, run=run))
    logs = boto3.client("logs", region_name="us-east-1")
    stub = Stubber(logs)
    # hourly-1/algo-1-1700000000 is a stream of the job hourly-1; hourly-10/... is none
    wanted = {"logGroupName": group, "logStreamNamePrefix": "hourly-1/"}
    stub.add_response("filter_log_events", {"events": [{"message": "a line without the name of the job"}]}, wanted)
    stub.activate()
    app._clients = {"logs": logs}
    MonitoringExecution(app, execution(9, run=run)).print_logs()
    assert capsys.readouterr().out == "a line without the name of the job\n"


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ((), "hourly has no execution yet; run() starts one"),
        ((execution(9, "Pending", outcome=None),), "it is Pending. Wait for its start."),
        ((execution(9, "Failed", outcome={"failure_reason": "NoData: none"}),), "it is Failed. NoData: none"),
    ],
)
def test_where_there_is_no_log_the_reason_is_named(records: tuple[dict[str, Any], ...], reason: str):
    with pytest.raises(ValueError, match=re.escape(reason)):
        monitor_of(app_with(*records), []).get_latest_execution_logs()
