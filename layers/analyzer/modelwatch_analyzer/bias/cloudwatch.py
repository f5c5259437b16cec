"""CloudWatch metric lines of a bias analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from modelwatch_analyzer.bias.measures import Measure
from modelwatch_analyzer.bias.metrics import Stage
from modelwatch_analyzer.cloudwatch import metric_line_of
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis_settings import AnalysisSettings

_INFINITE = 2.348543e108
"""What SageMaker publishes for an infinite metric."""

_STAGES = {Stage.PRE_TRAINING: "Pre-training", Stage.POST_TRAINING: "Post-Training"}


def metric_lines(
    settings: AnalysisSettings, measures: Iterable[Measure], label: str, positive: str
) -> Iterator[dict[str, Any]]:
    """Yield every metric that is defined."""
    line = metric_line_of(settings)
    for each in measures:
        if not isinstance(each.value, Undefined):
            yield line(
                f"bias_metric_{each.metric.name}",
                math.copysign(_INFINITE, each.value) if math.isinf(each.value) else each.value,
                BiasStage=_STAGES[each.metric.stage],
                Label=label,
                LabelValue=positive,
                Facet=each.facet,
                FacetValue=each.group,
            )
