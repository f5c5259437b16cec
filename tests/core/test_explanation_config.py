"""The app and the analyzer read the same model out of a configuration, in whichever form it is written."""

from __future__ import annotations

from typing import Any

import pytest

from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_core.app.explained_model import ExplanationConfig
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import ModelFields

BACKGROUND = "s3://captures/background.csv"
MODEL = {
    "model_name": "scorer",
    "instance_type": "ml.m5.large",
    "initial_instance_count": 2,
    "accelerator_type": "ml.eia2.medium",
    "endpoint_name_prefix": "sm",
    "target_model": "m.tar.gz",
    "custom_attributes": "a=b",
}


@pytest.mark.parametrize(
    "document",
    [
        {"predictor": MODEL | {"content_type": "text/csv"}, "methods": {"shap": {"baseline": BACKGROUND}}},
        {"model_config": MODEL, "explainability_config": {"baseline": BACKGROUND}},
        {"predictor": {}, "model_config": MODEL, "methods": {}, "explainability_config": {"baseline": BACKGROUND}},
        {"predictor": MODEL, "methods": {"shap": {"baseline": {"shap_baseline_uri": BACKGROUND}}}},
        {"predictor": MODEL, "methods": {"pdp": {}}, "explainability_config": {"baseline": BACKGROUND}},
    ],
)
def test_both_forms_name_the_same_model_and_the_same_background_rows(document: dict[str, Any]) -> None:
    app, analyzer = parsed(ExplanationConfig, document), ExplainabilityConfig.model_validate(document)
    assert app.model_to_deploy == app.predictor.reference == analyzer.predictor.reference
    assert {name: getattr(app.predictor, name) for name in ModelFields.model_fields} == {"endpoint_name": None} | MODEL
    assert (app.background, analyzer.shap.baseline) == (BACKGROUND, BACKGROUND)


@pytest.mark.parametrize("named", [{"endpoint_name": "live"}, {"model_url": "http://model"}])
def test_a_model_that_is_served_already_needs_no_endpoint(named: dict[str, str]) -> None:
    assert parsed(ExplanationConfig, {"predictor": MODEL | named}).model_to_deploy is None


@pytest.mark.parametrize("name", sorted(ModelFields.model_fields))
def test_the_app_refuses_a_model_that_the_analyzer_would_refuse(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"predictor\.{name}"):
        parsed(ExplanationConfig, {"predictor": {name: ""}})
