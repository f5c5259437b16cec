"""The events that Modelwatch emits and takes in. Each one emitted is a versioned product with a schema in events/."""

from __future__ import annotations

from itertools import accumulate
from typing import ClassVar, Literal, Protocol, Self

from pydantic import Field, model_validator

from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.constraint_violations import Breach, ConstraintViolation, breach_of
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, SageMakerName, UtcDatetime
from modelwatch_core.domain.execution_cost import JobUsage, SparkUsage, Usage
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window

SOURCE = "modelwatch"
MOST_VIOLATIONS_IN_AN_EVENT = 50
LONGEST_DESCRIPTION_IN_AN_EVENT = 1000
MOST_BYTES_OF_VIOLATIONS_IN_AN_EVENT = 150_000
"""The most bytes of violations in an event: EventBridge and SNS take 256 KB, and feature names, which come from data,
may have any length."""


class Emitted(Owned):
    """The detail of an event of ours."""

    detail_type: ClassVar[str]
    schema_version: Literal["2.0"] = "2.0"


class Analysed(Protocol):
    """What an analysis is of: an execution, a baselining job, or the request for either."""

    @property
    def subject(self) -> str:
        """Whose analysis it is, see ``AnalysisEnded``."""

    @property
    def output_s3_uri(self) -> str:
        """The folder of its reports."""


class AnalysisEnded(Emitted):
    """A run of an analysis ended, on any host.

    Attributes
    ----------
    subject : str
        Whose analysis it was: ``execution/{schedule id}/{window start}/{window end}/{attempt}``, or
        ``baseline/{job name}``.
    run : Run, optional
        The run that ended, where its host reports it.
    usage : Usage, JobUsage or SparkUsage, optional
        What the run used, where its host knows that.
    exhausted : Resource, optional
        What the run ran out of, where that is why it failed: a larger host may still analyse it.
    """

    detail_type: ClassVar[str] = "Analysis Ended"

    subject: NonEmpty
    output_s3_uri: S3Uri
    outcome: Outcome
    run: Run | None = None
    usage: Usage | JobUsage | SparkUsage | None = None
    exhausted: Resource | None = None

    @classmethod
    def of(
        cls,
        analysis: Analysed,
        outcome: Outcome,
        *,
        run: Run | None = None,
        usage: Usage | JobUsage | SparkUsage | None = None,
        exhausted: Resource | None = None,
    ) -> Self:
        """Return the end of an analysis, by its request or by the record that it is for."""
        subject, uri = analysis.subject, analysis.output_s3_uri
        return cls(subject=subject, output_s3_uri=uri, outcome=outcome, run=run, usage=usage, exhausted=exhausted)


class ExecutionEnded(Emitted):
    """An execution has its terminal status. What other systems build upon.

    Attributes
    ----------
    attempt : int
        1, and more for a repetition of the window; ``outcome.changes`` says what it changed.
    alert_targets : tuple of AlertTargetReference
        Who is notified, as the schedule says; empty for the deployment's own target.
    violations : tuple of ConstraintViolation
        The worst 50, the worst first, or as many of them as fit; ``outcome.violation_count`` counts all,
        ``violation_report_uri`` has all.
    """

    detail_type: ClassVar[str] = "Execution Ended"

    schedule_id: NonEmpty
    monitoring_schedule_name: SageMakerName
    monitoring_type: MonitoringType
    endpoint_name: NonEmpty | None
    scheduled_time: UtcDatetime
    window: Window
    attempt: int = 1
    monitoring_execution_status: ExecutionStatus
    output_s3_uri: S3Uri
    outcome: Outcome
    alert_targets: tuple[AlertTargetReference, ...] = ()
    violations: tuple[ConstraintViolation, ...] = Field(default=(), max_length=MOST_VIOLATIONS_IN_AN_EVENT)
    violation_report_uri: S3Uri | None = None

    @property
    def worst_breach(self) -> Breach | None:
        """What the worst violation broke, by which rules of severity decide."""
        return breach_of(self.violations[0]) if self.violations else None

    @classmethod
    def of(cls, execution: MonitoringExecution, violations: tuple[ConstraintViolation, ...]) -> ExecutionEnded:
        """Return the event of a settled execution."""
        if execution.outcome is None:
            raise AssertionError("an execution that has not ended was announced")
        worst = sorted(violations, key=lambda each: execution.alerting.badness(breach_of(each)), reverse=True)
        shown = [
            violation.model_copy(update={"description": violation.description[:LONGEST_DESCRIPTION_IN_AN_EVENT]})
            for violation in worst[:MOST_VIOLATIONS_IN_AN_EVENT]
        ]
        sizes = accumulate(len(violation.model_dump_json().encode()) for violation in shown)
        fitting = sum(size <= MOST_BYTES_OF_VIOLATIONS_IN_AN_EVENT for size in sizes)
        return cls(
            schedule_id=execution.schedule_id,
            monitoring_schedule_name=execution.monitoring_schedule_name,
            monitoring_type=execution.monitoring_type,
            endpoint_name=execution.endpoint_name,
            scheduled_time=execution.scheduled_time,
            window=execution.window,
            attempt=execution.attempt,
            monitoring_execution_status=execution.monitoring_execution_status,
            output_s3_uri=execution.output_s3_uri,
            outcome=execution.outcome,
            alert_targets=execution.alert_targets,
            violations=tuple(shown[:fitting]),
            violation_report_uri=execution.violation_report_uri,
        )


class ExecutionRequest(Owned):
    """What EventBridge Scheduler sends when a schedule is due, or a person who wants a run.

    Attributes
    ----------
    schedule_id : str, optional
        The schedule that the clock was set for; one created again under its name has another id.
    scheduled_time : datetime, optional
        When the tick fired; ``start_delay_minutes`` before it the window ended.
    window : Window, optional
        In place of a scheduled time: the data that a one-off run looks at.
    tick_id : str
        The same for every delivery of the same firing.
    backfill : bool
        Whether a window that has been analysed is analysed again, for instance because labels came late.
    """

    monitoring_schedule_name: SageMakerName
    schedule_id: NonEmpty | None = None
    scheduled_time: UtcDatetime | None = None
    window: Window | None = None
    start_delay_minutes: int = 0
    tick_id: NonEmpty
    backfill: bool = False

    @model_validator(mode="after")
    def _names_one_window(self) -> Self:
        if (self.scheduled_time is None) == (self.window is None):
            raise ValueError("give either scheduled_time or window")
        return self
