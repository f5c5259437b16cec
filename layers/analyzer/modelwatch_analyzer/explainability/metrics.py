"""CloudWatch metric lines of an explainability analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelwatch_analyzer.cloudwatch import metric_line_of
from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_core.domain.analysis_settings import AnalysisSettings


def metric_lines(settings: AnalysisSettings, explanations: Mapping[str, LabelExplanation]) -> Iterator[dict[str, Any]]:
    """Yield the global SHAP value of each feature, and the expected value, of each label."""
    line = metric_line_of(settings)
    for label, explanation in explanations.items():
        told = {"ExplainabilityMethod": "KernelShap", "Label": label}
        for feature, value in explanation.global_shap_values.items():
            yield line(f"feature_{feature}", value, **told, ValueType="GlobalShapValues")
        if explanation.expected_value is not None:
            yield line("ExpectedValue", explanation.expected_value, **told, ValueType="ExpectedValue")
