"""An alert as JSON: the event of a user's own Lambda function, and the body of a message in a queue."""

from __future__ import annotations

import json
import math
from typing import Any

from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.constraint_violations import excess_of
from modelwatch_core.domain.documents import iso_utc

MOST_BYTES = 250_000
"""The largest event: Lambda's queue and SNS long took 256 KB, and a topic that people subscribe to still does."""


def alert_event(alert: Alert, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return what a function is given.

    Parameters
    ----------
    most_bytes : int
        The largest that it may be as JSON. A larger one has as many of the violations as fit; ``violationReport`` has
        all.

    Returns
    -------
    dict
        ``monitoringScheduleName``, ``endpointName`` (None for batch transform), ``violationReport`` (the S3 URI of
        the report of violations; None where the execution failed) and ``timestamp`` (ISO 8601, UTC: the end of the
        window), which handlers of SageMaker's alerts know; and ``monitoringType``, ``severity``, ``alertName``,
        ``change`` (InAlert, Reminder or Recovered), ``recovered`` (other alerts that are over), ``since``, ``status``,
        ``failureReason``, ``windowStart``, ``attempt``, ``violationCount`` (None where it is unknown), ``violations``
        (the worst 20, as in the report), ``worstExcess`` (how many times its threshold the worst of them is; None
        without any, or where that is infinite), ``reports`` (their folder in S3), ``notice`` (what happened, where it
        is not the end of an execution: ``status``, ``change`` and ``alertName`` are None then), ``alertKey``, which
        repeated deliveries have in common, and ``incidentKey``, which all messages from the beginning of an alert to
        its end have in common.
    """
    violations = [violation.model_dump(mode="json") for violation in alert.violations]
    document = _document(alert, violations)
    while violations and size_of(document) > most_bytes:
        violations = violations[: len(violations) // 2]
        document = _document(alert, violations)
    return document


def size_of(document: object) -> int:
    """Return how many bytes a document takes as JSON."""
    return len(json.dumps(document).encode())


def incident_key(alert: Alert) -> str:
    """Return what all messages of one alert have in common, from its beginning to its end."""
    schedule_id, _, _ = alert.key.partition("/")
    return f"{schedule_id}/{'notice' if alert.headline else alert.alert_name}/{iso_utc(alert.since)}"


def _document(alert: Alert, violations: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max(map(excess_of, alert.violations), default=math.inf)
    return {
        "monitoringScheduleName": alert.monitoring_schedule_name,
        "endpointName": alert.endpoint_name,
        "violationReport": alert.violation_report_uri,
        "timestamp": iso_utc(alert.window.end),
        "monitoringType": alert.monitoring_type,
        "severity": alert.severity,
        "alertName": None if alert.headline else alert.alert_name,
        "change": None if alert.headline else alert.phase,
        "notice": alert.notice,
        "recovered": list(alert.recovered),
        "since": iso_utc(alert.since),
        "status": None if alert.headline else alert.outcome.status,
        "failureReason": alert.outcome.failure_reason,
        "windowStart": iso_utc(alert.window.start),
        "attempt": alert.attempt,
        "violationCount": alert.outcome.violation_count,
        "violations": violations,
        "worstExcess": worst if math.isfinite(worst) else None,
        "reports": f"{alert.reports_s3_uri}/",
        "alertKey": alert.key,
        "incidentKey": incident_key(alert),
    }
