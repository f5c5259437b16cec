"""``distribution_constraints`` of a constraints file: how drift is measured, and from which threshold on."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from modelwatch_analyzer.distances.calibrated import CALIBRATED
from modelwatch_analyzer.distances.linf import ROBUST
from modelwatch_analyzer.documents import ConstraintsPart
from modelwatch_analyzer.metric_change import Rates
from modelwatch_core.domain.analysis_settings import DriftSettings, Switch
from modelwatch_core.domain.drift_methods import L_INFINITY, known_categorical_drift_method, known_comparison_method


class DistributionConstraints(ConstraintsPart):
    """How drift is measured, and from which threshold on it is a violation.

    Rates and minimums are of the Calibrated comparison only, which no threshold concerns.

    Attributes
    ----------
    false_alarm_rate : float, optional
        The share of windows in which any feature is flagged although nothing has changed, in a check of its own.
    monthly_false_alarm_rate : float, optional
        The same of months, for the windows of a schedule.
    minimum_effect : float, optional
        The least share of the rows that must have moved to other values.
    minimum_share : float, optional
        The least change of the share of missing, extreme, new, negative, mistyped or single values.
    minimum_shift : float, optional
        For numbers, replaces `minimum_effect`: the least shift, in standard deviations of a normal column.
    """

    perform_comparison: Switch | None = None
    comparison_threshold: Annotated[float, Field(ge=0)] | None = None
    comparison_method: Annotated[str, AfterValidator(known_comparison_method)] | None = None
    categorical_comparison_threshold: Annotated[float, Field(ge=0)] | None = None
    categorical_drift_method: Annotated[str, AfterValidator(known_categorical_drift_method)] | None = None
    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    monthly_false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    minimum_effect: Annotated[float, Field(ge=0, le=1)] | None = None
    minimum_share: Annotated[float, Field(ge=0, le=1)] | None = None
    minimum_shift: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    def overlaid(self, layer: DistributionConstraints | None) -> DistributionConstraints:
        """Return these constraints with what a layer sets."""
        if layer is None:
            return self
        given = {name: getattr(layer, name) for name in type(layer).model_fields}
        return self.model_copy(update={name: value for name, value in given.items() if value is not None})


SUGGESTED_DISTRIBUTION = DistributionConstraints(
    perform_comparison=Switch.ENABLED,
    comparison_threshold=0.1,
    comparison_method=ROBUST.name,
    categorical_comparison_threshold=0.1,
    categorical_drift_method=L_INFINITY,
)
"""SageMaker's suggestion, and what applies where a file leaves a key out."""

CALIBRATED_RATES = DistributionConstraints(
    false_alarm_rate=Rates().per_window,
    monthly_false_alarm_rate=Rates().per_month,
    minimum_effect=0.02,
    minimum_share=0.01,
)
"""What the Calibrated comparison promises, and the least changes that it reports."""

SUGGESTED_CALIBRATED = CALIBRATED_RATES.overlaid(
    DistributionConstraints(
        perform_comparison=Switch.ENABLED, comparison_method=CALIBRATED.name, categorical_drift_method=L_INFINITY
    )
)
"""What a baseline of data quality suggests, unless another measure is chosen."""


def chosen_methods(settings: DriftSettings) -> DistributionConstraints:
    """Return the drift measures that the settings of an analysis name."""
    return DistributionConstraints(
        comparison_method=settings.comparison_method, categorical_drift_method=settings.categorical_drift_method
    )
