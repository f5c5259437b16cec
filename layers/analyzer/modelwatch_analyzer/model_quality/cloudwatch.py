"""CloudWatch metrics of a model quality analysis, in SageMaker's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.model_quality.drift import drift_name
from modelwatch_analyzer.model_quality.metric import Measured
from modelwatch_analyzer.undefined import Undefined


def metrics_of(metrics: Mapping[str, Measured], drifts: Mapping[str, Drift]) -> Iterator[MetricDatum]:
    """Yield the metrics, named as in ``statistics.json``, that are defined, then the drifts that were measured."""
    for name, measured in metrics.items():
        if not isinstance(measured.value, Undefined):
            yield MetricDatum(name, measured.value)
    for name, drift in drifts.items():
        if not isinstance(drift.distance, Undefined):
            yield MetricDatum(f"{drift_name(name)}_{drift.measure.exceeds.metric}", drift.distance)
