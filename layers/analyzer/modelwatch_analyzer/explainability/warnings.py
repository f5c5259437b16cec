"""What the user should know of an explanation though it is not a violation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwatch_analyzer.explainability.artifact import PICKLES
from modelwatch_analyzer.explainability.documents import LabelExplanation
from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.explainability.explanation import Explanation, ExplanationTask
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.number_text import number_text

_FEW_ROWS = 100
_NAMED = 3
_LEAST_CHANGE = 0.0005  # of a share, which is written in per cent with one digit


def warnings_of(
    task: ExplanationTask,
    explanation: Explanation,
    found: Mapping[str, LabelExplanation],
    drifts: Mapping[str, LabelDrift],
) -> Iterator[str]:
    """Yield sentences about the run, about outputs without any attribution, and about the drift of each output."""
    yield from _run_warnings(task, explanation)
    for label, each in found.items():
        if not any(each.global_shap_values.values()):
            yield f"no feature has any attribution to {label}: the model returns the same output for all rows"
    for drift in drifts.values():
        yield from _drift_warnings(drift)


def _run_warnings(task: ExplanationTask, explanation: Explanation) -> Iterator[str]:
    rows, samples = len(explanation.values), task.config.shap.num_samples
    artifact = task.settings.model_artifact
    if artifact is not None and artifact.suffix.lower() in PICKLES:
        yield "the model was loaded from a pickle, which runs any code that it contains: allow_pickle is on"
    if samples is not None and explanation.coalitions > samples:
        yield f"num_samples is {samples:,}; {explanation.coalitions:,} coalitions were needed"
    if explanation.rounded:
        yield (
            f"{explanation.rounded:,} of the model's outputs were outside [0, 1] by rounding, and count as 0 or 1 for "
            "use_logit"
        )
    if rows < task.rows.of and not _limit_reached(task, rows):
        why = "more would take too long" if explanation.explainer == "tree" else "max_model_calls allows no more"
        yield f"{rows:,} of {task.rows.of:,} rows were explained, drawn with seed {task.seed}: {why}"
    if rows < _FEW_ROWS:
        few = f"rows explained: {rows:,}; with fewer than {_FEW_ROWS}, "
        yield f"{few}the order of features may well be due to chance"


def sample_notes(task: ExplanationTask, rows: int, found: Mapping[str, LabelExplanation]) -> Iterator[str]:
    """Yield what a sample of the requested size means for the attributions."""
    if rows < task.rows.of and _limit_reached(task, rows):
        yield (
            f"{rows:,} of {task.rows.of:,} rows were explained, drawn with seed {task.seed}: max_explained_rows says "
            f"how many, or all{_precision_text(task, found)}"
        )


def _limit_reached(task: ExplanationTask, rows: int) -> bool:
    return str(rows) == task.max_explained_rows


def _precision_text(task: ExplanationTask, found: Mapping[str, LabelExplanation]) -> str:
    """Name the widest interval of all attributions."""
    intervals = (
        (high - low, name, label, each.global_shap_values[name])
        for label, each in found.items()
        for name, (low, high) in (each.confidence_intervals or {}).items()
    )
    width, name, label, value = max(intervals, default=(0.0, "", "", 0.0))
    if not width:
        return ""
    level = f"{100 * task.settings.confidence_level:.4g}%"
    return f"; the widest {level} interval is that of {name} to {label}, {value:.3g} with a width of {width:.2g}"


def _drift_warnings(drift: LabelDrift) -> Iterator[str]:
    """Name what changed most where there is drift, and say what could not be measured."""
    threshold = drift.config.feature_attribution_drift_threshold
    if not isinstance(drift.ndcg, Undefined) and drift.ndcg < threshold and not drift.below_threshold:
        why = (
            drift.ndcg_at_most.reason
            if isinstance(drift.ndcg_at_most, Undefined)
            else f"the rows of both sides allow for {number_text(drift.ndcg_at_most or 0.0)}"
        )
        yield f"NDCG of {drift.label} is {number_text(drift.ndcg)}, below {threshold}, which may be chance: {why}"
    if drift.below_threshold:
        shares = [
            (moved.share_change, name, moved)
            for name, moved in drift.changes.items()
            if not isinstance(moved.share_change, Undefined) and abs(moved.share_change) >= _LEAST_CHANGE
        ]
        features = (
            f"{name!r} (rank {moved.baseline_rank} to {moved.rank}, {100 * share:+.1f} percentage points of the total)"
            for share, name, moved in sorted(shares, key=lambda each: -abs(each[0]))[:_NAMED]
        )
        if shares:
            yield f"the attributions of {drift.label} changed most for {', '.join(features)}"
    if isinstance(drift.ndcg, Undefined):
        yield f"feature attribution drift of {drift.label} was not measured: {drift.ndcg.reason}"
    apart = {name: tau.reason for name, tau in drift.history.taus.items() if isinstance(tau, Undefined)}
    if apart:
        name, reason = next(iter(apart.items()))
        number = f"{len(apart)} of {len(drift.history.taus)} earlier executions"
        yield f"attributions of {drift.label} were not compared with those of {number}, such as {name}: {reason}"
    config = drift.config
    for name, value, limit in (
        ("attribution stability", drift.history.stability, config.min_attribution_stability),
        ("Kendall's tau", drift.history.kendall_tau, config.min_kendall_tau),
        ("explanation consistency", drift.consistency, config.min_explanation_consistency),
    ):
        if isinstance(value, Undefined) and limit is not None:
            yield f"{name} of {drift.label} was not checked: {value.reason}"
