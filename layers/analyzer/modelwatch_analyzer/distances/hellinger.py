"""The Hellinger distance between today's shares and the baseline's."""

from __future__ import annotations

import numpy as np

from modelwatch_analyzer.distances.bins import BinCounts, of_categories, of_numbers
from modelwatch_analyzer.distances.measure import DriftMeasure


def _distance(counts: BinCounts) -> float:
    baseline, current = counts.shares()
    return min(float(np.sqrt(np.sum((np.sqrt(current) - np.sqrt(baseline)) ** 2) / 2)), 1.0)


HELLINGER = DriftMeasure(
    name="Hellinger",
    title="Hellinger distance",
    numerical=of_numbers(_distance),
    categorical=of_categories(_distance),
    greatest=1.0,
    threshold="the distance of the square roots of the shares of the baseline's bins, over the root of 2, in [0, 1]",
    source="Hellinger (1909)",
)
