"""The kind of monitor that compares how a model treats groups."""

from __future__ import annotations

from typing import Literal

from modelwatch_core.domain.analysis_settings import ConfiguredSettings, GroundTruthSettings, IntervalSettings
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind


class BiasSettings(GroundTruthSettings, IntervalSettings, ConfiguredSettings):
    """What an analysis of bias is given."""

    analysis_type: Literal["MODEL_BIAS"] = "MODEL_BIAS"


BIAS = MonitorKind(
    monitoring_type="ModelBias",
    title="Bias",
    settings=BiasSettings,
    analysis="modelwatch_analyzer.bias.analysis",
    metric_namespace="bias-metrics",
    transform_side="output",
    schedule_parameters=frozenset({"ground_truth_input", "analysis_config"}),
    baseline_parameters=frozenset({"analysis_config"}),
)
