"""Global attributions compared with a baseline's: what changed, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwatch_analyzer.explainability.attribution import Floats, interval, ndcg, ndcg_at_most, ranks, shares
from modelwatch_analyzer.explainability.documents import AttributionConstraints, LabelExplanation
from modelwatch_analyzer.explainability.history import AttributionHistory
from modelwatch_analyzer.undefined import Undefined, json_number


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """How one feature's attribution changed.

    Attributes
    ----------
    change : float
        The change of the global attribution, in units of the model's output.
    share_change : float or Undefined
        The change of its share of all attribution.
    share_interval : tuple of float, optional
        The interval of `share_change`, by bootstrap over the rows explained now.
    rank, baseline_rank : int
        The ranks now and in the baseline, from 1.
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
    ndcg_at_most : float or Undefined, optional
        What chance does not exceed; None where the constraints do not allow for chance.
    changes : dict of str to FeatureChange
        The changes of features that are in both.
    new, missing : tuple of str
        Features that the baseline, or this run, does not have.
    history : AttributionHistory
        The comparison with the earlier executions.
    consistency : float or Undefined
    """

    label: str
    config: AttributionConstraints
    ndcg: float | Undefined
    ndcg_interval: tuple[float, float] | None
    changes: dict[str, FeatureChange]
    new: tuple[str, ...]
    missing: tuple[str, ...]
    history: AttributionHistory
    consistency: float | Undefined
    ndcg_at_most: float | Undefined | None = None

    @property
    def below_threshold(self) -> bool:
        """Whether NDCG is below its threshold, certainly so where the constraints allow for chance."""
        found = [self.ndcg] if self.ndcg_at_most is None else [self.ndcg, self.ndcg_at_most]
        limit = self.config.feature_attribution_drift_threshold
        return all(not isinstance(each, Undefined) and each < limit for each in found)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one output of the model.

    Attributes
    ----------
    attributions : dict of str to float
        The global attribution of each feature.
    samples : array, shape (replicates, features), or Undefined
        Bootstrap replicates of them.
    history : AttributionHistory
        The comparison with the earlier executions.
    consistency : float or Undefined
    """

    attributions: dict[str, float]
    samples: Floats | Undefined
    history: AttributionHistory
    consistency: float | Undefined


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of a model's global attributions with a baseline's.

    Attributes
    ----------
    level : float
        The confidence level of the intervals.
    labels : int
        How many labels share the rate of false alarms.
    share_of_month : float, optional
        How much of a month the window of a schedule is: its part of the monthly rate then applies.
    """

    config: AttributionConstraints
    level: float
    labels: int = 1
    share_of_month: float | None = None

    def of_label(self, label: str, measured: Measured, baseline: LabelExplanation, *, seed: int = 0) -> LabelDrift:
        """Compare one output.

        Parameters
        ----------
        seed : int
            The seed of what is drawn at random.
        """
        now, then = measured.attributions, baseline.global_shap_values
        new = tuple(name for name in now if name not in then)
        missing = tuple(name for name in then if name not in now)
        common = [name for name in now if name in then]
        now_values = np.array([now[name] for name in common])
        then_values = np.array([then[name] for name in common])
        drift: float | Undefined = Undefined("the model's features are not those of the baseline")
        if not new and not missing:
            drift = ndcg(then_values, now_values)
        resampled = None
        if not isinstance(measured.samples, Undefined):
            resampled = measured.samples[:, [name in then for name in now]]
        drifts = None
        if resampled is not None and not isinstance(drift, Undefined):
            drifts = interval([_defined(ndcg(then_values, sample)) for sample in resampled], self.level)
        at_most: float | Undefined | None = None
        if self.config.feature_attribution_drift_confidence is not None:
            at_most = Undefined("fewer than two rows were explained") if resampled is None else drift
        if resampled is not None and isinstance(at_most, float):
            errors = np.array([(baseline.standard_errors or {}).get(name, 0.0) for name in common])
            rate = self.config.rates.of_window(self.share_of_month) / self.labels
            at_most = ndcg_at_most(then_values, errors, resampled, rate, seed)
        return LabelDrift(
            label=label,
            config=self.config,
            ndcg=drift,
            ndcg_interval=drifts,
            changes=_changes(common, now_values, then_values, resampled, self.level),
            new=new,
            missing=missing,
            history=measured.history,
            consistency=measured.consistency,
            ndcg_at_most=at_most,
        )


def _changes(
    names: list[str], now: Floats, then: Floats, resampled: Floats | None, level: float
) -> dict[str, FeatureChange]:
    places, places_then = ranks(now), ranks(then)
    share, share_then = shares(now), shares(then)
    resampled_shares = None if resampled is None else np.stack([shares(sample) for sample in resampled])
    changes = {}
    for i, name in enumerate(names):
        moved = float(share[i] - share_then[i])
        spread = None
        if resampled_shares is not None and np.isfinite(resampled_shares[:, i]).all() and np.isfinite(moved):
            spread = interval(resampled_shares[:, i] - share_then[i], level)
        changes[name] = FeatureChange(
            change=float(now[i] - then[i]),
            share_change=moved if np.isfinite(moved) else Undefined("no feature has any attribution, or had any"),
            share_interval=spread,
            rank=int(places[i]),
            baseline_rank=int(places_then[i]),
        )
    return changes


def _defined(value: float | Undefined) -> float:
    if isinstance(value, Undefined):
        raise TypeError(value.reason)
    return value


def drift_document(drift: LabelDrift) -> dict[str, Any]:
    """Write a label's drift as JSON; what is undefined is an object with the reason."""
    return {
        "ndcg": json_number(drift.ndcg),
        "ndcg_interval": drift.ndcg_interval,
        **({} if drift.ndcg_at_most is None else {"ndcg_at_most": json_number(drift.ndcg_at_most)}),
        "attribution_stability": json_number(drift.history.stability),
        "kendall_tau": json_number(drift.history.kendall_tau),
        "explanation_consistency": json_number(drift.consistency),
        "new_features": list(drift.new),
        "missing_features": list(drift.missing),
        "features": {
            name: {
                "change": moved.change,
                "share_change": json_number(moved.share_change),
                "share_change_interval": moved.share_interval,
                "rank": moved.rank,
                "baseline_rank": moved.baseline_rank,
            }
            for name, moved in drift.changes.items()
        },
        "earlier_executions": [
            {"execution": name, "kendall_tau": json_number(tau)} for name, tau in drift.history.taus.items()
        ],
        "shares": {
            name: {
                "now": spread.now,
                "executions": spread.executions,
                "mean": spread.mean,
                "standard_deviation": json_number(spread.standard_deviation),
                "minimum": spread.minimum,
                "maximum": spread.maximum,
            }
            for name, spread in drift.history.shares.items()
        },
    }
