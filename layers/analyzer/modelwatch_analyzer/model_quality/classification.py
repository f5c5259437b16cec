"""Metrics of predicted classes: everything that the confusion matrix decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Metric
from modelwatch_analyzer.resampling import Resampling

MOST_RESAMPLED_CELLS = 4096
"""A confusion matrix of more cells is resampled by what was predicted right and wrong of each class alone."""


@dataclass(slots=True)
class ConfusionCounts:
    """How often each class was predicted where each was true: a mergeable accumulator.

    Attributes
    ----------
    cells : Counter
        By pair of actual and predicted label.
    """

    cells: Counter[tuple[str, str]] = field(default_factory=Counter)

    def update(self, cells: Iterable[tuple[tuple[str, str], int]]) -> None:
        """Take in counts by pair of actual and predicted label."""
        for pair, count in cells:
            self.cells[pair] += count

    def merge(self, other: ConfusionCounts) -> ConfusionCounts:
        """Return the counts of both; neither changes."""
        return ConfusionCounts(self.cells + other.cells)

    def finish(self, order: Callable[[str], Any], labels: Iterable[str] = ()) -> ConfusionMatrix:
        """Return the matrix of all labels that were met, and of those given, in an order.

        Parameters
        ----------
        order : callable
            A label to what it is sorted by.
        labels : iterable of str
            Labels that have their row and column even if they were not met.
        """
        met = {label for pair in self.cells for label in pair} | set(labels)
        ordered = tuple(sorted(met, key=order))
        place = {label: index for index, label in enumerate(ordered)}
        pairs = sorted((place[actual], place[predicted], count) for (actual, predicted), count in self.cells.items())
        actual, predicted, counts = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
        return ConfusionMatrix(ordered, actual, predicted, actual == predicted, counts)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """The sums of a confusion matrix that its metrics need.

    Attributes
    ----------
    correct, actual, predicted : ndarray of int, shape (..., k)
        By class: rows that are of it and were predicted as it, that are of it, that were predicted as it.
    """

    correct: NDArray[np.int64]
    actual: NDArray[np.int64]
    predicted: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.int64]:
        """All rows, shape (...)."""
        return np.asarray(self.actual.sum(axis=-1))

    @property
    def constant(self) -> ClassCounts:
        """The counts of a classifier that always predicts the most frequent class, of equals the first."""
        best = np.argmax(self.actual, axis=-1)[..., None] == np.arange(self.actual.shape[-1])
        return ClassCounts(self.actual * best, self.actual, self.total[..., None] * best)


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """A finished confusion matrix, sparse.

    Attributes
    ----------
    labels : tuple of str, length k
    actual, predicted : ndarray of int, shape (m,)
        Where the cells lie that are not empty, sorted: indices of labels.
    right : ndarray of bool, shape (m,)
        Whether a cell holds what was predicted right.
    counts : ndarray of int, shape (m,)
        Of these cells.
    """

    labels: tuple[str, ...]
    actual: NDArray[np.int64]
    predicted: NDArray[np.int64]
    right: NDArray[np.bool_]
    counts: NDArray[np.int64]

    def sums(self) -> ClassCounts:
        """Return the sums by class."""
        return _sums(self, self.counts)

    def dense(self) -> NDArray[np.int64]:
        """Return the matrix, shape (k, k); rows are actual, columns predicted classes."""
        matrix = np.zeros((len(self.labels), len(self.labels)), dtype=np.int64)
        matrix[self.actual, self.predicted] = self.counts
        return matrix

    def coarse(self) -> ConfusionMatrix:
        """Return a matrix of the same sums by class, and of three cells a class at most, unless this one is small.

        What was predicted wrong is paired anew, rows and columns in their order (the north-west corner rule of
        transport problems). The variances of all sums stay as they are; only the covariance between how often one
        class was missed and how often another was predicted wrongly is another.
        """
        if self.counts.size <= MOST_RESAMPLED_CELLS:
            return self
        wrong = np.where(self.right, 0, self.counts)
        missed, mistaken = (np.cumsum(_by_class(wrong, at, len(self.labels))) for at in (self.actual, self.predicted))
        ends = np.union1d(missed, mistaken)
        starts = np.concatenate([[0], ends[:-1]])
        held = ends > starts
        right = self.right
        return ConfusionMatrix(
            self.labels,
            np.concatenate([self.actual[right], np.searchsorted(missed, starts[held], side="right")]),
            np.concatenate([self.predicted[right], np.searchsorted(mistaken, starts[held], side="right")]),
            np.concatenate([right[right], np.zeros(int(held.sum()), dtype=np.bool_)]),
            np.concatenate([self.counts[right], (ends - starts)[held]]),
        )


def _sums(matrix: ConfusionMatrix, counts: NDArray[np.int64]) -> ClassCounts:
    """Add up counts of a matrix's cells, shape (..., m), by class."""
    right, size = matrix.right, len(matrix.labels)
    return ClassCounts(
        _by_class(counts[..., right], matrix.actual[right], size),
        _by_class(counts, matrix.actual, size),
        _by_class(counts, matrix.predicted, size),
    )


def _by_class(counts: NDArray[np.int64], places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Add up counts by their class."""
    order = np.argsort(places, kind="stable")
    present, starts = np.unique(places[order], return_index=True)
    sums = np.zeros((*counts.shape[:-1], size), dtype=np.int64)
    if present.size:
        sums[..., present] = np.add.reduceat(counts[..., order], starts, axis=-1)
    return sums


@dataclass(frozen=True, slots=True)
class Classes:
    """The evidence of `BINARY` and `MULTICLASS`.

    Attributes
    ----------
    sums : ClassCounts
        Of binary classification with the positive class last.
    matrix : ConfusionMatrix, optional
        Where they come from; replicates have none.
    """

    sums: ClassCounts
    matrix: ConfusionMatrix | None = None

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Draw the cells of the confusion matrix anew."""
        if self.matrix is None:
            raise TypeError("replicates are not drawn from replicates")
        matrix = self.matrix.coarse()
        return type(self)(_sums(matrix, resampling.counts(matrix.counts))), self


def accuracy(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the share of rows that were predicted right."""
    return np.asarray(counts.correct.sum(axis=-1) / counts.total)


def precision(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the precision by class, shape (..., k); 0 where the class was never predicted."""
    return _ratio(counts.correct, counts.predicted)


def recall(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the recall by class, shape (..., k); 0 where no row is of the class."""
    return _ratio(counts.correct, counts.actual)


def f_beta(counts: ClassCounts, beta: float) -> NDArray[np.float64]:
    """Return van Rijsbergen's F by class, shape (..., k); 0 for a class that was neither met nor predicted."""
    weight = beta * beta
    return _ratio((1 + weight) * counts.correct, weight * counts.actual + counts.predicted)


def balanced_accuracy(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the mean recall over the classes that were met."""
    met = counts.actual > 0
    return np.asarray(recall(counts).sum(axis=-1) / met.sum(axis=-1))


def matthews_correlation(counts: ClassCounts) -> NDArray[np.float64]:
    """Return Matthews' correlation, for more than two classes Gorodkin's; 0 if truth or prediction is constant."""
    total = counts.total.astype(np.float64)
    actual, predicted = counts.actual.astype(np.float64), counts.predicted.astype(np.float64)
    covariance = counts.correct.sum(axis=-1) * total - (actual * predicted).sum(axis=-1)
    of_actual, of_predicted = (total**2 - (sums**2).sum(axis=-1) for sums in (actual, predicted))
    return np.where(total > 0, _ratio(covariance, np.sqrt(of_actual * of_predicted)), np.nan)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, with 0 for 0/0: what scikit-learn returns and what the first party's files hold."""
    zeros = np.zeros(np.shape(denominator))
    return np.asarray(np.divide(numerator, denominator, out=zeros, where=np.asarray(denominator) != 0))


Measure = Callable[[ClassCounts], NDArray[np.float64]]
ByClass = Callable[[ClassCounts], NDArray[np.float64]]


def _positive(by_class: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
    return np.where(counts.total > 0, by_class(counts)[..., -1], np.nan)


def _weighted(by_class: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
    """Weigh a metric by class with how many rows are of each."""
    return np.asarray((by_class(counts) * counts.actual).sum(axis=-1) / counts.total)


def _rate(place: int, *, right: bool, counts: ClassCounts) -> NDArray[np.float64]:
    """Return the share of a class's rows that were predicted right, or wrong; NaN where there is none."""
    correct, actual = counts.correct[..., place], counts.actual[..., place]
    return np.asarray((correct if right else actual - correct) / actual)


def _of(measure: Measure, evidence: Classes) -> NDArray[np.float64]:
    return measure(evidence.sums)


def _of_constant(measure: Measure, evidence: Classes) -> NDArray[np.float64]:
    return measure(evidence.sums.constant)


def _metric(name: str, measure: Measure, *, suggested: bool = True, **options: Any) -> Metric[Classes]:
    return Metric(name, partial(_of, measure), suggested=suggested, **options)


def _constants(**measures: Measure) -> tuple[Metric[Classes], ...]:
    """Return metrics of the best constant classifier."""
    return tuple(
        Metric(f"{name}_best_constant_classifier", partial(_of_constant, measure)) for name, measure in measures.items()
    )


F_BETAS: dict[str, ByClass] = {
    "f0_5": partial(f_beta, beta=0.5),
    "f1": partial(f_beta, beta=1.0),
    "f2": partial(f_beta, beta=2.0),
}
_NO_POSITIVE, _NO_NEGATIVE = "no label is positive", "no label is negative"
_GREATER = ComparisonOperator.GREATER_THAN

_BEYOND = (
    _metric("balanced_accuracy", balanced_accuracy, suggested=False),
    _metric("matthews_correlation_coefficient", matthews_correlation, suggested=False, bounds=(-1.0, 1.0)),
)
"""What the first party's files do not have, for any number of classes."""

BINARY: tuple[Metric[Classes], ...] = (
    _metric("recall", partial(_positive, recall)),
    _metric("precision", partial(_positive, precision)),
    _metric("accuracy", accuracy),
    *_constants(recall=partial(_positive, recall), precision=partial(_positive, precision), accuracy=accuracy),
    _metric("true_positive_rate", lambda counts: _rate(-1, right=True, counts=counts), undefined=_NO_POSITIVE),
    _metric("true_negative_rate", lambda counts: _rate(0, right=True, counts=counts), undefined=_NO_NEGATIVE),
    _metric(
        "false_positive_rate",
        lambda counts: _rate(0, right=False, counts=counts),
        undefined=_NO_NEGATIVE,
        worse=_GREATER,
    ),
    _metric(
        "false_negative_rate",
        lambda counts: _rate(-1, right=False, counts=counts),
        undefined=_NO_POSITIVE,
        worse=_GREATER,
    ),
    *(_metric(name, partial(_positive, score)) for name, score in F_BETAS.items()),
    *_constants(**{name: partial(_positive, score) for name, score in F_BETAS.items()}),
    *_BEYOND,
)
"""Metrics of two predicted classes."""

_WEIGHTED: dict[str, Measure] = {
    "accuracy": accuracy,
    "weighted_recall": partial(_weighted, recall),
    "weighted_precision": partial(_weighted, precision),
    **{f"weighted_{name}": partial(_weighted, score) for name, score in F_BETAS.items()},
}

MULTICLASS: tuple[Metric[Classes], ...] = (
    *(_metric(name, measure) for name, measure in _WEIGHTED.items()),
    *_constants(**_WEIGHTED),
    *_BEYOND,
)
"""Metrics of any number of predicted classes."""


def of_class(place: int) -> tuple[Metric[Classes], ...]:
    """Return the metrics of one class, by its place among the labels."""
    by_class = {"precision": precision, "recall": recall, **F_BETAS}

    def measure(function: ByClass, counts: ClassCounts) -> NDArray[np.float64]:
        of_one = ClassCounts(*(getattr(counts, name)[..., place] for name in ClassCounts.__slots__))
        return function(of_one)

    return tuple(_metric(name, partial(measure, function), suggested=False) for name, function in by_class.items())
