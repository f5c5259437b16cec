"""Global attributions against a baseline: what moved, and what of it breaks a constraint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from modelwatch_analyzer.explainability.attribution import Floats, interval, ndcg, ranks
from modelwatch_analyzer.explainability.documents import LabelExplanation, MonitoringConfig
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import java_double
from modelwatch_core.domain.constraint_violations import ConstraintViolation


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """How one feature's attribution moved.

    Attributes
    ----------
    change : float
        Of the global attribution, in units of the model's output.
    share_change : float or Undefined
        Of its share of all attribution.
    share_interval : tuple of float, optional
        Of that, by bootstrap over the rows explained now.
    rank, baseline_rank : int
        From 1.
    """

    change: float
    share_change: float | Undefined
    share_interval: tuple[float, float] | None
    rank: int
    baseline_rank: int


@dataclass(frozen=True, slots=True)
class LabelDrift:
    """One output of the model against its baseline.

    Attributes
    ----------
    ndcg : float or Undefined
        See `modelwatch_analyzer.explainability.attribution.ndcg`.
    ndcg_interval : tuple of float, optional
    changes : dict of str to FeatureChange
        Of features that are in both.
    new, missing : tuple of str
        Features that the baseline, or this run, does not have.
    stability, consistency : float or Undefined
    """

    label: str
    config: MonitoringConfig
    ndcg: float | Undefined
    ndcg_interval: tuple[float, float] | None
    changes: dict[str, FeatureChange]
    new: tuple[str, ...]
    missing: tuple[str, ...]
    stability: float | Undefined
    consistency: float | Undefined


def compare(
    label: str,
    current: dict[str, float],
    samples: Floats | Undefined,
    baseline: LabelExplanation,
    config: MonitoringConfig,
    *,
    level: float,
    stability: float | Undefined,
    consistency: float | Undefined,
) -> LabelDrift:
    """Compare global attributions with the baseline's.

    Parameters
    ----------
    current : dict of str to float
        By feature.
    samples : array, shape (replicates, features), or Undefined
        Bootstrap replicates of them.
    level : float
        Of the intervals.
    """
    then = baseline.global_shap_values
    new = tuple(name for name in current if name not in then)
    missing = tuple(name for name in then if name not in current)
    common = [name for name in current if name in then]
    now_values = np.array([current[name] for name in common])
    then_values = np.array([then[name] for name in common])
    resampled = None if isinstance(samples, Undefined) else samples[:, [name in then for name in current]]
    drift: float | Undefined
    if new or missing:
        drift = Undefined("the model's features are not those of the baseline")
    else:
        drift = ndcg(then_values, now_values)
    drifts = None
    if resampled is not None and not isinstance(drift, Undefined):
        drifts = interval([_number(ndcg(then_values, sample)) for sample in resampled], level)
    changes = _changes(common, now_values, then_values, resampled, level)
    return LabelDrift(label, config, drift, drifts, changes, new, missing, stability, consistency)


def _changes(
    names: list[str], now: Floats, then: Floats, resampled: Floats | None, level: float
) -> dict[str, FeatureChange]:
    places, places_then = ranks(now), ranks(then)
    share, share_then = _shares(now), _shares(then)
    shares = None if resampled is None else np.stack([_shares(sample) for sample in resampled])
    changes = {}
    for i, name in enumerate(names):
        moved = float(share[i] - share_then[i])
        spread = None
        if shares is not None and np.isfinite(shares[:, i]).all() and np.isfinite(moved):
            spread = interval(shares[:, i] - share_then[i], level)
        changes[name] = FeatureChange(
            change=float(now[i] - then[i]),
            share_change=moved if np.isfinite(moved) else Undefined("no feature has any attribution, or had any"),
            share_interval=spread,
            rank=int(places[i]),
            baseline_rank=int(places_then[i]),
        )
    return changes


def _shares(attributions: Floats) -> Floats:
    """Return the parts of all attribution; NaN where there is none, which is told as Undefined."""
    magnitudes = np.abs(attributions)
    total = magnitudes.sum()
    return magnitudes / total if total > 0 else np.full(len(magnitudes), np.nan)


def _number(value: float | Undefined) -> float:
    if isinstance(value, Undefined):
        raise TypeError(value.reason)
    return value


Check = Callable[[LabelDrift], Iterator[tuple[str | None, str, str]]]
"""Yields what breaks a constraint: the feature, the metric and the description."""

CHECKS: dict[str, Check] = {}
"""By ``constraint_check_type``, in the order of the report."""


def violations_of(drift: LabelDrift) -> Iterator[ConstraintViolation]:
    """Yield what a label violates, in the order of `CHECKS`."""
    for check_type, check in CHECKS.items():
        for feature, metric, description in check(drift):
            yield ConstraintViolation(
                label=drift.label,
                metric_name=metric,
                feature_name=feature,
                constraint_check_type=check_type,
                description=description,
            )


def _check(check_type: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[check_type] = check
        return check

    return register


@_check("feature_attribution_drift_check")
def check_drift(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare NDCG with its threshold; the wording is SageMaker's."""
    threshold = drift.config.feature_attribution_drift_threshold
    if not isinstance(drift.ndcg, Undefined) and drift.ndcg < threshold:
        told = f"Feature attribution drift {java_double(drift.ndcg)} exceeds threshold {java_double(threshold)}"
        yield None, "shap", told


@_check("feature_set_check")
def check_features(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for features that are new or gone, where NDCG does not exist."""
    for name in drift.missing:
        yield name, "shap", "The baseline explains this feature, and the model does not take it now"
    for name in drift.new:
        yield name, "shap", "The model takes this feature, and the baseline does not know it"


@_check("feature_attribution_change_check")
def check_change(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for shares of attribution that changed by more than the limit, chance left aside."""
    limit = drift.config.max_attribution_change
    if limit is None:
        return
    for name, moved in drift.changes.items():
        if isinstance(moved.share_change, Undefined):
            continue
        low, high = moved.share_interval or (moved.share_change, moved.share_change)
        if low > limit or high < -limit:
            told = f"Share of attribution changed by {java_double(moved.share_change)} "
            told += f"({java_double(low)} to {java_double(high)}), more than {java_double(limit)}"
            yield name, "attribution_change", told


@_check("feature_rank_check")
def check_ranks(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Look for features that moved by more places than the limit."""
    limit = drift.config.max_rank_change
    if limit is None:
        return
    for name, moved in drift.changes.items():
        if abs(moved.rank - moved.baseline_rank) > limit:
            told = f"Rank changed from {moved.baseline_rank} to {moved.rank}, by more than {limit}"
            yield name, "attribution_rank", told


@_check("attribution_stability_check")
def check_stability(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare the stability over the last executions with its limit."""
    yield from _below("Attribution stability", drift.stability, drift.config.min_attribution_stability)


@_check("explanation_consistency_check")
def check_consistency(drift: LabelDrift) -> Iterator[tuple[str | None, str, str]]:
    """Compare the consistency of the explanations of rows with its limit."""
    yield from _below("Explanation consistency", drift.consistency, drift.config.min_explanation_consistency)


def _below(name: str, value: float | Undefined, limit: float | None) -> Iterator[tuple[str | None, str, str]]:
    if limit is not None and not isinstance(value, Undefined) and value < limit:
        told = f"{name} {java_double(value)} is below threshold {java_double(limit)}"
        yield None, name.lower().replace(" ", "_"), told
