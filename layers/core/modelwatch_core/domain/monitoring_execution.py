"""One run of a schedule over one window, and the only ways in which it may change."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Self

from pydantic import Field, ValidationError

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import Alerting
from modelwatch_core.domain.documents import (
    ExactUtcDatetime,
    NonEmpty,
    Owned,
    S3Uri,
    SageMakerName,
    UtcDatetime,
    iso_utc,
)
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.monitor_kinds import MonitoringType, MonitorKind, monitor_kind
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.windows import Window


class ExecutionStatus(StrEnum):
    """SageMaker's statuses."""

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

    @property
    def is_completed(self) -> bool:
        """Whether the analysis came to its end, with or without violations."""
        return self in (ExecutionStatus.COMPLETED, ExecutionStatus.COMPLETED_WITH_VIOLATIONS)


class ExecutionKey(Owned):
    """The identity of an execution: there is one per schedule and window, and one more for each attempt after it."""

    schedule_id: NonEmpty
    window: Window
    attempt: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        """The identity as one string, for events and logs."""
        span = f"{iso_utc(self.window.start)}/{iso_utc(self.window.end)}"
        return f"execution/{self.schedule_id}/{span}/{self.attempt}"

    @property
    def place(self) -> str:
        """Where it is among the executions of its schedule: places sort as windows, then attempts, do."""
        return f"{iso_utc(self.window.start)}~{iso_utc(self.window.end)}#{self.attempt:05}"

    @classmethod
    def of_subject(cls, subject: str) -> Self | None:
        """Return the key that a subject names, or None where it names something else."""
        match subject.split("/"):
            case ["execution", schedule_id, start, end, attempt]:
                window = {"start": start, "end": end}
                try:
                    return cls.model_validate({"schedule_id": schedule_id, "window": window, "attempt": attempt})
                except ValidationError:
                    return None
            case _:
                return None


class MonitoringExecution(Owned):
    """The record of one execution.

    Attributes
    ----------
    schedule_id : str
        The identity of its schedule; the name may be used again by another one.
    attempt : int
        1, and more for a repetition of a window, which replaces the reports of the attempt before.
    alert_targets : tuple of AlertTargetReference
        Who is notified of its end, as its schedule said when it was planned; the deployment's own target if empty.
    alerting : Alerting
        When they are notified, and how serious it is, as its schedule said then.
    tags : dict of str to str
        Those of its schedule then, by which alerts are routed.
    compares : bool
        Whether its schedule had constraints to compare with when it started; without them there is no report of
        violations.
    publish_cloudwatch_metrics : bool
        Whether its metrics are published.
    publish_feature_metrics : bool
        Whether its metrics of single features, groups and labels are published too.
    tick_id : str
        The firing that made it. A repeated delivery of the same firing may resume it; another firing may not.
    captures_until : datetime, optional
        When it looked at what was captured: what reached S3 later is for the next execution. Records of earlier
        versions of the app have none.
    late_since : datetime, optional
        When the execution of the window before looked at what was captured: what reached S3 since and is of earlier
        windows is late, and read by this one. None where there is no such execution.
    one_off : bool
        Whether its window is none of its schedule's own.
    not_made_up : int
        How many windows that were due before it, while the app was away, no execution looks at; at most some 1,000 are
        counted.
    active : bool
        Whether it holds its schedule. Of all executions of a schedule at most one is active.
    due : datetime
        When ``reconcile`` looks at it if it is still open then.
    host, host_reason : str, optional
        Which host was chosen, and why.
    moved_up_from : str, optional
        The host that it outgrew: it ran out of memory, storage or time there, and is run once on a larger one.
    run : Run, optional
        What the host started.
    outcome : Outcome, optional
        How it ended.
    cost : Cost, optional
        What its runs cost, estimated; None where none of them reported anything.
    announced, metrics_published : bool
        Whether its end, and its metrics, have been published.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    schedule_id: NonEmpty
    monitoring_schedule_name: SageMakerName
    monitoring_type: MonitoringType
    endpoint_name: NonEmpty | None
    scheduled_time: UtcDatetime
    window: Window
    attempt: int = 1
    alert_targets: tuple[AlertTargetReference, ...] = ()
    alerting: Alerting = Alerting()
    tags: dict[str, str] = Field(default_factory=dict)
    compares: bool = True
    publish_cloudwatch_metrics: bool = True
    publish_feature_metrics: bool = False
    output_s3_uri: S3Uri
    tick_id: NonEmpty
    captures_until: ExactUtcDatetime | None = None
    late_since: ExactUtcDatetime | None = None
    one_off: bool = False
    not_made_up: int = 0
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    due: UtcDatetime
    monitoring_execution_status: ExecutionStatus = ExecutionStatus.PENDING
    active: bool = True
    host: str | None = None
    host_reason: str | None = None
    moved_up_from: str | None = None
    run: Run | None = None
    outcome: Outcome | None = None
    cost: Cost | None = None
    violation_report_uri: S3Uri | None = None
    announced: bool = False
    metrics_published: bool = False
    version: int = 1

    @classmethod
    def planned(
        cls,
        schedule: MonitoringSchedule,
        *,
        window: Window,
        scheduled_time: datetime | None = None,
        tick_id: str,
        now: datetime,
        lease: timedelta,
        captures_until: datetime,
        late_since: datetime | None = None,
    ) -> Self:
        """Return the execution of a window.

        Parameters
        ----------
        scheduled_time : datetime, optional
            Not given for a one-off run, whose reports have a folder of their own.
        """
        name = schedule.monitoring_schedule_name
        place = (schedule.output_s3_uri, schedule.endpoint_name, name)
        by_minute = schedule.expression.is_due_within_the_hour
        results = (
            s3_layout.results(*place, scheduled_time, by_minute=by_minute)
            if scheduled_time
            else s3_layout.one_off_results(*place, window)
        )
        return cls(
            captures_until=captures_until,
            late_since=late_since,
            one_off=scheduled_time is None,
            schedule_id=schedule.schedule_id,
            monitoring_schedule_name=name,
            monitoring_type=schedule.monitoring_type,
            endpoint_name=schedule.endpoint_name,
            scheduled_time=scheduled_time or window.end,
            window=window,
            alert_targets=schedule.alert_targets,
            alerting=schedule.alerting,
            tags=schedule.tags,
            compares=schedule.compares,
            publish_cloudwatch_metrics=schedule.publish_cloudwatch_metrics,
            publish_feature_metrics=schedule.publish_feature_metrics,
            output_s3_uri=results,
            tick_id=tick_id,
            creation_time=now,
            last_modified_time=now,
            due=now + lease,
        )

    @property
    def key(self) -> ExecutionKey:
        """The identity of this execution."""
        return ExecutionKey(schedule_id=self.schedule_id, window=self.window, attempt=self.attempt)

    @property
    def subject(self) -> str:
        """The identity as one string, for events and logs."""
        return self.key.subject

    @property
    def processing_job_name(self) -> str:
        """A name for it by SageMaker's rule for processing jobs, which depends on its identity only."""
        digest = sha256(self.subject.encode()).hexdigest()[:12]
        return f"{self.monitoring_schedule_name[:37].rstrip('-')}-{self.window.end:%Y%m%d%H%M}-{digest}"

    @property
    def kind(self) -> MonitorKind:
        """The kind of monitor."""
        return monitor_kind(self.monitoring_type)

    @property
    def needs_report(self) -> bool:
        """Whether its analysis must write a report of violations: a user's own container need not."""
        return self.compares and self.kind.analysis is not None

    @property
    def reports_since(self) -> datetime | None:
        """Since when reports in its folder are its own; None where its analysis replaces those of earlier attempts.

        One that need not write a report of violations leaves that of an earlier attempt there.
        """
        return None if self.needs_report else self.creation_time.replace(microsecond=0)  # S3 gives whole seconds

    @property
    def waits(self) -> bool:
        """Whether its window is claimed, and another execution has its schedule."""
        return self.monitoring_execution_status is ExecutionStatus.PENDING and not self.active

    @property
    def is_settled(self) -> bool:
        """Whether the status is terminal."""
        return self.monitoring_execution_status.is_terminal

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.is_settled and self.announced and self.metrics_published

    def _changed(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={**changes, "last_modified_time": now, "version": self.version + 1})

    def next_attempt(self, *, late_since: datetime | None) -> Self:
        """Return the plan of another attempt at the same window, which reads what was late for the attempt before."""
        return self.model_copy(update={"attempt": self.attempt + 1, "late_since": late_since})

    def planned_again(self, *, now: datetime, lease: timedelta) -> Self:
        """Return the same plan as it would be made now."""
        return self.model_copy(update={"creation_time": now, "due": now + lease})

    def waiting(self) -> Self:
        """Return the same, planned but not holding its schedule, because another execution does.

        It is due at once: its turn comes when the other one lets go, and ``reconcile`` starts it then.
        """
        return self.model_copy(update={"active": False, "due": self.creation_time})

    def activated(self, *, now: datetime, lease: timedelta) -> Self:
        """Return the waiting execution as the one that holds its schedule."""
        return self._changed(now, active=True, due=now + lease)

    def started(self, *, host: str, host_reason: str, run: Run | None, now: datetime, lease: timedelta) -> Self:
        """Return the execution as taken by a host, which must report within the lease.

        Parameters
        ----------
        run : Run, optional
            None while a temporary endpoint is made for it first, whose events may have noted the run already.
        """
        return self._changed(
            now,
            monitoring_execution_status=ExecutionStatus.IN_PROGRESS,
            host=host,
            host_reason=host_reason,
            run=run or self.run,
            due=now + lease,
        )

    def running(self, run: Run, *, now: datetime, lease: timedelta) -> Self:
        """Return the execution with the run that its host started, after its temporary endpoint came into service."""
        return self._changed(now, run=run, due=now + lease)

    def of_changed(self, schedule: MonitoringSchedule, *, now: datetime) -> Self:
        """Return the execution as one that analyses what its schedule says by now, after it was planned."""
        return self._changed(now, compares=schedule.compares)

    def prolonged(self, *, due: datetime, now: datetime) -> Self:
        """Return the execution with another time at which it is asked after."""
        return self._changed(now, due=due)

    def moved_up(self, exhausted: Resource, *, now: datetime, cost: Cost | None = None) -> Self:
        """Return the execution as one that is to be run once more, on a larger host; it is due at once.

        Parameters
        ----------
        cost : Cost, optional
            The cost of the run that died.
        """
        return self._changed(
            now,
            monitoring_execution_status=ExecutionStatus.PENDING,
            moved_up_from=self.host,
            host_reason=f"{self.host} ran out of {exhausted}",
            host=None,
            run=None,
            cost=cost,
            due=now,
        )

    def settled(
        self,
        outcome: Outcome,
        *,
        now: datetime,
        run: Run | None = None,
        violation_report_uri: str | None = None,
        cost: Cost | None = None,
    ) -> Self:
        """Return the execution with its one terminal status; one that has it already is returned as it is.

        Parameters
        ----------
        run : Run, optional
            The run that ended, where its host reports it.
        cost : Cost, optional
            The cost of the run that ended.
        """
        if self.is_settled:
            return self
        is_known = run is None or (self.run is not None and self.run.run_id == run.run_id)
        return self._changed(
            now,
            monitoring_execution_status=ExecutionStatus(outcome.status.value),
            outcome=outcome,
            run=self.run if is_known else run,
            violation_report_uri=violation_report_uri,
            cost=Cost.of_runs(self.cost, cost),
            active=False,
        )

    def with_announcement(self, *, now: datetime) -> Self:
        """Return the execution as one whose end has been published."""
        return self._changed(now, announced=True)

    def with_metrics(self, *, now: datetime) -> Self:
        """Return the execution as one whose metrics have been published."""
        return self._changed(now, metrics_published=True)
