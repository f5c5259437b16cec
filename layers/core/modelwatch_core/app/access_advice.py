"""What to do where the app may not read a bucket that a request names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.errors import InvalidInput


@contextmanager
def advice_on_access(s3_uri: str) -> Iterator[None]:
    """Say in the refusal of access to a bucket which parameter of the deployment allows it."""
    try:
        yield
    except InvalidInput as error:
        if error.code != "AccessDenied":
            raise
        bucket, _ = s3_layout.split(s3_uri)
        message = (
            f"this deployment may not read {s3_uri}. Add the bucket {bucket} to its parameter MonitoredBuckets; if it"
            f" is there already, find out what denies access: {error.message}"
        )
        raise InvalidInput(error.code, message) from error
