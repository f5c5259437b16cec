"""The keys of an ``analysis_config.json``, which the monitors of bias and explainability may share.

Keys that concern another analysis are no mistake; a key that no analysis has is one, such as a misspelt name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

_CLARIFY = {
    "dataset_type",
    "dataset_uri",
    "excluded_columns",
    "facet",
    "facet_dataset_uri",
    "facet_headers",
    "features",
    "group_variable",
    "headers",
    "joinsource_name_or_index",
    "label",
    "label_values_or_threshold",
    "methods",
    "predicted_label",
    "predicted_label_dataset_uri",
    "predicted_label_headers",
    "predictor",
    "probability_threshold",
    "segment_config",
    "time_series_data_config",
    "version",
}
"""Those of SageMaker's SDK (``ANALYSIS_CONFIG_SCHEMA_V1_0``)."""

_ARGUMENTS = {
    "explainability_config",
    "facet_name",
    "facet_values_or_threshold",
    "group_name",
    "model_config",
    "predicted_label_name",
}
"""Those of SageMaker's BiasAnalysisConfig and ExplainabilityAnalysisConfig."""

_OURS = {"disparate_impact_rule", "flip_test_neighbors"}

_NOT_SUPPORTED = {"features_to_explain", "image_config", "text_config", "time_series_predictor_config"}
"""Keys of ``methods.shap`` and ``predictor`` in SageMaker's SDK, for images, texts and time series."""

_NESTED = {"label_headers": "predictor.label_headers"}
"""Where a key belongs that is found elsewhere."""

_METHODS = {"asymmetric_shapley_value", "pdp", "post_training_bias", "pre_training_bias", "report", "shap"}


def refuse_unknown_keys(document: Mapping[str, Any]) -> None:
    """Refuse an analysis configuration that has a key, or a method, that no analysis has.

    Raises
    ------
    ValueError
    """
    refuse_others(document, _CLARIFY | _ARGUMENTS | _OURS)
    methods = document.get("methods")
    if isinstance(methods, Mapping):
        refuse_others(methods, _METHODS, "methods")


def refuse_others(part: Mapping[str, Any], known: Collection[str], place: str = "") -> None:
    """Refuse a part of a configuration that has other keys than the known ones, and name the nearest of these.

    Parameters
    ----------
    place : str
        The part in the configuration, such as ``methods``.

    Raises
    ------
    ValueError
    """
    unknown = [key for key in part if key not in known]
    if not unknown:
        return
    prefix = f"{place}." if place else ""
    if unknown[0] in _NOT_SUPPORTED:
        raise ValueError(f"SageMaker Clarify's {unknown[0]} is not supported here")
    near = [f"{prefix}{name}" for name in get_close_matches(unknown[0].lower(), sorted(known), n=1)]
    meant = _NESTED.get(unknown[0]) or next(iter(near), None)
    known_text = f"did you mean {meant}?" if meant else f"there is {', '.join(sorted(known))}"
    raise ValueError(f"{prefix}{unknown[0]}: there is no such key; {known_text}")
