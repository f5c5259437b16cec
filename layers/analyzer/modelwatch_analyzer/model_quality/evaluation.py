"""How each problem type is evaluated. A new one is one file with an `Evaluation`, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch_analyzer.model_quality.binary import BinaryEvaluation
from modelwatch_analyzer.model_quality.multiclass import MulticlassEvaluation
from modelwatch_analyzer.model_quality.regression import RegressionEvaluation
from modelwatch_core.domain.monitor_kinds import ProblemType

EVALUATIONS: Mapping[ProblemType, type[BinaryEvaluation | MulticlassEvaluation | RegressionEvaluation]] = {
    ProblemType.BINARY_CLASSIFICATION: BinaryEvaluation,
    ProblemType.MULTICLASS_CLASSIFICATION: MulticlassEvaluation,
    ProblemType.REGRESSION: RegressionEvaluation,
}
"""The evaluation of each problem type."""
