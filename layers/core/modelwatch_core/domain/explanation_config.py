"""What all who read the configuration of an explanation must read alike: its two forms, and the model it names.

The configuration is SageMaker's ``analysis_config.json``, or the parameters of its API with the same content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from modelwatch_core.domain.documents import NonEmpty
from modelwatch_core.domain.model_endpoints import ModelFields, ModelReference


class PredictorModel(ModelFields):
    """The model of a ``predictor``; how it is called is the analyzer's.

    Attributes
    ----------
    model_url : str, optional
        Ours: an HTTP server with SageMaker's ``/invocations``.
    """

    model_config = ConfigDict(extra="ignore")

    model_url: NonEmpty | None = None

    @property
    def reference(self) -> ModelReference | None:
        """The SageMaker model that is named, if one is. An endpoint comes before a model."""
        if not (self.endpoint_name or self.model_name):
            return None
        fields = self.model_dump(include=set(ModelFields.model_fields))
        return ModelReference(**(fields | ({"model_name": None} if self.endpoint_name else {})))


def explanation_sections(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a configuration that are there, ``shap`` and ``predictor``, of either form.

    The file has ``methods.shap`` and ``predictor``, the API ``explainability_config`` and ``model_config``. The API's
    object with the URI of background rows becomes the plain text that the file has.
    """
    methods = document.get("methods")
    shap = methods.get("shap") if isinstance(methods, Mapping) else None
    sections = {
        "shap": _with_plain_uri(document.get("explainability_config") if shap is None else shap),
        "predictor": document.get("predictor") or document.get("model_config"),
    }
    return {name: section for name, section in sections.items() if section is not None}


def _with_plain_uri(shap: object) -> object:
    baseline = shap.get("baseline") if isinstance(shap, Mapping) else None
    uri = baseline.get("shap_baseline_uri") if isinstance(baseline, Mapping) else None
    return {**shap, "baseline": uri} if isinstance(shap, Mapping) and uri else shap
