"""From a profile to ``statistics.json``."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch_analyzer.data_quality.documents import DatasetStatistics, Statistics
from modelwatch_analyzer.feature_statistics import (
    CommonStatistics,
    FeatureStatistics,
    InferredType,
    StringStatistics,
    categorical_distribution,
    numerical_statistics,
)
from modelwatch_analyzer.profile.columns import TextColumn
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import ColumnProfile, TableProfile
from modelwatch_analyzer.profile.unusual_spellings import Spelling

MOST_CATEGORIES = 120
"""A column of more distinct values is not categorical: Deequ's limit for a histogram."""


def statistics_of(profile: TableProfile, names: Mapping[str, str]) -> Statistics:
    """Describe a dataset.

    Parameters
    ----------
    profile : TableProfile
    names : Mapping of str to str
        What each column of the profile is called in the document.
    """
    features = tuple(_feature(names[column], seen) for column, seen in profile.columns.items())
    return Statistics(dataset=DatasetStatistics(item_count=profile.records.read), features=features)


def categories_of(text: TextColumn) -> dict[str, int]:
    """Return the counts by value of a categorical column, the most frequent first; empty for any other column."""
    few = text.distinct.count <= MOST_CATEGORIES and text.categories.is_exact
    return text.categories.counts() if few else {}


def inferred_type(kind: ColumnType) -> InferredType:
    """Return a type as SageMaker's files know it: they have no Boolean and call it String."""
    return InferredType.STRING if kind is ColumnType.BOOLEAN else InferredType(kind.value)


def _feature(name: str, column: ColumnProfile) -> FeatureStatistics:
    kind = inferred_type(column.type)
    common = CommonStatistics(num_present=column.present, num_missing=column.missing)
    if kind.is_numeric and column.numbers is not None:
        numbers = numerical_statistics(common, column.numbers.moments, column.numbers.sketch)
        return FeatureStatistics(name=name, inferred_type=kind, numerical_statistics=numbers)
    text = column.text or TextColumn()
    return FeatureStatistics(name=name, inferred_type=kind, string_statistics=_string(common, text))


def _string(common: CommonStatistics, text: TextColumn) -> StringStatistics:
    spellings = {str(kind): text.spellings[kind] for kind in Spelling if text.spellings[kind]}
    return StringStatistics(
        common=common,
        distinct_count=text.distinct.count,
        distribution=categorical_distribution(categories_of(text)),
        spellings=spellings or None,
    )
