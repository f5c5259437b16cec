"""The Wasserstein distance of order 1, or earth mover's distance, in standard deviations of the baseline."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np

from modelwatch_analyzer.distances.bins import Floats
from modelwatch_analyzer.distances.measure import DesignEffects, DriftMeasure, NumericBaseline, nothing_in
from modelwatch_analyzer.sketches.kll import KllSketch, shares_up_to
from modelwatch_analyzer.undefined import Undefined


def _distance(baseline: NumericBaseline, current: KllSketch, _: DesignEffects) -> float | Undefined:
    """Return the area between both distribution functions, over the baseline's standard deviation.

    A baseline whose values are all equal has none; then the unit is that of both distributions taken together with
    equal weight. A result beyond the greatest double is that double.
    """
    sketch = baseline.sketch
    nothing = nothing_in(sketch.count, current.count)
    if nothing:
        return nothing
    weights_then, weights_now = sketch.cumulative_weights(), current.cumulative_weights()
    items = np.union1d(weights_then[0], weights_now[0])
    then, now = shares_up_to(items, *weights_then), shares_up_to(items, *weights_now)
    # Scaled by a power of two to at most 1, so that no difference overflows.
    greatest = float(np.abs(items).max())
    exponent = max(math.frexp(greatest)[1], -1000) if greatest else 0
    scaled = items * 2.0**-exponent
    area = float(np.sum(np.abs(then - now)[:-1] * np.diff(scaled)))
    if not area:
        return 0.0
    unit = Fraction(baseline.std_dev or 0.0) / Fraction(2) ** exponent
    unit = unit or Fraction(_deviation(scaled, then) or _deviation(scaled, (then + now) / 2))
    try:
        return float(Fraction(area) / unit)
    except OverflowError:
        return sys.float_info.max


def _deviation(values: Floats, up_to: Floats) -> float:
    shares = np.diff(up_to, prepend=0.0)
    some = shares > 0
    shares, values = shares[some], values[some]
    away = values - np.sum(shares * values)
    farthest = np.abs(away).max()  # whose square may be less than any double
    return float(farthest * np.sqrt(np.sum(shares * (away / farthest) ** 2))) if farthest else 0.0


WASSERSTEIN = DriftMeasure(
    name="Wasserstein",
    title="Wasserstein distance",
    numerical=_distance,
    threshold="how far values moved on average, in standard deviations of the baseline, from 0 without an upper limit",
    source="Kantorovich (1942); Ramdas, Garcia and Cuturi (2017), Entropy 19",
)
