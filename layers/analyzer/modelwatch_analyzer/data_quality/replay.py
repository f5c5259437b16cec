"""Which violations other constraints would have found, by the statistics that a check has left."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import polars as pl

from modelwatch_analyzer.data_quality.alignment import EXTRA_COLUMN_CHECK, MISSING_COLUMN_CHECK
from modelwatch_analyzer.data_quality.calibration import CalibratedComparison, Judged, calibrated_drift
from modelwatch_analyzer.data_quality.checks import Comparison, violations_of
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints, Statistics
from modelwatch_analyzer.data_quality.drift import measure_drift
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig, configs_of
from modelwatch_analyzer.distances.distribution_constraints import chosen_methods
from modelwatch_analyzer.distances.drift import DRIFT_CHECK
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType, sketch_of
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.profile.columns import NumericColumn, TextColumn
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.replay import Finding, Replay, ReplayWindow
from modelwatch_core.domain.monitor_kinds.data_quality import DataQualitySettings


def replay(settings: DataQualitySettings, constraints: Path, statistics: Path | None) -> ReplayWindow:
    """Return what checks windows of a schedule against other constraints; see `replayed`."""
    changed = Constraints.read(constraints).with_methods(chosen_methods(settings))
    baseline = Statistics.read(statistics) if statistics else None
    excluded = Attributes.of(exclude_features=settings.exclude_features_attribute).excluded
    return lambda current: replayed(Statistics.read(current), changed, baseline, excluded=excluded)


def replayed(
    current: Statistics, constraints: Constraints, baseline: Statistics | None, *, excluded: Collection[str] = ()
) -> Replay:
    """Check a window that has been analysed against other constraints.

    Completeness, drift, statistics that may change, and columns that are missing or new are as a check of the rows
    finds them. Types, signs and domains are so where the statistics decide them; ``unknown`` names the others.

    Parameters
    ----------
    current : Statistics
        The window's.
    baseline : Statistics, optional
        The baseline's statistics; without them neither drift nor changes of statistics are measured.
    excluded : collection of str
        Features that the schedule leaves out.
    """
    now, then = current.named(), baseline.named() if baseline else {}
    violations: list[Finding] = []
    unknown: list[Finding] = []
    features = [feature for feature in constraints.features if feature.name not in excluded]
    configs = configs_of(constraints.layers())
    judged = _judged(current, constraints, configs, baseline)
    for feature in features:
        config, verdict = configs[feature.name], judged.get(feature.name)
        if not config.evaluate_constraints:
            continue
        seen = now.get(feature.name)
        if seen is None:
            violations.append((feature.name, MISSING_COLUMN_CHECK))
            continue
        column, before = _restored(seen), then.get(feature.name)
        drift = measure_drift(feature, config, before, column) if baseline else None
        undecided = {*_undecided(feature, config, seen, has_baseline=before is not None)}
        if baseline and config.is_calibrated(feature.inferred_type):
            drift = calibrated_drift(verdict, drift, before)
            undecided |= {DRIFT_CHECK} if drift else set()
        if verdict is not None:
            undecided -= verdict.checks
        found = violations_of(Comparison(feature, config, column, drift, before, verdict), without=undecided)
        violations += [(feature.name, each.constraint_check_type) for each in found]
        unknown += [(feature.name, check) for check in sorted(undecided)]
    if EffectiveConfig.of([constraints.monitoring_config]).evaluate_constraints:
        known = {feature.name for feature in constraints.features}
        violations += [(name, EXTRA_COLUMN_CHECK) for name in now if name not in known]
    return Replay(tuple(violations), tuple(unknown))


def _judged(
    current: Statistics,
    constraints: Constraints,
    configs: Mapping[str, EffectiveConfig],
    baseline: Statistics | None,
) -> dict[str, Judged]:
    """Judge the evidence that a window has left; it is that of the baseline of then."""
    if baseline is None:
        return {}
    found = {feature.name: feature.evidence for feature in current.features if feature.evidence is not None}
    return CalibratedComparison(constraints, configs, baseline, current.dataset.share_of_month).judge(found)


def _undecided(
    feature: FeatureConstraints, config: EffectiveConfig, seen: FeatureStatistics, *, has_baseline: bool
) -> Iterator[str]:
    """Yield the checks of a feature whose result depends on more than its statistics."""
    if seen.inferred_type is InferredType.UNKNOWN:  # no value: nothing but completeness is checked
        return
    numbers, expects_numbers = seen.numerical_statistics, feature.inferred_type.is_numeric
    only_fractions = seen.inferred_type is InferredType.FRACTIONAL and feature.inferred_type is InferredType.INTEGRAL
    if expects_numbers and (numbers is None or only_fractions):
        yield "data_type_check"
    signs = feature.num_constraints is not None and feature.num_constraints.is_non_negative
    if signs and (numbers is None or numbers.min is None):
        yield "is_non_negative_check"
    domains = feature.string_constraints.domains if feature.string_constraints else None
    if domains and not seen.categories and not (expects_numbers and numbers):
        yield "categorical_values_check"
    is_other = expects_numbers != (numbers is not None)
    changes = feature.num_constraints.max_changes if feature.num_constraints else None
    if changes is not None and has_baseline and (numbers is None or seen.sketch is None):
        yield "statistics_change_check"
    compares = config.perform_comparison and feature.inferred_type is not InferredType.UNKNOWN and has_baseline
    if compares and (is_other or not (seen.sketch or seen.categories)):
        yield DRIFT_CHECK


def _restored(seen: FeatureStatistics) -> ColumnProfile:
    """Return the profile of a column as far as its statistics have it."""
    numbers, text = seen.numerical_statistics, seen.string_statistics
    described = numbers or text
    present, missing = (described.common.num_present, described.common.num_missing) if described else (0, 0)
    kind = ColumnType(seen.inferred_type.value)
    return ColumnProfile(
        kind,
        present,
        missing,
        _numeric(seen, kind, present, missing) if numbers else None,
        _textual(seen, kind, present, missing) if text else None,
    )


def _numeric(seen: FeatureStatistics, kind: ColumnType, present: int, missing: int) -> NumericColumn:
    numbers = seen.numerical_statistics
    column = NumericColumn(type=kind, present=present, missing=missing)
    if numbers is None or not present:
        return column
    column.integral = present if kind is ColumnType.INTEGRAL else 0
    column.negative = int(numbers.min is not None and numbers.min < 0)  # that there are some, which is all a check asks
    column.moments = Moments.restored(
        present, numbers.mean or 0.0, numbers.std_dev or 0.0, numbers.min or 0.0, numbers.max or 0.0
    )
    column.sketch = sketch_of(seen) or column.sketch
    return column


def _textual(seen: FeatureStatistics, kind: ColumnType, present: int, missing: int) -> TextColumn:
    counts = CategoryCounts()
    if seen.categories:
        schema = {"value": pl.String(), "count": pl.Int64()}
        pairs = {"value": list(seen.categories), "count": list(seen.categories.values())}
        counts.update(pl.DataFrame(pairs, schema=schema))
    return TextColumn(type=kind, present=present, missing=missing, categories=counts)
