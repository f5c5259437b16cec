"""The two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

import warnings

import numpy as np

from modelwatch_analyzer.distances.bins import Floats
from modelwatch_analyzer.distances.linf import l_infinity_numerical
from modelwatch_analyzer.distances.measure import (
    INDEPENDENT_VALUES,
    DesignEffects,
    DriftMeasure,
    Exceeds,
    NumericBaseline,
)
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined


def _p_value(baseline: NumericBaseline, current: KllSketch, effects: DesignEffects) -> float | Undefined:
    """Return the chance of such a distance between the distribution functions, or a larger one, if nothing changed.

    It is exact where values are independent and both sketches keep every one (2,050 at least), otherwise asymptotic;
    the errors of sketches that do not are subtracted from the distance first, for they would be drift to a test of so
    many values.
    """
    sketch = baseline.sketch
    distance = l_infinity_numerical(sketch, current, robust=False)
    if isinstance(distance, Undefined):
        return distance
    error = sketch.rank_error + current.rank_error

    from scipy import stats

    if not error and effects == INDEPENDENT_VALUES:
        with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # that it went over to the asymptotic
            return float(stats.ks_2samp(_values(sketch), _values(current)).pvalue)
    n, m = sketch.count / effects.baseline, current.count / effects.current
    return float(stats.kstwo.sf(max(distance - error, 0.0), max(1.0, np.round(n * m / (n + m)))))


def _values(sketch: KllSketch) -> Floats:
    items, weights = sketch.cumulative_weights()
    return np.repeat(items, np.diff(weights, prepend=0.0).astype(np.int64))


KOLMOGOROV_SMIRNOV = DriftMeasure(
    name="KolmogorovSmirnov",
    title="Kolmogorov-Smirnov p-value",
    quantity="p-value",
    numerical=_p_value,
    exceeds=Exceeds.SMALLER,
    greatest=1.0,
    threshold="the chance of a difference as large as the observed one, or larger, if nothing has changed",
    source="Smirnov (1939); Hodges (1958), Arkiv foer Matematik 3",
)
