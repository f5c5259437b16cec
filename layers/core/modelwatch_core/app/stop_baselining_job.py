"""A person stops a baselining job: its run is ended, and its record says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_core.app.finish_analysis import FinishAnalysis
from modelwatch_core.app.stop_execution import stop_run
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.ports import AnalysisHost, RunClaims


@dataclass(frozen=True, slots=True)
class StopBaseliningJob:
    """Stop a baselining job."""

    hosts: Mapping[str, AnalysisHost]
    claims: RunClaims
    finish: FinishAnalysis

    def __call__(self, job: BaseliningJob) -> BaseliningJob:
        """Stop a job and return its record.

        Raises
        ------
        InvalidInput
            ``BaseliningJobEnded`` where there is nothing left to stop.
        """
        if not job.is_settled:
            stop_run(job, self.claims, self.hosts)
        outcome = Outcome.stopped("StoppedByUser: the baselining job was stopped.")
        settled = self.finish(AnalysisEnded.of(job, outcome))
        if job.is_settled or not isinstance(settled, BaseliningJob) or settled.status is not JobStatus.STOPPED:
            status = settled.status if isinstance(settled, BaseliningJob) else job.status
            raise InvalidInput("BaseliningJobEnded", f"{job.baselining_job_name} has ended already: {status}")
        return settled
