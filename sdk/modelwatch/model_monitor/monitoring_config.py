"""How data quality compares distributions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modelwatch.arguments import choice, given

_SWITCHES = ("Enabled", "Disabled")


@dataclass(frozen=True)
class DataQualityDistributionConstraints:
    """How distributions are compared; what is not given stays as the constraints file says.

    Parameters
    ----------
    perform_comparison : {"Enabled", "Disabled"}, optional
    comparison_threshold, categorical_comparison_threshold : float, optional
        The largest distance of numbers and of categories, at least 0.
    comparison_method, categorical_drift_method : str, optional
        Measures of distance; docs/compatibility/numbers.md lists them.
    """

    perform_comparison: str | None = None
    comparison_threshold: float | None = None
    comparison_method: str | None = None
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: str | None = None

    def __post_init__(self) -> None:
        """Refuse switches and thresholds that mean nothing."""
        if self.perform_comparison is not None:
            choice("perform_comparison", self.perform_comparison, _SWITCHES)
        for name in ("comparison_threshold", "categorical_comparison_threshold"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"{name} must be at least 0, not {value}")

    def _to_dict(self) -> dict[str, Any]:
        return given(**vars(self))


@dataclass(frozen=True)
class DataQualityMonitoringConfig:
    """The ``monitoring_config`` of a constraints file of data quality; what is not given stays as the file says.

    Parameters
    ----------
    emit_metrics, evaluate_constraints : {"Enabled", "Disabled"}, optional
    distribution_constraints : DataQualityDistributionConstraints
    """

    emit_metrics: str | None = None
    evaluate_constraints: str | None = None
    distribution_constraints: DataQualityDistributionConstraints = field(
        default_factory=DataQualityDistributionConstraints
    )

    def __post_init__(self) -> None:
        """Refuse other switches."""
        for name in ("emit_metrics", "evaluate_constraints"):
            if getattr(self, name) is not None:
                choice(name, getattr(self, name), _SWITCHES)

    def _to_dict(self) -> dict[str, Any]:
        document = given(emit_metrics=self.emit_metrics, evaluate_constraints=self.evaluate_constraints)
        comparison = self.distribution_constraints._to_dict()  # noqa: SLF001 (the same file)
        return document | ({"distribution_constraints": comparison} if comparison else {})


def monitoring_config_document(config: DataQualityMonitoringConfig | dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as the document that a constraints file holds.

    Raises
    ------
    TypeError, ValueError
        Where it has a part that no configuration has.
    """
    if isinstance(config, dict):
        parts = dict(config)
        constraints = DataQualityDistributionConstraints(**(parts.pop("distribution_constraints", None) or {}))
        config = DataQualityMonitoringConfig(**parts, distribution_constraints=constraints)
    if not isinstance(config, DataQualityMonitoringConfig):
        raise TypeError(f"expected a DataQualityMonitoringConfig or a dict, not {type(config).__name__}")
    return config._to_dict()  # noqa: SLF001 (the same file)
