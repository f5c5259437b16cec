"""What the use cases want of the world. One contract test per port runs against every implementation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from modelwatch_core.domain.alert_states import AlertState, AlertTransition
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.dashboard.periods import Period
from modelwatch_core.domain.dashboard.summaries import MonitorSummary
from modelwatch_core.domain.dead_letters import DeadLetter
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import Emitted
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.heard_alerts import HeardAlerts
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription
from modelwatch_core.domain.model_endpoints import ModelReference, OpenModel
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleRequest
from modelwatch_core.domain.sagemaker_api.job_definitions import JobDefinition
from modelwatch_core.domain.sagemaker_events import TransformJob
from modelwatch_core.domain.temporary_endpoint import DeferredAnalysis, TemporaryEndpoint
from modelwatch_core.domain.watched_endpoint import Deployment


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...


class UnreadableRecord(NamedTuple):
    """A record that this version cannot read: it was edited, or a later version wrote it.

    Attributes
    ----------
    identity : str
        Which one.
    reason : str
        What is wrong with it, without its values.
    """

    identity: str
    reason: str

    @property
    def error(self) -> Upstream:
        """What is raised where the record is needed; a retry helps once it can be read."""
        advice = "deploy the version that wrote it, or remove the record"
        return Upstream("RecordUnreadable", f"the record {self.identity} cannot be read: {self.reason}; {advice}")


Record = TypeVar("Record")


def readable(records: Iterable[Record | UnreadableRecord]) -> Iterator[Record]:
    """Yield the records that can be read; the sweep reports the others."""
    for each in records:
        if not isinstance(each, UnreadableRecord):
            yield each


class Page(NamedTuple, Generic[Record]):
    """Some records of a list.

    Attributes
    ----------
    records : sequence of (record, str)
        Each with its position, after which another page may begin.
    has_more : bool
        Whether the list may go on.
    """

    records: Sequence[tuple[Record | UnreadableRecord, str]]
    has_more: bool


class ScheduleChange(NamedTuple):
    """A write of a schedule, or its deletion, that its clock has not been made to follow yet.

    Attributes
    ----------
    version : int
        The version that was written, or deleted.
    """

    monitoring_schedule_name: str
    schedule_id: str
    version: int


class Schedules(Protocol):
    """The definitions of all schedules, and each of their versions.

    A write and a deletion note a ``ScheduleChange`` in the same step; it stands until it is ``followed``.
    """

    def get(self, name: str) -> MonitoringSchedule | None:
        """Return a schedule, or None."""
        ...

    def save(self, schedule: MonitoringSchedule, *, most: int | None = None) -> ScheduleChange:
        """Write a schedule; one of version 1 must be new, a later one must follow on the version before it.

        Parameters
        ----------
        most : int, optional
            How many schedules there may be, with a new one.

        Raises
        ------
        InvalidInput
            ``ScheduleExists`` or ``ResourceLimitExceeded`` for version 1.
        NotReady
            ``ChangedMeanwhile`` for a later one.
        """
        ...

    def delete(self, schedule: MonitoringSchedule, *, now: datetime) -> ScheduleChange:
        """Remove a schedule. Its versions and executions are kept.

        Raises
        ------
        NotReady
            ``ChangedMeanwhile`` if it is not as given any more.
        """
        ...

    def page(
        self, *, limit: int, after: str | None = None, by_creation: bool = False, descending: bool = False
    ) -> Page[MonitoringSchedule]:
        """Return schedules in the order of their names, or of their creation."""
        ...

    def version(self, schedule_id: str, version: int) -> MonitoringSchedule | None:
        """Return a schedule as it was in a version, also one that was deleted since, or None."""
        ...

    def versions(self, schedule_id: str, *, limit: int, after: str | None = None) -> Page[MonitoringSchedule]:
        """Return the versions of a schedule, the newest first."""
        ...

    def watching(self, watched: str) -> Iterator[MonitoringSchedule]:
        """Yield the schedules that watch an endpoint, or a folder of captures: see ``ScheduleRequest.watched``."""
        ...

    def overdue(self, moment: datetime) -> Iterator[str]:
        """Yield the names of the schedules that were to fire by a moment, as far as it was noted that they did.

        What is noted may be behind, never ahead: whoever finds that a schedule fired notes it with ``expect``.
        """
        ...

    def expect(self, schedule: MonitoringSchedule, fired: datetime) -> None:
        """Note for which time a schedule fired last; nothing if it was changed or deleted meanwhile."""
        ...

    def changes(self, until: datetime) -> Iterator[ScheduleChange]:
        """Yield the changes that were made until a moment and are not followed."""
        ...

    def followed(self, change: ScheduleChange) -> None:
        """Forget a change: the clock has followed it."""
        ...


class Claim(StrEnum):
    """What a claim came to."""

    CLAIMED = "claimed"
    WAITING = "waiting"
    TAKEN = "taken"


class ExecutionOrder(NamedTuple):
    """Which executions are listed, and by which of their times.

    Attributes
    ----------
    by : str
        ``CreationTime`` or ``ScheduledTime``.
    schedule_id : str, optional
        The schedule whose executions are listed; those of all schedules if not given.
    since, until : datetime, optional
        The first and the last moment of that time.
    """

    by: Literal["CreationTime", "ScheduledTime"]
    schedule_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Ledger(Protocol):
    """All executions. One per schedule, window and attempt, at most one active per schedule, and terminal is final."""

    def claim(self, execution: MonitoringExecution) -> tuple[Claim, MonitoringExecution]:
        """Claim a window for a firing, and return what came of it and the record that now stands.

        CLAIMED: this firing holds the schedule and may start the analysis; also when it held it already.
        WAITING: another window of the schedule is active; this one is kept and its turn comes.
        TAKEN: another firing has this window, or it is past starting.
        """
        ...

    def enqueue(self, execution: MonitoringExecution) -> MonitoringExecution:
        """Claim a window, unless it is taken, for its turn to come, and return the record that now stands.

        It waits until no other execution is active.
        """
        ...

    def save(self, execution: MonitoringExecution) -> None:
        """Write the next version of an execution; a settled one lets go of its schedule.

        Raises
        ------
        NotReady
            ``ChangedMeanwhile`` when it does not follow on the version that stands.
        """
        ...

    def get(self, key: ExecutionKey) -> MonitoringExecution | None:
        """Return an execution, or None."""
        ...

    def of_processing_job(self, name: str) -> MonitoringExecution | None:
        """Return the execution that has the name of a processing job, or None."""
        ...

    def cost(self, schedule_id: str) -> Cost:
        """Return the sum of what the executions of a schedule cost."""
        ...

    def active(self, schedule_id: str) -> MonitoringExecution | None:
        """Return the execution that holds a schedule, or None."""
        ...

    def executions_before(
        self, schedule_id: str, moment: datetime | None = None, *, page: int = 100
    ) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield the executions of a schedule, the newest window first, page after page as they are asked for.

        Parameters
        ----------
        moment : datetime, optional
            Only those whose windows begin before it.
        page : int
            How many are read at once.
        """
        ...

    def page(
        self, order: ExecutionOrder, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[MonitoringExecution]:
        """Return executions of one schedule or of all in the order of a time."""
        ...

    def still_open(self, due_by: datetime | None = None) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield every execution that is not settled, or not announced; optionally those due by a moment only."""
        ...


class BaseliningJobs(Protocol):
    """All baselining jobs."""

    def get(self, name: str) -> BaseliningJob | None:
        """Return a job, or None."""
        ...

    def save(self, job: BaseliningJob) -> None:
        """Write a job; version 1 must be new (``BaseliningJobExists``), a later one must follow on."""
        ...

    def page(self, *, limit: int, after: str | None = None, descending: bool = True) -> Page[BaseliningJob]:
        """Return jobs in the order of their creation."""
        ...

    def still_open(self, due_by: datetime | None = None) -> Iterator[BaseliningJob | UnreadableRecord]:
        """Yield every job that is not settled; optionally those due by a moment only."""
        ...


class JobDefinitions(Protocol):
    """The job definitions that SageMaker's API made."""

    def get(self, monitoring_type: str, name: str) -> JobDefinition | None:
        """Return a definition, or None."""
        ...

    def save(self, definition: JobDefinition) -> None:
        """Write a definition; version 1 must be new (``JobDefinitionExists``), a later one must follow on."""
        ...

    def delete(self, definition: JobDefinition) -> None:
        """Remove a definition.

        Raises
        ------
        NotReady
            ``ChangedMeanwhile`` if it is not as given any more.
        """
        ...

    def page(
        self,
        monitoring_type: str,
        *,
        limit: int,
        after: str | None = None,
        by_creation: bool = True,
        descending: bool = True,
    ) -> Page[JobDefinition]:
        """Return definitions of a kind in the order of their creation, or of their names."""
        ...


class CustomResourceResponses(Protocol):
    """How CloudFormation, which waits for a custom resource, gets a response."""

    def check(self, url: str) -> None:
        """Refuse a URL that is not CloudFormation's.

        Raises
        ------
        InvalidInput
            ``InvalidParameter``.
        """
        ...

    def send(self, url: str, document: Mapping[str, Any]) -> None:
        """Respond at a URL.

        Raises
        ------
        Upstream
            When it did not take the response; a retry may help.
        """
        ...


class SentAlerts(Protocol):
    """Which alerts have gone out to which targets. A target is sent alerts of a schedule by one process at a time."""

    def begin(self, alerts: Sequence[Alert], target: AlertTargetReference) -> tuple[Sequence[Alert], HeardAlerts]:
        """Return those of some alerts of a schedule that have not been sent to a target, and what it has heard.

        Where all have been sent, nothing has begun.

        Raises
        ------
        NotReady
            ``AlertUnderWay`` while another process is sending it an alert of the schedule; it may have died.
        """
        ...

    def finish(self, alerts: Sequence[Alert], target: AlertTargetReference, heard: HeardAlerts) -> None:
        """Note that alerts that have begun have been sent, and what the target has heard now."""
        ...

    def abandon(self, alerts: Sequence[Alert], target: AlertTargetReference) -> None:
        """Note that sending failed, so that the next try may begin."""
        ...

    def note_return(self, schedule_id: str, *, of_all_but: Collection[AlertTargetReference]) -> None:
        """Note that whoever has heard of a schedule's alerts, but for some, was none of its targets for a time."""
        ...


class KnownAlerts(NamedTuple):
    """What is known of a schedule's alerts.

    Attributes
    ----------
    states : mapping of AlertName to AlertState
        How each stands that has ever changed.
    muted_until : datetime, optional
        The end of the time in which nothing is sent, which may be over.
    """

    states: Mapping[AlertName, AlertState]
    muted_until: datetime | None

    def state(self, alert: AlertName) -> AlertState:
        """Return how an alert stands."""
        return self.states.get(alert, AlertState())

    def are_muted(self, now: datetime) -> bool:
        """Return whether nothing is sent about the schedule now."""
        return self.muted_until is not None and now < self.muted_until


class MutedSchedule(NamedTuple):
    """A schedule about which nothing is sent until a moment."""

    monitoring_schedule_name: str
    schedule_id: str
    until: datetime


class AlertStates(Protocol):
    """The changes of all alerts, and which schedules are muted."""

    def known(self, schedule_id: str) -> KnownAlerts:
        """Return what is known of a schedule's alerts."""
        ...

    def note(self, transition: AlertTransition, *, announced: bool) -> None:
        """Write a change into the history, once however often it is noted.

        Parameters
        ----------
        announced : bool
            Whether the execution that changed the alert is announced; else a later one is, and found the change.
        """
        ...

    def is_announced(self, schedule_id: str, alert: AlertName, place: str) -> bool:
        """Return whether the execution of a place changed an alert, and was announced when that was noted."""
        ...

    def keep(self, state: AlertState, *, place: str) -> None:
        """Keep how an alert that has changed stands after the execution of a place; after a later one it stays."""
        ...

    def mute(self, muted: MutedSchedule) -> None:
        """Send nothing about a schedule until a moment."""
        ...

    def ended_mutes(self, now: datetime) -> Iterator[MutedSchedule]:
        """Yield the mutes that are over and listed."""
        ...

    def unlist(self, muted: MutedSchedule) -> None:
        """List an ended mute no more, unless its schedule was muted again."""
        ...

    def page(
        self, schedule_id: str | None, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[AlertTransition]:
        """Return changes of the alerts of a schedule, or of all, in the order of their creation."""
        ...


class MonitorSummaries(Protocol):
    """What the dashboard says of each monitor, of those that had an execution within a year or so."""

    def put(self, summary: MonitorSummary, *, read_at: datetime) -> None:
        """Replace a schedule's summary, unless what stands was read from the ledger later."""
        ...

    def get(self, schedule_id: str) -> MonitorSummary | None:
        """Return a schedule's summary, or None where there is none that can be read."""
        ...

    def all(self) -> Iterator[MonitorSummary]:
        """Yield all that can be read, page after page; those of deleted schedules may be among them."""
        ...


class MonitorPeriods(Protocol):
    """The worst that each monitor measured in hours and days, of the last year or so."""

    def put(self, period: Period, *, read_at: datetime) -> None:
        """Replace a period, unless what stands was read later."""
        ...

    def hours(self, schedule_id: str, day: datetime) -> Iterator[Period]:
        """Yield the hours of a day, as they were last written."""
        ...

    def days(self, schedule_id: str, *, most: int) -> Iterator[Period]:
        """Yield the latest days, the newest first."""
        ...


class WaitingAlerts(Protocol):
    """Alerts that a target takes later, together, because it takes only so many a second."""

    def arrivals(self, target: AlertTargetReference) -> int:
        """Count one more alert for a target in this second, and return how many there are."""
        ...

    def put(self, target: AlertTargetReference, alert: Alert) -> None:
        """Keep an alert; one that waits already keeps its place."""
        ...

    def of(self, target: AlertTargetReference, *, most: int) -> Sequence[Alert]:
        """Return the alerts that have waited longest for a target, by the second, the oldest first.

        No others are read. Those that cannot be read are passed over, and what has just been kept may be missing.
        """
        ...

    def remove(self, target: AlertTargetReference, key: str) -> None:
        """Forget an alert that was sent."""
        ...

    def targets(self) -> Iterator[AlertTargetReference]:
        """Yield each target that alerts wait for, once."""
        ...


class NotifiedPlaces(Protocol):
    """A kind of place that hears of the executions of schedules."""

    def check(self, address: str, schedule: ScheduleRequest) -> None:
        """Refuse an address that cannot hear of the executions of a schedule.

        Raises
        ------
        InvalidInput
            ``UnfitAlertTarget``.
        """
        ...


class AlertTarget(NotifiedPlaces, Protocol):
    """A kind of place that alerts are sent to."""

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert to one address.

        Raises
        ------
        Upstream
            When the target did not take it.
        """
        ...


@runtime_checkable
class BundlingTarget(Protocol):
    """An alert target whose people are not to get more than some messages a second."""

    @property
    def most_a_second(self) -> int:
        """How many messages an address takes in a second; what is more is sent together."""
        ...

    @property
    def most_together(self) -> int:
        """How many alerts fit into a message."""
        ...

    def send_together(self, alerts: Sequence[Alert], address: str) -> None:
        """Send several alerts as one message.

        Raises
        ------
        Upstream
            When the target did not take it.
        """
        ...


class Ticks(Protocol):
    """The clock that fires schedules."""

    def set(self, schedule: MonitoringSchedule) -> None:
        """Make a schedule fire, or not if it is stopped, as it now says."""
        ...

    def remove(self, schedule_name: str) -> None:
        """Make a schedule fire no more, if it is there."""
        ...


class Endpoints(Protocol):
    """The endpoints of the account."""

    def capture_destination(self, endpoint_name: str, variant_name: str | None = None) -> str:
        """Return the S3 URI below which the endpoint captures.

        Raises
        ------
        InvalidInput
            ``EndpointNotFound``, ``DataCaptureNotEnabled``, or ``VariantNotFound`` for a variant that it lacks.
        """
        ...

    def deployment(self, endpoint_name: str) -> Deployment | None:
        """Return what is deployed at an endpoint, or None where there is none of that name."""
        ...


class TransformJobs(Protocol):
    """The batch transform jobs of the account."""

    def find(self, name: str) -> TransformJob | None:
        """Return a job that has ended and captured its data, or None for any other."""
        ...


class ModelPackages(Protocol):
    """The model packages of the account."""

    def properties(self, arn: str) -> Mapping[str, str]:
        """Return what its owner noted at a model package (``CustomerMetadataProperties``)."""
        ...


class TemporaryEndpoints(Protocol):
    """The temporary endpoints of this deployment, by names from ``temporary_endpoint_name``."""

    def create(self, name: str, model: ModelReference, subject: str) -> None:
        """Have an endpoint made of a model, unless it is there; it comes up later.

        Raises
        ------
        InvalidInput
            ``InstanceTypeMissing``, ``TemporaryEndpointRefused`` or ``QuotaExceeded``.
        """
        ...

    def find(self, name: str) -> TemporaryEndpoint | None:
        """Return an endpoint as it stands, or None."""
        ...

    def delete(self, name: str) -> bool:
        """Delete what there is of an endpoint; return False where it may not be deleted yet."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the name of everything that is there."""
        ...


class DeferredAnalyses(Protocol):
    """The analyses that wait for a temporary endpoint or use one."""

    def get(self, endpoint_name: str) -> DeferredAnalysis | None:
        """Return the analysis of an endpoint, or None."""
        ...

    def save(self, analysis: DeferredAnalysis) -> None:
        """Write an analysis; version 1 must be new (``DeferredAnalysisExists``), a later one must follow on."""
        ...

    def delete(self, endpoint_name: str) -> None:
        """Forget an analysis, if it is there."""
        ...

    def endpoint_names(self) -> Iterator[str]:
        """Yield the name of the endpoint of every analysis, also of one that cannot be read."""
        ...


class StoredObject(NamedTuple):
    """One object below a prefix."""

    s3_uri: str
    size: int
    modified: datetime


def too_large(s3_uri: str, size: int, most: int) -> InvalidInput:
    """Return what is raised where an object is larger than what is read of one; sizes are in bytes."""
    return InvalidInput("ObjectTooLarge", f"{s3_uri} has {size:,} bytes, more than the {most:,} that are read")


class ObjectStore(Protocol):
    """S3."""

    def list(self, s3_uri: str) -> Iterator[StoredObject]:
        """Yield the object itself, and all below it as a folder, in the order of their keys."""
        ...

    def find(self, s3_uris: Iterable[str]) -> Iterator[StoredObject]:
        """Yield those of many objects that exist, in any order, with far fewer calls than objects in one folder."""
        ...

    def folders(self, s3_uri: str) -> Iterator[str]:
        """Yield the names of the folders directly below a folder, in their order."""
        ...

    def files(self, s3_uri: str) -> Iterator[StoredObject]:
        """Yield the object itself, and those directly in it as a folder, in the order of their keys."""
        ...

    def read(self, s3_uri: str, *, most: int | None = None) -> bytes | None:
        """Return the content of an object, or None where there is none.

        Parameters
        ----------
        most : int, optional
            Bytes; a larger object is not read.

        Raises
        ------
        InvalidInput
            ``ObjectTooLarge``.
        """
        ...

    def download(self, s3_uri: str, path: Path) -> None:
        """Write an object to a file, making its folders."""
        ...

    def upload(self, path: Path, s3_uri: str) -> None:
        """Write a file to an object."""
        ...

    def write(self, text: str, s3_uri: str) -> None:
        """Write a text to an object, in UTF-8."""
        ...


class AnalysisAccess(NamedTuple):
    """What one analysis reaches in AWS; a host narrows it to what the request names."""

    objects: ObjectStore
    model: OpenModel

    def read(self, s3_uri: str) -> bytes | None:
        """Return the content of an object that an input names, or None where there is none.

        It is looked for first, since S3 says that there is none only to who may list the whole bucket.
        """
        found = next(iter(self.objects.find([s3_uri])), None)
        return None if found is None else self.objects.read(s3_uri)


class DeadLetters(Protocol):
    """What was given up by whoever should have delivered it."""

    def waiting(self, *, most: int) -> Iterator[DeadLetter | None]:
        """Yield the letters that wait when it is called, once each; None for one that no function here can be given."""
        ...

    def deliver(self, letter: DeadLetter) -> None:
        """Give a letter to its function again, and remove it; a crash between the two gives it twice."""
        ...


class AnalysisHost(Protocol):
    """Something that runs analyses."""

    @property
    def name(self) -> str:
        """Its name in records and settings."""
        ...

    @property
    def limits(self) -> HostLimits:
        """What it can take."""
        ...

    def start(self, request: AnalysisRequest) -> Run:
        """Start an analysis; its end is reported by an ``AnalysisEnded``.

        A subject that is started again, because the process that started it died before noting it, is analysed once.

        Raises
        ------
        InvalidInput
            When the host will never take it.
        Upstream
            When the host did not take it; a retry may help.
        """
        ...

    def describe(self, run: Run) -> RunDescription:
        """Return what the host knows of a run."""
        ...

    def stop(self, run: Run) -> None:
        """End a run as soon as the host can; its reports are not written, unless it had ended already."""
        ...


class RunClaim(StrEnum):
    """What a claim to an analysis came to."""

    OWNED = "owned"
    TAKEN = "taken"
    STOPPED = "stopped"


class RunClaims(Protocol):
    """Which run has an analysis, for hosts that cannot refuse to start the same one twice."""

    def claim(self, subject: str, run_id: str) -> RunClaim:
        """Claim an analysis for a run: the first run that asks owns it, as often as it asks, until it is stopped."""
        ...

    def stop(self, subject: str) -> None:
        """Let no run analyse a subject any more, neither one that has it nor one that is about to ask."""
        ...

    def owner(self, subject: str) -> str | None:
        """Return the run that has an analysis, or None where none has."""
        ...


class EventBus(Protocol):
    """Where our events go."""

    def publish(self, event: Emitted) -> None:
        """Publish an event."""
        ...


class MetricSink(Protocol):
    """Where metrics of monitored models go."""

    def publish(self, namespace: str, metrics: Iterable[dict[str, object]]) -> None:
        """Publish metrics, each in the shape of a CloudWatch ``MetricDatum``, leaving out what cannot be taken."""
        ...
