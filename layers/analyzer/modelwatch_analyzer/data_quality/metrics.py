"""CloudWatch metric lines in the form that SageMaker's container contract asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistics import finite
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.report import Drift
from modelwatch_analyzer.settings import AnalysisSettings
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.documents import iso_utc


def metric_lines(
    settings: AnalysisSettings,
    columns: Mapping[str, ColumnProfile],
    configs: Mapping[str, EffectiveConfig],
    drifts: Mapping[str, Drift],
) -> Iterator[dict[str, Any]]:
    """Yield the metrics of all features whose ``emit_metrics`` is enabled.

    Parameters
    ----------
    columns, configs, drifts : Mapping
        By name of the feature.
    """
    dimensions = [
        {"Name": name, "Value": value}
        for name, value in (
            ("Endpoint", settings.sagemaker_endpoint_name),
            ("MonitoringSchedule", settings.sagemaker_monitoring_schedule_name),
        )
        if value
    ]
    shared = {"Timestamp": iso_utc(settings.end_time or datetime.now(UTC)), "Dimensions": dimensions, "Unit": "None"}
    for name, column in columns.items():
        if name in configs and not configs[name].emit_metrics:
            continue
        if column.numbers is not None and column.numbers.moments.count:
            moments = column.numbers.moments
            numbers = {
                "SampleCount": moments.count,
                "Sum": finite(moments.sum),
                "Minimum": moments.minimum,
                "Maximum": moments.maximum,
            }
            yield {"MetricName": f"feature_data_{name}", "StatisticValues": numbers, **shared}
        yield {"MetricName": f"feature_non_null_{name}", "Value": column.completeness, **shared}
        drift = drifts.get(name)
        if drift is not None and not isinstance(drift.distance, Undefined):
            yield {"MetricName": f"feature_baseline_drift_{name}", "Value": drift.distance, **shared}
