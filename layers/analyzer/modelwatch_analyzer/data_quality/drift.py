"""How far a feature has moved from its baseline."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_analyzer.data_quality.documents import (
    FeatureConstraints,
    FeatureStatistics,
    InferredType,
    NumericalStatistics,
)
from modelwatch_analyzer.data_quality.drift_methods import measure_of_categories, measure_of_numbers
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistics import sketch_of
from modelwatch_analyzer.data_quality.unwatched import why_no_categories
from modelwatch_analyzer.distances import DriftMeasure, NumericBaseline
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature has moved from its baseline.

    Attributes
    ----------
    distance : float or Undefined
        The statistic that is compared with the threshold, or why there is none.
    threshold : float
        The one in the constraints file.
    measure : DriftMeasure
        How the distance is measured.
    """

    distance: float | Undefined
    threshold: float
    measure: DriftMeasure

    @property
    def exceeded(self) -> bool:
        """Whether this is a violation: a distance that equals the threshold up to rounding is none."""
        if isinstance(self.distance, Undefined) or equal(self.distance, self.threshold):
            return False
        return self.measure.is_drift(self.distance, self.threshold)


def measure_drift(
    feature: FeatureConstraints,
    config: EffectiveConfig,
    baseline: FeatureStatistics | None,
    observed: ColumnProfile,
) -> Drift | None:
    """Compare a column with its baseline by the measure and the threshold of its configuration.

    A numeric feature is compared by the sketches, a text feature by the categories.

    Returns
    -------
    Drift or None
        None if no comparison is configured; its distance is Undefined, with the reason, where none is possible.
    """
    if not config.perform_comparison or feature.inferred_type is InferredType.UNKNOWN:
        return None
    if feature.inferred_type.is_numeric:
        measure = measure_of_numbers(config.comparison_method)
        return Drift(_of_numbers(measure, baseline, observed), config.comparison_threshold, measure)
    measure = measure_of_categories(config.categorical_drift_method, config.comparison_method)
    return Drift(_of_categories(measure, baseline, observed), config.categorical_comparison_threshold, measure)


def _of_numbers(
    measure: DriftMeasure, baseline: FeatureStatistics | None, observed: ColumnProfile
) -> float | Undefined:
    if measure.numerical is None:
        return Undefined(f"{measure.title} does not compare numbers")
    sketch = sketch_of(baseline) if baseline is not None else None
    if baseline is None or sketch is None:
        return Undefined("the baseline statistics hold no sketch")
    if observed.numbers is None:
        return Undefined("there is no value in the current data")
    described = baseline.numerical_statistics or NumericalStatistics()
    frozen = NumericBaseline(sketch, described.min, described.max, described.std_dev)
    return measure.numerical(frozen, observed.numbers.sketch)


def _of_categories(
    measure: DriftMeasure, baseline: FeatureStatistics | None, observed: ColumnProfile
) -> float | Undefined:
    if measure.categorical is None:
        return Undefined(f"{measure.title} does not compare categories")
    if baseline is None or not baseline.categories:
        return Undefined(why_no_categories(baseline))
    if observed.text is None:
        return Undefined("there is no value in the current data")
    return measure.categorical(baseline.categories, observed.text.categories)
