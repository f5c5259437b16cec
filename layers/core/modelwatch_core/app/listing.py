"""Lists by pages: filters, orders and the tokens that a list goes on by. A call costs a bounded number of requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.ports import Page, UnreadableRecord

MOST_READS = 10
"""The most pages that one call reads. If filters let little through, it may return fewer records than asked for,
and a token."""

_READ = 100

Record = TypeVar("Record")


class SortOrder(StrEnum):
    """SageMaker's words."""

    ASCENDING = "Ascending"
    DESCENDING = "Descending"


class ListRequest(Owned):
    """What every list takes."""

    max_results: int = Field(default=100, ge=1, le=100)
    next_token: str | None = Field(default=None, max_length=8192)


@dataclass(frozen=True, slots=True)
class Section(Generic[Record]):
    """A part of a list, which is its sections one after the other.

    Attributes
    ----------
    read : callable
        Returns at most so many records after a position.
    keeps : callable, optional
        Whether a record passes the filters; all do if not given.
    """

    read: Callable[[int, str | None], Page[Record]]
    keeps: Callable[[Record], bool] | None = None


def listed(
    asked: ListRequest, sections: Sequence[Section[Record]]
) -> tuple[list[Record | UnreadableRecord], str | None]:
    """Return a page of a list, and the token of the next one, if there may be one.

    Records that cannot be read pass every filter, in the first section: what they hold is not known.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` for a token that is not one of this list.
    """
    number, after = _position(asked)
    found: list[Record | UnreadableRecord] = []
    for _ in range(MOST_READS):
        section = sections[number]
        missing = asked.max_results - len(found)
        page = section.read(_READ if section.keeps else missing, after)
        for place, (record, position) in enumerate(page.records, start=1):
            after = position
            if _passes(record, section, is_first=number == 0):
                found.append(record)
            if len(found) == asked.max_results:
                ends = place == len(page.records) and not page.has_more and number + 1 == len(sections)
                return found, None if ends else _token(asked, number, after)
        if page.has_more:
            continue
        number, after = number + 1, None
        if number == len(sections):
            return found, None
    return found, _token(asked, number, after)


def _passes(record: Record | UnreadableRecord, section: Section[Record], *, is_first: bool) -> bool:
    if isinstance(record, UnreadableRecord):
        return is_first
    return section.keeps is None or section.keeps(record)


_TOKEN: TypeAdapter[tuple[str, int, str | None]] = TypeAdapter(tuple[str, int, str | None])


def _token(asked: ListRequest, number: int, after: str | None) -> str:
    sealed = json.dumps([_seal(asked, number, after), number, after])
    return base64.urlsafe_b64encode(sealed.encode()).decode()


def _position(asked: ListRequest) -> tuple[int, str | None]:
    if asked.next_token is None:
        return 0, None
    try:
        text = base64.b64decode(asked.next_token, altchars=b"-_", validate=True)
        seal, number, after = _TOKEN.validate_json(text, strict=True)
    except ValueError:
        raise unknown_token() from None
    if seal != _seal(asked, number, after):
        raise unknown_token()
    return number, after


def _seal(asked: ListRequest, number: int, after: str | None) -> str:
    """Return what distinguishes a position from those of other lists, and from one that was changed."""
    others = asked.model_dump_json(exclude={"max_results", "next_token"})
    return sha256(f"{type(asked).__name__} {others} {number} {after}".encode()).hexdigest()[:16]


def unknown_token() -> InvalidInput:
    """Return the error for a token that a list did not give."""
    message = "next_token: was not returned by this list for the same parameters; leave it out to start over"
    return InvalidInput("InvalidParameter", message)


def by_status(
    read: Callable[[int, str | None], Page[Record]],
    statuses: Sequence[str],
    status_of: Callable[[Record], str],
    keeps: Callable[[Record], bool],
) -> list[Section[Record]]:
    """Return the sections of a list in the order of statuses."""

    def section_of(status: str) -> Section[Record]:
        return Section(read, lambda record: status_of(record) == status and keeps(record))

    return [section_of(status) for status in statuses]


def shown(record: BaseModel | UnreadableRecord) -> dict[str, Any]:
    """Return a record for JSON; one that cannot be read is shown as the reason."""
    return {"unreadable": str(record.error)} if isinstance(record, UnreadableRecord) else record.model_dump(mode="json")


def passes(record: Any, **wanted: object) -> bool:
    """Return whether attributes of a record have the values that are wanted; None wants nothing."""
    return all(value is None or getattr(record, name) == value for name, value in wanted.items())
