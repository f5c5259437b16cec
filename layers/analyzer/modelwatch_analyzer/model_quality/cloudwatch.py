"""CloudWatch metrics of a model quality analysis, in SageMaker's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.model_quality.metric import Measured
from modelwatch_analyzer.undefined import Undefined


def metrics_of(metrics: Mapping[str, Measured]) -> Iterator[MetricDatum]:
    """Yield the metrics, named as in ``statistics.json``, that are defined."""
    for name, measured in metrics.items():
        if not isinstance(measured.value, Undefined):
            yield MetricDatum(name, measured.value)
