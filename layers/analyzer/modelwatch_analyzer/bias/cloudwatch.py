"""CloudWatch metrics of a bias analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from modelwatch_analyzer.bias.group_metrics import GroupMetric
from modelwatch_analyzer.bias.metrics import Stage
from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.undefined import Undefined

_INFINITE = 2.348543e108
"""What SageMaker publishes for an infinite metric."""

_STAGES = {Stage.PRE_TRAINING: "Pre-training", Stage.POST_TRAINING: "Post-Training"}


def metrics_of(metrics: Iterable[GroupMetric], label: str, positive: str) -> Iterator[MetricDatum]:
    """Yield every metric that is defined."""
    for each in metrics:
        if not isinstance(each.value, Undefined):
            yield MetricDatum(
                f"bias_metric_{each.metric.name}",
                math.copysign(_INFINITE, each.value) if math.isinf(each.value) else each.value,
                {
                    "BiasStage": _STAGES[each.metric.stage],
                    "Label": label,
                    "LabelValue": positive,
                    "Facet": each.facet,
                    "FacetValue": each.group,
                },
            )
