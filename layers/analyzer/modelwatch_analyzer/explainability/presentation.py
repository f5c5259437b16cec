"""What an explainability analysis says of drift: in its JSON, and on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from modelwatch_analyzer.explainability.attribution import ranks
from modelwatch_analyzer.explainability.checks import LabelDrift
from modelwatch_analyzer.explainability.documents import Analysis, LabelExplanation
from modelwatch_analyzer.report.explainability import AttributionRow, write_explainability_report
from modelwatch_analyzer.report.metrics import MetricRow
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import iso_utc


def drift_document(drift: LabelDrift) -> dict[str, Any]:
    """Write a label's drift as JSON; what is undefined is an object with the reason."""
    return {
        "ndcg": _number(drift.ndcg),
        "ndcg_interval": drift.ndcg_interval,
        "attribution_stability": _number(drift.stability),
        "explanation_consistency": _number(drift.consistency),
        "new_features": list(drift.new),
        "missing_features": list(drift.missing),
        "features": {
            name: {
                "change": moved.change,
                "share_change": _number(moved.share_change),
                "share_change_interval": moved.share_interval,
                "rank": moved.rank,
                "baseline_rank": moved.baseline_rank,
            }
            for name, moved in drift.changes.items()
        },
    }


def write_report(
    settings: AnalysisSettings,
    analysis: Analysis,
    baseline: Analysis | None,
    drifts: Mapping[str, LabelDrift],
    violations: Sequence[ConstraintViolation],
    path: Path,
    summary: AnalysisSummary,
) -> None:
    """Write the page for people."""
    kind = "Explainability" if baseline else "Explainability baseline"
    subject = " / ".join(filter(None, (settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name)))
    then = list(baseline.labels.values()) if baseline else []
    rows = [
        row
        for place, (label, explanation) in enumerate(analysis.labels.items())
        for row in _rows(label, explanation, _then(baseline, label, then, place), violations)
    ]
    write_explainability_report(
        path,
        title=f"{kind} of {subject or settings.dataset_source.name}",
        summary=summary,
        facts=_facts(settings, analysis),
        attributions=rows,
        drifts=[row for drift in drifts.values() for row in _drift_rows(drift, violations)],
    )


def _then(
    baseline: Analysis | None, label: str, in_order: Sequence[LabelExplanation], place: int
) -> LabelExplanation | None:
    return None if baseline is None else baseline.labels.get(label) or in_order[place]


def _facts(settings: AnalysisSettings, analysis: Analysis) -> dict[str, str]:
    window = f"{_moment(settings.start_time)} to {_moment(settings.end_time)}"
    facts = {
        "Dataset": settings.dataset_source.name,
        "Format": settings.dataset_format.name,
        "Window": window if settings.start_time or settings.end_time else None,
        "Endpoint": settings.sagemaker_endpoint_name,
        "Schedule": settings.sagemaker_monitoring_schedule_name,
    }
    run = analysis.run_details
    if run is not None:
        facts |= {
            "Explainer": f"{run.explainer}, {run.coalitions:,} coalitions" if run.coalitions else run.explainer,
            "Rows explained": f"{run.rows_explained:,} of {run.rows_in_dataset:,}",
            "Baseline rows": f"{run.background_rows:,}",
            "Model calls": f"{run.model_calls:,} of at most {run.max_model_calls:,}, {run.rows_scored:,} rows scored",
            "Global value": f"{run.agg_method}{', log-odds' if run.use_logit else ''}",
        }
    return {label: text for label, text in facts.items() if text}


def _rows(
    label: str,
    explanation: LabelExplanation,
    baseline: LabelExplanation | None,
    violations: Sequence[ConstraintViolation],
) -> list[AttributionRow]:
    now, then = explanation.global_shap_values, baseline.global_shap_values if baseline else {}
    places, places_then = _places(now), _places(then)
    violated = {found.feature_name for found in violations if _label_of(found) == label}
    spread = explanation.confidence_intervals or {}
    return [
        AttributionRow(
            label=label,
            feature=name,
            current=now.get(name),
            baseline=then.get(name),
            interval=tuple(spread[name]) if name in spread else None,
            rank=places.get(name),
            baseline_rank=places_then.get(name),
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
            baseline=config.feature_attribution_drift_threshold,
            violated="feature_attribution_drift_check" in violated,
        ),
        MetricRow(
            f"attribution_stability of {label}",
            drift.stability,
            baseline=config.min_attribution_stability,
            violated="attribution_stability_check" in violated,
        ),
        MetricRow(
            f"explanation_consistency of {label}",
            drift.consistency,
            baseline=config.min_explanation_consistency,
            violated="explanation_consistency_check" in violated,
        ),
    ]


def _places(attributions: Mapping[str, float]) -> dict[str, int]:
    return dict(zip(attributions, map(int, ranks(np.array([*attributions.values()]))), strict=True))


def _label_of(violation: ConstraintViolation) -> str | None:
    return (violation.model_extra or {}).get("label")


def _number(value: float | Undefined) -> float | dict[str, str]:
    return {"undefined": value.reason} if isinstance(value, Undefined) else value


def _moment(moment: datetime | None) -> str:
    return iso_utc(moment) if moment else "..."
