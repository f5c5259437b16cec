"""The kind of monitor that compares predictions with labels."""

from __future__ import annotations

from typing import Literal

from modelwatch_core.domain.analysis_settings import GroundTruthSettings, IntervalSettings
from modelwatch_core.domain.monitor_kinds.kind import ANSWER, MonitorKind, ProblemType


class ModelQualitySettings(GroundTruthSettings, IntervalSettings):
    """What an analysis of model quality is given.

    Attributes
    ----------
    problem_type : ProblemType, optional
        What the model does; without it the analysis refuses.
    """

    analysis_type: Literal["MODEL_QUALITY"] = "MODEL_QUALITY"
    problem_type: ProblemType | None = None


MODEL_QUALITY = MonitorKind(
    monitoring_type="ModelQuality",
    title="Model quality",
    settings=ModelQualitySettings,
    analysis="modelwatch_analyzer.model_quality.analysis",
    metric_namespace="model-metrics",
    captured_sides=(ANSWER,),
    transform_side="output",
    schedule_parameters=frozenset({"ground_truth_input", "problem_type"}),
    baseline_parameters=frozenset({"ground_truth_attribute", "problem_type"}),
)
