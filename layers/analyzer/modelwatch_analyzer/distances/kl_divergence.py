"""The Kullback-Leibler divergence of today's shares from the baseline's."""

from __future__ import annotations

import numpy as np

from modelwatch_analyzer.distances.bins import BinCounts, Floats, of_categories, of_numbers
from modelwatch_analyzer.distances.measure import DriftMeasure


def relative_entropy(shares: Floats, reference: Floats) -> float:
    """Return ``sum(p * ln(p / q))`` in nats, in which a share of 0 adds nothing; `reference` is not 0 elsewhere."""
    some = shares > 0
    total = np.sum(shares[some] * np.log(shares[some] / reference[some]))
    return max(float(total), 0.0)  # which rounding may have made negative


def _divergence(counts: BinCounts) -> float:
    baseline, current = counts.smoothed_shares()
    return relative_entropy(current, baseline)


KL_DIVERGENCE = DriftMeasure(
    name="KLDivergence",
    title="Kullback-Leibler divergence",
    quantity="divergence",
    numerical=of_numbers(_divergence),
    categorical=of_categories(_divergence),
    threshold="sum of p ln(p / q) over the baseline's bins, p now and q then, in nats, from 0 without an upper limit",
    source="Kullback and Leibler (1951); smoothed as Krichevsky and Trofimov (1981)",
)
