"""CloudWatch metrics of a data quality analysis, in SageMaker's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.data_quality.drift import Drift
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistics import finite
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.undefined import Undefined

DRIFT = "feature_baseline_drift_"
"""What the name of a drift metric begins with; the feature's name follows."""


def metrics_of(
    columns: Mapping[str, ColumnProfile],
    configs: Mapping[str, EffectiveConfig],
    drifts: Mapping[str, Drift],
) -> Iterator[MetricDatum]:
    """Yield the metrics of all features whose ``emit_metrics`` is enabled.

    Parameters
    ----------
    columns, configs, drifts : Mapping
        By name of the feature.
    """
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
            yield MetricDatum(f"feature_data_{name}", numbers)
        yield MetricDatum(f"feature_non_null_{name}", column.completeness)
        drift = drifts.get(name)
        if drift is not None and not isinstance(drift.distance, Undefined):
            yield MetricDatum(f"{DRIFT}{name}", drift.distance)
