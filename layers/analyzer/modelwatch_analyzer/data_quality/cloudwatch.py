"""CloudWatch metrics of a data quality analysis, in SageMaker's names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances import Exceeds
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.feature_statistics import finite
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.undefined import Undefined

DRIFT = "feature_baseline_drift_"
"""What the name of a drift metric begins with; the feature's name follows."""

_FARTHEST = {Exceeds.LARGER: max, Exceeds.SMALLER: min}
"""Which value of all features is the one that drifted most, by the side of the threshold that is drift."""


def metrics_of(
    completeness: Mapping[str, float],
    moments: Mapping[str, Moments],
    configs: Mapping[str, EffectiveConfig],
    drifts: Mapping[str, Drift],
) -> Iterator[MetricDatum]:
    """Yield the metrics of all features whose ``emit_metrics`` is enabled, and that of the one that drifted most.

    Parameters
    ----------
    completeness, configs, drifts : Mapping
        What was measured or configured, by the feature's name.
    moments : mapping of str to Moments
        The moments of features that are read as numbers.
    """
    measured: dict[Exceeds, list[float]] = {}
    for name, share in completeness.items():
        if name in configs and not configs[name].emit_metrics:
            continue
        of_numbers = moments.get(name)
        if of_numbers is not None and of_numbers.count:
            numbers = {
                "SampleCount": of_numbers.count,
                "Sum": finite(of_numbers.sum),
                "Minimum": of_numbers.minimum,
                "Maximum": of_numbers.maximum,
            }
            yield MetricDatum(f"feature_data_{name}", numbers)
        yield MetricDatum(f"feature_non_null_{name}", share)
        drift = drifts.get(name)
        if drift is not None and not isinstance(drift.distance, Undefined):
            measured.setdefault(drift.measure.exceeds, []).append(drift.distance)
            yield MetricDatum(f"{DRIFT}{name}", drift.distance)
    for exceeds, values in measured.items():
        if exceeds.metric not in completeness:
            yield MetricDatum(f"{DRIFT}{exceeds.metric}", _FARTHEST[exceeds](values))


def shadowed_metrics(columns: Collection[str], drifts: Mapping[str, Drift]) -> Iterator[str]:
    """Yield a warning for each metric of all features that is not written, for a feature's own has its name."""
    kinds = dict.fromkeys(drift.measure.exceeds for drift in drifts.values())
    for suffix in (exceeds.metric for exceeds in kinds):
        if suffix in columns:
            yield f"{DRIFT}{suffix} is the metric of the feature {suffix!r}, and not that of all features"
