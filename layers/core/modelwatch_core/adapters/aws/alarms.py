"""``NotifiedPlaces``: CloudWatch alarms, which watch the metrics of a schedule by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.metric_namespace import metric_namespace
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from modelwatch_core.domain.schedule_metrics import ALERT_STATE

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient


@dataclass(frozen=True, slots=True)
class Alarms:
    """CloudWatch alarms; an address is the name of one.

    An alarm follows its metric. A state that is set from outside lasts until CloudWatch next evaluates it, so nothing
    is sent; it is checked once that the alarm watches what the schedule publishes.

    Parameters
    ----------
    connect : callable
        Returns the client; only few schedules name an alarm.
    metric_prefix : str
        How the namespaces of the metrics of schedules begin.
    """

    connect: Callable[[], CloudWatchClient]
    metric_prefix: str

    def check(self, address: str, schedule: ScheduleRequest) -> None:
        """Refuse an alarm that does not exist, or that watches no metric of the schedule.

        Raises
        ------
        InvalidInput
            ``UnfitAlertTarget``, with the namespace and dimensions to watch.
        """
        namespace, dimensions = metric_namespace(schedule, self.metric_prefix), _dimensions(schedule)
        named = " and ".join(f"{name}={value}" for name, value in dimensions.items())
        wanted = f"a metric of {namespace!r} with the dimensions {named}, for instance {ALERT_STATE}"
        with aws_errors(f"describing the alarm {address}"):
            described = self.connect().describe_alarms(AlarmNames=[address], AlarmTypes=["MetricAlarm"])
        if not described["MetricAlarms"]:
            message = f"there is no alarm {address!r} of a metric in this account and region; create one of {wanted}"
        elif not schedule.publish_cloudwatch_metrics:
            message = f"the alarm {address!r} would watch nothing: this schedule publishes no CloudWatch metrics"
        elif not any(_is_of(metric, namespace, dimensions) for metric in _metrics(described["MetricAlarms"][0])):
            message = f"the alarm {address!r} does not watch this schedule; let it watch {wanted}"
        else:
            return
        raise InvalidInput("UnfitAlertTarget", f"alert_targets: {message}")


def _metrics(alarm: Any) -> Iterator[Any]:
    """Yield the metrics that an alarm watches, alone or in an expression."""
    if "Namespace" in alarm:
        yield alarm
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def _dimensions(schedule: ScheduleRequest) -> dict[str, str]:
    """Return the dimensions that all metrics of a schedule have: CloudWatch has no data for an alarm without one."""
    named = {"MonitoringSchedule": schedule.monitoring_schedule_name}
    if schedule.endpoint_name and schedule.kind.analysis:  # a user's own container gives its metrics any dimensions
        return {"Endpoint": schedule.endpoint_name} | named
    return named


def _is_of(metric: Any, namespace: str, dimensions: Mapping[str, str]) -> bool:
    watched = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    return metric.get("Namespace") == namespace and dimensions.items() <= watched.items()
