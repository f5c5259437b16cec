from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.windows import ScheduleExpression, Window

MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(  # 2020 to 2035
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
EXPRESSIONS = st.one_of(
    st.just("cron(0 * ? * * *)"),
    st.integers(0, 23).map(lambda hour: f"cron(0 {hour} ? * * *)"),
    st.tuples(st.integers(0, 23), st.integers(1, 24)).map(lambda x: f"cron(0 {x[0]}/{x[1]} ? * * *)"),
    st.just("cron(30 6 ? * MON-FRI *)"),
    st.just("cron(0 0 1 * ? *)"),
)


@given(EXPRESSIONS, MOMENTS)
def test_windows_of_successive_ticks_lie_end_to_end(text, moment):
    expression = ScheduleExpression(text)
    first = expression.after(moment)
    second = expression.after(first)
    assert expression.window(second) == Window(start=first, end=second)


@given(EXPRESSIONS, MOMENTS)
def test_no_window_is_shorter_than_the_shortest_interval(text, moment):
    expression = ScheduleExpression(text)
    first = expression.after(moment)
    assert expression.after(first) - first >= expression.shortest_interval()


# by hand from the calendar: February has 28 days; 2048-02-29 and 2076-02-29 are Saturdays.
@pytest.mark.parametrize(
    ("fields", "interval"),
    [
        ("0 * ? * * *", timedelta(hours=1)),
        ("0 0,6,23 ? * MON *", timedelta(hours=6)),
        ("0 23,0 1,2,15 * ? *", timedelta(hours=1)),
        ("0 0,23 ? * MON *", timedelta(hours=23)),
        ("0 0 1 * ? *", timedelta(days=28)),
        ("0 0 1 1,12 ? *", timedelta(days=31)),
        ("0 0 ? * MON-FRI *", timedelta(days=1)),
        ("0 0 ? 2 SAT#5 *", datetime(2076, 2, 29, tzinfo=UTC) - datetime(2048, 2, 29, tzinfo=UTC)),
    ],
)
def test_the_shortest_interval_is_that_of_the_worst_month_or_year(fields, interval):
    assert ScheduleExpression(f"cron({fields})").shortest_interval() == interval


@given(MOMENTS, st.integers(1, 60 * 24 * 3))
def test_the_hours_of_a_window_cover_it_without_gaps(start, minutes):
    window = Window(start=start, end=start + timedelta(minutes=minutes))
    hours = list(window.hours())
    assert hours[0] <= window.start < hours[0] + timedelta(hours=1)
    assert hours[-1] < window.end <= hours[-1] + timedelta(hours=1)
    assert all(later - earlier == timedelta(hours=1) for earlier, later in pairwise(hours))


# facts: EventBridge user guide, cron examples; SageMaker's CronExpressionGenerator forms.
@pytest.mark.parametrize(
    ("text", "scheduled", "start"),
    [
        ("cron(0 * ? * * *)", "2026-11-22T10:00", "2026-11-22T09:00"),
        ("cron(0 0 ? * * *)", "2026-11-22T00:00", "2026-11-21T00:00"),
        ("cron(0 5/6 ? * * *)", "2026-11-22T05:00", "2026-11-21T23:00"),
        ("cron(0 12 ? * MON-FRI *)", "2026-11-23T12:00", "2026-11-20T12:00"),
        ("cron(0 8 ? * 2#1 *)", "2026-12-07T08:00", "2026-11-02T08:00"),
    ],
)
def test_a_window_starts_at_the_scheduled_time_before(text, scheduled, start):
    def moment(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert ScheduleExpression(text).window(moment(scheduled)).start == moment(start)


@pytest.mark.parametrize(
    "text", ["", "rate(1 hour)", "cron(0 * * *)", "cron(a b c d e f)", "cron(61 * ? * * *)", "NOW"]
)
def test_what_is_no_cron_expression_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="InvalidScheduleExpression"):
        ScheduleExpression(text)


def test_a_window_must_start_before_it_ends():
    ten = datetime(2026, 11, 22, 10, tzinfo=UTC)
    with pytest.raises(ValueError, match="not before its end"):
        Window(start=ten, end=ten)


@pytest.mark.parametrize(
    ("text", "delayed", "delay"),
    [
        ("cron(0 * ? * * *)", "cron(5 * ? * * *)", 5),
        ("cron(58 * ? * * *)", "cron(3 * ? * * *)", 5),
        ("cron(55 9,17 ? * MON-FRI *)", "cron(0 10,18 ? * MON-FRI *)", 5),
        ("cron(55 23 * * ? *)", "cron(0 0 * * ? *)", 5),
        ("cron(59 0/6 ? * * *)", "cron(4 1,7,13,19 ? * * *)", 5),
        ("cron(55 23 ? * MON *)", "cron(55 23 ? * MON *)", 0),
        ("cron(57 * 1 * ? *)", "cron(57 * 1 * ? *)", 0),
    ],
)
def test_a_tick_waits_at_any_minute_of_the_hour_unless_its_day_would_change(text, delayed, delay):
    assert ScheduleExpression(text).delayed(5) == (delayed, delay)


@pytest.mark.parametrize(
    ("text", "minutes", "delayed", "delay"),
    [
        ("cron(0/15 * ? * * *)", 5, "cron(5,20,35,50 * ? * * *)", 5),
        ("cron(0/15 * ? * * *)", 20, "cron(5,20,35,50 * ? * * *)", 20),
        ("cron(0,30 9-17 ? * MON-FRI *)", 5, "cron(5,35 9-17 ? * MON-FRI *)", 5),
        ("cron(0,58 9 ? * * *)", 5, "cron(0,58 9 ? * * *)", 0),
        ("cron(50,58 9 ? * * *)", 10, "cron(0,8 10 ? * * *)", 10),
        ("cron(58 * ? * * 2027)", 5, "cron(58 * ? * * 2027)", 0),
    ],
)
def test_a_tick_of_several_in_an_hour_or_of_some_years_waits_where_its_day_and_year_stay(text, minutes, delayed, delay):
    assert ScheduleExpression(text).delayed(minutes) == (delayed, delay)


# by hand: 2027-01-01 is the first day of that year, and the hour before it is of 2026.
def test_an_expression_that_is_bound_to_years_has_a_first_window_and_a_last_time():
    expression, new_year = ScheduleExpression("cron(0 * ? * * 2027)"), datetime(2027, 1, 1, tzinfo=UTC)
    assert expression.window(new_year) == Window(start=new_year - timedelta(hours=1), end=new_year)
    assert expression.last_due(new_year) is None
    last = datetime(2027, 12, 31, 23, tzinfo=UTC)
    assert expression.is_due_after(last - timedelta(seconds=1))
    assert not expression.is_due_after(last)
    with pytest.raises(InvalidInput, match="NotAScheduledTime"):
        expression.window(last + timedelta(hours=1))


def test_a_time_at_which_nothing_is_due_has_no_window_and_the_times_around_it_are_named():
    half_past = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    with pytest.raises(InvalidInput, match=r"NotAScheduledTime.*10:30:00Z but at .*10:00:00Z and .*11:00:00Z"):
        ScheduleExpression("cron(0 * ? * * *)").window(half_past)


@given(EXPRESSIONS, MOMENTS, st.integers(0, 59))
def test_a_delayed_tick_less_its_delay_is_the_scheduled_time(text, moment, minutes):
    expression = ScheduleExpression(text)
    delayed, delay = expression.delayed(minutes)
    scheduled = expression.after(moment)
    later = timedelta(minutes=delay)
    assert ScheduleExpression(delayed).after(scheduled + later - timedelta(seconds=1)) - later == scheduled
    following = expression.after(scheduled)
    assert ScheduleExpression(delayed).after(scheduled + later) - later == following


@given(st.lists(st.sampled_from(["a", "b/", "/c", "/d/", ""]), max_size=5))
def test_joined_parts_of_an_s3_uri_never_make_a_double_slash(parts):
    joined = s3_layout.join("s3://bucket/", *parts)
    assert "//" not in joined.removeprefix("s3://")
    assert s3_layout.split(joined)[0] == "bucket"


def test_reports_and_captures_lie_where_sagemaker_puts_them():
    ten = datetime(2026, 11, 22, 10, tzinfo=UTC)
    window = Window(start=ten - timedelta(hours=1), end=ten)
    lateness = timedelta(minutes=15)
    folders = s3_layout.capture_folders("s3://bucket/capture/", "endpoint", "AllTraffic", window, lateness=lateness)
    assert [(folder.path, folder.names, folder.is_earlier) for folder in folders] == [
        ("endpoint/AllTraffic/2026/11/22/08", ("35-00", "50-00"), True),
        ("endpoint/AllTraffic/2026/11/22/08", ("50-00", "60-00"), False),
        ("endpoint/AllTraffic/2026/11/22/09", None, False),
        ("endpoint/AllTraffic/2026/11/22/10", ("00-00", "25-00"), False),
    ]
    assert next(folders, None) is None
    assert s3_layout.results("s3://bucket/out/", "e", "s", ten) == "s3://bucket/out/e/s/2026/11/22/10"
