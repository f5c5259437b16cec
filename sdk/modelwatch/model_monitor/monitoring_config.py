"""How data quality compares distributions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwatch.arguments import given, instance

if TYPE_CHECKING:
    from modelwatch_analyzer.documents import ConstraintsPart


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
    false_alarm_rate, monthly_false_alarm_rate, minimum_effect, minimum_share, minimum_shift : float, optional
        What the Calibrated comparison promises, and the least changes that it reports; see docs/tuning-thresholds.md.
    """

    perform_comparison: str | None = None
    comparison_threshold: float | None = None
    comparison_method: str | None = None
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: str | None = None
    false_alarm_rate: float | None = None
    monthly_false_alarm_rate: float | None = None
    minimum_effect: float | None = None
    minimum_share: float | None = None
    minimum_shift: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no execution would take."""
        from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints

        _refuse_unfit(DistributionConstraints, self._to_dict())

    def _to_dict(self) -> dict[str, Any]:
        return given(**vars(self))


@dataclass(frozen=True)
class DataQualityMonitoringConfig:
    """The ``monitoring_config`` of a constraints file of data quality; what is not given stays as the file says.

    Parameters
    ----------
    emit_metrics, evaluate_constraints : {"Enabled", "Disabled"}, optional
    distribution_constraints : DataQualityDistributionConstraints, optional
    datatype_check_threshold, domain_content_threshold : float, optional
        The least share of values that have the expected type, and that are among the known categories: 0 to 1.
    """

    emit_metrics: str | None = None
    evaluate_constraints: str | None = None
    distribution_constraints: DataQualityDistributionConstraints | None = None
    datatype_check_threshold: float | None = None
    domain_content_threshold: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no execution would take."""
        from modelwatch_analyzer.data_quality.documents import MonitoringConfig

        if self.distribution_constraints is not None:
            instance("distribution_constraints", self.distribution_constraints, DataQualityDistributionConstraints)
        _refuse_unfit(MonitoringConfig, self._to_dict())

    def _to_dict(self) -> dict[str, Any]:
        comparison = self.distribution_constraints._to_dict() if self.distribution_constraints else None  # noqa: SLF001 (the same file)
        return given(**vars(self) | {"distribution_constraints": comparison or None})


def monitoring_config_document(config: DataQualityMonitoringConfig | dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as the document that a constraints file holds.

    Raises
    ------
    TypeError, ValueError
        Where it has a part that no configuration has.
    """
    if isinstance(config, dict):
        parts = dict(config)
        comparison = parts.pop("distribution_constraints", None)
        if isinstance(comparison, dict):
            comparison = DataQualityDistributionConstraints(**comparison)
        config = DataQualityMonitoringConfig(**parts, distribution_constraints=comparison)
    if not isinstance(config, DataQualityMonitoringConfig):
        raise TypeError(f"expected a DataQualityMonitoringConfig or a dict, not {type(config).__name__}")
    return config._to_dict()  # noqa: SLF001 (the same file)


def _refuse_unfit(part: type[ConstraintsPart], document: dict[str, Any]) -> None:
    """Refuse a part of constraints that the analysis would refuse."""
    from pydantic import ValidationError

    from modelwatch_core.domain.documents import validation_message

    try:
        part.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise ValueError(validation_message(error)) from None
