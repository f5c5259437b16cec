"""``distribution_constraints`` of a constraints file: how drift is measured, and from which threshold on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from modelwatch_analyzer.distances.linf import ROBUST
from modelwatch_analyzer.distances.methods import L_INFINITY, known_categorical_drift_method, known_comparison_method
from modelwatch_analyzer.documents import ConstraintsPart
from modelwatch_core.domain.analysis_settings import DriftSettings, Switch
from modelwatch_core.domain.errors import InvalidInput


class DistributionConstraints(ConstraintsPart):
    """How drift is measured, and from which threshold on it is a violation."""

    perform_comparison: Switch | None = None
    comparison_threshold: float | None = None
    comparison_method: Annotated[str, AfterValidator(known_comparison_method)] | None = None
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: Annotated[str, AfterValidator(known_categorical_drift_method)] | None = None

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
"""What a baseline suggests."""


def chosen_methods(settings: DriftSettings) -> DistributionConstraints:
    """Return the drift measures that the settings of an analysis name, without aliases.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``, with the names that there are.
    """
    return DistributionConstraints(
        comparison_method=_known(known_comparison_method, "comparison_method", settings.comparison_method),
        categorical_drift_method=_known(
            known_categorical_drift_method, "categorical_drift_method", settings.categorical_drift_method
        ),
    )


def _known(check: Callable[[str], str], setting: str, method: str | None) -> str | None:
    try:
        return method and check(method)
    except ValueError as error:
        raise InvalidInput("InvalidSettings", f"{setting}: {error}") from None
