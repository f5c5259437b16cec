"""Every port in memory: one set of fakes for all tests of the use cases, held to the same contract as the AWS ones."""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import Counter, UserDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Protocol, Self

from modelwatch_core.app.run_analysis import RunAnalysis
from modelwatch_core.domain.alert_states import AlertState, AlertTransition, place_of
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.dashboard.periods import Period, PeriodLength
from modelwatch_core.domain.dashboard.summaries import MonitorSummary
from modelwatch_core.domain.dead_letters import DeadLetter
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from modelwatch_core.domain.events import Emitted
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.heard_alerts import HeardAlerts
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.model_endpoints import Model, ModelReference
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleRequest
from modelwatch_core.domain.sagemaker_api.job_definitions import JobDefinition
from modelwatch_core.domain.sagemaker_events import TransformJob
from modelwatch_core.domain.temporary_endpoint import DeferredAnalysis, EndpointStatus, TemporaryEndpoint, owned_prefix
from modelwatch_core.domain.watched_endpoint import Deployment
from modelwatch_core.ports import (
    AnalysisAccess,
    Claim,
    EventBus,
    ExecutionOrder,
    KnownAlerts,
    MutedSchedule,
    Page,
    RunClaim,
    RunClaims,
    ScheduleChange,
    StoredObject,
    UnreadableRecord,
    too_large,
)


class ManualClock:
    def __init__(self, now: datetime = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, span: timedelta) -> None:
        self.moment += span


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


def _follows_on(standing: _Versioned | None, new: _Versioned, exists: str) -> None:
    if new.version == 1:
        if standing is not None:
            raise InvalidInput(exists, "exists already")
    elif standing is None or standing.version != new.version - 1:
        raise NotReady("ChangedMeanwhile", "was changed")


def _page(found: Sequence[tuple[Any, str]], limit: int, after: str | None, descending: bool) -> Page[Any]:
    """Return a page of records with their positions, which are in the order of the list."""
    ordered = sorted(found, key=lambda each: each[1], reverse=descending)
    left = [each for each in ordered if after is None or (each[1] < after if descending else each[1] > after)]
    return Page(left[:limit], len(left) > limit)


class MemorySchedules:
    def __init__(self) -> None:
        self.kept: dict[str, MonitoringSchedule] = {}
        self.written: dict[tuple[str, int], MonitoringSchedule] = {}
        self.made: dict[ScheduleChange, datetime] = {}
        self.fired: dict[tuple[str, int], datetime] = {}

    def get(self, name: str) -> MonitoringSchedule | None:
        return self.kept.get(name)

    def save(self, schedule: MonitoringSchedule, *, most: int | None = None) -> ScheduleChange:
        name = schedule.monitoring_schedule_name
        _follows_on(self.kept.get(name), schedule, "ScheduleExists")
        if schedule.version == 1 and most is not None and len(self.kept) >= most:
            raise InvalidInput("ResourceLimitExceeded", f"there may be {most}")
        self.kept[name] = self.written[schedule.schedule_id, schedule.version] = schedule
        return self._noted(schedule, schedule.last_modified_time)

    def delete(self, schedule: MonitoringSchedule, *, now: datetime) -> ScheduleChange:
        standing = self.kept.get(schedule.monitoring_schedule_name)
        if standing is None or standing.version != schedule.version:
            raise NotReady("ChangedMeanwhile", "was changed")
        del self.kept[schedule.monitoring_schedule_name]
        return self._noted(schedule, now)

    def _noted(self, schedule: MonitoringSchedule, made: datetime) -> ScheduleChange:
        change = ScheduleChange(schedule.monitoring_schedule_name, schedule.schedule_id, schedule.version)
        self.made[change] = made
        return change

    def page(
        self, *, limit: int, after: str | None = None, by_creation: bool = False, descending: bool = False
    ) -> Page[MonitoringSchedule]:
        found = [
            (each, f"{iso_utc(each.creation_time)}#{name}" if by_creation else name) for name, each in self.kept.items()
        ]
        return _page(found, limit, after, descending)

    def version(self, schedule_id: str, version: int) -> MonitoringSchedule | None:
        return self.written.get((schedule_id, version))

    def versions(self, schedule_id: str, *, limit: int, after: str | None = None) -> Page[MonitoringSchedule]:
        found = [(each, f"{number:08}") for (whose, number), each in self.written.items() if whose == schedule_id]
        return _page(found, limit, after, descending=True)

    def watching(self, watched: str) -> Iterator[MonitoringSchedule]:
        yield from [each for each in self.kept.values() if each.watched == watched]

    def overdue(self, moment: datetime) -> Iterator[str]:
        for name, each in list(self.kept.items()):
            at = each.overdue_at(self.fired.get((each.schedule_id, each.version), each.begins))
            if at is not None and at <= moment:
                yield name

    def expect(self, schedule: MonitoringSchedule, fired: datetime) -> None:
        self.fired[schedule.schedule_id, schedule.version] = fired

    def changes(self, until: datetime) -> Iterator[ScheduleChange]:
        yield from [change for change, made in self.made.items() if made <= until]

    def followed(self, change: ScheduleChange) -> None:
        self.made.pop(change, None)


class MemoryLedger:
    def __init__(self) -> None:
        self.kept: dict[ExecutionKey, MonitoringExecution] = {}
        self.holders: dict[str, ExecutionKey] = {}
        self.unreadable: list[UnreadableRecord] = []

    def get(self, key: ExecutionKey) -> MonitoringExecution | None:
        return self.kept.get(key)

    def enqueue(self, execution: MonitoringExecution) -> MonitoringExecution:
        return self.kept.setdefault(execution.key, execution.waiting())

    def claim(self, execution: MonitoringExecution) -> tuple[Claim, MonitoringExecution]:
        name, key = execution.schedule_id, execution.key
        standing = self.kept.get(key)
        if standing is None:
            if name not in self.holders:
                self.holders[name], self.kept[key] = key, execution
                return Claim.CLAIMED, execution
            standing = self.kept[key] = execution.waiting()
        if standing.monitoring_execution_status is not ExecutionStatus.PENDING:
            return Claim.TAKEN, standing
        if standing.active:
            return (Claim.CLAIMED if standing.tick_id == execution.tick_id else Claim.TAKEN), standing
        if name in self.holders:
            return Claim.WAITING, standing
        activated = standing.activated(now=execution.creation_time, lease=execution.due - execution.creation_time)
        self.holders[name], self.kept[key] = key, activated
        return Claim.CLAIMED, activated

    def save(self, execution: MonitoringExecution) -> None:
        _follows_on(self.kept.get(execution.key), execution, "ExecutionExists")
        self.kept[execution.key] = execution
        name = execution.schedule_id
        if execution.is_settled and self.holders.get(name) == execution.key:
            del self.holders[name]

    def of_processing_job(self, name: str) -> MonitoringExecution | None:
        return next((each for each in self.kept.values() if each.processing_job_name == name), None)

    def cost(self, schedule_id: str) -> Cost:
        kept = [each.cost for each in self.kept.values() if each.schedule_id == schedule_id and each.cost]
        return sum(kept, start=Cost())

    def active(self, schedule_id: str) -> MonitoringExecution | None:
        return self.kept.get(self.holders[schedule_id]) if schedule_id in self.holders else None

    def executions_before(
        self, schedule_id: str, moment: datetime | None = None, **_: int
    ) -> Iterator[MonitoringExecution]:
        found = [
            execution
            for execution in self.kept.values()
            if execution.schedule_id == schedule_id and (not moment or execution.window.start < moment)
        ]
        yield from sorted(found, key=_newest_window, reverse=True)

    def page(
        self, order: ExecutionOrder, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[MonitoringExecution]:
        found = []
        for execution in self.kept.values():
            moment = execution.creation_time if order.by == "CreationTime" else execution.scheduled_time
            is_in_time = (not order.since or order.since <= moment) and (not order.until or moment <= order.until)
            if is_in_time and order.schedule_id in (None, execution.schedule_id):
                found.append((execution, f"{iso_utc(moment)}#{execution.schedule_id}#{execution.key.place}"))
        return _page(found, limit, after, descending)

    def still_open(self, due_by: datetime | None = None) -> Iterator[MonitoringExecution | UnreadableRecord]:
        yield from list(self.unreadable)
        are_open = [execution for execution in self.kept.values() if not execution.is_done]
        yield from [execution for execution in are_open if due_by is None or execution.due <= due_by]


def _newest_window(execution: MonitoringExecution) -> tuple[datetime, datetime, int]:
    return execution.window.start, execution.window.end, execution.attempt


class MemoryJobs:
    def __init__(self) -> None:
        self.kept: dict[str, BaseliningJob] = {}

    def get(self, name: str) -> BaseliningJob | None:
        return self.kept.get(name)

    def save(self, job: BaseliningJob) -> None:
        _follows_on(self.kept.get(job.baselining_job_name), job, "BaseliningJobExists")
        self.kept[job.baselining_job_name] = job

    def page(self, *, limit: int, after: str | None = None, descending: bool = True) -> Page[BaseliningJob]:
        found = [(job, f"{iso_utc(job.creation_time)}#{name}") for name, job in self.kept.items()]
        return _page(found, limit, after, descending)

    def still_open(self, due_by: datetime | None = None) -> Iterator[BaseliningJob | UnreadableRecord]:
        are_open = [job for job in self.kept.values() if not job.is_settled]
        yield from [job for job in are_open if due_by is None or job.due <= due_by]


class MemoryJobDefinitions:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], JobDefinition] = {}

    def get(self, monitoring_type: str, name: str) -> JobDefinition | None:
        return self.kept.get((monitoring_type, name))

    def save(self, definition: JobDefinition) -> None:
        key = (definition.monitoring_type, definition.job_definition_name)
        _follows_on(self.kept.get(key), definition, "JobDefinitionExists")
        self.kept[key] = definition

    def delete(self, definition: JobDefinition) -> None:
        key = (definition.monitoring_type, definition.job_definition_name)
        standing = self.kept.get(key)
        if standing is None or standing.version != definition.version:
            raise NotReady("ChangedMeanwhile", "was changed")
        del self.kept[key]

    def page(
        self,
        monitoring_type: str,
        *,
        limit: int,
        after: str | None = None,
        by_creation: bool = True,
        descending: bool = True,
    ) -> Page[JobDefinition]:
        found = [
            (each, f"{iso_utc(each.creation_time)}#{name}" if by_creation else name)
            for (kind, name), each in self.kept.items()
            if kind == monitoring_type
        ]
        return _page(found, limit, after, descending)


class MemoryResponses:
    """Keeps what is sent to CloudFormation, whatever the URL."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def check(self, url: str) -> None:
        pass

    def send(self, url: str, document: Mapping[str, Any]) -> None:
        self.check(url)
        self.sent.append(json.loads(json.dumps(document)))


class MemorySentAlerts:
    LEASE = timedelta(minutes=2)

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sending: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.heard: dict[tuple[str, str], HeardAlerts] = {}
        self.sent: set[tuple[str, str]] = set()

    def begin(self, alerts: Sequence[Alert], target: AlertTargetReference) -> tuple[Sequence[Alert], HeardAlerts]:
        place = (alerts[0].schedule_id, str(target))
        unsent = [alert for alert in alerts if (alert.key, str(target)) not in self.sent]
        if unsent:
            _, lease = self.sending.get(place, ("", None))
            if lease and lease >= self.clock.now():
                raise NotReady("AlertUnderWay", "somebody else is sending one")
            self.sending[place] = (alerts[0].key, self.clock.now() + self.LEASE)
        return unsent, self.heard.get(place, HeardAlerts())

    def finish(self, alerts: Sequence[Alert], target: AlertTargetReference, heard: HeardAlerts) -> None:
        place = (alerts[0].schedule_id, str(target))
        self.sent |= {(alert.key, str(target)) for alert in alerts}
        self.heard[place] = heard
        self.sending.pop(place, None)

    def abandon(self, alerts: Sequence[Alert], target: AlertTargetReference) -> None:
        place = (alerts[0].schedule_id, str(target))
        if self.sending.get(place, ("", None))[0] == alerts[0].key:
            del self.sending[place]

    def note_return(self, schedule_id: str, *, of_all_but: Collection[AlertTargetReference]) -> None:
        stayed = {str(target) for target in of_all_but}
        for place, heard in self.heard.items():
            if place[0] == schedule_id and place[1] not in stayed:
                self.heard[place] = heard.after_a_return


class MemoryAlertStates:
    def __init__(self) -> None:
        self.changes: dict[tuple[str, str, str, str], AlertTransition] = {}
        self.announced: set[tuple[str, AlertName, str]] = set()
        self.states: dict[tuple[str, AlertName], tuple[str, AlertState]] = {}
        self.muted: dict[str, datetime] = {}
        self.mutes: dict[str, MutedSchedule] = {}

    def known(self, schedule_id: str) -> KnownAlerts:
        states = {name: state for (owner, name), (_, state) in self.states.items() if owner == schedule_id}
        return KnownAlerts(states, self.muted.get(schedule_id))

    def note(self, transition: AlertTransition, *, announced: bool) -> None:
        key = (transition.schedule_id, place_of(transition), transition.alert_name, transition.alert_status)
        self.changes.setdefault(key, transition)
        if announced:
            self.announced.add((transition.schedule_id, transition.alert_name, place_of(transition)))

    def keep(self, state: AlertState, *, place: str) -> None:
        if state.latest is None:
            return
        key = (state.latest.schedule_id, state.latest.alert_name)
        if key not in self.states or self.states[key][0] <= place:
            self.states[key] = (place, state)

    def mute(self, muted: MutedSchedule) -> None:
        self.muted[muted.schedule_id] = muted.until
        self.mutes[muted.schedule_id] = muted

    def ended_mutes(self, now: datetime) -> Iterator[MutedSchedule]:
        yield from [each for each in self.mutes.values() if each.until <= now]

    def unlist(self, muted: MutedSchedule) -> None:
        if self.mutes.get(muted.schedule_id) == muted:
            del self.mutes[muted.schedule_id]

    def is_announced(self, schedule_id: str, alert: AlertName, place: str) -> bool:
        return (schedule_id, alert, place) in self.announced

    def page(
        self, schedule_id: str | None, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[AlertTransition]:
        changes = [each for each in self.changes.values() if schedule_id in (None, each.schedule_id)]

        def place(change: AlertTransition) -> str:
            created = iso_utc(change.creation_time)
            return f"{created} {change.schedule_id} {place_of(change)} {change.alert_name} {change.alert_status}"

        return _page([(each, place(each)) for each in changes], limit, after, descending)


class MemoryMonitorSummaries:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[datetime, MonitorSummary]] = {}

    def put(self, summary: MonitorSummary, *, read_at: datetime) -> None:
        standing, _ = self.kept.get(summary.schedule_id, (read_at, None))
        if standing <= read_at:
            self.kept[summary.schedule_id] = read_at, summary

    def get(self, schedule_id: str) -> MonitorSummary | None:
        return self.kept[schedule_id][1] if schedule_id in self.kept else None

    def all(self) -> Iterator[MonitorSummary]:
        yield from (summary for _, summary in list(self.kept.values()))


class MemoryMonitorPeriods:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, PeriodLength, datetime], tuple[datetime, Period]] = {}

    def put(self, period: Period, *, read_at: datetime) -> None:
        key = (period.schedule_id, period.length, period.start)
        standing, _ = self.kept.get(key, (read_at, None))
        if standing <= read_at:
            self.kept[key] = read_at, period

    def hours(self, schedule_id: str, day: datetime) -> Iterator[Period]:
        yield from (each for each in self._of(schedule_id, PeriodLength.HOUR) if each.start.date() == day.date())

    def days(self, schedule_id: str, *, most: int) -> Iterator[Period]:
        yield from self._of(schedule_id, PeriodLength.DAY)[::-1][:most]

    def _of(self, schedule_id: str, length: PeriodLength) -> list[Period]:
        found = (period for key, (_, period) in self.kept.items() if key[:2] == (schedule_id, length))
        return sorted(found, key=lambda each: each.start)


class MemoryWaitingAlerts:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.counts: Counter[tuple[str, datetime]] = Counter()
        self.kept: dict[str, tuple[AlertTargetReference, dict[str, Alert]]] = {}

    def arrivals(self, target: AlertTargetReference) -> int:
        second = (str(target), self.clock.now().replace(microsecond=0))
        self.counts[second] += 1
        return self.counts[second]

    def put(self, target: AlertTargetReference, alert: Alert) -> None:
        self.kept.setdefault(str(target), (target, {}))[1].setdefault(alert.key, alert)

    def of(self, target: AlertTargetReference, *, most: int) -> list[Alert]:
        return list(self.kept.get(str(target), (target, {}))[1].values())[:most]

    def remove(self, target: AlertTargetReference, key: str) -> None:
        self.kept.get(str(target), (target, {}))[1].pop(key, None)

    def targets(self) -> Iterator[AlertTargetReference]:
        yield from [target for target, alerts in self.kept.values() if alerts]


class MemoryTarget:
    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.addresses: list[str] = []
        self.broken = False

    def check(self, address: str, schedule: ScheduleRequest) -> None:
        if address == "nobody":
            raise InvalidInput("UnfitAlertTarget", f"nobody hears of {schedule.monitoring_schedule_name}")

    def send(self, alert: Alert, address: str) -> None:
        if self.broken:
            raise Upstream("ServiceError", "the target is down")
        self.alerts.append(alert)
        self.addresses.append(address)


class MemoryTicks:
    def __init__(self) -> None:
        self.set_for: dict[str, MonitoringSchedule] = {}
        self.broken = False

    def set(self, schedule: MonitoringSchedule) -> None:
        if self.broken:
            raise Upstream("ServiceError", "the scheduler is down")
        self.set_for[schedule.monitoring_schedule_name] = schedule

    def remove(self, schedule_name: str) -> None:
        self.set_for.pop(schedule_name, None)


class MemoryEndpoints:
    def __init__(self, destinations: dict[str, str]) -> None:
        self.destinations = destinations
        self.deployed: dict[str, Deployment] = {}

    def capture_destination(self, endpoint_name: str, variant_name: str | None = None) -> str:
        if endpoint_name not in self.destinations:
            raise InvalidInput("EndpointNotFound", f"there is no endpoint {endpoint_name}")
        deployed = self.deployed.get(endpoint_name)
        if variant_name and deployed and variant_name not in deployed.models:
            raise InvalidInput("VariantNotFound", f"{endpoint_name} has no variant {variant_name}")
        return self.destinations[endpoint_name]

    def deployment(self, endpoint_name: str) -> Deployment | None:
        return self.deployed.get(endpoint_name)


class MemoryTransformJobs:
    def __init__(self) -> None:
        self.kept: dict[str, TransformJob] = {}

    def find(self, name: str) -> TransformJob | None:
        return self.kept.get(name)


class MemoryModelPackages:
    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}

    def properties(self, arn: str) -> dict[str, str]:
        return self.kept.get(arn, {})


class MemoryTemporaryEndpoints:
    """Endpoints stay Creating until a test lets them come up, or fail; models are refused by name."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.kept: dict[str, TemporaryEndpoint] = {}
        self.configs: set[str] = set()
        self.created: list[tuple[str, str, str]] = []

    def create(self, name: str, model: ModelReference, subject: str) -> None:
        if model.instance_type is None:
            raise InvalidInput("InstanceTypeMissing", "it needs an instance type")
        if model.model_name == "missing":
            raise InvalidInput("TemporaryEndpointRefused", "could not find model")
        self.configs.add(name)
        if name not in self.kept:
            self.kept[name] = TemporaryEndpoint(status=EndpointStatus.CHANGING)
            self.created.append((name, model.model_name or "", subject))

    def find(self, name: str) -> TemporaryEndpoint | None:
        return self.kept.get(name)

    def delete(self, name: str) -> bool:
        if name in self.kept and self.kept[name].status is EndpointStatus.CHANGING:
            return False
        self.kept.pop(name, None)
        self.configs.discard(name)
        return True

    def names(self) -> Iterator[str]:
        prefix = owned_prefix(self.owner)
        yield from [name for name in (*self.kept, *self.configs) if name.startswith(prefix)]


class MemoryDeferredAnalyses:
    def __init__(self) -> None:
        self.kept: dict[str, DeferredAnalysis] = {}

    def get(self, endpoint_name: str) -> DeferredAnalysis | None:
        return self.kept.get(endpoint_name)

    def save(self, analysis: DeferredAnalysis) -> None:
        _follows_on(self.kept.get(analysis.endpoint_name), analysis, "DeferredAnalysisExists")
        self.kept[analysis.endpoint_name] = analysis

    def delete(self, endpoint_name: str) -> None:
        self.kept.pop(endpoint_name, None)

    def endpoint_names(self) -> Iterator[str]:
        yield from list(self.kept)


class _Written(UserDict[str, bytes]):
    """Contents by name, which notes when each was written, and keeps the names in order as S3 does."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now = now
        self.modified: dict[str, datetime] = {}
        self._ordered: list[str] = []

    def __setitem__(self, name: str, content: bytes) -> None:
        if name not in self.data:
            insort(self._ordered, name)
        super().__setitem__(name, content)
        self.modified[name] = self.now()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        del self._ordered[bisect_left(self._ordered, name)]

    def __ior__(self, others: Mapping[str, bytes]) -> Self:  # type: ignore[override,misc] # UserDict's goes past items
        self.update(others)
        return self

    def beginning_with(self, prefix: str) -> list[str]:
        """Return the names that begin with a prefix, in order."""
        first = bisect_left(self._ordered, prefix)
        return list(takewhile(lambda name: name.startswith(prefix), islice(self._ordered, first, None)))


class MemoryObjects:
    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kept = _Written(now)
        self.modified = self.kept.modified

    def _stored(self, uri: str) -> StoredObject:
        return StoredObject(uri, len(self.kept[uri]), self.modified.setdefault(uri, self.kept.now()))

    def _itself(self, s3_uri: str) -> Iterator[str]:
        if s3_uri in self.kept and not s3_uri.endswith("/"):
            yield s3_uri

    def list(self, s3_uri: str) -> Iterator[StoredObject]:
        bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
        folder = f"s3://{bucket}/" + (f"{key.rstrip('/')}/" if key else "")
        for uri in [*self._itself(s3_uri), *self.kept.beginning_with(folder)]:
            yield self._stored(uri)

    def find(self, s3_uris: Iterable[str]) -> Iterator[StoredObject]:
        yield from (self._stored(uri) for uri in sorted(s3_uris) if uri in self.kept)

    def folders(self, s3_uri: str) -> Iterator[str]:
        below = s3_uri.rstrip("/") + "/"
        names = {uri.removeprefix(below).split("/")[0] for uri in self.kept.beginning_with(below)}
        yield from sorted(name for name in names if f"{below}{name}" not in self.kept)

    def files(self, s3_uri: str) -> Iterator[StoredObject]:
        below = s3_uri.rstrip("/") + "/"
        inside = (uri for uri in self.kept.beginning_with(below) if "/" not in uri.removeprefix(below))
        for uri in [*self._itself(s3_uri), *inside]:
            yield self._stored(uri)

    def read(self, s3_uri: str, *, most: int | None = None) -> bytes | None:
        content = self.kept.get(s3_uri)
        if content is not None and most is not None and len(content) > most:
            raise too_large(s3_uri, len(content), most)
        return content

    def download(self, s3_uri: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.kept[s3_uri])

    def upload(self, path: Path, s3_uri: str) -> None:
        self.kept[s3_uri] = path.read_bytes()

    def write(self, text: str, s3_uri: str) -> None:
        self.kept[s3_uri] = text.encode()


class MemoryDeadLetters:
    """``DeadLetters`` in a list."""

    def __init__(self) -> None:
        self.kept: list[DeadLetter] = []
        self.delivered: list[DeadLetter] = []

    def waiting(self, *, most: int) -> Iterator[DeadLetter]:
        yield from self.kept[:most]

    def deliver(self, letter: DeadLetter) -> None:
        self.delivered.append(letter)
        self.kept.remove(letter)


class MemoryHost:
    """A host that runs a subject once; a test says what is known of its runs."""

    def __init__(self, input_bytes: int = 1_000_000, *, name: str = "memory", runs_images: bool = False) -> None:
        self.name = name
        self.limits = HostLimits(
            input_bytes=input_bytes,
            memory_bytes=10**9,
            lease=timedelta(minutes=90),
            runs_images=runs_images,
            advice="Give it more.",
        )
        self.started: list[AnalysisRequest] = []
        self.stopped: list[str] = []
        self.descriptions: dict[str, RunDescription] = {}
        self.broken = False

    def start(self, request: AnalysisRequest) -> Run:
        if self.broken:
            raise Upstream("ServiceError", "the host is down")
        if request.subject not in {known.subject for known in self.started}:
            self.started.append(request)
        return Run(host=self.name, subject=request.subject, run_id="1", log_location="the log of memory")

    def describe(self, run: Run) -> RunDescription:
        return self.descriptions.get(run.subject, RunDescription(status=RunStatus.UNKNOWN))

    def stop(self, run: Run) -> None:
        self.stopped.append(run.subject)


class MemoryRunClaims:
    def __init__(self) -> None:
        self.owners: dict[str, str | None] = {}

    def claim(self, subject: str, run_id: str) -> RunClaim:
        owner = self.owners.setdefault(subject, run_id)
        if owner is None:
            return RunClaim.STOPPED
        return RunClaim.OWNED if owner == run_id else RunClaim.TAKEN

    def stop(self, subject: str) -> None:
        self.owners[subject] = None

    def owner(self, subject: str) -> str | None:
        return self.owners.get(subject)


class MemoryBus:
    def __init__(self) -> None:
        self.published: list[Emitted] = []

    def publish(self, event: Emitted) -> None:
        self.published.append(event)


class MemoryMetrics:
    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, object]]] = []

    def publish(self, namespace: str, metrics: Iterable[dict[str, object]]) -> None:
        self.published += [(namespace, metric) for metric in metrics]


def run_in_memory(
    objects: MemoryObjects, bus: EventBus, claims: RunClaims, analyze: Callable[[AnalysisSettings], AnalysisSummary]
) -> RunAnalysis:
    """Return what a host does around an analysis that asks for nothing but its folder."""

    def no_model(reference: ModelReference) -> AbstractContextManager[Model]:
        raise AssertionError(f"{reference} was asked for")

    access = AnalysisAccess(objects, no_model)
    return RunAnalysis(lambda _: access, bus, claims, lambda settings, *_: analyze(settings))
