"""Lambda's Invoke: its quotas, its invocation types and its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelwatch.local.errors import LocalStackError
from modelwatch.local.function import Throttled
from modelwatch.local.function_settings import EventInvokeConfig
from modelwatch.local.functions import Functions
from modelwatch.local.moto_patches.hooks import InvokeRejected, InvokeRequest, InvokeResponse

_MAXIMUM_REQUEST = 6_291_456  # bytes, Lambda's quotas for an event
_MAXIMUM_ASYNCHRONOUS_REQUEST = 1_048_576


def invoke(functions: Functions, request: InvokeRequest) -> InvokeResponse:
    """Invoke a function.

    Raises
    ------
    InvokeRejected
        The request is too large or not JSON, the function is throttled, or there is no such function.
    """
    _check_payload(request)
    try:
        if request.invocation_type == "DryRun":
            return InvokeResponse("")
        if request.invocation_type == "Event":
            config = _event_invoke_config(request.config)
            return InvokeResponse(functions.invoke_asynchronously(request.function_name, request.payload, config))
        request_id, outcome = functions.invoke(
            request.function_name, request.payload, client_context=request.client_context
        )
    except Throttled as error:
        raise InvokeRejected("TooManyRequestsException", 429, "Rate Exceeded.") from error
    except LocalStackError as error:
        raise InvokeRejected("ResourceNotFoundException", 404, error.message) from error
    return InvokeResponse(request_id, outcome.payload, outcome.function_error)


def _check_payload(request: InvokeRequest) -> None:
    limit = _MAXIMUM_ASYNCHRONOUS_REQUEST if request.invocation_type == "Event" else _MAXIMUM_REQUEST
    if len(request.payload) > limit:
        raise InvokeRejected(
            "RequestTooLargeException",
            413,
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    try:
        json.loads(request.payload)
    except ValueError as error:
        raise InvokeRejected(
            "InvalidRequestContentException", 400, f"Could not parse request body into json: {error}"
        ) from error


def _event_invoke_config(description: Mapping[str, Any]) -> EventInvokeConfig:
    destinations = description.get("DestinationConfig") or {}
    fields = {
        "maximum_retry_attempts": description.get("MaximumRetryAttempts"),
        "maximum_event_age": description.get("MaximumEventAgeInSeconds"),
        "on_failure": (destinations.get("OnFailure") or {}).get("Destination"),
        "on_success": (destinations.get("OnSuccess") or {}).get("Destination"),
    }
    return EventInvokeConfig(**{name: value for name, value in fields.items() if value is not None})
