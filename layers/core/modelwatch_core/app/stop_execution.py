"""A person stops an execution: its run is ended, and its record says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_core.app.analysis_records import AnalysisRecord
from modelwatch_core.app.finish_analysis import FinishAnalysis
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import AnalysisHost, Ledger, RunClaims


def stop_run(record: AnalysisRecord, claims: RunClaims, hosts: Mapping[str, AnalysisHost]) -> None:
    """Stop the run of an execution or a baselining job."""
    claims.stop(record.subject)  # first: a run that is just being started is not noted yet
    if record.run is not None and record.run.host in hosts:
        hosts[record.run.host].stop(record.run)


@dataclass(frozen=True, slots=True)
class StopExecution:
    """Stop an execution."""

    ledger: Ledger
    hosts: Mapping[str, AnalysisHost]
    claims: RunClaims
    finish: FinishAnalysis

    def __call__(self, schedule_id: str, window: Window | None = None, attempt: int = 1) -> MonitoringExecution:
        """Stop an execution and return its record.

        Parameters
        ----------
        window : Window, optional
            The execution's; the one that is active if not given.

        Raises
        ------
        InvalidInput
            ``ExecutionNotFound``, or ``ExecutionEnded`` where there is nothing left to stop.
        """
        execution = self._found(schedule_id, window, attempt)
        if not execution.is_settled:
            stop_run(execution, self.claims, self.hosts)
        outcome = Outcome.stopped("StoppedByUser: the execution was stopped.")
        ended = AnalysisEnded.of(execution, outcome)
        settled = self.finish.finish_execution.settle(execution, ended)
        if execution.is_settled or settled.monitoring_execution_status is not ExecutionStatus.STOPPED:
            message = f"{execution.subject} has ended already: {settled.monitoring_execution_status}"
            raise InvalidInput("ExecutionEnded", message)
        self.finish(ended)
        return settled

    def _found(self, schedule_id: str, window: Window | None, attempt: int) -> MonitoringExecution:
        if window is not None:
            found = self.ledger.get(ExecutionKey(schedule_id=schedule_id, window=window, attempt=attempt))
        else:
            found = self.ledger.active(schedule_id)
        if found is None:
            which = f"no execution of the window {window}" if window else "no active execution"
            raise InvalidInput("ExecutionNotFound", f"{schedule_id} has {which}; list its executions to find it")
        return found
