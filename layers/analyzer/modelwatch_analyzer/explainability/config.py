"""SageMaker's ``analysis_config.json`` of an explainability analysis, with our additions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from modelwatch_analyzer.clarify_keys import refuse_others, refuse_unknown_keys
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.explanation_config import PredictorModel, explanation_sections
from modelwatch_core.domain.model_endpoints import LARGEST_PAYLOAD
from modelwatch_core.domain.monitor_kinds.explainability import RowLimit

_RESERVE = 4096
"""How many bytes of a payload are left free for what proxies on the way may add."""


class AggregationMethod(StrEnum):
    """How the SHAP values of many rows become the one global value of a feature."""

    MEAN_ABS = "mean_abs"
    MEDIAN = "median"
    MEAN_SQ = "mean_sq"


LABEL_KEYS = ("label", "predicted_label")
"""The keys that name columns of labels, which payloads of a model do not have."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, section: Any) -> Any:
        return _with_known_keys(cls, section)


def _with_known_keys(model: type[BaseModel], section: Any) -> Any:
    if isinstance(section, Mapping):
        refuse_others(section, model.model_fields)
    return section


_QUOTED_PLACEHOLDER = re.compile(r'"(\$(?:\w+|\{[^}"]*\}))"')


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _as_text(template: object) -> object:
    """Write a template that is an object as text; a value that is just a placeholder stands for JSON, not for text."""
    if not isinstance(template, Mapping):
        return template
    return _QUOTED_PLACEHOLDER.sub(r"\1", json.dumps(template, ensure_ascii=False))


Cell = str | bool | int | float | None
OutputLocation = Annotated[str | None, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
"""Where something is in a response: the index of a CSV column, from 0, or a JMESPath."""


def _require_rows(baseline: object) -> object:
    if isinstance(baseline, list) and not all(isinstance(row, list | dict) for row in baseline):
        raise ValueError("must be a list of rows, each a list or an object: write one row as [[...]]")
    return baseline


class InlineRows(_Section):
    """Baseline rows as text, as the API's ClarifyShapBaselineConfig has them."""

    mime_type: str = "text/csv"
    shap_baseline: str


class ShapConfig(_Section):
    """``methods.shap``, or the API's SHAPConfig.

    Attributes
    ----------
    baseline : rows, InlineRows or str, optional
        What replaces a feature that is not in a coalition: rows, text, or the path or S3 URI of a file. By default,
        cluster centres of the dataset.
    num_clusters : int
        How many of these.
    num_samples : int, optional
        How many coalitions of features are evaluated; by default 2 * features + 2048, as in Kernel SHAP.
    agg_method : AggregationMethod
        How rows become a global value.
    use_logit : bool
        Explain the log-odds of the model's probabilities rather than the probabilities.
    seed : int, optional
        The seed for coalitions, the sample of rows and clusters.
    save_local_shap_values : bool
        Whether the SHAP values of each row are written.
    explainer : str
        Ours: ``auto``, or a name of `modelwatch_analyzer.explainability.explainers.DESIGNS`, or ``tree``.
    max_explained_rows : str
        Ours: the most rows that are explained, or ``all``; a setting of the same name takes precedence.
    max_model_calls : int
        Ours: the most requests of one run, without retries; rows are sampled to fit.
    max_parallel_calls : int
        Ours: the most requests at a time.
    max_payload_bytes, max_records_per_call : int
        Ours: for a server that accepts less than SageMaker does.
    """

    baseline: Annotated[
        list[list[Cell]] | list[dict[str, Cell]] | InlineRows | str | None, BeforeValidator(_require_rows)
    ] = None
    num_clusters: int = Field(default=12, ge=1, le=1000)
    num_samples: int | None = Field(default=None, ge=1, le=1_000_000)
    agg_method: Annotated[AggregationMethod, BeforeValidator(_lower)] = AggregationMethod.MEAN_ABS
    use_logit: bool = False
    seed: int | None = Field(default=None, ge=0)
    save_local_shap_values: bool = True
    explainer: str = "auto"
    max_explained_rows: RowLimit = "1000"
    max_model_calls: int = Field(default=100, ge=2)
    max_parallel_calls: int = Field(default=2, ge=1, le=64)
    max_payload_bytes: int = Field(default=LARGEST_PAYLOAD - _RESERVE, ge=1, le=LARGEST_PAYLOAD)
    max_records_per_call: int | None = Field(default=None, ge=1)


class Predictor(PredictorModel):
    """``predictor``, or the API's model_config: the model, and how it is called.

    Attributes
    ----------
    content_type, accept_type : str
        ``text/csv``, ``application/json`` or ``application/jsonlines``.
    content_template, record_template : str, optional
        JSON requests; see `modelwatch_analyzer.explainability.requests`.
    label, probability : str or int, optional
        Where the prediction is in a response; `probability` is used if both are given.
    label_headers : list of str
        Names of the outputs, in their order.
    timeout_seconds : float
        Ours: how long a server of ``model_url`` may take to respond.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    content_type: str = "text/csv"
    accept_type: str | None = None
    content_template: Annotated[str | None, BeforeValidator(_as_text)] = None
    record_template: str | None = None
    label: OutputLocation = None
    probability: OutputLocation = None
    label_headers: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=60.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, section: Any) -> Any:
        return _with_known_keys(cls, section)

    @field_validator("label_headers")
    @classmethod
    def _label_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("an output is named twice")
        return names

    @property
    def output_attribute(self) -> str | None:
        """Where the explained number is in a response."""
        return self.probability if self.probability is not None else self.label


_COLUMNS = ("features", "headers", *LABEL_KEYS, "joinsource_name_or_index", "excluded_columns")


class ExplainabilityConfig(BaseModel):
    """The file, in SageMaker's form or the API's. What it says of other analyses is ignored, other keys are refused.

    Attributes
    ----------
    features : str, optional
        Where the features are in files of JSON, if the settings do not say.
    headers : tuple of str
        The features (and perhaps the label) in the order of the model's inputs; by default those of the dataset.
    label, predicted_label, joinsource_name_or_index : str or int, optional
        Columns of the dataset that are no features, by name or index.
    excluded_columns : tuple of str or int
        More of these.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    features: str | None = None
    headers: tuple[str, ...] = ()
    label: str | int | None = None
    predicted_label: str | int | None = None
    joinsource_name_or_index: str | int | None = None
    excluded_columns: tuple[str | int, ...] = ()
    shap: ShapConfig = ShapConfig()
    predictor: Predictor = Predictor()

    @model_validator(mode="before")
    @classmethod
    def _either_form(cls, document: Any) -> Any:
        if not isinstance(document, Mapping):
            return document
        refuse_unknown_keys(document)
        columns = {name: value for name in _COLUMNS if (value := document.get(name)) is not None}
        return columns | explanation_sections(document)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if len(set(self.headers)) < len(self.headers):
            raise ValueError("headers name a column twice")
        return self

    @property
    def no_features(self) -> list[tuple[str, str | int]]:
        """The columns that are no features, each after the key that names it."""
        single = ((name, getattr(self, name)) for name in (*LABEL_KEYS, "joinsource_name_or_index"))
        several = (("excluded_columns", column) for column in self.excluded_columns)
        return [(key, column) for key, column in (*single, *several) if column is not None]

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Read a file; without one all defaults apply.

        Raises
        ------
        InvalidInput
            ``InvalidAnalysisConfig``, naming the place.
        """
        if path is None:
            return cls()
        try:
            document = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
            return cls.model_validate(document)
        except OSError as error:
            raise InvalidInput("InvalidAnalysisConfig", f"{path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            raise InvalidInput("InvalidAnalysisConfig", f"{path.name}: {_mistakes_text(error)}") from None
        except (ValueError, RecursionError) as error:
            raise InvalidInput("InvalidAnalysisConfig", f"{path.name} is not JSON: {error}") from None


_PLACES = {"shap": "methods.shap"}


def _mistakes_text(error: ValidationError) -> str:
    """Say each mistake once, with its place in SageMaker's form and without its value."""
    mistakes = {
        ".".join(_PLACES.get(str(part), str(part)) for part in detail["loc"][:2]): detail["msg"].removeprefix(
            "Value error, "
        )
        for detail in error.errors(include_url=False, include_input=False, include_context=False)
    }
    return "; ".join(f"{place}: {message}".removeprefix(": ") for place, message in list(mistakes.items())[:3])
