"""What the page of all monitors says of one: kept when its executions end, so that the page reads no executions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from modelwatch_core.domain.alert_states import Standing
from modelwatch_core.domain.documents import NonEmpty, Owned, UtcDatetime
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.scores import Score

_RUNS = 24
_SCORES = 3
_ENDED = (ExecutionStatus.COMPLETED, ExecutionStatus.COMPLETED_WITH_VIOLATIONS, ExecutionStatus.FAILED)


class RunSummary(Owned):
    """What one window came to."""

    scheduled_time: UtcDatetime
    status: ExecutionStatus
    violation_count: int | None = None


class MonitorSummary(Owned):
    """The latest executions of a schedule, in short.

    Attributes
    ----------
    runs : tuple of RunSummary
        The last attempt of each of the latest windows that ended, what was due last first.
    since : datetime, optional
        Since which data executions have ended as the last one did, as far as they were known.
    scores : tuple of Score
        What the last execution measured, the nearest to a violation first.
    cost : Cost
        The estimated cost of all executions so far.
    alerts : tuple of Standing
        The alerts that are on.
    muted_until : datetime, optional
        The end of a time in which nothing is sent, which may be over.
    """

    schedule_id: NonEmpty
    runs: tuple[RunSummary, ...] = ()
    since: UtcDatetime | None = None
    scores: tuple[Score, ...] = ()
    cost: Cost = Cost()
    alerts: tuple[Standing, ...] = ()
    muted_until: UtcDatetime | None = None


def last_attempts(executions: Iterable[MonitoringExecution]) -> list[MonitoringExecution]:
    """Return the last attempt of each window that ended and was not stopped, what was due last first."""
    ended = (each for each in executions if each.monitoring_execution_status in _ENDED)
    by_window = {each.window: each for each in sorted(ended, key=lambda each: each.attempt)}
    return sorted(by_window.values(), key=lambda each: (each.scheduled_time, each.window.end), reverse=True)


def summary_of(
    schedule_id: str, executions: Iterable[MonitoringExecution], cost: Cost, before: MonitorSummary | None = None
) -> MonitorSummary:
    """Summarize a schedule.

    Parameters
    ----------
    executions : iterable of MonitoringExecution
        As many of the latest as are at hand: they say since when the state has been what it is.
    before : MonitorSummary, optional
        The summary before, which says it where all of them are alike.
    """
    latest = last_attempts(executions)
    if not latest:
        return MonitorSummary(schedule_id=schedule_id, cost=cost)
    last = latest[0]
    alike = [*takewhile(lambda each: each.monitoring_execution_status is last.monitoring_execution_status, latest)]
    since = alike[-1].window.start
    if alike == latest and before and before.since and before.runs[0].status is last.monitoring_execution_status:
        since = min(since, before.since)
    return MonitorSummary(
        schedule_id=schedule_id,
        runs=tuple(map(_run, latest[:_RUNS])),
        since=since,
        scores=last.outcome.scores[:_SCORES] if last.outcome else (),
        cost=cost,
    )


def _run(execution: MonitoringExecution) -> RunSummary:
    return RunSummary(
        scheduled_time=execution.scheduled_time,
        status=execution.monitoring_execution_status,
        violation_count=execution.outcome.violation_count if execution.outcome else None,
    )
