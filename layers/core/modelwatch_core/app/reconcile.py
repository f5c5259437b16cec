"""The sweep: whatever is still open although it was due is moved on, so that nothing hangs for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from modelwatch_core.app.finish_analysis import FinishAnalysis
from modelwatch_core.app.launch_execution import LaunchExecution
from modelwatch_core.app.shadow_endpoints import FollowEndpoint
from modelwatch_core.domain.analysis import AnalysisStatus
from modelwatch_core.domain.errors import ModelwatchError, NotReady, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.ports import BaseliningJobs, Clock, Ledger


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Launch what waits, fail what its host never reported, announce what was settled, delete what nothing needs."""

    ledger: Ledger
    jobs: BaseliningJobs
    launch: LaunchExecution
    finish: FinishAnalysis
    follow: FollowEndpoint
    clock: Clock

    def __call__(self) -> int:
        """Return how many executions, baselining jobs and temporary endpoints were moved on.

        Raises
        ------
        Upstream
            ``NotAllMovedOn`` after everything was tried and at least one failed.
        """
        moved, failures = 0, []
        for subject, move_on in self._overdue():
            try:
                moved += move_on()
            except NotReady:
                continue  # somebody else is writing it at this moment: it is not hanging
            except ModelwatchError as error:
                failures.append(f"{subject}: {error}")
        if failures:
            raise Upstream("NotAllMovedOn", f"{moved} moved on, {len(failures)} not; the first: {failures[0]}")
        return moved

    def _overdue(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        now = self.clock.now()
        for execution in self.ledger.open_and_due(now):
            yield execution.key.subject, partial(self._moved_on, execution)
        for job in self.jobs.open_since(now - self.launch.lease):
            reason = "HostDidNotReport: the end of the analysis was not reported in time. Its log says how far it came."
            yield job.subject, partial(self._failed, job.subject, job.output_s3_uri, reason)
        for endpoint_name in self.follow.shadows.names():  # last: what was settled above needs its endpoint no longer
            yield f"endpoint {endpoint_name}", partial(self.follow, endpoint_name)

    def _moved_on(self, execution: MonitoringExecution) -> bool:
        if execution.monitoring_execution_status is ExecutionStatus.PENDING:
            resumed = self.launch.resume(execution)
            if resumed is not None:
                return resumed.active or resumed.is_settled  # else it goes on waiting
        reason = (
            "HostDidNotReport: the analysis was started on"
            f" {execution.host} and did not report its end in time. Its log says how far it came."
            if execution.host
            else "ScheduleGone: the schedule was stopped or deleted before this execution could start."
        )
        return self._failed(execution.key.subject, execution.output_s3_uri, reason)

    def _failed(self, subject: str, output_s3_uri: str, reason: str) -> bool:
        ended = AnalysisEnded(
            subject=subject, status=AnalysisStatus.FAILED, output_s3_uri=output_s3_uri, failure_reason=reason
        )
        self.finish(ended)
        return True
