"""Curves of predicted probabilities, thinned for files and reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.score_table import ScoreCells, bin_starts, calibration, descending, means_of_runs

MOST_POINTS = 201
"""The most points of a curve in files and reports."""


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
    expected, positives, rows = calibration(cells)
    means = means_of_runs(expected, rows, cells, bin_starts(cells))
    return means.tolist(), (positives / rows).tolist()


def _found(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Return how many are found with ever lower thresholds, from none on."""
    return np.concatenate([[0], np.cumsum(descending(counts))])


def _thinned(path: NDArray[np.float64], *coordinates: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Keep the points next to evenly spaced ones along a path that never goes back; its ends among them."""
    if path.size > MOST_POINTS:
        even = np.linspace(path[0], path[-1], MOST_POINTS)
        kept = np.unique(np.searchsorted(path, even))
        coordinates = tuple(values[kept] for values in coordinates)
    first, second = coordinates
    return first.tolist(), second.tolist()
