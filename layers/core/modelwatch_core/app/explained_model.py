"""What the configuration of an explanation names: the model, and the background rows."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from modelwatch_core.app.analysis_inputs import CONFIG
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import Inbound, SingleObjectUri, parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.explanation_config import PredictorModel, explanation_sections
from modelwatch_core.domain.model_endpoints import ModelReference
from modelwatch_core.ports import ObjectStore

_OBJECT: TypeAdapter[str] = TypeAdapter(SingleObjectUri)


class ExplanationConfig(Inbound):
    """The part of ``analysis_config.json`` that says what an analysis needs besides its inputs.

    Attributes
    ----------
    shap : Any
        The analyzer reports what is wrong with it.
    """

    predictor: PredictorModel = Field(default_factory=PredictorModel)
    shap: Any = None

    @model_validator(mode="before")
    @classmethod
    def _sections(cls, document: dict[str, Any]) -> dict[str, Any]:
        return explanation_sections(document)

    @property
    def model_to_deploy(self) -> ModelReference | None:
        """The model that needs an endpoint: the analyzer asks what else is named, or else the watched endpoint."""
        predictor = self.predictor
        return None if predictor.endpoint_name or predictor.model_url else predictor.reference

    @property
    def background(self) -> str | None:
        """The S3 URI of the background rows, if they are in S3.

        Raises
        ------
        InvalidInput
            ``InvalidAnalysisConfig`` for one that names no object.
        """
        baseline = self.shap.get("baseline") if isinstance(self.shap, dict) else None
        if not isinstance(baseline, str) or not baseline.startswith("s3://"):
            return None
        try:
            return _OBJECT.validate_python(baseline)
        except ValidationError:
            message = "methods.shap.baseline: not the S3 URI of an object; write s3://bucket/key"
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
