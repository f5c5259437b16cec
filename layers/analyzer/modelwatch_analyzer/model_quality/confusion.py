"""Confusion matrices: accumulated from batches of rows, and resampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.resampling import Resampling

MOST_RESAMPLED_CELLS = 4096
"""A confusion matrix of more cells is resampled by the right and wrong predictions of each class alone."""


@dataclass(slots=True)
class ConfusionCounts:
    """A mergeable accumulator of how often each class was predicted for each actual class.

    Attributes
    ----------
    cells : Counter
        The rows of each pair of actual and predicted label.
    """

    cells: Counter[tuple[str, str]] = field(default_factory=Counter)

    def update(self, cells: Iterable[tuple[tuple[str, str], int]]) -> None:
        """Take in counts by pair of actual and predicted label."""
        for pair, count in cells:
            self.cells[pair] += count

    def merge(self, other: ConfusionCounts) -> ConfusionCounts:
        """Return the counts of both; neither changes."""
        return ConfusionCounts(self.cells + other.cells)

    def predicting(self, named: Mapping[str, str]) -> ConfusionCounts:
        """Return the counts with other names of the predicted labels."""
        counts = ConfusionCounts()
        counts.update(((actual, named[predicted]), count) for (actual, predicted), count in self.cells.items())
        return counts

    def finish(self, order: Callable[[str], Any], labels: Iterable[str] = ()) -> ConfusionMatrix:
        """Return the matrix of all labels that occurred, and of those given, in an order.

        Parameters
        ----------
        order : callable
            Returns the sort key of a label.
        labels : iterable of str
            Labels that have a row and a column even if they did not occur.
        """
        occurring = {label for pair in self.cells for label in pair} | set(labels)
        ordered = tuple(sorted(occurring, key=order))
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
        For each class, its rows that were predicted as such, all its rows, and all rows predicted as it.
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
        Labels of the cells that are not empty, as indices, sorted.
    right : ndarray of bool, shape (m,)
        Whether a cell holds correct predictions.
    counts : ndarray of int, shape (m,)
        The rows in each of these cells.
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

    def with_empty_cells(self) -> ConfusionMatrix:
        """Return this matrix with all its cells, unless these are too many."""
        size = len(self.labels)
        if size * size > MOST_RESAMPLED_CELLS:
            return self
        actual, predicted = (place.ravel() for place in np.indices((size, size)))
        return ConfusionMatrix(self.labels, actual, predicted, actual == predicted, self.dense().ravel())

    def never_met(self) -> tuple[list[str], list[str]] | None:
        """Return the actual and the predicted classes if none of them is the same; None if any is."""
        actual, predicted = (np.unique(each[self.counts > 0]) for each in (self.actual, self.predicted))
        if not actual.size or np.intersect1d(actual, predicted).size:
            return None
        return [self.labels[place] for place in actual], [self.labels[place] for place in predicted]

    def coarse(self) -> ConfusionMatrix:
        """Return a matrix of the same sums by class, and of at most three cells per class, unless this one is small.

        Wrong predictions are paired again, rows and columns in their order (the north-west corner rule of
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
    """The evidence of the metrics of predicted classes.

    Attributes
    ----------
    sums : ClassCounts
        The sums; in binary classification the positive class is last.
    matrix : ConfusionMatrix, optional
        What they were summed from; replicates have none.
    """

    sums: ClassCounts
    matrix: ConfusionMatrix | None = None

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Resample the cells of the confusion matrix."""
        matrix = self._finished().coarse()
        if resampling.further_rows:
            matrix = matrix.with_empty_cells()
        return type(self)(_sums(matrix, resampling.counts(matrix.counts))), self

    def seen_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return labels and predictions."""
        return rows.select("label", "prediction")

    def with_one_more(self, rows: pl.DataFrame) -> Self:
        """Add a row of a label and a prediction, which the matrix has, to the sums."""
        place = {label: index for index, label in enumerate(self._finished().labels)}
        one = np.eye(len(place), dtype=np.int64)
        actual, predicted = (
            one[rows[name].cast(pl.String).replace_strict(place, return_dtype=pl.Int64).to_numpy()]
            for name in rows.columns
        )
        sums = self.sums
        return type(self)(
            ClassCounts(sums.correct + actual * predicted, sums.actual + actual, sums.predicted + predicted)
        )

    def _finished(self) -> ConfusionMatrix:
        if self.matrix is None:
            raise TypeError("replicates have no matrix")
        return self.matrix
