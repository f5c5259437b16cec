"""Schedules that are created again, changed, or run once: no window is taken by another, and refusals say why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import RunClaim
from tests.core.world import DRIFT, TEN, World, schedule_parameters

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.has_schedule()
    world.has_captures()
    return world


@given(
    st.from_regex(r"[a-z](-?[a-z0-9]){0,5}", fullmatch=True),
    st.datetimes(max_value=TEN.replace(tzinfo=None)),
    st.integers(1, 10**6),
    st.integers(1, 99),
)
def test_a_subject_leads_back_to_its_key(schedule_id, start, seconds, attempt):
    start = start.replace(microsecond=0)
    window = Window(start=start, end=start + timedelta(seconds=seconds))
    key = ExecutionKey(schedule_id=schedule_id, window=window, attempt=attempt)
    assert ExecutionKey.of_subject(key.subject) == key


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.sampled_from([1, 2, 9, 10, 100]))))
def test_executions_of_a_schedule_are_in_the_order_of_their_places(found):
    windows = [(Window(start=TEN + n * HOUR, end=TEN + (n + m) * HOUR), attempt) for n, m, attempt in found]
    keys = [ExecutionKey(schedule_id="a", window=window, attempt=attempt) for window, attempt in windows]
    in_order = sorted(keys, key=lambda key: (key.window.start, key.window.end, key.attempt))
    assert sorted(keys, key=lambda key: key.place) == in_order


@pytest.mark.parametrize(
    "subject",
    ["", "execution", "execution/a", "execution/a/b/c/1", "execution/a/2026-01-01T00:00:00Z/x/1", "baseline/a"],
)
def test_a_subject_of_something_else_is_no_key(subject):
    assert ExecutionKey.of_subject(subject) is None


def test_a_schedule_made_again_under_its_name_looks_at_the_same_window_again(world):
    first = world.tick()
    world.finish(world.ends(first, DRIFT))
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    world.has_schedule()
    second = world.tick()
    assert second.monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert (second.window, second.attempt) == (first.window, first.attempt)
    assert second.key != first.key
    assert [execution.key for execution in world.executions()] == [second.key]
    deleted = world.manage("ListMonitoringExecutions", monitoring_schedule_name="hourly", schedule_id=first.schedule_id)
    assert [execution["schedule_id"] for execution in deleted["executions"]] == [first.schedule_id]


def test_a_tick_of_the_schedule_that_was_deleted_starts_nothing_of_the_new_one(world):
    old = world.schedule_id()
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    world.has_schedule()
    tick = ExecutionRequest(monitoring_schedule_name="hourly", schedule_id=old, scheduled_time=TEN, tick_id="late")
    refusal = world.launch(tick)
    assert refusal.code == "ScheduleReplaced"
    assert old in refusal.message
    assert world.host.started == []


def test_a_schedule_changed_to_longer_windows_finds_none_of_them_taken(world):
    world.finish(world.ends(world.tick()))
    longer = schedule_parameters() | {"schedule_expression": "cron(0 0/12 ? * * *)"}
    world.manage("UpdateMonitoringSchedule", **longer)
    noon = TEN + 2 * HOUR
    world.has_captures(TEN + HOUR)
    at_noon = world.tick(noon, "noon")
    assert at_noon.monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert at_noon.window == Window(start=TEN, end=noon)


def test_a_one_off_run_looks_at_the_window_that_it_is_given_and_has_a_folder_of_its_own(world):
    scheduled = world.tick()
    world.finish(world.ends(scheduled))
    window = Window(start=TEN - 3 * HOUR, end=TEN)
    request = ExecutionRequest(monitoring_schedule_name="hourly", window=window, tick_id="by hand")
    one_off = world.launch(request)
    assert one_off.window == window
    folder = "s3://results/monitoring/mortgages/hourly/one-off/20261122T070000Z-20261122T100000Z"
    assert one_off.output_s3_uri == folder
    assert world.launch(request).key == one_off.key
    refusal = world.launch(request.model_copy(update={"tick_id": "somebody else"}))
    assert refusal.code == "WindowTaken"
    assert "repeat the request when that has ended" in refusal.message
    world.finish(world.ends(one_off))
    refusal = world.launch(request.model_copy(update={"tick_id": "somebody else"}))
    assert "request it with backfill to analyse it again" in refusal.message
    assert len(world.host.started) == 2


def test_a_run_of_a_window_of_the_schedules_own_is_the_scheduled_execution(world):
    """It has the folder of the hour, its tick finds it done, and a repetition is compared with it."""
    window = Window(start=TEN - HOUR, end=TEN)
    by_hand = ExecutionRequest(monitoring_schedule_name="hourly", window=window, tick_id="by hand")
    execution = world.launch(by_hand)
    assert execution.output_s3_uri == "s3://results/monitoring/mortgages/hourly/2026/11/22/10"
    world.finish(world.ends(execution))
    assert world.requested(TEN, tick_id="the tick").code == "WindowTaken"
    again = world.launch(by_hand.model_copy(update={"tick_id": "again", "backfill": True}))
    assert (again.attempt, again.output_s3_uri) == (2, execution.output_s3_uri)
    assert world.host.started[-1].settings.previous_attempt_results is not None


def test_a_repetition_of_a_window_that_is_being_analysed_is_refused(world):
    world.tick()
    refusal = world.launch(
        ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN, tick_id="again", backfill=True)
    )
    assert refusal.code == "WindowTaken"
    assert "repeat the request when that has ended" in refusal.message


def test_a_misspelt_field_of_a_request_is_refused():
    with pytest.raises(ValueError, match="backfil"):
        ExecutionRequest.model_validate(
            {"monitoring_schedule_name": "hourly", "scheduled_time": TEN, "tick_id": "t", "backfil": True}
        )


def test_a_schedule_that_is_deleted_stops_what_it_has_running(world):
    running = world.tick()
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    assert world.ledger.get(running.key).monitoring_execution_status is ExecutionStatus.STOPPED
    assert world.claims.claim(running.subject, "its run") is RunClaim.STOPPED
    world.has_schedule()
    later = world.tick()
    assert later.output_s3_uri == running.output_s3_uri
    world.finish(world.ends(running, DRIFT))
    assert world.ledger.get(later.key).monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_a_deletion_that_meets_an_end_is_tried_again_with_the_schedule_still_there(world):
    world.tick()
    save = world.ledger.save

    def changed(_):
        raise NotReady("ChangedMeanwhile", "the execution ends in this moment")

    world.ledger.save = changed
    with pytest.raises(NotReady):
        world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    world.ledger.save = save
    assert world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly") == {}
    assert world.schedules.kept == {}


def test_alerts_of_an_execution_go_where_its_schedule_said_although_the_schedule_is_gone(world):
    world.manage(
        "UpdateMonitoringSchedule", **schedule_parameters(), alert_targets=[{"type": "mail", "address": "team"}]
    )
    execution = world.tick()
    world.finish(world.ends(execution, DRIFT))
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    world.deliver()
    assert world.mail.addresses == ["team"]


def test_a_request_names_one_window():
    for both_or_neither in ({}, {"scheduled_time": TEN, "window": Window(start=TEN - HOUR, end=TEN)}):
        with pytest.raises(ValueError, match="give either scheduled_time or window"):
            ExecutionRequest(monitoring_schedule_name="hourly", tick_id="t", **both_or_neither)


def test_a_window_is_of_whole_seconds():
    with pytest.raises(ValueError, match="whole seconds"):
        Window(start=TEN - timedelta(microseconds=1), end=TEN)


def test_the_executions_of_an_unknown_schedule_are_an_error_and_not_an_empty_list(world):
    with pytest.raises(InvalidInput, match="ScheduleNotFound"):
        world.manage("ListMonitoringExecutions", monitoring_schedule_name="ghost")
