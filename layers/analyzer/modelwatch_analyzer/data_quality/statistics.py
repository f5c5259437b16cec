"""From a profile to ``statistics.json``."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

from modelwatch_analyzer.data_quality.documents import (
    Categorical,
    CategoryBucket,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    InferredType,
    Kll,
    NumericalStatistics,
    NumericBucket,
    NumericDistribution,
    Statistics,
    StringDistribution,
    StringStatistics,
)
from modelwatch_analyzer.profile.columns import NumericColumn, TextColumn
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import ColumnProfile, TableProfile
from modelwatch_analyzer.profile.unusual_spellings import Spelling
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput

MOST_CATEGORIES = 120
"""A column of more distinct values is not categorical: Deequ's limit for a histogram."""

QUANTILES = {"p01": 1, "p05": 5, "p25": 25, "p50": 50, "p75": 75, "p95": 95, "p99": 99}
"""The quantiles of a numeric feature, by name, in per cent."""


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


def quantiles_of(sketch: KllSketch) -> dict[str, float]:
    """Return the quantiles that files name, each the least value with at least that share of all values up to it."""
    return dict(zip(QUANTILES, sketch.percentiles(list(QUANTILES.values())), strict=True))


def sketch_of(feature: FeatureStatistics) -> KllSketch | None:
    """Return the sketch of a numeric feature, if the file has it.

    Raises
    ------
    InvalidInput
        ``InvalidSketch``, naming the feature.
    """
    if feature.sketch is None:
        return None
    try:
        return KllSketch.from_document(feature.sketch)
    except InvalidInput as error:
        raise InvalidInput(error.code, f"feature {feature.name!r}: {error.message}") from None


def inferred_type(kind: ColumnType) -> InferredType:
    """Return a type as SageMaker's files know it: they have no Boolean and call it String."""
    return InferredType.STRING if kind is ColumnType.BOOLEAN else InferredType(kind.value)


def _feature(name: str, column: ColumnProfile) -> FeatureStatistics:
    kind = inferred_type(column.type)
    common = CommonStatistics(num_present=column.present, num_missing=column.missing)
    if kind.is_numeric and column.numbers is not None:
        return FeatureStatistics(name=name, inferred_type=kind, numerical_statistics=_numerical(common, column.numbers))
    text = column.text or TextColumn()
    return FeatureStatistics(name=name, inferred_type=kind, string_statistics=_string(common, text))


def _numerical(common: CommonStatistics, numbers: NumericColumn) -> NumericalStatistics:
    moments, sketch = numbers.moments, numbers.sketch
    buckets = tuple(
        NumericBucket(lower_bound=bucket.lower_bound, upper_bound=bucket.upper_bound, count=bucket.count)
        for bucket in sketch.buckets(moments.minimum, moments.maximum)
    )
    return NumericalStatistics(
        common=common,
        mean=moments.mean,
        sum=finite(moments.sum),
        std_dev=moments.population_std,
        min=moments.minimum,
        max=moments.maximum,
        quantiles=quantiles_of(sketch),
        distribution=NumericDistribution(kll=Kll(buckets=buckets, sketch=sketch.to_document())),
    )


def _string(common: CommonStatistics, text: TextColumn) -> StringStatistics:
    buckets = tuple(CategoryBucket(value=value, count=count) for value, count in categories_of(text).items())
    distribution = StringDistribution(categorical=Categorical(buckets=buckets)) if buckets else None
    spellings = {str(kind): text.spellings[kind] for kind in Spelling if text.spellings[kind]}
    return StringStatistics(
        common=common,
        distinct_count=text.distinct.count,
        distribution=distribution,
        spellings=spellings or None,
    )


def finite(value: float) -> float:
    """Return a sum, or the greatest double of its sign where it is beyond the range of a double, and so of JSON."""
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)
