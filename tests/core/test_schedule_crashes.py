"""A schedule is made, changed or deleted by a process that dies at any call: the sweep makes its clock follow."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from modelwatch_core.app.follow_schedule import CHANGE_LEASE
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from tests.core.test_crashes import Crash, Fault, Fragile
from tests.core.world import World, schedule_parameters

OPERATIONS = {
    "create": ("CreateMonitoringSchedule", schedule_parameters("made")),
    "update": ("UpdateMonitoringSchedule", {"monitoring_schedule_name": "hourly", "start_delay_minutes": 30}),
    "stop": ("StopMonitoringSchedule", {"monitoring_schedule_name": "hourly"}),
    "delete": ("DeleteMonitoringSchedule", {"monitoring_schedule_name": "hourly"}),
}


class Prepared:
    """A schedule with an execution that runs, and ports that may die."""

    def __init__(self) -> None:
        self.fault = Fault()
        self.world = World(lambda port: Fragile(port, self.fault))
        self.world.has_schedule()
        self.world.has_captures()
        self.execution = self.world.tick()

    def swept(self) -> None:
        """Check that, once the sweep has run, clocks are as definitions say, and nothing deleted runs."""
        self.world.clock.pass_by(CHANGE_LEASE + timedelta(seconds=1))
        assert self.world.reconcile().failures == ()
        assert self.world.ticks.set_for == self.world.schedules.kept
        assert list(self.world.schedules.changes(self.world.clock.now())) == []
        if "hourly" not in self.world.schedules.kept:
            assert self.world.ledger.active(self.execution.schedule_id) is None


def dies_at(operation: str, when: str, call: int) -> bool:
    """Carry out an operation that dies at a call, and let the sweep run; return whether there was such a call."""
    prepared = Prepared()
    name, parameters = OPERATIONS[operation]
    prepared.fault.inject((when, call))
    try:
        prepared.world.manage(name, **parameters)
    except Crash:
        died = True
    else:
        died = False
    prepared.fault.inject(None)
    prepared.swept()
    # Whoever asked asks again, and finds it done, or does it now.
    with suppress(InvalidInput):
        prepared.world.manage(name, **parameters)
    prepared.swept()
    return died


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whichever_call_a_process_dies_at_the_clock_follows_the_definition(operation, when):
    calls = 0
    while dies_at(operation, when, calls):
        calls += 1
    assert calls >= 4


def test_an_update_that_is_overtaken_by_another_leaves_the_clock_of_the_later_one():
    prepared = Prepared()
    named = {"monitoring_schedule_name": "hourly"}
    for call in range(12):
        later = {"start_delay_minutes": call}
        prepared.fault.inject(
            ("before", call), lambda given=later: prepared.world.manage("UpdateMonitoringSchedule", **named, **given)
        )
        with suppress(ModelwatchError):  # the first one may find that it does not follow on
            prepared.world.manage("UpdateMonitoringSchedule", **named, start_delay_minutes=40 + call)
        prepared.fault.inject(None)
        assert prepared.world.ticks.set_for == prepared.world.schedules.kept


def test_a_scheduler_that_is_down_is_followed_up_by_the_sweep():
    prepared = Prepared()
    prepared.world.ticks.broken = True
    with pytest.raises(ModelwatchError):
        prepared.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", start_delay_minutes=30)
    prepared.world.ticks.broken = False
    assert prepared.world.reconcile() == Sweep(0, ())  # whoever made the change may still be at it
    prepared.swept()
    assert prepared.world.ticks.set_for["hourly"].start_delay_minutes == 30
