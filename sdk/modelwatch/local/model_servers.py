"""The containers behind SageMaker endpoints: HTTP servers that the user runs, and calls the stack sends on to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urljoin

import urllib3

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID
from modelwatch.local.moto_patches.sagemaker import find_endpoint, set_endpoint_status
from modelwatch.local.work import WorkInProgress

MAX_REQUEST_BYTES = 6_291_456
_ANSWER_SECONDS = 60.0  # SageMaker gives a container no longer to answer
_START_SECONDS = 240.0  # and no longer to answer its first ping, where the variant says nothing else
_PING_SECONDS = 0.05
_PASSED_ON = ("Content-Type", "Accept")
_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_SAGEMAKER = "X-Amzn-SageMaker-"


@dataclass(frozen=True, slots=True)
class Answer:
    """What InvokeEndpoint answers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, status: int, code: str, message: str, **members: object) -> Answer:
        """Return an error of the service."""
        body = json.dumps({"Message": message, **members}).encode()
        return cls(status, body, {"Content-Type": "application/json", **({"x-amzn-ErrorType": code} if code else {})})


class ModelServers:
    """Which model is served where, and the life of the endpoints in front of them.

    An endpoint all of whose models are served is Creating until their servers answer ``/ping``, as in SageMaker; it is
    InService then, or Failed if they do not. An endpoint of a model that is served nowhere is InService at once and
    answers no calls.

    Parameters
    ----------
    region : str
        The region of all endpoints.
    now : callable
        The stack's clock.
    work : WorkInProgress
        Counts the endpoints that come up.
    """

    def __init__(self, *, region: str, now: Callable[[], datetime], work: WorkInProgress) -> None:
        self._region, self._now, self._work = region, now, work
        self._urls: dict[str, str] = {}
        self._http = urllib3.PoolManager(maxsize=64, retries=False)

    def serve(self, model_name: str, url: str) -> None:
        """Say where the container of a model is served: the URL of its ``/invocations``."""
        self._urls[model_name] = url

    def close(self) -> None:
        """Close every connection."""
        self._http.clear()

    def endpoint_created(self, name: str) -> None:
        """Begin the life of an endpoint."""
        endpoint = find_endpoint(name, self._region)
        urls = [self._urls.get(model) for model in endpoint.models.values()] if endpoint else []
        served = [url for url in urls if url]
        if len(served) < len(urls):
            self._change(name, "InService", "IN_SERVICE")
            return
        self._change(name, "Creating", "CREATING")
        self._work.start(f"endpoint {name} comes up", self._bring_up, name, served)

    def invoke(self, environ: Mapping[str, Any]) -> Answer:
        """Answer a call of InvokeEndpoint.

        Raises
        ------
        LocalStackError
            ``ModelNotServed``.
        """
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if len(body) > MAX_REQUEST_BYTES:
            return Answer.error(413, "", f"HTTP content length exceeded {MAX_REQUEST_BYTES} bytes.")
        name = unquote(environ["PATH_INFO"].split("/")[2])
        endpoint = find_endpoint(name, self._region)
        if endpoint is None or endpoint.status != "InService":
            return Answer.error(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        sent = _headers(environ)
        variant = sent.get(f"{_SAGEMAKER}Target-Variant") or next(iter(endpoint.models))
        if variant not in endpoint.models:
            return Answer.error(400, "ValidationError", f"Variant {variant} not found for endpoint {name}.")
        model = endpoint.models[variant]
        if model not in self._urls:
            raise LocalStackError(
                "ModelNotServed",
                f"endpoint {name} is there, its model {model} is served nowhere: call serve_model({model!r}, url).",
            )
        return self._forward(self._urls[model], variant, sent, body)

    def _forward(self, url: str, variant: str, sent: Mapping[str, str], body: bytes) -> Answer:
        headers = {name: value for name, value in sent.items() if name in _PASSED_ON or name.startswith(_SAGEMAKER)}
        try:
            answer = self._http.request("POST", url, body=body, headers=headers, timeout=_ANSWER_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            return _model_error(
                0, f"Your invocation failed while waiting for a response from container primary: {error}"
            )
        if answer.status >= 300:
            return _model_error(answer.status, answer.data.decode(errors="replace"))
        told = {"Content-Type": answer.headers.get("Content-Type", "application/octet-stream")}
        if attributes := answer.headers.get(_CUSTOM_ATTRIBUTES):
            told[_CUSTOM_ATTRIBUTES] = attributes
        return Answer(200, answer.data, {**told, "x-Amzn-Invoked-Production-Variant": variant})

    def _bring_up(self, name: str, urls: list[str]) -> None:
        for _ in range(int(_START_SECONDS / _PING_SECONDS)):
            healthy = [self._is_healthy(url) for url in urls]
            if all(healthy):
                return self._change(name, "InService", "IN_SERVICE")
            if None in healthy:
                break
            if not self._work.pause(_PING_SECONDS):
                return None  # the stack is closing
        reason = (
            "The primary container for production variant did not pass the ping health check. Please check CloudWatch"
            " logs for this endpoint."
        )
        return self._change(name, "Failed", "FAILED", failure_reason=reason)

    def _is_healthy(self, url: str) -> bool | None:
        """Return whether a server answers that it is ready; None where nobody answers at all."""
        try:
            return self._http.request("GET", urljoin(url, "ping"), timeout=_ANSWER_SECONDS).status == 200
        except urllib3.exceptions.HTTPError:
            return None

    def _change(self, name: str, status: str, told: str, failure_reason: str | None = None) -> None:
        set_endpoint_status(
            name, self._region, status, event_status=told, now=self._now(), failure_reason=failure_reason
        )


def _model_error(status: int, message: str) -> Answer:
    kind = "client" if 400 <= status < 500 else "server"
    return Answer.error(
        424,
        "ModelError",
        f'Received {kind} error ({status}) from primary with message "{message}".',
        OriginalStatusCode=status,
        OriginalMessage=message,
    )


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    named = {"HTTP_ACCEPT": "Accept", "CONTENT_TYPE": "Content-Type"}
    given = {name: environ[variable] for variable, name in named.items() if environ.get(variable)}
    prefix = "HTTP_X_AMZN_SAGEMAKER_"
    return given | {
        _SAGEMAKER + variable.removeprefix(prefix).replace("_", "-").title(): value
        for variable, value in environ.items()
        if variable.startswith(prefix)
    }
