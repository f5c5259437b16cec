"""The sweep: everything that is still open although it was due is moved on, so that nothing hangs for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from modelwatch_core.app.analysis_records import AnalysisRecord, AnalysisRecords
from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.app.finish_analysis import FinishAnalysis
from modelwatch_core.app.follow_schedule import CHANGE_LEASE, FollowSchedule
from modelwatch_core.app.launch_execution import CLAIM_LEASE, LaunchExecution, Refusal
from modelwatch_core.app.output_folder import read_end
from modelwatch_core.app.temporary_endpoints import FollowEndpoint
from modelwatch_core.app.watch_alerts import WatchAlerts
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady, Upstream, place_of
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Resource, Run, RunDescription, RunStatus
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.ports import AnalysisHost, Clock, ObjectStore, ScheduleChange, Schedules, UnreadableRecord

_Record = TypeVar("_Record", MonitoringExecution, BaseliningJob)
_Resumed = TypeVar("_Resumed")


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep did.

    Attributes
    ----------
    moved : int
        How many executions, baselining jobs, changes of schedules and temporary endpoints were moved on.
    failures : tuple of str
        What could not be, each with its reason. The next sweep tries again.
    """

    moved: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Move on what is overdue: changes, launches, ends that no host reported, announcements, deletions."""

    records: AnalysisRecords
    objects: ObjectStore
    launch: LaunchExecution
    create_baseline: CreateBaseline
    finish: FinishAnalysis
    follow: FollowEndpoint
    hosts: Mapping[str, AnalysisHost]
    clock: Clock
    schedules: Schedules
    follow_schedule: FollowSchedule
    watch_alerts: WatchAlerts

    def __call__(self) -> Sweep:
        """Move on everything that is overdue; each item stands for itself, and none stops the others."""
        moved, failures = 0, []
        for identity, move_on in self._overdue():
            try:
                moved += move_on()
            except NotReady:
                continue  # another process is writing it at this moment: it is not hanging
            except ModelwatchError as error:
                failures.append(f"{identity}: {error}")
            except Exception as error:  # a fault of ours in one item must not keep the others open
                failures.append(f"{identity}: InternalError: {type(error).__name__} at {place_of(error)}")
        return Sweep(moved, tuple(failures))

    def _overdue(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        now = self.clock.now()
        for change in self.schedules.changes(now - CHANGE_LEASE):
            yield f"schedule {change.monitoring_schedule_name}", partial(self._follow, change)
        held: set[str] = set()  # schedules that one of their executions has, so that no other can start
        for record in self.records.still_open(now):
            if isinstance(record, UnreadableRecord):
                yield record.identity, partial(_refuse, record)
            elif isinstance(record, BaseliningJob):
                yield record.subject, partial(self._move_job, record)
            elif not (record.waits and record.schedule_id in held):
                yield record.subject, partial(self._move_execution, record, held)
        for endpoint_name in self.follow.owned.names():  # last: what was settled above needs its endpoint no longer
            yield f"endpoint {endpoint_name}", partial(self.follow, endpoint_name)
        yield from self.watch_alerts.steps()

    def _follow(self, change: ScheduleChange) -> bool:
        self.follow_schedule(change)
        return True

    def _move_execution(self, execution: MonitoringExecution, held: set[str]) -> bool:
        if execution.is_settled:
            self.finish.finish_execution.complete(execution)
            return True
        if execution.monitoring_execution_status is ExecutionStatus.IN_PROGRESS:
            return self._move_run(execution)
        resumed = self._resumed(execution, self.launch.resume)
        if resumed is None:
            return True
        if isinstance(resumed, Refusal):  # its schedule was stopped or deleted: nobody needs an alert of that
            return self._end(execution, Outcome.stopped(f"{resumed.code}: {resumed.message}"))
        if not resumed.is_settled:
            held.add(execution.schedule_id)
        return resumed.active or resumed.is_settled  # else it goes on waiting

    def _move_job(self, job: BaseliningJob) -> bool:
        if not job.outgrew_its_host:
            return self._move_run(job)
        self._resumed(job, self.create_baseline.resume)
        return True

    def _resumed(self, record: _Record, resume: Callable[[_Record], _Resumed]) -> _Resumed | None:
        """Start a record once more, and return what came of it; None if the record was ended instead.

        Should the start take the time of this sweep, or kill it, the sweeps of a lease go past the record.
        """
        postponed = record
        if not (isinstance(record, MonitoringExecution) and record.waits):  # its claim would do it
            postponed = self._prolonged(record, due=self.clock.now() + CLAIM_LEASE)
        try:
            return resume(postponed)
        except InvalidInput as error:  # no retry helps
            self._end(record, Outcome.failed(str(error)))
        except Upstream as error:
            if postponed is not record:
                self._prolonged(postponed, due=record.due)
            self._not_started(record, error)
        except ModelwatchError:
            raise
        except Exception as error:  # a mistake of ours: it would be made again at each sweep, and hold the schedule
            self._end(record, _of_mistake(error))
        return None

    def _not_started(self, record: AnalysisRecord, error: Upstream) -> None:
        """End what outgrew a host and was started by no larger one within a lease; else the next sweep tries again."""
        if record.moved_up_from is None:
            raise error
        names = list(self.hosts)
        outgrown = names.index(record.moved_up_from) if record.moved_up_from in names else -1
        lease = max((self.hosts[name].limits.lease for name in names[outgrown + 1 :]), default=timedelta(0))
        if self.clock.now() < record.due + lease:  # it has been due since its host was too small for it
            raise error
        reason = f"{record.host_reason}, and no larger host has started it within {lease}. The last error was {error}"
        self._end(record, Outcome.failed(f"HostDidNotStart: {reason}"))

    def _move_run(self, record: AnalysisRecord) -> bool:
        if ended := read_end(self.objects, record.output_s3_uri, record.subject):  # its event was lost, or is late
            self.finish(ended)
            return True
        if record.run is None and self._follow_endpoint_of(record.subject):
            return True
        described = self._describe(record.run)
        if described.outcome is not None:
            return self._end(record, described.outcome, exhausted=described.exhausted)
        host = self.hosts.get(record.run.host) if record.run else None
        if described.status is RunStatus.RUNNING and host is not None:
            now = self.clock.now()
            self.records.save(record.prolonged(due=now + host.limits.lease, now=now))
            return True
        log = f" Its log is {record.run.log_location}." if record.run and record.run.log_location else ""
        reason = f"the analysis was started on {record.host}, but its end was not reported in time.{log}"
        return self._end(record, Outcome.failed(f"HostDidNotReport: {reason}"))

    def _follow_endpoint_of(self, subject: str) -> bool:
        """Take the step that is due where an analysis still waits for a temporary endpoint: its events may be lost."""
        owned = self.follow.owned
        name = owned.name_of(subject)
        return owned.analyses.get(name) is not None and self.follow(name)

    def _prolonged(self, record: _Record, *, due: datetime) -> _Record:
        """Write when a record is asked after next, and return it as it is then."""
        prolonged = record.prolonged(due=due, now=self.clock.now())
        self.records.save(prolonged)
        return prolonged

    def _end(self, record: AnalysisRecord, outcome: Outcome, exhausted: Resource | None = None) -> bool:
        self.finish(AnalysisEnded.of(record, outcome, exhausted=exhausted))
        return True

    def _describe(self, run: Run | None) -> RunDescription:
        host = self.hosts.get(run.host) if run else None
        return host.describe(run) if host and run else RunDescription(status=RunStatus.UNKNOWN)


def _refuse(record: UnreadableRecord) -> bool:
    raise record.error


def _of_mistake(error: Exception) -> Outcome:
    reason = (
        f"InternalError: {type(error).__name__} at {place_of(error)}. This is a defect in Modelwatch: please report it"
    )
    return Outcome.failed(reason)
