"""Which violations other constraints would have found, by the ``analysis.json`` that a check has left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from modelwatch_analyzer.documents import read_document
from modelwatch_analyzer.explainability.checks import CHECKS, violations_of
from modelwatch_analyzer.explainability.documents import Analysis, AttributionConstraints, RunDetails
from modelwatch_analyzer.explainability.drift import Comparison, FeatureChange, LabelDrift, Measured
from modelwatch_analyzer.explainability.history import AttributionHistory
from modelwatch_analyzer.explainability.labels import matched
from modelwatch_analyzer.metric_change import Rates
from modelwatch_analyzer.replay import Finding, Replay, ReplayWindow
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import subject_text
from modelwatch_core.domain.monitor_kinds.explainability import ExplainabilitySettings

_CHECKS = {check.limit: check_type for check_type, check in CHECKS.items() if check.limit is not None}
"""The name of each limit, and of the check that it belongs to."""
_NEED_A_BASELINE_THEN = ("max_attribution_change", "min_attribution_stability", "min_kendall_tau")
"""The limits of what was not measured in a window that was compared with no baseline."""

_NO_ROWS = Undefined("the rows are not read")
_NOT_STORED = Undefined("its spread is not stored")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class _Missing(_Part):
    undefined: str


class _Moved(_Part):
    share_change: float | _Missing
    share_change_interval: tuple[float, float] | None = None


class _Drift(_Part):
    ndcg: float | _Missing
    ndcg_at_most: float | _Missing | None = None
    attribution_stability: float | _Missing
    kendall_tau: float | _Missing
    features: dict[str, _Moved]


class _Explained(_Part):
    global_shap_values: dict[str, float]
    explanation_consistency: float | None = None
    attribution_drift: _Drift | None = None


class _Explanations(_Part):
    kernel_shap: dict[str, _Explained] = Field(min_length=1)


class _Config(_Part):
    feature_attribution_drift_confidence: float | None = None
    monthly_false_alarm_rate: float = Rates().per_month


class _Window(_Part):
    explanations: _Explanations
    monitoring_config: _Config = _Config()
    run_details: RunDetails | None = None


def replay(_settings: ExplainabilitySettings, constraints: Path, _statistics: Path | None) -> ReplayWindow:
    """Return what checks windows of a schedule against other constraints; see `replayed`."""
    return lambda current: replayed(current, constraints)


def replayed(current: Path, constraints: Path) -> Replay:
    """Check a window that has been explained against other constraints.

    What chance makes of a share is stored as the interval of its change, which another baseline moves by the
    difference of the two shares. The earlier executions, and the explanations of rows, were compared by the window's
    own check. Values for other baseline rows, or aggregated in another way, are in no file.

    Parameters
    ----------
    current : Path
        The ``analysis.json`` of the window.
    constraints : Path
        The changed ``analysis.json`` of a baseline.

    Raises
    ------
    InvalidInput
        ``InvalidConstraints``, ``InvalidStatistics``; ``ExplanationsNotComparable`` for a baseline of another number
        of outputs.
    """
    then, now = Analysis.read(constraints), read_document(_Window, current, "InvalidStatistics")
    labels = now.explanations.kernel_shap
    baselines, config = matched(list(labels), then), then.monitoring_config
    if not _measured_alike(now.run_details, then.run_details):
        return Replay((), tuple((label, check) for label in labels for check in _checks(config, *_CHECKS)))
    comparison = Comparison(config, level=0.95)  # of intervals that rows would give: here are none
    violations: list[Finding] = []
    unknown: list[Finding] = []
    for label, found in labels.items():
        measured = found.attribution_drift
        consistency = _number(found.explanation_consistency, "it is not stored")
        stored = Measured(found.global_shap_values, _NO_ROWS, _history(measured), consistency)
        drift = comparison.of_label(label, stored, baselines[label])
        drift = replace(drift, ndcg_at_most=_at_most(drift, measured, now.monitoring_config))
        changes, undecided = _with_intervals(drift, measured)
        if drift.ndcg_at_most is _NOT_STORED:
            unknown += [(label, check) for check in _checks(config, "feature_attribution_drift_threshold")]
        if measured is None:
            unknown += [(label, check) for check in _checks(config, *_NEED_A_BASELINE_THEN)]
        elif config.max_attribution_change is not None:
            unknown += [(subject_text(name, label=label), _CHECKS["max_attribution_change"]) for name in undecided]
        found_now = violations_of(replace(drift, changes=changes))
        violations += [(each.subject, each.constraint_check_type) for each in found_now]
    return Replay(tuple(finding for finding in violations if finding not in unknown), tuple(unknown))


def _measured_alike(now: RunDetails | None, then: RunDetails | None) -> bool:
    if now is None or then is None:
        return True  # of SageMaker's own files nothing is known
    ways = [(each.agg_method, each.use_logit, each.background) for each in (now, then)]
    return ways[0] == ways[1]


def _checks(config: AttributionConstraints, *limits: str) -> Iterator[str]:
    """Yield the checks that have a limit."""
    yield from (_CHECKS[limit] for limit in limits if getattr(config, limit) is not None)


def _history(measured: _Drift | None) -> AttributionHistory:
    nothing = Undefined("the window was compared with nothing")
    if measured is None:
        return AttributionHistory(stability=nothing, taus={"": nothing}, shares={})
    tau = _number(measured.kendall_tau)
    return AttributionHistory(stability=_number(measured.attribution_stability), taus={"": tau}, shares={})


def _number(value: float | _Missing | None, reason: str = "") -> float | Undefined:
    if isinstance(value, _Missing):
        return Undefined(value.undefined)
    return Undefined(reason) if value is None else value


def _at_most(drift: LabelDrift, measured: _Drift | None, then: _Config) -> float | Undefined | None:
    """Return what chance does not exceed: what is stored, moved by the difference that another baseline makes.

    Of other rates than those of the window nothing is stored.
    """
    if drift.ndcg_at_most is None or isinstance(drift.ndcg, Undefined):
        return drift.ndcg_at_most
    is_stored = then == _Config.model_validate(drift.config.model_dump())
    if not is_stored or measured is None or measured.ndcg_at_most is None or isinstance(measured.ndcg, _Missing):
        return _NOT_STORED if drift.ndcg < drift.config.feature_attribution_drift_threshold else None
    if isinstance(measured.ndcg_at_most, _Missing):
        return Undefined(measured.ndcg_at_most.undefined)
    return measured.ndcg_at_most + drift.ndcg - measured.ndcg


def _with_intervals(drift: LabelDrift, measured: _Drift | None) -> tuple[dict[str, FeatureChange], list[str]]:
    """Return the changes with what chance makes of them, without those of which that is not stored, and their names."""
    known = measured.features if measured else {}
    changes, undecided = dict(drift.changes), []
    for name, moved in drift.changes.items():
        stored, change = known.get(name), moved.share_change
        if isinstance(change, Undefined):
            continue
        if stored is None or isinstance(stored.share_change, _Missing):
            changes[name] = replace(moved, share_change=_NOT_STORED)
            undecided.append(name)
        elif stored.share_change_interval is not None:
            by = change - stored.share_change
            low, high = stored.share_change_interval
            changes[name] = replace(moved, share_interval=(low + by, high + by))
    return changes, undecided
