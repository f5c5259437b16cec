"""From batches of rows to the quality of a model: one evaluation for each problem type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.classification import (
    BINARY,
    MULTICLASS,
    Classes,
    ConfusionCounts,
    ConfusionMatrix,
    of_class,
)
from modelwatch_analyzer.model_quality.labels import (
    NEGATIVE,
    POSITIVE,
    PositiveValues,
    class_of,
    require_few,
    sort_key,
)
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, Metric, measure
from modelwatch_analyzer.model_quality.regression import QUANTILES, REGRESSION, RegressionErrors
from modelwatch_analyzer.model_quality.scores import (
    CONFIDENCES,
    MOST_SCORES,
    SCORES,
    TRUE_CLASS,
    ScoreCells,
    ScoreTable,
    calibration_curve,
    precision_recall_curve,
    roc_curve,
)
from modelwatch_analyzer.reading.dataset import Dataset, Plan, Role
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings

DEFAULT_THRESHOLD = 0.5

_INEXACT = (
    f"there are more than {MOST_SCORES} distinct probabilities, so that each is known to 1 part in 16,384 of its "
    "distance from 0 or 1"
)

_SCORES_AT = next(place for place, metric in enumerate(BINARY) if metric.name == "f0_5")
"""Where the first party's files have the area under the curve among the metrics of predicted classes."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that an evaluation reads.

    Attributes
    ----------
    label : str
    prediction : str, optional
    probabilities : tuple of str
        None, one, or one for each class.
    threshold : float
        A probability above it predicts the positive class where there is no prediction.
    """

    label: str
    prediction: str | None
    probabilities: tuple[str, ...]
    threshold: float = DEFAULT_THRESHOLD

    @property
    def all(self) -> tuple[str, ...]:
        """Every column once."""
        return tuple(dict.fromkeys(filter(None, (self.label, self.prediction, *self.probabilities))))

    def plan(self) -> Plan:
        """Read labels and predictions as they are, probabilities as numbers."""
        return Plan({name: pl.Float64() if name in self.probabilities else pl.Int64() for name in self.all})


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model was.

    Attributes
    ----------
    rows : int
        How many rows were evaluated.
    metrics : dict of str to Measured
        By name, in the order of the registry.
    per_class : dict of str to dict
        The metrics of each class.
    matrix : ConfusionMatrix, optional
    roc, precision_recall, calibration : tuple of two lists, optional
        False and true positive rates; precisions and recalls; mean probabilities and shares of positive labels.
    warnings : tuple of str
    """

    rows: int
    metrics: dict[str, Measured]
    per_class: dict[str, dict[str, Measured]] = field(default_factory=dict)
    matrix: ConfusionMatrix | None = None
    roc: tuple[list[float], list[float]] | None = None
    precision_recall: tuple[list[float], list[float]] | None = None
    calibration: tuple[list[float], list[float]] | None = None
    warnings: tuple[str, ...] = ()


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
            ``GroundTruthNotFound`` where no row has both label and prediction.
        """


def columns_of(settings: ModelQualitySettings, dataset: Dataset) -> Columns:
    """Find the columns of a model quality analysis by their roles.

    Raises
    ------
    InvalidInput
        ``GroundTruthNotFound``, ``PredictionNotGiven``, ``OneColumnExpected``, ``ProbabilityNotGiven``,
        ``SameColumn``, ``InvalidSettings`` for a threshold that is no probability.
    """
    roles, threshold = dataset.roles, settings.probability_threshold_attribute
    label = _only(roles.get(Role.GROUND_TRUTH, ()), "label", "ground_truth_attribute")
    if label is None:
        message = "there is no column of labels: say by ground_truth_attribute where they lie"
        raise InvalidInput("GroundTruthNotFound", message)
    probabilities = roles.get(Role.PROBABILITY, ())
    if threshold is not None and not probabilities:
        message = "probability_threshold_attribute is given and there is no probability: give probability_attribute too"
        raise InvalidInput("ProbabilityNotGiven", message)
    if threshold is not None and not 0 <= threshold <= 1:
        raise InvalidInput("InvalidSettings", "probability_threshold_attribute: must lie in [0, 1]")
    if settings.problem_type is ProblemType.BINARY_CLASSIFICATION:
        _only(probabilities, "probability", "probability_attribute")
    prediction = _only(roles.get(Role.INFERENCE, ()), "prediction", "inference_attribute")
    regression = settings.problem_type is ProblemType.REGRESSION
    if prediction is None and (regression or not probabilities):
        message = "there is no column of predictions: say by inference_attribute where they lie"
        raise InvalidInput("PredictionNotGiven", message)
    if label in (prediction, *probabilities):
        message = f"{label!r} is named both as the label and as what was predicted: name another column for one of them"
        raise InvalidInput("SameColumn", message)
    return Columns(label, prediction, probabilities, DEFAULT_THRESHOLD if threshold is None else threshold)


def _only(columns: tuple[str, ...], what: str, attribute: str) -> str | None:
    if len(columns) > 1:
        message = f"{len(columns)} columns stand for one {what}: say by {attribute} which one it is"
        raise InvalidInput("OneColumnExpected", message)
    return columns[0] if columns else None


@dataclass(slots=True)
class _Complete:
    """Leaves out rows that lack a label or a prediction, and counts them."""

    columns: Columns
    rows: int = 0
    unlabelled: int = 0
    without_prediction: int = 0
    not_numeric: Counter[str] = field(default_factory=Counter)

    def of(self, batch: pl.DataFrame, numeric: tuple[str, ...] = ()) -> pl.DataFrame:
        """Return the rows that have everything, with some columns as finite numbers."""
        label = self.columns.label
        unlabelled = batch[label].null_count()
        self.unlabelled += unlabelled
        if unlabelled:
            batch = batch.drop_nulls(label)
        complete = batch.drop_nulls(list(self.columns.all))
        self.without_prediction += batch.height - complete.height
        numbers = complete.with_columns(_number(complete[name]) for name in dict.fromkeys(numeric))
        for name in dict.fromkeys(numeric):
            self.not_numeric[name] += numbers[name].null_count()
        complete = numbers.drop_nulls(list(numeric)) if numeric else numbers
        self.rows += complete.height
        return complete

    def merge(self, other: _Complete) -> _Complete:
        """Return the counts of both."""
        return _Complete(
            self.columns,
            self.rows + other.rows,
            self.unlabelled + other.unlabelled,
            self.without_prediction + other.without_prediction,
            self.not_numeric + other.not_numeric,
        )

    def require_rows(self) -> None:
        """Refuse to say anything of nothing."""
        if self.rows:
            return
        not_numeric = sum(self.not_numeric.values())
        if not_numeric:
            named = ", ".join(repr(name) for name, count in self.not_numeric.items() if count)
            message = f"no row of {named} holds numbers: is the problem type right, and the attributes?"
            raise InvalidInput("ValuesNotNumeric", message)
        message = (
            f"no row has both a label and a prediction: {self.unlabelled} have no label, {self.without_prediction} no "
            "prediction. Are the attributes right, and have the labels arrived?"
        )
        raise InvalidInput("GroundTruthNotFound", message)

    def warnings(self) -> Iterator[str]:
        if self.unlabelled:
            yield f"{self.unlabelled} rows without a label were left out"
        if self.without_prediction:
            yield f"{self.without_prediction} rows without a prediction or probability were left out"
        for name, count in self.not_numeric.items():
            if count:
                yield f"{count} rows whose {name!r} is no number were left out"


def _number(column: pl.Series) -> pl.Series:
    """Return a column as Float64; what is no finite number becomes null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    column = column.cast(pl.Float64)
    return column.set(~column.is_finite(), None) if column.len() else column


def _probabilities(batch: pl.DataFrame, column: str) -> NDArray[np.float64]:
    values = batch[column].to_numpy()
    outside = np.count_nonzero((values < 0) | (values > 1))
    if outside:
        message = f"{outside} values of {column!r} lie outside [0, 1]: probability_attribute must name probabilities"
        raise InvalidInput("ProbabilityOutOfRange", message)
    return values


class BinaryEvaluation:
    """Of two classes, by predicted classes, by probabilities, or by both."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._complete = _Complete(columns)
        self._labels = PositiveValues("labels")
        self._predictions = PositiveValues("predictions")
        self._counts = ConfusionCounts()
        self._scores = ScoreTable()

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
        predicted = None
        if columns.probabilities:
            scores = _probabilities(rows, columns.probabilities[0])
            self._scores.update(scores, actual)
            predicted = scores > columns.threshold
        if columns.prediction:
            predicted = self._predictions.among(rows[columns.prediction]).to_numpy()
        cells = np.bincount(2 * actual + predicted, minlength=4).tolist()
        pairs = [(truth, guess) for truth in (NEGATIVE, POSITIVE) for guess in (NEGATIVE, POSITIVE)]
        self._counts.update(zip(pairs, cells, strict=True))

    def merge(self, other: BinaryEvaluation) -> BinaryEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = BinaryEvaluation(self._columns)
        merged._complete = self._complete.merge(other._complete)
        merged._counts = self._counts.merge(other._counts)
        merged._scores = self._scores.merge(other._scores)
        return merged

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows; see `Evaluation`."""
        self._complete.require_rows()
        matrix = self._counts.finish(sort_key, (NEGATIVE, POSITIVE))
        metrics, per_class = _of_matrix(BINARY, matrix, confidence)
        warnings = list(self._complete.warnings())
        if not self._columns.probabilities:
            return Quality(self._complete.rows, metrics, per_class, matrix, warnings=tuple(warnings))
        cells = self._scores.finish()
        if not self._scores.exact:
            warnings.append(
                f"{_INEXACT}; auc is off by at most {cells.auc_error:.1e}, average_precision by at most "
                f"{cells.average_precision_error:.1e}, log_loss and brier_score by at most 6.2e-05"
            )
        metrics |= measure(SCORES, cells, self._complete.rows, confidence)
        return Quality(
            self._complete.rows,
            {metric.name: metrics[metric.name] for metric in self.metrics()},
            per_class,
            matrix,
            roc_curve(cells),
            precision_recall_curve(cells),
            calibration_curve(cells),
            tuple(warnings),
        )


class MulticlassEvaluation:
    """Of any number of classes, by predicted classes; by probabilities too, one a row or one a class.

    Of a probability a row it is taken that it is the prediction's own. Of one a class, the column ``i``, or the one
    whose name ends in the class, belongs to class ``i``, or to that of its name; without predictions the greatest
    predicts.
    """

    def __init__(self, columns: Columns) -> None:
        if columns.prediction is None and len(columns.probabilities) == 1:
            message = "one probability does not say which class is predicted: say by inference_attribute where it lies"
            raise InvalidInput("PredictionNotGiven", message)
        self._columns = columns
        self._complete = _Complete(columns)
        self._counts = ConfusionCounts()
        self._scores = ScoreTable()
        self._without_probability = 0
        self._classes = tuple(_class_of_column(name, i) for i, name in enumerate(columns.probabilities))

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
            ``TooManyClasses``, ``ProbabilityOutOfRange``.
        """
        columns = self._columns
        rows = self._complete.of(batch, columns.probabilities)
        if not rows.height:
            return
        probabilities = np.column_stack(
            [_probabilities(rows, name) for name in columns.probabilities] or [np.empty((rows.height, 0))]
        )
        guess = rows[columns.prediction] if columns.prediction else self._most_probable(probabilities)
        pairs = pl.DataFrame({"label": rows[columns.label], "guess": guess})
        cells = Counter[tuple[str, str]]()
        for label, predicted, count in pairs.group_by("label", "guess").len().iter_rows():
            cells[class_of(label), class_of(predicted)] += count
        self._counts.update(cells.items())
        require_few(name for pair in self._counts.cells for name in pair)
        if probabilities.shape[1] == 1:
            label, predicted = (_classes_of(pairs[name]) for name in ("label", "guess"))
            self._scores.update(probabilities[:, 0], (label == predicted).to_numpy())
        elif probabilities.shape[1]:
            self._add_true_class(_classes_of(pairs["label"]), probabilities)

    def merge(self, other: MulticlassEvaluation) -> MulticlassEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = MulticlassEvaluation(self._columns)
        merged._complete = self._complete.merge(other._complete)
        merged._counts = self._counts.merge(other._counts)
        merged._scores = self._scores.merge(other._scores)
        merged._without_probability = self._without_probability + other._without_probability
        return merged

    def _most_probable(self, probabilities: NDArray[np.float64]) -> pl.Series:
        return pl.Series(self._classes).gather(probabilities.argmax(axis=1))

    def _add_true_class(self, labels: pl.Series, probabilities: NDArray[np.float64]) -> None:
        place = {name: index for index, name in enumerate(self._classes)}
        known = [name for name in labels.unique().to_list() if name in place]
        index = labels.replace_strict(known, [place[name] for name in known], default=-1, return_dtype=pl.Int64)
        places = index.to_numpy()
        found = places >= 0
        self._without_probability += int((~found).sum())
        scores = probabilities[found, places[found]]
        self._scores.update(scores, np.ones(scores.size, dtype=np.bool_))

    def finish(self, confidence: Confidence) -> Quality:
        """Return the quality of all rows; see `Evaluation`."""
        self._complete.require_rows()
        matrix = self._counts.finish(sort_key)
        metrics, per_class = _of_matrix(MULTICLASS, matrix, confidence)
        warnings = list(self._complete.warnings())
        cells, calibration = self._scores.finish(), None
        if self._without_probability:
            told = f"log_loss is left out: {self._without_probability} rows have a label without a probability of its"
            warnings.append(f"{told} own; columns of probabilities are taken for the classes 0, 1, ... or by name")
        elif cells.scores.size:
            if not self._scores.exact:
                warnings.append(_INEXACT)
            one = len(self._columns.probabilities) == 1
            metrics |= self._measured(CONFIDENCES if one else TRUE_CLASS, cells, confidence)
            calibration = calibration_curve(cells) if one else None
        return Quality(
            self._complete.rows, metrics, per_class, matrix, calibration=calibration, warnings=tuple(warnings)
        )

    def _measured(
        self, metrics: tuple[Metric[ScoreCells], ...], cells: ScoreCells, confidence: Confidence
    ) -> dict[str, Measured]:
        return measure(metrics, cells, self._complete.rows, confidence)


class RegressionEvaluation:
    """Of numbers."""

    def __init__(self, columns: Columns) -> None:
        if columns.prediction is None:
            raise TypeError("a regression needs predictions")
        self._label, self._prediction = columns.label, columns.prediction
        self._complete = _Complete(Columns(columns.label, columns.prediction, ()))
        self._errors = RegressionErrors()

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
        self._errors.update(rows[self._label].to_numpy(), rows[self._prediction].to_numpy())

    def merge(self, other: RegressionEvaluation) -> RegressionEvaluation:
        """Return the evaluation of both; see `Evaluation`."""
        merged = RegressionEvaluation(self._complete.columns)
        merged._complete = self._complete.merge(other._complete)
        merged._errors = self._errors.merge(other._errors)
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
        metrics = measure(REGRESSION, sums, self._complete.rows, confidence)
        metrics |= measure(QUANTILES, quantiles, self._complete.rows, confidence)
        return Quality(self._complete.rows, metrics, warnings=tuple(self._complete.warnings()))


def _of_matrix(
    metrics: tuple[Metric[Classes], ...], matrix: ConfusionMatrix, confidence: Confidence
) -> tuple[dict[str, Measured], dict[str, dict[str, Measured]]]:
    """Measure all classes together, and each."""
    evidence = Classes(matrix.sums(), matrix)
    rows = int(matrix.counts.sum())
    per_class = {f"{place} {metric.name}": metric for place in range(len(matrix.labels)) for metric in of_class(place)}
    named = (Metric(name, metric.measure) for name, metric in per_class.items())
    measured = measure((*metrics, *named), evidence, rows, confidence)
    of_all = {metric.name: measured[metric.name] for metric in metrics}
    of_each = {
        label: {metric.name: measured[f"{place} {metric.name}"] for metric in of_class(place)}
        for place, label in enumerate(matrix.labels)
    }
    return of_all, of_each


def _class_of_column(name: str, index: int) -> str:
    """Return whose probability a column holds: the class that its name ends in, or else its place."""
    last = name.rpartition(".")[2]
    return str(index) if last.removeprefix("_c").isdecimal() or not last else class_of(last)


def _classes_of(column: pl.Series) -> pl.Series:
    values = column.unique().to_list()
    return column.replace_strict(values, [class_of(value) for value in values], return_dtype=pl.String)


EVALUATIONS: Mapping[ProblemType, type[BinaryEvaluation | MulticlassEvaluation | RegressionEvaluation]] = {
    ProblemType.BINARY_CLASSIFICATION: BinaryEvaluation,
    ProblemType.MULTICLASS_CLASSIFICATION: MulticlassEvaluation,
    ProblemType.REGRESSION: RegressionEvaluation,
}
"""How each problem type is evaluated."""
