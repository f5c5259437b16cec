"""One run of a schedule over one window, and the only ways in which it may change."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisStatus, GroundTruthCounts, RecordCounts
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, UtcDatetime, iso_utc
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleName
from modelwatch_core.domain.windows import Window


class ExecutionStatus(StrEnum):
    """SageMaker's words."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    COMPLETED_WITH_VIOLATIONS = "CompletedWithViolations"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def is_terminal(self) -> bool:
        """Whether an execution in this status never changes again."""
        return self not in (ExecutionStatus.PENDING, ExecutionStatus.IN_PROGRESS)


class ExecutionKey(Owned):
    """The identity of an execution: there is one per schedule and window start, and one more for each re-run of it."""

    monitoring_schedule_name: ScheduleName
    window_start: UtcDatetime
    attempt: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        """The identity as one word, for events and logs."""
        first = f"execution/{self.monitoring_schedule_name}/{iso_utc(self.window_start)}"
        return first if self.attempt == 1 else f"{first}/{self.attempt}"

    @classmethod
    def of_subject(cls, subject: str) -> Self | None:
        """Return the key that a subject names, or None where it names something else."""
        kind, _, rest = subject.partition("/")
        name, _, window = rest.partition("/")
        start, _, attempt = window.partition("/")
        if kind != "execution" or not start:
            return None
        return cls(
            monitoring_schedule_name=name, window_start=datetime.fromisoformat(start), attempt=int(attempt or "1")
        )


class MonitoringExecution(Owned):
    """The record of one execution.

    Attributes
    ----------
    attempt : int
        1, and more for a re-run of a window, which replaces the reports of the attempt before.
    tick_id : str
        The firing that made it. A repeated delivery of the same firing may resume it; another firing may not.
    active : bool
        Whether it holds its schedule. Of all executions of a schedule at most one is active.
    due : datetime
        When ``reconcile`` looks at it if it is still open then.
    announced : bool
        Whether its end has been published.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    monitoring_schedule_name: ScheduleName
    monitoring_type: MonitoringType
    endpoint_name: NonEmpty | None
    scheduled_time: UtcDatetime
    window: Window
    attempt: int = 1
    output_s3_uri: S3Uri
    tick_id: NonEmpty
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    due: UtcDatetime
    monitoring_execution_status: ExecutionStatus = ExecutionStatus.PENDING
    active: bool = True
    host: str | None = None
    exit_message: str | None = None
    failure_reason: str | None = None
    violations: int | None = None
    records: RecordCounts | None = None
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()
    violation_report_uri: S3Uri | None = None
    announced: bool = False
    version: int = 1

    @classmethod
    def planned(
        cls,
        schedule: MonitoringSchedule,
        *,
        scheduled_time: datetime,
        attempt: int = 1,
        tick_id: str,
        now: datetime,
        lease: timedelta,
    ) -> Self:
        """Return the execution that a schedule is due to have at a scheduled time."""
        return cls(
            monitoring_schedule_name=schedule.monitoring_schedule_name,
            monitoring_type=schedule.monitoring_type,
            endpoint_name=schedule.endpoint_name,
            scheduled_time=scheduled_time,
            window=schedule.window(scheduled_time),
            attempt=attempt,
            output_s3_uri=s3_layout.results(
                schedule.output_s3_uri,
                schedule.endpoint_name,
                schedule.monitoring_schedule_name,
                scheduled_time,
            ),
            tick_id=tick_id,
            creation_time=now,
            last_modified_time=now,
            due=now + lease,
        )

    @property
    def key(self) -> ExecutionKey:
        """The identity of this execution."""
        return ExecutionKey(
            monitoring_schedule_name=self.monitoring_schedule_name,
            window_start=self.window.start,
            attempt=self.attempt,
        )

    @property
    def is_settled(self) -> bool:
        """Whether the status is terminal."""
        return self.monitoring_execution_status.is_terminal

    def _changed(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={**changes, "last_modified_time": now, "version": self.version + 1})

    def planned_again(self, *, now: datetime, lease: timedelta) -> Self:
        """Return the same plan as it would be made now."""
        return self.model_copy(update={"creation_time": now, "due": now + lease})

    def waiting(self) -> Self:
        """Return the same, planned but not holding its schedule, because another execution does.

        It is due at once: its turn comes when the other one lets go, and ``reconcile`` is who looks.
        """
        return self.model_copy(update={"active": False, "due": self.creation_time})

    def activated(self, *, now: datetime, lease: timedelta) -> Self:
        """Return the waiting execution as the one that holds its schedule."""
        return self._changed(now, active=True, due=now + lease)

    def started(self, *, host: str, now: datetime, lease: timedelta) -> Self:
        """Return the execution as taken over by a host, which must report within the lease."""
        return self._changed(now, monitoring_execution_status=ExecutionStatus.IN_PROGRESS, host=host, due=now + lease)

    def settled(
        self,
        status: AnalysisStatus,
        *,
        now: datetime,
        exit_message: str | None = None,
        failure_reason: str | None = None,
        violations: int | None = None,
        records: RecordCounts | None = None,
        ground_truth: GroundTruthCounts | None = None,
        changes: tuple[str, ...] = (),
    ) -> Self:
        """Return the execution with its one terminal status; one that has it already is returned as it is."""
        if self.is_settled:
            return self
        with_report = status is AnalysisStatus.COMPLETED_WITH_VIOLATIONS
        return self._changed(
            now,
            monitoring_execution_status=ExecutionStatus(status.value),
            exit_message=exit_message,
            failure_reason=failure_reason and failure_reason[:1024],
            violations=violations,
            records=records,
            ground_truth=ground_truth,
            changes=changes,
            violation_report_uri=f"{self.output_s3_uri}/constraint_violations.json" if with_report else None,
            active=False,
        )

    def with_announcement(self, *, now: datetime) -> Self:
        """Return the execution as one whose end has been published."""
        return self._changed(now, announced=True)
