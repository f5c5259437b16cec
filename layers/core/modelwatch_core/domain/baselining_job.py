"""One request to make a baseline, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from modelwatch_core.domain.documents import NonEmpty, S3Uri, SageMakerName, UtcDatetime
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.monitor_kinds import DATA_QUALITY, MonitoringType, MonitorKind, monitor_kind, refuse_unfit
from modelwatch_core.domain.monitoring_schedule import MonitorParameters, RecordAttributes
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.processing_parameters import ProcessingParameters


class JobStatus(StrEnum):
    """SageMaker's statuses of a processing job."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


class BaselineRequest(MonitorParameters, RecordAttributes):
    """What a user asks for.

    Attributes
    ----------
    baseline_dataset_s3_uri : str
        A file, or a folder of files of one format.
    dataset_format : dict
        As SageMaker writes it, for instance ``{"csv": {"header": true}}``.
    output_s3_uri : str, optional
        The folder for statistics.json and constraints.json, or analysis.json; by default one in the results bucket.
    """

    baselining_job_name: SageMakerName
    monitoring_type: MonitoringType = DATA_QUALITY.monitoring_type
    baseline_dataset_s3_uri: S3Uri
    dataset_format: dict[str, Any]
    output_s3_uri: S3Uri | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        refuse_unfit(self.monitoring_type, self.kind.baseline_parameters, dict(self))
        return self

    @property
    def kind(self) -> MonitorKind:
        """The kind of monitor."""
        return monitor_kind(self.monitoring_type)

    @property
    def parameters_that_are_settings(self) -> dict[str, str | float]:
        """What is given and has the name of a setting."""
        truth = self.ground_truth_attribute
        return self.attributes | ({"ground_truth_attribute": truth} if truth else {})


class BaseliningJob(BaselineRequest):
    """The record of the job.

    Attributes
    ----------
    due : datetime
        When ``reconcile`` asks after it if it is still open then.
    host, host_reason : str
        Which host was chosen, and why.
    moved_up_from : str, optional
        The host that it outgrew: it ran out of memory, storage or time there, and is run once on a larger one.
    run : Run, optional
        What the host started.
    outcome : Outcome, optional
        How it ended.
    cost : Cost, optional
        What its runs cost, estimated; None where none of them reported anything.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    output_s3_uri: S3Uri
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    due: UtcDatetime
    status: JobStatus = JobStatus.IN_PROGRESS
    host: NonEmpty
    host_reason: str = ""
    moved_up_from: str | None = None
    run: Run | None = None
    outcome: Outcome | None = None
    cost: Cost | None = None
    version: int = 1

    @property
    def subject(self) -> str:
        """The identity as one string, for events and logs."""
        return f"baseline/{self.baselining_job_name}"

    @staticmethod
    def name_in(subject: str) -> str | None:
        """Return the job that a subject names, or None where it names something else."""
        kind, _, name = subject.partition("/")
        return name if kind == "baseline" and name else None

    @property
    def is_settled(self) -> bool:
        """Whether the status is terminal."""
        return self.status is not JobStatus.IN_PROGRESS

    @property
    def outgrew_its_host(self) -> bool:
        """Whether it waits for the sweep to run it on a larger host."""
        return not self.is_settled and self.run is None and self.moved_up_from == self.host

    def _changed(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={**changes, "last_modified_time": now, "version": self.version + 1})

    def running(self, run: Run | None, *, now: datetime, lease: timedelta) -> Self:
        """Return the job with the run that its host started, which must report within the lease.

        Parameters
        ----------
        run : Run, optional
            None while a temporary endpoint is made for it first.
        """
        return self._changed(now, run=run, due=now + lease)

    def moved_up(self, exhausted: Resource, *, now: datetime, cost: Cost | None = None) -> Self:
        """Return the job as one that is to be run once more, on a larger host; it is due at once.

        Parameters
        ----------
        cost : Cost, optional
            The cost of the run that died.
        """
        reason = f"{self.host} ran out of {exhausted}"
        return self._changed(now, moved_up_from=self.host, host_reason=reason, run=None, cost=cost, due=now)

    def on(self, host: str, reason: str) -> Self:
        """Return the job with the host that was chosen for it."""
        return self.model_copy(update={"host": host, "host_reason": reason})

    def tagged(self, tags: Mapping[str, str], *, now: datetime) -> Self:
        """Return the job with other tags."""
        processing = self.processing or ProcessingParameters()
        return self._changed(now, processing=processing.model_copy(update={"tags": dict(tags)}))

    def prolonged(self, *, due: datetime, now: datetime) -> Self:
        """Return the job with another time at which it is asked after."""
        return self._changed(now, due=due)

    def settled(self, outcome: Outcome, *, now: datetime, cost: Cost | None = None) -> Self:
        """Return the job with its one terminal status; one that has it already is returned as it is.

        Parameters
        ----------
        cost : Cost, optional
            The cost of the run that ended.
        """
        if self.is_settled:
            return self
        status, cost = _JOB_STATUSES[outcome.status], Cost.of_runs(self.cost, cost)
        return self._changed(now, status=status, outcome=outcome, cost=cost)


_JOB_STATUSES = {
    OutcomeStatus.COMPLETED: JobStatus.COMPLETED,
    OutcomeStatus.COMPLETED_WITH_VIOLATIONS: JobStatus.COMPLETED,
    OutcomeStatus.FAILED: JobStatus.FAILED,
    OutcomeStatus.STOPPED: JobStatus.STOPPED,
}
