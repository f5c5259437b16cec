"""SageMaker's processing jobs as they run analyses: what a container is given, and how a job ended.

Containers are run by SageMaker's bring-your-own-container contract: SageMaker moves the data, the container analyses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.analysis_settings import CONTRACT_ROOT
from modelwatch_core.domain.documents import ExactUtcDatetime, Inbound, NonEmpty, Owned, UtcDatetime
from modelwatch_core.domain.execution_cost import JobUsage
from modelwatch_core.domain.hosts import Resource, RunDescription, RunStatus
from modelwatch_core.domain.job_run import JobRun
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus

SAGEMAKER = "sagemaker"
"""The name of the host that runs processing jobs."""

REQUEST_VARIABLE = "modelwatch_request"
REQUEST_FILE = CONTRACT_ROOT / "request" / "analysis_request.json"
"""Where our own image finds its request; the variable names it. Without the variable its settings are SageMaker's
environment."""

_OUT_OF = {
    Resource.MEMORY: ("exit code: 137", "outofmemory", "out of memory"),
    Resource.STORAGE: ("no space left on device",),
    Resource.TIME: ("maxruntimeexceeded", "maximum runtime", "max runtime"),
}
"""Words of failure reasons and exit messages that name an exhausted resource. A container ends with 137 if the system
killed it for its memory."""


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """An object that SageMaker downloads, and where the analysis looks for it.

    A job may have hundreds of thousands: pydantic's own models take several times as much memory.

    Attributes
    ----------
    downloaded, path : str
        Where SageMaker puts it, and its place, both below ``/opt/ml/processing``.
    modified : datetime
        When it was last modified in S3, by which the analyzer knows what is late.
    """

    downloaded: NonEmpty
    path: NonEmpty
    modified: ExactUtcDatetime


class JobRequest(Owned):
    """What our own image is given.

    Attributes
    ----------
    allow_pickles : bool
        Whether models may be loaded from pickles.
    """

    request: AnalysisRequest
    objects: tuple[PlacedObject, ...]
    allow_pickles: bool = False


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


_IF_READABLE = WrapValidator(_or_none)
"""Only says what a job used: that it ended counts, whatever is written there."""


class JobCluster(Inbound):
    """The instances of a processing job."""

    instance_type: str = Field(default="", alias="InstanceType")
    instance_count: int = Field(default=1, alias="InstanceCount", gt=0)
    volume_gigabytes: int = Field(default=0, alias="VolumeSizeInGB", ge=0)


class JobResources(Inbound):
    """What a processing job runs on."""

    cluster: JobCluster = Field(alias="ClusterConfig")


class JobStoppingCondition(Inbound):
    """When SageMaker stops a processing job."""

    max_runtime_seconds: int = Field(alias="MaxRuntimeInSeconds", gt=0)


class JobState(Inbound):
    """A processing job, as DescribeProcessingJob and its state-change events have it."""

    detail_type: ClassVar[str] = "SageMaker Processing Job State Change"

    name: NonEmpty = Field(alias="ProcessingJobName")
    status: Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"] = Field(alias="ProcessingJobStatus")
    exit_message: str | None = Field(default=None, alias="ExitMessage")
    failure_reason: str | None = Field(default=None, alias="FailureReason")
    started: Annotated[UtcDatetime | None, _IF_READABLE] = Field(default=None, alias="ProcessingStartTime")
    ended: Annotated[UtcDatetime | None, _IF_READABLE] = Field(default=None, alias="ProcessingEndTime")
    resources: Annotated[JobResources | None, _IF_READABLE] = Field(default=None, alias="ProcessingResources")
    stopping: Annotated[JobStoppingCondition | None, _IF_READABLE] = Field(default=None, alias="StoppingCondition")

    @property
    def usage(self) -> JobUsage | None:
        """What the job used, once it has ended; None of one that never started."""
        seconds, cluster = self._seconds, self.resources.cluster if self.resources else None
        if seconds is None or cluster is None or not cluster.instance_type:
            return None
        return JobUsage(
            seconds=seconds,
            instance_type=cluster.instance_type,
            instance_count=cluster.instance_count,
            volume_gigabytes=cluster.volume_gigabytes,
        )

    @property
    def _seconds(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return max(0.0, (self.ended - self.started).total_seconds())

    @property
    def job_run(self) -> JobRun:
        """The job as its end is looked up."""
        return JobRun(
            host=SAGEMAKER, job_name=self.name, run_id=self.name, description=self.description, usage=self.usage
        )

    @property
    def description(self) -> RunDescription:
        """The run that the job is."""
        if self.status in ("InProgress", "Stopping"):
            return RunDescription(status=RunStatus.RUNNING)
        exhausted = None if self.status == "Completed" else self._exhausted
        return RunDescription(status=RunStatus.ENDED, outcome=self._outcome(exhausted), exhausted=exhausted)

    @property
    def _exhausted(self) -> Resource | None:
        named = Resource.named_in(f"{self.failure_reason}\n{self.exit_message}", _OUT_OF)
        return Resource.TIME if named is None and self._was_stopped_for_its_time else named

    @property
    def _was_stopped_for_its_time(self) -> bool:
        if self.status != "Stopped" or self.stopping is None or self._seconds is None:
            return False
        return self._seconds >= self.stopping.max_runtime_seconds

    def _outcome(self, exhausted: Resource | None) -> Outcome:
        if self.status == "Completed":
            found = (self.exit_message or "").lstrip().startswith(OutcomeStatus.COMPLETED_WITH_VIOLATIONS)
            status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if found else OutcomeStatus.COMPLETED
            return Outcome(status=status, exit_message=self.exit_message or None)
        if self.status == "Stopped" and exhausted is None:
            return Outcome.stopped(f"StoppedInSageMaker: the processing job {self.name} was stopped.")
        ours = f"{OutcomeStatus.FAILED}: "
        if self.exit_message and self.exit_message.startswith(ours):
            return Outcome.failed(self.exit_message.removeprefix(ours))
        unsaid = "it ran for as long as it may" if exhausted is Resource.TIME else "SageMaker gives no reason"
        said = "; ".join(filter(None, (self.failure_reason, self.exit_message))) or unsaid
        return Outcome.failed(f"ProcessingJobFailed: the processing job {self.name} ended with: {said}")
