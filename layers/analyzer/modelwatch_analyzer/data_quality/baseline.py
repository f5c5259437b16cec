"""From a profile to ``constraints.json``: the constraints on later data that a baseline suggests."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch_analyzer.data_quality.documents import (
    Constraints,
    FeatureConstraints,
    NumConstraints,
    StringConstraints,
)
from modelwatch_analyzer.data_quality.monitoring_config import suggested_config
from modelwatch_analyzer.data_quality.statistic_changes import proposed_changes
from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints
from modelwatch_analyzer.feature_statistics import categories_of, inferred_type
from modelwatch_analyzer.profile.columns import NumericColumn, TextColumn
from modelwatch_analyzer.profile.table import ColumnProfile, TableProfile

_MOST_SINGLETONS = 0.1
"""A column is no domain if more than this share of its distinct values occur once: Deequ's CategoricalRangeRule."""


def suggest_constraints(
    profile: TableProfile, methods: DistributionConstraints, window_rows: int | None = None
) -> Constraints:
    """Suggest the constraints that the profiled dataset itself satisfies.

    Parameters
    ----------
    profile : TableProfile
        The profile of the baseline dataset.
    methods : DistributionConstraints
        The drift measures that were chosen; Calibrated where none was.
    window_rows : int, optional
        The rows of a window, for which changes of statistics are constrained; without it they are not.
    """
    features = tuple(_feature(name, column, window_rows) for name, column in profile.columns.items())
    return Constraints(features=features, monitoring_config=suggested_config(methods))


def _feature(name: str, column: ColumnProfile, window_rows: int | None) -> FeatureConstraints:
    kind = inferred_type(column.type)
    numbers = column.numbers if kind.is_numeric else None
    domain = _domain(column.text) if column.text is not None and not kind.is_numeric else ()
    return FeatureConstraints(
        name=name,
        inferred_type=kind,
        completeness=column.completeness,
        num_constraints=_of_numbers(numbers, (window_rows or 0) * column.completeness) if numbers else None,
        string_constraints=StringConstraints(domains=domain) if domain else None,
    )


def _of_numbers(numbers: NumericColumn, window: float) -> NumConstraints:
    changes = proposed_changes(numbers, window) if window else None
    return NumConstraints(is_non_negative=numbers.moments.minimum >= 0, max_changes=changes)


def _domain(text: TextColumn) -> tuple[str, ...]:
    counts = categories_of(text)
    return tuple(counts) if is_domain(counts) else ()


def is_domain(counts: Mapping[str, int]) -> bool:
    """Return whether categories are suggested as the domain of a feature."""
    singletons = sum(count == 1 for count in counts.values())
    return bool(counts) and singletons / len(counts) <= _MOST_SINGLETONS
