"""The containers of SageMaker endpoints: HTTP servers of the user, to which the stack forwards requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urljoin

import urllib3

from modelwatch.local.data_capture import DataCapture, Invoked
from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID
from modelwatch.local.moto_patches.sagemaker import (
    Endpoint,
    find_endpoint,
    models_of,
    set_endpoint_config,
    set_endpoint_status,
)
from modelwatch.local.work import WorkInProgress

MAX_REQUEST_BYTES = 6_291_456
_RESPONSE_SECONDS = 60.0  # SageMaker's timeout for a response of a container
_STARTUP_SECONDS = 240.0  # for its first successful ping; a variant's own setting is ignored
_PING_INTERVAL_SECONDS = 0.05
_NOT_HEALTHY = (
    "The primary container for production variant did not pass the ping health check. Please check CloudWatch logs for"
    " this endpoint."
)
_SERVING = ("InService", "Updating")
_FORWARDED_HEADERS = ("Content-Type", "Accept")
_CUSTOM_ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
_SAGEMAKER_PREFIX = "X-Amzn-SageMaker-"
_INFERENCE_ID_HEADER = "X-Amzn-SageMaker-Inference-Id"
_TARGET_VARIANT_HEADER = "X-Amzn-SageMaker-Target-Variant"


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """The response to InvokeEndpoint."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, status: int, code: str, message: str, **members: object) -> EndpointResponse:
        """Return an error response of the service."""
        body = json.dumps({"Message": message, **members}).encode()
        return cls(status, body, {"Content-Type": "application/json", **({"x-amzn-ErrorType": code} if code else {})})


class ModelServers:
    """The servers of the models, and the status of the endpoints in front of them.

    If every model of an endpoint has a server, the endpoint is Creating until the servers respond to ``/ping``, as in
    SageMaker; then it is InService, or Failed if they do not respond. If a model has no server, the endpoint is
    InService at once, and requests to it are refused.

    Parameters
    ----------
    region : str
        The region of all endpoints.
    now : callable
        Returns the time of the stack's clock.
    work : WorkInProgress
        Counts the endpoints that are being created.
    capture : DataCapture
        Takes what endpoints with data capture were asked and returned.
    """

    def __init__(self, *, region: str, now: Callable[[], datetime], work: WorkInProgress, capture: DataCapture) -> None:
        self._region, self._now, self._work, self._capture = region, now, work, capture
        self._urls: dict[str, str] = {}
        self._http = urllib3.PoolManager(maxsize=64, retries=False)

    def serve(self, model_name: str, url: str) -> None:
        """Register the server of a model's container by the URL of its ``/invocations``."""
        self._urls[model_name] = url

    def close(self) -> None:
        """Close every connection."""
        self._http.clear()

    def endpoint_created(self, name: str) -> None:
        """Set the first status of a new endpoint, and start to wait for its servers."""
        endpoint = find_endpoint(name, self._region)
        urls = self._urls_of(endpoint.models if endpoint else {})
        if urls is None:
            self._set_status(name, "InService")
            return
        self._set_status(name, "Creating")
        self._work.start(f"creation of endpoint {name}", self._create, name, urls)

    def endpoint_updated(self, name: str, config_name: str) -> None:
        """Start to wait for the servers of another configuration; until they respond the endpoint has the old one."""
        urls = self._urls_of(models_of(config_name, self._region))
        self._set_status(name, "Updating")
        self._work.start(f"update of endpoint {name}", self._update, name, config_name, urls or [])

    def _urls_of(self, models: Mapping[str, str]) -> list[str] | None:
        """Return the servers of models, or None if one of them has none."""
        urls = [self._urls.get(model) for model in models.values()]
        served = [url for url in urls if url]
        return served if len(served) == len(urls) else None

    def invoke(self, environ: Mapping[str, Any]) -> EndpointResponse:
        """Handle a request to InvokeEndpoint.

        Raises
        ------
        LocalStackError
            ``ModelNotServed`` if no server is registered for the model.
        """
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if len(body) > MAX_REQUEST_BYTES:
            return EndpointResponse.error(413, "", f"HTTP content length exceeded {MAX_REQUEST_BYTES} bytes.")
        name = unquote(environ["PATH_INFO"].split("/")[2])
        endpoint = find_endpoint(name, self._region)
        if endpoint is None or endpoint.status not in _SERVING:
            return EndpointResponse.error(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        headers = _request_headers(environ)
        variant = headers.get(_TARGET_VARIANT_HEADER) or next(iter(endpoint.models))
        if variant not in endpoint.models:
            return EndpointResponse.error(400, "ValidationError", f"Variant {variant} not found for endpoint {name}.")
        model = endpoint.models[variant]
        if model not in self._urls:
            raise LocalStackError(
                "ModelNotServed",
                f"no server is registered for model {model} of endpoint {name}; call serve_model({model!r}, url), "
                f"or start with --serve-model {model}=URL",
            )
        response = self._forward(self._urls[model], variant, headers, body)
        if response.status == HTTPStatus.OK:
            self._keep(name, endpoint, variant, headers, body, response)
        return response

    def _keep(
        self,
        name: str,
        endpoint: Endpoint,
        variant: str,
        headers: Mapping[str, str],
        body: bytes,
        response: EndpointResponse,
    ) -> None:
        if endpoint.capture is None:
            return
        invoked = Invoked(
            endpoint=name,
            variant=variant,
            request=body,
            request_type=headers.get("Content-Type"),
            response=response.body,
            response_type=response.headers.get("Content-Type"),
            inference_id=headers.get(_INFERENCE_ID_HEADER),
            custom_attributes=headers.get(_CUSTOM_ATTRIBUTES_HEADER),
        )
        self._capture.capture(endpoint.capture, invoked)

    def _forward(self, url: str, variant: str, request_headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        headers = {
            name: value
            for name, value in request_headers.items()
            if name in _FORWARDED_HEADERS or name.startswith(_SAGEMAKER_PREFIX)
        }
        try:
            response = self._http.request("POST", url, body=body, headers=headers, timeout=_RESPONSE_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            return _model_error(
                0, f"Your invocation failed while waiting for a response from container primary: {error}"
            )
        if response.status >= 300:
            return _model_error(response.status, response.data.decode(errors="replace"))
        response_headers = {"Content-Type": response.headers.get("Content-Type", "application/octet-stream")}
        if attributes := response.headers.get(_CUSTOM_ATTRIBUTES_HEADER):
            response_headers[_CUSTOM_ATTRIBUTES_HEADER] = attributes
        return EndpointResponse(200, response.data, {**response_headers, "x-Amzn-Invoked-Production-Variant": variant})

    def _create(self, name: str, urls: list[str]) -> None:
        match self._became_healthy(urls):
            case True:
                self._set_status(name, "InService")
            case False:
                self._set_status(name, "Failed", failure_reason=_NOT_HEALTHY)

    def _update(self, name: str, config_name: str, urls: list[str]) -> None:
        match self._became_healthy(urls):
            case True:
                set_endpoint_config(name, self._region, config_name)
                self._set_status(name, "InService")
            case False:  # as SageMaker, which goes back to the configuration before
                self._set_status(name, "InService", failure_reason=_NOT_HEALTHY)

    def _became_healthy(self, urls: list[str]) -> bool | None:
        """Return whether all servers respond in time; None if the stack is closing."""
        for _ in range(int(_STARTUP_SECONDS / _PING_INTERVAL_SECONDS)):
            healthy = [self._is_healthy(url) for url in urls]
            if all(healthy):
                return True
            if None in healthy:
                break
            if not self._work.pause(_PING_INTERVAL_SECONDS):
                return None
        return False

    def _is_healthy(self, url: str) -> bool | None:
        """Return whether a server reports that it is ready; None if it does not respond at all."""
        try:
            return self._http.request("GET", urljoin(url, "ping"), timeout=_RESPONSE_SECONDS).status == 200
        except urllib3.exceptions.HTTPError:
            return None

    def _set_status(self, name: str, status: str, failure_reason: str | None = None) -> None:
        set_endpoint_status(name, self._region, status, now=self._now(), failure_reason=failure_reason)


def _model_error(status: int, message: str) -> EndpointResponse:
    side = "client" if 400 <= status < 500 else "server"
    return EndpointResponse.error(
        424,
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{message}".',
        OriginalStatusCode=status,
        OriginalMessage=message,
    )


def _request_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    standard = {"HTTP_ACCEPT": "Accept", "CONTENT_TYPE": "Content-Type"}
    headers = {name: environ[variable] for variable, name in standard.items() if environ.get(variable)}
    prefix = "HTTP_X_AMZN_SAGEMAKER_"
    return headers | {
        _SAGEMAKER_PREFIX + variable.removeprefix(prefix).replace("_", "-").title(): value
        for variable, value in environ.items()
        if variable.startswith(prefix)
    }
