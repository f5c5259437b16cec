"""CloudWatch metric lines of a data quality analysis, in SageMaker's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelwatch_analyzer.cloudwatch import metric_line_of
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistics import finite
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.report import Drift
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis_settings import AnalysisSettings


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
    line = metric_line_of(settings)
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
            yield line(f"feature_data_{name}", numbers)
        yield line(f"feature_non_null_{name}", column.completeness)
        drift = drifts.get(name)
        if drift is not None and not isinstance(drift.distance, Undefined):
            yield line(f"feature_baseline_drift_{name}", drift.distance)
