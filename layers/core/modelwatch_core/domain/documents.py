"""Base models of everything that is serialised: frozen, and strict about the right things."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from modelwatch_core.domain.errors import InvalidInput

Document = TypeVar("Document", bound=BaseModel)


class Inbound(BaseModel):
    """A document that others write: unknown fields are ignored, so that they may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Owned(BaseModel):
    """A document that we write: an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _to_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso_utc(moment: datetime) -> str:
    """Write a moment as SageMaker does: ISO 8601, UTC, seconds, ``Z``."""
    return _to_utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(model: type[Document], document: object) -> Document:
    """Read what a user wrote.

    Raises
    ------
    InvalidInput
        ``InvalidParameter``, naming each field that is wrong, without its value.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        words = (f"{'.'.join(str(part) for part in each['loc']) or 'the parameters'}: {each['msg']}" for each in wrong)
        raise InvalidInput("InvalidParameter", "; ".join(words)) from None


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
        message = mistake["msg"].removeprefix("Value error, ")
        described.append(f"{location}: {message}" if location else message)
    return "; ".join(described)


def _location(prefix: str, parts: Iterable[int | str]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return f"{prefix}{path}".removeprefix(".")


UtcDatetime = Annotated[datetime, AfterValidator(_to_utc), PlainSerializer(iso_utc, return_type=str, when_used="json")]
"""A moment in UTC; a naive one is read as UTC, as SageMaker does."""

NonEmpty = Annotated[str, Field(min_length=1)]
S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?$", max_length=1024)]
