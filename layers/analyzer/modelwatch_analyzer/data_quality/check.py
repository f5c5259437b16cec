"""A dataset against its baseline: violations and drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.calibration import Judged, calibrated_drift
from modelwatch_analyzer.data_quality.checks import Comparison, violations_of
from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.data_quality.drift import measure_drift
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import TableProfile
from modelwatch_core.domain.constraint_violations import ConstraintViolation


@dataclass(slots=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    configs : mapping of str to EffectiveConfig
        The settings of each feature.
    violations : list of ConstraintViolation
        In the order of the constraints file; columns that are not in it come last.
    drifts : dict of str to Drift
        The drift of each feature, measured or not; features for which no comparison is configured have none.
    """

    configs: Mapping[str, EffectiveConfig]
    violations: list[ConstraintViolation] = field(default_factory=list)
    drifts: dict[str, Drift] = field(default_factory=dict)


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
    configs: Mapping[str, EffectiveConfig],
    statistics: Statistics | None,
    judged: Mapping[str, Judged],
) -> CheckResult:
    """Check a profiled dataset against a baseline.

    Parameters
    ----------
    profile : TableProfile
        Made with `expected_types` and `known_categories`.
    configs : mapping of str to EffectiveConfig
        The settings of each feature.
    statistics : Statistics, optional
        The baseline's statistics; without them no drift is measured.
    judged : mapping of str to Judged
        What the Calibrated comparison says of the features that it compares.
    """
    result = CheckResult(configs)
    general = EffectiveConfig.of([constraints.monitoring_config])
    baseline = statistics.named() if statistics else {}
    for feature in constraints.features:
        config = configs[feature.name]
        column = alignment.features.get(feature.name)
        if column is None:
            missing = alignment.missing_column(feature.name)
            if missing is not None and config.evaluate_constraints:
                result.violations.append(missing)
            continue
        observed = profile.columns[column]
        then = baseline.get(feature.name)
        verdict = judged.get(feature.name)
        drift = measure_drift(feature, config, then, observed) if statistics else None
        if statistics and config.is_calibrated(feature.inferred_type):
            drift = calibrated_drift(verdict, drift, then)
        if drift is not None:
            result.drifts[feature.name] = drift
        if config.evaluate_constraints:
            result.violations.extend(violations_of(Comparison(feature, config, observed, drift, then, verdict)))
    if general.evaluate_constraints:
        result.violations.extend(alignment.column_counts())
    return result
