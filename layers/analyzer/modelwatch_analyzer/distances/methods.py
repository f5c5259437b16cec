"""Which drift measures a constraints file can name: ``comparison_method`` and ``categorical_drift_method``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwatch_analyzer.distances import MEASURES, ROBUST, SIMPLE, DriftMeasure
from modelwatch_analyzer.distances.calibrated import CALIBRATED
from modelwatch_core.domain.drift_methods import L_INFINITY


def comparison_methods() -> dict[str, str]:
    """Return the measures of numeric features, by name with their titles."""
    return {CALIBRATED.name: CALIBRATED.title} | {
        name: measure.title for name, measure in MEASURES.items() if measure.numerical
    }


def categorical_drift_methods() -> dict[str, str]:
    """Return the measures of text features, by name with their titles; first what `L_INFINITY` stands for."""
    measures = {name: measure.title for name, measure in MEASURES.items() if measure.categorical}
    follows = f"{SIMPLE.name} or {CALIBRATED.name} like comparison_method, else {ROBUST.name}"
    return {L_INFINITY: follows, CALIBRATED.name: CALIBRATED.title} | measures


def measure_of_numbers(comparison_method: str) -> DriftMeasure:
    """Return the measure of numeric features."""
    return CALIBRATED if comparison_method == CALIBRATED.name else MEASURES[comparison_method]


def measure_of_categories(categorical_drift_method: str, comparison_method: str) -> DriftMeasure:
    """Return the measure of text features: L-infinity is Robust unless the comparison method says otherwise."""
    if CALIBRATED.name in (
        categorical_drift_method,
        comparison_method if categorical_drift_method == L_INFINITY else "",
    ):
        return CALIBRATED
    if categorical_drift_method != L_INFINITY:
        return MEASURES[categorical_drift_method]
    return SIMPLE if comparison_method == SIMPLE.name else ROBUST


def method_name(distribution: Mapping[str, Any], *, numeric: bool) -> str:
    """Return which method a document names for numbers or for categories."""
    numbers, texts = str(distribution["comparison_method"]), str(distribution["categorical_drift_method"])
    follows = texts == L_INFINITY and numbers == CALIBRATED.name
    return numbers if numeric or follows else texts
