"""Measures of how far two distributions are apart. A new one is one file with a `DriftMeasure`, and one line here."""

from __future__ import annotations

from modelwatch_analyzer.distances.chi_squared import CHI_SQUARED
from modelwatch_analyzer.distances.hellinger import HELLINGER
from modelwatch_analyzer.distances.jensen_shannon import JENSEN_SHANNON
from modelwatch_analyzer.distances.kl_divergence import KL_DIVERGENCE
from modelwatch_analyzer.distances.kolmogorov_smirnov import KOLMOGOROV_SMIRNOV
from modelwatch_analyzer.distances.linf import ROBUST, SIMPLE
from modelwatch_analyzer.distances.measure import DriftMeasure, Exceeds, NumericBaseline
from modelwatch_analyzer.distances.psi import PSI
from modelwatch_analyzer.distances.wasserstein import WASSERSTEIN

__all__ = ["CHI_SQUARED", "MEASURES", "ROBUST", "SIMPLE", "DriftMeasure", "Exceeds", "NumericBaseline"]

MEASURES: dict[str, DriftMeasure] = {
    measure.name: measure
    for measure in (
        SIMPLE,
        ROBUST,
        CHI_SQUARED,
        KL_DIVERGENCE,
        WASSERSTEIN,
        JENSEN_SHANNON,
        HELLINGER,
        PSI,
        KOLMOGOROV_SMIRNOV,
    )
}
"""Every drift measure, by its name in constraints files."""
