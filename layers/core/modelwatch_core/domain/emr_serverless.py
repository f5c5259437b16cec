"""Job runs of EMR Serverless as they run analyses: what a run is given, and how it ended."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from modelwatch_core.domain.documents import Inbound, NonEmpty
from modelwatch_core.domain.execution_cost import SparkUsage
from modelwatch_core.domain.hosts import Resource, RunDescription, RunStatus
from modelwatch_core.domain.job_run import JobRun
from modelwatch_core.domain.outcome import Outcome

EMR_SERVERLESS = "emr-serverless"
"""The name of the host that runs Spark."""

OUT_OF = {
    Resource.MEMORY: ("exitcode: 137", "exit code 137", "outofmemory", "out of memory", "memory usage exceeded"),
    Resource.STORAGE: ("no space left on device",),
}
"""Words in ``stateDetails`` that name an exhausted resource; it quotes what the driver and executors printed last."""

_OUT_OF_TIME = {Resource.TIME: ("timed out", "timeout")}
"""Words that mean a lack of time only if EMR Serverless itself says them: in quoted logs they may be about a
request."""

_QUOTED = "Last few exceptions"
"""Behind these words ``stateDetails`` quotes lines of logs, which are not for alerts."""


class JobRunEnded(Inbound):
    """The detail of a state-change event, which says which run it is, and nothing of why."""

    detail_type: ClassVar[str] = "EMR Serverless Job Run State Change"

    application_id: NonEmpty = Field(alias="applicationId")
    job_run_id: NonEmpty = Field(alias="jobRunId")


class _Billed(Inbound):
    vcpu_hours: float = Field(default=0.0, alias="vCPUHour", ge=0)
    memory_gb_hours: float = Field(default=0.0, alias="memoryGBHour", ge=0)
    storage_gb_hours: float = Field(default=0.0, alias="storageGBHour", ge=0)


class JobRunState(Inbound):
    """A job run, as GetJobRun has it.

    Attributes
    ----------
    billed, used : optional
        What it is billed for, and what its workers took: a run has the first once it has ended.
    """

    job_run_id: NonEmpty = Field(alias="jobRunId")
    name: NonEmpty | None = None
    state: Literal[
        "SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS", "FAILED", "CANCELLING", "CANCELLED", "QUEUED"
    ]
    state_details: str | None = Field(default=None, alias="stateDetails")
    billed: _Billed | None = Field(default=None, alias="billedResourceUtilization")
    used: _Billed | None = Field(default=None, alias="totalResourceUtilization")

    @property
    def job_run(self) -> JobRun:
        """The run as its end is looked up."""
        return JobRun(
            host=EMR_SERVERLESS,
            job_name=self.name or self.job_run_id,
            run_id=self.job_run_id,
            description=self.description,
            usage=self.usage,
        )

    @property
    def usage(self) -> SparkUsage | None:
        """What the run used; None where that is not known."""
        found = self.billed or self.used
        return SparkUsage.model_validate(found.model_dump()) if found else None

    @property
    def description(self) -> RunDescription:
        """The run as hosts describe it."""
        if self.state not in ("SUCCESS", "FAILED", "CANCELLED"):
            return RunDescription(status=RunStatus.RUNNING)
        exhausted = None
        if self.state != "SUCCESS":
            exhausted = Resource.named_in(self.state_details or "", OUT_OF)
            exhausted = exhausted or Resource.named_in(self._own_words, _OUT_OF_TIME)
        return RunDescription(status=RunStatus.ENDED, outcome=self._outcome(exhausted), exhausted=exhausted)

    @property
    def _own_words(self) -> str:
        return (self.state_details or "").partition(_QUOTED)[0].strip().rstrip(".")

    def _outcome(self, exhausted: Resource | None) -> Outcome:
        run = f"the job run {self.job_run_id}"
        if self.state == "SUCCESS":  # the application has stored its end, or its host never ran it
            return Outcome.failed(f"NoEndOfAnalysis: {run} succeeded, but did not store the end of its analysis")
        if self.state == "CANCELLED" and exhausted is None:
            return Outcome.stopped(f"StoppedInEmrServerless: {run} was cancelled.")
        reason = self._own_words or "EMR Serverless gives no reason"
        of_what = f"; it ran out of {exhausted}" if exhausted else ""
        return Outcome.failed(f"JobRunFailed: {run} ended with: {reason}{of_what}")
