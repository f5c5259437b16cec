"""The reports that an analysis left in S3, read as far as they can be read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.ports import ObjectStore

VIOLATION_REPORTS = ("constraint_violations.json", "violations.json")
"""SageMaker's name of the report, and the one that some documents for custom containers give."""

METRICS = "cloudwatch_metrics.jsonl"
MOST_BYTES_OF_A_REPORT = 32 * 2**20
"""Some 100,000 violations. A longer report, or none of ours, would not fit the memory of the function that reads it."""


@dataclass(frozen=True, slots=True)
class ViolationReport:
    """The list of violations.

    Attributes
    ----------
    violations : tuple of ConstraintViolation
        All entries; one that is not in the form of a violation stands for itself by its place.
    problem : str, optional
        A code and a sentence, where there is no report that can be read.
    uri : str, optional
        Where it is; None where there is none.
    """

    violations: tuple[ConstraintViolation, ...] = ()
    problem: str | None = None
    uri: str | None = None


def read_violations(objects: ObjectStore, folder: str) -> ViolationReport:
    """Read the violation report in a folder.

    Raises
    ------
    Upstream
        When S3 does not answer; a retry may help. The content of the folder is never an error.
    """
    for name in VIOLATION_REPORTS:
        uri = f"{folder}/{name}"
        size = next((found.size for found in objects.files(uri) if found.s3_uri == uri), None)
        if size is None:
            continue
        if size > MOST_BYTES_OF_A_REPORT:
            limit = f"more than the {MOST_BYTES_OF_A_REPORT:,} that are read"
            return ViolationReport(problem=f"ReportUnreadable: {uri} has {size:,} bytes, {limit}", uri=uri)
        return _parsed(uri, objects.read(uri) or b"")
    missing = f"ReportMissing: there is no {folder}/{VIOLATION_REPORTS[0]}; was it deleted, or never written?"
    return ViolationReport(problem=missing)


def _parsed(uri: str, content: bytes) -> ViolationReport:
    try:
        document = json.loads(content)
        entries = document["violations"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ViolationReport(problem=f'ReportUnreadable: {uri} is not {{"violations": [...]}} in JSON', uri=uri)
    if not isinstance(entries, list):
        return ViolationReport(problem=f"ReportUnreadable: violations in {uri} is not a list", uri=uri)
    return ViolationReport(tuple(_violation(place, entry) for place, entry in enumerate(entries, start=1)), uri=uri)


def _violation(place: int, entry: object) -> ConstraintViolation:
    try:
        return ConstraintViolation.model_validate(entry)
    except ValidationError:
        description = f"Entry {place} of the report is not in the form of a violation"
        return ConstraintViolation(constraint_check_type="unreadable_violation", description=description)


def settled_outcome(reported: Outcome, report: ViolationReport, kind: MonitorKind) -> Outcome:
    """Return the outcome of an analysis, once its report has been read.

    What was reported stands where the report agrees with it. An analysis that completed without a readable report
    failed, unless it is the user's own container, which may write none. One with violations is never Completed.
    """
    if reported.status not in (OutcomeStatus.COMPLETED, OutcomeStatus.COMPLETED_WITH_VIOLATIONS):
        return reported
    if report.problem and not (report.uri is None and kind.analysis is None):
        return reported.model_copy(
            update={"status": OutcomeStatus.FAILED, "failure_reason": report.problem, "violation_count": 0}
        )
    found, counted = len(report.violations), reported.violation_count
    warnings = reported.warnings
    if counted and counted != found:
        warnings = (*warnings, f"the analysis counted {counted:,} violations, and its report lists {found:,}")
    any_violations = found or reported.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
    status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if any_violations else OutcomeStatus.COMPLETED
    return reported.model_copy(update={"status": status, "violation_count": found or counted, "warnings": warnings})


def read_metrics(objects: ObjectStore, folder: str) -> tuple[list[dict[str, Any]], int]:
    """Read the CloudWatch metric lines in a folder.

    Returns
    -------
    metrics : list of dict
        Each in the shape of a CloudWatch ``MetricDatum``.
    left_out : int
        How many lines are not.
    """
    lines = (objects.read(f"{folder}/{METRICS}") or b"").splitlines()
    metrics = list(_metrics(lines))
    return metrics, len(lines) - len(metrics)


def _metrics(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            metric = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(metric, dict) and isinstance(metric.get("MetricName"), str) and _has_numbers(metric):
            yield metric


def _has_numbers(metric: dict[str, Any]) -> bool:
    statistics = metric.get("StatisticValues")
    values = list(statistics.values()) if isinstance(statistics, dict) else [metric.get("Value")]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) for value in values
    )
