"""How many calls of AWS the control plane makes, as schedules grow: counted on an emulated table, not timed."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from modelwatch.local.moto_patches import dynamodb
from modelwatch_core.adapters.aws.alert_tables import TableAlertStates
from modelwatch_core.adapters.aws.execution_table import TableLedger, execution_item, time_items
from modelwatch_core.adapters.aws.schedule_table import PLACES, TableSchedules, place_item
from modelwatch_core.adapters.aws.summary_table import TableMonitorPeriods, TableMonitorSummaries
from modelwatch_core.adapters.aws.versioned_items import PARTITIONS, VersionedItems
from modelwatch_core.app.keep_measures import KeepMeasures
from modelwatch_core.app.listing import MOST_READS
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.page_by_page import every_schedule
from modelwatch_core.app.show_monitors import ReadMonitors, WriteDashboard
from modelwatch_core.domain.alerts import ScheduleSilent
from modelwatch_core.domain.dashboard.periods import Measured, Period, PeriodLength
from modelwatch_core.domain.dashboard.summaries import MonitorSummary
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.scores import Score
from modelwatch_core.domain.windows import Window
from tests.core.in_memory import MemoryLedger, MemorySchedules
from tests.core.ledger_table import ONE_SESSION, create_ledger_table
from tests.core.world import TEN, World

pytestmark = pytest.mark.slow

SWEEP = PARTITIONS + 1
MANY = int(os.environ.get("SCHEDULES", "300"))


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
        item = table.get_item(Key={"pk": "SCHEDULE#s00000", "sk": "DEFINITION"})["Item"]
        self._stored = dynamodb_backends[ACCOUNT_ID]["us-east-1"].tables[table.name]
        serialized = TypeSerializer().serialize(item)["M"]
        for number in range(
            1, schedules
        ):  # put straight into the emulator's table, which copies it for each transaction
            name = f"s{number:05}"
            named = {"monitoring_schedule_name": name, "schedule_id": f"{first.schedule_id}{number}"}
            document = first.model_copy(update=named).model_dump_json()
            own = {"pk": f"SCHEDULE#{name}", "list_key": name, "time_key": f"{item['time_key'][:-6]}{name}"}
            written = {name: {"S": value} for name, value in (own | {"document": document}).items()}
            self._stored.put_item(serialized | written)
            self.put(place_item(first.model_copy(update=named)))
        table.put_item(Item=PLACES | {"complete": True})
        table.meta.client.meta.events.register("before-call.dynamodb.*", self._count)

    def put(self, item: dict[str, Any]) -> None:
        """Put an item straight into the emulator's table, in a fortieth of the time of a call."""
        self._stored.put_item({name: TypeSerializer().serialize(value) for name, value in item.items()})

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
    for replacement in dynamodb.replacements(None):  # or each query would sort the table for a second
        monkeypatch.setattr(*replacement[:3], raising=not replacement.is_new)
    with mock_aws(config=ONE_SESSION):
        yield


@pytest.fixture(params=[100, MANY])
def control_plane(request):
    return ControlPlane(request.param)


def test_a_tick_and_an_idle_sweep_cost_the_same_however_many_schedules_there_are(control_plane):
    world = control_plane.world
    tick = control_plane.during(lambda: world.tick(name="s00003"))
    # The schedule, what is active, the window before and its own; the claim in one transaction; the start.
    assert tick.total() <= 8, tick
    assert tick["Scan"] == 0
    sweep = control_plane.during(world.reconcile)
    # One query for each partition of open executions, and one for the changes of schedules.
    assert sweep == {"Query": SWEEP}


def test_a_sweep_costs_a_few_calls_for_each_overdue_execution_and_none_for_the_others(control_plane):
    world = control_plane.world
    for number in range(10):
        world.tick(name=f"s{number:05}")
    world.clock.moment = TEN + timedelta(hours=3, minutes=30)
    sweep = control_plane.during(world.reconcile)
    assert sweep["Query"] == SWEEP
    assert sweep.total() - SWEEP <= 10 * 6, sweep
    assert sweep["Scan"] == 0


LOOK = {"GetItem": 1, "Query": SWEEP + PARTITIONS}
"""The calls of the first sweep of an hour: a query for each partition of times, and one read of whether all schedules
have places."""


def fire(control_plane, *, hours: int, but: str) -> None:
    """Have all schedules fire at an hour but one."""
    for each in every_schedule(control_plane.kept):
        if each.monitoring_schedule_name != but:
            control_plane.put(place_item(each, TEN + timedelta(hours=hours)))


def test_the_look_for_schedules_that_did_not_fire_costs_the_same_however_many_did(control_plane):
    world = control_plane.world
    world.clock.moment = TEN + timedelta(hours=1)
    assert control_plane.during(world.reconcile) == LOOK
    fire(control_plane, hours=5, but="s00007")
    world.clock.moment = TEN + timedelta(hours=6)
    looked = control_plane.during(world.reconcile)
    assert looked["Query"] == LOOK["Query"] + 1  # the executions of the silent one
    assert looked.total() - sum(LOOK.values()) <= 4, looked
    (silent,) = (event for event in world.bus.published if isinstance(event, ScheduleSilent))
    assert silent.monitoring_schedule_name == "s00007"


def test_an_event_of_an_endpoint_costs_what_its_own_schedules_cost(control_plane):
    found = control_plane.during(lambda: list(control_plane.kept.watching("no-such-endpoint")))
    assert found == {"GetItem": 1, "Query": 1}
    kept = control_plane.kept.get("s00007")
    mine = kept.endpoint_input.model_copy(update={"endpoint_name": "mine"})
    control_plane.kept.save(kept.model_copy(update={"endpoint_input": mine, "version": 2}))
    found = control_plane.during(lambda: list(control_plane.kept.watching("mine")))
    assert found == {"GetItem": 1, "Query": 1, "BatchGetItem": 1}


def test_a_page_costs_a_query_and_a_read_of_what_is_on_it_however_many_schedules_there_are(control_plane):
    manage = partial(control_plane.world.manage, "ListMonitoringSchedules", max_results=20)
    first = manage()
    assert [each["monitoring_schedule_name"] for each in first["schedules"]] == [f"s{n:05}" for n in range(20)]
    assert control_plane.during(manage) == {"Query": 1}
    assert control_plane.during(lambda: manage(next_token=first["next_token"])) == {"Query": 1}
    assert control_plane.during(lambda: manage(sort_by="CreationTime")) == {"Query": 1, "BatchGetItem": 1}
    # A filter that lets nothing through, and a status that comes last: a bounded number of reads.
    assert control_plane.during(lambda: manage(name_contains="none")).total() <= MOST_READS
    assert control_plane.during(lambda: manage(sort_by="Status", sort_order="Descending")).total() <= MOST_READS


def test_describing_and_listing_executions_costs_the_same_however_many_schedules_there_are(control_plane):
    world = control_plane.world
    for number in range(3):
        world.tick(name=f"s{number:05}")
    one = {"monitoring_schedule_name": "s00001"}
    described = control_plane.during(lambda: world.manage("DescribeMonitoringSchedule", **one))
    # The schedule and what it has cost; its latest execution.
    assert described == {"GetItem": 2, "Query": 1, "BatchGetItem": 1}
    everywhere = control_plane.during(lambda: world.manage("ListMonitoringExecutions"))
    assert everywhere == {"Query": 1, "BatchGetItem": 1}
    of_one = control_plane.during(lambda: world.manage("ListMonitoringExecutions", **one))
    assert of_one == {"GetItem": 1, "Query": 1, "BatchGetItem": 1}


def test_the_page_of_all_monitors_costs_a_query_for_a_hundred_schedules_and_none_for_each(control_plane):
    world = control_plane.world
    summaries = TableMonitorSummaries(control_plane.kept.items)
    for number in range(20):
        name = f"{control_plane.kept.get('s00000').schedule_id}{number or ''}"
        summaries.put(MonitorSummary(schedule_id=name, cost=Cost(executions=number)), read_at=TEN)
    lists = MonitorLists(control_plane.kept, control_plane.ledger, world.jobs)
    monitors = ReadMonitors(lists, summaries, TableMonitorPeriods(control_plane.kept.items), world.alert_states)
    found = [*monitors.all()]
    assert [each.summary.cost.executions for each in found[:21]] == [*range(20), 0]
    assert control_plane.during(lambda: [*monitors.all()]) == {"Query": -(-len(found) // 100) + 1}


@pytest.mark.parametrize("executions", [150, 1000])
def test_the_page_of_a_monitor_reads_the_same_however_many_executions_were_before(executions):
    control_plane = ControlPlane(1)
    world, ledger, items = control_plane.world, control_plane.ledger, control_plane.kept.items
    scores = tuple(Score(name=f"feature_{n}", value=0.1, threshold=0.2, grade=0.5) for n in range(10))
    world.finish(world.ends(world.tick(name="s00000"), scores=scores))
    event = world.announcements[-1]
    (last,) = ledger.executions_before(event.schedule_id)
    for hours in range(1, executions):
        by = timedelta(hours=hours)
        window = Window(start=last.window.start - by, end=last.window.end - by)
        earlier = last.model_copy(update={"window": window, "scheduled_time": last.scheduled_time - by})
        for item in (execution_item(earlier), *time_items(earlier)):
            control_plane.put(item)
    summaries, periods = TableMonitorSummaries(items), TableMonitorPeriods(items)
    for days in range(420):
        at = TEN - timedelta(days=days)
        measures = tuple(Measured(at=at, score=score) for score in scores)
        day = Period(
            schedule_id=event.schedule_id, length=PeriodLength.DAY, start=at.replace(hour=0), measures=measures
        )
        periods.put(day, read_at=TEN)
    lists = MonitorLists(control_plane.kept, ledger, world.jobs)
    read = ReadMonitors(lists, summaries, periods, TableAlertStates(items))
    write = WriteDashboard(read, KeepMeasures(ledger, periods, world.clock), world.objects, world.clock, "s3://results")
    found = Counter[str]()

    def count(model, parsed, **_):
        found["items"] += len(parsed["Items"])

    items.table.meta.client.meta.events.register("after-call.dynamodb.Query", count)
    calls = control_plane.during(lambda: write(event))
    assert calls == {"BatchGetItem": 1, "GetItem": 3, "Query": 8, "PutItem": 3}
    # A page of its hour; the names of the latest; the hours of its day, and of that of the first of the latest, which
    # has none here; 400 days; for the page of all a schedule and a summary.
    assert found["items"] == 10 + 100 + 1 + 400 + 2
    page = world.objects.kept["s3://results/dashboard/s00000.html"].decode()
    assert page.count('class="line"') == 10
    assert page.count('scope="row"') == 100
