"""The events that Modelwatch emits and takes in. Each one emitted is a versioned product with a schema in events/."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, ClassVar, Literal

from pydantic import Field

from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisStatus, GroundTruthCounts, RecordCounts
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import Inbound, NonEmpty, Owned, S3Uri, UtcDatetime
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import ScheduleName
from modelwatch_core.domain.windows import Window

SOURCE = "modelwatch"
MOST_VIOLATIONS_IN_AN_EVENT = 50
LONGEST_DESCRIPTION_IN_AN_EVENT = 1000
MOST_BYTES_OF_VIOLATIONS_IN_AN_EVENT = 150_000
"""EventBridge and SNS take 256 KB; names of features come from data and may be of any length."""


class Emitted(Owned):
    """The detail of an event of ours."""

    detail_type: ClassVar[str]
    schema_version: Literal["1.0"] = "1.0"


class AnalysisEnded(Emitted):
    """A host is done with an analysis, one way or the other.

    Attributes
    ----------
    subject : str
        ``execution/{schedule}/{window start}``, with ``/2`` behind it for the first re-run, or ``baseline/{job name}``.
    failure_reason : str or None
        Set when the status is Failed: what went wrong, and what to do.
    """

    detail_type: ClassVar[str] = "Analysis Ended"

    subject: NonEmpty
    status: AnalysisStatus
    output_s3_uri: S3Uri
    exit_message: str | None = None
    failure_reason: str | None = None
    violations: int | None = None
    records: RecordCounts | None = None
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()


class ExecutionEnded(Emitted):
    """An execution has its terminal status. What other systems build upon.

    Attributes
    ----------
    attempt : int
        1, and more for a re-run of the window; ``changes`` says what it changed.
    violations : tuple of ConstraintViolation
        The first 50, or as many of them as fit; ``violation_count`` counts all, ``violation_report_uri`` holds all.
    """

    detail_type: ClassVar[str] = "Execution Ended"

    monitoring_schedule_name: ScheduleName
    monitoring_type: MonitoringType
    endpoint_name: NonEmpty | None
    scheduled_time: UtcDatetime
    window: Window
    attempt: int = 1
    monitoring_execution_status: ExecutionStatus
    output_s3_uri: S3Uri
    violation_count: int = 0
    violations: tuple[ConstraintViolation, ...] = Field(default=(), max_length=MOST_VIOLATIONS_IN_AN_EVENT)
    violation_report_uri: S3Uri | None = None
    failure_reason: str | None = None
    records: RecordCounts | None = None
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()

    @classmethod
    def of(cls, execution: MonitoringExecution, violations: tuple[ConstraintViolation, ...]) -> ExecutionEnded:
        """Return the event of a settled execution."""
        shown = [
            violation.model_copy(update={"description": violation.description[:LONGEST_DESCRIPTION_IN_AN_EVENT]})
            for violation in violations[:MOST_VIOLATIONS_IN_AN_EVENT]
        ]
        sizes = accumulate(len(violation.model_dump_json().encode()) for violation in shown)
        fitting = sum(size <= MOST_BYTES_OF_VIOLATIONS_IN_AN_EVENT for size in sizes)
        return cls(
            monitoring_schedule_name=execution.monitoring_schedule_name,
            monitoring_type=execution.monitoring_type,
            endpoint_name=execution.endpoint_name,
            scheduled_time=execution.scheduled_time,
            window=execution.window,
            attempt=execution.attempt,
            monitoring_execution_status=execution.monitoring_execution_status,
            output_s3_uri=execution.output_s3_uri,
            violation_count=len(violations),
            violations=tuple(shown[:fitting]),
            violation_report_uri=execution.violation_report_uri,
            failure_reason=execution.failure_reason,
            records=execution.records,
            ground_truth=execution.ground_truth,
            changes=execution.changes,
        )


EMITTED: tuple[type[Emitted], ...] = (AnalysisEnded, ExecutionEnded)
"""Every event that we emit; events/schemas is generated from these."""


class ScheduleTick(Inbound):
    """What EventBridge Scheduler sends when a schedule is due, or a person who wants a run of that time.

    Attributes
    ----------
    scheduled_time : datetime
        When the tick fired; ``start_delay_minutes`` before it the window ended.
    tick_id : str
        The same for every delivery of the same firing.
    backfill : bool
        Whether a window that has been analysed is analysed again, for instance because labels came late.
    """

    monitoring_schedule_name: ScheduleName
    scheduled_time: UtcDatetime
    start_delay_minutes: int = 0
    tick_id: NonEmpty
    backfill: bool = False


class _InvocationContext(Inbound):
    condition: str
    approximate_invoke_count: int | None = Field(default=None, alias="approximateInvokeCount")


class HostInvocationFailed(Inbound):
    """Lambda's record of an asynchronous invocation of the analyzer that failed for good."""

    request_context: _InvocationContext = Field(alias="requestContext")
    request_payload: AnalysisRequest = Field(alias="requestPayload")
    response_payload: Any = Field(default=None, alias="responsePayload")

    def as_analysis_ended(self) -> AnalysisEnded:
        """Return the end that the crashed analyzer could not report itself."""
        said = self.response_payload if isinstance(self.response_payload, dict) else {}
        error = ": ".join(str(said[part]) for part in ("errorType", "errorMessage") if said.get(part))
        count = self.request_context.approximate_invoke_count
        times = "several times" if count is None else f"{count} time{'s' if count != 1 else ''}"
        return AnalysisEnded(
            subject=self.request_payload.subject,
            status=AnalysisStatus.FAILED,
            output_s3_uri=self.request_payload.output_s3_uri,
            failure_reason=(
                f"AnalyzerCrashed: the analyzer was started {times} and ended without a report"
                f" ({self.request_context.condition}{'; ' + error if error else ''})."
                " If it ran out of memory or time, give the function more of them; its log has the details."
            ),
        )
