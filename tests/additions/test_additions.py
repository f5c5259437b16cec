"""What somebody may want to add is one new file and one line in a list: each is added here, and works end to end.

A drift measure is added in tests/data_quality/test_drift_measures.py, the shell's commands of a new kind in tests/cli.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from modelwatch_analyzer.analysis import analyze
from modelwatch_core import wiring
from modelwatch_core.app.manage_monitors import ManageMonitorsRequest
from modelwatch_core.domain.alerts import Alert, AlertRaised
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from modelwatch_core.domain.monitor_kinds.custom import CustomSettings
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from modelwatch_core.domain.outcome import Outcome
from tests.additions.toy_monitor import ROW_COUNT
from tests.core.in_memory import MemoryBus
from tests.core.ledger_table import create_ledger_table

pytestmark = pytest.mark.slow  # the whole app on emulated services

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret (invented)
    "AWS_DEFAULT_REGION": "us-east-1",
    "LEDGER_TABLE": "ledger",
    "EVENT_BUS": "bus",
    "RESULTS_BUCKET": "results",
    "METRIC_NAMESPACE_PREFIX": "aws/sagemaker",
    "SCHEDULE_GROUP": "group",
    "LAUNCH_FUNCTION_ARN": "arn:aws:lambda:us-east-1:123456789012:function:launch",
    "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/scheduler",
    "DEAD_LETTER_ARN": "arn:aws:sqs:us-east-1:123456789012:dead",
    "MOST_SCHEDULES": "100",
    "SHORTEST_SCHEDULE_MINUTES": "60",
    "CAPTURE_SETTLING_SECONDS": "0",
    "ANALYSIS_ROLE_ARN": "arn:aws:iam::123456789012:role/analysis",
    "ANALYZER_FUNCTION": "analyzer",
    "ANALYZER_LOG_GROUP": "analyzer-logs",
    "ANALYZER_STORAGE_MEBIBYTES": "512",
    "ANALYZER_MEMORY_MEBIBYTES": "512",
    "ANALYSIS_LEASE_SECONDS": "5400",
    "ALERT_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
}


@dataclass
class ToyHost:
    """A host: this class, and one line in ``wiring.HOSTS``."""

    name: str = "toy"
    limits: HostLimits = field(
        default_factory=lambda: HostLimits(
            input_bytes=10**9, memory_bytes=10**9, lease=timedelta(hours=1), runs_images=True
        )
    )
    started: list[AnalysisRequest] = field(default_factory=list)

    def start(self, request: AnalysisRequest) -> Run:
        self.started.append(request)
        return Run(host=self.name, subject=request.subject, run_id="job-1", log_location="the toy's log")

    def describe(self, _run: Run) -> RunDescription:
        return RunDescription(status=RunStatus.RUNNING)

    def stop(self, _run: Run) -> None:
        raise NotImplementedError


@dataclass
class ToyTarget:
    """An alert target: this class, and one line in ``wiring.ALERT_TARGETS``."""

    sent: list[tuple[Alert, str]] = field(default_factory=list)

    def check(self, _address: str, _schedule: ScheduleRequest) -> None:
        """Take every address."""

    def send(self, alert: Alert, address: str) -> None:
        self.sent.append((alert, address))


class Deployment:
    """The use cases as ``wiring`` makes them, on an emulated AWS; events are taken from the bus by hand."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
        self.s3 = boto3.client("s3")
        for bucket in ("results", "captures"):
            self.s3.create_bucket(Bucket=bucket)
        self.put("results", "baseline/constraints.json", b"{}")
        part = {"observedContentType": "text/csv", "encoding": "CSV", "mode": "OUTPUT", "data": "0.5"}
        record = {"captureData": {"endpointOutput": part}, "eventMetadata": {"inferenceTime": "2026-11-22T09:30:00Z"}}
        lines = (json.dumps(record | {"eventVersion": "0"}) + "\n") * 3
        self.put("captures", "live/loans/AllTraffic/2026/11/22/09/a.jsonl", lines.encode())
        boto3.client("scheduler").create_schedule_group(Name="group")
        create_ledger_table(boto3)

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def has_schedule(self, **changes: Any) -> None:
        parameters = {
            "monitoring_schedule_name": "hourly",
            "schedule_expression": "cron(0 * ? * * *)",
            "endpoint_input": {"endpoint_name": "loans", "data_captured_destination_s3_uri": "s3://captures/live"},
            "baseline": {"constraints_s3_uri": "s3://results/baseline/constraints.json"},
        }
        request = ManageMonitorsRequest(operation="CreateMonitoringSchedule", parameters=parameters | changes)
        wiring.manage_monitors()(request)

    def launched(self, tick_id: str = "t", **changes: Any) -> Any:
        request = {"monitoring_schedule_name": "hourly", "scheduled_time": TEN, "tick_id": tick_id}
        return wiring.launch_execution()(ExecutionRequest.model_validate(request | changes))

    def analysed(self, request: AnalysisRequest) -> AnalysisEnded:
        run = Run(host=request.host, subject=request.subject, run_id="1")
        ended = wiring.run_analysis(lambda settings, *_: analyze(settings))(request, run)
        assert ended is not None
        return ended

    def delivered(self) -> list[Alert]:
        """Deliver what is on the bus until nothing is left, and return the alerts that were raised."""
        alerts = []
        while self.bus.published:
            event = self.bus.published.pop(0)
            match event:
                case AnalysisEnded():
                    wiring.finish_analysis()(event)
                case ExecutionEnded():
                    wiring.route_alerts()(event)
                case AlertRaised():
                    wiring.deliver_alert()(event)
                    alerts.append(event.alert)
        return alerts

    def latest(self) -> dict[str, Any]:
        request = ManageMonitorsRequest(
            operation="ListMonitoringExecutions", parameters={"monitoring_schedule_name": "hourly"}
        )
        return wiring.manage_monitors()(request)["executions"][0]


@pytest.fixture
def deployment(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    forget_what_wiring_made()
    bus = MemoryBus()
    monkeypatch.setattr(wiring, "_bus", lambda: bus)
    with mock_aws():
        yield Deployment(bus)
    forget_what_wiring_made()


def forget_what_wiring_made() -> None:
    for made in vars(wiring).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


@pytest.fixture
def toy_host(deployment, monkeypatch) -> ToyHost:
    host = ToyHost()
    monkeypatch.setitem(wiring.HOSTS, "toy", lambda: host)
    return host


def test_a_kind_of_monitor_with_an_analysis_can_be_added(deployment, toy_host, monkeypatch):
    monkeypatch.setitem(KINDS, ROW_COUNT.monitoring_type, ROW_COUNT)
    target = ToyTarget()
    monkeypatch.setitem(wiring.ALERT_TARGETS, "toy", lambda: target)
    targets = [{"type": "toy", "address": "somewhere"}]
    wish = {"resources": {"host": "toy"}, "environment": {"least_rows": "5"}, "alert_targets": targets}
    deployment.has_schedule(monitoring_type="RowCount", **wish)
    deployment.launched()
    (request,) = toy_host.started
    deployment.analysed(request)
    (alert,) = deployment.delivered()
    assert (alert.monitoring_type, alert.violations[0].description) == ("RowCount", "Only 3 rows")
    assert target.sent == [(alert, "somewhere")]
    folder = deployment.latest()["output_s3_uri"].removeprefix("s3://results/")
    report = deployment.s3.get_object(Bucket="results", Key=f"{folder}/report.html")["Body"].read().decode()
    assert "Row count of loans / hourly" in report
    assert "Too few rows" in report
    metrics = boto3.client("cloudwatch").list_metrics(Namespace="aws/sagemaker/Endpoints/row-metrics")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {
        "rows",
        "alert_state",
        "violation_count",
        "largest_excess",
        "malformed_share",
    }
    deployment.put("captures", "live/loans/AllTraffic/2026/11/22/09/b.jsonl", deployment_capture(deployment))
    deployment.launched("again", backfill=True)
    deployment.analysed(toy_host.started[-1])
    deployment.delivered()
    outcome = deployment.latest()["outcome"]
    assert (outcome["status"], outcome["records"]["read"]) == ("Completed", 6)
    assert outcome["changes"] == ["rows: 3 before, 6 now", "no violation any more: rows row_count_check"]


def deployment_capture(deployment: Deployment) -> bytes:
    key = "live/loans/AllTraffic/2026/11/22/09/a.jsonl"
    return bytes(deployment.s3.get_object(Bucket="captures", Key=key)["Body"].read())


def test_a_kind_of_monitor_without_an_analysis_of_ours_can_be_added(deployment, toy_host, monkeypatch):
    kind = MonitorKind(
        monitoring_type="Toxicity",
        title="Toxicity",
        settings=type(
            "ToxicitySettings",
            (CustomSettings,),
            {"__annotations__": {"analysis_type": str}, "analysis_type": "TOXICITY"},
        ),
        analysis=None,
        metric_namespace="toxicity-metrics",
        schedule_parameters=frozenset({"image_uri"}),
    )
    monkeypatch.setitem(KINDS, "Toxicity", kind)
    deployment.has_schedule(monitoring_type="Toxicity", image_uri="mine:1", environment={"THRESHOLD": "0.3"})
    deployment.launched()
    (request,) = toy_host.started
    assert (request.image_uri, request.settings.user_environment) == ("mine:1", {"THRESHOLD": "0.3"})
    folder = request.output_s3_uri.removeprefix("s3://results/")
    violation = {"constraint_check_type": "toxicity", "description": "0.4 exceeds 0.3", "metric_name": "share"}
    deployment.put("results", f"{folder}/violations.json", json.dumps({"violations": [violation]}).encode())
    outcome = Outcome(status="Completed", exit_message="done")
    wiring.finish_analysis()(AnalysisEnded.of(request, outcome))
    monkeypatch.setitem(wiring.ALERT_TARGETS, "sns", ToyTarget)
    (alert,) = deployment.delivered()
    assert alert.outcome.violation_count == 1
    assert deployment.latest()["monitoring_execution_status"] == "CompletedWithViolations"


def test_a_host_with_an_event_of_its_own_for_the_end_of_a_run_can_be_added(deployment, toy_host, monkeypatch):
    def end_of_toy(detail):
        failed = Outcome.failed(f"ToyFailed: {detail['why']}")
        run = Run(host="toy", subject=detail["subject"], run_id=detail["job"])
        return AnalysisEnded(subject=detail["subject"], output_s3_uri=detail["output"], outcome=failed, run=run)

    monkeypatch.setitem(wiring.ENDS, "Toy Job Ended", end_of_toy)
    deployment.has_schedule(resources={"host": "toy"})
    launched = deployment.launched()
    assert (launched.host, launched.run.run_id) == ("toy", "job-1")
    assert launched.host_reason.startswith("toy takes")
    detail = {"subject": launched.subject, "job": "job-1", "output": launched.output_s3_uri, "why": "no disk"}
    wiring.finish_analysis()(wiring.analysis_ended("Toy Job Ended", detail))
    latest = deployment.latest()
    assert latest["outcome"]["failure_reason"] == "ToyFailed: no disk"
    assert latest["run"]["run_id"] == "job-1"


def test_an_alert_target_can_be_added(deployment, monkeypatch):
    target = ToyTarget()
    monkeypatch.setitem(wiring.ALERT_TARGETS, "toy", lambda: target)
    targets = [{"type": "toy", "address": "room 7"}, {"type": "toy", "address": "room 8"}]
    deployment.has_schedule(alert_targets=targets)
    deployment.s3.delete_object(Bucket="captures", Key="live/loans/AllTraffic/2026/11/22/09/a.jsonl")
    deployment.launched()
    deployment.delivered()
    assert [address for _, address in target.sent] == ["room 7", "room 8"]
    assert {alert.outcome.failure_reason.partition(":")[0] for alert, _ in target.sent} == {"NoData"}
