"""The report of the bias monitor: every metric of every group, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch_analyzer.bias.check import BiasConstraint, spelled
from modelwatch_analyzer.bias.group_metrics import GroupMetric
from modelwatch_analyzer.bias.groups import Facet
from modelwatch_analyzer.report import ReportBody
from modelwatch_analyzer.report.figures import IntervalFigure, interval_figure
from modelwatch_analyzer.report.page import most_important
from modelwatch_analyzer.report.scores import grade, score
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import subject_text
from modelwatch_core.domain.number_text import count_text, number_text
from modelwatch_core.domain.outcome import RecordCounts
from modelwatch_core.domain.scores import Score

_CHECKS = {"bias_drift_check": "Bias beyond the baseline"}
_FAIR = {"DI": 1.0}
"""The value that means no bias, for metrics where it is not 0."""


@dataclass(frozen=True, slots=True)
class BiasRow:
    """A bias metric of one group, as the report shows it.

    Attributes
    ----------
    facet, facet_value : str
        The group.
    stage : str
        The stage of training that the metric belongs to, such as ``pre-training``.
    metric, description : str
        The metric's short name and what it is, such as ``DPPL`` and ``Difference in positive proportions ...``.
    value : float or Undefined
        What was found, or why there is no number.
    interval : tuple of float, optional
        Confidence limits, the lower first.
    allowed : str, optional
        The number or range that the metric is compared with, as text.
    baseline : float, optional
        The baseline's own value.
    limits : tuple of float, optional
        The least and the greatest value that is allowed.
    violated : bool
        Whether this is a violation.
    note : str, optional
        What a reader must know of it, such as a group that is too small to alert.
    """

    facet: str
    facet_value: str
    stage: str
    metric: str
    description: str
    value: float | Undefined
    interval: tuple[float, float] | None = None
    allowed: str | None = None
    baseline: float | None = None
    limits: tuple[float, float] | None = None
    violated: bool = False
    note: str | None = None

    @property
    def subject(self) -> str:
        """As violations name it."""
        return subject_text(self.metric, facet=self.facet, facet_value=self.facet_value)

    @property
    def score(self) -> Score:
        """The metric as trends and overviews have it, graded from where there is no bias to the limit on its side."""
        fair = _FAIR.get(self.metric, 0.0)
        limit = None
        if self.limits is not None and not isinstance(self.value, Undefined):
            limit = self.limits[self.value > fair]
        graded = grade(self.value, limit, at_rest=fair)
        return score(
            self.subject, self.value, baseline=self.baseline, threshold=limit, graded=graded, violated=self.violated
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's part of the page; each metric with the anchor of its row and its drawing."""

    facet: str
    facet_value: str
    size: int | None
    rows: list[tuple[BiasRow, str, IntervalFigure | None]]


def report_of(facets: Sequence[Facet], metrics: Sequence[GroupMetric], records: RecordCounts) -> ReportBody:
    """Return the report of a bias analysis."""
    groups = [(facet.name, value, facet.rows(i)[0]) for facet in facets for i, value in enumerate(facet.values)]
    return report_body([_row(each) for each in metrics], groups, records)


def report_body(rows: Sequence[BiasRow], groups: Sequence[tuple[str, str, int]], records: RecordCounts) -> ReportBody:
    """Lay out the report.

    Parameters
    ----------
    rows : sequence of BiasRow
        Those in violation are shown first, then those nearest to one; those of one facet and value are brought
        together.
    groups : sequence of (facet, value, rows of the data)
        Sizes of the groups.
    records : RecordCounts
        How many rows were read.
    """
    sizes = {(facet, value): size for facet, value, size in groups}
    shown: dict[tuple[str, str], _Group] = {}
    anchors = {}
    most = most_important(rows, lambda row: row.violated)
    for i, row in enumerate(sorted(most, key=lambda row: row.score.weight, reverse=True)):
        key = row.facet, row.facet_value
        group = shown.setdefault(key, _Group(*key, sizes.get(key), []))
        value = None if isinstance(row.value, Undefined) else row.value
        group.rows.append((row, f"b{i}", interval_figure(value, row.interval, _FAIR.get(row.metric, 0.0))))
        anchors[row.subject] = f"b{i}"
    in_all = len({(row.facet, row.facet_value) for row in rows})
    return ReportBody(
        package="modelwatch_analyzer.bias",
        extent=f"{count_text(records.read, 'record')} and {count_text(in_all, 'group')}",
        checks=_CHECKS,
        anchors=anchors,
        context={
            "groups": list(shown.values()),
            "rows_in_all": len(rows),
            "rows_shown": sum(len(group.rows) for group in shown.values()),
            "sizes": most_important(groups, lambda group: group[2]),
            "sizes_in_all": len(groups),
        },
        scores=tuple(row.score for row in rows),
    )


def _row(measure: GroupMetric) -> BiasRow:
    note = measure.verdict.note
    if measure.small and measure.verdict.violated:
        note = "the group is too small to alert"
    return BiasRow(
        facet=measure.facet,
        facet_value=measure.group,
        stage=measure.metric.stage.value.replace("_", "-"),
        metric=measure.metric.name,
        description=measure.metric.description,
        value=measure.value,
        interval=None if isinstance(measure.interval, Undefined) else measure.interval,
        allowed=_allowed(measure.constraint) if measure.constraint else None,
        baseline=measure.constraint.value if measure.constraint else None,
        limits=measure.constraint.range if measure.constraint else None,
        violated=measure.violated,
        note=note,
    )


def _allowed(constraint: BiasConstraint) -> str:
    """Write what is allowed with digits that people read; violations have all of them."""
    if constraint.range is None:
        return "undefined" if constraint.value is None else _end(constraint.value)
    return "any value" if constraint.is_open else " to ".join(map(_end, constraint.range))


def _end(value: float) -> str:
    return spelled(value) if math.isinf(value) else number_text(value)
