"""The quality of classifiers of any number of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, starmap
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.classification import MULTICLASS, measure_matrix
from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.complete_rows import CompleteRows
from modelwatch_analyzer.model_quality.confusion import ConfusionCounts
from modelwatch_analyzer.model_quality.curves import calibration_curve
from modelwatch_analyzer.model_quality.distributions import of_classes
from modelwatch_analyzer.model_quality.labels import class_of, remarks_on_classes, require_few, sort_key
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, Metric, measure
from modelwatch_analyzer.model_quality.probability_columns import classes_among, classes_of_columns
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.model_quality.score_table import INEXACT, ScoreCells, ScoreTable
from modelwatch_analyzer.model_quality.scores import CONFIDENCES, TRUE_CLASS
from modelwatch_analyzer.profile.spelling import remark_on_codes
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_ASSUMED = (
    "add up to 1 and were taken for the probabilities of the classes: give probability_attribute or inference_attribute"
    " if they are something else"
)
_FARTHEST_SUM = 0.02
"""How far probabilities whose columns are not given may be from adding up to 1, because they are rounded."""


class MulticlassEvaluation:
    """Any number of classes, by predicted classes; by probabilities too, one per row or one per class.

    One probability per row is taken for that of the predicted class. With one per class, `classes_of_columns` says
    whose each is; without predictions the class of the greatest probability is predicted.
    """

    def __init__(self, columns: Columns) -> None:
        if columns.prediction is None and len(columns.probabilities) == 1:
            message = "one probability does not say which class is predicted: name its column with inference_attribute"
            raise InvalidInput("PredictionNotGiven", message)
        self._columns = columns
        self._complete = CompleteRows(columns)
        self._counts = ConfusionCounts()
        self._scores = ScoreTable()
        self._requests = RequestRows()
        self._without_probability = 0
        self._texts: dict[str, set[str]] = {"labels": set(), "predictions": set()}
        self._classes = classes_of_columns(columns.probabilities, columns.label)

    @staticmethod
    def metrics() -> Iterable[Metric[Any]]:
        """Return the registry of the problem type's metrics, in the order of the files."""
        return (*MULTICLASS, *TRUE_CLASS, *CONFIDENCES)

    def plan(self) -> Plan:
        """Return what is read, and as what."""
        return self._columns.plan()

    def update(self, batch: pl.DataFrame) -> None:
        """Take in rows.

        Raises
        ------
        InvalidInput
            ``TooManyClasses``, ``ProbabilityOutOfRange``, ``OneColumnExpected``.
        """
        columns = self._columns
        rows = self._complete.of(batch, columns.probabilities)
        if not rows.height:
            return
        probabilities = self._probabilities(rows)
        labels = _classes_of(rows[columns.label])
        guess = rows[columns.prediction] if columns.prediction else _most_probable(self._classes, probabilities)
        pairs = pl.DataFrame({"label": rows[columns.label], "guess": guess})
        cells = Counter[tuple[str, str]]()
        for label, predicted, count in pairs.group_by("label", "guess").len().iter_rows():
            cells[class_of(label), class_of(predicted)] += count
        for texts, column in zip(self._texts.values(), pairs.iter_columns(), strict=True):
            texts.update(column.unique() if column.dtype == pl.String else ())
        self._counts.update(cells.items())
        require_few(name for pair in self._counts.cells for name in pair)
        scored: dict[str, Any] = {}
        if probabilities.shape[1] == 1:
            scored = {"score": probabilities[:, 0], "positive": (labels == _classes_of(pairs["guess"])).to_numpy()}
            self._scores.update(scored["score"], scored["positive"])
        elif probabilities.shape[1]:
            scored = self._add_true_class(labels, probabilities)
        self._requests.update(rows, lambda: {"label": labels, "prediction": _classes_of(pairs["guess"])} | scored)

    def merge(self, other: MulticlassEvaluation) -> MulticlassEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = MulticlassEvaluation(self._columns)
        merged._complete = self._complete.merge(other._complete)
        merged._counts = self._counts.merge(other._counts)
        merged._scores = self._scores.merge(other._scores)
        merged._requests = self._requests.merge(other._requests)
        merged._without_probability = self._without_probability + other._without_probability
        merged._texts = {what: texts | other._texts[what] for what, texts in self._texts.items()}
        return merged

    def _probabilities(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        names, assumed = self._columns.probabilities, self._columns.assumed
        try:
            found = np.column_stack(
                [self._complete.probabilities(rows, name) for name in names] or [np.empty((rows.height, 0))]
            )
        except InvalidInput:
            if not assumed:
                raise
            found = np.full((rows.height, len(names)), np.nan)
        if assumed and not (np.abs(found.sum(axis=1) - 1) <= _FARTHEST_SUM).all():
            message = (
                f"{len(names)} columns could be the prediction, and they do not add up to 1 as probabilities do: name "
                "it with inference_attribute, or probabilities with probability_attribute"
            )
            raise InvalidInput("OneColumnExpected", message)
        return found

    def _add_true_class(self, labels: pl.Series, probabilities: NDArray[np.float64]) -> dict[str, Any]:
        """Count the probabilities of the true classes, and return them; of a class without one they are not used."""
        found_labels = labels.unique().to_list()
        place = {
            name: index
            for index, name in enumerate(classes_among(self._columns.probabilities, self._classes, found_labels))
        }
        known = [name for name in found_labels if name in place]
        index = labels.replace_strict(known, [place[name] for name in known], default=-1, return_dtype=pl.Int64)
        places = index.to_numpy()
        found = places >= 0
        self._without_probability += int((~found).sum())
        scores = probabilities[found, places[found]]
        self._scores.update(scores, np.ones(scores.size, dtype=np.bool_))
        return {"score": probabilities[np.arange(places.size), places], "positive": np.ones(places.size, np.bool_)}

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows; see `Evaluation`."""
        self._complete.require_rows()
        counts, requests = self._counts, self._requests
        if self._columns.prediction is None:
            # Predictions are the columns' names until the labels of all rows say what these have in common.
            labels = {label for label, _ in counts.cells}
            names = classes_among(self._columns.probabilities, self._classes, labels)
            named = dict(zip(self._classes, names, strict=True))
            counts, requests = counts.predicting(named), requests.replaced("prediction", named)
        matrix = counts.finish(sort_key)
        metrics, per_class = measure_matrix(MULTICLASS, matrix, confidence, requests)
        warnings = [*self._complete.warnings(), *remarks_on_classes(matrix)]
        warnings += chain.from_iterable(starmap(remark_on_codes, self._texts.items()))
        if self._columns.assumed:
            warnings.insert(0, f"the {len(self._classes)} columns of the responses {_ASSUMED}")
        cells, calibration = self._scores.finish(), None
        if self._without_probability:
            without = count_text(self._without_probability, "row")
            warnings.append(
                f"log_loss is left out: the label of {without} has no probability of its own. Name each column of "
                "probabilities after its class, as cat or prob.cat; columns without names are those of the classes 0, "
                "1, ..."
            )
        elif cells.scores.size:
            if not self._scores.exact:
                warnings.append(INEXACT)
            one = len(self._columns.probabilities) == 1
            metrics |= self._measured(CONFIDENCES if one else TRUE_CLASS, cells, confidence)
            calibration = calibration_curve(cells) if one else None
        return Quality(
            self._complete.rows,
            metrics,
            per_class,
            matrix,
            calibration=calibration,
            warnings=tuple(warnings),
            distributions=of_classes(matrix, requests),
            requests=requests,
        )

    def _measured(
        self, metrics: tuple[Metric[ScoreCells], ...], cells: ScoreCells, confidence: Confidence
    ) -> dict[str, Measured]:
        return measure(metrics, cells, self._complete.rows, confidence, self._requests)


def _most_probable(classes: Sequence[str], probabilities: NDArray[np.float64]) -> pl.Series:
    return pl.Series(classes).gather(probabilities.argmax(axis=1))


def _classes_of(column: pl.Series) -> pl.Series:
    values = column.unique().to_list()
    return column.replace_strict(values, [class_of(value) for value in values], return_dtype=pl.String)
