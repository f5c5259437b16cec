"""The due times of cron(), rate() and at()."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.local.errors import LocalStackError
from modelwatch.local.schedule_expressions import next_due


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


moments = st.integers(1_577_836_800, 1_893_456_000).map(
    lambda epoch: datetime.fromtimestamp(epoch, UTC)
)  # the twenties


# Dates read off the calendar of January 2026 (the 1st is a Thursday). AWS counts Sunday as 1.
@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("cron(0 * ? * * *)", "2026-01-05T09:30:00", "2026-01-05T10:00:00"),
        ("cron(0 * ? * * *)", "2026-01-05T10:00:00", "2026-01-05T11:00:00"),
        ("cron(15 10 ? * 2 *)", "2026-01-05T10:15:00", "2026-01-12T10:15:00"),
        ("cron(0 8 ? * 2#1 *)", "2026-01-01T00:00:00", "2026-01-05T08:00:00"),
        ("cron(0 8 ? * 6L *)", "2026-01-01T00:00:00", "2026-01-30T08:00:00"),
        ("cron(0 8 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T08:00:00"),
        ("cron(0/15 8-9 ? * MON-FRI 2026)", "2026-01-02T09:45:00", "2026-01-05T08:00:00"),
        ("cron(0 0 1 1 ? 2025)", "2026-01-01T00:00:00", None),
        ("at(2026-01-05T10:00:00)", "2026-01-05T09:59:59", "2026-01-05T10:00:00"),
        ("at(2026-01-05T10:00:00)", "2026-01-05T10:00:00", None),
    ],
)
def test_due_times_match_the_calendar(expression: str, after: str, due: str | None) -> None:
    assert next_due(expression, at(after), anchor=at(after)) == (None if due is None else at(due))


def test_cron_is_evaluated_in_the_schedules_time_zone() -> None:
    # New York is UTC-5 in January and UTC-4 from 2026-03-08 on.
    for after, due in {
        "2026-01-05T00:00:00": "2026-01-05T14:00:00",
        "2026-03-08T00:00:00": "2026-03-08T13:00:00",
    }.items():
        moment = at(after)
        assert next_due("cron(0 9 ? * * *)", moment, anchor=moment, timezone="America/New_York") == at(due)


def test_a_wall_time_that_daylight_saving_skips_is_not_due_that_day() -> None:
    # Berlin has no 02:30 on 2026-03-29: the next one is on the 30th, at 00:30 UTC.
    moment = at("2026-03-28T12:00:00")
    assert next_due("cron(30 2 ? * * *)", moment, anchor=moment, timezone="Europe/Berlin") == at("2026-03-30T00:30:00")


def test_a_wall_time_that_daylight_saving_repeats_is_due_once() -> None:
    # Berlin has 02:30 twice on 2026-10-25: at 00:30 and at 01:30 UTC.
    moment, dues = at("2026-10-24T12:00:00"), []
    while (moment := next_due("cron(30 2 ? * * *)", moment, anchor=moment, timezone="Europe/Berlin")) < at(
        "2026-10-27T00:00:00"
    ):
        dues.append(moment)
    assert dues == [at("2026-10-25T00:30:00"), at("2026-10-26T01:30:00")]


def test_a_rate_counts_from_its_anchor_which_is_itself_due_only_if_it_is_in_the_future() -> None:
    anchor = at("2026-01-05T09:31:07")
    assert next_due("rate(5 minutes)", anchor, anchor=anchor) == anchor + timedelta(minutes=5)
    assert next_due("rate(1 day)", anchor - timedelta(seconds=1), anchor=anchor) == anchor


@given(anchor=moments, after=moments, value=st.integers(1, 50), unit=st.sampled_from(["minutes", "hours", "days"]))
@settings(max_examples=100, deadline=None)
def test_a_rate_is_due_within_one_period_at_a_multiple_of_it_from_the_anchor(
    anchor: datetime, after: datetime, value: int, unit: str
) -> None:
    period = timedelta(**{unit: value})
    due = next_due(f"rate({value} {unit})", after, anchor=anchor)
    assert due is not None
    assert due > after
    assert (due - anchor) % period == timedelta(0)
    assert due - after <= period or due == anchor


@given(
    after=moments,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@settings(max_examples=60, deadline=None)
def test_a_cron_is_due_later_at_its_wall_time(after: datetime, zone: str) -> None:
    due = next_due("cron(10 3 ? * * *)", after, anchor=after, timezone=zone)
    assert due is not None
    assert after < due <= after + timedelta(days=2, hours=2)
    assert due.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S") == "03:10:00"


@pytest.mark.parametrize(
    ("expression", "timezone"),
    [
        ("hourly", "UTC"),
        ("rate(0 minutes)", "UTC"),
        ("rate(5 fortnights)", "UTC"),
        ("cron(0 * * * *)", "UTC"),
        ("at(tomorrow)", "UTC"),
        ("cron(99 * ? * * *)", "UTC"),
        ("cron(0 * ? * * *)", "Mars/Olympus"),
    ],
)
def test_an_invalid_expression_is_refused(expression: str, timezone: str) -> None:
    with pytest.raises(LocalStackError) as caught:
        next_due(expression, at("2026-01-05T00:00:00"), anchor=at("2026-01-05T00:00:00"), timezone=timezone)
    assert caught.value.code in ("InvalidScheduleExpression", "InvalidTimeZone")
