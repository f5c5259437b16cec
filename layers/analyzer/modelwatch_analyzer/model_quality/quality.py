"""The quality of a model, and what measures it: an accumulator for each problem type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import polars as pl

from modelwatch_analyzer.model_quality.confusion import ConfusionMatrix
from modelwatch_analyzer.model_quality.distributions import Distributions
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, Metric
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.request_rows import RequestRows


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a model.

    Attributes
    ----------
    rows : int
        How many rows were evaluated.
    metrics : dict of str to Measured
        The metrics by name, in the order of the registry.
    per_class : dict of str to dict
        The metrics of each class.
    matrix : ConfusionMatrix, optional
    roc, precision_recall, calibration : tuple of two lists, optional
        False and true positive rates; precisions and recalls; mean probabilities and shares of positive labels.
    warnings : tuple of str
    distributions : mapping of str to FeatureStatistics
        Those of predictions and of labels.
    requests : RequestRows
        The rows by their requests.
    """

    rows: int
    metrics: dict[str, Measured]
    per_class: dict[str, dict[str, Measured]] = field(default_factory=dict)
    matrix: ConfusionMatrix | None = None
    roc: tuple[list[float], list[float]] | None = None
    precision_recall: tuple[list[float], list[float]] | None = None
    calibration: tuple[list[float], list[float]] | None = None
    warnings: tuple[str, ...] = ()
    distributions: Distributions = field(default_factory=dict)
    requests: RequestRows = field(default_factory=RequestRows)

    def remark_on_requests(self) -> str | None:
        """Say by how many times fewer the rows count; see `RequestRows.remark`."""
        estimates = (each.estimate for each in self.metrics.values())
        return self.requests.remark(each.dependence for each in estimates if each is not None)


class Evaluation(Protocol):
    """An accumulator of one problem type."""

    @staticmethod
    def metrics() -> Iterable[Metric[Any]]:
        """Return the registry of the problem type's metrics, in the order of the files."""

    def plan(self) -> Plan:
        """Return what is read, and as what."""

    def update(self, batch: pl.DataFrame) -> None:
        """Take in rows."""

    def merge(self, other: Self) -> Self:
        """Return the evaluation of both, the other's rows behind this one's; neither changes."""

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows.

        Raises
        ------
        InvalidInput
            ``NoPredictions`` or ``GroundTruthNotFound`` where no row has both label and prediction.
        """
