"""A schedule is due: claim its window, see what was captured, and start the analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from modelwatch_core.app.analysis_inputs import (
    BASELINE,
    EARLIER_EXECUTIONS,
    EARLIER_SCORES,
    GROUND_TRUTH,
    MERGED,
    PREVIOUS_ATTEMPT,
    analysis_inputs,
)
from modelwatch_core.app.captured_objects import CapturedObjects, Look, captured_objects
from modelwatch_core.app.ground_truth_objects import GroundTruthObjects, ground_truth_objects
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.documents import Owned, iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded, ExecutionRequest
from modelwatch_core.domain.hosts import Demand, HostChoice
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.scores import EarlierScores, ScoredExecution
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import Claim, Clock, EventBus, Ledger, ObjectStore, Schedules

CLAIM_LEASE = timedelta(minutes=15)
"""How long the process that claimed a window has to start its analysis: longer than its Lambda's retries take."""

MOST_MADE_UP = 24
"""How many windows that were due while the app was away are made up: the latest ones."""

MEMORY_OF_LABELS = 0.5
"""Bytes of memory for each byte of labels as stored: some 30 for a label, whose line has 60 or more."""

_MOST_COUNTED = 1000
_MOST_LOOKED_AT = 240
"""How many executions are looked through for earlier reports: ten days of hours."""
_LATEST = 20
"""How many executions are searched for that of the window before: one-off runs may be among them. What each of these
windows measured goes with every request, which has a size limit."""


class Refusal(Owned):
    """Why a request for an execution starts none.

    Attributes
    ----------
    code : str
        ``ScheduleNotFound``, ``ScheduleStopped``, ``ScheduleReplaced``, ``NotAScheduledTime``, ``WindowEmpty``,
        ``WindowNotOver`` or ``WindowTaken``.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LaunchExecution:
    """Start the execution that a tick or a person requests, once however often the request comes.

    Parameters
    ----------
    settling : timedelta
        How long after it was written an object is surely listed. An execution reads what had been written so long
        before it was planned, and the next one the rest.
    """

    schedules: Schedules
    ledger: Ledger
    objects: ObjectStore
    start_analysis: StartAnalysis
    bus: EventBus
    clock: Clock
    settling: timedelta

    def __call__(self, request: ExecutionRequest) -> MonitoringExecution | Refusal:
        """Return the execution as it stands after the request, or why there is none.

        Where earlier windows of the schedule were due and have no execution, because the app was away or a tick comes
        before the one ahead of it, these are claimed first, in their order.
        """
        schedule = self._runnable(request.monitoring_schedule_name, request.schedule_id)
        if isinstance(schedule, Refusal):
            return schedule
        try:
            window, scheduled_time = self._window(schedule, request)
        except InvalidInput as error:
            return Refusal(code=error.code, message=error.message)
        is_asked_for = request.backfill or request.window is not None
        if is_asked_for and window.end > self.clock.now():  # it would be taken from the tick that comes at its end
            message = f"the window {window} of {schedule.monitoring_schedule_name} is not over; ask again when it is"
            return Refusal(code="WindowNotOver", message=message)
        if scheduled_time is None:
            planned = self._planned(schedule, window, None, request.tick_id, ())
        else:
            planned = self._scheduled(schedule, window, scheduled_time, request)
        if request.backfill:
            planned = self._next_attempt(planned)
        execution = self._claim(schedule, planned)
        if not is_asked_for and scheduled_time is not None:
            self.schedules.expect(schedule, scheduled_time)
        if execution.tick_id != request.tick_id:
            named = f"the window {execution.window} of {execution.monitoring_schedule_name}"
            status = execution.monitoring_execution_status
            message = (
                f"{named} has been analysed ({status}); request it with backfill to analyse it again"
                if execution.is_settled
                else f"{named} is being analysed, or about to be ({status}); ask again when that has ended"
            )
            return Refusal(code="WindowTaken", message=message)
        return execution

    def resume(self, execution: MonitoringExecution) -> MonitoringExecution | Refusal:
        """Start an execution that was claimed or waits, in the window that it was planned for."""
        schedule = self._runnable(execution.monitoring_schedule_name, execution.schedule_id)
        if isinstance(schedule, Refusal):
            return schedule
        return self._claim(schedule, execution.planned_again(now=self.clock.now(), lease=CLAIM_LEASE))

    def _runnable(self, name: str, schedule_id: str | None) -> MonitoringSchedule | Refusal:
        schedule = self.schedules.get(name)
        if schedule is None:
            return Refusal(code="ScheduleNotFound", message=f"there is no monitoring schedule {name}")
        if schedule_id not in (None, schedule.schedule_id):
            message = f"{schedule_id} was deleted, and another schedule is named {name} now"
            return Refusal(code="ScheduleReplaced", message=message)
        if schedule.monitoring_schedule_status is not ScheduleStatus.SCHEDULED:
            message = f"monitoring schedule {name} is stopped; start it (StartMonitoringSchedule) and ask again"
            return Refusal(code="ScheduleStopped", message=message)
        return schedule

    def _window(self, schedule: MonitoringSchedule, request: ExecutionRequest) -> tuple[Window, datetime | None]:
        """Return the window that is requested, and the scheduled time that it is of, if it is of one."""
        if request.window is not None:
            return request.window, schedule.scheduled_time_of(request.window)
        if request.scheduled_time is None:
            raise AssertionError("a request without a window was accepted")
        scheduled_time = request.scheduled_time - timedelta(minutes=request.start_delay_minutes)
        return schedule.window(scheduled_time), scheduled_time

    def _scheduled(
        self, schedule: MonitoringSchedule, window: Window, scheduled_time: datetime, request: ExecutionRequest
    ) -> MonitoringExecution:
        """Return the plan of a scheduled window, with those claimed before it that were due and have no execution.

        The planned one starts first, since it is news. The sweep starts the others after it, one by one.
        """
        earlier = self._earlier(schedule, window)
        planned = self._planned(schedule, window, scheduled_time, request.tick_id, earlier)
        if request.backfill or self.ledger.get(planned.key) is not None:
            return planned
        missed = list(islice(schedule.due_before(scheduled_time, _covered_until(schedule, earlier)), _MOST_COUNTED))
        made_up = sum(self._makes_up(schedule, due) for due in reversed(missed[:MOST_MADE_UP]))
        if made_up:
            earlier = self._earlier(schedule, window)
            planned = self._planned(schedule, window, scheduled_time, request.tick_id, earlier)
        return planned.model_copy(update={"not_made_up": len(missed) - made_up})

    def _makes_up(self, schedule: MonitoringSchedule, due: datetime) -> bool:
        """Claim the window of a scheduled time; return False where its tick would have been refused."""
        try:
            window = schedule.window(due)
        except InvalidInput:
            return False
        tick_id = f"made up: due at {iso_utc(due)}"
        self.ledger.enqueue(self._planned(schedule, window, due, tick_id, self._earlier(schedule, window)))
        return True

    def _planned(
        self,
        schedule: MonitoringSchedule,
        window: Window,
        scheduled_time: datetime | None,
        tick_id: str,
        earlier: Sequence[MonitoringExecution],
    ) -> MonitoringExecution:
        now = self.clock.now()
        # A one-off run has no next one, and S3 lists what was written a moment ago: its batch may be as young.
        settling = timedelta(0) if scheduled_time is None else self.settling
        looks = [each.captures_until for each in earlier if each.window.end == window.start and each.captures_until]
        return MonitoringExecution.planned(
            schedule,
            window=window,
            scheduled_time=scheduled_time,
            tick_id=tick_id,
            now=now,
            lease=CLAIM_LEASE,
            captures_until=now - settling,
            late_since=max(looks, default=None),
        )

    def _earlier(self, schedule: MonitoringSchedule, window: Window) -> list[MonitoringExecution]:
        """Return the scheduled executions of the latest windows that begin before a window."""
        return [each for each in self._before(schedule.schedule_id, window) if not each.one_off]

    def _before(self, schedule_id: str, window: Window) -> list[MonitoringExecution]:
        """Return the executions of the latest windows that begin before a window, the latest first."""
        found = self.ledger.history(schedule_id, limit=_LATEST, before=window.start)
        return [each for each in found if isinstance(each, MonitoringExecution)]

    def _next_attempt(self, planned: MonitoringExecution) -> MonitoringExecution:
        """Return the attempt after the settled ones of its window; the same one for the same firing."""
        while (
            (standing := self.ledger.get(planned.key)) is not None
            and standing.is_settled
            and standing.tick_id != planned.tick_id
        ):
            planned = planned.next_attempt(late_since=standing.late_since)
        return planned

    def _claim(self, schedule: MonitoringSchedule, planned: MonitoringExecution) -> MonitoringExecution:
        claim, execution = self.ledger.claim(planned)
        return self._start(schedule, execution) if claim is Claim.CLAIMED else execution

    def _start(self, schedule: MonitoringSchedule, execution: MonitoringExecution) -> MonitoringExecution:
        try:
            look = Look(execution.captures_until or execution.creation_time, execution.late_since)
            captured = captured_objects(self.objects, schedule.captured_input, execution.window, look, schedule.kind)
            first = execution.window.start - (schedule.captured_input.lateness if look.since else timedelta(0))
            labels = ground_truth_objects(self.objects, schedule.ground_truth_input, first, now=self.clock.now())
            choice = self._chosen(schedule, execution, captured, labels)
            run = self.start_analysis(self._request(schedule, execution, captured, labels, choice))
        except InvalidInput as error:  # a person must fix it: no retry of this request can
            self._refuse(execution, error)
            return execution
        lease = self.start_analysis.lease(choice.name, waits=run is None)
        started = execution.started(
            host=choice.name, host_reason=choice.reason, run=run, now=self.clock.now(), lease=lease
        )
        try:
            self.ledger.save(started)
        except NotReady:
            # The analysis was quicker than this line and is settled: that record stands.
            standing = self.ledger.get(execution.key) or execution
            if run is not None and standing.monitoring_execution_status is ExecutionStatus.STOPPED:
                self.start_analysis.hosts[run.host].stop(run)  # it was stopped before there was a run to stop
            return standing
        return started

    def _refuse(self, execution: MonitoringExecution, error: InvalidInput) -> None:
        self.bus.publish(
            AnalysisEnded(
                subject=execution.key.subject,
                output_s3_uri=execution.output_s3_uri,
                outcome=Outcome.failed(str(error)),
            )
        )

    def _chosen(
        self,
        schedule: MonitoringSchedule,
        execution: MonitoringExecution,
        captured: CapturedObjects,
        labels: GroundTruthObjects | None,
    ) -> HostChoice:
        if not captured.size:
            raise InvalidInput(
                "NoData",
                f"no records were captured for the window {execution.window} below {captured.folder}."
                " Check that there was traffic, that data capture is on, and that it captures there."
                " The schedule goes on.",
            )
        if labels and not labels.size:
            raise InvalidInput(
                "GroundTruthNotFound",
                f"no labels were found for the window {execution.window} below {labels.folder}."
                " Upload them, give the schedule a window further back (start_time_offset, end_time_offset), or run"
                " this window again when they are there (backfill). The schedule goes on.",
            )
        demand = _demand(captured, labels, schedule)
        died = f"{execution.host_reason}; " if execution.moved_up_from else ""
        choice = self.start_analysis.choose(demand, resources=schedule.resources, after=execution.moved_up_from)
        if isinstance(choice, HostChoice):
            return choice.model_copy(update={"reason": died + choice.reason})
        raise InvalidInput(
            choice.code,
            f"no host can analyse the window {execution.window} of {demand.input_bytes:,} bytes, labels and merged"
            f" records included: {died}{choice.reason}. {choice.advice}",
        )

    def _request(
        self,
        schedule: MonitoringSchedule,
        execution: MonitoringExecution,
        captured: CapturedObjects,
        labels: GroundTruthObjects | None,
        choice: HostChoice,
    ) -> AnalysisRequest:
        baseline = _compared_with(schedule)
        given = analysis_inputs(schedule, schedule.kind)
        merged = AnalysisOutput(path="merge/", s3_uri=s3_layout.join(schedule.output_s3_uri, "merge"))
        previous = self._previous_attempt(execution)
        latest = self._before(execution.schedule_id, execution.window)
        earlier = tuple(self._earlier_executions(execution, latest))
        scores, looks = _earlier_scores(latest), schedule.looks_per_month
        fields: dict[str, Any] = {
            "dataset_format": captured.dataset_format,
            "start_time": execution.window.start,
            "end_time": execution.window.end,
            "late_since": execution.late_since,
            "publish_cloudwatch_metrics": Switch.ENABLED if schedule.publish_cloudwatch_metrics else Switch.DISABLED,
            **({"looks_per_month": looks} if looks and "looks_per_month" not in given.settings else {}),
            "sagemaker_monitoring_schedule_name": schedule.monitoring_schedule_name,
            "sagemaker_endpoint_name": schedule.endpoint_name,
            **({"ground_truth_source": GROUND_TRUTH, "merged_output_path": MERGED} if labels else {}),
            **({"previous_attempt_results": PREVIOUS_ATTEMPT} if previous else {}),
            **({"earlier_executions_results": EARLIER_EXECUTIONS} if earlier else {}),
            **({"earlier_scores": EARLIER_SCORES} if scores else {}),
            **{f"baseline_{name}": BASELINE / f"{name}.json" for name in baseline},
        }
        return AnalysisRequest(
            subject=execution.key.subject,
            settings=analysis_settings(**given.settings | fields | schedule.captured_input.attributes),
            inputs=(
                *captured.inputs,
                *(labels.inputs if labels else ()),
                *(AnalysisInput(s3_uri=uri, path=f"baseline/{name}.json") for name, uri in baseline.items()),
                *given.inputs,
                *previous,
                *earlier,
            ),
            named=captured.named,
            files=given.files | ({EARLIER_SCORES.name: scores} if scores else {}),
            output_s3_uri=execution.output_s3_uri,
            further_outputs=(merged,) if labels else (),
            host=choice.name,
            host_reason=choice.reason,
            job_name=execution.processing_job_name,
            processing=schedule.processing,
            image_uri=schedule.image_uri,
        )

    def _previous_attempt(self, execution: MonitoringExecution) -> tuple[AnalysisInput, ...]:
        folder = f"{execution.output_s3_uri}/"
        if execution.attempt == 1 or next(iter(self.objects.list(folder)), None) is None:
            return ()
        return (AnalysisInput(s3_uri=folder, path=f"{PREVIOUS_ATTEMPT.name}/"),)

    def _earlier_executions(
        self, execution: MonitoringExecution, latest: Sequence[MonitoringExecution]
    ) -> Iterator[AnalysisInput]:
        """Yield the reports of the latest windows before this one that its kind compares with.

        Windows without data, and one-off runs, are passed over: a night without traffic must not end what goes on from
        window to window.
        """
        report, wanted = execution.kind.earlier_report, execution.kind.earlier_reports
        if report is None or not latest:
            return
        from_the_last = latest[-1].window.start + timedelta(seconds=1)  # whose earlier attempts are not in the latest
        further = self.ledger.executions_before(execution.schedule_id, from_the_last)
        seen = {each.key for each in latest}
        unseen = (each for each in further if isinstance(each, MonitoringExecution) and each.key not in seen)
        for earlier in islice(chain(latest, unseen), _MOST_LOOKED_AT):
            if earlier.one_off or not _has_reports(earlier):
                continue
            uri = f"{earlier.output_s3_uri}/{report}"
            if next(iter(self.objects.files(uri)), None) is not None:  # an old one is deleted
                yield AnalysisInput(
                    s3_uri=uri, path=f"{EARLIER_EXECUTIONS.name}/{iso_utc(earlier.window.start)}/{report}"
                )
                wanted -= 1
            if not wanted:
                return


def _earlier_scores(latest: Sequence[MonitoringExecution]) -> str | None:
    """Return what the latest windows before this one measured, for its report; None where nothing is known."""
    ended = [each for each in latest if each.outcome]
    by_window = {each.window.end: each.outcome for each in sorted(ended, key=lambda each: each.attempt)}
    scored = tuple(
        ScoredExecution(at=at, scores=outcome.scores)
        for at, outcome in sorted(by_window.items(), key=itemgetter(0))
        if outcome and outcome.scores
    )
    return EarlierScores(executions=scored).model_dump_json(exclude_defaults=True) if scored else None


def _has_reports(execution: MonitoringExecution) -> bool:
    """Return whether an analysis completed; one that failed has left none, or those of before its script failed."""
    return execution.monitoring_execution_status in (
        ExecutionStatus.COMPLETED,
        ExecutionStatus.COMPLETED_WITH_VIOLATIONS,
    )


def _demand(captured: CapturedObjects, labels: GroundTruthObjects | None, schedule: MonitoringSchedule) -> Demand:
    """Return what the analysis of a window needs: merging writes the captures once more, and holds all labels."""
    demand = schedule.demand
    if labels is None:
        return demand.model_copy(update={"input_bytes": captured.size})
    memory = int(labels.size * MEMORY_OF_LABELS)
    return demand.model_copy(update={"input_bytes": 2 * captured.size + labels.size, "memory_bytes": memory})


def _compared_with(schedule: MonitoringSchedule) -> dict[str, str]:
    """Return the S3 URI of each file that data is compared with; none without constraints."""
    baseline = schedule.baseline
    if baseline is None or baseline.constraints_s3_uri is None:
        return {}
    statistics = {"statistics": baseline.statistics_s3_uri} if baseline.statistics_s3_uri else {}
    return {"constraints": baseline.constraints_s3_uri, **statistics}


def _covered_until(schedule: MonitoringSchedule, earlier: Sequence[MonitoringExecution]) -> datetime:
    """Return up to when no scheduled time was missed: what was due before the schedule fired as it does is none."""
    active_since = schedule.active_since or schedule.last_modified_time
    covered = active_since - timedelta(minutes=schedule.start_delay_minutes)
    return max([covered, *(each.scheduled_time for each in earlier[:1])])
