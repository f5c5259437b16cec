"""CloudWatch metrics of an explainability analysis, in SageMaker's names and dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.explainability.resampled_background import BackgroundResampling
from modelwatch_analyzer.undefined import Undefined

NDCG = "feature_attribution_drift_ndcg"
"""The metric of the least agreement of an output's attributions with the baseline's."""
KENDALL_TAU = "feature_attribution_stability_kendall_tau"
"""The metric of the least rank agreement of an output's attributions with those of the latest earlier execution."""
SHARE_CHANGE, SHARE_DEVIATION = "feature_attribution_share_change", "feature_attribution_share_deviation"
"""The metrics of the greatest distance of a feature's share of all attribution from its mean over the earlier
executions, and of the greatest standard deviation of a share over them."""
BACKGROUND_TAU, BACKGROUND_ERROR = "feature_attribution_background_kendall_tau", "feature_attribution_background_error"
"""The metrics of the least rank agreement of an output's attributions when the baseline rows are resampled, and of the
greatest standard error of a global attribution, as a share of all attribution."""


def metrics_of(
    explanations: Mapping[str, LabelExplanation],
    drifts: Mapping[str, LabelDrift],
    resampled: Sequence[BackgroundResampling],
) -> Iterator[MetricDatum]:
    """Yield the worst of all outputs, then the global SHAP values and the expected value of each."""
    for name, values, worst in _all_outputs(drifts, resampled):
        defined = [value for value in values if not isinstance(value, Undefined)]
        if defined:
            yield MetricDatum(name, worst(defined))
    for label, explanation in explanations.items():
        dimensions = {"ExplainabilityMethod": "KernelShap", "Label": label}
        for feature, value in explanation.global_shap_values.items():
            yield MetricDatum(f"feature_{feature}", value, dimensions | {"ValueType": "GlobalShapValues"})
        if explanation.expected_value is not None:
            yield MetricDatum("ExpectedValue", explanation.expected_value, dimensions | {"ValueType": "ExpectedValue"})


def _all_outputs(
    drifts: Mapping[str, LabelDrift], resampled: Sequence[BackgroundResampling]
) -> Iterator[tuple[str, list[float | Undefined], Callable[[list[float]], float]]]:
    """Yield metrics of the monitor as a whole: the values of all outputs, and which of them is the worst."""
    histories = [drift.history for drift in drifts.values()]
    shares = [share for history in histories for share in history.shares.values()]
    yield NDCG, [drift.ndcg for drift in drifts.values()], min
    yield KENDALL_TAU, [history.kendall_tau for history in histories], min
    yield SHARE_CHANGE, [abs(share.now - share.mean) for share in shares], max
    yield SHARE_DEVIATION, [share.standard_deviation for share in shares], max
    yield BACKGROUND_TAU, [each.kendall_tau for each in resampled], min
    yield BACKGROUND_ERROR, [each.greatest_error for each in resampled], max
