"""The quality of models that predict numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.complete_rows import CompleteRows
from modelwatch_analyzer.model_quality.metric import Confidence, Metric, measure
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.model_quality.regression_errors import RegressionErrors
from modelwatch_analyzer.model_quality.regression_metrics import QUANTILES, REGRESSION
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.request_rows import RequestRows


class RegressionEvaluation:
    """Numbers."""

    def __init__(self, columns: Columns) -> None:
        if columns.prediction is None:
            raise TypeError("a regression needs predictions")
        self._label, self._prediction = columns.label, columns.prediction
        self._complete = CompleteRows(Columns(columns.label, columns.prediction, ()))
        self._errors = RegressionErrors()
        self._requests = RequestRows()

    @staticmethod
    def metrics() -> Iterable[Metric[Any]]:
        """Return the registry of the problem type's metrics, in the order of the files."""
        return (*REGRESSION, *QUANTILES)

    def plan(self) -> Plan:
        """Return what is read, and as what."""
        return Plan(dict.fromkeys((self._label, self._prediction), pl.Float64()))

    def update(self, batch: pl.DataFrame) -> None:
        """Take in rows."""
        rows = self._complete.of(batch, (self._label, self._prediction))
        label, prediction = (rows[name].to_numpy() for name in (self._label, self._prediction))
        self._errors.update(label, prediction)
        self._requests.update(rows, lambda: {"label": label, "prediction": prediction})

    def merge(self, other: RegressionEvaluation) -> RegressionEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = RegressionEvaluation(self._complete.columns)
        merged._complete = self._complete.merge(other._complete)
        merged._errors = self._errors.merge(other._errors)
        merged._requests = self._requests.merge(other._requests)
        return merged

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows; see `Evaluation`.

        Raises
        ------
        InvalidInput
            ``ValuesNotNumeric`` where no row holds numbers.
        """
        self._complete.require_rows()
        sums, quantiles = self._errors.finish()
        metrics = measure(REGRESSION, sums, self._complete.rows, confidence, self._requests)
        metrics |= measure(QUANTILES, quantiles, self._complete.rows, confidence, self._requests)
        warnings = [*self._complete.warnings(), *self._errors.remarks()]
        return Quality(
            self._complete.rows,
            metrics,
            warnings=tuple(warnings),
            distributions=self._errors.distributions(self._requests),
            requests=self._requests,
        )
