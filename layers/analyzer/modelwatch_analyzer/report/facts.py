"""What a report of any kind says of its subject before anything else."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc


def title_of(kind: str, settings: AnalysisSettings) -> str:
    """Return the title: the kind of monitor, such as ``Data quality``, and what was analysed."""
    baseline = "" if settings.baseline_constraints else " baseline"
    subject = " / ".join(filter(None, (settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name)))
    return f"{kind}{baseline} of {subject or _name(settings.dataset_source)}"


def facts_of(settings: AnalysisSettings) -> dict[str, str]:
    """Return what a reader wants to know first, label to text, in order; a kind adds its own."""
    window = f"{_moment(settings.start_time)} to {_moment(settings.end_time)}"
    facts = {
        "Dataset": _name(settings.dataset_source),
        "Format": settings.dataset_format.name,
        "Window": window if settings.start_time or settings.end_time else None,
        "Labels": labels.name if (labels := getattr(settings, "ground_truth_source", None)) else None,
        "Problem": getattr(settings, "problem_type", None),
        "Endpoint": settings.sagemaker_endpoint_name,
        "Schedule": settings.sagemaker_monitoring_schedule_name,
    }
    return {label: str(text) for label, text in facts.items() if text}


def _name(source: Path) -> str:
    """Name a dataset: hosts fetch a single file into a folder of their own, whose name says nothing."""
    held = list(islice(source.iterdir(), 2)) if source.is_dir() else []
    return held[0].name if len(held) == 1 and held[0].is_file() else source.name


def _moment(moment: datetime | None) -> str:
    return iso_utc(moment) if moment else "..."
