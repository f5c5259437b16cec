"""Half-open windows of time, and the windows that a schedule expression cuts time into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

from pyawscron import AWSCron
from pydantic import model_validator

from modelwatch_core.domain.documents import Owned, UtcDatetime, iso_utc
from modelwatch_core.domain.errors import InvalidInput

_REFERENCE = datetime(2024, 1, 1, tzinfo=UTC)
"""Where expressions are tried when they are parsed: the start of a leap year, so that every day of a year follows."""

_CRON = re.compile(r"^cron\((?P<fields>[^()]+)\)$")
_FIELDS = 6


class Window(Owned):
    """The half-open span ``[start, end)`` in UTC that one execution looks at."""

    start: UtcDatetime
    end: UtcDatetime

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"the window starts at {iso_utc(self.start)}, not before its end {iso_utc(self.end)}")
        if self.start.microsecond or self.end.microsecond:
            raise ValueError("a window starts and ends at whole seconds: it is known by them")
        return self

    def hours(self) -> Iterator[datetime]:
        """Yield the start of every clock hour that the window touches."""
        hour = self.start.replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)

    def __str__(self) -> str:
        return f"[{iso_utc(self.start)}, {iso_utc(self.end)})"


class ScheduleExpression:
    """A recurring ``cron(minutes hours day-of-month month day-of-week year)`` expression in UTC, in AWS's grammar.

    Parameters
    ----------
    text : str
        For instance ``cron(0 * ? * * *)``, every full hour.

    Raises
    ------
    InvalidInput
        ``InvalidScheduleExpression`` when the text is not such an expression, names a day that does not exist, is due
        more than once an hour (reports are kept by the hour, and captures come late), or is bound to a year.

    Attributes
    ----------
    example_due_time : datetime
        A time at which the schedule is due, to try definitions with.

    Notes
    -----
    Grammar: EventBridge user guide, "Cron expressions". SageMaker's own service accepts hourly and daily forms only;
    weekly, monthly and all other forms are accepted here.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        match = _CRON.match(self.text)
        fields = match["fields"].split() if match else []
        if len(fields) != _FIELDS:
            raise InvalidInput(
                "InvalidScheduleExpression",
                f"{text!r} is not a schedule expression; write cron(minutes hours day-of-month month day-of-week year),"
                " for instance cron(0 * ? * * *) for every hour, in UTC",
            )
        minute, year = fields[0], fields[5]
        if not (minute.isascii() and minute.isdigit() and year == "*"):
            raise InvalidInput(
                "InvalidScheduleExpression",
                f"{text!r} must be due once an hour at most and every year: write one number for the minutes and * for"
                " the year, for instance cron(0 * ? * * *)",
            )
        self._fields = fields
        try:
            self._cron = AWSCron(" ".join(fields))
            self.example_due_time = self.after(_REFERENCE)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
            raise InvalidInput(
                "InvalidScheduleExpression", f"{text!r} is not a valid cron expression: {error}"
            ) from None

    def after(self, moment: datetime) -> datetime:
        """Return the first time strictly after a moment at which the schedule is due."""
        due: datetime = self._cron.occurrence(moment).next()
        return due

    def before(self, moment: datetime) -> datetime:
        """Return the last time strictly before a moment at which the schedule was due."""
        due: datetime = self._cron.occurrence(moment).prev()
        return due

    def window(self, scheduled_time: datetime) -> Window:
        """Return what the execution of a scheduled time looks at: everything since the scheduled time before it.

        Raises
        ------
        InvalidInput
            ``NotAScheduledTime``: its window would overlap those of the times at which the schedule is due.
        """
        before, due = self.before(scheduled_time), self.after(scheduled_time - timedelta(seconds=1))
        if due != scheduled_time:
            raise InvalidInput(
                "NotAScheduledTime",
                f"{self.text} is not due at {iso_utc(scheduled_time)} but at {iso_utc(before)} and {iso_utc(due)}; give"
                " one of these, and if it was a tick: the schedule changed meanwhile",
            )
        return Window(start=before, end=scheduled_time)

    def delayed(self, minutes: int) -> tuple[str, int]:
        """Return the expression that fires some minutes later, and the delay that it really has.

        Captures reach S3 some minutes after their hour, so ticks come late on purpose. An expression that would leave
        its hour is returned as it is, with no delay.
        """
        minute = int(self._fields[0])
        if minute + minutes < 60:
            return f"cron({' '.join([str(minute + minutes), *self._fields[1:]])})", minutes
        return self.text, 0
