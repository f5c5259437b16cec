"""A job ended: whose analysis it was, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.app.output_folder import read_end
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.job_run import JobRun
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.ports import BaseliningJobs, Ledger, ObjectStore


@dataclass(frozen=True, slots=True)
class EndOfJob:
    """Find what a job was for.

    SageMaker reports the ends of all processing jobs of the account, so most are none of ours.
    """

    ledger: Ledger
    jobs: BaseliningJobs
    objects: ObjectStore

    def __call__(self, job: JobRun) -> AnalysisEnded | None:
        """Return the end of the analysis that a job ran; None where it goes on, or is not this deployment's."""
        outcome = job.description.outcome
        if outcome is None:
            return None
        record = self.ledger.of_processing_job(job.job_name) or self.jobs.get(job.job_name)
        # A baselining job may have the name of a job of the user's; one that has no host yet is being started.
        if record is None or record.host not in (None, job.host):
            return None
        run = record.run or Run(host=job.host, subject=record.subject, run_id=job.run_id)
        if outcome.status is not OutcomeStatus.FAILED:
            stored = read_end(self.objects, record.output_s3_uri, record.subject)
            if stored is not None:  # our own program says more than its host knows
                return stored.model_copy(update={"run": run, "usage": job.usage})
        return AnalysisEnded.of(record, outcome, run=run, exhausted=job.description.exhausted, usage=job.usage)
