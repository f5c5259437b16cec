"""Checks of what a caller of the Python API gives: they fail when the call is made, and say how to fix it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from operator import index
from typing import Any, SupportsIndex

from modelwatch_core.domain.sagemaker_api.responses import given

__all__ = [
    "LONGEST_RUN_IN_SECONDS",
    "choice",
    "duration",
    "flag",
    "given",
    "instance",
    "integer",
    "listed",
    "required",
    "s3_uri",
    "sagemaker_name",
    "text",
    "time",
    "time_text",
]

LONGEST_RUN_IN_SECONDS = 24 * 60 * 60
"""The longest that any host lets an analysis run."""

_NAME = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_DURATION = re.compile(r"-?P(?=.)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")
_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?")


def sagemaker_name(name: str, value: Any) -> str:
    """Return a name that follows SageMaker's rule for names.

    Raises
    ------
    TypeError, ValueError
        Where it is no text, or does not follow the rule.
    """
    if not _NAME.fullmatch(text(name, value)):
        raise ValueError(
            f"{name}: {value!r} must be 1 to 63 letters, digits and hyphens, and begin and end with no hyphen"
        )
    return str(value)


def s3_uri(name: str, value: Any) -> str:
    """Return an S3 URI, ``s3://bucket`` or ``s3://bucket/key``."""
    if not _S3_URI.fullmatch(text(name, value)):
        raise ValueError(f"{name}: {value!r} is not an S3 URI such as s3://my-bucket/folder")
    return str(value)


def text(name: str, value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    return value


def duration(name: str, value: Any) -> str:
    """Return an ISO 8601 duration."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"{name}: {value!r} is not an ISO 8601 duration such as -PT2H")
    return value


def time(name: str, value: Any) -> datetime:
    """Return a datetime with its time zone, UTC if it has none."""
    moment: datetime = instance(name, value, datetime)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def time_text(name: str, value: datetime | str | None) -> str | None:
    """Return a time as the app reads it: of a text it says itself what is wrong."""
    return value if value is None or isinstance(value, str) else time(name, value).isoformat()


def flag(name: str, value: Any) -> bool:
    """Return True or False, and nothing that only behaves like them."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def integer(name: str, value: Any, least: int, most: int) -> int:
    """Return an integer within bounds, both inclusive; it may be one of numpy."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not least <= (number := index(value)) <= most:
        raise ValueError(f"{name} must be from {least:,} to {most:,}, not {number:,}")
    return number


def choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return one of several texts."""
    if text(name, value) not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def instance(name: str, value: Any, *types: type) -> Any:
    """Return a value of one of several types."""
    if not isinstance(value, types):
        wanted = " or ".join(each.__name__ for each in types)
        article = "an" if wanted[0] in "AEIOU" else "a"
        raise TypeError(f"{name} must be {article} {wanted}, not {type(value).__name__}")
    return value


def listed(name: str, value: Any) -> list[Any]:
    """Return a list of what a list, a tuple or the columns of a frame have, and not of the letters of a text."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, not {type(value).__name__}; write [{value!r}] for one")
    return list(value)


def required(method: str, **values: Any) -> None:
    """Refuse arguments that are missing.

    Raises
    ------
    ValueError
        The message names the arguments that are missing.
    """
    if missing := [name for name, value in values.items() if value is None]:
        raise ValueError(f"{method} needs {' and '.join(missing)}")
