"""A model behind any HTTP server with SageMaker's ``/invocations`` contract."""

from __future__ import annotations

from urllib.parse import urlsplit

import urllib3
from urllib3.util import Retry, Timeout

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import ModelFailure

_RETRIED = (429, 500, 502, 503, 504)
_CONNECT_SECONDS = 10.0
_LONGEST_PAUSE = 30.0


class _Retry(Retry):
    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        """Wait as long as the server asks for, and never so long that nobody waits for us."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_PAUSE)


class HttpModel:
    """A `Model` that is asked by POST.

    Connections that fail, and answers that say "later" (429, 500, 502, 503, 504), are tried again after growing pauses,
    or after what ``Retry-After`` asks for (30 seconds at most); a time-out once. Redirects are not followed.

    Parameters
    ----------
    url : str
        Of the server; without a path ``/invocations`` is meant.
    timeout : float
        Seconds that an answer may take.
    connections : int
        How many are kept open.
    retries : int
        How often a request is tried again.
    backoff : float
        Seconds before the second retry; doubled for each one after it.
    """

    def __init__(
        self, url: str, *, timeout: float = 60.0, connections: int = 2, retries: int = 4, backoff: float = 0.5
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidInput("InvalidModelUrl", "the model's URL must be like http://127.0.0.1:8080/invocations")
        self._url = url if parts.path not in ("", "/") else f"{url.rstrip('/')}/invocations"
        self._host = parts.netloc.rpartition("@")[2]
        self._timeout = timeout
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout),
            retries=_Retry(
                total=retries,
                read=1,
                redirect=False,
                status_forcelist=_RETRIED,
                allowed_methods=None,  # the contract's POST changes nothing
                backoff_factor=backoff,
                raise_on_status=False,
            ),
        )

    def invoke(self, body: bytes, content_type: str, accept: str) -> bytes:
        """Send one request; see `modelwatch_core.domain.model_endpoints.Model`."""
        headers = {"Content-Type": content_type, "Accept": accept}
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.MaxRetryError as error:
            raise self._not_answered(error.reason) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._not_answered(error) from None
        if answer.status == 200:
            return answer.data
        raise self._refused(answer.status, answer.data)

    def _not_answered(self, reason: Exception | None) -> ModelFailure:
        if isinstance(reason, urllib3.exceptions.ReadTimeoutError):
            told = f"the model at {self._host} does not answer within {self._timeout:g} seconds: ask it for less at a "
            return ModelFailure("ModelTimedOut", f"{told}time (max_payload_bytes), or wait longer (timeout_seconds)")
        told = f"there is no connection to the model at {self._host} ({type(reason).__name__}): is it running?"
        return ModelFailure("ModelNotReached", told)

    def _refused(self, status: int, words: bytes) -> ModelFailure:
        code, mend = {
            404: ("ModelNotFound", "check the model's URL"),
            413: ("ModelRefusedPayload", "lower max_payload_bytes"),
            429: ("ModelThrottled", "lower max_parallel_calls, or run at a quieter time"),
        }.get(
            status,
            ("ModelFailed", "the model's log has the details")
            if status >= 500
            else ("ModelRefused", "check content_type, the templates and the features that the model takes"),
        )
        message = f"the model at {self._host} answered with status {status}; {mend}"
        return ModelFailure(code, message, words.decode(errors="replace"))
