"""The checks of a label's drift against the constraints: one function each, all in `CHECKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import java_double
from modelwatch_core.domain.constraint_violations import ConstraintViolation

LabelCheck = Callable[[LabelDrift], Iterator[tuple[str | None, str, str]]]
"""Yields what violates a constraint: the feature, the metric and the description."""


class Check(NamedTuple):
    """A check of a label's drift.

    Attributes
    ----------
    heading : str
        What the report calls it.
    limit : str, optional
        The constraint that it compares with; the set of features is compared with the baseline's alone.
    find : callable
    """

    heading: str
    limit: str | None
    find: LabelCheck


CHECKS: dict[str, Check] = {}
"""The checks by ``constraint_check_type``, in the order of the report."""


def violations_of(drift: LabelDrift) -> Iterator[ConstraintViolation]:
    """Yield what a label violates, in the order of `CHECKS`."""
    for check_type, check in CHECKS.items():
        for feature, metric, description in check.find(drift):
            yield ConstraintViolation(
                label=drift.label,
                metric_name=metric,
                feature_name=feature,
                constraint_check_type=check_type,
                description=description,
            )


def _check(check_type: str, heading: str, limit: str | None = None) -> Callable[[LabelCheck], LabelCheck]:
    def register(find: LabelCheck) -> LabelCheck:
        CHECKS[check_type] = Check(heading, limit, find)
        return find

    return register


@_check("feature_attribution_drift_check", "Drift of the attributions", "feature_attribution_drift_threshold")
def check_drift(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare NDCG with its threshold; the wording is SageMaker's."""
    threshold = drift.config.feature_attribution_drift_threshold
    if drift.below_threshold and not isinstance(drift.ndcg, Undefined):
        description = f"Feature attribution drift {java_double(drift.ndcg)} exceeds threshold {java_double(threshold)}"
        yield None, "shap", description


@_check("feature_set_check", "Features new or gone")
def check_features(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for features that are new or gone, where NDCG does not exist."""
    for name in drift.missing:
        yield name, "shap", "The baseline explains this feature, and the model does not take it now"
    for name in drift.new:
        yield name, "shap", "The model takes this feature, and the baseline does not have it"


@_check("feature_attribution_change_check", "Attribution changed", "max_attribution_change")
def check_change(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for shares of attribution that changed by more than the limit, beyond chance."""
    limit = drift.config.max_attribution_change
    if limit is None:
        return
    for name, moved in drift.changes.items():
        if isinstance(moved.share_change, Undefined):
            continue
        low, high = moved.share_interval or (moved.share_change, moved.share_change)
        if low > limit or high < -limit:
            description = f"Share of attribution changed by {java_double(moved.share_change)} "
            description += f"({java_double(low)} to {java_double(high)}), more than {java_double(limit)}"
            yield name, "attribution_change", description


@_check("feature_rank_check", "Rank changed", "max_rank_change")
def check_ranks(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for features that moved by more places than the limit."""
    limit = drift.config.max_rank_change
    if limit is None:
        return
    for name, moved in drift.changes.items():
        if abs(moved.rank - moved.baseline_rank) > limit:
            description = f"Rank changed from {moved.baseline_rank} to {moved.rank}, by more than {limit}"
            yield name, "attribution_rank", description


@_check("attribution_stability_check", "Stability of the attributions", "min_attribution_stability")
def check_stability(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare the stability over the last executions with its limit."""
    yield from _below("Attribution stability", drift.history.stability, drift.config.min_attribution_stability)


@_check("attribution_rank_agreement_check", "Rank agreement with the latest execution", "min_kendall_tau")
def check_rank_agreement(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare Kendall's tau with the latest earlier execution with its limit."""
    yield from _below("Kendall tau", drift.history.kendall_tau, drift.config.min_kendall_tau)


@_check("explanation_consistency_check", "Consistency of the explanations", "min_explanation_consistency")
def check_consistency(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare the consistency of the explanations of rows with its limit."""
    yield from _below("Explanation consistency", drift.consistency, drift.config.min_explanation_consistency)


def _below(name: str, value: float | Undefined, limit: float | None) -> Iterator[tuple[str | None, str, str]]:
    if limit is not None and not isinstance(value, Undefined) and value < limit:
        description = f"{name} {java_double(value)} is below threshold {java_double(limit)}"
        yield None, name.lower().replace(" ", "_"), description
