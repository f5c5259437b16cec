"""Links that open a report for whoever has them, as long as the credentials last that signed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.report_links import report_uri

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_LONGEST_SECONDS = 12 * 3600
"""The longest that a link is asked to last: it ends with the credentials of the Lambda function, which last no
longer."""


@dataclass(frozen=True, slots=True)
class PresignedLinks:
    """Links that are signed by the role that sends the alert."""

    s3: S3Client

    def __call__(self, alert: Alert) -> str | None:
        """Return the link of an alert's report."""
        uri = report_uri(alert)
        if uri is None:
            return None
        bucket, key = s3_layout.split(uri)
        asked = {"Bucket": bucket, "Key": key, "ResponseContentType": "text/html"}
        return self.s3.generate_presigned_url("get_object", Params=asked, ExpiresIn=_LONGEST_SECONDS)
