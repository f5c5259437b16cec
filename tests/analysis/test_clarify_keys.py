"""Keys of ``analysis_config.json`` that no analysis has."""

from __future__ import annotations

from typing import Any

import pytest

from modelwatch_analyzer.clarify_keys import refuse_unknown_keys


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"headrs": ["a"]}, "headrs: there is no such key; did you mean headers?"),
        ({"Label": "y"}, "Label: there is no such key; did you mean label?"),
        ({"label_headers": ["a"]}, "label_headers: there is no such key; did you mean predictor.label_headers?"),
        ({"methods": {"shapp": {}}}, "methods.shapp: there is no such key; did you mean methods.shap?"),
        ({"methods": {"x": {}}}, "methods.x: there is no such key; there is asymmetric_shapley_value, pdp, "),
    ],
)
def test_a_key_that_no_analysis_has_is_refused_with_the_nearest(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message.replace('?', '[?]')}"):
        refuse_unknown_keys(document)


def test_the_keys_of_all_analyses_may_stand_in_one_configuration() -> None:
    # The sections of a configuration for bias, SHAP and partial dependence, by SageMaker's SDK v2.
    refuse_unknown_keys(
        {
            "dataset_type": "text/csv",
            "headers": ["a", "y"],
            "label": "y",
            "label_values_or_threshold": [1],
            "facet": [{"name_or_index": "a"}],
            "group_variable": "a",
            "excluded_columns": ["a"],
            "probability_threshold": 0.5,
            "methods": {
                "report": {"name": "report"},
                "pre_training_bias": {"methods": "all"},
                "post_training_bias": {"methods": "all"},
                "shap": {},
                "pdp": {"grid_resolution": 10},
            },
            "predictor": {"model_name": "m"},
        }
    )
