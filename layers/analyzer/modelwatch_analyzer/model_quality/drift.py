"""How far predictions and labels have moved from a baseline: the measures and the constraints of data quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from modelwatch_analyzer.distances import ROBUST
from modelwatch_analyzer.distances.distribution_constraints import SUGGESTED_DISTRIBUTION, DistributionConstraints
from modelwatch_analyzer.distances.drift import (
    DRIFT_CHECK,
    Drift,
    distance_of_categories,
    distance_of_numbers,
    thresholds_out_of_range,
)
from modelwatch_analyzer.distances.measure import DesignEffects
from modelwatch_analyzer.distances.methods import measure_of_categories, measure_of_numbers
from modelwatch_analyzer.feature_statistics import FeatureStatistics, sketch_of
from modelwatch_analyzer.model_quality.check import camel_case
from modelwatch_analyzer.model_quality.distributions import Distributions
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.drift_methods import L_INFINITY

_WITHOUT_THRESHOLDS = SUGGESTED_DISTRIBUTION.model_copy(
    update={"comparison_threshold": None, "categorical_comparison_threshold": None}
)
"""What applies where a file says nothing: drift is measured, and is no violation."""


_NOT_GIVEN = (
    "no baseline statistics were given: drift of predictions and labels was not measured, although the constraints "
    "limit it. Give the baseline's statistics.json with --statistics (in the app: statistics_s3_uri of the schedule's "
    "baseline)"
)
_NO_DISTRIBUTION = (
    "the baseline statistics hold no distribution of it, as is usual for regressions by SageMaker or an earlier "
    "version; make the baseline again"
)


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """What a check found of distributions.

    Attributes
    ----------
    drifts : dict of str to Drift
        The drift of each distribution, measured or not; empty where no comparison is wanted, or without a baseline.
    violations : tuple of ConstraintViolation
    warnings : tuple of str
    """

    drifts: dict[str, Drift] = field(default_factory=dict)
    violations: tuple[ConstraintViolation, ...] = ()
    warnings: tuple[str, ...] = ()


def drift_name(distribution: str) -> str:
    """Return what files call the drift of a distribution: ``prediction_baseline_drift``."""
    return f"{distribution}_baseline_drift"


def check_distributions(
    now: Distributions, baseline: Distributions | None, constraints: Mapping[str, DistributionConstraints]
) -> DriftCheck:
    """Compare distributions with a baseline.

    Parameters
    ----------
    baseline : mapping, optional
        None if its statistics were not given.
    constraints : mapping
        What the constraints file says of each distribution.

    Raises
    ------
    InvalidInput
        ``InvalidSketch``, if the baseline's statistics were damaged.
    """
    drifts = {}
    for name, observed in now.items():
        drift = _measured(_WITHOUT_THRESHOLDS.overlaid(constraints.get(name)), baseline or {}, observed)
        if drift is not None:
            drifts[name] = drift
    if baseline is None:
        wanted = any(drift.threshold is not None for drift in drifts.values())
        return DriftCheck(warnings=(_NOT_GIVEN,) if wanted else ())
    return DriftCheck(drifts, tuple(_violations(drifts)), tuple(_warnings(drifts)))


def _measured(
    constraints: DistributionConstraints, baseline: Distributions, observed: FeatureStatistics
) -> Drift | None:
    if constraints.perform_comparison is not Switch.ENABLED:
        return None
    method, then = constraints.comparison_method or ROBUST.name, baseline.get(observed.name)
    distance: float | Undefined = Undefined(_NO_DISTRIBUTION)
    if observed.inferred_type.is_numeric:
        measure = measure_of_numbers(method)
        if then is not None:
            distance = distance_of_numbers(measure, then, sketch_of(observed), _effects(then, observed))
        return Drift(distance, constraints.comparison_threshold, measure)
    measure = measure_of_categories(constraints.categorical_drift_method or L_INFINITY, method)
    if then is not None:
        distance = distance_of_categories(measure, then.categories, _counts(observed), _effects(then, observed))
    return Drift(distance, constraints.categorical_comparison_threshold, measure)


def _effects(*sides: FeatureStatistics) -> DesignEffects:
    """Return those of the baseline and of the current rows, which count as fewer where rows of a request are alike."""
    return DesignEffects(*(side.repeated or 1.0 for side in sides))


def _counts(observed: FeatureStatistics) -> CategoryCounts:
    categories = observed.categories
    counts = CategoryCounts(known=categories)
    counts.update(pl.DataFrame({"value": list(categories), "count": list(categories.values())}))
    return counts


def _violations(drifts: Mapping[str, Drift]) -> Iterator[ConstraintViolation]:
    for name, drift in drifts.items():
        if drift.violation is not None:
            yield ConstraintViolation.model_validate(
                {
                    "constraint_check_type": DRIFT_CHECK,
                    "description": drift.violation,
                    "metric_name": camel_case(drift_name(name)),
                }
            )


def _warnings(drifts: Mapping[str, Drift]) -> Iterator[str]:
    for name, drift in drifts.items():
        if isinstance(drift.distance, Undefined):
            yield f"drift of the {name} was not measured: {drift.distance.reason}"
    yield from thresholds_out_of_range(drifts)
