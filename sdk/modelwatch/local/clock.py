"""The stack's clock: the machine's own, which can be set ahead, or a virtual one that moves only when it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from modelwatch.local.errors import LocalStackError


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...

    @property
    def shift(self) -> timedelta:
        """How far it is ahead of the machine's clock in the functions and in S3."""
        ...

    def move_to(self, moment: datetime) -> None:
        """Move to a later time; a time that has passed moves nothing."""
        ...


class WallClock:
    """The machine's own clock, which can be set ahead.

    Parameters
    ----------
    shift_file : Path
        The file through which the processes of functions learn how far it is ahead: seconds, as text.
    """

    def __init__(self, shift_file: Path) -> None:
        self._shift, self._shift_file = timedelta(0), shift_file
        self._write()

    @property
    def shift(self) -> timedelta:
        """How far it was set ahead."""
        return self._shift

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC) + self._shift

    def move_to(self, moment: datetime) -> None:
        """Set the clock ahead to a time, unless that has passed."""
        self._shift += max(to_utc(moment) - self.now(), timedelta(0))
        self._write()

    def _write(self) -> None:
        written = self._shift_file.with_suffix(".new")
        written.write_text(str(self._shift.total_seconds()))
        written.replace(self._shift_file)  # whole, for whoever reads it in this moment


class VirtualClock:
    """A clock that stands still until it is moved. The functions and S3 follow the machine's own.

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

    @property
    def shift(self) -> timedelta:
        """Zero: functions see the machine's clock."""
        return timedelta(0)

    def move_to(self, moment: datetime) -> None:
        """Move to a later time; a time that has passed moves nothing."""
        self._now = max(self._now, to_utc(moment))


def to_utc(moment: datetime) -> datetime:
    """Return the same time in UTC; a time without a time zone is refused."""
    if moment.tzinfo is None:
        raise LocalStackError("NoTimeZone", f"{moment.isoformat()} has no time zone; add one, for example tzinfo=UTC.")
    return moment.astimezone(UTC)
