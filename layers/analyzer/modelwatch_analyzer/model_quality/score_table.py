"""A table of how many positive and negative labels there are at each predicted probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.resampling import Resampling

MOST_SCORES = 1 << 20
"""Up to this many distinct probabilities the table is exact."""

INEXACT = (
    f"there are more than {MOST_SCORES} distinct probabilities, so that each is known to 1 part in 16,384 of its "
    "distance from 0 or 1"
)
"""What to say of metrics of a table that is not exact."""

CALIBRATION_BINS = 10
"""The number of bins, of equal width, in the calibration error of Naeini, Cooper and Hauskrecht (2015)."""

_PENDING = 1 << 18
_OCTAVES, _PARTS = 64, 1 << 13
_RESAMPLED_CELLS = 512


class ScoreTable:
    """A mergeable table of probabilities, with how many positive and negative labels each has.

    Exact up to `MOST_SCORES` distinct probabilities. With more, each probability is in a fixed cell: the
    intervals ``[2**-k-1, 2**-k)`` of the probability, or from 0.5 on of its distance from 1, for k of 1 to 63, cut
    into 8,192 parts each. So it is known to 1 part in 16,384 of its distance from 0 or 1, whichever is nearer, and
    the table has at most 2**20 + 2 rows. The table depends on the set of rows alone, not on their order or split.

    Notes
    -----
    With cells, the area under the ROC curve is off by at most `ScoreCells.auc_error`, the average precision by
    `ScoreCells.average_precision_error`, the Brier score and the log loss by 6.2e-5; and a probability within a cell's
    width of a bin's edge may be counted in the neighbouring bin by the calibration error.
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
            If a score is not a probability.
        """
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise ValueError("scores must be in [0, 1]")
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
    """Probabilities, and how many labels of either kind each has; the evidence of the metrics of probabilities.

    Attributes
    ----------
    scores : ndarray of float64, shape (m,)
        The probabilities, ascending.
    positives, negatives : ndarray of int, shape (..., m)
    """

    scores: NDArray[np.float64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    @property
    def auc_error(self) -> float:
        """The greatest error of the area under the ROC curve, if scores that were unequal share a cell."""
        pairs = float(self.positives.sum()) * float(self.negatives.sum())
        return float((self.positives.astype(float) * self.negatives).sum() / (2 * pairs)) if pairs else 0.0

    @property
    def average_precision_error(self) -> float:
        """The greatest error of the average precision, if scores that were unequal share a cell.

        In each cell the positive labels may really come before all negative ones, or after them.
        """
        positives, negatives = descending(self.positives), descending(self.negatives)
        found, wrong = np.cumsum(positives), np.cumsum(negatives)
        precision = found / (found + wrong)
        highest = found / np.maximum(found + wrong - negatives, 1)
        first = found - positives + 1
        lowest = first / (first + wrong)
        return float(positives @ np.maximum(highest - precision, precision - lowest) / max(positives.sum(), 1))

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Resample at most 512 cells of about equally many rows."""
        coarse = self._coarse()
        drawn = resampling.counts(np.concatenate([coarse.positives, coarse.negatives]))
        positives, negatives = np.split(drawn, 2, axis=-1)
        return type(self)(coarse.scores, positives, negatives), coarse

    def seen_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return which of at most 512 cells has the probability, and labels."""
        firsts, score = self.scores[self._starts()], rows["score"].to_numpy()
        # Of a table that is not exact the first cell's probability may be above the row's.
        cell = np.searchsorted(firsts, score, side="right").clip(1) - 1
        return pl.DataFrame({"cell": cell, "positive": rows["positive"]})

    def with_one_more(self, rows: pl.DataFrame) -> Self:
        """Add a row of a cell and a label."""
        coarse = self._coarse()
        added = np.eye(coarse.scores.size, dtype=np.int64)[rows["cell"].to_numpy()]
        positive = rows["positive"].cast(pl.Int64).to_numpy()[:, None]
        return type(self)(coarse.scores, coarse.positives + added * positive, coarse.negatives + added * (1 - positive))

    def _starts(self) -> NDArray[np.int64]:
        """Return the places of the first probabilities of at most 512 cells of about equally many rows."""
        if self.scores.size <= _RESAMPLED_CELLS:
            return np.arange(self.scores.size)
        rows = self.positives + self.negatives
        group = (np.cumsum(rows) - 1) * _RESAMPLED_CELLS // rows.sum()
        return np.flatnonzero(np.diff(group, prepend=-1))

    def _coarse(self) -> Self:
        if self.scores.size <= _RESAMPLED_CELLS:
            return self
        rows, starts = self.positives + self.negatives, self._starts()
        sums = np.add.reduceat(rows, starts)
        means = means_of_runs(np.add.reduceat(self.scores * rows, starts), sums, self, starts)
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
    """Put each score in the middle of its cell; a score that is there already stays."""
    upper = rows.scores >= 0.5
    distance = np.where(upper, 1 - rows.scores, rows.scores)  # exact: Sterbenz' lemma
    fraction, exponent = np.frexp(distance)
    middle = np.ldexp((np.floor(fraction * 2 * _PARTS) + 0.5) / (2 * _PARTS), exponent)
    # 1 less the middle must be a float64 again, or it would be in another cell.
    middle = np.where(upper, np.floor(middle * 2.0**53) * 2.0**-53, middle)
    # What is nearer to the end than 2**-64 moves to it; 0.5, the one upper score at its cell's end, stays.
    middle = np.where(distance < 2.0**-_OCTAVES, 0.0, np.where(distance == 0.5, distance, middle))
    return ScoreCells(np.where(upper, 1 - middle, middle), rows.positives, rows.negatives)


def calibration(cells: ScoreCells) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the sums by bin: of probabilities, of positive labels, of rows."""
    starts = bin_starts(cells)
    rows = cells.positives + cells.negatives
    sums = (np.add.reduceat(part, starts, axis=-1) for part in (rows * cells.scores, cells.positives, rows))
    expected, positives, counts = sums
    return expected, positives, counts


def bin_starts(cells: ScoreCells) -> NDArray[np.int64]:
    """Return the place of the first probability in each bin that has one."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    bins = np.searchsorted(edges, cells.scores, side="left")
    return np.flatnonzero(np.diff(bins, prepend=-1))


def means_of_runs(
    sums: NDArray[np.float64], rows: NDArray[np.int64], cells: ScoreCells, starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return mean probabilities of runs; each is within its run, so that of equal probabilities is the probability."""
    lasts = np.append(starts[1:], cells.scores.size) - 1
    return np.asarray(np.clip(sums / rows, cells.scores[starts], cells.scores[lasts]))


def descending(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts by score from the greatest score on."""
    return counts[..., ::-1]
