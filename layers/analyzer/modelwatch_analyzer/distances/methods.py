"""Which drift measures a constraints file can name: ``comparison_method`` and ``categorical_drift_method``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwatch_analyzer.distances import MEASURES, ROBUST, SIMPLE, DriftMeasure
from modelwatch_analyzer.distances.calibrated import CALIBRATED

L_INFINITY = "LInfinity"
"""SageMaker's ``categorical_drift_method`` for the L-infinity distance that ``comparison_method`` names."""


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


def known_comparison_method(name: str) -> str:
    """Return the name of a measure of numeric features, without aliases.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    return _known(name, comparison_methods())


def known_categorical_drift_method(name: str) -> str:
    """Return the name of a measure of text features, without aliases, or `L_INFINITY`.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    return _known(name, categorical_drift_methods())


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


def _known(name: str, methods: Iterable[str]) -> str:
    for method in methods:
        if name == method or (method in MEASURES and name in MEASURES[method].aliases):
            return method
    raise ValueError(f"must be one of {', '.join(methods)}")
