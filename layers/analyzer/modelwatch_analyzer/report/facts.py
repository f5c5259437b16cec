"""The title of a report, and the facts about its subject that reports of all kinds begin with."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path

from modelwatch_analyzer.reading.dataset import DATA_FRAME
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc


def title_of(kind_title: str, settings: AnalysisSettings) -> str:
    """Return the title: the kind of monitor, such as ``Data quality``, and what was analysed."""
    baseline = "" if settings.baseline_constraints else " baseline"
    subject = " / ".join(filter(None, (settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name)))
    return f"{kind_title}{baseline} of {subject or _name(settings.dataset_source)}"


def facts_of(settings: AnalysisSettings) -> dict[str, str]:
    """Return what a reader wants to know first, label to text, in order; a kind adds its own.

    A fact from a setting that the kind does not have is left out.
    """
    window = f"{_time_text(settings.start_time)} to {_time_text(settings.end_time)}"
    labels: Path | None = getattr(settings, "ground_truth_source", None)
    facts = {
        "Dataset": _name(settings.dataset_source),
        "Format": "table in memory" if settings.dataset_format.name == DATA_FRAME else settings.dataset_format.name,
        "Window": window if settings.start_time or settings.end_time else None,
        "Labels": labels.name if labels else None,
        "Problem type": getattr(settings, "problem_type", None),
        "Endpoint": settings.sagemaker_endpoint_name,
        "Schedule": settings.sagemaker_monitoring_schedule_name,
    }
    return {label: str(text) for label, text in facts.items() if text}


def _name(source: Path) -> str:
    """Name a dataset: hosts fetch a single file into a folder of its own, whose name says nothing."""
    entries = list(islice(source.iterdir(), 2)) if source.is_dir() else []
    return entries[0].name if len(entries) == 1 and entries[0].is_file() else source.name


def _time_text(time: datetime | None) -> str:
    return iso_utc(time) if time else "..."
