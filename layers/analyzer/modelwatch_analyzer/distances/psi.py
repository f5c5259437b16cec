"""The population stability index, which credit scoring uses: the Kullback-Leibler divergence in both directions."""

from __future__ import annotations

import numpy as np

from modelwatch_analyzer.distances.bins import BinCounts, of_categories, of_numbers
from modelwatch_analyzer.distances.measure import DriftMeasure


def _index(counts: BinCounts) -> float:
    baseline, current = counts.smoothed_shares()
    return float(np.sum((current - baseline) * np.log(current / baseline)))


PSI = DriftMeasure(
    name="PSI",
    title="population stability index",
    quantity="index",
    numerical=of_numbers(_index),
    categorical=of_categories(_index),
    threshold="sum of (p - q) ln(p / q) over the baseline's bins; by convention 0.1 is moderate and 0.25 large",
    source="Siddiqi, Credit Risk Scorecards (2006); smoothed as Krichevsky and Trofimov (1981)",
)
