"""The sweep: whatever is still open although it was due is moved on, so that no execution hangs for ever."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.app.finish_analysis import FinishExecution
from modelwatch_core.app.launch_execution import LaunchExecution
from modelwatch_core.domain.analysis import AnalysisStatus
from modelwatch_core.domain.errors import ModelwatchError, NotReady, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.ports import Clock, Ledger


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Launch what waits, fail what its host never reported, announce what was settled in silence."""

    ledger: Ledger
    launch: LaunchExecution
    finish: FinishExecution
    clock: Clock

    def __call__(self) -> int:
        """Return how many executions were moved on.

        Raises
        ------
        Upstream
            ``NotAllMovedOn`` after every execution was tried and at least one failed.
        """
        moved, failures = 0, []
        for execution in self.ledger.open_and_due(self.clock.now()):
            try:
                moved += self._moved_on(execution)
            except NotReady:
                continue  # somebody else is writing it at this moment: it is not hanging
            except ModelwatchError as error:
                failures.append(f"{execution.key.subject}: {error}")
        if failures:
            raise Upstream("NotAllMovedOn", f"{moved} moved on, {len(failures)} not; the first: {failures[0]}")
        return moved

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
        self.finish(
            execution.key,
            AnalysisEnded(
                subject=execution.key.subject,
                status=AnalysisStatus.FAILED,
                output_s3_uri=execution.output_s3_uri,
                failure_reason=reason,
            ),
        )
        return True
