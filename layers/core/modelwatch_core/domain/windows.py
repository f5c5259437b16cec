"""Half-open windows of time, and the windows that a schedule expression cuts time into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Self

from pydantic import model_validator

from modelwatch_core.domain.cron import CronExpression
from modelwatch_core.domain.documents import Owned, UtcDatetime, iso_utc
from modelwatch_core.domain.errors import InvalidInput

_REFERENCE = datetime(2024, 1, 1, tzinfo=UTC)
"""The moment from which expressions are tried when they are parsed: the start of a leap year, so that every day of a
year follows."""

LONGEST_WINDOW = timedelta(days=1500)
"""How long a window may be, times the variants that are watched. What was captured is listed day by day: at an assumed
50 ms a list that is little more than one of the five minutes that the function that does it has."""

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""The times between which windows are looked at; beyond them, hours and days before and after may not exist."""

_LAST_HOUR = 23
_CRON = re.compile(r"^cron\((?P<fields>[^()]+)\)$")


class Window(Owned):
    """The half-open span ``[start, end)`` in UTC that one execution looks at."""

    start: UtcDatetime
    end: UtcDatetime

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"the window starts at {iso_utc(self.start)}, not before its end {iso_utc(self.end)}")
        if self.start.microsecond or self.end.microsecond:
            raise ValueError("a window must start and end at whole seconds")
        return self

    def hours(self) -> Iterator[datetime]:
        """Yield the start of every clock hour that the window touches."""
        hour = self.start.replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)

    def refuse_long(self, *, variants: int = 1) -> None:
        """Refuse a window whose captures take too long to list.

        Raises
        ------
        InvalidInput
            ``WindowTooLarge``; ``InvalidParameter`` for times that can only be a mistake.
        """
        if self.start < _FIRST or self.end > _LAST:
            raise InvalidInput(
                "InvalidParameter",
                f"the window {self} is not between {iso_utc(_FIRST)} and {iso_utc(_LAST)}: correct its times",
            )
        length = self.end - self.start
        if length * variants > LONGEST_WINDOW:
            days, most = ceil(length / timedelta(days=1)), LONGEST_WINDOW.days // variants
            number = "one variant" if variants == 1 else f"{variants} variants"
            message = f"a window of {days:,} days is longer than the {most:,} that are allowed for an endpoint with"
            message += f" {number}: correct its times, or choose a shorter window"
            raise InvalidInput("WindowTooLarge", message)

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
        ``InvalidScheduleExpression`` when the text is not such an expression, or names a day that does not exist.

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
        if match is None:
            raise InvalidInput(
                "InvalidScheduleExpression",
                f"{text!r} is not a schedule expression; write cron(minutes hours day-of-month month day-of-week year),"
                " for instance cron(0 * ? * * *) for every hour, in UTC",
            )
        try:
            self._cron = CronExpression.parse(match["fields"])
        except ValueError as error:
            raise InvalidInput("InvalidScheduleExpression", f"{text!r} is not a cron expression: {error}") from None
        self._fields = match["fields"].split()
        is_of_all_years = self._fields[5] == "*"
        self._in_all_years = self._cron if is_of_all_years else CronExpression.parse(" ".join([*self._fields[:5], "*"]))
        due = self._cron.after(_REFERENCE) or self._cron.before(_REFERENCE)
        if due is None:
            raise InvalidInput("InvalidScheduleExpression", f"{text!r} is never due: its months have no such day")
        self.example_due_time = due

    def after(self, moment: datetime) -> datetime:
        """Return the first time strictly after a moment at which the schedule is due."""
        return self._exists(self._cron.after(moment), moment)

    def before(self, moment: datetime) -> datetime:
        """Return the last time strictly before a moment at which the schedule was due, or would be in another year.

        So the first window of an expression that is bound to years begins where it would if it were not.
        """
        return self._exists(self._in_all_years.before(moment), moment)

    def last_due(self, moment: datetime) -> datetime | None:
        """Return the last time strictly before a moment at which the schedule was due, None if there is none."""
        return self._cron.before(moment)

    def is_due_after(self, moment: datetime) -> bool:
        """Return whether the schedule is ever due after a moment."""
        return self._cron.after(moment) is not None

    @property
    def is_due_within_the_hour(self) -> bool:
        """Whether it may be due more than once in an hour."""
        return len(self._cron.minutes) > 1

    def shortest_interval(self) -> timedelta | None:
        """Return the least time between two times in a row at which the schedule is due, None if it is due once."""
        return self._cron.shortest_interval()

    def _exists(self, due: datetime | None, moment: datetime) -> datetime:
        if due is None:  # the years of the grammar, 1970 to 2199, are over
            raise InvalidInput("NotAScheduledTime", f"{self.text} has no time on that side of {iso_utc(moment)}")
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

        Captures reach S3 some minutes after their hour, so ticks come late on purpose. Only an expression whose day
        would change, and that is not due on every day, is returned as it is, with no delay. So is one that is due
        several times an hour, but not in every hour, and of whose times only some would move to the next hour.
        """
        moved = [divmod(minute + minutes, 60) for minute in self._cron.minutes]
        minute = ",".join(str(each) for each in sorted(each for _, each in moved))
        carried = moved[0][0]
        is_hourly = self._is_due_on_every_day and len(self._cron.hours) == _LAST_HOUR + 1
        if not moved[-1][0] or is_hourly:
            return f"cron({' '.join([minute, *self._fields[1:]])})", minutes
        if moved[-1][0] != carried:
            return self.text, 0
        hours = [hour + carried for hour in self._cron.hours]
        if max(hours) > _LAST_HOUR and not self._is_due_on_every_day:
            return self.text, 0
        shifted = ",".join(str(hour) for hour in sorted(hour % 24 for hour in hours))
        return f"cron({' '.join([minute, shifted, *self._fields[2:]])})", minutes

    @property
    def _is_due_on_every_day(self) -> bool:
        day_of_month, month, day_of_week, year = self._fields[2:]
        return {day_of_month, day_of_week} == {"*", "?"} and month == year == "*"
