"""The stack's clock: the machine's own, or a virtual one that moves only when it is advanced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from modelwatch.local.errors import LocalStackError


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved, and never moves backwards.

    Parameters
    ----------
    start : datetime
        The initial time, with a time zone.
    """

    def __init__(self, start: datetime) -> None:
        self._now = to_utc(start)

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Move to a later time."""
        moment = to_utc(moment)
        if moment < self._now:
            raise LocalStackError(
                "ClockGoesBack",
                f"The clock cannot go back from {self._now.isoformat()} to {moment.isoformat()}; pass a later time.",
            )
        self._now = moment


def to_utc(moment: datetime) -> datetime:
    """Return the same time in UTC; a time without a time zone is refused."""
    if moment.tzinfo is None:
        raise LocalStackError("NoTimeZone", f"{moment.isoformat()} has no time zone; add one, for example tzinfo=UTC.")
    return moment.astimezone(UTC)
