"""The kind of monitor that watches types, completeness, domains and distributions of all columns."""

from __future__ import annotations

from typing import Literal

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind


class DataQualitySettings(AnalysisSettings):
    """What an analysis of data quality is given.

    Attributes
    ----------
    categorical_drift_method : str, optional
        What a baseline suggests for categorical features: a name of a drift measure.
    """

    analysis_type: Literal["DATA_QUALITY"] = "DATA_QUALITY"
    categorical_drift_method: str | None = None


DATA_QUALITY = MonitorKind(
    monitoring_type="DataQuality",
    title="Data quality",
    settings=DataQualitySettings,
    analysis="modelwatch_analyzer.data_quality.analysis",
    metric_namespace="data-metrics",
)
