"""The report of the model quality monitor: metrics with their intervals, the confusion matrix, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwatch_analyzer.report.figures import curve_figure
from modelwatch_analyzer.report.metrics import MetricRow, figures_of
from modelwatch_analyzer.report.page import most_important, write_page
from modelwatch_core.domain.analysis import AnalysisSummary

_LABELS = 20
_CURVES = 24
_SHADES = 5
_CHECKS = {"LessThanThreshold": "Below the threshold", "GreaterThanThreshold": "Above the threshold"}


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often which label was predicted.

    Attributes
    ----------
    labels : tuple of str
        In the order of rows and columns.
    counts : sequence of sequence of int
        Rows are the actual labels, columns the predicted ones.
    """

    labels: tuple[str, ...]
    counts: Sequence[Sequence[int]]


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
    """

    name: str
    x_label: str
    y_label: str
    x: Sequence[float]
    y: Sequence[float]
    diagonal: bool = False


@dataclass(frozen=True, slots=True)
class _Cell:
    count: int
    share: float
    shade: int


def write_model_quality_report(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    metrics: Sequence[MetricRow],
    confusion_matrix: ConfusionMatrix | None = None,
    curves: Sequence[Curve] = (),
) -> None:
    """Write the report of a model quality analysis.

    Parameters
    ----------
    path, title, summary, facts
        As for `write_page`.
    metrics : sequence of MetricRow
        In the order in which they are shown.
    confusion_matrix : ConfusionMatrix, optional
        Of a classification.
    curves : sequence of Curve
        In the order in which they are shown.
    """
    shown = most_important(metrics, lambda row: row.violated)
    write_page(
        path,
        title=title,
        summary=summary,
        facts=facts,
        template="model_quality.html.j2",
        checks=_CHECKS,
        anchors={row.name: f"m{i}" for i, row in enumerate(shown)},
        metrics=list(zip(shown, figures_of(shown), strict=True)),
        metrics_in_all=len(metrics),
        matrix=_shown(confusion_matrix) if confusion_matrix else None,
        labels_in_all=len(confusion_matrix.labels) if confusion_matrix else 0,
        curves=[(curve, curve_figure(curve.x, curve.y, diagonal=curve.diagonal)) for curve in curves[:_CURVES]],
        curves_in_all=len(curves),
    )


def _shown(matrix: ConfusionMatrix) -> list[tuple[str, int, list[_Cell]]]:
    """Return the rows of the most frequent labels: label, rows of the data, cells of the same labels."""
    totals = [sum(row) for row in matrix.counts]
    places = most_important(range(len(matrix.labels)), lambda i: totals[i], _LABELS)
    return [(matrix.labels[i], totals[i], [_cell(matrix.counts[i][j], totals[i]) for j in places]) for i in places]


def _cell(count: int, total: int) -> _Cell:
    share = count / total if total else 0.0
    return _Cell(count, share, round(_SHADES * share))
