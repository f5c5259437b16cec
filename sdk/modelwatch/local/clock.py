"""The time the stack lives in: the machine's own, or one that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from modelwatch.local.errors import LocalStackError


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        ...


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved, and never goes back.

    Parameters
    ----------
    start : datetime
        The first moment, with a time zone.
    """

    def __init__(self, start: datetime) -> None:
        self._now = in_utc(start)

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Move on to a later moment."""
        moment = in_utc(moment)
        if moment < self._now:
            raise LocalStackError(
                "ClockGoesBack", f"It is {self._now.isoformat()} already; ask for a moment after {moment.isoformat()}."
            )
        self._now = moment


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; a moment without a time zone is refused."""
    if moment.tzinfo is None:
        raise LocalStackError("NoTimeZone", f"{moment.isoformat()} has no time zone; give one, for example UTC.")
    return moment.astimezone(UTC)
