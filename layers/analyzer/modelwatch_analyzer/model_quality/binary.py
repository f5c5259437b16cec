"""The quality of binary classifiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.classification import BINARY, measure_matrix
from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.complete_rows import CompleteRows
from modelwatch_analyzer.model_quality.confusion import ConfusionCounts
from modelwatch_analyzer.model_quality.curves import calibration_curve, precision_recall_curve, roc_curve
from modelwatch_analyzer.model_quality.distributions import of_classes
from modelwatch_analyzer.model_quality.labels import NEGATIVE, POSITIVE, PositiveValues, sort_key
from modelwatch_analyzer.model_quality.metric import Confidence, Metric, measure
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.model_quality.score_table import INEXACT, ScoreTable
from modelwatch_analyzer.model_quality.scores import SCORES, is_below_chance
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.request_rows import RequestRows

_SCORES_AT = next(place for place, metric in enumerate(BINARY) if metric.name == "f0_5")
"""Where the first party's files have the area under the curve among the metrics of predicted classes."""


class BinaryEvaluation:
    """Two classes, by predicted classes, by probabilities, or by both."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._complete = CompleteRows(columns)
        self._labels = PositiveValues("labels")
        self._predictions = PositiveValues("predictions")
        self._counts = ConfusionCounts()
        self._scores = ScoreTable()
        self._requests = RequestRows()

    @staticmethod
    def metrics() -> Iterable[Metric[Any]]:
        """Return the registry of the problem type's metrics, in the order of the files."""
        return (*BINARY[:_SCORES_AT], *SCORES[:1], *BINARY[_SCORES_AT:], *SCORES[1:])

    def plan(self) -> Plan:
        """Return what is read, and as what."""
        return self._columns.plan()

    def update(self, batch: pl.DataFrame) -> None:
        """Take in rows.

        Raises
        ------
        InvalidInput
            ``LabelsNotBinary``, ``ProbabilityOutOfRange``.
        """
        columns = self._columns
        rows = self._complete.of(batch, columns.probabilities)
        if not rows.height:
            return
        actual = self._labels.among(rows[columns.label]).to_numpy()
        predicted: NDArray[np.bool_] = np.empty(0, np.bool_)
        scored: dict[str, Any] = {}
        if columns.probabilities:
            scores = self._complete.probabilities(rows, columns.probabilities[0])
            self._scores.update(scores, actual)
            scored = {"score": scores, "positive": actual}
            predicted = scores > columns.threshold
        if columns.prediction:
            predicted = self._predictions.among(rows[columns.prediction]).to_numpy()
        cells = np.bincount(2 * actual + predicted, minlength=4).tolist()
        pairs = [(label, guess) for label in (NEGATIVE, POSITIVE) for guess in (NEGATIVE, POSITIVE)]
        self._counts.update(zip(pairs, cells, strict=True))
        self._requests.update(
            rows, lambda: {"label": actual.astype(np.int8), "prediction": predicted.astype(np.int8)} | scored
        )

    def merge(self, other: BinaryEvaluation) -> BinaryEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = BinaryEvaluation(self._columns)
        merged._complete = self._complete.merge(other._complete)
        merged._labels = self._labels.merge(other._labels)
        merged._predictions = self._predictions.merge(other._predictions)
        merged._counts = self._counts.merge(other._counts)
        merged._scores = self._scores.merge(other._scores)
        merged._requests = self._requests.merge(other._requests)
        return merged

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows; see `Evaluation`."""
        self._complete.require_rows()
        matrix = self._counts.finish(sort_key, (NEGATIVE, POSITIVE))
        metrics, per_class = measure_matrix(BINARY, matrix, confidence, self._requests)
        warnings = [*self._complete.warnings(), *self._labels.remarks(), *self._predictions.remarks()]
        if not self._columns.probabilities:
            return Quality(
                self._complete.rows,
                metrics,
                per_class,
                matrix,
                warnings=tuple(warnings),
                distributions=of_classes(matrix, self._requests),
                requests=self._requests,
            )
        cells = self._scores.finish()
        if not self._scores.exact:
            warnings.append(
                f"{INEXACT}; auc is off by at most {cells.auc_error:.1e}, average_precision by at most "
                f"{cells.average_precision_error:.1e}, log_loss and brier_score by at most 6.2e-05"
            )
        metrics |= measure(SCORES, cells, self._complete.rows, confidence, self._requests)
        if is_below_chance(cells):
            warnings.append(
                "auc is below 0.5, and not by chance: rows with higher probabilities have label 1 less often. Are the "
                "probabilities those of the other class, or labels 0 and 1 exchanged?"
            )
        return Quality(
            self._complete.rows,
            {metric.name: metrics[metric.name] for metric in self.metrics()},
            per_class,
            matrix,
            roc_curve(cells),
            precision_recall_curve(cells),
            calibration_curve(cells),
            tuple(warnings),
            of_classes(matrix, self._requests),
            self._requests,
        )
