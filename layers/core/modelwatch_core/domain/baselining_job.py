"""One request to make a baseline, and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from modelwatch_core.domain.analysis import AnalysisStatus, RecordCounts
from modelwatch_core.domain.documents import S3Uri, UtcDatetime
from modelwatch_core.domain.monitor_kinds import MonitoringType, refuse_unfit
from modelwatch_core.domain.monitoring_schedule import Attributes, MonitorParameters

BaseliningJobName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]


class JobStatus(StrEnum):
    """SageMaker's words for a processing job, as far as a baseline needs them."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"


class BaselineRequest(MonitorParameters, Attributes):
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

    baselining_job_name: BaseliningJobName
    monitoring_type: MonitoringType = MonitoringType.DATA_QUALITY
    baseline_dataset_s3_uri: S3Uri
    dataset_format: dict[str, Any]
    output_s3_uri: S3Uri | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        refuse_unfit(self.monitoring_type, self.monitoring_type.kind.baseline_parameters, dict(self))
        return self


class BaseliningJob(BaselineRequest):
    """The record of the job."""

    output_s3_uri: S3Uri
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    status: JobStatus = JobStatus.IN_PROGRESS
    exit_message: str | None = None
    failure_reason: str | None = None
    records: RecordCounts | None = None
    version: int = 1

    @property
    def subject(self) -> str:
        """The identity as one word, for events and logs."""
        return f"baseline/{self.baselining_job_name}"

    @staticmethod
    def name_in(subject: str) -> str | None:
        """Return the job that a subject names, or None where it names something else."""
        kind, _, name = subject.partition("/")
        return name if kind == "baseline" and name else None

    def settled(
        self,
        status: AnalysisStatus,
        *,
        now: datetime,
        exit_message: str | None = None,
        failure_reason: str | None = None,
        records: RecordCounts | None = None,
    ) -> Self:
        """Return the job with its one terminal status; one that has it already is returned as it is."""
        if self.status is not JobStatus.IN_PROGRESS:
            return self
        return self.model_copy(
            update={
                "status": JobStatus.FAILED if status is AnalysisStatus.FAILED else JobStatus.COMPLETED,
                "exit_message": exit_message,
                "failure_reason": failure_reason and failure_reason[:1024],
                "records": records,
                "last_modified_time": now,
                "version": self.version + 1,
            }
        )
