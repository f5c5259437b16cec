"""The one place where use cases meet AWS. Everything is made when first asked for, once a process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from typing import Any

from modelwatch_core.adapters.system_clock import SystemClock
from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.app.finish_analysis import FinishAnalysis, FinishBaseliningJob, FinishExecution
from modelwatch_core.app.launch_execution import LaunchExecution
from modelwatch_core.app.manage_monitors import ManageMonitors
from modelwatch_core.app.reconcile import Reconcile
from modelwatch_core.app.route_alerts import RouteAlerts
from modelwatch_core.app.run_analysis import Analyze, RunAnalysis
from modelwatch_core.app.shadow_endpoints import FollowEndpoint, ShadowedHost, Shadows
from modelwatch_core.domain.model_endpoints import Model, ModelReference, OpenModel
from modelwatch_core.ports import AlertTarget
from modelwatch_core.settings import (
    AlertSettings,
    BusSettings,
    HostSettings,
    LedgerSettings,
    ResultsSettings,
    TickSettings,
)

_CLOCK = SystemClock()


@cache
def _session() -> Any:
    # boto3 is slow to import: a function pays for it when it makes its first call, not when it starts.
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=20)
    return boto3.Session(), config


@cache
def _client(service: str) -> Any:
    session, config = _session()
    return session.client(service, config=config)


@cache
def _table() -> Any:
    session, config = _session()
    return session.resource("dynamodb", config=config).Table(LedgerSettings.from_environment().ledger_table)


def _items() -> Any:
    from modelwatch_core.adapters.aws.ledger_table import VersionedItems

    return VersionedItems(_table())


def _ledger() -> Any:
    from modelwatch_core.adapters.aws.ledger_table import TableLedger

    return TableLedger(_items())


def _schedules() -> Any:
    from modelwatch_core.adapters.aws.ledger_table import TableSchedules

    return TableSchedules(_items())


def _jobs() -> Any:
    from modelwatch_core.adapters.aws.ledger_table import TableBaseliningJobs

    return TableBaseliningJobs(_items())


def _objects() -> Any:
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

    return S3ObjectStore(_client("s3"))


def _bus() -> Any:
    from modelwatch_core.adapters.aws.event_bus import EventBridgeBus

    return EventBridgeBus(_client("events"), BusSettings.from_environment().event_bus)


def _analyzer(settings: HostSettings) -> Any:
    from modelwatch_core.adapters.aws.analyzer_function import AnalyzerFunction

    return AnalyzerFunction(_client("lambda"), settings.analyzer_function, settings.analyzer_capacity_bytes)


def _shadows() -> Shadows:
    from modelwatch_core.adapters.aws.shadow_endpoints import SageMakerShadowEndpoints, TableShadowAnalyses

    owner = LedgerSettings.from_environment().ledger_table  # one a deployment
    return Shadows(TableShadowAnalyses(_items()), SageMakerShadowEndpoints(_client("sagemaker"), owner), owner)


def _host(settings: HostSettings) -> Any:
    return ShadowedHost(_analyzer(settings), _shadows(), _objects(), _CLOCK)


def _results() -> str:
    return f"s3://{ResultsSettings.from_environment().results_bucket}"


@cache
def manage_monitors() -> ManageMonitors:
    """Return the use case of functions/manage_monitors."""
    from modelwatch_core.adapters.aws.endpoints import SageMakerEndpoints
    from modelwatch_core.adapters.aws.scheduler_ticks import SchedulerTicks

    settings = TickSettings.from_environment()
    ticks = SchedulerTicks(
        _client("scheduler"),
        group=settings.schedule_group,
        launch_function_arn=settings.launch_function_arn,
        role_arn=settings.scheduler_role_arn,
        dead_letter_arn=settings.dead_letter_arn,
    )
    return ManageMonitors(
        schedules=_schedules(),
        ledger=_ledger(),
        jobs=_jobs(),
        ticks=ticks,
        endpoints=SageMakerEndpoints(_client("sagemaker")),
        objects=_objects(),
        clock=_CLOCK,
        results=_results(),
    )


@cache
def create_baseline() -> CreateBaseline:
    """Return the use case of functions/create_baseline."""
    host = _host(HostSettings.from_environment())
    return CreateBaseline(jobs=_jobs(), objects=_objects(), host=host, clock=_CLOCK, results=_results())


@cache
def launch_execution() -> LaunchExecution:
    """Return the use case of functions/launch_execution."""
    settings = HostSettings.from_environment()
    return LaunchExecution(
        schedules=_schedules(),
        ledger=_ledger(),
        objects=_objects(),
        host=_host(settings),
        bus=_bus(),
        clock=_CLOCK,
        lease=timedelta(seconds=settings.analysis_lease_seconds),
    )


@cache
def _finish_execution() -> FinishExecution:
    from modelwatch_core.adapters.aws.metric_sink import CloudWatchMetrics

    metrics = CloudWatchMetrics(_client("cloudwatch"))
    return FinishExecution(ledger=_ledger(), objects=_objects(), metrics=metrics, bus=_bus(), clock=_CLOCK)


@cache
def finish_analysis() -> FinishAnalysis:
    """Return the use case of functions/finish_execution."""
    return FinishAnalysis(_finish_execution(), FinishBaseliningJob(jobs=_jobs(), clock=_CLOCK), _shadows())


@cache
def follow_endpoint() -> FollowEndpoint:
    """Return the use case of functions/follow_endpoints."""
    host = _analyzer(HostSettings.from_environment())
    return FollowEndpoint(_shadows(), ledger=_ledger(), jobs=_jobs(), host=host, bus=_bus(), clock=_CLOCK)


@cache
def route_alerts() -> RouteAlerts:
    """Return the use case of functions/route_alerts."""
    from modelwatch_core.adapters.aws.ledger_table import TableSentAlerts
    from modelwatch_core.adapters.aws.sns_topic import SnsTopic

    # Every place that alerts go to is one line here.
    targets: dict[str, AlertTarget] = {
        "sns": SnsTopic(_client("sns"), AlertSettings.from_environment().alert_topic_arn),
    }
    return RouteAlerts(sent=TableSentAlerts(_table(), _CLOCK), targets=targets)


@cache
def reconcile() -> Reconcile:
    """Return the use case of functions/reconcile."""
    return Reconcile(
        ledger=_ledger(),
        jobs=_jobs(),
        launch=launch_execution(),
        finish=finish_analysis(),
        follow=follow_endpoint(),
        clock=_CLOCK,
    )


def run_analysis(analyze: Analyze) -> RunAnalysis:
    """Return what a host does around the analyzer; the host brings the analyzer, which no zip function has."""
    return RunAnalysis(objects=_objects(), bus=_bus(), analyze=analyze)


@cache
def _endpoint_models() -> OpenModel:
    from modelwatch_core.adapters.aws.endpoint_model import RUNTIME_CONFIG, EndpointModels

    session, _ = _session()
    return EndpointModels(session.client("sagemaker-runtime", config=RUNTIME_CONFIG))


def read_object(s3_uri: str) -> bytes | None:
    """Give an analysis what lies at an S3 URI that its configuration names."""
    content: bytes | None = _objects().read(s3_uri)
    return content


def open_model(reference: ModelReference) -> AbstractContextManager[Model]:
    """Give an analysis the model behind a SageMaker endpoint; an ``OpenModel``."""
    return _endpoint_models()(reference)
