"""How far a feature has moved from its baseline."""

from __future__ import annotations

from modelwatch_analyzer.data_quality.documents import FeatureConstraints
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.unwatched import why_no_categories
from modelwatch_analyzer.distances.calibrated import CALIBRATED
from modelwatch_analyzer.distances.drift import Drift, distance_of_categories, distance_of_numbers
from modelwatch_analyzer.distances.methods import measure_of_categories, measure_of_numbers
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.undefined import Undefined

_BY_ROWS = Undefined("the Calibrated comparison needs rows")


def measure_drift(
    feature: FeatureConstraints,
    config: EffectiveConfig,
    baseline: FeatureStatistics | None,
    observed: ColumnProfile,
) -> Drift | None:
    """Compare a column with its baseline by the measure and the threshold of its configuration.

    A numeric feature is compared by the sketches, a text feature by the categories; for the Calibrated comparison see
    `modelwatch_analyzer.data_quality.calibration`.

    Returns
    -------
    Drift or None
        None if no comparison is configured; its distance is Undefined, with the reason, where none is possible.
    """
    if not config.perform_comparison or feature.inferred_type is InferredType.UNKNOWN:
        return None
    if feature.inferred_type.is_numeric:
        measure = measure_of_numbers(config.comparison_method)
        if measure is CALIBRATED:
            return Drift(_BY_ROWS, None, measure)
        sketch = observed.numbers.sketch if observed.numbers else None
        return Drift(distance_of_numbers(measure, baseline, sketch), config.comparison_threshold, measure)
    measure = measure_of_categories(config.categorical_drift_method, config.comparison_method)
    if measure is CALIBRATED:
        return Drift(_BY_ROWS, None, measure)
    categories = baseline.categories if baseline else {}
    distance: float | Undefined = Undefined(why_no_categories(baseline))
    if categories or measure.categorical is None:
        distance = distance_of_categories(measure, categories, observed.text.categories if observed.text else None)
    return Drift(distance, config.categorical_comparison_threshold, measure)
