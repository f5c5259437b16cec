"""Which drift measures a constraints file can name: ``comparison_method`` and ``categorical_drift_method``."""

from __future__ import annotations

from modelwatch_analyzer.distances import MEASURES, ROBUST, SIMPLE, DriftMeasure

L_INFINITY = "LInfinity"
"""SageMaker's ``categorical_drift_method`` for the L-infinity distance that ``comparison_method`` names."""


def known_comparison_method(name: str) -> str:
    """Return the name of a measure of numeric features, without aliases.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    return _known(name, [measure for measure in MEASURES.values() if measure.numerical])


def known_categorical_drift_method(name: str) -> str:
    """Return the name of a measure of text features, without aliases, or `L_INFINITY`.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    measures = [measure for measure in MEASURES.values() if measure.categorical]
    return name if name == L_INFINITY else _known(name, measures, L_INFINITY)


def measure_of_numbers(comparison_method: str) -> DriftMeasure:
    """Return the measure of numeric features."""
    return MEASURES[comparison_method]


def measure_of_categories(categorical_drift_method: str, comparison_method: str) -> DriftMeasure:
    """Return the measure of text features: L-infinity is Robust unless the comparison method says Simple."""
    if categorical_drift_method != L_INFINITY:
        return MEASURES[categorical_drift_method]
    return SIMPLE if comparison_method == SIMPLE.name else ROBUST


def _known(name: str, measures: list[DriftMeasure], *others: str) -> str:
    for measure in measures:
        if name in (measure.name, *measure.aliases):
            return measure.name
    raise ValueError(f"must be one of {', '.join((*others, *(measure.name for measure in measures)))}")
