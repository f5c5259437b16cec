"""A schedule is due: claim its window, and those before it that were missed, and start its analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from modelwatch_core.app.prepare_analysis import PrepareAnalysis, latest_before
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.domain.documents import Owned, iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import Claim, Clock, EventBus, Ledger, Schedules, readable

CLAIM_LEASE = timedelta(minutes=15)
"""How long the process that claimed a window has to start its analysis: longer than its Lambda's retries take."""

MOST_MADE_UP = 24
"""How many windows that were due while the app was away are made up: the latest ones."""

_MOST_COUNTED = 1000
"""How many windows that were due while the app was away are counted, for ``not_made_up`` of the next execution: a
schedule of minutes misses thousands in an outage, and its expression is asked for each of them."""

_PAGE = 20
"""How many executions are read at once."""


class Refusal(Owned):
    """Why a request for an execution starts none.

    Attributes
    ----------
    code : str
        ``ScheduleNotFound``, ``ScheduleStopped``, ``ScheduleReplaced``, ``NotAScheduledTime``, ``WindowEmpty``,
        ``WindowTooLarge``, ``WindowNotOver`` or ``WindowTaken``.
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
    prepare_analysis: PrepareAnalysis
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
            message = (
                f"the window {window} of {schedule.monitoring_schedule_name} has not ended; request it when it has"
            )
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
                else f"{named} is being analysed, or about to be ({status}); repeat the request when that has ended"
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
            message = f"{schedule_id} was deleted, and its name {name} now belongs to another schedule"
            return Refusal(code="ScheduleReplaced", message=message)
        if schedule.monitoring_schedule_status is not ScheduleStatus.SCHEDULED:
            message = f"monitoring schedule {name} is stopped; start it (StartMonitoringSchedule), then launch it again"
            return Refusal(code="ScheduleStopped", message=message)
        return schedule

    def _window(self, schedule: MonitoringSchedule, request: ExecutionRequest) -> tuple[Window, datetime | None]:
        """Return the window that is requested, and the scheduled time that it is of, if it is of one."""
        if request.window is not None:
            request.window.refuse_long()
            return request.window, schedule.scheduled_time_of(request.window)
        if request.scheduled_time is None:
            raise AssertionError("a request without a window was accepted")
        scheduled_time = request.scheduled_time - timedelta(minutes=request.start_delay_minutes)
        window = self._uncovered(schedule, schedule.window(scheduled_time))
        window.refuse_long()
        return window, scheduled_time

    def _uncovered(self, schedule: MonitoringSchedule, window: Window) -> Window:
        """Return a window without what was analysed by a tick that was under way when the definition was changed."""
        if window.start != schedule.covered_until:
            return window
        found = readable(self.ledger.executions_before(schedule.schedule_id, window.end, page=_PAGE))
        since = takewhile(lambda each: each.window.start >= window.start, found)
        ends = [each.window.end for each in since if not each.one_off and each.window.end < window.end]
        return Window(start=max(ends, default=window.start), end=window.end)

    def _scheduled(
        self, schedule: MonitoringSchedule, window: Window, scheduled_time: datetime, request: ExecutionRequest
    ) -> MonitoringExecution:
        """Return the plan of a scheduled window, with those claimed before it that were due and have no execution.

        The planned one starts first, since it is news. The sweep starts the others after it, one by one.
        """
        earlier = latest_before(self.ledger, schedule.schedule_id, window)
        planned = self._planned(schedule, window, scheduled_time, request.tick_id, earlier)
        if request.backfill or self.ledger.get(planned.key) is not None:
            return planned
        since = _may_have_missed_since(schedule, earlier)
        missed = list(islice(schedule.due_before(scheduled_time, since), _MOST_COUNTED))
        made_up = sum(self._makes_up(schedule, due) for due in reversed(missed[:MOST_MADE_UP]))
        if made_up:
            earlier = latest_before(self.ledger, schedule.schedule_id, window)
            planned = self._planned(schedule, window, scheduled_time, request.tick_id, earlier)
        return planned.model_copy(update={"not_made_up": len(missed) - made_up})

    def _makes_up(self, schedule: MonitoringSchedule, due: datetime) -> bool:
        """Claim the window of a scheduled time; return False where its tick would have been refused."""
        try:
            window = self._uncovered(schedule, schedule.window(due))
        except InvalidInput:
            return False
        tick_id = f"made up: due at {iso_utc(due)}"
        self.ledger.enqueue(
            self._planned(schedule, window, due, tick_id, latest_before(self.ledger, schedule.schedule_id, window))
        )
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
        # What has no next execution leaves nothing to it, and S3 lists what was written a moment ago.
        is_last = scheduled_time is None or not schedule.expression.is_due_after(scheduled_time)
        settling = timedelta(0) if is_last else self.settling
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
        if execution.compares != schedule.compares:  # before the start: the analysis may be quicker than a later write
            execution = execution.of_changed(schedule, now=self.clock.now())
            self.ledger.save(execution)
        try:
            request = self.prepare_analysis(schedule, execution)
            run = self.start_analysis(request)
        except InvalidInput as error:  # a person must fix it: no retry of this request can
            self.bus.publish(AnalysisEnded.of(execution, Outcome.failed(str(error))))
            return execution
        lease = self.start_analysis.lease(request.host, waits=run is None)
        started = execution.started(
            host=request.host, host_reason=request.host_reason, run=run, now=self.clock.now(), lease=lease
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


def _may_have_missed_since(schedule: MonitoringSchedule, earlier: Sequence[MonitoringExecution]) -> datetime:
    """Return when the latest execution was due, or when the schedule was last started or changed if that is later."""
    active_since = schedule.active_since or schedule.last_modified_time
    began = active_since - timedelta(minutes=schedule.start_delay_minutes)
    return max([began, *(each.scheduled_time for each in earlier[:1])])
