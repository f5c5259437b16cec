"""``statistics.json`` and ``constraints.json`` of the model quality monitor: SageMaker's documents.

Beyond SageMaker's keys, a metric may have ``confidence_interval``, ``standard_error`` and ``compared_rows`` (by which
it is compared), ``repeated`` and ``requests`` (how many times fewer rows these count as, and in how many requests they
came, if these were equally large; where rows of one request are alike), ``bias_corrected_value`` (its value without
what chance adds to it) and, where it is ``"NaN"``, ``undefined`` with the reason; a classification has ``repeated``
(the same of the distributions of predictions and labels), ``class_counts`` (labels and predictions of each class) and
``per_class``, a regression ``distributions`` of predictions and labels, each as data quality's files have a feature.
``dataset`` has ``share_of_month`` in a series of windows.

A constraint may have ``beyond_confidence_interval`` (true: violated only if chance does not explain that the metric is
worse), ``baseline`` (what the threshold was made from) and, for ``r2``, ``definition`` (``Textbook`` or
``FirstParty``). ``monitoring_config`` has ``distribution_constraints`` as data quality's, and
``monitoring_config_overrides`` those of the ``prediction`` or the ``label`` alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints
from modelwatch_analyzer.documents import ConstraintsPart, read_document
from modelwatch_analyzer.metric_change import (
    LEAST_ROWS,
    MOST_ROWS,
    Dependence,
    Estimate,
    Rates,
    Repeated,
    Requests,
    margin_of,
)
from modelwatch_analyzer.model_quality.distributions import LABEL, PREDICTION
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS
from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Confidence, Measured, numbers_of
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings, ThresholdRule

SECTIONS: Mapping[ProblemType, str] = {
    ProblemType.BINARY_CLASSIFICATION: "binary_classification",
    ProblemType.MULTICLASS_CLASSIFICATION: "multiclass_classification",
    ProblemType.REGRESSION: "regression",
}
"""What the documents call each problem type."""

_GREATEST = sys.float_info.max
_GREATER = ComparisonOperator.GREATER_THAN

NAN = "NaN"
"""The text that SageMaker's files hold where there is no number."""


class R2Definition(StrEnum):
    """What the squared errors are divided by: the spread of the labels, or that of the predictions."""

    TEXTBOOK = "Textbook"
    FIRST_PARTY = "FirstParty"


class BaselineMetric(BaseModel):
    """What a suggested threshold was made from.

    Attributes
    ----------
    value, standard_error : float
        The metric in the baseline, see `Estimate`.
    rows : int
    repeated, requests : float, optional
        How far the rows are from being independent, see `Dependence`; where they are not.
    threshold : float
        What was suggested: one that differs was set by a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    value: float
    standard_error: Annotated[float, Field(ge=0)]
    rows: Annotated[int, Field(ge=LEAST_ROWS, le=MOST_ROWS)]
    repeated: Repeated = None
    requests: Requests = None
    threshold: float


class MetricConstraint(BaseModel):
    """What a metric must satisfy."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    threshold: float | Literal["NaN"]
    comparison_operator: ComparisonOperator
    beyond_confidence_interval: bool = False
    definition: R2Definition | None = None
    baseline: BaselineMetric | None = None
    additional_properties: Any = None

    @property
    def limit(self) -> float | Undefined:
        """The threshold as a number."""
        return Undefined("its threshold is NaN") if isinstance(self.threshold, str) else self.threshold

    @property
    def suggested_from(self) -> Estimate | None:
        """The baseline's metric, as long as the threshold and its side are those that were suggested."""
        before, limit = self.baseline, self.limit
        if before is None or isinstance(limit, Undefined) or not equal(before.threshold, limit):
            return None
        if limit != before.value and (limit < before.value) is (self.comparison_operator is _GREATER):
            return None
        dependence = Dependence.stored(before.repeated, before.requests)
        return Estimate(before.value, before.standard_error, before.rows, dependence)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Keys that mean nothing."""
        return tuple(self.model_extra or {})


class _MonitoringConfig(ConstraintsPart):
    distribution_constraints: DistributionConstraints | None = None


class _Overrides(ConstraintsPart):
    prediction: _MonitoringConfig | None = None
    label: _MonitoringConfig | None = None


class _Constraints(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    monitoring_config: _MonitoringConfig = _MonitoringConfig()
    monitoring_config_overrides: _Overrides = _Overrides()
    binary_classification_constraints: dict[str, MetricConstraint] | None = None
    multiclass_classification_constraints: dict[str, MetricConstraint] | None = None
    regression_constraints: dict[str, MetricConstraint] | None = None


@dataclass(frozen=True, slots=True)
class QualityConstraints:
    """What a constraints file says of one problem type.

    Attributes
    ----------
    metrics : dict of str to MetricConstraint
        The constraint of each metric.
    distribution : DistributionConstraints
        The constraints on the distributions of predictions and labels.
    overrides : dict of str to DistributionConstraints
        What one of both has otherwise.
    unknown : tuple of str
        Keys about distributions that mean nothing.
    """

    metrics: dict[str, MetricConstraint]
    distribution: DistributionConstraints
    overrides: dict[str, DistributionConstraints]
    unknown: tuple[str, ...]

    @property
    def rates(self) -> Rates:
        """How many false alarms metrics may cause."""
        given, usual = self.distribution, Rates()
        return Rates(given.false_alarm_rate or usual.per_window, given.monthly_false_alarm_rate or usual.per_month)

    def of_distributions(self, methods: DistributionConstraints) -> dict[str, DistributionConstraints]:
        """Return what applies to each distribution, where settings chose some drift measures for both."""
        general = self.distribution.overlaid(methods)
        return {name: general.overlaid(self.overrides.get(name)) for name in (PREDICTION, LABEL)}


def read_constraints(path: Path, problem_type: ProblemType) -> QualityConstraints:
    """Read the constraints of a problem type.

    Raises
    ------
    InvalidInput
        ``InvalidConstraints``, naming the place, or the problem type that the file is for.
    """
    document = read_document(_Constraints, path, "InvalidConstraints")
    wanted = f"{SECTIONS[problem_type]}_constraints"
    found: dict[str, MetricConstraint] | None = getattr(document, wanted)
    if found is None:
        sections = [f"{section}_constraints" for section in SECTIONS.values()]
        others = [name for name in sections if getattr(document, name) is not None]
        has = f"it has {' and '.join(others)}" if others else "it has no constraints of model quality"
        raise InvalidInput("InvalidConstraints", f"{path.name} has no {wanted}, which {problem_type} needs; {has}")
    config, overrides = document.monitoring_config, document.monitoring_config_overrides
    parts = {name: getattr(overrides, name) for name in (PREDICTION, LABEL)}
    return QualityConstraints(
        found,
        config.distribution_constraints or DistributionConstraints(),
        {name: part.distribution_constraints for name, part in parts.items() if part and part.distribution_constraints},
        (*config.unknown_keys(), *overrides.unknown_keys()),
    )


def suggested_constraints(
    quality: Quality, problem_type: ProblemType, rule: ThresholdRule
) -> dict[str, MetricConstraint]:
    """Return what the first party constrains, by metric.

    Metrics that are not defined have no constraint, nor have those whose rows are too few to estimate chance.

    Parameters
    ----------
    rule : ThresholdRule
        Whether the threshold is the baseline's own value, or the limit of what chance makes of it.
    """
    metrics = [each for each in EVALUATIONS[problem_type].metrics() if each.suggested and each.name in quality.metrics]
    rate = Rates().per_window / numbers_of(metrics)
    constraints = {}
    for metric in metrics:
        measured = quality.metrics[metric.name]
        estimate, exact = measured.estimate, rule is ThresholdRule.EXACT
        if isinstance(measured.value, Undefined) or (estimate is None and not exact):
            continue
        threshold, baseline = measured.value, None
        if estimate is not None and not exact:
            margin = margin_of(estimate, rate)
            worse = estimate.value + (margin if metric.worse is _GREATER else -margin)
            least, most = (min(max(each, -_GREATEST), _GREATEST) for each in metric.bounds)
            threshold = min(max(worse, least), most)
            baseline = BaselineMetric(
                value=estimate.value,
                standard_error=estimate.standard_error,
                rows=estimate.rows,
                threshold=threshold,
                **estimate.dependence.as_stored(),
            )
        constraints[metric.name] = MetricConstraint(
            threshold=threshold,
            comparison_operator=metric.worse,
            beyond_confidence_interval=not exact,
            definition=R2Definition.TEXTBOOK if metric.name == "r2" else None,
            baseline=baseline,
        )
    return constraints


def constraints_document(
    constraints: Mapping[str, MetricConstraint], distribution: DistributionConstraints, problem_type: ProblemType
) -> dict[str, Any]:
    """Return ``constraints.json``."""
    documents = {
        name: each.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        for name, each in constraints.items()
    }
    return {
        "version": 0.0,
        f"{SECTIONS[problem_type]}_constraints": documents,
        "monitoring_config": {"distribution_constraints": to_json(distribution)},
    }


def statistics_document(settings: ModelQualitySettings, quality: Quality, problem_type: ProblemType) -> dict[str, Any]:
    """Return ``statistics.json``."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    dataset: dict[str, Any] = {"item_count": quality.rows, "evaluation_time": now}
    for name in ("start_time", "end_time"):
        moment = getattr(settings, name)
        if moment is not None:
            dataset[name] = iso_utc(moment)
    if settings.share_of_month is not None:
        dataset["share_of_month"] = settings.share_of_month
    section = dict(_section(quality, confidence_of(settings)))
    document = {"version": 0.0, "dataset": dataset, f"{SECTIONS[problem_type]}_metrics": section}
    if quality.matrix is None:  # which has the distributions
        document["distributions"] = [to_json(each) for each in quality.distributions.values()]
    return document


def confidence_of(settings: ModelQualitySettings, *, estimates: bool = False) -> Confidence:
    """Return how intervals are made, and whether estimates are, for comparisons that allow for chance."""
    return Confidence(settings.bootstrap_replicates, settings.confidence_level, settings.seed, estimates)


def _section(quality: Quality, confidence: Confidence) -> Iterator[tuple[str, Any]]:
    matrix = quality.matrix
    if matrix is not None:
        names, counts = matrix.labels, matrix.dense().tolist()
        yield (
            "confusion_matrix",
            {name: dict(zip(names, row, strict=True)) for name, row in zip(names, counts, strict=True)},
        )
    for name, measured in quality.metrics.items():
        if name == "auc":
            yield from _curves(quality)
        yield name, _metric(measured, confidence)
    if matrix is not None:
        sums = matrix.sums()
        counts = zip(matrix.labels, sums.actual.tolist(), sums.predicted.tolist(), strict=True)
        repeated = {name: each.repeated for name, each in quality.distributions.items() if each.repeated}
        if repeated:
            yield "repeated", repeated
        yield "class_counts", {name: {"labels": labels, "predictions": said} for name, labels, said in counts}
    if quality.per_class:
        yield (
            "per_class",
            {
                label: {name: _metric(measured, confidence) for name, measured in metrics.items()}
                for label, metrics in quality.per_class.items()
            },
        )
    if quality.calibration is not None:
        means, shares = quality.calibration
        yield "calibration_curve", {"mean_probabilities": means, "shares": shares}


def _curves(quality: Quality) -> Iterator[tuple[str, Any]]:
    if quality.roc is not None:
        false, true = quality.roc
        curve = {"false_positive_rates": false, "true_positive_rates": true}
        yield "receiver_operating_characteristic_curve", curve
    if quality.precision_recall is not None:
        precisions, recalls = quality.precision_recall
        yield "precision_recall_curve", {"precisions": precisions, "recalls": recalls}


def _metric(measured: Measured, confidence: Confidence) -> dict[str, Any]:
    deviation = NAN if measured.standard_deviation is None else measured.standard_deviation
    if isinstance(measured.value, Undefined):
        return {"value": NAN, "standard_deviation": NAN, "undefined": measured.value.reason}
    document: dict[str, Any] = {"value": measured.value, "standard_deviation": deviation}
    if measured.interval is not None:
        lower, upper = measured.interval
        document["confidence_interval"] = {"lower": lower, "upper": upper, "confidence_level": confidence.level}
    if measured.estimate is not None:
        document |= {"standard_error": measured.estimate.standard_error, "compared_rows": measured.estimate.rows}
        document |= measured.estimate.dependence.as_stored()
        if measured.estimate.value != measured.value:
            document["bias_corrected_value"] = measured.estimate.value
    return document
