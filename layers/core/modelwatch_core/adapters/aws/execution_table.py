"""``Ledger`` in the ledger table.

The index lists open executions by the time they are due, spread over partitions. The timeline lists all by creation and
by scheduled time, and has each by its name as a processing job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from modelwatch_core.adapters.aws.versioned_items import (
    IS_NEW,
    TIMELINE,
    Item,
    Listing,
    VersionedItems,
    conflict,
    follows_on,
    parsed_item,
    spread_list,
)
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.ports import Claim, ExecutionOrder, Page, UnreadableRecord

_TIMES = {"CreationTime": "CREATED", "ScheduledTime": "SCHEDULED"}
"""The lists of executions, by the time that orders them. An item of a list is written once, with its execution, and has
no document."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class TableLedger:
    """``Ledger`` in the ledger table.

    Beside the item of each execution, a schedule has one item ``ACTIVE`` while an execution holds it; both are
    written in one transaction, and so is the item ``COST``, to which an execution that settles adds what it cost.
    """

    items: VersionedItems

    def get(self, key: ExecutionKey) -> MonitoringExecution | None:
        """Return an execution, or None."""
        return self.items.document(MonitoringExecution, _partition_key(key), _sort_key(key))

    def active(self, schedule_id: str) -> MonitoringExecution | None:
        """Return the execution that holds a schedule, or None."""
        pk = f"EXECUTIONS#{schedule_id}"
        holder = self.items.item(pk, "ACTIVE")
        return self.items.document(MonitoringExecution, pk, str(holder["holder"])) if holder else None

    def of_processing_job(self, name: str) -> MonitoringExecution | None:
        """Return the execution of a name, or None."""
        found = self.items.page(MonitoringExecution, Listing(TIMELINE, _job_list(name), 1, None, descending=True))
        for record, _ in found.records:
            if isinstance(record, UnreadableRecord):
                raise record.error
            return record
        return None

    def claim(self, execution: MonitoringExecution) -> tuple[Claim, MonitoringExecution]:
        """Claim a window for a firing."""
        standing = self.get(execution.key)
        if standing is None:
            if self._took(execution):
                return Claim.CLAIMED, execution
            standing = self.get(execution.key) or self.enqueue(execution)
        if standing.monitoring_execution_status is not ExecutionStatus.PENDING:
            return Claim.TAKEN, standing
        if standing.active:
            return (Claim.CLAIMED if standing.tick_id == execution.tick_id else Claim.TAKEN), standing
        lease = execution.due - execution.creation_time
        activated = standing.activated(now=execution.creation_time, lease=lease)
        return (Claim.CLAIMED, activated) if self._took(activated) else (Claim.WAITING, standing)

    def enqueue(self, execution: MonitoringExecution) -> MonitoringExecution:
        """Claim a window for its turn to come."""
        waiting = execution.waiting()
        item = execution_item(waiting)
        if self.items.transacted(self.items.put_of(item, **follows_on(item)), *self._times(waiting)):
            return self.get(execution.key) or waiting
        return waiting

    def save(self, execution: MonitoringExecution) -> None:
        """Write the next version of an execution."""
        item = execution_item(execution)
        if not execution.is_settled or execution.announced:
            self.items.put(item, exists="ExecutionExists")
            return
        release = self.items.delete_of(
            {"pk": item["pk"], "sk": "ACTIVE"},
            ConditionExpression="attribute_not_exists(pk) OR holder = :holder",
            ExpressionAttributeValues={":holder": item["sk"]},
        )
        settled = [self.items.put_of(item, **follows_on(item)), *self._added_cost(execution)]
        if not (refused := self.items.transacted(*settled, release)):
            return
        # Settled without ever holding its schedule, which another one holds: there is nothing to let go of.
        if 0 in refused or self.items.transacted(*settled):
            raise conflict(item, "ExecutionExists")

    def _added_cost(self, execution: MonitoringExecution) -> list[Item]:
        if execution.cost is None:
            return []
        added = {f"#{name}": Decimal(str(value)) for name, value in execution.cost}
        update = self.items.update_of(
            {"pk": _partition_key(execution.key), "sk": "COST"},
            UpdateExpression="ADD " + ", ".join(f"{name} :{name[1:]}" for name in added),
            ExpressionAttributeNames={name: name[1:] for name in added},
            ExpressionAttributeValues={f":{name[1:]}": value for name, value in added.items()},
        )
        return [update]

    def cost(self, schedule_id: str) -> Cost:
        """Return the sum of what the executions of a schedule cost."""
        item = self.items.item(f"EXECUTIONS#{schedule_id}", "COST") or {}
        return Cost.model_validate({name: item[name] for name in Cost.model_fields if name in item})

    def executions_before(
        self, schedule_id: str, moment: datetime | None = None, *, page: int = _PAGE
    ) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield the executions of a schedule, the newest window first."""
        last = iso_utc(moment - timedelta(seconds=1)) if moment else ""  # a place begins with its window
        span = ("EXECUTION#", f"EXECUTION#{last}~~")
        asked = Listing(None, f"EXECUTIONS#{schedule_id}", page, None, True, span, is_consistent=True)
        return self.items.all(MonitoringExecution, asked)

    def page(
        self, order: ExecutionOrder, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[MonitoringExecution]:
        """Return a page of executions in the order of a time."""
        kind = _TIMES[order.by]
        first, last = (iso_utc(moment) if moment else "" for moment in (order.since, order.until))
        if order.schedule_id is None:
            index, name, span = TIMELINE, kind, (first or " ", f"{last}~")
        else:
            index, name, span = None, f"EXECUTIONS#{order.schedule_id}", (f"{kind}#{first}", f"{kind}#{last}~")
        asked = Listing(index, name, limit, after, descending, span, is_consistent=index is None, named=execution_key)
        return self.items.page(MonitoringExecution, asked)

    def still_open(self, due_by: datetime | None = None) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield every execution that is open."""
        for item in self.items.spread_until("OPEN", due_by):
            yield parsed_item(MonitoringExecution, item)

    def _took(self, execution: MonitoringExecution) -> bool:
        item = execution_item(execution)
        hold = self.items.put_of({"pk": item["pk"], "sk": "ACTIVE", "holder": item["sk"]}, **IS_NEW)
        return not self.items.transacted(self.items.put_of(item, **follows_on(item)), hold, *self._times(execution))

    def _times(self, execution: MonitoringExecution) -> list[Item]:
        """Return the writes of a new execution to the lists by its times."""
        if execution.version != 1:
            return []
        return [self.items.put_of(item) for item in time_items(execution)]


def time_items(execution: MonitoringExecution) -> list[Item]:
    """Return the items by which the lists of executions by their times know an execution."""
    pk, sk = _partition_key(execution.key), _sort_key(execution.key)
    times = {"CreationTime": execution.creation_time, "ScheduledTime": execution.scheduled_time}
    return [
        {
            "pk": pk,
            "sk": f"{_TIMES[by]}#{iso_utc(moment)}#{sk}",
            "time_list": _TIMES[by],
            "time_key": f"{iso_utc(moment)}#{pk}#{sk}",
        }
        for by, moment in times.items()
    ]


def execution_key(item: Mapping[str, Any]) -> Item:
    """Return the key of the execution that an item of a list by a time stands for; of any other item, its own."""
    kind, _, rest = str(item["sk"]).partition("#")
    return {"pk": item["pk"], "sk": rest.partition("#")[2] if kind in _TIMES.values() else item["sk"]}


def _partition_key(key: ExecutionKey) -> str:
    return f"EXECUTIONS#{key.schedule_id}"


def _sort_key(key: ExecutionKey) -> str:
    return f"EXECUTION#{key.place}"


def _job_list(processing_job_name: str) -> str:
    return f"PROCESSING_JOB#{processing_job_name}"


def execution_item(execution: MonitoringExecution) -> Item:
    """Return an execution's own item."""
    key = execution.key
    item: Item = {
        "pk": _partition_key(key),
        "sk": _sort_key(key),
        "version": execution.version,
        "document": execution.model_dump_json(),
        "time_list": _job_list(execution.processing_job_name),
        "time_key": iso_utc(execution.creation_time),
    }
    if not execution.is_done:
        item |= {"list": spread_list("OPEN", key.schedule_id), "list_key": iso_utc(execution.due)}
    return item
