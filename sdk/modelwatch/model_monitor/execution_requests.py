"""Requests for executions of a schedule: one, or those of all windows that were due in a span of time."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from modelwatch.app_client import AppClient
from modelwatch.arguments import time
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch_core.domain.sagemaker_api.responses import Record

Ended = TypeVar("Ended")


def span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return two times with their time zone, UTC if they have none.

    Raises
    ------
    TypeError, ValueError
        Where they are no datetimes, or the first is not before the second.
    """
    begin, finish = time("start", start), time("end", end)
    if not begin < finish:
        raise ValueError("start must be before end")
    return begin, finish


def execution_request(schedule: Record, scheduled: datetime, *, backfill: bool) -> dict[str, Any]:
    """Return the request for the window of a scheduled time."""
    delay = schedule["start_delay_minutes"]
    due = {"scheduled_time": (scheduled + timedelta(minutes=delay)).isoformat(), "start_delay_minutes": delay}
    return _request(schedule, backfill) | due


def window_request(schedule: Record, start: datetime, end: datetime, *, backfill: bool) -> dict[str, Any]:
    """Return the request for a one-off run over a window."""
    return _request(schedule, backfill) | {"window": {"start": start.isoformat(), "end": end.isoformat()}}


def backfill_requests(schedule: Record, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the requests for all windows that were due from a time on and before another, the earliest first."""
    due = reversed([*_due(schedule, start, end)])
    return [execution_request(schedule, scheduled, backfill=True) for scheduled in due]


def latest_due(schedule: Record, now: datetime) -> datetime:
    """Return the last time before now at which a schedule was due."""
    from modelwatch_core.domain.windows import ScheduleExpression

    return ScheduleExpression(schedule["schedule_expression"]).before(now)


def one_after_another(
    app: AppClient, requests: Iterable[Record], most_open: int, wait: Callable[[MonitoringExecution], Ended]
) -> Iterator[Ended]:
    """Request executions so that at most some are open, and yield what waiting for each returned, in their order.

    An execution that finds none before it starts at once; one that must wait in the app starts up to five minutes
    after its turn.
    """
    running: deque[MonitoringExecution] = deque()
    for request in requests:
        if len(running) == most_open:
            yield wait(running.popleft())
        running.append(MonitoringExecution(app, app.launch(request)))
    while running:
        yield wait(running.popleft())


def _request(schedule: Record, backfill: bool) -> dict[str, Any]:
    return {
        "monitoring_schedule_name": schedule["monitoring_schedule_name"],
        "tick_id": f"request {secrets.token_hex(8)}",
        "backfill": backfill,
    }


def _due(schedule: Record, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the times at which a schedule was due from a moment on and before another, the latest first."""
    from modelwatch_core.domain.windows import ScheduleExpression

    expression = ScheduleExpression(schedule["schedule_expression"])
    due = expression.last_due(end)  # of an expression that is bound to years, in these only
    while due is not None and due >= start:
        yield due
        due = expression.last_due(due)
