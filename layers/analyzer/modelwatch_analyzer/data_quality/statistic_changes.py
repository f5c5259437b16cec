"""Changes of a feature's mean, standard deviation, extremes and quantiles: what is allowed, and what is proposed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from modelwatch_analyzer.data_quality.documents import MaxChanges
from modelwatch_analyzer.feature_statistics import QUANTILES, FeatureStatistics, quantiles_of, sketch_of
from modelwatch_analyzer.profile.columns import NumericColumn
from modelwatch_analyzer.thresholds import ROUNDING

_STANDARD_ERRORS = 4.0
"""How many standard errors a proposal allows: one normal error in 16,000 is larger."""


@dataclass(frozen=True, slots=True)
class StatisticChange:
    """A statistic that has changed by more than its constraint allows."""

    name: str
    before: float
    now: float
    allowed: float


def values_before(feature: FeatureStatistics) -> dict[str, float]:
    """Return the statistics of a baseline's feature that can be constrained, as far as the file has them.

    Quantiles that the file lacks, as SageMaker's do, are those of its sketch.
    """
    numbers = feature.numerical_statistics
    if numbers is None:
        return {}
    quantiles = numbers.quantiles
    if quantiles is None:
        sketch = sketch_of(feature)
        quantiles = quantiles_of(sketch) if sketch is not None and sketch.count else {}
    stored = {"mean": numbers.mean, "std_dev": numbers.std_dev, "min": numbers.min, "max": numbers.max}
    return {name: value for name, value in stored.items() if value is not None} | quantiles


def changes_beyond(changes: MaxChanges, before: FeatureStatistics, numbers: NumericColumn) -> Iterator[StatisticChange]:
    """Yield the statistics that are farther from the baseline's than allowed."""
    moments = numbers.moments
    now = {
        "mean": moments.mean,
        "std_dev": moments.population_std,
        "min": moments.minimum,
        "max": moments.maximum,
        **quantiles_of(numbers.sketch),
    }
    then = values_before(before)
    for name, allowed in changes.given().items():
        if name in then and abs(now[name] - then[name]) > allowed + ROUNDING * max(abs(now[name]), abs(then[name])):
            yield StatisticChange(name, then[name], now[name], allowed)


def proposed_changes(numbers: NumericColumn, window: float) -> MaxChanges | None:
    """Propose how far statistics may be from a baseline's before chance does not explain it.

    Parameters
    ----------
    numbers : NumericColumn
        The baseline's.
    window : float
        How many values the windows will have that are compared with it.

    Returns
    -------
    MaxChanges or None
        Four standard errors of the difference between a baseline and a window of these sizes; None without a value.
        Not for minimum and maximum, whose error a sample does not show, and not for quantiles that are so near to an
        end that nothing bounds theirs.

    Notes
    -----
    The error of the standard deviation is that of any distribution with a fourth moment (Cramer, Mathematical Methods
    of Statistics, 27.7), and what the mean's error adds to the variance, which is all there is for two equally
    frequent values. That of a quantile is the distance to the quantiles that are four standard errors of a rank, and
    the errors of both sketches, away.
    """
    moments, sketch = numbers.moments, numbers.sketch
    if not moments.count or not window:
        return None
    scale = _STANDARD_ERRORS * math.sqrt(1 / moments.count + 1 / window)
    deviation = moments.population_std
    changes = {"mean": scale * deviation, "std_dev": 0.0}
    if deviation:
        items, weights = sketch.cumulative_weights()
        with np.errstate(over="ignore", invalid="ignore"):
            standardized = (items - moments.mean) / deviation
            kurtosis = float(np.average(standardized**4, weights=np.diff(weights, prepend=0.0)))
        changes["std_dev"] = scale * deviation * (math.sqrt(max(kurtosis - 1, 0.0)) + scale) / 2
    for name, percent in QUANTILES.items():
        share = percent / 100
        margin = 100 * (scale * math.sqrt(share * (1 - share)) + 2 * sketch.rank_error)
        if margin < percent < 100 - margin:
            least, middle, greatest = sketch.percentiles([percent - margin, percent, percent + margin])
            changes[name] = max(middle - least, greatest - middle)
    return MaxChanges(**{name: change for name, change in changes.items() if math.isfinite(change)})
