"""The result of an analysis of any kind, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.report.body import ReportBody
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import GroundTruthCounts, RecordCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The result of one analysis.

    Attributes
    ----------
    documents : mapping of str to object
        The content of each JSON file, by file name. ``constraint_violations.json`` is not among them; it is made of
        `violations`.
    report : ReportBody
        The kind's part of the report.
    violations : tuple of ConstraintViolation
        None where a baseline is made.
    violations_version : str, optional
        The ``version`` in ``constraint_violations.json``, for kinds whose file has one.
    metrics : tuple of MetricDatum
        What is published to CloudWatch.
    tables : mapping of str to DataFrame
        The rows of each CSV file, by file name.
    notes : tuple of str
        How the analysis was done, and at what cost.
    ground_truth : GroundTruthCounts, optional
        Where predictions were merged with labels.
    """

    records: RecordCounts
    documents: Mapping[str, Any]
    report: ReportBody
    warnings: tuple[str, ...] = ()
    violations: tuple[ConstraintViolation, ...] = ()
    violations_version: str | None = None
    metrics: tuple[MetricDatum, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ground_truth: GroundTruthCounts | None = None
