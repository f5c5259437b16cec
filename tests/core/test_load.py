"""How many calls of AWS the control plane makes, as schedules grow: counted on an emulated table, not timed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from modelwatch_core.adapters.aws.ledger_table import OPEN_PARTITIONS, TableLedger, TableSchedules, VersionedItems
from tests.core.in_memory import MemoryLedger, MemorySchedules
from tests.core.ledger_table import create_ledger_table
from tests.core.world import TEN, World

pytestmark = pytest.mark.slow


class ControlPlane:
    """The use cases over an emulated table that holds so many hourly schedules."""

    def __init__(self, schedules: int) -> None:
        table = create_ledger_table(boto3)
        items = VersionedItems(table)
        ports: dict[type, Any] = {MemorySchedules: TableSchedules(items), MemoryLedger: TableLedger(items)}
        self.world = World(lambda port: ports.get(type(port), port))
        self.kept, self.ledger, self.calls = ports[MemorySchedules], ports[MemoryLedger], Counter[str]()
        self.world.has_schedule("s00000")
        self.world.has_captures()
        first = self.kept.get("s00000")
        for number in range(1, schedules):
            named = {"monitoring_schedule_name": f"s{number:05}", "schedule_id": f"{first.schedule_id}{number}"}
            self.kept.save(first.model_copy(update=named))
        table.meta.client.meta.events.register("before-call.dynamodb.*", self._count)

    def _count(self, model: Any, **_: object) -> None:
        self.calls[model.name] += 1

    def during(self, act: Any) -> Counter[str]:
        """Return the calls that something makes, by their names."""
        self.calls.clear()
        act()
        return Counter(self.calls)


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture(params=[10, 300])
def control_plane(request):
    return ControlPlane(request.param)


def test_a_tick_and_an_idle_sweep_cost_the_same_however_many_schedules_there_are(control_plane):
    world = control_plane.world
    tick = control_plane.during(lambda: world.tick(name="s00003"))
    # The schedule, what is active, the window before and its own; the claim in one transaction; the start.
    assert tick.total() <= 8, tick
    assert tick["Scan"] == 0
    sweep = control_plane.during(world.reconcile)
    # One query for each partition of open executions.
    assert sweep == {"Query": OPEN_PARTITIONS}


def test_a_sweep_costs_a_few_calls_for_each_overdue_execution_and_none_for_the_others(control_plane):
    world = control_plane.world
    for number in range(10):
        world.tick(name=f"s{number:05}")
    world.clock.moment = TEN + timedelta(hours=3)
    sweep = control_plane.during(world.reconcile)
    assert sweep["Query"] == OPEN_PARTITIONS
    assert sweep.total() - OPEN_PARTITIONS <= 10 * 6, sweep
    assert sweep["Scan"] == 0


def test_listing_costs_a_query_a_page(control_plane):
    def listed():
        token, names = None, []
        while True:
            page = control_plane.world.manage("ListMonitoringSchedules", max_results=100, next_token=token)
            names += [each["monitoring_schedule_name"] for each in page["schedules"]]
            token = page.get("next_token")
            if token is None:
                return names

    names: list[str] = []
    calls = control_plane.during(lambda: names.extend(listed()))
    assert names == sorted(set(names))
    assert len(names) in (10, 300)
    assert calls["Query"] <= len(names) // 100 + 1
