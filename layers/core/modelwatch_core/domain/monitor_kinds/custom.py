"""The kind of monitor that the user's own container analyses, by SageMaker's bring-your-own-container contract."""

from __future__ import annotations

from typing import Literal

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind


class CustomSettings(AnalysisSettings):
    """What a user's container is given: the common settings, and the variables of the user's own."""

    analysis_type: Literal["CUSTOM"] = "CUSTOM"


CUSTOM = MonitorKind(
    monitoring_type="Custom",
    title="Custom",
    settings=CustomSettings,
    analysis=None,
    metric_namespace="custom-metrics",
    schedule_parameters=frozenset({"image_uri"}),
    baseline_parameters=frozenset({"image_uri"}),
)
