"""The report of the model quality monitor: metrics with their intervals, the confusion matrix, curves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.model_quality.baseline_quality import BaselineQuality
from modelwatch_analyzer.model_quality.check import camel_case, metric_compared
from modelwatch_analyzer.model_quality.confusion import ConfusionMatrix
from modelwatch_analyzer.model_quality.distributions import Distributions
from modelwatch_analyzer.model_quality.documents import MetricConstraint
from modelwatch_analyzer.model_quality.drift import drift_name
from modelwatch_analyzer.model_quality.metric import Measured
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.report import MetricRow, ReportBody
from modelwatch_analyzer.report.figures import CurveFigure, curve_figure
from modelwatch_analyzer.report.histograms import PicturedPair, pictured_pair
from modelwatch_analyzer.report.metrics import figures_of
from modelwatch_analyzer.report.page import most_important
from modelwatch_analyzer.report.scores import drift_grade, score
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.scores import Score

_LABELS = 20
_CURVES = 24
_SHADES = 5
_CHECKS = {
    "LessThanThreshold": "Below the threshold",
    "GreaterThanThreshold": "Above the threshold",
    DRIFT_CHECK: "Drift from the baseline",
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve such as ROC, precision against recall, or calibration.

    Attributes
    ----------
    name, x_label, y_label : str
        What it is and what its axes are.
    x, y : sequence of float
        Its points, as many of one as of the other, in the order of the line; along x, in either direction.
    diagonal : bool
        Whether x = y means something: chance for a ROC curve, perfection for a calibration.
    before : tuple of sequence of float, optional
        x and y of the baseline's curve.
    """

    name: str
    x_label: str
    y_label: str
    x: Sequence[float]
    y: Sequence[float]
    diagonal: bool = False
    before: tuple[Sequence[float], Sequence[float]] | None = None


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """A distribution as the report shows it: then and now, side by side.

    Attributes
    ----------
    name : str
        What is distributed; also the row's anchor.
    subject : str
        As violations name its drift.
    pictured : PicturedPair
        Both sides.
    drift : Drift, optional
        None where nothing was compared.
    """

    name: str
    subject: str
    pictured: PicturedPair
    drift: Drift | None


@dataclass(frozen=True, slots=True)
class _Cell:
    count: int
    share: float
    shade: int
    share_before: float | None


def report_of(
    quality: Quality,
    constraints: Mapping[str, MetricConstraint],
    violated: Collection[str],
    baseline: Distributions | None = None,
    drifts: Mapping[str, Drift] | None = None,
    then: BaselineQuality | None = None,
) -> ReportBody:
    """Return the report of a model quality analysis.

    Parameters
    ----------
    constraints : mapping of str to MetricConstraint
        Those of the baseline; none where a baseline is made.
    violated : collection of str
        Names of the metrics in violation.
    baseline : mapping of str to FeatureStatistics, optional
        The distributions of the baseline.
    drifts : mapping of str to Drift, optional
        The drift of each distribution.
    then : BaselineQuality, optional
        What the baseline's statistics say of the model.
    """
    then = then or BaselineQuality()
    compared = {metric_compared(name, constraint): constraint for name, constraint in constraints.items()}
    return report_body(
        [
            _metric_row(name, measured, then.values.get(name), compared.get(name), name in violated)
            for name, measured in _all_metrics(quality)
        ],
        quality.matrix,
        list(_curves(quality, then)),
        list(distribution_rows(quality.distributions, baseline or {}, drifts or {})),
        facts={"Rows evaluated": f"{quality.rows:,}"},
        matrix_before=then.matrix,
    )


def report_body(
    metrics: Sequence[MetricRow],
    matrix: ConfusionMatrix | None = None,
    curves: Sequence[Curve] = (),
    distributions: Sequence[DistributionRow] = (),
    facts: Mapping[str, str] | None = None,
    matrix_before: Mapping[str, Mapping[str, float]] | None = None,
) -> ReportBody:
    """Lay out the report; curves and distributions are shown in their order, metrics by how near to a violation.

    Parameters
    ----------
    matrix_before : mapping, optional
        The baseline's counts, by actual and predicted label.
    """
    shown = most_important(metrics, lambda row: row.violated)
    shown.sort(key=lambda row: row.score.weight, reverse=True)
    return ReportBody(
        package="modelwatch_analyzer.model_quality",
        checks=_CHECKS,
        anchors={row.name: f"m{i}" for i, row in enumerate(shown)} | {row.subject: row.name for row in distributions},
        facts=facts or {},
        context={
            "metrics": list(zip(shown, figures_of(shown), strict=True)),
            "metrics_in_all": len(metrics),
            "matrix": _shown(matrix.labels, matrix.dense().tolist(), matrix_before or {}) if matrix else None,
            "labels_in_all": len(matrix.labels) if matrix else 0,
            "curves": [(curve, _figure(curve)) for curve in curves[:_CURVES]],
            "curves_in_all": len(curves),
            "distributions": distributions,
            "compared": any(row.drift or row.pictured.then.caption for row in distributions),
        },
        charts={row.name: row.pictured.overlay.chart for row in distributions if row.pictured.overlay},
        scores=(
            *(row.score for row in metrics),
            *(_drift_score(row.subject, row.drift) for row in distributions if row.drift),
        ),
    )


def _drift_score(subject: str, drift: Drift) -> Score:
    return score(subject, drift.distance, threshold=drift.threshold, graded=drift_grade(drift), violated=drift.exceeded)


def _all_metrics(quality: Quality) -> Iterator[tuple[str, Measured]]:
    yield from quality.metrics.items()
    for label, metrics in quality.per_class.items():
        yield from ((f"{name} of {label}", measured) for name, measured in metrics.items())


def _metric_row(
    name: str, measured: Measured, before: float | None, constraint: MetricConstraint | None, violated: bool
) -> MetricRow:
    limit = constraint.limit if constraint else None
    return MetricRow(
        name=camel_case(name),
        value=measured.value,
        standard_deviation=measured.standard_deviation,
        interval=measured.interval,
        baseline=before,
        threshold=None if isinstance(limit, Undefined) else limit,
        violated=violated,
    )


def distribution_rows(
    now: Distributions, baseline: Distributions, drifts: Mapping[str, Drift]
) -> Iterator[DistributionRow]:
    """Yield the distributions of predictions and labels."""
    for name, distribution in now.items():
        then = to_json(baseline[name]) if name in baseline else {}
        subject = camel_case(drift_name(name))
        yield DistributionRow(name, subject, pictured_pair(then, to_json(distribution)), drifts.get(name))


def _curves(quality: Quality, then: BaselineQuality) -> Iterator[Curve]:
    if quality.roc is not None:
        false, true = quality.roc
        axes = ("false positive rate", "true positive rate")
        yield Curve("ROC curve", *axes, false, true, diagonal=True, before=then.roc)
    if quality.precision_recall is not None:
        precisions, recalls = quality.precision_recall
        yield Curve("Precision and recall", "recall", "precision", recalls, precisions, before=then.recall_precision)
    if quality.calibration is not None:
        means, shares = quality.calibration
        axes = ("mean probability", "share that came true")
        yield Curve("Calibration", *axes, means, shares, diagonal=True, before=then.calibration)


def _figure(curve: Curve) -> CurveFigure | None:
    return curve_figure(curve.x, curve.y, diagonal=curve.diagonal, before=curve.before)


def _shown(
    labels: Sequence[str], counts: Sequence[Sequence[int]], before: Mapping[str, Mapping[str, float]]
) -> list[tuple[str, int, list[_Cell]]]:
    """Return the rows of the most frequent labels: label, rows of the data, cells of the same labels."""
    totals = [sum(row) for row in counts]
    places = most_important(range(len(labels)), lambda i: totals[i], _LABELS)
    return [
        (labels[i], totals[i], [_cell(counts[i][j], totals[i], labels[j], before.get(labels[i], {})) for j in places])
        for i in places
    ]


def _cell(count: int, total: int, predicted: str, before: Mapping[str, float]) -> _Cell:
    share = count / total if total else 0.0
    total_before = sum(before.values())
    share_before = before.get(predicted, 0.0) / total_before if total_before else None
    return _Cell(count, share, round(_SHADES * share), share_before)
