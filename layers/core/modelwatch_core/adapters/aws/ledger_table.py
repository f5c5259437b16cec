"""The DynamoDB table that holds schedules, executions, baselining jobs, claims of runs and the log of sent alerts.

One table; each record is one item with its JSON document and its version. ``pk`` and ``sk`` are its identity. The
sparse index ``listing`` (``list``, ``list_key``) holds what must be found without knowing it: schedules by name,
changes of schedules that their clocks have not followed, open executions and baselining jobs by the time they are due,
and schedules by the time at which they have not fired. Open executions, and those times, are spread over 4 partitions
of the index, because all schedules of an account tick in the same minute. The sparse index ``timeline`` (``time_list``,
``time_key``) lists schedules and jobs by creation, and executions by creation and by scheduled time, with keys only.
There an execution is also found by its name as a processing job, and schedules by what they watch.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import Document, iso_utc, validation_message
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.sagemaker_api.job_definitions import JobDefinition
from modelwatch_core.ports import (
    Claim,
    Clock,
    ExecutionOrder,
    Page,
    RunClaim,
    ScheduleChange,
    UnreadableRecord,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

INDEX = "listing"
TIMELINE = "timeline"
OPEN_PARTITIONS = 4
"""How many partitions each list for the sweep is spread over. One takes 1,000 writes a second, and costs each sweep a
query."""
ALERT_LEASE = timedelta(minutes=2)
"""How long a sender keeps an alert: longer than route_alerts may run, and shorter than the 1 + 2 minutes until Lambda's
last retry of it."""
ALERT_MEMORY = timedelta(days=90)
RUN_MEMORY = timedelta(days=30)
_TIMES = {"CreationTime": "CREATED", "ScheduledTime": "SCHEDULED"}
"""The lists of executions, by the time that orders them. An item of a list is written once, with its execution, and has
no document."""
_PLACE = "PLACE"
_PAGE = 100
PLACES = {"pk": "SCHEDULES", "sk": "PLACES"}
"""The key of the note that each schedule has a place: those that an earlier version wrote have none until then."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VersionedItems:
    """Reading and writing of versioned documents, which all stores below share."""

    table: Table

    def item(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        """Return an item, read consistently, or None."""
        with aws_errors(f"reading {pk} from the ledger"):
            return self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")

    def document(self, model: type[Document], pk: str, sk: str) -> Document | None:
        """Return the document of an item, or None.

        Raises
        ------
        Upstream
            ``RecordUnreadable``: once the version that wrote it is deployed, a retry can read it.
        """
        item = self.item(pk, sk)
        found = parsed_item(model, item) if item else None
        if isinstance(found, UnreadableRecord):
            raise found.error
        return found

    def put(self, item: Item, *, exists: str) -> None:
        """Write an item if it is new (version 1) or follows on the one that stands.

        Parameters
        ----------
        item : dict
            With pk, sk, document and version.
        exists : str
            The code of the error for a version 1 that is there already.
        """
        if not self.put_where(item, **follows_on(item)):
            raise conflict(item, exists)

    def put_where(self, item: Item, **condition: Any) -> bool:
        """Write an item if a condition holds, and return whether it does."""
        with aws_errors(f"writing {item['pk']} to the ledger"):
            try:
                self.table.put_item(Item=item, **condition)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def listed_until(self, name: str, moment: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the items of a list of the index up to a moment, page after page."""
        query: dict[str, Any] = {
            "IndexName": INDEX,
            "KeyConditionExpression": "#list = :list AND list_key <= :moment",
            "ExpressionAttributeNames": {"#list": "list"},
            "ExpressionAttributeValues": {":list": name, ":moment": iso_utc(moment)},
        }
        with aws_errors("querying the ledger"):
            while True:
                page = self.table.query(**query)
                yield from page["Items"]
                if "LastEvaluatedKey" not in page:
                    return
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put_of(self, item: Item, **condition: Any) -> Item:
        """Return a write of a transaction."""
        return {"Put": {"TableName": self.table.name, "Item": item, **condition}}

    def transacted(self, *writes: Item) -> set[int]:
        """Write all, or nothing; return the places of the writes whose conditions do not hold."""
        with aws_errors("writing to the ledger"):
            try:
                self.table.meta.client.transact_write_items(TransactItems=list(writes))  # type: ignore[arg-type]  # items are plain dicts
            except ClientError as error:
                # A conflict with another transaction says nothing about the conditions: that is worth a retry.
                reasons = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", ())]
                if not reasons or set(reasons) - {"ConditionalCheckFailed", "None"}:
                    raise
                return {place for place, reason in enumerate(reasons) if reason != "None"}
        return set()

    def page(self, model: type[Document], asked: Listing) -> Page[Document]:
        """Return the documents of a page of a list; a list without documents names the items that have them."""
        listed, has_more = self._listed(asked)
        records = zip(self._with_documents(listed), map(asked.position, listed), strict=True)
        return Page([(parsed_item(model, item), position) for item, position in records if item], has_more)

    def all(self, model: type[Document], asked: Listing) -> Iterator[Document | UnreadableRecord]:
        """Yield the documents of a list from a page on, page after page as they are asked for."""
        while True:
            listed, has_more = self._listed(asked)
            yield from (parsed_item(model, item) for item in self._with_documents(listed) if item)
            if not has_more:
                return
            asked = replace(asked, after=asked.position(listed[-1]))

    def _with_documents(self, listed: list[Item]) -> list[Item]:
        """Return the items of a list, or those that they name, in their order; an empty one for what is deleted."""
        if all("document" in item for item in listed):
            return listed
        return self._named([named_key(item) for item in listed])

    def _listed(self, asked: Listing) -> tuple[list[Item], bool]:
        with aws_errors(f"listing {asked.name} of the ledger"):
            page = self.table.query(**asked.query)
        return [dict(item) for item in page["Items"]], "LastEvaluatedKey" in page

    def _named(self, keys: list[Item]) -> list[Item]:
        """Return the items of keys, in their order; an empty one for what is deleted."""
        found: dict[tuple[str, str], Item] = {}
        wanted = keys
        with aws_errors("reading listed items of the ledger"):
            while wanted:  # an answer holds at most 16 MB
                answer: Any = self.table.meta.client.batch_get_item(RequestItems={self.table.name: {"Keys": wanted}})
                items = answer["Responses"][self.table.name]
                found |= {(str(item["pk"]), str(item["sk"])): dict(item) for item in items}
                wanted = answer["UnprocessedKeys"].get(self.table.name, {}).get("Keys", [])
        return [found.get((key["pk"], key["sk"]), {}) for key in keys]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list: an index with its partition, or a partition of the table.

    Attributes
    ----------
    between : (str, str), optional
        The first and the last key of it that are wanted.
    is_consistent : bool
        Whether what was just written must be in it; an index cannot promise that.
    """

    index: str | None
    name: str
    limit: int
    after: str | None
    descending: bool
    between: tuple[str, str] | None = None
    is_consistent: bool = False

    @property
    def query(self) -> dict[str, Any]:
        """The parameters of the query."""
        partition, key = self._keys
        span = self.between
        return {
            **({"IndexName": self.index} if self.index else {}),
            "KeyConditionExpression": "#partition = :name" + (" AND #key BETWEEN :first AND :last" if span else ""),
            "ExpressionAttributeNames": {"#partition": partition, **({"#key": key} if span else {})},
            "ExpressionAttributeValues": {
                ":name": self.name,
                **({":first": span[0], ":last": span[1]} if span else {}),
            },
            "ScanIndexForward": not self.descending,
            "ConsistentRead": self.is_consistent,
            "Limit": self.limit,
            **({"ExclusiveStartKey": self._start(self.after)} if self.after else {}),
        }

    def position(self, item: Mapping[str, Any]) -> str:
        """Return the position of an item in the list."""
        return json.dumps([item["pk"], item["sk"], item[self._keys[1]]])

    @property
    def _keys(self) -> tuple[str, str]:
        known = {None: ("pk", "sk"), INDEX: ("list", "list_key"), TIMELINE: ("time_list", "time_key")}
        return known[self.index]

    def _start(self, position: str) -> Item:
        pk, sk, place = json.loads(position)
        partition, key = self._keys
        return {"pk": pk, "sk": sk} | {partition: self.name, key: place}


def named_key(item: Mapping[str, Any]) -> Item:
    """Return the key of the item that an item of a list stands for: itself, or the execution or schedule of a place."""
    kind, _, rest = str(item["sk"]).partition("#")
    if kind == _PLACE:
        return {"pk": item["pk"], "sk": "DEFINITION"}
    return {"pk": item["pk"], "sk": rest.partition("#")[2] if kind in _TIMES.values() else item["sk"]}


def parsed_item(model: type[Document], item: Mapping[str, Any]) -> Document | UnreadableRecord:
    """Return the document of an item, or what is wrong with it."""
    try:
        return model.model_validate_json(str(item["document"]))
    except ValidationError as error:
        reason = validation_message(error, limit=3)
    except ModelwatchError as error:  # settings are refused by errors of ours
        reason = str(error)
    return UnreadableRecord(f"{item['pk']} {item['sk']}", reason)


def follows_on(item: Item) -> dict[str, Any]:
    """Return the condition under which an item of this version may be written."""
    if item["version"] == 1:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "version = :before",
        "ExpressionAttributeValues": {":before": item["version"] - 1},
    }


def conflict(item: Item, exists: str) -> InvalidInput | NotReady:
    """Return the error for an item that does not follow on."""
    if item["version"] == 1:
        return InvalidInput(exists, f"{item['pk'].partition('#')[2]} exists already; choose another name or update it")
    return NotReady("ChangedMeanwhile", f"{item['pk']} was changed by another process in the meantime; try again")


@dataclass(frozen=True, slots=True)
class TableSchedules:
    """``Schedules`` in the ledger table.

    A write is one transaction: the definition, a copy of it under its version, the change that the clock is to follow,
    its place in the lists of what is watched and of when it is to have fired, and for a new one or a deletion the
    number of schedules.
    """

    items: VersionedItems

    def get(self, name: str) -> MonitoringSchedule | None:
        """Return a schedule, or None."""
        return self.items.document(MonitoringSchedule, f"SCHEDULE#{name}", "DEFINITION")

    def save(self, schedule: MonitoringSchedule, *, most: int | None = None) -> ScheduleChange:
        """Write a schedule."""
        change, definition = _change(schedule), schedule_item(schedule)
        kept = {name: definition[name] for name in ("version", "document")}
        copy = kept | {"pk": f"VERSIONS#{schedule.schedule_id}", "sk": f"VERSION#{schedule.version:08}"}
        writes = [
            self.items.put_of(definition, **follows_on(definition)),
            self.items.put_of(copy),
            self.items.put_of(_change_item(change, schedule.last_modified_time)),
            self.items.put_of(place_item(schedule)),
            *([self._count(1, most)] if schedule.version == 1 else []),
        ]
        refused = self.items.transacted(*writes)
        if 0 in refused:
            raise conflict(definition, "ScheduleExists")
        if refused:
            raise InvalidInput(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Number of monitoring schedules' is {most} schedules, with a request"
                " delta of 1 schedules. Delete a schedule, or raise the deployment's parameter MostSchedules.",
            )
        return change

    def delete(self, schedule: MonitoringSchedule, *, now: datetime) -> ScheduleChange:
        """Remove a schedule."""
        name, change = schedule.monitoring_schedule_name, _change(schedule)
        definition = {"pk": f"SCHEDULE#{name}", "sk": "DEFINITION"}
        is_as_given = {
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": schedule.version},
        }
        removal = {"Delete": {"TableName": self.items.table.name, "Key": definition, **is_as_given}}
        place = {"Delete": {"TableName": self.items.table.name, "Key": _place_key(name)}}
        noted = self.items.put_of(_change_item(change, now))
        if self.items.transacted(removal, place, noted, self._count(-1, None)):
            raise conflict(definition | {"version": schedule.version + 1}, "")
        return change

    def page(
        self, *, limit: int, after: str | None = None, by_creation: bool = False, descending: bool = False
    ) -> Page[MonitoringSchedule]:
        """Return a page of schedules."""
        asked = Listing(TIMELINE if by_creation else INDEX, "SCHEDULES", limit, after, descending)
        return self.items.page(MonitoringSchedule, asked)

    def version(self, schedule_id: str, version: int) -> MonitoringSchedule | None:
        """Return a version, or None."""
        return self.items.document(MonitoringSchedule, f"VERSIONS#{schedule_id}", f"VERSION#{version:08}")

    def versions(self, schedule_id: str, *, limit: int, after: str | None = None) -> Page[MonitoringSchedule]:
        """Return a page of versions."""
        asked = Listing(None, f"VERSIONS#{schedule_id}", limit, after, descending=True)
        return self.items.page(MonitoringSchedule, asked)

    def watching(self, watched: str) -> Iterator[MonitoringSchedule]:
        """Yield the schedules that watch something."""
        have_places = self._all_have_places()
        index, name = (TIMELINE, _watching(watched)) if have_places else (INDEX, "SCHEDULES")
        for each in self.items.all(MonitoringSchedule, Listing(index, name, _PAGE, None, descending=False)):
            if isinstance(each, MonitoringSchedule) and each.watched == watched:
                yield each

    def overdue(self, moment: datetime) -> Iterator[str]:
        """Yield the names of the schedules that were to fire by a moment."""
        if not self._all_have_places():
            self._give_places()
        for partition in range(OPEN_PARTITIONS):
            for item in self.items.listed_until(f"EXPECTED#{partition}", moment):
                yield str(item["pk"]).partition("#")[2]

    def expect(self, schedule: MonitoringSchedule, fired: datetime) -> None:
        """Note for which time a schedule fired last."""
        place = place_item(schedule, fired)
        listed = {name: place[name] for name in ("list", "list_key") if name in place}
        names = {"#list": "list", "#key": "list_key", "#version": "version"}
        change = "SET #list = :list, #key = :key" if listed else "REMOVE #list, #key"
        values = {":list": listed["list"], ":key": listed["list_key"]} if listed else {}
        with aws_errors(f"noting when {schedule.monitoring_schedule_name} fires next"):
            try:
                self.items.table.update_item(
                    Key=_place_key(schedule.monitoring_schedule_name),
                    UpdateExpression=change,
                    ConditionExpression="schedule_id = :id AND #version = :version",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values | {":id": place["schedule_id"], ":version": place["version"]},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise

    def _all_have_places(self) -> bool:
        return bool((self.items.item(**PLACES) or {}).get("complete"))

    def _give_places(self) -> None:
        """Give a place to the schedules that an earlier version wrote, a page at a time: what is done stays done."""
        after, has_more = (self.items.item(**PLACES) or {}).get("after"), True
        while has_more:
            page = self.page(limit=_PAGE, after=after)
            for schedule, _ in page.records:
                if isinstance(schedule, MonitoringSchedule):
                    self._give_place(schedule)
            after, has_more = (page.records[-1][1] if page.records else after), page.has_more
            with aws_errors("noting which schedules have places"):
                self.items.table.put_item(Item=PLACES | {"complete": not has_more, "after": after})

    def _give_place(self, schedule: MonitoringSchedule) -> None:
        name = schedule.monitoring_schedule_name
        stands = {
            "TableName": self.items.table.name,
            "Key": {"pk": f"SCHEDULE#{name}", "sk": "DEFINITION"},
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": schedule.version},
        }
        # If it was changed or deleted meanwhile, whoever did so has seen to its place.
        self.items.transacted({"ConditionCheck": stands}, self.items.put_of(place_item(schedule)))

    def changes(self, until: datetime) -> Iterator[ScheduleChange]:
        """Yield the changes that are not followed."""
        for item in self.items.listed_until("CHANGES", until):
            name = str(item["pk"]).removeprefix("SCHEDULE#")
            yield ScheduleChange(name, str(item["schedule_id"]), int(str(item["version"])))

    def followed(self, change: ScheduleChange) -> None:
        """Forget a change."""
        with aws_errors(f"noting that the clock of {change.monitoring_schedule_name} is set"):
            self.items.table.delete_item(Key=_change_key(change))

    def _count(self, by: int, most: int | None) -> Item:
        limit: Item = {"ConditionExpression": "attribute_not_exists(schedules) OR schedules < :most"}
        return {
            "Update": {
                "TableName": self.items.table.name,
                "Key": {"pk": "SCHEDULES", "sk": "NUMBER"},
                "UpdateExpression": "ADD schedules :by",
                "ExpressionAttributeValues": {":by": by, **({":most": most} if most is not None else {})},
                **(limit if most is not None else {}),
            }
        }


def schedule_item(schedule: MonitoringSchedule) -> Item:
    """Return a schedule's item."""
    name = schedule.monitoring_schedule_name
    return {
        "pk": f"SCHEDULE#{name}",
        "sk": "DEFINITION",
        "version": schedule.version,
        "document": schedule.model_dump_json(),
        "list": "SCHEDULES",
        "list_key": name,
        "time_list": "SCHEDULES",
        "time_key": f"{iso_utc(schedule.creation_time)}#{name}",
    }


def place_item(schedule: MonitoringSchedule, fired: datetime | None = None) -> Item:
    """Return the item by which a schedule is found by what it watches, and by when it is to have fired.

    Parameters
    ----------
    fired : datetime, optional
        The time for which it fired last; by default, since when it does.
    """
    item: Item = _place_key(schedule.monitoring_schedule_name) | {
        "schedule_id": schedule.schedule_id,
        "version": schedule.version,
        "time_list": _watching(schedule.watched),
        "time_key": schedule.monitoring_schedule_name,
    }
    overdue = schedule.overdue_at(fired or schedule.begins)
    if overdue is None:
        return item
    return item | {"list": f"EXPECTED#{_partition(schedule.schedule_id)}", "list_key": iso_utc(overdue)}


def _place_key(name: str) -> Item:
    return {"pk": f"SCHEDULE#{name}", "sk": _PLACE}


def _watching(watched: str) -> str:
    return f"WATCHING#{watched}"


def _partition(schedule_id: str) -> int:
    return zlib.crc32(schedule_id.encode()) % OPEN_PARTITIONS


def _change(schedule: MonitoringSchedule) -> ScheduleChange:
    return ScheduleChange(schedule.monitoring_schedule_name, schedule.schedule_id, schedule.version)


def _change_key(change: ScheduleChange) -> Item:
    return {
        "pk": f"SCHEDULE#{change.monitoring_schedule_name}",
        "sk": f"CHANGE#{change.schedule_id}#{change.version:08}",
    }


def _change_item(change: ScheduleChange, made: datetime) -> Item:
    known = {"schedule_id": change.schedule_id, "version": change.version}
    return _change_key(change) | known | {"list": "CHANGES", "list_key": iso_utc(made)}


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
        release = {
            "Delete": {
                "TableName": self.items.table.name,
                "Key": {"pk": item["pk"], "sk": "ACTIVE"},
                "ConditionExpression": "attribute_not_exists(pk) OR holder = :holder",
                "ExpressionAttributeValues": {":holder": item["sk"]},
            }
        }
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
        return [
            {
                "Update": {
                    "TableName": self.items.table.name,
                    "Key": {"pk": _partition_key(execution.key), "sk": "COST"},
                    "UpdateExpression": "ADD " + ", ".join(f"{name} :{name[1:]}" for name in added),
                    "ExpressionAttributeNames": {name: name[1:] for name in added},
                    "ExpressionAttributeValues": {f":{name[1:]}": value for name, value in added.items()},
                }
            }
        ]

    def cost(self, schedule_id: str) -> Cost:
        """Return the sum of what the executions of a schedule cost."""
        item = self.items.item(f"EXECUTIONS#{schedule_id}", "COST") or {}
        return Cost.model_validate({name: item[name] for name in Cost.model_fields if name in item})

    def history(
        self, schedule_id: str, *, limit: int, before: datetime | None = None
    ) -> Sequence[MonitoringExecution | UnreadableRecord]:
        """Return the latest executions of a schedule."""
        return list(islice(self.executions_before(schedule_id, before, page=limit), limit))

    def executions_before(
        self, schedule_id: str, moment: datetime | None = None, *, page: int = _PAGE
    ) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield the executions of a schedule, the newest window first."""
        last = iso_utc(moment - timedelta(seconds=1)) if moment else ""
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
            asked = Listing(TIMELINE, kind, limit, after, descending, (first or " ", f"{last}~"))
        else:
            span = (f"{kind}#{first}", f"{kind}#{last}~")
            asked = Listing(None, f"EXECUTIONS#{order.schedule_id}", limit, after, descending, span)
        return self.items.page(MonitoringExecution, asked)

    def open_and_due(self, moment: datetime) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield every execution that is open although due."""
        for partition in range(OPEN_PARTITIONS):
            for item in self.items.listed_until(f"OPEN#{partition}", moment):
                yield parsed_item(MonitoringExecution, item)

    def _took(self, execution: MonitoringExecution) -> bool:
        item = execution_item(execution)
        hold = {
            "Put": {
                "TableName": self.items.table.name,
                "Item": {"pk": item["pk"], "sk": "ACTIVE", "holder": item["sk"]},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
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


def _partition_key(key: ExecutionKey) -> str:
    return f"EXECUTIONS#{key.schedule_id}"


def _sort_key(key: ExecutionKey) -> str:
    return f"EXECUTION#{iso_utc(key.window.start)}~{iso_utc(key.window.end)}#{key.attempt:05}"


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
        item |= {"list": f"OPEN#{_partition(key.schedule_id)}", "list_key": iso_utc(execution.due)}
    return item


@dataclass(frozen=True, slots=True)
class TableBaseliningJobs:
    """``BaseliningJobs`` in the ledger table."""

    items: VersionedItems

    def get(self, name: str) -> BaseliningJob | None:
        """Return a job, or None."""
        return self.items.document(BaseliningJob, f"BASELINE#{name}", "JOB")

    def save(self, job: BaseliningJob) -> None:
        """Write a job."""
        self.items.put(job_item(job), exists="BaseliningJobExists")

    def page(self, *, limit: int, after: str | None = None, descending: bool = True) -> Page[BaseliningJob]:
        """Return a page of jobs."""
        return self.items.page(BaseliningJob, Listing(TIMELINE, "JOBS", limit, after, descending))

    def open_and_due(self, moment: datetime) -> Iterator[BaseliningJob | UnreadableRecord]:
        """Yield every job that is open although due."""
        for item in self.items.listed_until("OPEN_JOBS", moment):
            yield parsed_item(BaseliningJob, item)


def job_item(job: BaseliningJob) -> Item:
    """Return a baselining job's item."""
    item: Item = {
        "pk": f"BASELINE#{job.baselining_job_name}",
        "sk": "JOB",
        "time_list": "JOBS",
        "time_key": f"{iso_utc(job.creation_time)}#{job.baselining_job_name}",
        "version": job.version,
        "document": job.model_dump_json(),
    }
    return item if job.is_settled else item | {"list": "OPEN_JOBS", "list_key": iso_utc(job.due)}


@dataclass(frozen=True, slots=True)
class TableJobDefinitions:
    """``JobDefinitions`` in the ledger table."""

    items: VersionedItems

    def get(self, monitoring_type: str, name: str) -> JobDefinition | None:
        """Return a definition, or None."""
        return self.items.document(JobDefinition, f"JOB_DEFINITION#{monitoring_type}#{name}", "DEFINITION")

    def save(self, definition: JobDefinition) -> None:
        """Write a definition."""
        kind, name = definition.monitoring_type, definition.job_definition_name
        item = self._key(definition) | {
            "list": f"JOB_DEFINITIONS#{kind}",
            "list_key": name,
            "time_list": f"JOB_DEFINITIONS#{kind}",
            "time_key": f"{iso_utc(definition.creation_time)}#{name}",
            "version": definition.version,
            "document": definition.model_dump_json(),
        }
        self.items.put(item, exists="JobDefinitionExists")

    def delete(self, definition: JobDefinition) -> None:
        """Remove a definition."""
        key = self._key(definition)
        is_as_given = {
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": definition.version},
        }
        if self.items.transacted({"Delete": {"TableName": self.items.table.name, "Key": key, **is_as_given}}):
            raise conflict(key | {"version": definition.version + 1}, "")

    def page(
        self,
        monitoring_type: str,
        *,
        limit: int,
        after: str | None = None,
        by_creation: bool = True,
        descending: bool = True,
    ) -> Page[JobDefinition]:
        """Return a page of definitions."""
        index = TIMELINE if by_creation else INDEX
        asked = Listing(index, f"JOB_DEFINITIONS#{monitoring_type}", limit, after, descending)
        return self.items.page(JobDefinition, asked)

    @staticmethod
    def _key(definition: JobDefinition) -> Item:
        pk = f"JOB_DEFINITION#{definition.monitoring_type}#{definition.job_definition_name}"
        return {"pk": pk, "sk": "DEFINITION"}


@dataclass(frozen=True, slots=True)
class TableSentAlerts:
    """``SentAlerts`` in the ledger table. An alert whose sender died may be sent again after 2 minutes."""

    table: Table
    clock: Clock

    def begin(self, key: str) -> bool:
        """Return whether the alert is to be sent now."""
        now = self.clock.now()
        with aws_errors(f"claiming alert {key}"):
            try:
                self.table.put_item(
                    Item=self._item(key, "SENDING", now + ALERT_LEASE, now + ALERT_MEMORY),
                    ConditionExpression="attribute_not_exists(pk) OR (#state = :sending AND lease < :now)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={":sending": "SENDING", ":now": iso_utc(now)},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                note = self.table.get_item(Key=self._key(key), ConsistentRead=True).get("Item", {})
                if note.get("state") == "SENT":
                    return False
                raise NotReady("AlertUnderWay", f"another process is sending alert {key}") from None
        return True

    def finish(self, key: str) -> None:
        """Note that the alert has been sent."""
        now = self.clock.now()
        with aws_errors(f"noting alert {key}"):
            self.table.put_item(Item=self._item(key, "SENT", now, now + ALERT_MEMORY))

    def abandon(self, key: str) -> None:
        """Note that sending failed."""
        with aws_errors(f"abandoning alert {key}"):
            self.table.delete_item(Key=self._key(key))

    @staticmethod
    def _key(key: str) -> Item:
        return {"pk": f"ALERT#{key}", "sk": "ALERT"}

    def _item(self, key: str, state: str, lease: datetime, expires: datetime) -> Item:
        return self._key(key) | {
            "state": state,
            "lease": iso_utc(lease),
            "expires_at": int(expires.timestamp()),
        }


@dataclass(frozen=True, slots=True)
class TableRunClaims:
    """``RunClaims`` in the ledger table; an item for each subject, kept for 30 days."""

    table: Table
    clock: Clock

    def claim(self, subject: str, run_id: str) -> RunClaim:
        """Claim an analysis for a run."""
        with aws_errors(f"claiming {subject}"):
            try:
                self.table.put_item(
                    Item=self._item(subject, run_id),
                    ConditionExpression="attribute_not_exists(pk) OR run_id = :run",
                    ExpressionAttributeValues={":run": run_id},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return RunClaim.STOPPED if self._owner(subject) == _NO_RUN else RunClaim.TAKEN
        return RunClaim.OWNED

    def stop(self, subject: str) -> None:
        """Let no run analyse a subject any more."""
        with aws_errors(f"stopping {subject}"):
            self.table.put_item(Item=self._item(subject, _NO_RUN))

    def owner(self, subject: str) -> str | None:
        """Return the run that has an analysis, or None where none has."""
        with aws_errors(f"reading the claim of {subject}"):
            owner = self._owner(subject)
        return None if owner == _NO_RUN else owner

    def _owner(self, subject: str) -> str | None:
        item = self.table.get_item(Key=self._key(subject), ConsistentRead=True).get("Item")
        return str(item["run_id"]) if item else None

    @staticmethod
    def _key(subject: str) -> Item:
        return {"pk": f"RUN#{subject}", "sk": "CLAIM"}

    def _item(self, subject: str, run_id: str) -> Item:
        expires = self.clock.now() + RUN_MEMORY
        return self._key(subject) | {"run_id": run_id, "expires_at": int(expires.timestamp())}


_NO_RUN = "-"
