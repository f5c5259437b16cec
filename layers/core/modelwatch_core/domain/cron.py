"""AWS's dialect of cron: six fields, evaluated by the sets of values that they stand for.

Grammar: Amazon EventBridge Scheduler user guide, "Cron-based schedules". An expression is in UTC.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple, Self

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_DIGITS = re.compile(r"\d{1,4}", re.ASCII)


class _Field(NamedTuple):
    name: str
    least: int
    greatest: int
    names: tuple[str, ...] = ()


_MINUTES = _Field("minutes", 0, 59)
_HOURS = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day-of-week", 1, 7, _WEEKDAYS)
_YEAR = _Field("year", 1970, 2199)
FIELDS = (_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)


@dataclass(frozen=True)
class CronExpression:
    """A parsed expression.

    Attributes
    ----------
    minutes, hours, months, years : tuple of int
        In ascending order.
    day_of_month, day_of_week : str
        As written, in capitals; one of them is ``?``.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``minutes hours day-of-month month day-of-week year``.

        Raises
        ------
        ValueError
            Naming the field and what is wrong with it.
        """
        fields = text.upper().split()
        if len(fields) != len(FIELDS):
            names = " ".join(field.name for field in FIELDS)
            raise ValueError(f"it has {len(fields)} fields instead of {len(FIELDS)}: {names}")
        minutes, hours, day_of_month, months, day_of_week, years = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("write ? for either day-of-month or day-of-week, and a value or * for the other")
        _check_day_of_month(day_of_month)
        _check_day_of_week(day_of_week)
        return cls(
            _values(minutes, _MINUTES),
            _values(hours, _HOURS),
            day_of_month,
            _values(months, _MONTH),
            day_of_week,
            _values(years, _YEAR),
        )

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time strictly after a moment at which the expression is due, None if there is none."""
        first = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(first):
            if day > first.replace(hour=0, minute=0):
                return day.replace(hour=self.hours[0], minute=self.minutes[0])
            for hour, minute in self._times:
                if (hour, minute) >= (first.hour, first.minute):
                    return day.replace(hour=hour, minute=minute)
        return None

    def before(self, moment: datetime) -> datetime | None:
        """Return the last time strictly before a moment at which the expression was due, None if there is none."""
        last = moment.astimezone(UTC) - timedelta(microseconds=1)
        for day in self._days_back_from(last):
            if day.date() < last.date():
                return day.replace(hour=self.hours[-1], minute=self.minutes[-1])
            for hour, minute in reversed(self._times):
                if (hour, minute) <= (last.hour, last.minute):
                    return day.replace(hour=hour, minute=minute)
        return None

    def shortest_interval(self) -> timedelta | None:
        """Return the least time between two times in a row at which the expression is due, None if there are no two.

        All days of all years are looked at: a weekday of a month comes after 28 days, or after 40 years.
        """
        minutes = [60 * hour + minute for hour, minute in self._times]
        shortest = min((timedelta(minutes=later - earlier) for earlier, later in pairwise(minutes)), default=None)
        overnight = timedelta(minutes=minutes[0] - minutes[-1])
        for day, next_day in pairwise(self._days_from(datetime(self.years[0], 1, 1, tzinfo=UTC))):
            interval = next_day - day + overnight
            shortest = interval if shortest is None else min(shortest, interval)
            if next_day - day == timedelta(days=1):
                break
        return shortest

    @cached_property
    def _times(self) -> tuple[tuple[int, int], ...]:
        return tuple((hour, minute) for hour in self.hours for minute in self.minutes)

    def _days_from(self, moment: datetime) -> Iterator[datetime]:
        for year in self.years[bisect_left(self.years, moment.year) :]:
            for month in self.months:
                if (year, month) >= (moment.year, moment.month):
                    days = (datetime(year, month, day, tzinfo=UTC) for day in self._days(year, month))
                    yield from (day for day in days if day.date() >= moment.date())

    def _days_back_from(self, moment: datetime) -> Iterator[datetime]:
        for year in reversed(self.years[: bisect_right(self.years, moment.year)]):
            for month in reversed(self.months):
                if (year, month) <= (moment.year, moment.month):
                    days = (datetime(year, month, day, tzinfo=UTC) for day in reversed(self._days(year, month)))
                    yield from (day for day in days if day.date() <= moment.date())

    def _days(self, year: int, month: int) -> tuple[int, ...]:
        if self.day_of_week == "?":
            return _days_of_month(self.day_of_month, year, month)
        return _days_of_week(self.day_of_week, year, month)


def _values(text: str, field: _Field) -> tuple[int, ...]:
    """Return what a field of plain values, ranges, steps and lists stands for."""
    return tuple(sorted({value for item in text.split(",") for value in _item(item, field)}))


def _item(text: str, field: _Field) -> range:
    if "[" in text or "]" in text:  # SageMaker's guide writes cron(0 [00-23]/[01-24] ? * * *) for what may be chosen
        raise ValueError(f"{field.name}: write {text!r} without brackets; 0/6 is every sixth from 0 on")
    span, slash, step_text = text.partition("/")
    step = _number(step_text, field, names=False) if slash else 1
    longest_step = field.greatest - field.least + 1
    if not 1 <= step <= longest_step:
        raise ValueError(f"{field.name}: a step is a number from 1 to {longest_step}, not {step_text!r}")
    if span == "*":
        return range(field.least, field.greatest + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = _in_range(first_text, field)
    # A step after a single value runs on to the end of the field.
    last = _in_range(last_text, field) if dash else (field.greatest if slash else first)
    if first > last:
        raise ValueError(f"{field.name}: the range {span!r} ends before it starts; write it as two, with a comma")
    return range(first, last + 1, step)


def _in_range(text: str, field: _Field) -> int:
    value = _number(text, field)
    if not field.least <= value <= field.greatest:
        raise ValueError(f"{field.name}: {text!r} is not from {field.least} to {field.greatest}")
    return value


def _number(text: str, field: _Field, *, names: bool = True) -> int:
    if names and text in field.names:
        return field.names.index(text) + field.least
    if not _DIGITS.fullmatch(text):
        known = f", or one of {', '.join(field.names)}" if field.names else ""
        raise ValueError(f"{field.name}: {text!r} is not a number from {field.least} to {field.greatest}{known}")
    return int(text)


def _check_day_of_month(text: str) -> None:
    if text.endswith("W"):
        _in_range(text.removesuffix("W"), _DAY_OF_MONTH)
    elif text not in ("?", "L"):
        _values(text, _DAY_OF_MONTH)


def _check_day_of_week(text: str) -> None:
    day, hash_sign, place = text.partition("#")
    if hash_sign:
        _in_range(day, _DAY_OF_WEEK)
        if place not in ("1", "2", "3", "4", "5"):
            raise ValueError(f"day-of-week: {text!r} does not say which one of a month; write 1 to 5 after #")
    elif text.endswith("L") and text != "L":
        _in_range(text.removesuffix("L"), _DAY_OF_WEEK)
    elif text not in ("?", "L"):
        _values(text, _DAY_OF_WEEK)


@lru_cache(maxsize=4096)
def _days_of_month(text: str, year: int, month: int) -> tuple[int, ...]:
    last = calendar.monthrange(year, month)[1]
    if text == "L":
        return (last,)
    if text.endswith("W"):
        day = int(text.removesuffix("W"))
        return (_nearest_weekday(year, month, day, last),) if day <= last else ()
    return tuple(day for day in _values(text, _DAY_OF_MONTH) if day <= last)


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    """Return the day from Monday to Friday that is nearest to a day, and in the same month."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


@lru_cache(maxsize=4096)
def _days_of_week(text: str, year: int, month: int) -> tuple[int, ...]:
    first_weekday, last = calendar.monthrange(year, month)

    def days_of(weekday: int) -> range:
        # Monday is 0 in Python and 2 in AWS's dialect.
        return range(1 + (weekday - 2 - first_weekday) % 7, last + 1, 7)

    day, hash_sign, place = text.partition("#")
    if hash_sign:
        days = days_of(_number(day, _DAY_OF_WEEK))
        return (days[int(place) - 1],) if int(place) <= len(days) else ()
    if text == "L":
        return tuple(days_of(_SATURDAY))
    if text.endswith("L"):
        return (days_of(_number(text.removesuffix("L"), _DAY_OF_WEEK))[-1],)
    return tuple(sorted(day for weekday in _values(text, _DAY_OF_WEEK) for day in days_of(weekday)))
