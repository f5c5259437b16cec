"""The use cases wired to the ports in memory, and an endpoint whose captures lie there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from modelwatch_core.app.accept_schedule import AcceptSchedule
from modelwatch_core.app.analysis_records import AnalysisRecords
from modelwatch_core.app.baseline_by_rule import BaselineByRule
from modelwatch_core.app.check_batch import CheckBatch
from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.app.deliver_alerts import DeliverAlert, RaiseAlert
from modelwatch_core.app.finish_analysis import FinishAnalysis, FinishBaseliningJob, FinishExecution
from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.follow_watched_endpoint import FollowWatchedEndpoint
from modelwatch_core.app.launch_execution import LaunchExecution, Refusal
from modelwatch_core.app.manage_monitors import ManageMonitors, ManageMonitorsRequest
from modelwatch_core.app.monitor_alerts import MonitorAlerts
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.prepare_analysis import PrepareAnalysis
from modelwatch_core.app.raise_notices import RaiseNotices
from modelwatch_core.app.reconcile import Reconcile
from modelwatch_core.app.redeliver import Redeliver
from modelwatch_core.app.route_alerts import RouteAlerts
from modelwatch_core.app.sagemaker_api.operation import App
from modelwatch_core.app.sagemaker_api.serve_request import (
    SageMakerRequest,
    ServeBaselineRequest,
    ServeSageMakerRequest,
)
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.app.stop_baselining_job import StopBaseliningJob
from modelwatch_core.app.stop_execution import StopExecution
from modelwatch_core.app.temporary_endpoints import DeferAnalysis, FollowEndpoint, OwnedEndpoints
from modelwatch_core.app.watch_alerts import WatchAlerts
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.errors import Upstream
from modelwatch_core.domain.events import AnalysisEnded, Emitted, ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus, RecordCounts
from modelwatch_core.domain.temporary_endpoint import EndpointStatus, TemporaryEndpoint
from tests.core.in_memory import (
    ManualClock,
    MemoryAlertStates,
    MemoryBus,
    MemoryDeadLetters,
    MemoryDeferredAnalyses,
    MemoryEndpoints,
    MemoryHost,
    MemoryJobDefinitions,
    MemoryJobs,
    MemoryLedger,
    MemoryMetrics,
    MemoryModelPackages,
    MemoryObjects,
    MemoryRunClaims,
    MemorySchedules,
    MemorySentAlerts,
    MemoryTarget,
    MemoryTemporaryEndpoints,
    MemoryTicks,
    MemoryTransformJobs,
    MemoryWaitingAlerts,
)

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
RESULTS = "s3://results"
OUTPUT_BUCKETS = ("reports",)
LEASE = timedelta(minutes=90)
DRIFT = {
    "feature_name": "income",
    "constraint_check_type": "baseline_drift_check",
    "description": "Baseline drift distance: 0.9 exceeds threshold: 0.1",
}
FAILURES: dict[str, dict[str, Any]] = {
    "F": {"status": OutcomeStatus.FAILED, "failure_reason": "AnalyzerCrashed: x"},
    "N": {"status": OutcomeStatus.FAILED, "failure_reason": "NoData: nothing"},
}


class World:
    """The use cases over the ports in memory.

    Parameters
    ----------
    through : callable
        What each port is reached through: a test may put something in the way.
    """

    def __init__(self, through: Callable[[Any], Any] = lambda port: port) -> None:
        self.clock = ManualClock()
        self.schedules, self.ledger, self.jobs = MemorySchedules(), MemoryLedger(), MemoryJobs()
        self.ticks, self.objects, self.host = MemoryTicks(), MemoryObjects(self.clock.now), MemoryHost()
        self.claims = MemoryRunClaims()
        self.bus, self.metrics, self.mail = MemoryBus(), MemoryMetrics(), MemoryTarget()
        self.endpoints = MemoryEndpoints({"mortgages": "s3://captures/live"})
        self.sent = MemorySentAlerts(self.clock)
        schedules, ledger, jobs, bus = map(through, (self.schedules, self.ledger, self.jobs, self.bus))
        objects = through(self.objects)
        self.hosts = {"memory": through(self.host)}
        self.temporary_endpoints, self.deferred_analyses = MemoryTemporaryEndpoints("world"), MemoryDeferredAnalyses()
        records = AnalysisRecords(ledger, jobs)
        owned = OwnedEndpoints(through(self.deferred_analyses), through(self.temporary_endpoints), "world")
        start = StartAnalysis(self.hosts, objects, DeferAnalysis(owned, self.clock))
        self.follow = FollowEndpoint(owned, records, self.hosts, bus, self.clock)
        prepare = PrepareAnalysis(ledger, objects, start, self.clock)
        self.launch = LaunchExecution(schedules, ledger, prepare, start, bus, self.clock, settling=timedelta(0))
        finish_execution = FinishExecution(ledger, objects, through(self.metrics), bus, self.clock, "aws/sagemaker")
        self.finish = FinishAnalysis(
            finish_execution, FinishBaseliningJob(jobs, self.clock), records, self.claims, owned
        )
        self.targets: dict[str, Callable[[], Any]] = {"mail": lambda: through(self.mail)}
        self.alert_states, self.waiting = MemoryAlertStates(), MemoryWaitingAlerts(self.clock)
        states, waiting = through(self.alert_states), through(self.waiting)
        everybody = AlertTargetReference(type="mail", address="everybody")
        self.default_targets: Callable[[], Sequence[AlertTargetReference]] = lambda: (everybody,)
        # Asked for each time, since tests replace them.
        raise_alert = RaiseAlert(bus, lambda: [*self.default_targets()])
        self.route = RouteAlerts(ledger, states, schedules, raise_alert, MemoryMetrics(), self.clock, "aws/sagemaker")
        self.deliver_alert = DeliverAlert(through(self.sent), waiting, bus, self.targets)
        self.dead_letters = MemoryDeadLetters()
        self.redeliver = Redeliver(through(self.dead_letters), self.clock)
        self.create_baseline = CreateBaseline(jobs, objects, start, self.clock, RESULTS, OUTPUT_BUCKETS)
        self.stop_execution = StopExecution(ledger, self.hosts, self.claims, self.finish)
        follow_schedule = FollowSchedule(schedules, through(self.ticks), self.stop_execution)
        notices = RaiseNotices(raise_alert, self.clock)
        self.follow_watched = FollowWatchedEndpoint(
            schedules, states, self.endpoints, follow_schedule, notices, self.clock
        )
        self.transform_jobs, self.packages = MemoryTransformJobs(), MemoryModelPackages()
        self.check_batch = CheckBatch(schedules, self.transform_jobs, self.launch)
        self.baseline_by_rule = BaselineByRule(self.create_baseline, self.packages)
        self.reconcile = Reconcile(
            records,
            objects,
            self.launch,
            self.create_baseline,
            self.finish,
            self.follow,
            self.hosts,
            self.clock,
            schedules,
            follow_schedule,
            WatchAlerts(schedules, ledger, states, waiting, self.follow_watched, bus, self.clock),
        )
        lists = MonitorLists(schedules, ledger, jobs)
        tokens = (f"{number:04}" for number in count(1))
        self._manage = ManageMonitors(
            schedules,
            ledger,
            jobs,
            lists,
            MonitorAlerts(lists, schedules, ledger, states, follow_schedule, self.clock),
            self.sent,
            AcceptSchedule(jobs, objects, self.endpoints, start, self.clock, RESULTS, self.targets, OUTPUT_BUCKETS),
            follow_schedule,
            self.stop_execution,
            StopBaseliningJob(self.hosts, self.claims, self.finish),
            self.clock,
            lambda: next(tokens),
            "arn:aws:sagemaker:us-east-1:123456789012",
        )
        self.definitions = MemoryJobDefinitions()
        self.serve_sagemaker = ServeSageMakerRequest(App(self._manage, self.definitions))
        self._serve_baseline = ServeBaselineRequest(self.create_baseline, self._manage.arn_prefix)
        self.objects.kept["s3://results/baseline/constraints.json"] = b"{}"
        self.objects.kept["s3://results/baseline/statistics.json"] = b"{}"

    def manage(self, operation: str, **parameters: object) -> dict[str, Any]:
        return self._manage(ManageMonitorsRequest(operation=operation, parameters=parameters))

    def sagemaker(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Return what the app returns to a request of SageMaker's API."""
        serve = self._serve_baseline if operation == "CreateProcessingJob" else self.serve_sagemaker
        return serve(SageMakerRequest(api="sagemaker", operation=operation, parameters=parameters))

    def has_schedule(self, name: str = "hourly", **changes: object) -> None:
        self.manage("CreateMonitoringSchedule", **(schedule_parameters(name) | changes))

    def has_explainability_schedule(self, name: str = "hourly", **predictor: object) -> None:
        predictor = {"model_name": "scorer", "instance_type": "ml.m5.large"} | predictor
        baseline = {"constraints_s3_uri": "s3://results/baseline/constraints.json"}
        config = {"predictor": predictor, "methods": {"shap": {}}}
        self.has_schedule(name, monitoring_type="ModelExplainability", baseline=baseline, analysis_config=config)

    def temporary_endpoint_becomes(self, status: EndpointStatus, failure_reason: str | None = None) -> str:
        """Let the one temporary endpoint that is being created come up, or fail, and return its name."""
        (name,) = [n for n, e in self.temporary_endpoints.kept.items() if e.status is EndpointStatus.CHANGING]
        self.temporary_endpoints.kept[name] = TemporaryEndpoint(status=status, failure_reason=failure_reason)
        return name

    def has_captures(self, hour: datetime = TEN - timedelta(hours=1), content: bytes = b"{}\n") -> None:
        self.objects.kept[f"s3://captures/live/mortgages/AllTraffic/{hour:%Y/%m/%d/%H}/00-01-002-a.jsonl"] = content

    def schedule_id(self, name: str = "hourly") -> str:
        return self.schedules.kept[name].schedule_id

    def executions(self, name: str = "hourly") -> list[MonitoringExecution]:
        """Return the executions of a schedule, the newest window first."""
        return list(self.ledger.executions_before(self.schedule_id(name)))

    def tick(self, at: datetime = TEN, tick_id: str = "tick-1", name: str = "hourly") -> MonitoringExecution:
        """Let a schedule fire; it must launch."""
        launched = self.requested(at, tick_id, name)
        assert isinstance(launched, MonitoringExecution)
        return launched

    def requested(
        self, at: datetime = TEN, tick_id: str = "tick-1", name: str = "hourly"
    ) -> MonitoringExecution | Refusal:
        return self.launch(ExecutionRequest(monitoring_schedule_name=name, scheduled_time=at, tick_id=tick_id))

    def ends(self, execution: MonitoringExecution, *violations: dict[str, Any], **changes: object) -> AnalysisEnded:
        """Return the end of an execution's analysis, whose reports are there; ``changes`` are those of its outcome."""
        folder, compares = execution.output_s3_uri, execution.compares or execution.kind.analysis is None
        if compares:
            self.objects.kept[f"{folder}/constraint_violations.json"] = json.dumps({"violations": violations}).encode()
        self.objects.kept[f"{folder}/cloudwatch_metrics.jsonl"] = (
            b'{"MetricName":"feature_baseline_drift_distance","Value":1.0}\n'
        )
        status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if violations else OutcomeStatus.COMPLETED
        fields: dict[str, Any] = {
            "status": status,
            "exit_message": f"{status}: done",
            "violation_count": len(violations) if compares else None,
            "records": RecordCounts(read=500),
        }
        outcome = Outcome(**(fields | changes))
        return AnalysisEnded(subject=execution.subject, output_s3_uri=folder, outcome=outcome)

    @property
    def announcements(self) -> list[ExecutionEnded]:
        return [event for event in self.bus.published if isinstance(event, ExecutionEnded)]

    @property
    def endings(self) -> list[AnalysisEnded]:
        return [event for event in self.bus.published if isinstance(event, AnalysisEnded)]

    def deliver(self) -> None:
        """Deliver what was published to whoever the rules of the template name, until nothing is left."""
        while self.bus.published:
            self._hand_over(self.bus.published.pop(0))

    def attempt(self) -> list[tuple[Emitted, Upstream]]:
        """Deliver what was published, until nothing is left, and return what was refused, with the reason."""
        refused = []
        while self.bus.published:
            event = self.bus.published.pop(0)
            try:
                self._hand_over(event)
            except Upstream as error:
                refused.append((event, error))
        return refused

    def _hand_over(self, event: Emitted) -> None:
        if isinstance(event, AnalysisEnded):
            self.finish(event)
        elif isinstance(event, ExecutionEnded):
            self.route(event)
        elif isinstance(event, AlertRaised):
            self.deliver_alert(event)
        elif isinstance(event, AlertsWaiting):
            self.deliver_alert.send_waiting(event)
        elif isinstance(event, ScheduleSilent):
            self.route.raise_silence(event)


def schedule_parameters(name: str = "hourly") -> dict[str, object]:
    return {
        "monitoring_schedule_name": name,
        "schedule_expression": "cron(0 * ? * * *)",
        "endpoint_input": {"endpoint_name": "mortgages"},
        "baseline": {
            "constraints_s3_uri": "s3://results/baseline/constraints.json",
            "statistics_s3_uri": "s3://results/baseline/statistics.json",
        },
    }
