"""Metrics of a schedule as a whole, beside those that SageMaker publishes of single features and metrics.

An alarm on one of them needs no search over features. They are stamped with the time of the verdict: an alarm looks at
recent points only, and would not see one that is stamped with a window whose labels came days later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest

ALERT_STATE, VIOLATION_COUNT, LARGEST_EXCESS = "alert_state", "violation_count", "largest_excess"
MALFORMED_SHARE = "malformed_share"
_LARGEST = 1e6
"""The number that is published for a larger excess: CloudWatch takes no infinity, and nothing beyond 2^360."""


def alert_state(monitor: MonitoringExecution | ScheduleRequest, *, is_on: bool, now: datetime) -> dict[str, Any]:
    """Return the metric that is 1 while one of the alerts of a schedule is on, as ``schedule_metrics`` does."""
    return _metric(monitor, now, ALERT_STATE, float(is_on))


def schedule_metrics(
    execution: MonitoringExecution, *, is_on: bool, largest_excess: float, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the metrics of an ended execution, each in the shape of a CloudWatch ``MetricDatum``.

    ``alert_state`` is 1 while one of the schedule's alerts is on, else 0. ``violation_count`` and ``largest_excess``
    (how many times its threshold the worst violation is, 0 without any) are of executions whose violations are known,
    and ``malformed_share`` (of the records, those that could not be parsed) of those that came to their end.
    """
    yield alert_state(execution, is_on=is_on, now=now)
    metric = partial(_metric, execution, now)
    outcome = execution.outcome
    if outcome and outcome.violation_count is not None:
        yield metric(VIOLATION_COUNT, float(outcome.violation_count))
        yield metric(LARGEST_EXCESS, min(_LARGEST, largest_excess))
    if outcome and outcome.status.is_completed and outcome.records:
        yield metric(MALFORMED_SHARE, outcome.records.malformed_share)


def _metric(monitor: MonitoringExecution | ScheduleRequest, now: datetime, name: str, value: float) -> dict[str, Any]:
    dimensions = [{"Name": "MonitoringSchedule", "Value": monitor.monitoring_schedule_name}]
    if monitor.endpoint_name:
        dimensions.insert(0, {"Name": "Endpoint", "Value": monitor.endpoint_name})
    return {"MetricName": name, "Dimensions": dimensions, "Timestamp": iso_utc(now), "Value": value}
