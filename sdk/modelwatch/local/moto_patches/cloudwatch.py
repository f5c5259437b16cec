"""CloudWatch.

moto keeps alarms and never evaluates them. Here an alarm of one metric with a simple statistic is evaluated whenever
its metric gets data, and notifies its topics when its state changes. So it goes back to OK with the next calm value,
not with time. Alarms of expressions, percentiles or other alarms stay as they are.
"""

from __future__ import annotations

import json
import logging
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import moto.cloudwatch.models as cloudwatch_models
from moto.core.exceptions import ServiceException
from moto.sns.models import sns_backends

from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement

logger = logging.getLogger(__name__)

_IS_BREACHED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_Sums = tuple[float, float, float, float]
"""The least, the greatest, the sum and the number of some values."""

_STATISTICS: dict[str, Callable[[list[_Sums]], float]] = {
    "Minimum": lambda found: min(each[0] for each in found),
    "Maximum": lambda found: max(each[1] for each in found),
    "Sum": lambda found: sum(each[2] for each in found),
    "SampleCount": lambda found: sum(each[3] for each in found),
    "Average": lambda found: sum(each[2] for each in found) / sum(each[3] for each in found),
}


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's CloudWatch."""
    backend = cloudwatch_models.CloudWatchBackend
    put_data, put_alarm = backend.put_metric_data, backend.put_metric_alarm

    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        put_data(self, namespace, metric_data)
        for alarm in list(self.alarms.values()):
            if alarm.namespace == namespace:
                _evaluate(alarm, self.metric_data, hooks.now())

    def put_metric_alarm(self: Any, *arguments: Any, **options: Any) -> Any:
        alarm = put_alarm(self, *arguments, **options)
        _evaluate(alarm, self.metric_data, hooks.now())
        return alarm

    return [
        Replacement(backend, "put_metric_data", put_metric_data),
        Replacement(backend, "put_metric_alarm", put_metric_alarm),
    ]


def _evaluate(alarm: Any, data: Iterable[Any], now: datetime) -> None:
    """Set the state of an alarm by the latest periods that its metric has data up to."""
    if alarm.statistic not in _STATISTICS or alarm.comparison_operator not in _IS_BREACHED:
        return
    periods: dict[int, list[_Sums]] = defaultdict(list)
    for datum in data:
        if _is_watched(alarm, datum):
            periods[int(_utc(datum.timestamp).timestamp()) // int(alarm.period)].append(_sums(datum))
    if not periods:
        return
    wanted, last = int(alarm.evaluation_periods), max(periods)
    values = [
        _STATISTICS[alarm.statistic](periods[period]) if period in periods else None
        for period in range(last - wanted + 1, last + 1)
    ]
    is_breached = _IS_BREACHED[alarm.comparison_operator]
    breaches = sum(
        alarm.treat_missing_data == "breaching" if value is None else is_breached(value, float(alarm.threshold))
        for value in values
    )
    state = "ALARM" if breaches >= int(alarm.datapoints_to_alarm or wanted) else "OK"
    if state == alarm.state_value:
        return
    before = alarm.state_value
    reason = (
        f"Threshold Crossed: {breaches} of the last {wanted} datapoints {values} were {alarm.comparison_operator}"
        f" ({float(alarm.threshold)})"
    )
    alarm.update_state(reason, "{}", state)
    if alarm.actions_enabled:
        _tell(alarm, before, now)


def _is_watched(alarm: Any, datum: Any) -> bool:
    watched = {(each.name, each.value) for each in alarm.dimensions}
    return (datum.namespace, datum.name) == (alarm.namespace, alarm.metric_name) and watched == {
        (each.name, each.value) for each in datum.dimensions
    }


def _sums(datum: Any) -> _Sums:
    if isinstance(datum, cloudwatch_models.MetricAggregatedDatum):
        return datum.min, datum.max, datum.sum, datum.sample_count
    return datum.value, datum.value, datum.value, 1.0


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _tell(alarm: Any, before: str, now: datetime) -> None:
    """Publish a change of state to the topics that want it, in CloudWatch's form."""
    actions = alarm.alarm_actions if alarm.state_value == "ALARM" else alarm.ok_actions
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT_ID,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": alarm.statistic.upper(),
            "Dimensions": [{"name": each.name, "value": each.value} for each in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
        },
    }
    for action in actions or ():
        service, region = action.split(":")[2:4]
        try:
            if service == "sns":
                subject = f'{alarm.state_value}: "{alarm.name}" in {alarm.region_name}'
                sns_backends[ACCOUNT_ID][region].publish(json.dumps(message), arn=action, subject=subject[:100])
            else:
                logger.warning("the alarm %s has an action that does not run here: %s", alarm.name, action)
        except ServiceException as error:
            logger.warning("the alarm %s could not notify %s: %s", alarm.name, action, error)
