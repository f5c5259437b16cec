"""The report of the bias monitor: every metric of every group, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwatch_analyzer.report.figures import IntervalFigure, interval_figure
from modelwatch_analyzer.report.page import counted, most_important, write_page
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import subject_text

_CHECKS = {"bias_drift_check": "Bias beyond the baseline"}
_FAIR = {"DI": 1.0}
"""The value that means no bias, where that is not 0."""


@dataclass(frozen=True, slots=True)
class BiasRow:
    """A bias metric of one group, as the report shows it.

    Attributes
    ----------
    facet, facet_value : str
        The group.
    stage : str
        Of the training, such as ``pre-training``.
    metric, description : str
        The metric's short name and what it is, such as ``DPPL`` and ``Difference in positive proportions ...``.
    value : float or Undefined
        What was found, or why there is no number.
    interval : tuple of float, optional
        Confidence limits, the lower first.
    baseline : str, optional
        The number or range that the metric is to keep to, in words.
    violated : bool
        Whether this is a violation.
    note : str, optional
        What a reader must know of it: a group so small that it never alerts alone.
    """

    facet: str
    facet_value: str
    stage: str
    metric: str
    description: str
    value: float | Undefined
    interval: tuple[float, float] | None = None
    baseline: str | None = None
    violated: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's part of the page; each metric with the anchor of its row and its drawing."""

    facet: str
    facet_value: str
    size: int | None
    rows: list[tuple[BiasRow, str, IntervalFigure | None]]


def write_bias_report(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    rows: Sequence[BiasRow],
    groups: Sequence[tuple[str, str, int]] = (),
) -> None:
    """Write the report of a bias analysis.

    Parameters
    ----------
    path, title, summary, facts
        As for `write_page`.
    rows : sequence of BiasRow
        In the order in which they are shown; those of one facet and value are brought together.
    groups : sequence of (facet, value, rows of the data)
        Sizes of the groups.
    """
    sizes = {(facet, value): size for facet, value, size in groups}
    shown: dict[tuple[str, str], _Group] = {}
    anchors = {}
    for i, row in enumerate(most_important(rows, lambda row: row.violated)):
        key = row.facet, row.facet_value
        group = shown.setdefault(key, _Group(*key, sizes.get(key), []))
        value = None if isinstance(row.value, Undefined) else row.value
        group.rows.append((row, f"b{i}", interval_figure(value, row.interval, _FAIR.get(row.metric, 0.0))))
        anchors[subject_text(row.metric, facet=row.facet, facet_value=row.facet_value)] = f"b{i}"
    in_all = len({(row.facet, row.facet_value) for row in rows})
    write_page(
        path,
        title=title,
        summary=summary,
        facts=facts,
        template="bias.html.j2",
        extent=f"{counted(summary.records.read, 'record')} and {counted(in_all, 'group')}",
        checks=_CHECKS,
        anchors=anchors,
        groups=list(shown.values()),
        rows_in_all=len(rows),
        rows_shown=sum(len(group.rows) for group in shown.values()),
        sizes=most_important(groups, lambda group: group[2]),
        sizes_in_all=len(groups),
    )
