"""Measures of how far two distributions are apart. A new one is one file with a `DriftMeasure`, and one line here."""

from __future__ import annotations

from modelwatch_analyzer.distances.chi_squared import CHI_SQUARED
from modelwatch_analyzer.distances.linf import ROBUST, SIMPLE
from modelwatch_analyzer.distances.measure import DriftMeasure, Exceeds

__all__ = ["CHI_SQUARED", "MEASURES", "ROBUST", "SIMPLE", "DriftMeasure", "Exceeds"]

MEASURES: dict[str, DriftMeasure] = {
    measure.name: measure
    for measure in (
        SIMPLE,
        ROBUST,
        CHI_SQUARED,
    )
}
"""Every drift measure, by its name in constraints files."""
