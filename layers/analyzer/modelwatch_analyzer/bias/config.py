"""``analysis_config.json`` of the bias monitor: as SageMaker's SDK writes it, and as its Python arguments are named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from modelwatch_analyzer.bias.check import DisparateImpactRule
from modelwatch_analyzer.bias.metric import BiasMetric, Stage
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.values import DataType, ListedValue
from modelwatch_analyzer.clarify_keys import refuse_others, refuse_unknown_keys
from modelwatch_analyzer.documents import read_document
from modelwatch_core.domain.errors import InvalidInput

T = TypeVar("T", bound=tuple[object, ...])


def _listed(value: object) -> tuple[object, ...]:
    """Read a single value as a list of one, as SageMaker does."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _values(value: object) -> object:
    listed = _listed(value)
    if not all(isinstance(each, ListedValue) for each in listed):
        raise ValueError("must be a value or a list of values: text, numbers, true or false")
    return listed


def _name(value: object) -> object:
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise ValueError("must be a name or an index")


def _some(listed: T) -> T:
    if not listed:
        raise ValueError("must hold at least one")
    return listed


Values = Annotated[tuple[ListedValue, ...], BeforeValidator(_values)]
Name = Annotated[str | int, BeforeValidator(_name)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _WholePart(_Part):
    """One of which no other monitor has further keys."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, part: object) -> object:
        if isinstance(part, Mapping):
            refuse_others(part, cls.model_fields)
        return part


class FacetConfig(_WholePart):
    """A protected attribute, and which of its values are the sensitive group.

    Attributes
    ----------
    name_or_index : str or int
        The name or the index of the column.
    value_or_threshold : tuple
        Values of the group; a number is a threshold if the column is continuous. None listed: one group per value.
    data_type : DataType, optional
        How the column is read, where the rule of `modelwatch_analyzer.bias.values` would be wrong; our addition.
    """

    name_or_index: Name
    value_or_threshold: Values = ()
    data_type: DataType | None = None


class _Methods(_WholePart):
    methods: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ("all",)

    @field_validator("methods")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in {*METRICS, "all"}]
        if unknown:
            raise ValueError(f"there is no metric {', '.join(unknown)}; choose from all, {', '.join(METRICS)}")
        return names


class _StageMethods(_Part):
    pre_training_bias: _Methods | None = None
    post_training_bias: _Methods | None = None


class BiasConfig(_Part):
    """What is analysed; keys that concern other analyses are ignored.

    Attributes
    ----------
    label : str or int, optional
        Where the labels are, if the settings do not say: name, index or JMESPath.
    label_values_or_threshold : tuple
        The positive labels; a number is a threshold if the labels are continuous.
    features : str, optional
        Where the features are in files of JSON, if the settings do not say.
    headers : tuple of str
        Names of the columns of data without names.
    predicted_label_name : str, optional
        Where the predicted labels are, if the settings do not say; in SageMaker's file ``predicted_label``.
    predicted_label_key : str
        Which of the two names of that key the file has, for messages.
    excluded_columns : tuple
        Columns that the flip test does not compare.
    probability_threshold : float, optional
        A probability above it predicts 1, or else the positive label, if the settings do not say.
    disparate_impact_rule : DisparateImpactRule
        How DI is compared where the constraints do not say; our addition.
    flip_test_neighbors : int, optional
        How many neighbours the flip test compares with; our addition. By default as many as for the baseline.
    """

    label: Name | None = None
    label_values_or_threshold: Annotated[Values, AfterValidator(_some)]
    facet: Annotated[tuple[FacetConfig, ...], AfterValidator(_some)]
    group_variable: Name | None = None
    features: str | None = None
    headers: tuple[str, ...] = ()
    predicted_label_name: Name | None = None
    predicted_label_key: str = "predicted_label_name"
    excluded_columns: Annotated[tuple[Name, ...], BeforeValidator(_listed)] = ()
    probability_threshold: float | None = None
    methods: _StageMethods = _StageMethods()
    disparate_impact_rule: DisparateImpactRule = DisparateImpactRule.FROM_ZERO
    flip_test_neighbors: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _spelled_as_arguments(cls, value: object) -> object:
        """Read ``facet_name`` and ``facet_values_or_threshold``: one facet, or lists of names and of values."""
        if not isinstance(value, Mapping):
            raise ValueError('must be an object such as {"label_values_or_threshold": [1], "facet": [...]}')  # noqa: TRY004 (pydantic reports it)
        refuse_unknown_keys(value)
        document: dict[str, Any] = dict(value)
        if "facet_name" in document and "facet" not in document:
            names, values = document.pop("facet_name"), document.pop("facet_values_or_threshold", None)
            if not isinstance(names, list):
                names, values = [names], [values]
            values = [None] * len(names) if values is None else values
            if not isinstance(values, list) or len(values) != len(names):
                raise ValueError(f"facet_values_or_threshold must list values for each of the {len(names)} facets")
            document["facet"] = [
                {"name_or_index": name, "value_or_threshold": each} for name, each in zip(names, values, strict=True)
            ]
        if isinstance(document.get("facet"), Mapping):
            document["facet"] = [document["facet"]]
        for name, other in (("group_variable", "group_name"), ("predicted_label_name", "predicted_label")):
            document.setdefault(name, document.get(other))
        document["predicted_label_key"] = (
            "predicted_label_name" if "predicted_label_name" in value else "predicted_label"
        )
        return document

    @model_validator(mode="after")
    def _facets_differ(self) -> Self:
        names = [facet.name_or_index for facet in self.facet]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"facet {twice!r} is there more than once; list its values together")
        return self

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidAnalysisConfig``, naming the place.
        """
        if path is None:
            message = "the bias monitor needs analysis_config: a JSON file with label_values_or_threshold and facet"
            raise InvalidInput("InvalidAnalysisConfig", message)
        return read_document(cls, path, "InvalidAnalysisConfig")

    @property
    def metrics(self) -> tuple[BiasMetric, ...]:
        """The requested metrics by stage and name; all if ``methods`` names neither stage."""
        requested: dict[Stage, _Methods | None] = {
            Stage.POST_TRAINING: self.methods.post_training_bias,
            Stage.PRE_TRAINING: self.methods.pre_training_bias,
        }
        if not any(requested.values()):
            requested = dict.fromkeys(requested, _Methods())
        return tuple(
            metric
            for stage, methods in requested.items()
            for metric in METRICS.values()
            if methods and metric.stage is stage and not {metric.name, "all"}.isdisjoint(methods.methods)
        )
