"""Random schedule expressions against an evaluator of their own days and minutes, and how fast bad ones are refused.

The evaluator is written from the sentences of EventBridge Scheduler's user guide, "Cron-based schedules", and shares
nothing with the product's: it keeps a mask over all days of 2026 to 2028, and the minutes of a day.
"""

from __future__ import annotations

import argparse
import calendar
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from benchmarks.processes import terminal
from benchmarks.targets import say
from modelwatch_core.domain.cron import CronExpression

_SEED = 20261128
_FIRST = date(2026, 1, 1)
_DAYS = [_FIRST + timedelta(days=number) for number in range(365 + 365 + 366)]
_MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
_MINUTES_OF_A_DAY = 24 * 60
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_LONGEST_MS = 10.0

_YEAR = np.array([day.year for day in _DAYS])
_MONTH = np.array([day.month for day in _DAYS])
_DAY = np.array([day.day for day in _DAYS])
_WEEKDAY = np.array([day.isoweekday() % 7 + 1 for day in _DAYS])  # Sunday is 1
_LAST = np.array([calendar.monthrange(day.year, day.month)[1] for day in _DAYS])


def run(options: argparse.Namespace) -> None:
    """Compare and print."""
    console, random = terminal(), Random(_SEED)
    started = time.process_time()
    wrong = [text for text in (random_expression(random) for _ in range(options.rows)) if not _agrees(text, random)]
    seconds = time.process_time() - started
    due = f"{options.rows:,} expressions, their next and last due times at random moments of 2026 to 2028"
    differing = f"{len(wrong)} differ from the evaluator {wrong[:5]} (target 0)"
    say(console, f"{due}, in {seconds:.0f} CPU s: {differing}", is_met=not wrong)
    slowest, accepted = 0.0, []
    for _ in range(options.rows // 10):
        text = _malformed(random)
        started = time.process_time()
        try:
            CronExpression.parse(text)
        except ValueError:
            pass
        else:
            accepted.append(text)
        slowest = max(slowest, time.process_time() - started)
    say(
        console,
        f"{options.rows // 10:,} malformed ones: {len(accepted)} accepted {accepted[:5]}, the slowest refused in "
        f"{slowest * 1000:.2f} ms of CPU (target at most {_LONGEST_MS:g})",
        is_met=not accepted and slowest * 1000 <= _LONGEST_MS,
    )


@dataclass(frozen=True, slots=True)
class Evaluator:
    """When an expression is due in 2026 to 2028.

    Attributes
    ----------
    days, minutes : list of int
        Days since the first one, and minutes of a day, in ascending order.
    """

    days: list[int]
    minutes: list[int]

    @classmethod
    def of(cls, text: str) -> Evaluator:
        """Evaluate an expression."""
        minute, hour, day_of_month, month, day_of_week, year = text.split()
        mask = np.isin(_MONTH, _values(numbered(month, MONTHS), 1, 12)) & np.isin(_YEAR, _values(year, 1970, 2199))
        mask &= _days_of_month(day_of_month) & _days_of_week(numbered(day_of_week, WEEKDAYS))
        minutes = [60 * h + m for h in _values(hour, 0, 23) for m in _values(minute, 0, 59)]
        return cls(np.flatnonzero(mask).tolist(), minutes)

    def after(self, moment: datetime) -> datetime | None:
        """Return the first due time after a moment."""
        day, minute = divmod(int((moment - _MIDNIGHT).total_seconds()) // 60, _MINUTES_OF_A_DAY)
        place = bisect_left(self.days, day)
        if place < len(self.days) and self.days[place] == day:
            later = bisect_right(self.minutes, minute)
            if later < len(self.minutes):
                return self._moment(day, self.minutes[later])
            place += 1
        return self._moment(self.days[place], self.minutes[0]) if place < len(self.days) else None

    def before(self, moment: datetime) -> datetime | None:
        """Return the last due time before a moment."""
        seconds = int((moment - _MIDNIGHT).total_seconds())
        day, minute = divmod(-(-seconds // 60), _MINUTES_OF_A_DAY)  # the first whole minute that is not before it
        place = bisect_left(self.days, day)
        if place < len(self.days) and self.days[place] == day:
            earlier = bisect_left(self.minutes, minute)
            if earlier:
                return self._moment(day, self.minutes[earlier - 1])
        return self._moment(self.days[place - 1], self.minutes[-1]) if place else None

    @staticmethod
    def _moment(day: int, minute: int) -> datetime:
        return _MIDNIGHT + timedelta(days=day, minutes=minute)


def _agrees(text: str, random: Random) -> bool:
    """Compare at one moment; what lies outside the three years is left out."""
    ours, theirs = CronExpression.parse(text), Evaluator.of(text)
    moment = _MIDNIGHT + timedelta(seconds=random.randrange(len(_DAYS) * 86_400))
    pairs = ((ours.after(moment), theirs.after(moment)), (ours.before(moment), theirs.before(moment)))
    return all(_within(found) == expected for found, expected in pairs)


def _within(moment: datetime | None) -> datetime | None:
    return moment if moment and _FIRST.year <= moment.year <= _DAYS[-1].year else None


def numbered(text: str, names: list[str]) -> str:
    """Return a field with numbers, from 1 on, in place of names."""
    for number, name in enumerate(names, start=1):
        text = text.replace(name, str(number))
    return text


@lru_cache(maxsize=100_000)
def _values(text: str, least: int, greatest: int) -> list[int]:
    """Return all values of a field of lists, ranges and steps, each tried by itself."""
    return [value for value in range(least, greatest + 1) if field_holds(text, value, least, greatest)]


def field_holds(text: str, value: int, least: int, greatest: int) -> bool:
    """Return whether a field of lists, ranges and steps stands for a value."""
    if "," in text:
        return any(field_holds(part, value, least, greatest) for part in text.split(","))
    span, _, step = text.partition("/")
    if span == "*":
        first, last = least, greatest
    elif "-" in span:
        first, last = map(int, span.split("-"))
    else:
        first, last = int(span), greatest if step else int(span)
    return first <= value <= last and (value - first) % int(step or 1) == 0


@lru_cache(maxsize=10_000)
def _days_of_month(text: str) -> NDArray[np.bool_]:
    if text == "?":
        return np.ones(len(_DAYS), bool)
    if text == "L":
        return np.asarray(_DAY == _LAST)
    if text.endswith("W"):
        return np.array([is_nearest_weekday(day, int(text[:-1])) for day in _DAYS])
    return np.isin(_DAY, _values(text, 1, 31))


def is_nearest_weekday(day: date, wanted: int) -> bool:
    """Return whether a day is the weekday of its month that is nearest to a day of the month."""
    last = calendar.monthrange(day.year, day.month)[1]
    weekdays = [each for each in range(1, last + 1) if calendar.weekday(day.year, day.month, each) < 5]
    return wanted <= last and day.day == min(weekdays, key=lambda each: abs(each - wanted))


@lru_cache(maxsize=10_000)
def _days_of_week(text: str) -> NDArray[np.bool_]:
    if text == "?":
        return np.ones(len(_DAYS), bool)
    if text == "L":
        return np.asarray(_WEEKDAY == 7)
    if text.endswith("L"):
        return np.asarray((int(text[:-1]) == _WEEKDAY) & (_DAY + 7 > _LAST))
    if "#" in text:
        weekday, place = map(int, text.split("#"))
        return np.asarray((weekday == _WEEKDAY) & (place == (_DAY - 1) // 7 + 1))
    return np.isin(_WEEKDAY, _values(text, 1, 7))


def random_expression(random: Random) -> str:
    """Return an expression of AWS's dialect."""
    day_of_month, day_of_week = "?", "?"
    if random.random() < 0.5:
        special = random.choice(["L", f"{random.randint(1, 31)}W"])
        day_of_month = special if random.random() < 0.2 else _field(random, 1, 31)
    else:
        weekday = random.randint(1, 7)
        special = random.choice(["L", f"{weekday}L", f"{weekday}#{random.randint(1, 5)}", f"{WEEKDAYS[weekday - 1]}L"])
        day_of_week = special if random.random() < 0.3 else _field(random, 1, 7, WEEKDAYS)
    year = "*" if random.random() < 0.8 else _field(random, 2026, 2028)
    minutes, hours, months = _field(random, 0, 59), _field(random, 0, 23), _field(random, 1, 12, MONTHS)
    return f"{minutes} {hours} {day_of_month} {months} {day_of_week} {year}"


def _field(random: Random, least: int, greatest: int, names: list[str] | None = None) -> str:
    def value() -> str:
        number = random.randint(least, greatest)
        return names[number - 1] if names and random.random() < 0.5 else str(number)

    def part() -> str:
        first, last = sorted(random.randint(least, greatest) for _ in range(2))
        span = random.choice([value(), f"{first}-{last}", "*"])
        needs_step = span == "*"
        return f"{span}/{random.randint(1, greatest - least + 1)}" if needs_step or random.random() < 0.3 else span

    return "*" if random.random() < 0.2 else ",".join(part() for _ in range(random.randint(1, 3)))


def _malformed(random: Random) -> str:
    """Spoil one thing of a right expression."""
    fields = random_expression(random).split()
    place = random.choice([0, 1, 3, 5])
    greatest = {0: 59, 1: 23, 3: 12, 5: 2199}[place]
    spoil: Callable[[], str] = random.choice(
        [
            lambda: str(greatest + random.randint(1, 9999)),
            lambda: f"{fields[place].split(',')[0].split('/')[0]}/0",
            lambda: f"{greatest}-{greatest - 1}",
            lambda: f"{fields[place]},",
            lambda: f"{fields[place]}//2",
            lambda: random.choice(["", "?", "x", "1.5", "-1", "1-", "٣", "1;2", "**", "L", "W", "#", "9" * 5000]),
        ]
    )
    fields[place] = spoil()
    if random.random() < 0.2:
        fields[2] = fields[4] = random.choice(["?", "*"])
    return " ".join(fields)
