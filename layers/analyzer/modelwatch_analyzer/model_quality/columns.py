"""Which columns of a dataset hold labels, predictions and probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.reading.dataset import Dataset, Plan, Role
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that an evaluation reads.

    Attributes
    ----------
    label : str
    prediction : str, optional
    probabilities : tuple of str
        None, one, or one for each class.
    threshold : float
        A probability above it predicts the positive class where there is no prediction.
    assumed : bool
        Whether all columns of the responses were taken for probabilities because no attribute says what they are.
    """

    label: str
    prediction: str | None
    probabilities: tuple[str, ...]
    threshold: float = DEFAULT_THRESHOLD
    assumed: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Every column once."""
        return tuple(dict.fromkeys(filter(None, (self.label, self.prediction, *self.probabilities))))

    def plan(self) -> Plan:
        """Return what is read, and as what: labels and predictions as they are, probabilities as numbers."""
        return Plan({name: pl.Float64() if name in self.probabilities else pl.Int64() for name in self.all})


def columns_of(settings: ModelQualitySettings, dataset: Dataset) -> Columns:
    """Find the columns of a model quality analysis by their roles.

    Raises
    ------
    InvalidInput
        ``GroundTruthNotFound``, ``PredictionNotGiven``, ``OneColumnExpected``, ``ProbabilityNotGiven``,
        ``SameColumn``.
    """
    roles, threshold = dataset.roles, settings.probability_threshold_attribute
    label = _only(roles.get(Role.GROUND_TRUTH, ()), "label", "ground_truth_attribute")
    if label is None:
        message = "there is no column of labels: name it with ground_truth_attribute"
        raise InvalidInput("GroundTruthNotFound", message)
    probabilities = roles.get(Role.PROBABILITY, ())
    if threshold is not None and not probabilities:
        message = "probability_threshold_attribute is given, but no probability: give probability_attribute too"
        raise InvalidInput("ProbabilityNotGiven", message)
    if settings.problem_type is ProblemType.BINARY_CLASSIFICATION:
        _only(probabilities, "probability", "probability_attribute")
    responses = roles.get(Role.INFERENCE, ())
    multiclass = settings.problem_type is ProblemType.MULTICLASS_CLASSIFICATION
    assumed = multiclass and len(responses) > 1 and not (settings.inference_attribute or probabilities)
    if assumed:
        responses, probabilities = (), responses
    prediction = _only(responses, "prediction", "inference_attribute")
    regression = settings.problem_type is ProblemType.REGRESSION
    if prediction is None and (regression or not probabilities):
        message = "there is no column of predictions: name it with inference_attribute"
        raise InvalidInput("PredictionNotGiven", message)
    if label in (prediction, *probabilities):
        message = f"{label!r} is named both as the label and as the prediction: name a different column for one of them"
        raise InvalidInput("SameColumn", message)
    return Columns(label, prediction, probabilities, DEFAULT_THRESHOLD if threshold is None else threshold, assumed)


def _only(columns: tuple[str, ...], what: str, attribute: str) -> str | None:
    if len(columns) > 1:
        message = f"{len(columns)} columns could be the {what}: name it with {attribute}, one of"
        nested = "or its JMESPath if it is inside JSON, such as predictions[*].score"
        raise InvalidInput("OneColumnExpected", f"{message} {listed(columns)}, {nested}")
    return columns[0] if columns else None
