"""What an analysis of any kind hands over to be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import GroundTruthCounts, RecordCounts


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of one analysis, not yet written.

    Attributes
    ----------
    documents : dict of str to object
        What JSON each file holds, by file name.
    metrics : list of dict
        CloudWatch metric lines.
    tables : dict of str to DataFrame
        What rows each CSV file holds, by file name.
    notes : tuple of str
        How it was done, and at what expense.
    write_report : callable
        Writes the report for people to a path.
    ground_truth : GroundTruthCounts, optional
        Where predictions were merged with labels.
    changes : tuple of str
        What is other than in the earlier run of the same window, a sentence each.
    """

    records: RecordCounts
    warnings: tuple[str, ...]
    violations: tuple[ConstraintViolation, ...]
    documents: dict[str, Any]
    metrics: list[dict[str, Any]]
    write_report: Callable[[Path, AnalysisSummary], None]
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
