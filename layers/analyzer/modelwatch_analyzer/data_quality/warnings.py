"""What the user should know of a baseline or a check of data quality though it is not a violation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice

import numpy as np

from modelwatch_analyzer.calibrated.columns import TYPE_CHECK
from modelwatch_analyzer.calibrated.evidence import Found
from modelwatch_analyzer.calibrated.tables import MAY_BE_CHANGE
from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.check import CheckResult
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints, Statistics
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistic_changes import values_before
from modelwatch_analyzer.data_quality.unwatched import unwatched, why_text
from modelwatch_analyzer.distances import ROBUST, SIMPLE
from modelwatch_analyzer.distances.drift import thresholds_out_of_range
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType, categories_of
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.spelling import value_or_truth_name
from modelwatch_analyzer.profile.table import ColumnProfile, TableProfile
from modelwatch_analyzer.profile.unusual_spellings import spelling_aside
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.number_text import count_text

_FEW_BASELINE_ROWS = 100
_FEW_CURRENT_ROWS = 500
_TRUTH = frozenset({"true", "false"})
_MOST_REASONS = 20
"""The most reasons for not measuring drift that get a warning each."""


def warnings_of_baseline(statistics: Statistics, rows: int, time_zone: str | None) -> Iterator[str]:
    """Yield sentences.

    Parameters
    ----------
    time_zone : str, optional
        The one that the settings give.
    """
    if rows < _FEW_BASELINE_ROWS:
        few = f"the baseline has {count_text(rows, 'row')}: with fewer than {_FEW_BASELINE_ROWS}, what"
        yield f"{few} it suggests may well be due to chance"
    yield from unwatched(statistics.named())
    yield from _names_alike([feature.name for feature in statistics.features])
    yield from _sums_beyond(statistics)
    if time_zone is not None and not statistics.seasonal:
        yield (
            f"time_zone {time_zone} has no effect: a baseline has hours only if it is of captured records with times, "
            "on at least eight days, whose hours or days differ"
        )


def another_time_zone(baseline: Statistics | None, time_zone: str | None) -> Iterator[str]:
    """Yield a warning for a time zone that the settings of a check give, if its baseline has another one."""
    if baseline is None or not baseline.seasonal or time_zone is None:
        return
    of_baseline = baseline.time_zone or "UTC"
    if time_zone != of_baseline:
        yield (
            f"time_zone {time_zone} has no effect on a check: the hours of its baseline are in {of_baseline}; make the "
            "baseline again with the other time zone"
        )


def _names_alike(names: Iterable[str]) -> Iterator[str]:
    """Yield a warning for columns that may be one, as records with other spellings of a field make them."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(spelling_aside(name), []).append(name)
    if found := [same for same in alike.values() if len(same) > 1]:
        yield (
            f"columns whose names differ only in blanks, case or Unicode form are different columns: {listed(found[0])}"
            + (f", and {len(found) - 1} more" if len(found) > 1 else "")
        )


def warnings_of_check(
    result: CheckResult,
    profile: TableProfile,
    alignment: Alignment,
    constraints: Constraints,
    baseline: Statistics | None,
    statistics: Statistics,
    found: Mapping[str, Found],
) -> Iterator[str]:
    """Yield sentences.

    Parameters
    ----------
    statistics : Statistics
        Those of the dataset.
    found : mapping of str to Found
        What the tests of the Calibrated comparison say of each feature.
    """
    by_distance = any(drift.measure in (SIMPLE, ROBUST) for drift in result.drifts.values())
    if by_distance and profile.records.read < _FEW_CURRENT_ROWS:
        few = f"the dataset has {count_text(profile.records.read, 'row')}: with fewer than {_FEW_CURRENT_ROWS}, Simple"
        yield f"{few} distances are noisy, and Robust ones overlook small drifts"
    yield from _of_result(result, profile, alignment, constraints, baseline)
    empty = [name for name, feature in statistics.named().items() if feature.inferred_type is InferredType.UNKNOWN]
    if empty:
        yield f"there is no value in {listed(empty)}"
    yield from (f"{name!r}: {each.remark}" for name, each in found.items() if MAY_BE_CHANGE in each.remark)
    yield from _numbers_no_more(statistics, constraints)
    yield from _sums_beyond(statistics)


def _of_result(
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
        yield f"the constraints file has keys without a meaning there, which were ignored: {listed(unknown)}"
    yield from _without_threshold(constraints, result.configs)
    yield from thresholds_out_of_range(result.drifts)
    ignored = [feature.name for feature in constraints.features if _has_ignored_threshold(feature)]
    if ignored:
        yield (
            "comparison_threshold is for numeric features, categorical_comparison_threshold for String features: the "
            f"other one is ignored for {listed(ignored)}"
        )
    off = [name for name, config in result.configs.items() if not config.evaluate_constraints]
    if off:
        yield f"the constraints file switches the checks off for {listed(off)}"
    yield from _unwatched(result, constraints, statistics)
    yield from _spelled_otherwise(profile, alignment, constraints)
    ignored = [feature.name for feature in constraints.features if _has_ignored_domain(feature)]
    if ignored:
        yield f"a domain is checked for String features only, and ignored for {listed(ignored)}"
    ignored = [feature.name for feature in constraints.features if _has_ignored_sign(feature)]
    if ignored:
        yield f"is_non_negative is checked for numeric features only, and ignored for {listed(ignored)}"
    mistyped = {each.feature_name for each in result.violations if each.constraint_check_type == TYPE_CHECK}
    whole = [
        feature
        for feature, column in alignment.features.items()
        if feature in mistyped and _are_whole_fractions(profile.columns[column])
    ]
    if whole:
        yield (
            f"the numbers of {listed(whole)} are whole, but written as fractions (1.0), as pandas writes whole numbers "
            "if one is missing: convert the columns with astype('Int64') before you write them"
        )


def _without_threshold(constraints: Constraints, configs: Mapping[str, EffectiveConfig]) -> Iterator[str]:
    """Yield a warning for thresholds of distances in a file whose features are not compared by distances."""
    given = constraints.monitoring_config.distribution_constraints
    thresholds = given and (given.comparison_threshold, given.categorical_comparison_threshold)
    if not thresholds or thresholds == (None, None) or not constraints.features:
        return
    if all(configs[feature.name].is_calibrated(feature.inferred_type) for feature in constraints.features):
        yield (
            "comparison_threshold and categorical_comparison_threshold apply to distances: the Calibrated comparison "
            "uses minimum_effect and minimum_share instead"
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


_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "in blanks, case or Unicode form": spelling_aside,
    "in how numbers and truth values are written, such as 1, 1.0, 01 and true": value_or_truth_name,
}


def _spelled_otherwise(profile: TableProfile, alignment: Alignment, constraints: Constraints) -> Iterator[str]:
    """Yield a warning for features with values that are not in the domain, and are all like ones that are."""
    found: dict[str, list[str]] = {}
    for feature in constraints.features:
        if feature.name in alignment.features:
            observed = profile.columns[alignment.features[feature.name]].text
            domain = (feature.string_constraints.domains if feature.string_constraints else None) or ()
            unknown = set(categories_of(observed) if observed and domain else ()) - set(domain)
            for how, name in _SPELLINGS.items():
                if unknown and set(map(name, unknown)) <= set(map(name, domain)):
                    found.setdefault(how, []).append(feature.name)
                    break
    for how, names in found.items():
        yield (
            f"values of {listed(names)} that are not in the domain of the baseline differ from its values only {how}, "
            "and count as different values"
        )


def _has_ignored_domain(feature: FeatureConstraints) -> bool:
    text = feature.string_constraints
    return feature.inferred_type.is_numeric and text is not None and bool(text.domains)


def _has_ignored_threshold(feature: FeatureConstraints) -> bool:
    """Return whether a feature has a drift threshold of its own for the other type, and none for its type."""
    given = [each.distribution_constraints for each in feature.all_overrides() if each.distribution_constraints]
    of_numbers = any(each.comparison_threshold is not None for each in given)
    of_text = any(each.categorical_comparison_threshold is not None for each in given)
    if feature.inferred_type.is_numeric:
        return of_text and not of_numbers
    return feature.inferred_type is InferredType.STRING and of_numbers and not of_text


def _has_ignored_sign(feature: FeatureConstraints) -> bool:
    numbers = feature.num_constraints
    return feature.inferred_type is InferredType.STRING and numbers is not None and bool(numbers.is_non_negative)


def _are_whole_fractions(observed: ColumnProfile) -> bool:
    """Return whether numbers are spelled as fractions and whole, as far as the sketch keeps them."""
    if observed.type is not ColumnType.FRACTIONAL or observed.numbers is None:
        return False
    kept = observed.numbers.sketch.cumulative_weights()[0]
    return bool((kept == np.trunc(kept)).all())


def _numbers_no_more(statistics: Statistics, constraints: Constraints) -> Iterator[str]:
    """Yield why columns that the baseline has as numbers are text now."""
    now = statistics.named()
    for feature in constraints.features:
        if feature.inferred_type.is_numeric and feature.name in now:
            cause = why_text(now[feature.name], in_baseline=False)
            if cause:
                yield f"{feature.name!r} is now {cause}"
            elif (seen := now[feature.name].categories) and _TRUTH.issuperset(map(str.lower, seen)):
                yield f"{feature.name!r} now holds true and false, which are text: write 1 and 0, if the baseline did"


def _sums_beyond(statistics: Statistics) -> Iterator[str]:
    sums = {
        feature.name: feature.numerical_statistics.sum
        for feature in statistics.features
        if feature.numerical_statistics
    }
    beyond = [name for name, total in sums.items() if total is not None and abs(total) == sys.float_info.max]
    if beyond:
        yield f"the sum of {listed(beyond)} exceeds the greatest double, which is written instead"
