"""The demo's monitors: due when they are said to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelwatch.demo.hours import HOURS
from modelwatch.demo.monitors import MONITORS, Monitor
from modelwatch_core.domain.windows import ScheduleExpression

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
@pytest.mark.parametrize("hour_of_day", [0, 1, 11, 22, 23])
def test_a_monitor_looks_at_all_hours_since_it_looked_last(monitor: Monitor, hour_of_day: int) -> None:
    first_hour = datetime(2026, 1, 31, hour_of_day, tzinfo=UTC)
    expression = ScheduleExpression(monitor.schedule_expression(first_hour))
    for number in range(1, 50):
        end = first_hour + number * HOUR
        assert (expression.after(end - timedelta(seconds=1)) == end) == monitor.is_due(number)
        if monitor.is_due(number):
            assert expression.window(end).start == end - monitor.hours_apart * HOUR


def test_names_are_given_once() -> None:
    assert len({monitor.name for monitor in MONITORS}) == len(MONITORS)


def test_every_promise_is_about_a_monitor_that_looks_at_that_hour_and_every_monitor_catches_something() -> None:
    due = {(number, m.name) for m in MONITORS for number in range(1, len(HOURS) + 1) if m.is_due(number)}
    promised = {(number, name) for number, hour in enumerate(HOURS, start=1) for name in hour.promises}
    assert promised <= due
    assert {name for _, name in promised} == {monitor.name for monitor in MONITORS}
