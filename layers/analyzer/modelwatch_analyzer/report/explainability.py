"""The report of the explainability monitor: which features drive the model, now and in the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwatch_analyzer.report.figures import BarsFigure, Scale, bars_figure
from modelwatch_analyzer.report.metrics import MetricRow, figures_of
from modelwatch_analyzer.report.page import counted, most_important, write_page
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import subject_text

_LABELS = 20
_FEATURES = 100
_CHECKS = {
    "feature_attribution_drift_check": "Drift of the attributions",
    "feature_set_check": "Features new or gone",
    "feature_attribution_change_check": "Attribution changed",
    "feature_rank_check": "Rank changed",
    "attribution_stability_check": "Stability of the attributions",
    "explanation_consistency_check": "Consistency of the explanations",
}


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """The global attribution of one feature for one label, as the report shows it.

    Attributes
    ----------
    label, feature : str
        Of the model's output and of its input.
    current, baseline : float, optional
        The attribution now and in the baseline; None where there is none, as for a feature that is new.
    interval : tuple of float, optional
        Confidence limits of the current one, the lower first.
    rank, baseline_rank : int, optional
        Places by attribution, from 1.
    violated : bool
        Whether this is a violation.
    """

    label: str
    feature: str
    current: float | None
    baseline: float | None = None
    interval: tuple[float, float] | None = None
    rank: int | None = None
    baseline_rank: int | None = None
    violated: bool = False


@dataclass(frozen=True, slots=True)
class _Label:
    """A label's part of the page; each feature with the anchor of its row and its drawing."""

    name: str
    anchor: str
    features: int
    rows: list[tuple[AttributionRow, str, BarsFigure]]


def write_explainability_report(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    attributions: Sequence[AttributionRow],
    drifts: Sequence[MetricRow] = (),
) -> None:
    """Write the report of an explainability analysis.

    Parameters
    ----------
    path, title, summary, facts
        As for `write_page`.
    attributions : sequence of AttributionRow
        Labels are shown in their order, the features of a label by their attribution.
    drifts : sequence of MetricRow
        How far the attributions have moved: NDCG and others.
    """
    by_label: dict[str, list[AttributionRow]] = {}
    for row in attributions:
        by_label.setdefault(row.label, []).append(row)
    names = most_important(list(by_label), lambda name: any(row.violated for row in by_label[name]), _LABELS)
    labels = [_label(f"a{i}", name, by_label[name]) for i, name in enumerate(names)]
    shown = most_important(drifts, lambda row: row.violated)
    anchors = {row.name: f"m{i}" for i, row in enumerate(shown)}
    for label in labels:
        anchors |= {label.name: label.anchor, subject_text("shap", label=label.name): label.anchor}
        anchors |= {subject_text(row.feature, label=label.name): anchor for row, anchor, _ in label.rows}
    features = len({row.feature for row in attributions})
    write_page(
        path,
        title=title,
        summary=summary,
        facts=facts,
        template="explainability.html.j2",
        extent=f"{counted(summary.records.read, 'record')} of {counted(features, 'feature')}",
        checks=_CHECKS,
        anchors=anchors,
        drifts=list(zip(shown, figures_of(shown), strict=True)),
        drifts_in_all=len(drifts),
        labels=labels,
        labels_in_all=len(by_label),
    )


def _label(anchor: str, name: str, rows: Sequence[AttributionRow]) -> _Label:
    rows = sorted(rows, key=_weight, reverse=True)
    shown = most_important(rows, lambda row: math.inf if row.violated else _weight(row), _FEATURES)
    numbers = [number for row in shown for number in (row.current, row.baseline, *(row.interval or ()))]
    scale = Scale.over((0.0, *numbers), BarsFigure.WIDTH) or Scale(0.0, 1.0, BarsFigure.WIDTH)
    drawn = [
        (row, f"{anchor}-{i}", bars_figure(row.baseline, row.current, row.interval, scale))
        for i, row in enumerate(shown)
    ]
    return _Label(name, anchor, len(rows), drawn)


def _weight(row: AttributionRow) -> float:
    """Return how much a feature counts: a lost one as much as it did in the baseline."""
    attribution = row.baseline if row.current is None else row.current
    return abs(attribution) if attribution is not None and math.isfinite(attribution) else 0.0
