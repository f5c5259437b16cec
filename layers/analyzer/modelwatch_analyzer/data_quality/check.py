"""A dataset against its baseline: violations, drift, and what could not be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice

from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.calibration import Judged, calibrated_drift
from modelwatch_analyzer.data_quality.checks import Comparison, violations_of
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints, Statistics
from modelwatch_analyzer.data_quality.drift import measure_drift
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig, configs_of
from modelwatch_analyzer.data_quality.statistic_changes import values_before
from modelwatch_analyzer.data_quality.unwatched import unwatched
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.feature_statistics import FeatureStatistics, categories_of
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import ColumnProfile, TableProfile
from modelwatch_analyzer.profile.unusual_spellings import spelling_aside
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.constraint_violations import ConstraintViolation

_MOST_REASONS = 20
"""The most reasons for not measuring drift that get a warning each."""


@dataclass(slots=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    violations : list of ConstraintViolation
        In the order of the constraints file; columns that are not in it come last.
    drifts : dict of str to Drift
        The drift of each feature, measured or not; features for which no comparison is configured have none.
    configs : dict of str to EffectiveConfig
        The settings of each feature.
    """

    violations: list[ConstraintViolation] = field(default_factory=list)
    drifts: dict[str, Drift] = field(default_factory=dict)
    configs: dict[str, EffectiveConfig] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def expected_types(constraints: Constraints, alignment: Alignment) -> dict[str, ColumnType]:
    """Return the types that the baseline expects, by column."""
    types = {feature.name: ColumnType(feature.inferred_type.value) for feature in constraints.features}
    return {column: types[feature] for feature, column in alignment.features.items()}


def known_categories(
    constraints: Constraints, statistics: Statistics | None, alignment: Alignment
) -> dict[str, set[str]]:
    """Return the values, by column, that checks need exact counts of."""
    known: dict[str, set[str]] = {}
    baseline = statistics.named() if statistics else {}
    for feature in constraints.features:
        column = alignment.features.get(feature.name)
        domains = feature.string_constraints.domains if feature.string_constraints else None
        counted = baseline[feature.name].categories if feature.name in baseline else {}
        if column is not None:
            known[column] = {*(domains or ()), *counted}
    return known


def check(
    profile: TableProfile,
    alignment: Alignment,
    constraints: Constraints,
    statistics: Statistics | None,
    judged: Mapping[str, Judged] | None = None,
) -> CheckResult:
    """Check a profiled dataset against a baseline.

    Parameters
    ----------
    profile : TableProfile
        Made with `expected_types` and `known_categories`.
    statistics : Statistics, optional
        The baseline's statistics; without them no drift is measured.
    judged : mapping of str to Judged, optional
        What the Calibrated comparison says of the features that it compares.
    """
    result = CheckResult()
    general = EffectiveConfig.of([constraints.monitoring_config])
    baseline, judged = statistics.named() if statistics else {}, judged or {}
    result.configs = configs_of(constraints.layers())
    for feature in constraints.features:
        config = result.configs[feature.name]
        column = alignment.features.get(feature.name)
        if column is None:
            missing = alignment.missing_column(feature.name)
            if missing is not None and config.evaluate_constraints:
                result.violations.append(missing)
            continue
        observed = profile.columns[column]
        then = baseline.get(feature.name)
        drift, verdict = (
            measure_drift(feature, config, then, observed) if statistics else None,
            judged.get(feature.name),
        )
        if statistics and config.is_calibrated(feature.inferred_type):
            drift = calibrated_drift(verdict, drift, then)
        if drift is not None:
            result.drifts[feature.name] = drift
        if config.evaluate_constraints:
            result.violations.extend(violations_of(Comparison(feature, config, observed, drift, then, verdict)))
    if general.evaluate_constraints:
        result.violations.extend(alignment.column_counts())
    result.warnings.extend(_warnings(result, profile, alignment, constraints, statistics))
    return result


def _warnings(
    result: CheckResult,
    profile: TableProfile,
    alignment: Alignment,
    constraints: Constraints,
    statistics: Statistics | None,
) -> Iterator[str]:
    if alignment.warning:
        yield alignment.warning
    if statistics is None:
        yield "no baseline statistics were given: drift was not measured"
    yield from _unchecked_changes(constraints, statistics.named() if statistics else {})
    unknown = list(dict.fromkeys(constraints.unknown_keys()))
    if unknown:
        yield f"keys of the constraints file that have no meaning where they are were ignored: {listed(unknown)}"
    yield from _without_threshold(constraints, result.configs)
    off = [name for name, config in result.configs.items() if not config.evaluate_constraints]
    if off:
        yield f"the constraints file switches the checks off for {listed(off)}"
    yield from _unwatched(result, constraints, statistics)
    otherwise = [
        feature.name
        for feature in constraints.features
        if feature.name in alignment.features
        and _spelled_otherwise(feature, profile.columns[alignment.features[feature.name]])
    ]
    if otherwise:
        yield (
            f"values of {listed(otherwise)} that are not in the domain of the baseline differ from its values in "
            "blanks, case or Unicode form only, which make them other values"
        )
    ignored = [feature.name for feature in constraints.features if _has_ignored_domain(feature)]
    if ignored:
        yield f"a domain is checked for String features only, and ignored for {listed(ignored)}"


def _without_threshold(constraints: Constraints, configs: Mapping[str, EffectiveConfig]) -> Iterator[str]:
    """Yield a warning for thresholds of distances in a file whose features are not compared by distances."""
    given = constraints.monitoring_config.distribution_constraints
    thresholds = given and (given.comparison_threshold, given.categorical_comparison_threshold)
    if not thresholds or thresholds == (None, None) or not constraints.features:
        return
    if all(configs[feature.name].is_calibrated(feature.inferred_type) for feature in constraints.features):
        yield (
            "comparison_threshold and categorical_comparison_threshold are of distances: the Calibrated comparison has "
            "minimum_effect and minimum_share instead"
        )


def _unchecked_changes(constraints: Constraints, baseline: Mapping[str, FeatureStatistics]) -> Iterator[str]:
    """Yield a warning for constraints on changes of statistics that the baseline does not have."""
    without: list[str] = []
    for feature in constraints.features:
        changes = feature.num_constraints.max_changes if feature.num_constraints else None
        if changes is not None:
            known = values_before(baseline[feature.name]) if feature.name in baseline else {}
            numeric = feature.inferred_type.is_numeric
            without.extend(f"{name} of {feature.name}" for name in changes.given() if not numeric or name not in known)
    if without:
        yield f"max_changes are not checked where the baseline statistics have no such number: {listed(without)}"


def _unwatched(result: CheckResult, constraints: Constraints, statistics: Statistics | None) -> Iterator[str]:
    """Yield why drift was not measured, and what else the baseline cannot watch."""
    named = statistics.named() if statistics else {}
    reasons: dict[str, list[str]] = {}
    for name, drift in result.drifts.items():
        if isinstance(drift.distance, Undefined):
            named.pop(name, None)  # the reason says it
            reasons.setdefault(drift.distance.reason, []).append(name)
    for reason, names in islice(reasons.items(), _MOST_REASONS):
        yield f"drift was not measured for {listed(names)}: {reason}"
    others = list(chain.from_iterable(islice(reasons.values(), _MOST_REASONS, None)))
    if others:
        yield f"drift was not measured for {listed(others)}: the baseline's own warnings and the report say why"
    compared = {feature.name: named[feature.name] for feature in constraints.features if feature.name in named}
    yield from (f"in the baseline, {text}" for text in unwatched(compared))


def _spelled_otherwise(feature: FeatureConstraints, observed: ColumnProfile) -> bool:
    """Return whether there are values that are not in the domain, and all of them are like one that is."""
    domains = (feature.string_constraints.domains if feature.string_constraints else None) or ()
    unknown = set(categories_of(observed.text) if observed.text and domains else ()) - set(domains)
    return bool(unknown) and set(map(spelling_aside, unknown)) <= set(map(spelling_aside, domains))


def _has_ignored_domain(feature: FeatureConstraints) -> bool:
    text = feature.string_constraints
    return feature.inferred_type.is_numeric and text is not None and bool(text.domains)
