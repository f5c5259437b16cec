"""A model behind any HTTP server with SageMaker's ``/invocations`` contract."""

from __future__ import annotations

from collections.abc import Callable

import urllib3
from urllib3.util import Retry, Timeout, parse_url

from modelwatch_analyzer.explainability.guarded_connections import guard
from modelwatch_analyzer.host import is_external
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import ModelFailure

_RETRIED = (429, 500, 502, 503, 504)
_RETRIES = 4
_BACKOFF_SECONDS = 0.5
"""The pause before the second retry; it doubles for each one after it."""
_CONNECT_SECONDS = 10.0
_LONGEST_PAUSE = 30.0
_FIXES = {
    "SSLError": "check that it speaks HTTPS, with a certificate that is trusted here",
    "ProtocolError": "it aborts its responses, or does not speak HTTP; its log may say why",
    "DecodeError": "its responses are not compressed as their headers say",
    "NameResolutionError": "check its name",
}
"""What to look at, by the name of the exception."""


class _Retry(Retry):
    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        """Wait as long as the server requests, up to a limit."""
        try:
            requested = super().get_retry_after(response)
        except urllib3.exceptions.InvalidHeader:  # neither seconds nor a date: ignored
            return None
        return None if requested is None else min(requested, _LONGEST_PAUSE)


class HttpModel:
    """A `Model` that is called by POST.

    Connections that fail, and responses that say to retry (429, 500, 502, 503, 504), are retried after growing pauses,
    or after the time in ``Retry-After`` (at most 30 seconds); a time-out once. Redirects are not followed.

    Parameters
    ----------
    url : str
        The URL of the server; without a path ``/invocations`` is meant.
    timeout : float
        Seconds that a response may take.
    connections : int
        How many are kept open.
    allows_address : callable
        Returns whether it may be at an IP address, see `guarded_connections`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        connections: int = 2,
        allows_address: Callable[[str], bool] = is_external,
    ) -> None:
        try:
            parts = parse_url(url)
        except urllib3.exceptions.LocationParseError:
            raise _invalid_url() from None
        if parts.scheme not in ("http", "https") or not parts.host:
            raise _invalid_url()
        self._url = url if parts.path not in (None, "", "/") else parts._replace(path="/invocations").url
        self._host = parts._replace(scheme=None, auth=None, path=None, query=None, fragment=None).url
        self._timeout = timeout
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout),
            retries=_Retry(
                total=_RETRIES,
                read=1,
                redirect=False,
                status_forcelist=_RETRIED,
                allowed_methods=None,  # the contract's POST changes nothing
                backoff_factor=_BACKOFF_SECONDS,
                raise_on_status=False,
            ),
        )
        guard(self._pool, allows_address)

    def invoke(self, body: bytes, content_type: str, accept: str) -> bytes:
        """Send one request; see `modelwatch_core.domain.model_endpoints.Model`."""
        headers = {"Content-Type": content_type, "Accept": accept}
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.MaxRetryError as error:
            raise self._no_response(error.reason) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._no_response(error) from None
        if response.status == 200:
            return response.data
        raise self._refused(response.status, response.data)

    def _no_response(self, reason: Exception | None) -> ModelFailure:
        if isinstance(reason, urllib3.exceptions.ReadTimeoutError):
            message = f"the model at {self._host} did not respond within {self._timeout:g} seconds: send it less at a "
            return ModelFailure("ModelTimedOut", f"{message}time (max_payload_bytes), or wait longer (timeout_seconds)")
        kind = type(reason).__name__
        fix = _FIXES.get(kind, "check that it is running")
        return ModelFailure("ModelNotReached", f"there is no connection to the model at {self._host} ({kind}): {fix}")

    def _refused(self, status: int, body: bytes) -> ModelFailure:
        model_message = body.decode(errors="replace")
        if 300 <= status < 400:
            message = f"the model at {self._host} returned status {status}, a redirect"
            return ModelFailure(
                "ModelRefused", f"{message}, which is not followed; give the URL that it leads to", model_message
            )
        code, fix = {
            404: ("ModelNotFound", "check the model's URL"),
            413: ("ModelRefusedPayload", "lower max_payload_bytes"),
            429: ("ModelThrottled", "lower max_parallel_calls, or run at a quieter time"),
        }.get(
            status,
            ("ModelFailed", "the model's log has the details")
            if status >= 500
            else ("ModelRefused", "check content_type, the templates and the features that the model takes"),
        )
        message = f"the model at {self._host} returned status {status}; {fix}"
        return ModelFailure(code, message, model_message)


def _invalid_url() -> InvalidInput:
    return InvalidInput("InvalidModelUrl", "the model's URL must be like http://127.0.0.1:8080/invocations")
