"""Write lists of the ledger again, for records of an earlier version: from before a list was there, or in another.

It reads the whole table, so it is run once after such an update, and is no part of the sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelwatch_core.adapters.aws.baselining_job_table import job_item
from modelwatch_core.adapters.aws.execution_table import execution_item, time_items
from modelwatch_core.adapters.aws.schedule_table import NUMBER, PLACES, schedule_item
from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.adapters.aws.versioned_items import Item, VersionedItems, document_of, own_key
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule

_LISTED = ("list", "list_key", "time_list", "time_key")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did.

    Attributes
    ----------
    records : int
        How many records are in lists now in which they were not.
    failures : tuple of str
        What could not be read or changed, each with its reason.
    """

    records: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepairLists:
    """Put every record into its lists, and count the schedules. It may be repeated, while the app works."""

    items: VersionedItems

    def __call__(self) -> Repaired:
        """Repair the lists and return what was done."""
        before, schedules, records = self._number(), 0, 0
        failures: list[str] = []
        for item in self._all():
            try:
                wanted, *others = _as_written_today(item)
            except ModelwatchError as error:
                failures.append(f"{item['pk']} {item['sk']}: {error}")
                continue
            schedules += wanted.get("list") == "SCHEDULES"
            if any(item.get(name) != wanted.get(name) for name in _LISTED):
                records += self._listed(item, wanted, others)
        self.items.delete(PLACES)  # the next look for silent schedules gives them
        if before != schedules:
            failures += self._counted(before, schedules)
        return Repaired(records, tuple(failures))

    def _all(self) -> Iterator[Item]:
        query: dict[str, Any] = {"ConsistentRead": True}
        with aws_errors("reading the ledger"):
            while True:
                page = self.items.table.scan(**query)
                yield from map(dict, page["Items"])
                if "LastEvaluatedKey" not in page:
                    return
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _listed(self, item: Item, wanted: Item, others: list[Item]) -> bool:
        """Put a record into its lists, unless it was changed meanwhile, which did so; return whether it was put."""
        given = [name for name in _LISTED if name in wanted]
        gone = [name for name in _LISTED if name in item and name not in wanted]
        for other in others:  # first, so that a repair that was cut short is taken up again
            self.items.overwrite(other)
        return self.items.update_where(
            own_key(item),
            UpdateExpression="SET "
            + ", ".join(f"#{name} = :{name}" for name in given)
            + (" REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else ""),
            ConditionExpression="#version = :version",
            ExpressionAttributeNames={f"#{name}": name for name in (*given, *gone, "version")},
            ExpressionAttributeValues={f":{name}": wanted[name] for name in given} | {":version": item["version"]},
        )

    def _number(self) -> int:
        return int(str((self.items.item(**NUMBER) or {}).get("schedules", 0)))

    def _counted(self, before: int, schedules: int) -> list[str]:
        counted = self.items.update_where(
            NUMBER,
            UpdateExpression="SET schedules = :now",
            ConditionExpression="schedules = :before OR attribute_not_exists(schedules)",
            ExpressionAttributeValues={":now": schedules, ":before": before},
        )
        return (
            []
            if counted
            else ["the number of schedules: a schedule was created or deleted meanwhile; repeat the repair"]
        )


def _as_written_today(item: Item) -> list[Item]:
    """Return a record's item, and others that stand for it in lists; the item itself where it is in none.

    Raises
    ------
    Upstream
        ``RecordUnreadable``.
    """
    match str(item["pk"]).partition("#")[0], str(item["sk"]).partition("#")[0]:
        case "SCHEDULE", "DEFINITION":
            return [schedule_item(document_of(MonitoringSchedule, item))]
        case "EXECUTIONS", "EXECUTION":
            execution = document_of(MonitoringExecution, item)
            return [execution_item(execution), *time_items(execution)]
        case "BASELINE", "JOB":
            return [job_item(document_of(BaseliningJob, item))]
    return [item]
