"""What the user should know of an explanation though it is not a violation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.explainability.artifact import PICKLES
from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.explainability.explanation import Explanation, ExplanationTask
from modelwatch_analyzer.undefined import Undefined

_FEW_ROWS = 100
_NAMED = 3


def warnings_of(
    task: ExplanationTask,
    explanation: Explanation,
    found: Mapping[str, LabelExplanation],
    drifts: Mapping[str, LabelDrift],
) -> Iterator[str]:
    """Yield sentences."""
    yield from _run_warnings(task, explanation)
    for label, each in found.items():
        if not any(each.global_shap_values.values()):
            yield f"no feature has any attribution to {label}: the model gives the same answer to all requests"
    for drift in drifts.values():
        yield from _drift_warnings(drift)


def _run_warnings(task: ExplanationTask, explanation: Explanation) -> Iterator[str]:
    rows, samples = len(explanation.values), task.config.shap.num_samples
    artifact = task.settings.model_artifact
    if artifact is not None and artifact.suffix.lower() in PICKLES:
        yield "the model was loaded from a pickle, which runs whatever code is in it: allow_pickle is on"
    if samples is not None and explanation.coalitions > samples:
        yield f"num_samples is {samples:,}; {explanation.coalitions:,} coalitions were needed"
    if explanation.rounded:
        yield f"{explanation.rounded} answers were outside [0, 1] by rounding, and count as 0 or 1 for use_logit"
    if rows < task.rows.of:
        why = (
            "more would take too long"
            if explanation.explainer == "tree"
            else "max_model_calls does not suffice for more"
        )
        yield f"{rows:,} of {task.rows.of:,} rows were explained, drawn with seed {task.seed}: {why}"
    if rows < _FEW_ROWS:
        few = f"rows explained: {rows:,}; with fewer than {_FEW_ROWS}, "
        yield f"{few}the order of features may well be due to chance"


def _drift_warnings(drift: LabelDrift) -> Iterator[str]:
    """Name what changed most where there is drift, and say what could not be measured."""
    if not isinstance(drift.ndcg, Undefined) and drift.ndcg < drift.config.feature_attribution_drift_threshold:
        shares = [
            (moved.share_change, name, moved)
            for name, moved in drift.changes.items()
            if not isinstance(moved.share_change, Undefined)
        ]
        features = (
            f"{name!r} (rank {moved.baseline_rank} to {moved.rank}, {100 * share:+.1f} percentage points of all)"
            for share, name, moved in sorted(shares, key=lambda each: -abs(each[0]))[:_NAMED]
        )
        if shares:
            yield f"the attributions of {drift.label} changed most for {', '.join(features)}"
    if isinstance(drift.ndcg, Undefined):
        yield f"feature attribution drift of {drift.label} was not measured: {drift.ndcg.reason}"
    config = drift.config
    for name, value, limit in (
        ("attribution stability", drift.stability, config.min_attribution_stability),
        ("explanation consistency", drift.consistency, config.min_explanation_consistency),
    ):
        if isinstance(value, Undefined) and limit is not None:
            yield f"{name} of {drift.label} was not checked: {value.reason}"
