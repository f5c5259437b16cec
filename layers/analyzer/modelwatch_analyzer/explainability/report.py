"""The report of the explainability monitor: which features drive the model, now and in the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelwatch_analyzer.explainability.attribution import ranks
from modelwatch_analyzer.explainability.checks import CHECKS
from modelwatch_analyzer.explainability.documents import Analysis, LabelExplanation
from modelwatch_analyzer.explainability.drift import LabelDrift
from modelwatch_analyzer.explainability.history import ShareSpread
from modelwatch_analyzer.explainability.labels import matched
from modelwatch_analyzer.report import MetricRow, ReportBody
from modelwatch_analyzer.report.figures import BarsFigure, Scale, bars_figure
from modelwatch_analyzer.report.metrics import figures_of
from modelwatch_analyzer.report.page import most_important
from modelwatch_analyzer.report.scores import score
from modelwatch_core.domain.constraint_violations import ConstraintViolation, subject_text
from modelwatch_core.domain.number_text import count_text, number_text
from modelwatch_core.domain.outcome import RecordCounts
from modelwatch_core.domain.scores import Score

_CHECKS = {check_type: check.heading for check_type, check in CHECKS.items()}
_MOST_LABELS = 20
_MOST_FEATURES = 100


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """The global attribution of one feature for one label, as the report shows it.

    Attributes
    ----------
    label, feature : str
        The name of the model's output, and of its input.
    current, baseline : float, optional
        The attribution now and in the baseline; None where there is none, as for a feature that is new.
    interval : tuple of float, optional
        Confidence limits of the current one, the lower first.
    rank, baseline_rank : int, optional
        Places by attribution, from 1.
    background_error : float, optional
        Standard error of the attribution under resampling of the baseline rows.
    share : ShareSpread, optional
        Its share of all attribution, now and over the earlier executions.
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
    background_error: float | None = None
    share: ShareSpread | None = None
    violated: bool = False


@dataclass(frozen=True, slots=True)
class _Label:
    """A label's part of the page; each feature with the anchor of its row and its drawing."""

    name: str
    anchor: str
    features: int
    rows: list[tuple[AttributionRow, str, BarsFigure]]

    @property
    def has_errors(self) -> bool:
        return any(row.background_error is not None for row, *_ in self.rows)

    @property
    def has_shares(self) -> bool:
        return any(row.share is not None for row, *_ in self.rows)


def report_of(
    analysis: Analysis,
    baseline: Analysis | None,
    drifts: Mapping[str, LabelDrift],
    violations: Sequence[ConstraintViolation],
    records: RecordCounts,
) -> ReportBody:
    """Return the report of an explainability analysis."""
    then = matched(list(analysis.labels), baseline) if baseline else {}
    attributions = [
        row
        for label, explanation in analysis.labels.items()
        for row in _rows(label, explanation, then.get(label), drifts.get(label), violations)
    ]
    drift_rows = [row for drift in drifts.values() for row in _drift_rows(drift, violations)]
    return report_body(attributions, drift_rows, records, facts=_facts(analysis))


def report_body(
    attributions: Sequence[AttributionRow],
    drifts: Sequence[MetricRow],
    records: RecordCounts,
    facts: Mapping[str, str] | None = None,
) -> ReportBody:
    """Lay out the report.

    Parameters
    ----------
    attributions : sequence of AttributionRow
        Labels are shown in their order, the features of a label by their attribution.
    drifts : sequence of MetricRow
        How far the attributions have moved: NDCG and others.
    records : RecordCounts
        How many rows were read.
    """
    by_label: dict[str, list[AttributionRow]] = {}
    for row in attributions:
        by_label.setdefault(row.label, []).append(row)
    names = most_important(list(by_label), lambda name: any(row.violated for row in by_label[name]), _MOST_LABELS)
    labels = [_label(f"a{i}", name, by_label[name]) for i, name in enumerate(names)]
    shown = most_important(drifts, lambda row: row.violated)
    shown.sort(key=lambda row: row.score.weight, reverse=True)
    anchors = {row.name: f"m{i}" for i, row in enumerate(shown)}
    for label in labels:
        anchors |= {label.name: label.anchor, subject_text("shap", label=label.name): label.anchor}
        anchors |= {subject_text(row.feature, label=label.name): anchor for row, anchor, _ in label.rows}
    features = len({row.feature for row in attributions})
    return ReportBody(
        package="modelwatch_analyzer.explainability",
        extent=f"{count_text(records.read, 'record')} of {count_text(features, 'feature')}",
        checks=_CHECKS,
        anchors=anchors,
        facts=facts or {},
        context={
            "drifts": list(zip(shown, figures_of(shown), strict=True)),
            "drifts_in_all": len(drifts),
            "labels": labels,
            "labels_in_all": len(by_label),
        },
        scores=(*(row.score for row in drifts), *(_attribution_score(row) for row in attributions)),
    )


def _attribution_score(row: AttributionRow) -> Score:
    name = subject_text(row.feature, label=row.label)
    return score(name, row.current, baseline=row.baseline, violated=row.violated)


def _facts(analysis: Analysis) -> dict[str, str]:
    run = analysis.run_details
    if run is None:
        return {}
    return {
        "Explainer": f"{run.explainer}, {run.coalitions:,} coalitions" if run.coalitions else run.explainer,
        "Rows explained": f"{run.rows_explained:,} of {run.rows_in_dataset:,}",
        "Baseline rows": f"{run.background_rows:,}",
        "Baseline rows resampled": _resampling_text(analysis.labels),
        "Model calls": f"{run.model_calls:,} of at most {run.max_model_calls:,}, {run.rows_scored:,} rows scored",
        "Global value": f"{run.agg_method}{', log-odds' if run.use_logit else ''}",
    }


def _resampling_text(labels: Mapping[str, LabelExplanation]) -> str:
    """Write the agreement of the output with the least."""
    found = [each.background_resampling or {"undefined": "not measured"} for each in labels.values()]
    taus = [each["kendall_tau"] for each in found if isinstance(each.get("kendall_tau"), float)]
    if not taus:
        return str(found[0].get("undefined") or found[0]["kendall_tau"]["undefined"])
    first = found[0]
    return (
        f"Kendall's tau {number_text(min(taus))}; {count_text(first['rows'], 'row')} explained again "
        f"{first['replicates']:,} times, without model calls"
    )


def _label(anchor: str, name: str, rows: Sequence[AttributionRow]) -> _Label:
    rows = sorted(rows, key=_weight, reverse=True)
    shown = most_important(rows, lambda row: math.inf if row.violated else _weight(row), _MOST_FEATURES)
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


def _rows(
    label: str,
    explanation: LabelExplanation,
    baseline: LabelExplanation | None,
    drift: LabelDrift | None,
    violations: Sequence[ConstraintViolation],
) -> list[AttributionRow]:
    now, then = explanation.global_shap_values, baseline.global_shap_values if baseline else {}
    places, places_then = _places(now), _places(then)
    violated = {found.feature_name for found in violations if _label_of(found) == label}
    spread = explanation.confidence_intervals or {}
    errors = (explanation.background_resampling or {}).get("standard_errors", {})
    shares = drift.history.shares if drift else {}
    return [
        AttributionRow(
            label=label,
            feature=name,
            current=now.get(name),
            baseline=then.get(name),
            interval=tuple(spread[name]) if name in spread else None,
            rank=places.get(name),
            baseline_rank=places_then.get(name),
            background_error=errors.get(name),
            share=shares.get(name),
            violated=name in violated,
        )
        for name in {**now, **then}
    ]


def _drift_rows(drift: LabelDrift, violations: Sequence[ConstraintViolation]) -> list[MetricRow]:
    violated = {found.constraint_check_type for found in violations if _label_of(found) == drift.label}
    config, label = drift.config, drift.label
    return [
        MetricRow(
            f"NDCG of {label}",
            drift.ndcg,
            interval=drift.ndcg_interval,
            baseline=1.0,  # of the baseline with itself
            threshold=config.feature_attribution_drift_threshold,
            violated="feature_attribution_drift_check" in violated,
        ),
        MetricRow(
            f"attribution_stability of {label}",
            drift.history.stability,
            threshold=config.min_attribution_stability,
            violated="attribution_stability_check" in violated,
        ),
        MetricRow(
            f"kendall_tau of {label}",
            drift.history.kendall_tau,
            baseline=1.0,
            threshold=config.min_kendall_tau,
            violated="attribution_rank_agreement_check" in violated,
        ),
        *(MetricRow(f"kendall_tau of {label} with {name}", tau) for name, tau in drift.history.taus.items()),
        MetricRow(
            f"explanation_consistency of {label}",
            drift.consistency,
            threshold=config.min_explanation_consistency,
            violated="explanation_consistency_check" in violated,
        ),
    ]


def _places(attributions: Mapping[str, float]) -> dict[str, int]:
    return dict(zip(attributions, map(int, ranks(np.array([*attributions.values()]))), strict=True))


def _label_of(violation: ConstraintViolation) -> str | None:
    return (violation.model_extra or {}).get("label")
