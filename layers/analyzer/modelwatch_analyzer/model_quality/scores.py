"""Metrics of predicted probabilities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Metric
from modelwatch_analyzer.model_quality.score_table import ScoreCells, calibration, descending

_AREA_OF_CHANCE, _DEVIATIONS = 0.5, 3
_EPSILON = float(np.finfo(np.float64).eps)


def auc(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the area under the ROC curve by the trapezoidal rule: ties count half."""
    above = cells.positives.sum(axis=-1, keepdims=True) - np.cumsum(cells.positives, axis=-1)
    won = (cells.negatives * (above + cells.positives / 2)).sum(axis=-1)
    return np.asarray(won / cells.positives.sum(axis=-1) / cells.negatives.sum(axis=-1))


def is_below_chance(cells: ScoreCells) -> bool:
    """Return whether the area under the ROC curve is lower than chance makes it if scores say nothing about labels.

    It is if it lies three standard deviations below one half, which needs four rows of either label. Of few rows an
    interval from resamples is too narrow for this: of one positive row it has no width. The variance is that of Mann
    and Whitney, "On a test of whether one of two random variables is stochastically larger than the other", 1947; ties
    only lower it.
    """
    positives, negatives = float(cells.positives.sum()), float(cells.negatives.sum())
    if not positives or not negatives:
        return False
    deviation = math.sqrt((positives + negatives + 1) / positives / negatives / 12)
    return float(auc(cells)) < _AREA_OF_CHANCE - _DEVIATIONS * deviation


def average_precision(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the sum of precisions, each weighted by the recall that its threshold adds."""
    positives, predicted = descending(cells.positives), descending(cells.positives + cells.negatives)
    found = np.cumsum(positives, axis=-1)
    precisions = np.divide(found, np.cumsum(predicted, axis=-1), out=np.zeros(found.shape), where=found > 0)
    return np.asarray((precisions * positives).sum(axis=-1) / found[..., -1])


def log_loss(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the mean negative log-likelihood; probabilities are kept 2.2e-16 away from 0 and 1."""
    of_positive = -np.log(np.clip(cells.scores, _EPSILON, 1 - _EPSILON))
    of_negative = -np.log(np.clip(1 - cells.scores, _EPSILON, 1 - _EPSILON))
    return _mean(cells, of_positive, of_negative)


def brier_score(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the mean squared distance of the probability from the outcome (Brier, 1950, halved)."""
    return _mean(cells, (1 - cells.scores) ** 2, cells.scores**2)


def expected_calibration_error(cells: ScoreCells) -> NDArray[np.float64]:
    """Return how far apart frequencies and probabilities are in ten bins of equal width, weighted by their rows.

    Bins are ``(i/10, (i+1)/10]``; 0 is in the first. Naeini, Cooper and Hauskrecht, "Obtaining well calibrated
    probabilities using Bayesian binning", 2015.
    """
    expected, positives, rows = calibration(cells)
    return np.asarray(np.abs(expected - positives).sum(axis=-1) / rows.sum(axis=-1))


def _mean(cells: ScoreCells, positive: NDArray[np.float64], negative: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = cells.positives.sum(axis=-1) + cells.negatives.sum(axis=-1)
    return np.asarray((cells.positives @ positive + cells.negatives @ negative) / rows)


def _of_rarer_label(cells: ScoreCells) -> int:
    return int(min(cells.positives.sum(), cells.negatives.sum()))


_ONE_CLASS = "all labels are of one class"
_GREATER = ComparisonOperator.GREATER_THAN
_CALIBRATION_ERROR = Metric(
    "expected_calibration_error", expected_calibration_error, worse=_GREATER, raised_by_chance=True
)

SCORES: tuple[Metric[ScoreCells], ...] = (
    Metric("auc", auc, suggested=True, undefined=_ONE_CLASS, rows=_of_rarer_label),
    Metric("average_precision", average_precision, undefined="no label is positive", rows=_of_rarer_label),
    Metric("log_loss", log_loss, worse=_GREATER, bounds=(0.0, math.inf)),
    Metric("brier_score", brier_score, worse=_GREATER),
    _CALIBRATION_ERROR,
)
"""Metrics of predicted probabilities of two classes."""

TRUE_CLASS = (Metric("log_loss", log_loss, worse=_GREATER, bounds=(0.0, math.inf)),)
"""Metrics of the probabilities of the true classes, of several classes: tables of positive labels only."""

CONFIDENCES = (_CALIBRATION_ERROR,)
"""Metrics of the probabilities of the predicted classes: correct predictions are positive."""
