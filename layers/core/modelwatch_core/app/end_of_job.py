"""A processing job ended: whose analysis it was, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.app.output_folder import read_end
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Run, RunStatus
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.processing_job import SAGEMAKER, JobState
from modelwatch_core.ports import BaseliningJobs, Ledger, ObjectStore


@dataclass(frozen=True, slots=True)
class EndOfJob:
    """Find what a processing job was for.

    SageMaker reports the ends of all jobs of the account, so most are none of ours.
    """

    ledger: Ledger
    jobs: BaseliningJobs
    objects: ObjectStore

    def __call__(self, state: JobState) -> AnalysisEnded | None:
        """Return the end of the analysis that a job ran; None where it goes on, or is not this deployment's."""
        record = self.ledger.of_processing_job(state.name) or self.jobs.get(state.name)
        described = state.description
        # A baselining job may have the name of a job of the user's; one that has no host yet is being started.
        if record is None or record.host not in (None, SAGEMAKER) or described.outcome is None:
            return None
        if described.status is RunStatus.ENDED and described.outcome.status is not OutcomeStatus.FAILED:
            stored = read_end(self.objects, record.output_s3_uri, record.subject)
            if stored is not None:  # our own image says more than SageMaker knows
                return stored.model_copy(update={"usage": state.usage})
        return AnalysisEnded(
            subject=record.subject,
            output_s3_uri=record.output_s3_uri,
            outcome=described.outcome,
            run=record.run or Run(host=SAGEMAKER, subject=record.subject, run_id=state.name),
            exhausted=described.exhausted,
            usage=state.usage,
        )
