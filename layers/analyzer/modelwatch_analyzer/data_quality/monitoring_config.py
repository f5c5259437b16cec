"""What applies to a feature: its own overrides, else the file's settings, else the suggested ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, MINIMUM_SHARE
from modelwatch_analyzer.data_quality.documents import MonitoringConfig
from modelwatch_analyzer.distances.calibrated import CALIBRATED
from modelwatch_analyzer.distances.distribution_constraints import (
    CALIBRATED_RATES,
    SUGGESTED_CALIBRATED,
    SUGGESTED_DISTRIBUTION,
    DistributionConstraints,
)
from modelwatch_analyzer.distances.methods import measure_of_categories, measure_of_numbers
from modelwatch_analyzer.feature_statistics import InferredType
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.drift_methods import L_INFINITY

SUGGESTED = MonitoringConfig(
    evaluate_constraints=Switch.ENABLED,
    emit_metrics=Switch.ENABLED,
    datatype_check_threshold=1.0,
    domain_content_threshold=1.0,
    distribution_constraints=SUGGESTED_DISTRIBUTION,
)
"""SageMaker's suggestion, and what applies where a file leaves a key out."""


def suggested_config(methods: DistributionConstraints) -> MonitoringConfig:
    """Return what a baseline suggests: the Calibrated comparison, unless another one of numbers is chosen."""
    numbers, categories = methods.comparison_method, methods.categorical_drift_method
    if numbers not in (None, CALIBRATED.name):
        rates = CALIBRATED_RATES if categories == CALIBRATED.name else DistributionConstraints()
        return SUGGESTED.with_methods(rates.overlaid(methods))
    distribution = SUGGESTED_CALIBRATED
    if categories not in (None, L_INFINITY, CALIBRATED.name):
        threshold = SUGGESTED_DISTRIBUTION.categorical_comparison_threshold
        distribution = distribution.overlaid(DistributionConstraints(categorical_comparison_threshold=threshold))
    return SUGGESTED.model_copy(update={"distribution_constraints": distribution.overlaid(methods)})


@dataclass(frozen=True, slots=True)
class EffectiveConfig:
    """A `MonitoringConfig` in which everything has a value."""

    evaluate_constraints: bool
    emit_metrics: bool
    datatype_check_threshold: float
    domain_content_threshold: float
    perform_comparison: bool
    comparison_threshold: float
    comparison_method: str
    categorical_comparison_threshold: float
    categorical_drift_method: str
    false_alarm_rate: float
    monthly_false_alarm_rate: float
    minimum_effect: float
    minimum_share: float
    minimum_shift: float | None = None

    @classmethod
    def of(cls, layers: Iterable[MonitoringConfig]) -> EffectiveConfig:
        """Lay settings over the suggested ones, later ones over earlier ones."""
        values: dict[str, Any] = {}
        rates = MonitoringConfig(distribution_constraints=CALIBRATED_RATES)
        for layer in (SUGGESTED, rates, *layers):
            for part in (layer, layer.distribution_constraints):
                if part is not None:
                    settings = {name: getattr(part, name) for name in type(part).model_fields}
                    values |= {name: value for name, value in settings.items() if value is not None}
        del values["distribution_constraints"]
        switches = {name: value is Switch.ENABLED for name, value in values.items() if isinstance(value, Switch)}
        return cls(**(values | switches))

    def is_calibrated(self, kind: InferredType) -> bool:
        """Return whether a feature of a type is compared by the Calibrated comparison."""
        if kind.is_numeric:
            return measure_of_numbers(self.comparison_method) is CALIBRATED
        return measure_of_categories(self.categorical_drift_method, self.comparison_method) is CALIBRATED

    def minimums(self, *, numeric: bool) -> dict[str, float]:
        """Return the least changes that the Calibrated comparison reports of a feature, by `Evidence.minimum`."""
        effect = self.minimum_effect
        if numeric and self.minimum_shift is not None:
            effect = math.erf(self.minimum_shift / math.sqrt(8))  # how far two normal laws are apart: 2 Phi(d / 2) - 1
        return {MINIMUM_EFFECT: effect, MINIMUM_SHARE: self.minimum_share}


def configs_of(layers: Mapping[str, Iterable[MonitoringConfig]]) -> dict[str, EffectiveConfig]:
    """Return what applies to each feature, of all that the file says of it; see `Constraints.layers`."""
    all_layers = {name: tuple(each) for name, each in layers.items()}
    # Most features have nothing but the file's own, which is laid over the suggested ones once.
    by_layers = {tuple(map(id, each)): each for each in all_layers.values()}
    configs = {ids: EffectiveConfig.of(each) for ids, each in by_layers.items()}
    return {name: configs[tuple(map(id, each))] for name, each in all_layers.items()}
