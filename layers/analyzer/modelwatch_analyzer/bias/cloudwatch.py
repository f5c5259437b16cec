"""CloudWatch metrics of a bias analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from modelwatch_analyzer.bias.check import DisparateImpactRule, distance
from modelwatch_analyzer.bias.group_metrics import GroupMetric
from modelwatch_analyzer.bias.metric import Stage
from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.undefined import Undefined

_INFINITE = 2.348543e108
"""What SageMaker publishes for an infinite metric."""

_STAGES = {Stage.PRE_TRAINING: "Pre-training", Stage.POST_TRAINING: "Post-Training"}


def metrics_of(metrics: Iterable[GroupMetric], label: str, positive: str) -> Iterator[MetricDatum]:
    """Yield of each metric the value that is farthest from no bias, and then every metric that is defined."""
    defined = [(each, each.value) for each in metrics if not isinstance(each.value, Undefined)]
    worst: dict[str, float] = {}
    for each, value in defined:
        name = each.metric.name
        if not each.small and _distance(name, value) > _distance(name, worst.get(name)):
            worst[name] = value
    for name, value in worst.items():
        yield MetricDatum(f"bias_metric_{name}", _finite(value))
    for each, value in defined:
        yield MetricDatum(
            f"bias_metric_{each.metric.name}",
            _finite(value),
            {
                "BiasStage": _STAGES[each.metric.stage],
                "Label": label,
                "LabelValue": positive,
                "Facet": each.facet,
                "FacetValue": each.group,
            },
        )


def _distance(name: str, value: float | None) -> float:
    return -1.0 if value is None else distance(name, value, DisparateImpactRule.LOG_RATIO)


def _finite(value: float) -> float:
    return math.copysign(_INFINITE, value) if math.isinf(value) else value
