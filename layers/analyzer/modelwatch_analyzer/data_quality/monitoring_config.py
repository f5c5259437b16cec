"""What applies to a feature: its own overrides, else the file's settings, else the suggested ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.data_quality.documents import MonitoringConfig
from modelwatch_analyzer.distances.distribution_constraints import SUGGESTED_DISTRIBUTION
from modelwatch_core.domain.analysis_settings import Switch

SUGGESTED = MonitoringConfig(
    evaluate_constraints=Switch.ENABLED,
    emit_metrics=Switch.ENABLED,
    datatype_check_threshold=1.0,
    domain_content_threshold=1.0,
    distribution_constraints=SUGGESTED_DISTRIBUTION,
)
"""What a baseline suggests, and what applies where a file leaves a key out."""


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

    @classmethod
    def of(cls, layers: Iterable[MonitoringConfig]) -> EffectiveConfig:
        """Lay settings over the suggested ones, later ones over earlier ones."""
        values: dict[str, Any] = {}
        for layer in (SUGGESTED, *layers):
            for part in (layer, layer.distribution_constraints):
                if part is not None:
                    settings = {name: getattr(part, name) for name in type(part).model_fields}
                    values |= {name: value for name, value in settings.items() if value is not None}
        del values["distribution_constraints"]
        switches = {name: value is Switch.ENABLED for name, value in values.items() if isinstance(value, Switch)}
        return cls(**(values | switches))
