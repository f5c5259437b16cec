"""How each problem type is evaluated. A new one is one file with an `Evaluation`, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch_analyzer.model_quality.binary import BinaryEvaluation
from modelwatch_analyzer.model_quality.multiclass import MulticlassEvaluation
from modelwatch_analyzer.model_quality.regression import RegressionEvaluation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings

EVALUATIONS: Mapping[ProblemType, type[BinaryEvaluation | MulticlassEvaluation | RegressionEvaluation]] = {
    ProblemType.BINARY_CLASSIFICATION: BinaryEvaluation,
    ProblemType.MULTICLASS_CLASSIFICATION: MulticlassEvaluation,
    ProblemType.REGRESSION: RegressionEvaluation,
}
"""The evaluation of each problem type."""


def problem_type_of(settings: ModelQualitySettings) -> ProblemType:
    """Return the problem type; refuses where none is given."""
    if settings.problem_type is None:
        message = f"set problem_type to what the model does: {', '.join(ProblemType)}"
        raise InvalidInput("ProblemTypeNotGiven", message)
    return settings.problem_type
