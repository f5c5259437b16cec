"""The one table from botocore's error codes to our tree of errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream

REFUSED = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "AuthorizationError": "AccessDenied",
    "NoSuchBucket": "BucketNotFound",
    "KMS.DisabledException": "KeyNotUsable",
    "KMSAccessDeniedException": "KeyNotUsable",
    "RequestTooLargeException": "RequestTooLarge",
}
"""Codes that no retry can help with, and what we call them. All others may pass and are worth a retry."""


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
        When a person must mend it: permissions, a bucket that is not there, a window of too many hours.
    Upstream
        When a retry may help.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = f"{doing}: {error.operation_name} answered {code}: {error.response['Error'].get('Message', '')}"
        raise _error(code, message) from error
    except BotoCoreError as error:
        raise Upstream("ServiceNotReached", f"{doing}: {error}") from error


def _error(code: str, message: str) -> ModelwatchError:
    return InvalidInput(REFUSED[code], message) if code in REFUSED else Upstream("ServiceError", message)


def code_of(error: ClientError) -> str:
    """Return botocore's code of an error."""
    return error.response["Error"]["Code"]
