"""Metrics of predicted probabilities: a table of how many labels of either kind each probability met."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Metric
from modelwatch_analyzer.resampling import Resampling

MOST_SCORES = 1 << 20
"""Up to this many distinct probabilities the table is exact."""

MOST_POINTS = 201
"""Of a curve in files and reports."""

CALIBRATION_BINS = 10
"""Of equal width, as Naeini, Cooper and Hauskrecht, 2015, have them."""

_PENDING = 1 << 18
_OCTAVES, _PARTS = 64, 1 << 13
_RESAMPLED_CELLS = 512
_EPSILON = float(np.finfo(np.float64).eps)


class ScoreTable:
    """A mergeable table of probabilities: how many positive and negative labels each met.

    Exact up to `MOST_SCORES` distinct probabilities. With more, each probability stands in a fixed cell: the
    intervals ``[2**-k-1, 2**-k)`` of the probability, or from 0.5 on of its distance from 1, for k of 1 to 63, cut
    into 8,192 parts each. So it is known to 1 part in 16,384 of its distance from 0 or 1, whichever is nearer, and
    the table has at most 2**20 + 2 rows. The table depends on the set of rows alone, not on their order or split.

    Notes
    -----
    With cells, the area under the ROC curve is off by at most `ScoreCells.auc_error`, the average precision by
    `ScoreCells.average_precision_error`, the Brier score and the log loss by 6.2e-5; and a probability within a cell's
    width of a bin's edge may be counted in the bin beside it by the calibration error.
    """

    __slots__ = ("_exact", "_pending", "_pending_rows", "_table")

    def __init__(self) -> None:
        self._exact = True
        self._table = ScoreCells(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        self._pending: list[ScoreCells] = []
        self._pending_rows = 0

    def update(self, scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> None:
        """Take in rows.

        Parameters
        ----------
        scores : ndarray of float64, shape (n,)
            Probabilities of the positive class, in [0, 1].
        positive : ndarray of bool, shape (n,)
            Whether the label is positive.

        Raises
        ------
        ValueError
            If a score is no probability.
        """
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise ValueError("scores must lie in [0, 1]")
        self._add(ScoreCells(scores, positive.astype(np.int64), (~positive).astype(np.int64)))

    def merge(self, other: ScoreTable) -> ScoreTable:
        """Return the table of both; neither changes."""
        merged = ScoreTable()
        merged._exact = self._exact and other._exact
        merged._include(self)
        merged._include(other)
        return merged

    def _include(self, other: ScoreTable) -> None:
        for rows in (other._table, *other._pending):
            self._add(rows)

    def finish(self) -> ScoreCells:
        """Return the table, sorted by score."""
        self._consolidate()
        return self._table

    @property
    def exact(self) -> bool:
        """Whether every distinct probability has its own row."""
        self._consolidate()
        return self._exact

    def _add(self, rows: ScoreCells) -> None:
        self._pending.append(rows)
        self._pending_rows += rows.scores.size
        if self._pending_rows >= max(_PENDING, self._table.scores.size):
            self._consolidate()

    def _consolidate(self) -> None:
        parts = [self._table, *self._pending]
        names = ScoreCells.__slots__
        joined = ScoreCells(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
        self._table = _summed(joined if self._exact else _in_cells(joined))
        if self._exact and self._table.scores.size > MOST_SCORES:
            self._exact = False
            self._table = _summed(_in_cells(self._table))
        self._pending, self._pending_rows = [], 0


@dataclass(frozen=True, slots=True)
class ScoreCells:
    """Probabilities, and how many labels of either kind each met; the evidence of `SCORES`.

    Attributes
    ----------
    scores : ndarray of float64, shape (m,)
        Ascending.
    positives, negatives : ndarray of int, shape (..., m)
    """

    scores: NDArray[np.float64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    @property
    def auc_error(self) -> float:
        """By how much the area under the ROC curve is off at most, if scores that were unequal share a cell."""
        pairs = float(self.positives.sum()) * float(self.negatives.sum())
        return float((self.positives.astype(float) * self.negatives).sum() / (2 * pairs)) if pairs else 0.0

    @property
    def average_precision_error(self) -> float:
        """By how much the average precision is off at most, if scores that were unequal share a cell.

        In each cell the positive labels may in truth stand before all negative ones, or behind them.
        """
        positives, negatives = _descending(self.positives), _descending(self.negatives)
        found, wrong = np.cumsum(positives), np.cumsum(negatives)
        told = found / (found + wrong)
        highest = found / np.maximum(found + wrong - negatives, 1)
        first = found - positives + 1
        lowest = first / (first + wrong)
        return float(positives @ np.maximum(highest - told, told - lowest) / max(positives.sum(), 1))

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Draw anew from at most 512 cells of about as many rows each."""
        coarse = self._coarse()
        drawn = resampling.counts(np.concatenate([coarse.positives, coarse.negatives]))
        positives, negatives = np.split(drawn, 2, axis=-1)
        return type(self)(coarse.scores, positives, negatives), coarse

    def _coarse(self) -> Self:
        if self.scores.size <= _RESAMPLED_CELLS:
            return self
        rows = self.positives + self.negatives
        group = (np.cumsum(rows) - 1) * _RESAMPLED_CELLS // rows.sum()
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        sums = np.add.reduceat(rows, starts)
        means = _means(np.add.reduceat(self.scores * rows, starts), sums, self, starts)
        return type(self)(means, np.add.reduceat(self.positives, starts), np.add.reduceat(self.negatives, starts))


def _summed(rows: ScoreCells) -> ScoreCells:
    """Sort rows and add up those of equal scores."""
    if not rows.scores.size:
        return rows
    order = np.argsort(rows.scores)
    scores = rows.scores[order]
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    sums = (np.add.reduceat(counts[order], starts) for counts in (rows.positives, rows.negatives))
    return ScoreCells(scores[starts], *sums)


def _in_cells(rows: ScoreCells) -> ScoreCells:
    """Put each score in the middle of its cell; a score that stands there already stays."""
    upper = rows.scores >= 0.5
    distance = np.where(upper, 1 - rows.scores, rows.scores)  # exact: Sterbenz' lemma
    fraction, exponent = np.frexp(distance)
    middle = np.ldexp((np.floor(fraction * 2 * _PARTS) + 0.5) / (2 * _PARTS), exponent)
    # 1 less the middle must be a float64 again, or it would stand in another cell.
    middle = np.where(upper, np.floor(middle * 2.0**53) * 2.0**-53, middle)
    # What is nearer to the end than 2**-64 stands at it; 0.5, the one upper score at its cell's end, at itself.
    middle = np.where(distance < 2.0**-_OCTAVES, 0.0, np.where(distance == 0.5, distance, middle))
    return ScoreCells(np.where(upper, 1 - middle, middle), rows.positives, rows.negatives)


def auc(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the area under the ROC curve by the trapezoidal rule: ties count half."""
    above = cells.positives.sum(axis=-1, keepdims=True) - np.cumsum(cells.positives, axis=-1)
    won = (cells.negatives * (above + cells.positives / 2)).sum(axis=-1)
    return np.asarray(won / cells.positives.sum(axis=-1) / cells.negatives.sum(axis=-1))


def average_precision(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the sum of precisions, each weighted with the recall that its threshold adds."""
    positives, predicted = _descending(cells.positives), _descending(cells.positives + cells.negatives)
    found = np.cumsum(positives, axis=-1)
    precisions = np.divide(found, np.cumsum(predicted, axis=-1), out=np.zeros(found.shape), where=found > 0)
    return np.asarray((precisions * positives).sum(axis=-1) / found[..., -1])


def log_loss(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the mean negative log-likelihood; probabilities are kept 2.2e-16 away from 0 and 1."""
    of_positive = -np.log(np.clip(cells.scores, _EPSILON, 1 - _EPSILON))
    of_negative = -np.log(np.clip(1 - cells.scores, _EPSILON, 1 - _EPSILON))
    return _mean(cells, of_positive, of_negative)


def brier_score(cells: ScoreCells) -> NDArray[np.float64]:
    """Return the mean squared distance of the probability from what came (Brier, 1950, halved)."""
    return _mean(cells, (1 - cells.scores) ** 2, cells.scores**2)


def expected_calibration_error(cells: ScoreCells) -> NDArray[np.float64]:
    """Return how far frequencies and probabilities are apart in ten bins of equal width, weighted with their rows.

    Bins are ``(i/10, (i+1)/10]``; 0 lies in the first. Naeini, Cooper and Hauskrecht, "Obtaining well calibrated
    probabilities using Bayesian binning", 2015.
    """
    expected, positives, rows = _calibration(cells)
    return np.asarray(np.abs(expected - positives).sum(axis=-1) / rows.sum(axis=-1))


def _calibration(cells: ScoreCells) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the sums by bin: of probabilities, of positive labels, of rows."""
    starts = _bin_starts(cells)
    rows = cells.positives + cells.negatives
    sums = (np.add.reduceat(part, starts, axis=-1) for part in (rows * cells.scores, cells.positives, rows))
    expected, positives, counts = sums
    return expected, positives, counts


def _bin_starts(cells: ScoreCells) -> NDArray[np.int64]:
    """Return the place of the first probability in each bin that has one."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    bins = np.searchsorted(edges, cells.scores, side="left")
    return np.flatnonzero(np.diff(bins, prepend=-1))


def _means(
    sums: NDArray[np.float64], rows: NDArray[np.int64], cells: ScoreCells, starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return mean probabilities of runs; each is within its run, so that of equal probabilities is the probability."""
    lasts = np.append(starts[1:], cells.scores.size) - 1
    return np.asarray(np.clip(sums / rows, cells.scores[starts], cells.scores[lasts]))


def _descending(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return counts[..., ::-1]


def _mean(cells: ScoreCells, positive: NDArray[np.float64], negative: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = cells.positives.sum(axis=-1) + cells.negatives.sum(axis=-1)
    return np.asarray((cells.positives @ positive + cells.negatives @ negative) / rows)


_ONE_CLASS = "all labels are of one class"
_GREATER = ComparisonOperator.GREATER_THAN
_CALIBRATION_ERROR = Metric(
    "expected_calibration_error", expected_calibration_error, worse=_GREATER, raised_by_chance=True
)

SCORES: tuple[Metric[ScoreCells], ...] = (
    Metric("auc", auc, suggested=True, undefined=_ONE_CLASS),
    Metric("average_precision", average_precision, undefined="no label is positive"),
    Metric("log_loss", log_loss, worse=_GREATER, bounds=(0.0, math.inf)),
    Metric("brier_score", brier_score, worse=_GREATER),
    _CALIBRATION_ERROR,
)
"""Metrics of predicted probabilities of two classes."""

TRUE_CLASS = (Metric("log_loss", log_loss, worse=_GREATER, bounds=(0.0, math.inf)),)
"""Metrics of the probabilities that several classes' true ones were given: tables of positive labels only."""

CONFIDENCES = (_CALIBRATION_ERROR,)
"""Metrics of the probabilities that predicted classes were given: what was predicted right is positive."""


def roc_curve(cells: ScoreCells) -> tuple[list[float], list[float]] | None:
    """Return false and true positive rates from (0, 0) to (1, 1); None where all labels are of one class.

    At most `MOST_POINTS`, evenly spread along the curve.
    """
    positives, negatives = _found(cells.positives), _found(cells.negatives)
    if not positives[-1] or not negatives[-1]:
        return None
    false, true = negatives / negatives[-1], positives / positives[-1]
    return _thinned(false + true, false, true)


def precision_recall_curve(cells: ScoreCells) -> tuple[list[float], list[float]] | None:
    """Return precisions and recalls from recall 0, where precision is 1 by convention; None without positive label.

    At most `MOST_POINTS`, evenly spread by recall.
    """
    found, predicted = _found(cells.positives), _found(cells.positives + cells.negatives)
    if not found[-1]:
        return None
    recalls = found / found[-1]
    precisions = np.divide(found, predicted, out=np.ones(found.shape), where=predicted > 0)
    last = int(np.argmax(recalls == 1)) + 1  # nothing is found any more behind it
    return _thinned(recalls[:last], precisions[:last], recalls[:last])


def calibration_curve(cells: ScoreCells) -> tuple[list[float], list[float]]:
    """Return mean probability and share of positive labels by bin; empty bins are left out."""
    expected, positives, rows = _calibration(cells)
    return _means(expected, rows, cells, _bin_starts(cells)).tolist(), (positives / rows).tolist()


def _found(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Return how many are found with ever lower thresholds, from none on."""
    return np.concatenate([[0], np.cumsum(_descending(counts))])


def _thinned(path: NDArray[np.float64], *coordinates: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Keep the points next to evenly spaced ones along a path that never goes back; its ends among them."""
    if path.size > MOST_POINTS:
        even = np.linspace(path[0], path[-1], MOST_POINTS)
        kept = np.unique(np.searchsorted(path, even))
        coordinates = tuple(values[kept] for values in coordinates)
    first, second = coordinates
    return first.tolist(), second.tolist()
