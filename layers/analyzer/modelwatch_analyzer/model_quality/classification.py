"""Metrics of predicted classes: everything that follows from the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.confusion import ClassCounts, Classes, ConfusionMatrix
from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Confidence, Measured, Metric, measure
from modelwatch_analyzer.request_rows import RequestRows


def accuracy(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the share of rows that were predicted correctly."""
    return np.asarray(counts.correct.sum(axis=-1) / counts.total)


def precision(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the precision by class, shape (..., k); 0 where the class was never predicted."""
    return _ratio(counts.correct, counts.predicted)


def recall(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the recall by class, shape (..., k); 0 where no row is of the class."""
    return _ratio(counts.correct, counts.actual)


def f_beta(counts: ClassCounts, beta: float) -> NDArray[np.float64]:
    """Return van Rijsbergen's F by class, shape (..., k); 0 for a class that neither occurred nor was predicted."""
    weight = beta * beta
    return _ratio((1 + weight) * counts.correct, weight * counts.actual + counts.predicted)


def balanced_accuracy(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the mean recall over the classes that occurred."""
    occurred = counts.actual > 0
    return np.asarray(recall(counts).sum(axis=-1) / occurred.sum(axis=-1))


def matthews_correlation(counts: ClassCounts) -> NDArray[np.float64]:
    """Return Matthews' correlation, for more than two classes Gorodkin's; 0 if labels or predictions are constant."""
    total = counts.total.astype(np.float64)
    actual, predicted = counts.actual.astype(np.float64), counts.predicted.astype(np.float64)
    covariance = counts.correct.sum(axis=-1) * total - (actual * predicted).sum(axis=-1)
    of_actual, of_predicted = (total**2 - (sums**2).sum(axis=-1) for sums in (actual, predicted))
    return np.where(total > 0, _ratio(covariance, np.sqrt(of_actual * of_predicted)), np.nan)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, with 0 for 0/0: what scikit-learn returns and what the first party's files hold."""
    zeros = np.zeros(np.shape(denominator))
    return np.asarray(np.divide(numerator, denominator, out=zeros, where=np.asarray(denominator) != 0))


Formula = Callable[[ClassCounts], NDArray[np.float64]]
ByClass = Callable[[ClassCounts], NDArray[np.float64]]


def _positive(by_class: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
    return np.where(counts.total > 0, by_class(counts)[..., -1], np.nan)


def _weighted(by_class: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
    """Weight a metric by class with the number of rows of each."""
    return np.asarray((by_class(counts) * counts.actual).sum(axis=-1) / counts.total)


def _rate(place: int, *, right: bool, counts: ClassCounts) -> NDArray[np.float64]:
    """Return the share of a class's rows that were predicted correctly, or wrongly; NaN where there is no row."""
    correct, actual = counts.correct[..., place], counts.actual[..., place]
    return np.asarray((correct if right else actual - correct) / actual)


def _of(formula: Formula, evidence: Classes) -> NDArray[np.float64]:
    return formula(evidence.sums)


def _of_constant(formula: Formula, evidence: Classes) -> NDArray[np.float64]:
    return formula(evidence.sums.constant)


def _metric(name: str, formula: Formula, *, suggested: bool = True, **options: Any) -> Metric[Classes]:
    return Metric(name, partial(_of, formula), suggested=suggested, **options)


def _constants(**formulas: Formula) -> tuple[Metric[Classes], ...]:
    """Return metrics of the best constant classifier."""
    return tuple(
        Metric(f"{name}_best_constant_classifier", partial(_of_constant, formula)) for name, formula in formulas.items()
    )


def _labels(place: int, evidence: Classes) -> int:
    """Return the rows with a label."""
    return int(evidence.sums.actual[..., place])


def _predicted(evidence: Classes) -> int:
    """Return the rows that are predicted positive."""
    return int(evidence.sums.predicted[..., -1])


def _labelled_or_predicted(evidence: Classes) -> int:
    """Return the rows that are positive by label or prediction."""
    sums = evidence.sums
    return int(sums.actual[..., -1] + sums.predicted[..., -1] - sums.correct[..., -1])


def _of_rarest(evidence: Classes) -> int:
    """Return the rows of the rarest label that occurs."""
    actual = evidence.sums.actual
    return int(actual[actual > 0].min(initial=int(actual.sum())))


def _error_of_share(limit: float, rows: int) -> float:
    """Return the standard error of a share of so many rows (binomial distribution)."""
    return math.sqrt(max(limit * (1 - limit), 0.0) / rows)


def _error_of_f(limit: float, rows: int) -> float:
    """Return the standard error of F of so many rows that are positive by label or prediction.

    To first order, from that of the share of rows that are both, where as many are missed as wrongly found.
    """
    return _error_of_share(limit, rows) * math.sqrt(2) * (1 - limit / 2)


def _share(name: str, formula: Formula, **options: Any) -> Metric[Classes]:
    return _metric(name, formula, error_at=_error_of_share, **options)


_POSITIVE, _NEGATIVE = partial(_labels, -1), partial(_labels, 0)
"""The number of rows with a positive, and with a negative, label: the denominators of rates."""

F_BETAS: dict[str, ByClass] = {
    "f0_5": partial(f_beta, beta=0.5),
    "f1": partial(f_beta, beta=1.0),
    "f2": partial(f_beta, beta=2.0),
}
_NO_POSITIVE, _NO_NEGATIVE = "no label is positive", "no label is negative"
_GREATER = ComparisonOperator.GREATER_THAN

_BEYOND = (
    _metric("balanced_accuracy", balanced_accuracy, suggested=False, rows=_of_rarest),
    _metric(
        "matthews_correlation_coefficient",
        matthews_correlation,
        suggested=False,
        bounds=(-1.0, 1.0),
        rows=_of_rarest,
    ),
)
"""Metrics for any number of classes that the first party's files do not have."""

BINARY: tuple[Metric[Classes], ...] = (
    _share("recall", partial(_positive, recall), rows=_POSITIVE),
    _share("precision", partial(_positive, precision), rows=_predicted),
    _share("accuracy", accuracy),
    *_constants(recall=partial(_positive, recall), precision=partial(_positive, precision), accuracy=accuracy),
    _share(
        "true_positive_rate",
        lambda counts: _rate(-1, right=True, counts=counts),
        undefined=_NO_POSITIVE,
        same_as="recall",
        rows=_POSITIVE,
    ),
    _share(
        "true_negative_rate",
        lambda counts: _rate(0, right=True, counts=counts),
        undefined=_NO_NEGATIVE,
        rows=_NEGATIVE,
    ),
    _share(
        "false_positive_rate",
        lambda counts: _rate(0, right=False, counts=counts),
        undefined=_NO_NEGATIVE,
        worse=_GREATER,
        same_as="true_negative_rate",
        rows=_NEGATIVE,
    ),
    _share(
        "false_negative_rate",
        lambda counts: _rate(-1, right=False, counts=counts),
        undefined=_NO_POSITIVE,
        worse=_GREATER,
        same_as="recall",
        rows=_POSITIVE,
    ),
    *(
        _metric(name, partial(_positive, score), rows=_labelled_or_predicted, error_at=_error_of_f)
        for name, score in F_BETAS.items()
    ),
    *_constants(**{name: partial(_positive, score) for name, score in F_BETAS.items()}),
    *_BEYOND,
)
"""Metrics of two predicted classes."""

_RIGHT: dict[str, Formula] = {"accuracy": accuracy, "weighted_recall": partial(_weighted, recall)}
_WEIGHTED: dict[str, Formula] = {
    "weighted_precision": partial(_weighted, precision),
    **{f"weighted_{name}": partial(_weighted, score) for name, score in F_BETAS.items()},
}

MULTICLASS: tuple[Metric[Classes], ...] = (
    *(_share(name, formula, same_as="accuracy" if name != "accuracy" else None) for name, formula in _RIGHT.items()),
    *(_metric(name, formula) for name, formula in _WEIGHTED.items()),
    *_constants(**_RIGHT, **_WEIGHTED),
    *_BEYOND,
)
"""Metrics of any number of predicted classes."""


def of_class(place: int) -> tuple[Metric[Classes], ...]:
    """Return the metrics of one class, by its place among the labels."""
    by_class = {"precision": precision, "recall": recall, **F_BETAS}

    def of_this_class(function: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
        of_one = ClassCounts(*(getattr(counts, name)[..., place] for name in ClassCounts.__slots__))
        return function(of_one)

    return tuple(
        _metric(name, partial(of_this_class, function), suggested=False) for name, function in by_class.items()
    )


def measure_matrix(
    metrics: tuple[Metric[Classes], ...],
    matrix: ConfusionMatrix,
    confidence: Confidence,
    requests: RequestRows | None = None,
) -> tuple[dict[str, Measured], dict[str, dict[str, Measured]]]:
    """Measure all classes together, and each."""
    evidence = Classes(matrix.sums(), matrix)
    rows = int(matrix.counts.sum())
    per_class = {f"{place} {metric.name}": metric for place in range(len(matrix.labels)) for metric in of_class(place)}
    named = (Metric(name, metric.measure) for name, metric in per_class.items())
    measured = measure((*metrics, *named), evidence, rows, confidence, requests)
    of_all = {metric.name: measured[metric.name] for metric in metrics}
    of_each = {
        label: {metric.name: measured[f"{place} {metric.name}"] for metric in of_class(place)}
        for place, label in enumerate(matrix.labels)
    }
    return of_all, of_each
