"""CloudWatch metric lines in the form that SageMaker's container contract asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc

MetricLine = Callable[..., dict[str, Any]]
"""Called with a name, a value or a mapping of ``StatisticValues``, and further dimensions by keyword."""


def metric_line_of(settings: AnalysisSettings) -> MetricLine:
    """Return what makes metric lines of one analysis: at the end of its window, of its endpoint and schedule."""
    moment = iso_utc(settings.end_time or datetime.now(UTC))
    monitor = {
        "Endpoint": settings.sagemaker_endpoint_name,
        "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name,
    }

    def line(name: str, value: float | Mapping[str, float], **dimensions: str) -> dict[str, Any]:
        told = monitor | dimensions
        return {
            "MetricName": name,
            ("StatisticValues" if isinstance(value, Mapping) else "Value"): value,
            "Timestamp": moment,
            # CloudWatch takes no dimension without a value.
            "Dimensions": [{"Name": dimension, "Value": text} for dimension, text in told.items() if text],
            "Unit": "None",
        }

    return line
