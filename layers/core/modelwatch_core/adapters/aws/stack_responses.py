"""The responses that CloudFormation waits for, at a URL that it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from modelwatch_core.domain.errors import InvalidInput, Upstream

_BUCKETS, _HOSTS = "cloudformation-custom-resource-response-", (".amazonaws.com", ".amazonaws.com.cn")
_SECONDS = 10.0
_SUCCESSES = range(200, 300)


class StackResponses:
    """``CustomResourceResponses``: a signed URL of S3, which takes a document once."""

    def __init__(self, http: urllib3.PoolManager) -> None:
        self._http = http

    def check(self, url: str) -> None:
        """Refuse a URL that is not CloudFormation's: whoever may invoke the function could have it call any server."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" or not (host.startswith(_BUCKETS) and host.endswith(_HOSTS)):
            raise InvalidInput("InvalidParameter", "ResponseURL: is not CloudFormation's; leave it to CloudFormation")

    def send(self, url: str, document: Mapping[str, Any]) -> None:
        """Respond."""
        self.check(url)
        body = json.dumps(document).encode()
        try:
            response = self._http.request(
                "PUT", url, body=body, headers={"Content-Type": ""}, timeout=_SECONDS, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Upstream(
                "ServiceError", f"the response to CloudFormation could not be sent: {type(error).__name__}"
            ) from None
        if response.status not in _SUCCESSES:
            raise Upstream("ServiceError", f"CloudFormation did not accept the response: HTTP {response.status}")
