"""CloudWatch metric lines in the form that SageMaker's container contract specifies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc

METRICS = "cloudwatch_metrics.jsonl"


@dataclass(frozen=True, slots=True)
class MetricDatum:
    """A metric to publish.

    Attributes
    ----------
    value : float or mapping of str to float
        A value, or CloudWatch's ``StatisticValues``.
    dimensions : mapping of str to str
        Besides endpoint and schedule.
    """

    name: str
    value: float | Mapping[str, float]
    dimensions: Mapping[str, str] = field(default_factory=dict)


def metric_lines(settings: AnalysisSettings, metrics: Iterable[MetricDatum], end: datetime) -> Iterator[dict[str, Any]]:
    """Yield the metric lines of one analysis: at the end of its window, of its endpoint and schedule."""
    timestamp = iso_utc(end)
    monitor = {
        "Endpoint": settings.sagemaker_endpoint_name,
        "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name,
    }
    for metric in metrics:
        dimensions = monitor | dict(metric.dimensions)
        yield {
            "MetricName": metric.name,
            ("StatisticValues" if isinstance(metric.value, Mapping) else "Value"): metric.value,
            "Timestamp": timestamp,
            # CloudWatch takes no dimension without a value.
            "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions.items() if text],
            "Unit": "None",
        }
