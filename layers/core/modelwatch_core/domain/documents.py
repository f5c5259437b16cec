"""Base models of everything that is serialised: frozen, and strict about the right things.

A document may hold secrets, so not even an error of pydantic's that nobody translates shows what was in it. Models are
built when first used: a function starts sooner without those that it only imports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import accumulate
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from modelwatch_core.domain.errors import InvalidInput

Document = TypeVar("Document", bound=BaseModel)


class Inbound(BaseModel):
    """A document that others write: unknown fields are ignored, so that they may add some."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True, defer_build=True
    )


class Owned(BaseModel):
    """A document that we write: an unknown field is a mistake."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, defer_build=True
    )


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not within the years 1 to 9999 in UTC") from None


def iso_utc(moment: datetime) -> str:
    """Write a moment as SageMaker does: ISO 8601, UTC, seconds, ``Z``."""
    return _to_utc(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def parsed(model: type[Document], document: object) -> Document:
    """Read what a user wrote.

    Raises
    ------
    InvalidInput
        ``InvalidParameter``, naming each field that is wrong, without its value.
    """
    if not isinstance(document, dict):
        raise InvalidInput("InvalidParameter", "the parameters are not a JSON object")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidInput("InvalidParameter", validation_message(error, document_name="the parameters")) from None


_IN_JSON = {
    "tuple_type": "Input should be a valid list",
    "dict_type": "Input should be a valid object",
    "model_type": "Input should be a valid object",
}
"""What is said of Python's types to those who write JSON."""


def validation_message(
    error: ValidationError, *, location_prefix: str = "", document_name: str = "", limit: int | None = None
) -> str:
    """Describe what is wrong with a document: each mistake with its location, and never with its value.

    Parameters
    ----------
    location_prefix : str
        Where the document is in a larger one, such as ``dataset_format.csv``.
    document_name : str
        How to refer to the document in mistakes that concern all of it; without a name these have no location.
    limit : int, optional
        The number of mistakes to describe; all of them by default.

    Returns
    -------
    str
        For instance ``features[0].name: Field required; version: Input should be a valid number``.
    """
    mistakes = error.errors(include_url=False, include_input=False, include_context=False)
    described = []
    for mistake in mistakes[:limit]:
        location = _location(location_prefix, mistake["loc"]) or document_name
        message = _IN_JSON.get(mistake["type"], mistake["msg"].removeprefix("Value error, "))
        if mistake["type"] in ("too_long", "too_short"):
            message = message.replace("Tuple", "List").replace("Dictionary", "Object")
        described.append(f"{location}: {message}" if location else message)
    return "; ".join(described)


def _location(prefix: str, parts: Iterable[int | str]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return f"{prefix}{path}".removeprefix(".")


def bounded_text(text: str, most: int) -> str:
    """Return text as JSON can hold it, and no longer than some characters; one that is cut ends with an ellipsis."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def bounded_texts(texts: Iterable[str], *, characters: int, size: int) -> tuple[str, ...]:
    """Return as many texts as fit, each cut to some characters; the last one says how many do not fit.

    Parameters
    ----------
    characters : int
        The longest that each may be.
    size : int
        Bytes of all of them in JSON, but for the last sentence.
    """
    cut = [bounded_text(text, characters) for text in texts]
    sizes = accumulate(len(json.dumps(text, ensure_ascii=False).encode()) + 2 for text in cut)
    fitting = sum(each <= size for each in sizes)
    return tuple(cut) if fitting == len(cut) else (*cut[:fitting], f"and {len(cut) - fitting:,} more")


UtcDatetime = Annotated[datetime, AfterValidator(_to_utc), PlainSerializer(iso_utc, return_type=str, when_used="json")]
"""A moment in UTC; a naive one is read as UTC, as SageMaker does."""


def _exact(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


ExactUtcDatetime = Annotated[
    datetime, AfterValidator(_to_utc), PlainSerializer(_exact, return_type=str, when_used="json")
]
"""A moment in UTC, like `UtcDatetime`, but written with all its digits."""

NonEmpty = Annotated[str, Field(min_length=1)]
SageMakerName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", max_length=63)]
"""SageMaker's rule for the names of endpoints, variants, models, monitoring schedules and processing jobs."""
_OF_A_BUCKET = r"^s3://[A-Za-z0-9._\-]{1,63}"
_LONGEST_URI = len("s3://") + 63 + 1 + 1024
ObjectUri = Annotated[str, Field(pattern=_OF_A_BUCKET + r"(/[\s\S]*)?$", max_length=_LONGEST_URI)]
"""The URI of objects or of a folder. Programs make such keys too: they may have 1,024 characters, line breaks
included."""
SingleObjectUri = Annotated[str, Field(pattern=_OF_A_BUCKET + r"/[\s\S]+$", max_length=_LONGEST_URI)]
"""The URI of one object: an `ObjectUri` with a key."""
S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?$", max_length=1024)]
