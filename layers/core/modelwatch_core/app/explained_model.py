"""What the configuration of an explanation names: the model, and the background rows."""

from __future__ import annotations

import json
from typing import Any

from pydantic import AliasChoices, Field, TypeAdapter, ValidationError, model_validator

from modelwatch_core.app.analysis_inputs import CONFIG
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import Inbound, NonEmpty, SageMakerName, SingleObjectUri, parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import MOST_INSTANCES, ModelReference
from modelwatch_core.ports import ObjectStore

_PREDICTOR = ("predictor", "model_config")
_OBJECT: TypeAdapter[str] = TypeAdapter(SingleObjectUri)


class _Predictor(Inbound):
    model_name: SageMakerName | None = None
    endpoint_name: SageMakerName | None = None
    model_url: NonEmpty | None = None
    instance_type: NonEmpty | None = None
    initial_instance_count: int | None = Field(default=None, ge=1, le=MOST_INSTANCES)
    accelerator_type: NonEmpty | None = None


class ExplanationConfig(Inbound):
    """The part of ``analysis_config.json`` that says what an analysis needs besides its inputs.

    Attributes
    ----------
    methods, explainability_config : Any
        As the analyzer reads them, which also reports what is wrong with them.
    """

    predictor: _Predictor = Field(default_factory=_Predictor, validation_alias=AliasChoices(*_PREDICTOR))
    methods: Any = None
    explainability_config: Any = None

    @model_validator(mode="before")
    @classmethod
    def _as_the_analyzer_reads(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Leave out an empty section, so that the other name of it applies."""
        return {name: value for name, value in document.items() if value or name not in _PREDICTOR}

    @property
    def model_to_deploy(self) -> ModelReference | None:
        """The model that needs an endpoint: the analyzer asks what else is named, or else the watched endpoint."""
        predictor = self.predictor
        if not predictor.model_name or predictor.endpoint_name or predictor.model_url:
            return None
        return ModelReference(**predictor.model_dump(exclude={"endpoint_name", "model_url"}))

    @property
    def background(self) -> str | None:
        """The S3 URI of the background rows, if they are in S3.

        Raises
        ------
        InvalidInput
            ``InvalidAnalysisConfig`` for one that names no object.
        """
        shap = _member(self.methods, "shap")
        baseline = _member(self.explainability_config if shap is None else shap, "baseline")
        baseline = _member(baseline, "shap_baseline_uri") or baseline
        if not isinstance(baseline, str) or not baseline.startswith("s3://"):
            return None
        try:
            return _OBJECT.validate_python(baseline)
        except ValidationError:
            message = "methods.shap.baseline: what follows s3:// names no object; write s3://bucket/key"
            raise InvalidInput("InvalidAnalysisConfig", message) from None


def explanation_config(objects: ObjectStore, request: AnalysisRequest) -> ExplanationConfig | None:
    """Return what the configuration of an analysis names; None if it explains nothing.

    Raises
    ------
    InvalidInput
        ``InvalidParameter``, ``AnalysisConfigNotFound`` or ``InvalidAnalysisConfig`` where it does not say which model.
    """
    if not request.settings.explains_a_model:
        return None
    return parsed(ExplanationConfig, _document(objects, request))


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _document(objects: ObjectStore, request: AnalysisRequest) -> object:
    if text := request.files.get(CONFIG):
        return json.loads(text)
    uris = [entry.s3_uri for entry in request.inputs if entry.path == CONFIG]
    if not uris:
        return {}
    content = objects.read(uris[0])
    if content is None:
        raise InvalidInput("AnalysisConfigNotFound", f"there is nothing at {uris[0]}; was it moved or deleted?")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInput("InvalidAnalysisConfig", f"{uris[0]} is not JSON") from None
