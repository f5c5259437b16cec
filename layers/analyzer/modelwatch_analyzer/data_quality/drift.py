"""How far a feature has moved from its baseline."""

from __future__ import annotations

from modelwatch_analyzer.data_quality.documents import FeatureConstraints, FeatureStatistics, InferredType
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistics import MOST_CATEGORIES
from modelwatch_analyzer.distances.chi_squared import chi_squared
from modelwatch_analyzer.distances.linf import CategoricalDriftMethod, l_infinity_categorical, l_infinity_numerical
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.report import Drift
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput

CHI_SQUARED = "chi-squared p-value"


def measure_drift(
    feature: FeatureConstraints,
    config: EffectiveConfig,
    baseline: FeatureStatistics | None,
    observed: ColumnProfile,
) -> Drift | None:
    """Compare a column with its baseline by the method and the threshold of its configuration.

    A numeric feature is compared by the sketches, a text feature by the categories. A distance drifts when it is
    greater than the threshold, a chi-squared p-value when it is smaller.

    Returns
    -------
    Drift or None
        None if no comparison is asked for; its distance is Undefined, with the reason, where none is possible.
    """
    if not config.perform_comparison or feature.inferred_type is InferredType.UNKNOWN:
        return None
    if feature.inferred_type.is_numeric:
        distance = _numeric(config, baseline, observed)
        return _distance(distance, config.comparison_threshold, f"{config.comparison_method} L-infinity")
    threshold = config.categorical_comparison_threshold
    if config.categorical_drift_method is CategoricalDriftMethod.CHI_SQUARED:
        p_value = _p_value(baseline, observed)
        return Drift(p_value, threshold, CHI_SQUARED, not isinstance(p_value, Undefined) and p_value < threshold)
    distance = _categorical(config, baseline, observed)
    return _distance(distance, threshold, f"{config.comparison_method} L-infinity")


def _distance(distance: float | Undefined, threshold: float, method: str) -> Drift:
    return Drift(distance, threshold, method, not isinstance(distance, Undefined) and distance > threshold)


def _numeric(config: EffectiveConfig, baseline: FeatureStatistics | None, observed: ColumnProfile) -> float | Undefined:
    if baseline is None or baseline.sketch is None:
        return Undefined("the baseline statistics hold no sketch")
    if observed.numbers is None:
        return Undefined("there is no value in the current data")
    try:
        sketch = KllSketch.from_document(baseline.sketch)
    except InvalidInput as error:
        raise InvalidInput(error.code, f"feature {baseline.name!r}: {error.message}") from None
    return l_infinity_numerical(sketch, observed.numbers.sketch, method=config.comparison_method)


def _categorical(
    config: EffectiveConfig, baseline: FeatureStatistics | None, observed: ColumnProfile
) -> float | Undefined:
    if baseline is None or not baseline.categories:
        return _without_categories()
    if observed.text is None:
        return Undefined("there is no value in the current data")
    current = observed.text.categories.frequencies()
    return l_infinity_categorical(baseline.categories, current, method=config.comparison_method)


def _p_value(baseline: FeatureStatistics | None, observed: ColumnProfile) -> float | Undefined:
    if baseline is None or not baseline.categories:
        return _without_categories()
    if observed.text is None:
        return Undefined("there is no value in the current data")
    result = chi_squared(baseline.categories, observed.text.categories.counts())
    return result if isinstance(result, Undefined) else result.p_value


def _without_categories() -> Undefined:
    return Undefined(f"the baseline statistics hold no categories (more than {MOST_CATEGORIES} are not kept)")
