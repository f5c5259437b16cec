"""The reports that an analysis left in S3, read as far as they can be read."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from modelwatch_core.domain.constraint_violations import ConstraintViolation, read_violation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import MOST_VIOLATIONS_IN_AN_EVENT, AnalysisEnded
from modelwatch_core.domain.metric_datum import MetricDatum, what_is_not_taken
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.ports import ObjectStore

END_OF_ANALYSIS = "analysis_ended.json"
"""The event of an analysis's end. It is written last, so the reports are whole where it is there."""

VIOLATION_REPORTS = ("constraint_violations.json", "violations.json")
"""SageMaker's name of the report, and the one that some documents for custom containers give."""

METRICS = "cloudwatch_metrics.jsonl"
MOST_BYTES_OF_A_REPORT = 8 * 2**20
"""The largest report that is read: some 30,000 violations. The worst JSON takes 30 times its length as Python objects,
and the functions that read it have 512 MiB."""
MOST_BYTES_OF_METRICS = 64 * 2**20
"""The largest file of metrics that is read; it is parsed line by line."""


@dataclass(frozen=True, slots=True)
class ViolationReport:
    """The list of violations.

    Attributes
    ----------
    violations : tuple of ConstraintViolation
        The first 50; an entry that is not in the form of a violation stands for itself by its place.
    count : int
        The number of all entries.
    problem : str, optional
        A code and a sentence, where there is no report that can be read.
    uri : str, optional
        Where it is; None where there is none.
    """

    violations: tuple[ConstraintViolation, ...] = ()
    count: int = 0
    problem: str | None = None
    uri: str | None = None


def read_violations(objects: ObjectStore, folder: str, since: datetime | None = None) -> ViolationReport:
    """Read the violation report in a folder.

    Parameters
    ----------
    since : datetime, optional
        What was written before is not looked at.

    Raises
    ------
    Upstream
        When S3 does not respond; a retry may help. The content of the folder is never an error.
    """
    for name in VIOLATION_REPORTS:
        uri = f"{folder}/{name}"
        try:
            content = _content(objects, uri, MOST_BYTES_OF_A_REPORT, since)
        except InvalidInput as error:
            return ViolationReport(problem=f"ReportUnreadable: {error.message}", uri=uri)
        if content is not None:
            return _parsed(uri, content)
    missing = f"ReportMissing: there is no {folder}/{VIOLATION_REPORTS[0]}; was it deleted, or never written?"
    return ViolationReport(problem=missing)


def _content(objects: ObjectStore, uri: str, most: int, since: datetime | None) -> bytes | None:
    if since and all(stored.modified < since for stored in objects.find([uri])):
        return None
    return objects.read(uri, most=most)


def _parsed(uri: str, content: bytes) -> ViolationReport:
    try:
        document = json.loads(content)
        entries = document["violations"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ViolationReport(problem=f'ReportUnreadable: {uri} is not {{"violations": [...]}} in JSON', uri=uri)
    if not isinstance(entries, list):
        return ViolationReport(problem=f"ReportUnreadable: violations in {uri} is not a list", uri=uri)
    first = entries[:MOST_VIOLATIONS_IN_AN_EVENT]
    violations = tuple(read_violation(entry, place) for place, entry in enumerate(first, start=1))
    return ViolationReport(violations, len(entries), uri=uri)


def settled_outcome(reported: Outcome, report: ViolationReport, execution: MonitoringExecution) -> Outcome:
    """Return the outcome of an execution's analysis, once its report has been read.

    What was reported stands where the report agrees with it. An analysis that completed without a readable report
    failed, unless it need not have written one. One with violations is never Completed.
    """
    if not reported.status.is_completed:
        return reported
    if report.problem and (execution.needs_report or report.uri is not None):
        failed = {"status": OutcomeStatus.FAILED, "failure_reason": report.problem, "violation_count": None}
        return reported.model_copy(update=failed)
    if report.uri is None:
        says_none = execution.kind.analysis is None and reported.status is OutcomeStatus.COMPLETED
        return reported.model_copy(update={"violation_count": 0}) if says_none else reported
    found, counted = report.count, reported.violation_count
    warnings = reported.warnings
    if counted and counted != found:
        warnings = (*warnings, f"the analysis counted {counted:,} violations, but its report lists {found:,}")
    any_violations = found or reported.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
    status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if any_violations else OutcomeStatus.COMPLETED
    count = found or counted or None if any_violations else 0
    return reported.model_copy(update={"status": status, "violation_count": count, "warnings": warnings})


def read_end(objects: ObjectStore, folder: str, subject: str) -> AnalysisEnded | None:
    """Return the end that the analysis of a subject left in a folder.

    Returns
    -------
    AnalysisEnded or None
        None where there is none, it is another attempt's, or it cannot be read.

    Raises
    ------
    Upstream
        When S3 does not respond.
    """
    try:
        content = objects.read(f"{folder}/{END_OF_ANALYSIS}", most=MOST_BYTES_OF_A_REPORT)
        ended = AnalysisEnded.model_validate_json(content or b"")
    except (InvalidInput, ValidationError):
        return None
    return ended if ended.subject == subject else None


def read_metrics(objects: ObjectStore, folder: str, since: datetime | None = None) -> Iterator[dict[str, Any] | None]:
    """Yield the CloudWatch metrics of a folder, each in the shape of a ``MetricDatum``; None for what is none.

    Parameters
    ----------
    since : datetime, optional
        What was written before is not looked at.

    Raises
    ------
    InvalidInput
        When S3 refuses to give them, or there are too many.
    """
    content = _content(objects, f"{folder}/{METRICS}", MOST_BYTES_OF_METRICS, since) or b""
    return map(_metric, filter(bytes.strip, io.BytesIO(content)))


def _metric(line: bytes) -> dict[str, Any] | None:
    try:
        metric = MetricDatum.model_validate(json.loads(line))
    except (ValueError, RecursionError):
        return None
    return metric.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def metrics_warnings(
    objects: ObjectStore,
    folder: str,
    since: datetime | None = None,
    *,
    now: datetime,
    is_asked_for: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Iterator[str]:
    """Yield what is wrong with the metrics of a folder that are asked for; see `read_metrics`."""
    seen: Counter[str | None] = Counter()
    lines = 0
    try:
        for metric in read_metrics(objects, folder, since):
            if metric is None:
                lines += 1
            elif is_asked_for(metric):
                seen[what_is_not_taken(metric, now)] += 1
    except InvalidInput as error:
        yield f"no metrics were published: {error.message}"
        return
    if lines:
        yield f"{lines:,} lines of {METRICS} are not metrics, and were left out"
    given, _ = seen.total(), seen.pop(None, None)
    if seen:
        reasons = "; ".join(f"{what} ({count:,})" for what, count in seen.items())
        yield f"{seen.total():,} of {given:,} metrics were not published, since CloudWatch does not take {reasons}"
