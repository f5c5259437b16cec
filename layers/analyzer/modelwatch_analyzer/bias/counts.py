"""The counts of rows that bias metrics are computed of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.metric_change import Estimate
from modelwatch_analyzer.undefined import Undefined

Array = NDArray[np.float64]
RowCounts = NDArray[np.int64]

NO_FLIP_TEST = Undefined("no flip test was made")
NO_BASELINE = Undefined("there is no baseline")


@dataclass(frozen=True)
class Counts:
    """Everything that metrics are computed of, for one dataset or for many replicates of it at once.

    Attributes
    ----------
    cells : ndarray, shape (..., 2, groups, labels, 2)
        Rows by facet (``a``, ``d``), value of the group variable, label (negative, positive; the distances between
        distributions of labels take any number of them) and prediction (negative, positive). Leading axes are
        replicates. Without predictions all rows are in the first of the last axis, without labels in the first of
        the one before it.
    grouped : bool
        Whether there is a group variable.
    flips : ndarray, shape (..., 2, 2), or Undefined
        Rows of ``d`` by the prediction and by what their nearest neighbours in ``a`` got.
    baseline_share : Estimate or Undefined
        The share of ``d`` in the baseline.
    """

    cells: RowCounts
    grouped: bool = False
    flips: RowCounts | Undefined = NO_FLIP_TEST
    baseline_share: Estimate | Undefined = NO_BASELINE

    @cached_property
    def by_label(self) -> RowCounts:
        """Rows by facet and label, shape (..., 2, labels)."""
        by_label: RowCounts = self.confusion.sum(axis=-1)
        return by_label

    @cached_property
    def by_prediction(self) -> RowCounts:
        """Rows by facet and prediction, shape (..., 2, 2)."""
        by_prediction: RowCounts = self.confusion.sum(axis=-2)
        return by_prediction

    @cached_property
    def confusion(self) -> RowCounts:
        """Rows by facet, label and prediction, shape (..., 2, labels, 2)."""
        # Where there are many groups, einsum sums short axes in a fraction of the time that sum takes.
        confusion: RowCounts = np.einsum("...glp->...lp", self.cells)
        return confusion

    @cached_property
    def rows(self) -> RowCounts:
        """Rows by facet, shape (..., 2)."""
        rows: RowCounts = self.by_label.sum(axis=-1)
        return rows
