"""Records that an earlier version wrote are put into the lists of today, on an emulated AWS."""

from __future__ import annotations

from typing import Any

import pytest

from modelwatch_core.adapters.aws.baselining_job_table import TableBaseliningJobs
from modelwatch_core.adapters.aws.execution_table import TableLedger
from modelwatch_core.adapters.aws.ledger_repair import RepairLists
from modelwatch_core.adapters.aws.schedule_table import TableSchedules
from modelwatch_core.adapters.aws.versioned_items import VersionedItems
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.ports import ExecutionOrder
from tests.core.test_port_contracts import HOUR, NOW, TEN, aws, execution, schedule, table

__all__ = ["aws", "table"]  # fixtures


def job() -> BaseliningJob:
    return BaseliningJob(
        baselining_job_name="first",
        baseline_dataset_s3_uri="s3://data/train.csv",
        dataset_format={"csv": {"header": True}},
        output_s3_uri="s3://results/baselining/first",
        creation_time=NOW,
        last_modified_time=NOW,
        due=NOW,
        host="lambda",
        host_reason="",
    )


@pytest.fixture
def items(table) -> VersionedItems:
    """The ledger of an earlier version: two schedules, an open execution and a job, in none of the newer lists."""
    made = VersionedItems(table)
    for name in ("hourly", "daily"):
        TableSchedules(made).save(schedule(name))
    TableLedger(made).claim(execution())
    TableBaseliningJobs(made).save(job())
    for item in table.scan()["Items"]:
        key = {"pk": item["pk"], "sk": item["sk"]}
        if item["sk"].startswith(("CREATED#", "SCHEDULED#")) or item["pk"] == "SCHEDULES":
            table.delete_item(Key=key)
        elif "document" in item and "time_list" in item:
            older = {name: value for name, value in item.items() if name not in ("time_list", "time_key")}
            if str(item.get("list", "")).startswith("OPEN#"):
                older["list"] = "OPEN#15"  # there were more partitions
            table.put_item(Item=older)
    return made


def listed(items: VersionedItems) -> dict[str, Any]:
    """Return how many records each list has that an earlier version did not have."""
    ledger = TableLedger(items)
    by_time = [ledger.page(ExecutionOrder(order), limit=10) for order in ("CreationTime", "ScheduledTime")]
    return {
        "schedules": len(TableSchedules(items).page(limit=10, by_creation=True).records),
        "executions": [len(page.records) for page in by_time],
        "open": len(list(ledger.still_open(TEN + 10 * HOUR))),
        "of a job": ledger.of_processing_job(execution().processing_job_name) is not None,
        "jobs": len(TableBaseliningJobs(items).page(limit=10).records),
        "number": items.item("SCHEDULES", "NUMBER"),
    }


def test_every_record_is_listed_and_the_schedules_are_counted(items):
    before = listed(items)
    assert (before["schedules"], before["executions"], before["open"], before["jobs"]) == (0, [0, 0], 0, 0)
    repaired = RepairLists(items)()
    assert (repaired.records, repaired.failures) == (4, ())
    after = listed(items)
    assert after.pop("number")["schedules"] == 2
    assert after == {"schedules": 2, "executions": [1, 1], "open": 1, "of a job": True, "jobs": 1}
    again = RepairLists(items)()
    assert (again.records, again.failures) == (0, ())


def test_a_repair_has_the_places_of_schedules_given_once_more(items):
    schedules = TableSchedules(items)
    assert len(list(schedules.overdue(NOW + 24 * HOUR))) == 2
    items.table.delete_item(Key={"pk": "SCHEDULE#hourly", "sk": "PLACE"})  # an earlier version wrote it, and was left
    assert list(schedules.overdue(NOW + 24 * HOUR)) == ["daily"]
    RepairLists(items)()
    assert len(list(schedules.overdue(NOW + 24 * HOUR))) == 2


def test_a_repaired_schedule_goes_on_with_its_versions(items):
    RepairLists(items)()
    schedules = TableSchedules(items)
    kept = schedules.get("hourly")
    schedules.save(kept.model_copy(update={"version": 2}))
    schedules.delete(schedules.get("hourly"), now=NOW)
    assert items.item("SCHEDULES", "NUMBER")["schedules"] == 1


def test_what_was_changed_meanwhile_is_left_to_whoever_changed_it(items, monkeypatch):
    read = RepairLists._all

    def changed_after_it_was_read(self):
        for item in list(read(self)):
            if item["sk"] == "DEFINITION":
                items.table.put_item(Item=item | {"version": 7})
            yield item

    monkeypatch.setattr(RepairLists, "_all", changed_after_it_was_read)
    assert RepairLists(items)().records == 2  # the execution and the job
    assert items.item("SCHEDULE#hourly", "DEFINITION")["version"] == 7


def test_a_record_that_cannot_be_read_is_named_and_stops_no_other(items):
    items.table.put_item(Item={"pk": "SCHEDULE#odd", "sk": "DEFINITION", "version": 1, "document": "{}"})
    repaired = RepairLists(items)()
    assert repaired.records == 4
    (failure,) = repaired.failures
    assert failure.startswith("SCHEDULE#odd DEFINITION: RecordUnreadable")
