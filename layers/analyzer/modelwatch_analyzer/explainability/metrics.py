"""CloudWatch metric lines of an explainability analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_analyzer.settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc


def metric_lines(settings: AnalysisSettings, explanations: Mapping[str, LabelExplanation]) -> Iterator[dict[str, Any]]:
    """Yield the global SHAP value of each feature, and the expected value, of each label."""
    moment = iso_utc(settings.end_time or datetime.now(UTC))
    monitor = {
        "Endpoint": settings.sagemaker_endpoint_name,
        "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name,
        "ExplainabilityMethod": "KernelShap",
    }

    def line(name: str, value: float, label: str, kind: str) -> dict[str, Any]:
        told = {**monitor, "Label": label, "ValueType": kind}
        dimensions = [{"Name": key, "Value": text} for key, text in told.items() if text]
        return {"MetricName": name, "Value": value, "Timestamp": moment, "Dimensions": dimensions, "Unit": "None"}

    for label, explanation in explanations.items():
        for feature, value in explanation.global_shap_values.items():
            yield line(f"feature_{feature}", value, label, "GlobalShapValues")
        if explanation.expected_value is not None:
            yield line("ExpectedValue", explanation.expected_value, label, "ExpectedValue")
