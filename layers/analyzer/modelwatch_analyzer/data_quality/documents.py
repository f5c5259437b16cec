"""``statistics.json`` and ``constraints.json``: SageMaker's documents, which are read and written as it writes them.

Reading is tolerant of keys that files of other versions have or lack, and strict about types: a number that is text
is a mistake of manual editing, and is refused with its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from modelwatch_analyzer.data_quality.drift_methods import known_categorical_drift_method, known_comparison_method
from modelwatch_analyzer.documents import read_document
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.errors import InvalidInput


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

Share = Annotated[float, Field(ge=0, le=1)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False, populate_by_name=True)


class CommonStatistics(_Document):
    """How many values a column holds, and how many it lacks."""

    num_present: Count = 0
    num_missing: Count = 0


class NumericBucket(_Document):
    """One bar of a histogram."""

    lower_bound: float
    upper_bound: float
    count: float


class Kll(_Document):
    """A numeric distribution: ten buckets, and the sketch (`KllSketch.from_document` reads it)."""

    buckets: tuple[NumericBucket, ...] = ()
    sketch: dict[str, Any] | None = None


class NumericDistribution(_Document):
    """The distribution of a numeric feature."""

    kll: Kll | None = None


class NumericalStatistics(_Document):
    """Statistics of a numeric feature; ``std_dev`` is the population's, ``quantiles`` are ours."""

    common: CommonStatistics = CommonStatistics()
    mean: float | None = None
    sum: float | None = None
    std_dev: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: dict[str, float] | None = None
    distribution: NumericDistribution | None = None


class CategoryBucket(_Document):
    """How often one value occurs."""

    value: str
    count: Count


class Categorical(_Document):
    """The values of a feature that has few distinct ones."""

    buckets: tuple[CategoryBucket, ...] = ()


class StringDistribution(_Document):
    """The distribution of a text feature."""

    categorical: Categorical | None = None


class StringStatistics(_Document):
    """Statistics of a text feature; ``spellings`` is ours, and says how many values are like numbers, by `Spelling`."""

    common: CommonStatistics = CommonStatistics()
    distinct_count: float | None = None
    distribution: StringDistribution | None = None
    spellings: dict[str, Count] | None = None


class FeatureStatistics(_Document):
    """One column of a dataset."""

    name: str
    inferred_type: InferredType
    numerical_statistics: NumericalStatistics | None = None
    string_statistics: StringStatistics | None = None

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


class DatasetStatistics(_Document):
    """The dataset as a whole."""

    item_count: Count = 0


class Statistics(_Document):
    """``statistics.json``."""

    version: float = 0.0
    dataset: DatasetStatistics = DatasetStatistics()
    features: tuple[FeatureStatistics, ...]

    @classmethod
    def read(cls, path: Path) -> Statistics:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidStatistics``, naming the place.
        """
        return _read(Statistics, path, "InvalidStatistics")

    def named(self) -> dict[str, FeatureStatistics]:
        """Return the features by name."""
        return {feature.name: feature for feature in self.features}


class _ConstraintsPart(_Document):
    """A part of ``constraints.json``; unknown keys are kept, so that a warning can name them."""

    model_config = ConfigDict(extra="allow")

    def unknown_keys(self) -> Iterator[str]:
        """Yield the keys that have no meaning where they are, those of nested parts last."""
        yield from self.model_extra or ()
        for name in type(self).model_fields:
            value = getattr(self, name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, _ConstraintsPart):
                    yield from part.unknown_keys()


class DistributionConstraints(_ConstraintsPart):
    """How drift is measured, and from which threshold on it is a violation."""

    perform_comparison: Switch | None = None
    comparison_threshold: float | None = None
    comparison_method: Annotated[str, AfterValidator(known_comparison_method)] | None = None
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: Annotated[str, AfterValidator(known_categorical_drift_method)] | None = None


class MonitoringConfig(_ConstraintsPart):
    """What is evaluated and how strictly; for all features, or in part as one feature's override."""

    evaluate_constraints: Switch | None = None
    emit_metrics: Switch | None = None
    datatype_check_threshold: Share | None = None
    domain_content_threshold: Share | None = None
    distribution_constraints: DistributionConstraints | None = None


_OVERRIDES = AliasChoices("monitoringConfigOverrides", "monitoring_config_overrides")


Change = Annotated[float, Field(ge=0)]


class MaxChanges(_ConstraintsPart):
    """How far statistics of a numeric feature may be from the baseline's, in the feature's unit; ours."""

    mean: Change | None = None
    std_dev: Change | None = None
    min: Change | None = None
    max: Change | None = None
    p01: Change | None = None
    p05: Change | None = None
    p25: Change | None = None
    p50: Change | None = None
    p75: Change | None = None
    p95: Change | None = None
    p99: Change | None = None

    def given(self) -> dict[str, float]:
        """Return what is constrained, by the name of the statistic."""
        changes = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: change for name, change in changes.items() if change is not None}


class NumConstraints(_ConstraintsPart):
    """Constraints of a numeric feature."""

    is_non_negative: bool | None = None
    max_changes: MaxChanges | None = None
    overrides: MonitoringConfig | None = Field(default=None, validation_alias=_OVERRIDES)


class StringConstraints(_ConstraintsPart):
    """Constraints of a text feature; SageMaker's SDK writes its overrides in here."""

    domains: tuple[str, ...] | None = None
    overrides: MonitoringConfig | None = Field(default=None, validation_alias=_OVERRIDES)


class FeatureConstraints(_ConstraintsPart):
    """What one column must satisfy. A constraint that is not there is not checked."""

    name: str
    inferred_type: InferredType = InferredType.UNKNOWN
    completeness: Share | None = None
    num_constraints: NumConstraints | None = None
    string_constraints: StringConstraints | None = None
    overrides: MonitoringConfig | None = Field(default=None, validation_alias=_OVERRIDES)

    def all_overrides(self) -> tuple[MonitoringConfig, ...]:
        """Return the overrides for this feature, wherever they are in the file, the most specific last."""
        places = (self.num_constraints, self.string_constraints, self)
        return tuple(place.overrides for place in places if place is not None and place.overrides is not None)


class Constraints(_ConstraintsPart):
    """``constraints.json``."""

    version: float = 0.0
    features: tuple[FeatureConstraints, ...]
    monitoring_config: MonitoringConfig = MonitoringConfig()

    @model_validator(mode="after")
    def _no_statistics(self) -> Self:
        # They would be accepted as constraints that require nothing.
        statistics = {"numerical_statistics", "string_statistics"}
        if any(statistics & (feature.model_extra or {}).keys() for feature in self.features):
            raise ValueError("these are statistics: give constraints.json of the baseline")
        return self

    @classmethod
    def read(cls, path: Path) -> Constraints:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidConstraints``, naming the place.
        """
        return _read(Constraints, path, "InvalidConstraints")


_Model = TypeVar("_Model", Statistics, Constraints)


def _read(model: type[_Model], path: Path, code: str) -> _Model:
    document = read_document(model, path, code)
    twice = _repeated(feature.name for feature in document.features)
    if twice:
        raise InvalidInput(code, f"{path.name}: more than one feature is named {twice!r}; keep one of them")
    return document


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
