"""An alert as the event of a user's own Lambda function."""

from __future__ import annotations

from typing import Any

from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.documents import iso_utc


def alert_event(alert: Alert) -> dict[str, Any]:
    """Return what a function is given.

    Returns
    -------
    dict
        ``monitoringScheduleName``, ``endpointName`` (None for batch transform), ``violationReport`` (the S3 URI of
        the report of violations; None where the execution failed) and ``timestamp`` (ISO 8601, UTC: the end of the
        window), which handlers of SageMaker's alerts know; and ``monitoringType``, ``severity``, ``status``,
        ``failureReason``, ``windowStart``, ``attempt``, ``violationCount``, ``violations`` (the first 20, as in the
        report), ``reports`` (their folder in S3), ``notice`` (what happened, where it is not the end of an execution:
        ``status`` is None then) and ``alertKey``, which repeated deliveries have in common.
    """
    return {
        "monitoringScheduleName": alert.monitoring_schedule_name,
        "endpointName": alert.endpoint_name,
        "violationReport": alert.violation_report_uri,
        "timestamp": iso_utc(alert.window.end),
        "monitoringType": alert.monitoring_type,
        "severity": alert.severity,
        "status": None if alert.headline else alert.outcome.status,
        "notice": alert.outcome.exit_message if alert.headline else None,
        "failureReason": alert.outcome.failure_reason,
        "windowStart": iso_utc(alert.window.start),
        "attempt": alert.attempt,
        "violationCount": alert.outcome.violation_count,
        "violations": [violation.model_dump(mode="json") for violation in alert.violations],
        "reports": f"{alert.reports_s3_uri}/",
        "alertKey": alert.key,
    }
