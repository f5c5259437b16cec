"""How far a distribution has moved from its baseline, and whether that is a violation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelwatch_analyzer.calibrated.evidence import DRIFT_CHECK
from modelwatch_analyzer.distances.measure import (
    INDEPENDENT_VALUES,
    DesignEffects,
    DriftMeasure,
    Exceeds,
    NumericBaseline,
)
from modelwatch_analyzer.feature_statistics import FeatureStatistics, NumericalStatistics, sketch_of
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.rounding import known_where_rounded, rounding_of
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import java_double, listed

__all__ = [
    "DRIFT_CHECK",
    "Drift",
    "distance_of_categories",
    "distance_of_numbers",
    "thresholds_out_of_range",
    "without_rounding",
]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a distribution has moved from its baseline.

    Attributes
    ----------
    distance : float or Undefined
        The statistic that is compared with the threshold, or why there is none.
    threshold : float, optional
        The one in the constraints file; without one, no distance is a violation.
    measure : DriftMeasure
        How the distance is measured.
    """

    distance: float | Undefined
    threshold: float | None
    measure: DriftMeasure

    @property
    def exceeded(self) -> bool:
        """Whether this is a violation: a distance that equals the threshold up to rounding is none."""
        return self.violation is not None

    @property
    def violation(self) -> str | None:
        """The description of the violation; None if this is none."""
        distance, threshold = self.distance, self.threshold
        if isinstance(distance, Undefined) or threshold is None or equal(distance, threshold):
            return None
        if not self.measure.is_drift(distance, threshold):
            return None
        found = f"Baseline drift {self.measure.quantity}: {java_double(distance)}"
        return f"{found} {self.measure.exceeds.value} threshold: {java_double(threshold)}"


def thresholds_out_of_range(drifts: Mapping[str, Drift]) -> Iterator[str]:
    """Yield warnings for thresholds above all that their statistic can be, such as 10 for a tenth."""
    names: dict[Exceeds, list[str]] = {}
    for name, drift in drifts.items():
        if drift.threshold is not None and drift.threshold > drift.measure.greatest:
            names.setdefault(drift.measure.exceeds, []).append(name)
    for exceeds, those in names.items():
        if exceeds is Exceeds.LARGER:
            verdict = "no distance is, so that drift is never a violation; 10 % is written as 0.1"
        else:
            verdict = "no p-value is, so that drift is always a violation"
        yield f"the drift thresholds of {listed(those)} are above 1, and {verdict}"


def distance_of_numbers(
    measure: DriftMeasure,
    baseline: FeatureStatistics | None,
    current: KllSketch | None,
    effects: DesignEffects = INDEPENDENT_VALUES,
) -> float | Undefined:
    """Compare numbers with those that a baseline describes; those that differ by rounding only are the same.

    Raises
    ------
    InvalidInput
        ``InvalidSketch``.
    """
    if measure.numerical is None:
        return Undefined(f"{measure.title} does not compare numbers")
    sketch = sketch_of(baseline) if baseline is not None else None
    if baseline is None or sketch is None:
        return Undefined("the baseline statistics hold no sketch")
    if current is None:
        return Undefined("there is no value in the current data")
    described = baseline.numerical_statistics or NumericalStatistics()
    now = without_rounding(current, sketch)
    return measure.numerical(NumericBaseline(sketch, described.min, described.max, described.std_dev), now, effects)


def without_rounding(current: KllSketch, baseline: KllSketch) -> KllSketch:
    """Return a sketch with the number of the baseline for each that differs from it by rounding only."""
    known, _ = baseline.cumulative_weights()
    rounding = rounding_of(known)
    return current if rounding is None else current.replaced(lambda items: known_where_rounded(items, known, rounding))


def distance_of_categories(
    measure: DriftMeasure,
    baseline: Mapping[str, int],
    current: CategoryCounts | None,
    effects: DesignEffects = INDEPENDENT_VALUES,
) -> float | Undefined:
    """Compare how often categories occur with how often they did in a baseline."""
    if measure.categorical is None:
        return Undefined(f"{measure.title} does not compare categories")
    if current is None:
        return Undefined("there is no value in the current data")
    return measure.categorical(baseline, current, effects)
