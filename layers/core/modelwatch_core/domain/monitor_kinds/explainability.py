"""The kind of monitor that watches which features drive a model's predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from modelwatch_core.domain.analysis_settings import ConfiguredSettings, IntervalSettings
from modelwatch_core.domain.documents import NonEmpty
from modelwatch_core.domain.monitor_kinds.kind import REQUEST, MonitorKind


class ExplainabilitySettings(IntervalSettings, ConfiguredSettings):
    """What an explanation is given.

    Attributes
    ----------
    model_url : str, optional
        The model that is explained, behind an HTTP server with SageMaker's ``/invocations``.
    model_endpoint_name : str, optional
        The same, behind a live SageMaker endpoint. Without either, the analysis configuration names the model.
    model_artifact : Path, optional
        The same, as a file of trees that is loaded in process.
    allow_pickle : bool
        Whether that file may be a pickle, which runs whatever code is in it.
    earlier_executions_results : Path, optional
        A folder with the results of executions of earlier windows, for the stability of attributions.
    """

    analysis_type: Literal["MODEL_EXPLAINABILITY"] = "MODEL_EXPLAINABILITY"
    model_url: NonEmpty | None = None
    model_endpoint_name: NonEmpty | None = None
    model_artifact: Path | None = None
    allow_pickle: bool = False
    earlier_executions_results: Path | None = None


EXPLAINABILITY = MonitorKind(
    monitoring_type="ModelExplainability",
    title="Explainability",
    settings=ExplainabilitySettings,
    analysis="modelwatch_analyzer.explainability.analysis",
    metric_namespace="explainability-metrics",
    captured_sides=(REQUEST,),
    schedule_parameters=frozenset({"analysis_config"}),
    baseline_parameters=frozenset({"analysis_config"}),
    earlier_report="analysis.json",
)
