"""``statistics.json`` and ``constraints.json``: SageMaker's documents, which are read and written as it writes them.

Reading is tolerant of keys that files of other versions have or lack, and strict about types: a number that is text
is a mistake of manual editing, and is refused with its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import msgspec
from pydantic import AliasChoices, Field, model_validator

from modelwatch_analyzer.calibrated.cells import FrozenTable
from modelwatch_analyzer.calibrated.dependence import EqualRows
from modelwatch_analyzer.calibrated.evidence import Found
from modelwatch_analyzer.calibrated.seasons import SeasonalCounts
from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints
from modelwatch_analyzer.documents import (
    ConstraintsPart,
    Deferred,
    EditedDocument,
    document_content,
    parsed_document,
    read_document,
)
from modelwatch_analyzer.feature_statistics import (
    Count,
    FeatureStatistics,
    InferredType,
    feature_from,
    statistics_of_column,
)
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.profile.table import TableProfile
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.errors import InvalidInput

Share = Annotated[float, Field(ge=0, le=1)]


class DatasetStatistics(EditedDocument):
    """The dataset as a whole; ``equal_rows`` and ``share_of_month`` are ours.

    Attributes
    ----------
    equal_rows : EqualRows, optional
        How often the rows of a baseline are equal.
    share_of_month : float, optional
        How much of a month a schedule's window is.
    """

    item_count: Count = 0
    equal_rows: EqualRows | None = None
    share_of_month: Annotated[float, Field(gt=0)] | None = None


class Statistics(EditedDocument):
    """``statistics.json``."""

    version: float = 0.0
    dataset: DatasetStatistics = DatasetStatistics()
    features: tuple[FeatureStatistics, ...]

    @model_validator(mode="after")
    def _no_constraints(self) -> Self:
        # They would be accepted as statistics with which nothing can be compared.
        if self.features and not any(each.numerical_statistics or each.string_statistics for each in self.features):
            raise ValueError("these are constraints: give the statistics.json of the baseline")
        return self

    @model_validator(mode="after")
    def _one_time_zone(self) -> Self:
        if len({seasons.time_zone for seasons in self._seasons()}) > 1:
            raise ValueError("the seasons of its features are of several time zones: make the baseline again")
        return self

    @classmethod
    def of(cls, profile: TableProfile, names: Mapping[str, str]) -> Statistics:
        """Describe a dataset.

        Parameters
        ----------
        profile : TableProfile
        names : Mapping of str to str
            What each column of the profile is called in the document.
        """
        features = tuple(statistics_of_column(names[column], seen) for column, seen in profile.columns.items())
        return cls(dataset=DatasetStatistics(item_count=profile.records.read), features=features)

    def to_document(self) -> dict[str, Any]:
        """Return them as JSON types; what takes much memory is made when it is written, a feature at a time."""
        long: dict[str, Any] = {"calibration": True, "numerical_statistics": {"distribution": {"kll": {"sketch"}}}}
        document = self.model_dump(mode="json", exclude_none=True, exclude={"features": {"__all__": long}})
        for feature, written in zip(self.features, document["features"], strict=True):
            if feature.sketch is not None:
                written["numerical_statistics"]["distribution"]["kll"]["sketch"] = feature.sketch
            if feature.calibration is not None:
                written["calibration"] = Deferred(partial(to_json, feature.calibration))
        return document

    def without_values(self) -> Statistics:
        """Return them without what is a value of a single row."""
        return self.model_copy(update={"features": tuple(feature.without_values() for feature in self.features)})

    def with_calibration(self, frozen: FrozenTable) -> Statistics:
        """Return the statistics of a baseline with what windows will be compared with."""
        features = tuple(each.model_copy(update={"calibration": frozen.columns[each.name]}) for each in self.features)
        dataset = self.dataset.model_copy(update={"equal_rows": frozen.equal})
        return self.model_copy(update={"features": features, "dataset": dataset})

    def with_evidence(self, found: Mapping[str, Found], share_of_month: float | None) -> Statistics:
        """Return the statistics of a window with what the Calibrated comparison found in it."""
        if not found:
            return self
        features = tuple(each.model_copy(update={"evidence": found.get(each.name)}) for each in self.features)
        dataset = self.dataset.model_copy(update={"share_of_month": share_of_month})
        return self.model_copy(update={"features": features, "dataset": dataset})

    @classmethod
    def read(cls, path: Path) -> Statistics:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidStatistics``, naming the place.
        """
        content = document_content(path, "InvalidStatistics")
        try:
            statistics = _feature_by_feature(content)
        except (msgspec.MsgspecError, RecursionError, ValueError):  # again, for the places in the file itself
            statistics = parsed_document(Statistics, content, path.name, "InvalidStatistics")
        return _unique(statistics, path.name, "InvalidStatistics")

    @property
    def seasonal(self) -> bool:
        """Whether they are of a seasonal baseline."""
        return any(True for _ in self._seasons())

    @property
    def time_zone(self) -> str | None:
        """The zone by whose clocks the hours of a seasonal baseline are counted; None for UTC."""
        return next((seasons.time_zone for seasons in self._seasons()), None)

    def _seasons(self) -> Iterator[SeasonalCounts]:
        for each in self.features:
            if each.calibration is not None and each.calibration.seasons is not None:
                yield each.calibration.seasons

    def named(self) -> dict[str, FeatureStatistics]:
        """Return the features by name."""
        return {feature.name: feature for feature in self.features}


class _Parts(msgspec.Struct):
    """``statistics.json``, of which no part is read yet."""

    features: list[msgspec.Raw]
    dataset: msgspec.Raw = msgspec.Raw(b"{}")
    version: msgspec.Raw = msgspec.Raw(b"0.0")


def _feature_by_feature(content: bytes) -> Statistics:
    """Read a file; as a whole, its numbers would for a moment take much more memory than its features do."""
    parts = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Parts)
    others = b'{"version": %b, "dataset": %b, "features": []}' % (bytes(parts.version), bytes(parts.dataset))
    features = tuple(feature_from(memoryview(feature)) for feature in parts.features)
    whole = Statistics.model_validate_json(others)
    return Statistics(version=whole.version, dataset=whole.dataset, features=features)


class MonitoringConfig(ConstraintsPart):
    """What is evaluated and how strictly; for all features, or in part as one feature's override."""

    evaluate_constraints: Switch | None = None
    emit_metrics: Switch | None = None
    datatype_check_threshold: Share | None = None
    domain_content_threshold: Share | None = None
    distribution_constraints: DistributionConstraints | None = None

    def with_methods(self, methods: DistributionConstraints) -> MonitoringConfig:
        """Return this configuration with the drift measures that settings chose."""
        distribution = (self.distribution_constraints or DistributionConstraints()).overlaid(methods)
        return self.model_copy(update={"distribution_constraints": distribution})


_OVERRIDES = AliasChoices("monitoringConfigOverrides", "monitoring_config_overrides")


Change = Annotated[float, Field(ge=0)]


class MaxChanges(ConstraintsPart):
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


class NumConstraints(ConstraintsPart):
    """Constraints of a numeric feature."""

    is_non_negative: bool | None = None
    max_changes: MaxChanges | None = None
    overrides: MonitoringConfig | None = Field(default=None, validation_alias=_OVERRIDES)


class StringConstraints(ConstraintsPart):
    """Constraints of a text feature; SageMaker's SDK writes its overrides in here."""

    domains: tuple[str, ...] | None = None
    overrides: MonitoringConfig | None = Field(default=None, validation_alias=_OVERRIDES)


class FeatureConstraints(ConstraintsPart):
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


class Constraints(ConstraintsPart):
    """``constraints.json``."""

    version: float = 0.0
    features: tuple[FeatureConstraints, ...]
    monitoring_config: MonitoringConfig = MonitoringConfig()

    @model_validator(mode="after")
    def _no_statistics(self) -> Self:
        # They would be accepted as constraints that require nothing.
        statistics = {"numerical_statistics", "string_statistics"}
        if any(statistics & (feature.model_extra or {}).keys() for feature in self.features):
            raise ValueError("these are statistics: give the constraints.json of the baseline")
        return self

    def with_methods(self, methods: DistributionConstraints) -> Constraints:
        """Return a copy in which the methods that an analysis chooses take the place of the file's."""
        return self.model_copy(update={"monitoring_config": self.monitoring_config.with_methods(methods)})

    def layers(self) -> dict[str, tuple[MonitoringConfig, ...]]:
        """Return the settings for each feature, by its name: those of the file, and over them the feature's own."""
        return {feature.name: (self.monitoring_config, *feature.all_overrides()) for feature in self.features}

    @classmethod
    def read(cls, path: Path) -> Constraints:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidConstraints``, naming the place.
        """
        return _unique(read_document(Constraints, path, "InvalidConstraints"), path.name, "InvalidConstraints")


_Model = TypeVar("_Model", Statistics, Constraints)


def _unique(document: _Model, name: str, code: str) -> _Model:
    """Return a document whose features have names of their own."""
    twice = _repeated(feature.name for feature in document.features)
    if twice:
        raise InvalidInput(code, f"{name}: more than one feature is named {twice!r}; keep one of them")
    return document


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
