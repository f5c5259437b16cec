"""The one table from botocore's error codes to our tree of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream
from modelwatch_core.domain.model_endpoints import LARGEST_PAYLOAD, ModelFailure
from modelwatch_core.domain.redaction import redacted_message

REFUSED = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "AuthorizationError": "AccessDenied",
    "NoSuchBucket": "BucketNotFound",
    "KMS.DisabledException": "KeyNotUsable",
    "KMSAccessDeniedException": "KeyNotUsable",
    "RequestTooLargeException": "RequestTooLarge",
    "ResourceLimitExceeded": "QuotaExceeded",
}
"""Codes that no retry can help with, and what we call them. All others may pass and are worth a retry."""


Response = TypeVar("Response")


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Translate what botocore raises inside.

    Parameters
    ----------
    doing : str
        What was being done, with the id of what it was done to: the beginning of the message.

    Raises
    ------
    InvalidInput
        When a person must fix it: permissions, a bucket that is not there, a window of too many hours.
    Upstream
        When a retry may help.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = f"{doing}: {error.operation_name} returned {code}: {error.response['Error'].get('Message', '')}"
        raise _error(code, message) from error
    except BotoCoreError as error:
        raise Upstream("ServiceNotReached", f"{doing}: {error}") from error


def _error(code: str, message: str) -> ModelwatchError:
    return InvalidInput(REFUSED[code], message) if code in REFUSED else Upstream("ServiceError", message)


def code_of(error: ClientError) -> str:
    """Return botocore's code of an error."""
    return error.response["Error"]["Code"]


def response_or_none(call: Callable[[], Response], *codes: str) -> Response | None:
    """Return what a call returns, or None where AWS refuses it with one of some codes."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) not in codes:
            raise
        return None


SAGEMAKER_REFUSAL = "ValidationException"
"""SageMaker's code for an endpoint or a model that it does not find, a name that is taken, and all that it refuses."""

THROTTLED = {"ThrottlingException", "TooManyRequestsException", "ModelNotReadyException"}


@contextmanager
def model_errors(endpoint_name: str, body: bytes) -> Iterator[None]:
    """Translate what botocore raises of a call of an endpoint inside.

    Parameters
    ----------
    body : bytes
        What was sent; nothing of it gets into a message.

    Raises
    ------
    ModelFailure
        See there; its ``model_message`` is cut and has nothing of the body.
    InvalidInput
        When the call is not allowed.
    """
    try:
        yield
    except ClientError as error:
        raise _model_failure(endpoint_name, error, body) from None  # botocore's message has that of the model
    except ReadTimeoutError:
        message = (
            f"the endpoint {endpoint_name} did not respond in time; send it fewer rows at a time (max_payload_bytes), "
            "or give it larger instances"
        )
        raise ModelFailure("ModelTimedOut", message) from None
    except BotoCoreError as error:
        raise ModelFailure("ModelNotReached", f"calling endpoint {endpoint_name}: {error}") from None


def _model_failure(endpoint_name: str, error: ClientError, body: bytes) -> ModelwatchError:
    code = code_of(error)
    if code in REFUSED:
        return InvalidInput(REFUSED[code], f"calling endpoint {endpoint_name}: InvokeEndpoint returned {code}")
    if code == "413":
        return payload_too_large(body)
    if code == "ValidationError":
        message = f"the endpoint {endpoint_name} cannot be called: check that it is in this region, and InService"
        return ModelFailure("ModelNotFound", message, redacted_message(_message(error), body))
    if code == "ModelError":
        return _fault_of_the_model(endpoint_name, error, body)
    if code in THROTTLED:
        message = f"the endpoint {endpoint_name} is too busy ({code}), also after retries; give it more instances"
        return ModelFailure("ModelThrottled", message)
    return ModelFailure("ModelNotReached", f"calling endpoint {endpoint_name}: InvokeEndpoint returned {code}")


def payload_too_large(body: bytes) -> ModelFailure:
    """Return the error for a request that is longer than an endpoint takes."""
    message = f"a request of {len(body):,} bytes exceeds the {LARGEST_PAYLOAD:,} that an endpoint accepts"
    return ModelFailure("ModelRefusedPayload", message)


def _fault_of_the_model(endpoint_name: str, error: ClientError, body: bytes) -> ModelFailure:
    status = int(str(error.response.get("OriginalStatusCode") or 500))
    code = {413: "ModelRefusedPayload", 429: "ModelThrottled"}.get(status)
    code = code or ("ModelRefused" if 400 <= status < 500 else "ModelFailed")
    message = redacted_message(str(error.response.get("OriginalMessage") or ""), body)
    return ModelFailure(code, f"the model of the endpoint {endpoint_name} returned status {status}", message)


def _message(error: ClientError) -> str:
    return error.response["Error"].get("Message", "")
