"""The one place where use cases meet AWS. Everything is made when first needed, once a process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

from modelwatch_core.adapters.system_clock import SystemClock
from modelwatch_core.app.accept_schedule import AcceptSchedule
from modelwatch_core.app.analysis_records import AnalysisRecords
from modelwatch_core.app.baseline_by_rule import BaselineByRule
from modelwatch_core.app.check_batch import CheckBatch
from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.app.deliver_alerts import DeliverAlert, RaiseAlert
from modelwatch_core.app.fetch_inputs import DOWNLOADS
from modelwatch_core.app.finish_analysis import FinishAnalysis, FinishBaseliningJob, FinishExecution
from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.follow_watched_endpoint import FollowWatchedEndpoint
from modelwatch_core.app.keep_measures import KeepMeasures
from modelwatch_core.app.launch_execution import LaunchExecution
from modelwatch_core.app.manage_monitors import ManageMonitors
from modelwatch_core.app.monitor_alerts import MonitorAlerts
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.prepare_analysis import PrepareAnalysis
from modelwatch_core.app.raise_notices import RaiseNotices
from modelwatch_core.app.reconcile import Reconcile
from modelwatch_core.app.redeliver import Redeliver
from modelwatch_core.app.route_alerts import RouteAlerts
from modelwatch_core.app.run_analysis import Analyze, RunAnalysis
from modelwatch_core.app.sagemaker_api.custom_resources import ProvideCustomResource
from modelwatch_core.app.sagemaker_api.operation import App
from modelwatch_core.app.sagemaker_api.serve_request import ServeBaselineRequest, ServeSageMakerRequest
from modelwatch_core.app.show_monitors import ReadMonitors, ShowWidget, WriteDashboard
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.app.stop_baselining_job import StopBaseliningJob
from modelwatch_core.app.stop_execution import StopExecution
from modelwatch_core.app.temporary_endpoints import DeferAnalysis, FollowEndpoint, OwnedEndpoints
from modelwatch_core.app.watch_alerts import WatchAlerts
from modelwatch_core.domain.alert_targets import ALARM
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.emr_serverless import EMR_SERVERLESS, JobRunEnded
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.lambda_invocation import LAMBDA, InvocationFailed, lambda_run
from modelwatch_core.domain.model_endpoints import Model, ModelReference, OpenModel
from modelwatch_core.domain.processing_job import SAGEMAKER, JobState
from modelwatch_core.domain.report_links import ReportLinks, console_link, no_link
from modelwatch_core.ports import (
    AlertStates,
    AlertTarget,
    AnalysisAccess,
    AnalysisHost,
    BaseliningJobs,
    EventBus,
    Ledger,
    MetricSink,
    MonitorPeriods,
    NotifiedPlaces,
    ObjectStore,
    RunClaims,
    Schedules,
    SentAlerts,
    WaitingAlerts,
)
from modelwatch_core.settings import (
    AlertSettings,
    AnalyzerFunctionSettings,
    AnalyzerSettings,
    BusSettings,
    DeadLetterSettings,
    EmrServerlessSettings,
    LaunchSettings,
    LedgerSettings,
    LimitSettings,
    MetricSettings,
    ProcessingJobSettings,
    ResultsSettings,
    TickSettings,
    sagemaker_arns,
)

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from types_boto3_cloudwatch.client import CloudWatchClient
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_s3.client import S3Client
    from types_boto3_sagemaker.client import SageMakerClient
    from types_boto3_sagemaker_runtime.client import SageMakerRuntimeClient
    from types_boto3_sns.client import SNSClient

    from modelwatch_core.adapters.aws.analysis_role import AnalysisRole
    from modelwatch_core.adapters.aws.emr_serverless import EmrServerless
    from modelwatch_core.adapters.aws.versioned_items import VersionedItems

_CLOCK = SystemClock()


# ---------------------------------------------------------------- AWS
@cache
def _session() -> boto3.Session:
    # boto3 is slow to import: a function pays for it when it makes its first call, not when it starts.
    import boto3

    return boto3.Session()


@cache
def _config() -> Config:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=DOWNLOADS,
    )


@cache
def _s3() -> S3Client:
    return _session().client("s3", config=_config())


@cache
def _sagemaker() -> SageMakerClient:
    return _session().client("sagemaker", config=_config())


@cache
def _cloudwatch() -> CloudWatchClient:
    return _session().client("cloudwatch", config=_config())


@cache
def _table() -> Table:
    return _session().resource("dynamodb", config=_config()).Table(LedgerSettings.from_environment().ledger_table)


# ---------------------------------------------------------------- ports
def _items() -> VersionedItems:
    from modelwatch_core.adapters.aws.versioned_items import VersionedItems

    return VersionedItems(_table())


def _ledger() -> Ledger:
    from modelwatch_core.adapters.aws.execution_table import TableLedger

    return TableLedger(_items())


def _schedules() -> Schedules:
    from modelwatch_core.adapters.aws.schedule_table import TableSchedules

    return TableSchedules(_items())


def _jobs() -> BaseliningJobs:
    from modelwatch_core.adapters.aws.baselining_job_table import TableBaseliningJobs

    return TableBaseliningJobs(_items())


def _records() -> AnalysisRecords:
    return AnalysisRecords(_ledger(), _jobs())


def _lists() -> MonitorLists:
    return MonitorLists(_schedules(), _ledger(), _jobs())


def _alert_states() -> AlertStates:
    from modelwatch_core.adapters.aws.alert_tables import TableAlertStates

    return TableAlertStates(_items())


def _sent_alerts() -> SentAlerts:
    from modelwatch_core.adapters.aws.alert_tables import TableSentAlerts

    return TableSentAlerts(_items(), _CLOCK)


def _waiting_alerts() -> WaitingAlerts:
    from modelwatch_core.adapters.aws.alert_tables import TableWaitingAlerts

    return TableWaitingAlerts(_items(), _CLOCK)


def _metrics() -> MetricSink:
    from modelwatch_core.adapters.aws.metric_sink import CloudWatchMetrics

    return CloudWatchMetrics(_cloudwatch(), _CLOCK)


def _run_claims() -> RunClaims:
    from modelwatch_core.adapters.aws.run_claim_table import TableRunClaims

    return TableRunClaims(_items(), _CLOCK)


def _objects() -> ObjectStore:
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

    return S3ObjectStore(_s3())


@cache
def _bus() -> EventBus:
    from modelwatch_core.adapters.aws.event_bus import EventBridgeBus

    client = _session().client("events", config=_config())
    return EventBridgeBus(client, BusSettings.from_environment().event_bus)


def _owned_endpoints() -> OwnedEndpoints:
    from modelwatch_core.adapters.aws.deferred_analysis_table import TableDeferredAnalyses
    from modelwatch_core.adapters.aws.temporary_endpoints import SageMakerTemporaryEndpoints

    owner = LedgerSettings.from_environment().ledger_table  # one a deployment
    return OwnedEndpoints(TableDeferredAnalyses(_items()), SageMakerTemporaryEndpoints(_sagemaker, owner), owner)


# ---------------------------------------------------------------- hosts of analyses
def _analyzer_function() -> AnalysisHost:
    from modelwatch_core.adapters.aws.analyzer_function import AnalyzerFunction

    settings = AnalyzerFunctionSettings.from_environment()
    client = _session().client("lambda", config=_config())
    return AnalyzerFunction(client, settings.analyzer_function, settings.analyzer_log_group, settings.limits)


def _processing_jobs() -> AnalysisHost | None:
    settings = ProcessingJobSettings.from_environment()
    if not settings.job_role_arn:
        return None
    from modelwatch_core.adapters.aws.processing_jobs import ProcessingJobs, processing_job_limits

    return ProcessingJobs(
        sagemaker=_sagemaker(),
        objects=_objects(),
        requests=f"{_results()}/processing-jobs",
        image_uri=settings.job_image_uri,
        role_arn=settings.job_role_arn,
        owner=LedgerSettings.from_environment().ledger_table,  # one a deployment
        limits=processing_job_limits(
            runs_analyses=bool(settings.job_image_uri), image_roles=settings.passable_role_arns
        ),
        allow_pickles=settings.allow_pickles,
    )


@cache
def _emr_serverless() -> EmrServerless | None:
    settings = EmrServerlessSettings.from_environment()
    if not settings.spark_application_id:
        return None
    from modelwatch_core.adapters.aws.emr_serverless import EmrServerless, emr_serverless_limits

    return EmrServerless(
        client=_session().client("emr-serverless", config=_config()),
        objects=_objects(),
        requests=f"{_results()}/processing-jobs",
        application_id=settings.spark_application_id,
        role_arn=settings.spark_role_arn,
        packages=settings.spark_packages_uri,
        log_group=settings.spark_log_group,
        limits=emr_serverless_limits(settings.spark_vcpus),
    )


def _end_of_invocation(detail: object) -> AnalysisEnded:
    from modelwatch_core.domain.execution_cost import Usage

    failed = InvocationFailed.model_validate(detail)
    if failed.seconds is None:
        return failed.as_analysis_ended()
    memory = AnalyzerFunctionSettings.from_environment().analyzer_memory_mebibytes
    return failed.as_analysis_ended(Usage(seconds=failed.seconds, memory_mebibytes=memory))


def _end_of_job(detail: object) -> AnalysisEnded | None:
    from modelwatch_core.app.end_of_job import EndOfJob

    return EndOfJob(_ledger(), _jobs(), _objects())(JobState.model_validate(detail).job_run)


def _end_of_job_run(detail: object) -> AnalysisEnded | None:
    from modelwatch_core.app.end_of_job import EndOfJob

    event, host = JobRunEnded.model_validate(detail), _emr_serverless()
    if host is None or event.application_id != host.application_id:
        return None
    state = host.state(event.job_run_id)
    return EndOfJob(_ledger(), _jobs(), _objects())(state.job_run) if state else None


HOSTS: dict[str, Callable[[], AnalysisHost | None]] = {
    LAMBDA: _analyzer_function,
    SAGEMAKER: _processing_jobs,
    EMR_SERVERLESS: _emr_serverless,
}
"""Every host by its name, the one that starts soonest first. One that this deployment does not have gives None."""

ENDS: dict[str, Callable[[object], AnalysisEnded | None]] = {
    AnalysisEnded.detail_type: AnalysisEnded.model_validate,
    InvocationFailed.detail_type: _end_of_invocation,
    JobState.detail_type: _end_of_job,
    JobRunEnded.detail_type: _end_of_job_run,
}
"""How the end of a run is read from the events that report it, by their detail type; None for what is not ours."""


@cache
def _hosts() -> Mapping[str, AnalysisHost]:
    return {name: host for name, make in HOSTS.items() if (host := make()) is not None}


@cache
def _start_analysis() -> StartAnalysis:
    return StartAnalysis(_hosts(), _objects(), DeferAnalysis(_owned_endpoints(), _CLOCK))


# ---------------------------------------------------------------- targets of alerts
@cache
def _sns() -> SNSClient:
    return _session().client("sns", config=_config())


def _report_links() -> ReportLinks:
    settings = AlertSettings.from_environment()
    if settings.report_links == "presigned":
        from modelwatch_core.adapters.aws.presigned_links import PresignedLinks

        return PresignedLinks(_s3())
    if settings.report_links == "console":
        return lambda alert: console_link(alert, settings.region)
    return no_link


@cache
def _topics() -> AlertTarget:
    from modelwatch_core.adapters.aws.sns_topic import SnsTopics

    return SnsTopics(_sns(), AlertSettings.from_environment().topics, _report_links())


@cache
def _json_topics() -> AlertTarget:
    from modelwatch_core.adapters.aws.sns_topic import SnsJsonTopics

    return SnsJsonTopics(_sns(), AlertSettings.from_environment().topics)


@cache
def _chat_topics() -> AlertTarget:
    from modelwatch_core.adapters.aws.sns_topic import SnsChatTopics

    return SnsChatTopics(_sns(), AlertSettings.from_environment().topics, _report_links())


@cache
def _functions() -> AlertTarget:
    from modelwatch_core.adapters.aws.alert_functions import AlertFunctions

    settings = AlertSettings.from_environment()
    return AlertFunctions(_session().client("lambda", config=_config()), settings.functions, settings.alert_topic_arn)


ALERT_TARGETS: dict[str, Callable[[], AlertTarget]] = {
    "sns": _topics,
    "sns-json": _json_topics,
    "sns-chat": _chat_topics,
    "lambda": _functions,
}
"""Every type of alert target by its name."""


@cache
def _alarms() -> NotifiedPlaces:
    from modelwatch_core.adapters.aws.alarms import Alarms

    return Alarms(_cloudwatch, MetricSettings.from_environment().metric_namespace_prefix)


def _raise_alert() -> RaiseAlert:
    return RaiseAlert(_bus(), lambda: AlertSettings.from_environment().default_targets)


# ---------------------------------------------------------------- use cases
def _results() -> str:
    return f"s3://{ResultsSettings.from_environment().results_bucket}"


def _output_buckets() -> tuple[str, ...]:
    return ResultsSettings.from_environment().further_buckets


@cache
def _stop_execution() -> StopExecution:
    return StopExecution(_ledger(), _hosts(), _run_claims(), finish_analysis())


@cache
def _follow_schedule() -> FollowSchedule:
    from modelwatch_core.adapters.aws.scheduler_ticks import SchedulerTicks

    settings = TickSettings.from_environment()
    ticks = SchedulerTicks(
        _session().client("scheduler", config=_config()),
        group=settings.schedule_group,
        launch_function_arn=settings.launch_function_arn,
        role_arn=settings.scheduler_role_arn,
        dead_letter_arn=settings.dead_letter_arn,
        key_arn=settings.schedules_key_arn,
    )
    return FollowSchedule(_schedules(), ticks, _stop_execution())


@cache
def manage_monitors() -> ManageMonitors:
    """Return the use case of functions/manage_monitors."""
    from modelwatch_core.adapters.aws.endpoints import SageMakerEndpoints

    limits = LimitSettings.from_environment()
    lists = _lists()
    return ManageMonitors(
        schedules=_schedules(),
        ledger=_ledger(),
        jobs=_jobs(),
        lists=lists,
        alerts=MonitorAlerts(lists, _schedules(), _ledger(), _alert_states(), _follow_schedule(), _CLOCK),
        sent_alerts=_sent_alerts(),
        accept=AcceptSchedule(
            jobs=_jobs(),
            objects=_objects(),
            endpoints=SageMakerEndpoints(_sagemaker()),
            start_analysis=_start_analysis(),
            clock=_CLOCK,
            results=_results(),
            alert_targets={**ALERT_TARGETS, ALARM: _alarms},
            output_buckets=_output_buckets(),
            shortest_interval=timedelta(minutes=limits.shortest_schedule_minutes),
        ),
        follow_schedule=_follow_schedule(),
        stop_execution=_stop_execution(),
        stop_baselining_job=StopBaseliningJob(_hosts(), _run_claims(), finish_analysis()),
        clock=_CLOCK,
        new_token=lambda: secrets.token_hex(4),
        arn_prefix=TickSettings.from_environment().sagemaker_arns,
        most_schedules=limits.most_schedules,
    )


@cache
def create_baseline() -> CreateBaseline:
    """Return the use case of functions/create_baseline."""
    return CreateBaseline(
        jobs=_jobs(),
        objects=_objects(),
        start_analysis=_start_analysis(),
        clock=_CLOCK,
        results=_results(),
        output_buckets=_output_buckets(),
    )


@cache
def baseline_by_rule() -> BaselineByRule:
    """Return the use case of functions/create_baseline for training jobs and model packages."""
    from modelwatch_core.adapters.aws.sagemaker_jobs import SageMakerModelPackages

    return BaselineByRule(create_baseline(), SageMakerModelPackages(_sagemaker()))


@cache
def serve_sagemaker_request() -> ServeSageMakerRequest:
    """Return the use case of functions/manage_monitors for requests of SageMaker's API."""
    from modelwatch_core.adapters.aws.job_definition_table import TableJobDefinitions

    return ServeSageMakerRequest(App(manage_monitors(), TableJobDefinitions(_items())))


@cache
def provide_custom_resource() -> ProvideCustomResource:
    """Return the use case of functions/manage_monitors for events of CloudFormation."""
    import urllib3

    from modelwatch_core.adapters.aws.stack_responses import StackResponses

    return ProvideCustomResource(serve_sagemaker_request(), StackResponses(urllib3.PoolManager()))


@cache
def serve_baseline_request(function_arn: str) -> ServeBaselineRequest:
    """Return the use case of functions/create_baseline for requests of SageMaker's API."""
    return ServeBaselineRequest(create_baseline(), sagemaker_arns(function_arn))


@cache
def launch_execution() -> LaunchExecution:
    """Return the use case of functions/launch_execution."""
    return LaunchExecution(
        schedules=_schedules(),
        ledger=_ledger(),
        prepare_analysis=PrepareAnalysis(_ledger(), _objects(), _start_analysis(), _CLOCK),
        start_analysis=_start_analysis(),
        bus=_bus(),
        clock=_CLOCK,
        settling=timedelta(seconds=LaunchSettings.from_environment().capture_settling_seconds),
    )


@cache
def check_batch() -> CheckBatch:
    """Return the use case of functions/launch_execution for completed transform jobs."""
    from modelwatch_core.adapters.aws.sagemaker_jobs import SageMakerTransformJobs

    return CheckBatch(_schedules(), SageMakerTransformJobs(_sagemaker()), launch_execution())


@cache
def _finish_execution() -> FinishExecution:
    prefix = MetricSettings.from_environment().metric_namespace_prefix
    # No schedule has a dataset that is read in parts.
    larger = [name for name, host in _hosts().items() if host.limits.runs_analyses and not host.limits.needs_parts]
    return FinishExecution(_ledger(), _objects(), _metrics(), _bus(), _CLOCK, metric_prefix=prefix, hosts=larger)


@cache
def finish_analysis() -> FinishAnalysis:
    """Return the use case of functions/finish_execution."""
    return FinishAnalysis(
        _finish_execution(),
        FinishBaseliningJob(_jobs(), _CLOCK, [name for name, host in _hosts().items() if host.limits.runs_analyses]),
        _records(),
        _run_claims(),
        _owned_endpoints(),
    )


def analysis_ended(detail_type: str, detail: object) -> AnalysisEnded | None:
    """Return the end of a run that an event reports, of any host; None for an event of something else.

    Raises
    ------
    InvalidInput
        ``UnknownEvent``, or ``InvalidEvent`` for one that is not in the form that its type has.
    """
    if detail_type not in ENDS:
        raise InvalidInput(
            "UnknownEvent", f"{detail_type!r} does not report the end of a run; a rule of the template is wrong"
        )
    try:
        return ENDS[detail_type](detail)
    except ValidationError as error:
        raise InvalidInput("InvalidEvent", validation_message(error, document_name=detail_type, limit=3)) from None


@cache
def follow_endpoint() -> FollowEndpoint:
    """Return the use case of functions/follow_endpoints."""
    return FollowEndpoint(_owned_endpoints(), _records(), hosts=_hosts(), bus=_bus(), clock=_CLOCK)


@cache
def follow_watched_endpoint() -> FollowWatchedEndpoint:
    """Return the use case of functions/follow_endpoints for the user's own endpoints."""
    from modelwatch_core.adapters.aws.endpoints import SageMakerEndpoints

    return FollowWatchedEndpoint(
        schedules=_schedules(),
        states=_alert_states(),
        endpoints=SageMakerEndpoints(_sagemaker()),
        follow_schedule=_follow_schedule(),
        raise_notices=RaiseNotices(_raise_alert(), _CLOCK),
        clock=_CLOCK,
    )


@cache
def route_alerts() -> RouteAlerts:
    """Return the use case of functions/route_alerts for ended executions, and for schedules that did not fire."""
    return RouteAlerts(
        ledger=_ledger(),
        states=_alert_states(),
        schedules=_schedules(),
        raise_alert=_raise_alert(),
        metrics=_metrics(),
        clock=_CLOCK,
        metric_prefix=MetricSettings.from_environment().metric_namespace_prefix,
    )


@cache
def deliver_alert() -> DeliverAlert:
    """Return the use case of functions/route_alerts for raised alerts, and for those that wait."""
    return DeliverAlert(sent=_sent_alerts(), waiting=_waiting_alerts(), bus=_bus(), targets=ALERT_TARGETS)


@cache
def write_dashboard() -> WriteDashboard:
    """Return the use case of functions/show_monitors for ended executions."""
    keep = KeepMeasures(_ledger(), _periods(), _CLOCK)
    return WriteDashboard(_monitors(), keep, _objects(), _CLOCK, _results())


@cache
def show_widget() -> ShowWidget:
    """Return the use case of functions/show_monitors for CloudWatch."""
    return ShowWidget(_monitors(), _CLOCK)


def _monitors() -> ReadMonitors:
    from modelwatch_core.adapters.aws.summary_table import TableMonitorSummaries

    return ReadMonitors(_lists(), TableMonitorSummaries(_items()), _periods(), _alert_states())


def _periods() -> MonitorPeriods:
    from modelwatch_core.adapters.aws.summary_table import TableMonitorPeriods

    return TableMonitorPeriods(_items())


@cache
def reconcile() -> Reconcile:
    """Return the use case of functions/reconcile."""
    return Reconcile(
        records=_records(),
        objects=_objects(),
        launch=launch_execution(),
        create_baseline=create_baseline(),
        finish=finish_analysis(),
        follow=follow_endpoint(),
        hosts=_hosts(),
        clock=_CLOCK,
        schedules=_schedules(),
        follow_schedule=_follow_schedule(),
        watch_alerts=WatchAlerts(
            _schedules(), _ledger(), _alert_states(), _waiting_alerts(), follow_watched_endpoint(), _bus(), _CLOCK
        ),
    )


@cache
def redeliver() -> Redeliver:
    """Return the use case of functions/reconcile for dead letters."""
    from modelwatch_core.adapters.aws.dead_letter_queue import DeadLetterQueue

    settings = DeadLetterSettings.from_environment()
    letters = DeadLetterQueue(
        queue=_session().client("sqs", config=_config()),
        functions=_session().client("lambda", config=_config()),
        queue_url=settings.dead_letter_queue_url,
        function_names=settings.redelivered_functions.split(","),
    )
    return Redeliver(letters, _CLOCK)


# ---------------------------------------------------------------- for the analyzer
def run_analysis(analyze: Analyze) -> RunAnalysis:
    """Return what a host does around the analyzer; the host brings the analyzer, which no zip function has."""
    memory = AnalyzerSettings.from_environment().aws_lambda_function_memory_size
    return RunAnalysis(_analysis_access, _bus(), _run_claims(), analyze, memory_mebibytes=memory)


@cache
def _analysis_role() -> AnalysisRole:
    from modelwatch_core.adapters.aws.analysis_role import AnalysisRole

    return AnalysisRole(_session(), AnalyzerSettings.from_environment().analysis_role_arn, _config())


def _analysis_access(request: AnalysisRequest) -> AnalysisAccess:
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

    client = _analysis_role().clients_for(request)
    models = _models(lambda config: client("sagemaker-runtime", config))
    return AnalysisAccess(objects=S3ObjectStore(client("s3", _config())), model=models)


def access_of_a_job() -> AnalysisAccess:
    """Return what an analysis reaches in a processing job: what the job's role may reach."""
    client = _session().client  # of a service that the functions' layer has not
    models = _models(lambda config: client("sagemaker-runtime", config=config))
    return AnalysisAccess(objects=_objects(), model=models)


def _models(connect: Callable[[Config], SageMakerRuntimeClient]) -> OpenModel:
    from modelwatch_core.adapters.aws.endpoint_model import RUNTIME_CONFIG, EndpointModels

    def model(reference: ModelReference) -> AbstractContextManager[Model]:  # most analyses need none
        return EndpointModels(connect(RUNTIME_CONFIG))(reference)

    return model


def run_of_invocation(subject: str, request_id: str) -> Run:
    """Return the run that an invocation of the analyzer's Lambda is."""
    return lambda_run(subject, request_id, AnalyzerSettings.from_environment().analyzer_log_group)


def allows_pickles() -> bool:
    """Return whether this deployment lets schedules load models from pickles."""
    return AnalyzerSettings.from_environment().allow_pickles
