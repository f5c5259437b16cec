"""CloudWatch metric lines of a bias analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from modelwatch_analyzer.bias.measures import Measure
from modelwatch_analyzer.bias.metrics import Stage
from modelwatch_analyzer.settings import AnalysisSettings
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.documents import iso_utc

_INFINITE = 2.348543e108
"""What SageMaker publishes for an infinite metric."""

_STAGES = {Stage.PRE_TRAINING: "Pre-training", Stage.POST_TRAINING: "Post-Training"}


def metric_lines(
    settings: AnalysisSettings, measures: Iterable[Measure], label: str, positive: str
) -> Iterator[dict[str, Any]]:
    """Yield every metric that is defined."""
    moment = iso_utc(settings.end_time or datetime.now(UTC))
    for each in measures:
        if isinstance(each.value, Undefined):
            continue
        dimensions = {
            "Endpoint": settings.sagemaker_endpoint_name,
            "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name,
            "BiasStage": _STAGES[each.metric.stage],
            "Label": label,
            "LabelValue": positive,
            "Facet": each.facet,
            "FacetValue": each.group,
        }
        yield {
            "MetricName": f"bias_metric_{each.metric.name}",
            "Value": math.copysign(_INFINITE, each.value) if math.isinf(each.value) else each.value,
            "Timestamp": moment,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items() if value],
            "Unit": "None",
        }
