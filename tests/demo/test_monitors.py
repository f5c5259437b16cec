"""The demo's monitors: due when they say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelwatch.demo.hours import HOURS
from modelwatch.demo.monitors import BRANCHES_BIAS, BROKERS_DATA_QUALITY, MODEL_QUALITY_BASELINE, MONITORS, Monitor
from modelwatch_core.domain.monitoring_schedule import Baseline, EndpointInput, ScheduleRequest
from modelwatch_core.domain.windows import ScheduleExpression

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
@pytest.mark.parametrize("hour_of_day", [0, 1, 11, 22, 23])
def test_a_monitor_runs_when_it_says_so_and_on_the_hours_that_it_says(monitor: Monitor, hour_of_day: int) -> None:
    first_hour = datetime(2026, 1, 31, hour_of_day, tzinfo=UTC)
    schedule = ScheduleRequest(
        monitoring_schedule_name=monitor.name,
        schedule_expression=monitor.schedule_expression(first_hour),
        endpoint_input=EndpointInput(endpoint_name=monitor.endpoint.name, **monitor.offsets),
        baseline=Baseline(constraints_s3_uri="s3://baselines/constraints.json"),
    )
    expression = ScheduleExpression(schedule.schedule_expression)
    for number in range(monitor.starts_with, 50):
        end = first_hour + number * HOUR
        assert (expression.after(end - timedelta(seconds=1)) == end) == monitor.is_due(number)
        if monitor.is_due(number) and number > 6:
            seen = monitor.hours_in_window(number)
            window = schedule.window(end)
            assert (window.start, window.end) == (first_hour + (seen[0] - 1) * HOUR, first_hour + seen[-1] * HOUR)


def test_no_window_begins_before_the_first_hour() -> None:
    assert [list(BRANCHES_BIAS.hours_in_window(number)) for number in (4, 5)] == [[1], [2]]
    assert [list(BROKERS_DATA_QUALITY.hours_in_window(number)) for number in (3, 6)] == [[1, 2, 3], [4, 5, 6]]


def test_the_edit_of_model_quality_asks_for_more_than_chance() -> None:
    suggested = {name: {"threshold": 0.9, "comparison_operator": "LessThanThreshold"} for name in ("accuracy", "auc")}
    suggested["precision"] = suggested["accuracy"]
    edited = MODEL_QUALITY_BASELINE.edit.apply({"version": 0.0, "binary_classification_constraints": suggested})
    kept = suggested["accuracy"] | {"beyond_confidence_interval": True}
    assert edited == {"version": 0.0, "binary_classification_constraints": {"accuracy": kept, "precision": kept}}


def test_names_are_unique() -> None:
    assert len({monitor.name for monitor in MONITORS}) == len(MONITORS)


def test_every_expectation_is_about_a_monitor_that_is_due_and_every_monitor_has_one() -> None:
    due = {(number, m.name) for m in MONITORS for number in range(1, len(HOURS) + 1) if m.is_due(number)}
    expected = {(number, name) for number, hour in enumerate(HOURS, start=1) for name in hour.expectations}
    reruns = [(number, hour.rerun) for number, hour in enumerate(HOURS, start=1) if hour.rerun]
    assert reruns
    assert all(rerun.monitor.is_due(rerun.due) and rerun.due <= number for number, rerun in reruns)
    assert expected <= due
    assert {name for _, name in expected} == {monitor.name for monitor in MONITORS}
