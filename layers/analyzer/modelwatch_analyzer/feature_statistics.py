"""Statistics of one feature, as SageMaker's ``statistics.json`` has them: read, and written from accumulators."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

import msgspec
from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationInfo
from pydantic_core import PydanticKnownError

from modelwatch_analyzer.calibrated.cells import ColumnCounts
from modelwatch_analyzer.calibrated.evidence import Found
from modelwatch_analyzer.documents import Deferred, EditedDocument
from modelwatch_analyzer.metric_change import Repeated
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.profile.columns import TextColumn
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.profile.unusual_spellings import Spelling
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput

MOST_CATEGORIES = 120
"""A column of more distinct values is not categorical: Deequ's limit for a histogram."""

_SKETCH = re.compile(rb'"sketch"\s*:\s*(\{\s*"parameters"\s*:\s*\{[^{}]*\}\s*,\s*"data"\s*:[^{}]*\})')

QUANTILES = {"p01": 1, "p05": 5, "p25": 25, "p50": 50, "p75": 75, "p95": 95, "p99": 99}
"""The quantiles of a numeric feature, by name, in per cent."""


class InferredType(StrEnum):
    """The types of features that SageMaker's files know."""

    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"
    STRING = "String"
    UNKNOWN = "Unknown"

    @property
    def is_numeric(self) -> bool:
        """Whether features of it have numerical statistics."""
        return self in (InferredType.INTEGRAL, InferredType.FRACTIONAL)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=2**63)]
"""A number of things; some files write it as ``2333.0``."""


class CommonStatistics(EditedDocument):
    """How many values a column holds, and how many it lacks."""

    num_present: Count = 0
    num_missing: Count = 0


class NumericBucket(EditedDocument):
    """One bar of a histogram."""

    lower_bound: float
    upper_bound: float
    count: float


def _sketch(value: object, info: ValidationInfo) -> Mapping[str, Any] | None:
    if isinstance(value, str) and info.context:
        value = info.context.get(value, value)
    if value is None or isinstance(value, Mapping):
        return value
    raise PydanticKnownError("dict_type")


class Kll(EditedDocument):
    """A numeric distribution: ten buckets, and the sketch (`KllSketch.from_document` reads it)."""

    buckets: tuple[NumericBucket, ...] = ()
    sketch: Annotated[
        Mapping[str, Any] | None,
        PlainValidator(_sketch),
        PlainSerializer(lambda sketch: sketch and dict(sketch.items())),
    ] = None


class NumericDistribution(EditedDocument):
    """The distribution of a numeric feature."""

    kll: Kll | None = None


class NumericalStatistics(EditedDocument):
    """Statistics of a numeric feature; ``std_dev`` is the population's, ``quantiles`` are ours."""

    common: CommonStatistics = CommonStatistics()
    mean: float | None = None
    sum: float | None = None
    std_dev: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: dict[str, float] | None = None
    distribution: NumericDistribution | None = None


class CategoryBucket(EditedDocument):
    """How often one value occurs."""

    value: str
    count: Count


class Categorical(EditedDocument):
    """The values of a feature that has few distinct ones."""

    buckets: tuple[CategoryBucket, ...] = ()


class StringDistribution(EditedDocument):
    """The distribution of a text feature."""

    categorical: Categorical | None = None


class StringStatistics(EditedDocument):
    """Statistics of a text feature; ``spellings`` is ours, and says how many values are like numbers, by `Spelling`."""

    common: CommonStatistics = CommonStatistics()
    distinct_count: float | None = None
    distribution: StringDistribution | None = None
    spellings: dict[str, Count] | None = None


class FeatureStatistics(EditedDocument):
    """One column of a dataset; ``calibration``, ``evidence`` and ``repeated`` are ours.

    Attributes
    ----------
    calibration : ColumnCounts, optional
        What the Calibrated comparison compares with, in a baseline.
    evidence : Found, optional
        What the Calibrated comparison found in a window; other settings are judged from it.
    repeated : float, optional
        The design effect of predictions or labels that came in requests, see `Dependence`.
    """

    name: str
    inferred_type: InferredType
    numerical_statistics: NumericalStatistics | None = None
    string_statistics: StringStatistics | None = None
    calibration: ColumnCounts | None = None
    evidence: Found | None = None
    repeated: Repeated = None

    def without_values(self) -> Self:
        """Return it without what is a value of a single row: extremes, quantiles, categories, the sketch's items."""
        numbers, text = self.numerical_statistics, self.string_statistics
        withheld = dict.fromkeys(("min", "max", "quantiles", "distribution"))
        return self.model_copy(
            update={
                "numerical_statistics": numbers and numbers.model_copy(update=withheld),
                "string_statistics": text and text.model_copy(update={"distribution": None}),
                "calibration": None,
            }
        )

    @property
    def completeness(self) -> float | None:
        """The share of rows that hold a value; None if the file does not say."""
        described = self.numerical_statistics or self.string_statistics
        if described is None:
            return None
        rows = described.common.num_present + described.common.num_missing
        return described.common.num_present / rows if rows else None

    @property
    def distinct_count(self) -> float | None:
        """The number of distinct values of a text feature, if the file has it."""
        return self.string_statistics.distinct_count if self.string_statistics else None

    @property
    def sketch(self) -> Mapping[str, Any] | None:
        """The KLL sketch of a numeric feature, if the file has it."""
        numbers = self.numerical_statistics
        kll = numbers.distribution.kll if numbers and numbers.distribution else None
        return kll.sketch if kll else None

    @property
    def categories(self) -> dict[str, int]:
        """The counts by value of a text feature; empty if the file has none."""
        text = self.string_statistics
        categorical = text.distribution.categorical if text and text.distribution else None
        return {bucket.value: bucket.count for bucket in categorical.buckets} if categorical else {}


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


def feature_from(content: memoryview) -> FeatureStatistics:
    """Read a feature of a ``statistics.json``; what its sketch holds is made each time that it is looked into.

    A list of all its numbers would take several times as much memory. A sketch that is not written as ours and
    SageMaker's is read with the rest.

    Raises
    ------
    pydantic.ValidationError
        With places in the feature, not in the file.
    """
    parts, sketches, end = list[bytes | memoryview](), dict[str, Mapping[str, Any]](), 0
    for found in _SKETCH.finditer(content):
        key = f"sketch of byte {found.start(1)}"
        parts += content[end : found.start(1)], f'"{key}"'.encode()
        sketches[key] = _kept(content[found.start(1) : found.end(1)])
        end = found.end(1)
    return FeatureStatistics.model_validate_json(b"".join([*parts, content[end:]]), context=sketches)


def _kept(text: memoryview) -> Mapping[str, Any]:
    """Return a sketch in little memory; one that is none is an error of what looks into it."""
    sketch: dict[str, Any] = msgspec.json.decode(text)
    try:
        return Deferred(KllSketch.from_document(sketch).to_document)
    except InvalidInput:
        return sketch


def numerical_statistics(common: CommonStatistics, moments: Moments, sketch: KllSketch) -> NumericalStatistics:
    """Describe numbers, of which there is one at least, by their moments and their sketch."""
    buckets = tuple(
        NumericBucket(lower_bound=bucket.lower_bound, upper_bound=bucket.upper_bound, count=bucket.count)
        for bucket in sketch.buckets(moments.minimum, moments.maximum)
    )
    described = NumericalStatistics(
        common=common,
        mean=moments.mean,
        sum=finite(moments.sum),
        std_dev=moments.population_std,
        min=moments.minimum,
        max=moments.maximum,
        quantiles=quantiles_of(sketch),
        distribution=NumericDistribution(kll=Kll(buckets=buckets, sketch=Deferred(sketch.to_document))),
    )
    sketch.release()
    return described


def finite(value: float) -> float:
    """Return a sum, or the greatest double of its sign where it is beyond the range of a double, and so of JSON."""
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)


def categorical_distribution(counts: Mapping[str, int]) -> StringDistribution | None:
    """Describe how often each category occurs; None without a category."""
    buckets = tuple(CategoryBucket(value=value, count=count) for value, count in counts.items())
    return StringDistribution(categorical=Categorical(buckets=buckets)) if buckets else None


def categories_of(text: TextColumn) -> dict[str, int]:
    """Return the counts by value of a categorical column, the most frequent first; empty for any other column."""
    few = text.distinct.count <= MOST_CATEGORIES and text.categories.is_exact
    return text.categories.counts() if few else {}


def inferred_type(kind: ColumnType) -> InferredType:
    """Return a type as SageMaker's files know it: they have no Boolean and call it String."""
    return InferredType.STRING if kind is ColumnType.BOOLEAN else InferredType(kind.value)


def statistics_of_column(name: str, column: ColumnProfile) -> FeatureStatistics:
    """Describe a column."""
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
