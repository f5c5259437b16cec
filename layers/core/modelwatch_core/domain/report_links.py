"""Where the report of an alert opens in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, urlencode

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alerts import Alert

LinkKind = Literal["console", "presigned", "none"]
ReportLinks = Callable[[Alert], str | None]
"""Gives the link of an alert; None where it has no report."""

REPORT = "report.html"

_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
"""The domains of the console in the partitions of AWS that have their own, by the start of their regions' names."""


def report_uri(alert: Alert) -> str | None:
    """Return the S3 URI of the report for people; None where the execution has written none."""
    if alert.outcome.status.is_completed and alert.notice is None:
        return s3_layout.join(alert.reports_s3_uri, REPORT)
    return None


def console_link(alert: Alert, region: str) -> str | None:
    """Return the page of the report of an alert in the console of S3."""
    uri = report_uri(alert)
    return None if uri is None else console_page(uri, region)


def console_page(s3_uri: str, region: str) -> str:
    """Return the page of an object in the console of S3, which opens it for whoever may read it."""
    domain = next((of for start, of in _CONSOLES.items() if region.startswith(start)), "console.aws.amazon.com")
    bucket, key = s3_layout.split(s3_uri)
    query = urlencode({"region": region, "prefix": key}, quote_via=quote)
    return f"https://{region}.{domain}/s3/object/{bucket}?{query}"


def no_link(alert: Alert) -> None:
    """Return None: the deployment wants no links."""
