"""CloudWatch metrics of an explainability analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.undefined import Undefined

NDCG = "feature_attribution_drift_ndcg"
"""The least agreement of an output's attributions with the baseline's."""


def metrics_of(explanations: Mapping[str, LabelExplanation], drifts: Mapping[str, LabelDrift]) -> Iterator[MetricDatum]:
    """Yield the global SHAP value of each feature, and the expected value, of each label, and the least NDCG."""
    agreements = [drift.ndcg for drift in drifts.values() if not isinstance(drift.ndcg, Undefined)]
    if agreements:
        yield MetricDatum(NDCG, min(agreements))
    for label, explanation in explanations.items():
        dimensions = {"ExplainabilityMethod": "KernelShap", "Label": label}
        for feature, value in explanation.global_shap_values.items():
            yield MetricDatum(f"feature_{feature}", value, dimensions | {"ValueType": "GlobalShapValues"})
        if explanation.expected_value is not None:
            yield MetricDatum("ExpectedValue", explanation.expected_value, dimensions | {"ValueType": "ExpectedValue"})
