"""The Jensen-Shannon distance: the square root of the divergence from the middle of both distributions."""

from __future__ import annotations

import math

from modelwatch_analyzer.distances.bins import BinCounts, of_categories, of_numbers
from modelwatch_analyzer.distances.kl_divergence import relative_entropy
from modelwatch_analyzer.distances.measure import DriftMeasure


def _distance(counts: BinCounts) -> float:
    baseline, current = counts.shares()
    middle = (baseline + current) / 2
    nats = (relative_entropy(baseline, middle) + relative_entropy(current, middle)) / 2
    return min(math.sqrt(nats / math.log(2)), 1.0)


JENSEN_SHANNON = DriftMeasure(
    name="JensenShannon",
    title="Jensen-Shannon distance",
    numerical=of_numbers(_distance),
    categorical=of_categories(_distance),
    greatest=1.0,
    threshold="the square root of the divergence in bits over the baseline's bins, in [0, 1]",
    source="Lin (1991); Endres and Schindelin (2003)",
)
