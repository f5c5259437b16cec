"""AWS's dialect of cron, held to an evaluator that looks at every minute and knows nothing of ours."""

from __future__ import annotations

import calendar
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cron_expressions import (
    MONTHS,
    WEEKDAYS,
    Evaluator,
    field_holds,
    is_nearest_weekday,
    numbered,
)
from modelwatch_core.domain.cron import CronExpression
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.windows import ScheduleExpression, Window


def is_due(text: str, moment: datetime) -> bool:
    """Say whether an expression is due at a minute, straight from the sentences of AWS's user guide."""
    minute, hour, day_of_month, month, day_of_week, year = text.upper().split()
    return (
        field_holds(minute, moment.minute, 0, 59)
        and field_holds(hour, moment.hour, 0, 23)
        and field_holds(numbered(month, MONTHS), moment.month, 1, 12)
        and field_holds(year, moment.year, 1970, 2199)
        and day_of_month_holds(day_of_month, moment)
        and day_of_week_holds(numbered(day_of_week, WEEKDAYS), moment)
    )


def day_of_month_holds(text: str, moment: datetime) -> bool:
    last = calendar.monthrange(moment.year, moment.month)[1]
    if text == "?":
        return True
    if text == "L":
        return moment.day == last
    if text.endswith("W"):
        return is_nearest_weekday(moment, int(text[:-1]))
    return field_holds(text, moment.day, 1, 31)


def day_of_week_holds(text: str, moment: datetime) -> bool:
    weekday = moment.isoweekday() % 7 + 1  # Sunday is 1
    if text == "?":
        return True
    if text == "L":
        return weekday == 7
    if text.endswith("L"):
        return weekday == int(text[:-1]) and (moment + timedelta(days=7)).month != moment.month
    if "#" in text:
        day, place = map(int, text.split("#"))
        return weekday == day and (moment.day - 1) // 7 + 1 == place
    return field_holds(text, weekday, 1, 7)


def items(least: int, greatest: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    number = st.integers(least, greatest)
    value = number.map(str) | (number.map(lambda n: names[n - 1]) if names else st.nothing())
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, greatest - least + 1).map(str)
    stepped = st.tuples(value | span | st.just("*"), step).map("/".join)
    return st.lists(value | span | stepped, min_size=1, max_size=3).map(",".join) | st.just("*")


DAYS_OF_MONTH = items(1, 31) | st.just("L") | st.integers(1, 31).map(lambda day: f"{day}W")
DAYS_OF_WEEK = (
    items(1, 7, WEEKDAYS)
    | st.sampled_from(["L", "2L", "FRIL"])
    | st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}")
)
DAYS = st.tuples(DAYS_OF_MONTH, st.just("?")) | st.tuples(st.just("?"), DAYS_OF_WEEK)
EXPRESSIONS = st.tuples(items(0, 59), items(0, 23), DAYS, items(1, 12, MONTHS), st.just("*") | items(2026, 2028)).map(
    lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]} {parts[4]}"
)
MOMENTS = st.integers(0, 3 * 366 * 86_400).map(
    lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)
MINUTE = timedelta(minutes=1)


@given(EXPRESSIONS, MOMENTS)
def test_the_next_and_the_last_due_time_agree_with_an_evaluator_by_minute(text, moment):
    cron = CronExpression.parse(text)
    minute = moment.replace(second=0, microsecond=0)
    later = [minute + n * MINUTE for n in range(1, 60 * 24 * 3)]
    first = next((each for each in later if is_due(text, each)), None)
    found = cron.after(moment)
    assert found == first if first else found is None or found > later[-1]
    if found is not None:
        assert is_due(text, found)
        previous = cron.before(found)
        if previous is not None:
            assert previous < found
            assert is_due(text, previous)
            assert cron.after(previous) == found
    earlier = [minute - n * MINUTE for n in range(60 * 24 * 3)]
    last = next((each for each in earlier if each < moment and is_due(text, each)), None)
    found = cron.before(moment)
    assert found == last if last else found is None or found < earlier[-1]


@given(EXPRESSIONS, MOMENTS)
def test_the_benchmarks_evaluator_by_days_agrees_with_the_one_by_minutes(text, moment):
    evaluator = Evaluator.of(text)
    minute = moment.replace(second=0, microsecond=0)
    later = [minute + n * MINUTE for n in range(1, 60 * 24)]
    first = next((each for each in later if is_due(text, each)), None)
    found = evaluator.after(moment)
    if minute + 60 * 24 * MINUTE < datetime(2029, 1, 1, tzinfo=UTC):
        assert found == first if first else found is None or found > later[-1]
    last = evaluator.before(moment)
    assert last is None or (last < moment and is_due(text, last))
    if found is not None:
        previous = evaluator.before(found)
        assert previous is None or evaluator.after(previous) == found


@given(EXPRESSIONS, MOMENTS)
def test_no_due_time_of_a_month_is_left_out(text, moment):
    cron = CronExpression.parse(text)
    days = [moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in range(62)]
    expected = {
        day.date()
        for day in days
        if any(is_due(text, day + timedelta(hours=hour, minutes=cron.minutes[0])) for hour in cron.hours)
    }
    found, due = set(), cron.after(days[0] - MINUTE)
    while due is not None and due < days[-1] + timedelta(days=1):
        found.add(due.date())
        due = cron.after(due.replace(hour=23, minute=59))
    assert found == expected


# What comes between two ticks, by hand and calendar: AWS passes over months that lack a day.
@pytest.mark.parametrize(
    ("fields", "due", "before"),
    [
        ("0 0 */5 * ? *", "2027-04-26", "2027-04-21"),
        ("0 0 1/2 * ? *", "2027-04-29", "2027-04-27"),
        ("0 0 31 * ? *", "2027-03-31", "2027-01-31"),
        ("0 0 30 * ? *", "2027-01-30", "2026-12-30"),
        ("0 0 * JAN-NOV ? *", "2027-11-30", "2027-11-29"),
        ("0 0 29 2 ? *", "2028-02-29", "2024-02-29"),
        ("0 0 ? * L *", "2027-01-16", "2027-01-09"),
        ("0 0 31W * ? *", "2027-01-29", "2026-12-31"),
        ("0 0 1W * ? *", "2027-05-03", "2027-04-01"),
        ("0 0 ? * 6L *", "2027-01-29", "2026-12-25"),
        ("0 0 ? * 2#5 *", "2027-03-29", "2026-11-30"),
        ("0 0 * 4 ? *", "2027-04-01", "2026-04-30"),
    ],
)
def test_days_that_not_every_month_has_are_passed_over_and_not_refused(fields, due, before):
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (before, due))
    assert ScheduleExpression(f"cron({fields})").window(end) == Window(start=start, end=end)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("0 */0 ? * * *", "hours: a step is a number from 1 to 24, not '0'"),
        ("0 5/0 ? * * *", "hours: a step is"),
        ("0 0-3/0 ? * * *", "hours: a step is"),
        ("0 5/-1 ? * * *", "hours: '-1' is not a number"),
        # Amazon SageMaker Developer Guide, "The cron expression for monitoring schedule", has this form.
        ("0 [00-23]/6 ? * * *", "hours: write '[00-23]/6' without brackets; 0/6 is every sixth from 0 on"),
        ("0 0-9999999999 ? * * *", "hours: '9999999999' is not a number"),
        ("0 0 1/0 * ? *", "day-of-month: a step is a number from 1 to 31, not '0'"),
        ("0 22-2 ? * * *", "hours: the range '22-2' ends before it starts; write it as two, with a comma"),
        ("0 0 ? * 0 *", "day-of-week: '0' is not from 1 to 7"),
        ("0 0 ? * 0-5 *", "day-of-week: '0' is not from 1 to 7"),
        ("0 0 ? * 2#6 *", "day-of-week: '2#6' does not say which one of a month; write 1 to 5 after #"),
        ("0 0 ? * 2#0 *", "day-of-week: '2#0'"),
        ("0 0 ? * #2 *", "day-of-week: '' is not a number from 1 to 7, or one of SUN"),
        ("0 0 0 * ? *", "day-of-month: '0' is not from 1 to 31"),
        ("0 0 0,15 * ? *", "day-of-month: '0' is not from 1 to 31"),
        ("0 0 99W * ? *", "day-of-month: '99' is not from 1 to 31"),
        ("0 0 L,15 * ? *", "day-of-month: 'L' is not a number"),
        ("0 0 1 0,6 ? *", "month: '0' is not from 1 to 12"),
        ("0 0 1 FOO ? *", "month: 'FOO' is not a number from 1 to 12, or one of JAN"),
        ("0 ? ? * * *", "hours: '?' is not a number from 0 to 23"),
        ("0 0 1 * MON *", "write ? for either day-of-month or day-of-week"),
        ("0 0 * * * *", "write ? for either day-of-month or day-of-week"),
        ("0 0 ? * ? *", "write ? for either day-of-month or day-of-week"),
        ("0 0 ? * * 1969", "year: '1969' is not from 1970 to 2199"),
        ("0 0 ? * *", "it has 5 fields instead of 6: minutes hours"),
        ("0 \N{ARABIC-INDIC DIGIT FIVE} ? * * *", "hours: "),
        ("0 0 30 2 ? *", "is never due: its months have no such day"),
        ("0 0 31 4,6,9,11 ? *", "is never due"),
    ],
)
def test_a_mistake_is_refused_at_once_with_the_field_that_it_is_in(fields, message):
    started = time.process_time()
    with pytest.raises(InvalidInput) as refused:
        ScheduleExpression(f"cron({fields})")
    assert refused.value.code == "InvalidScheduleExpression"
    assert message in refused.value.message
    assert time.process_time() - started < 1  # it ends; benchmarks measure


@given(st.text("0123456789*/-,?LW# ABCDEFJMNORSTUcron()", max_size=40))
def test_any_text_is_an_expression_or_is_refused(text):
    try:
        parsed = CronExpression.parse(text)
    except ValueError:
        return
    assert parsed.minutes
    assert parsed.hours
