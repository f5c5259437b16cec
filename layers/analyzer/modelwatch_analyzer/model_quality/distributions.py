"""The distributions of predictions and of labels, now and in a baseline's ``statistics.json``.

Those of classes are the margins of the confusion matrix, which SageMaker's files have too. Those of numbers are under
``distributions``, which is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwatch_analyzer.documents import EditedDocument, read_document
from modelwatch_analyzer.feature_statistics import (
    CommonStatistics,
    Count,
    FeatureStatistics,
    InferredType,
    StringStatistics,
    categorical_distribution,
    numerical_statistics,
)
from modelwatch_analyzer.metric_change import Repeated
from modelwatch_analyzer.model_quality.confusion import ConfusionMatrix
from modelwatch_analyzer.model_quality.labels import class_of
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.number_text import count_text

PREDICTION, LABEL = "prediction", "label"

Distributions = Mapping[str, FeatureStatistics]
"""The distributions of predictions and of labels, by the names `PREDICTION` and `LABEL`."""


def of_classes(matrix: ConfusionMatrix, requests: RequestRows) -> Distributions:
    """Return how often each class was predicted, and how often it was the label."""
    sums = matrix.sums()
    margins = {PREDICTION: sums.predicted.tolist(), LABEL: sums.actual.tolist()}
    return {
        name: _of_counts(name, zip(matrix.labels, counts, strict=True), requests.repeated(name))
        for name, counts in margins.items()
    }


def unseen_classes(before: Distributions, now: Distributions) -> Iterator[str]:
    """Say how many labels and predictions are of classes that a baseline does not have, without their names."""
    for name, feature in now.items():
        known = before[name].categories if name in before else {}
        counts = feature.categories if known else {}
        new = [count for value, count in counts.items() if value not in known]
        if new:
            classes = "class" if len(new) == 1 else "classes"
            yield (
                f"{sum(new):,} of {count_text(sum(counts.values()), name)} belong to {len(new):,} {classes} that the "
                f"baseline does not have among its {name}s; see the confusion matrix"
            )


def of_numbers(name: str, moments: Moments, sketch: KllSketch, requests: RequestRows) -> FeatureStatistics:
    """Return the distribution of predicted numbers, or of labels, of which there is one at least."""
    described = numerical_statistics(CommonStatistics(num_present=moments.count), moments, sketch)
    return FeatureStatistics(
        name=name,
        inferred_type=InferredType.FRACTIONAL,
        numerical_statistics=described,
        repeated=requests.repeated(name),
    )


def _of_counts(name: str, counts: Iterable[tuple[str, int]], repeated: float | None) -> FeatureStatistics:
    occurring = {category: count for category, count in counts if count}
    described = StringStatistics(
        common=CommonStatistics(num_present=sum(occurring.values())),
        distinct_count=len(occurring),
        distribution=categorical_distribution(occurring),
    )
    return FeatureStatistics(
        name=name, inferred_type=InferredType.STRING, string_statistics=described, repeated=repeated
    )


class _Classification(EditedDocument):
    confusion_matrix: dict[str, dict[str, Count]] | None = None
    repeated: dict[str, Repeated] | None = None

    def distributions(self) -> Distributions:
        if self.confusion_matrix is None:
            return {}
        margins: dict[str, Counter[str]] = {PREDICTION: Counter(), LABEL: Counter()}
        for label, row in self.confusion_matrix.items():
            for prediction, count in row.items():
                margins[LABEL][class_of(label)] += count
                margins[PREDICTION][class_of(prediction)] += count
        repeated = self.repeated or {}
        return {name: _of_counts(name, counts.items(), repeated.get(name)) for name, counts in margins.items()}


class _Statistics(EditedDocument):
    binary_classification_metrics: _Classification | None = None
    multiclass_classification_metrics: _Classification | None = None
    regression_metrics: dict[str, Any] | None = None
    distributions: tuple[FeatureStatistics, ...] = ()


def read_distributions(path: Path, problem_type: ProblemType, section: str) -> Distributions:
    """Read the distributions of a baseline; empty where its statistics have none, as those of SageMaker's regressions.

    Parameters
    ----------
    section : str
        What ``statistics.json`` calls the metrics of the problem type.

    Raises
    ------
    InvalidInput
        ``InvalidStatistics``, naming the place, or the problem type that the file is of.
    """
    document = read_document(_Statistics, path, "InvalidStatistics")
    sections = [name for name in type(document).model_fields if name.endswith("_metrics")]
    if getattr(document, section) is None:
        others = [name for name in sections if getattr(document, name) is not None]
        has = f"it has {' and '.join(others)}" if others else "it has no metrics of model quality"
        raise InvalidInput("InvalidStatistics", f"{path.name} has no {section}, which {problem_type} needs; {has}")
    metrics = getattr(document, section)
    if isinstance(metrics, _Classification):
        return metrics.distributions()
    return {feature.name: feature for feature in document.distributions}
