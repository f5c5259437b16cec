"""The DynamoDB table that holds schedules, executions, baselining jobs, claims of runs and the log of sent alerts.

One table; each record is one item with its JSON document and its version. ``pk`` and ``sk`` are its identity. The
sparse index ``listing`` (``list``, ``list_key``) holds what must be found without knowing it: schedules by name, open
executions and baselining jobs by the time they are due. Open executions are spread over 16
partitions of the index, because all schedules of an account tick in the same minute.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import Document, iso_utc, validation_message
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Claim, Clock, RunClaim, UnreadableRecord

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

INDEX = "listing"
OPEN_PARTITIONS = 16
ALERT_LEASE = timedelta(minutes=2)
"""Longer than route_alerts may run, shorter than Lambda takes to its last retry of it (1 + 2 minutes)."""
ALERT_MEMORY = timedelta(days=90)
RUN_MEMORY = timedelta(days=30)

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
        with aws_errors(f"writing {item['pk']} to the ledger"):
            try:
                self.table.put_item(Item=item, **follows_on(item))
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                raise conflict(item, exists) from None

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
    """``Schedules`` in the ledger table."""

    items: VersionedItems

    def get(self, name: str) -> MonitoringSchedule | None:
        """Return a schedule, or None."""
        return self.items.document(MonitoringSchedule, f"SCHEDULE#{name}", "DEFINITION")

    def save(self, schedule: MonitoringSchedule) -> None:
        """Write a schedule."""
        name = schedule.monitoring_schedule_name
        item = {
            "pk": f"SCHEDULE#{name}",
            "sk": "DEFINITION",
            "list": "SCHEDULES",
            "list_key": name,
            "version": schedule.version,
            "document": schedule.model_dump_json(),
        }
        self.items.put(item, exists="ScheduleExists")

    def delete(self, name: str) -> None:
        """Remove a schedule."""
        with aws_errors(f"deleting schedule {name} from the ledger"):
            self.items.table.delete_item(Key={"pk": f"SCHEDULE#{name}", "sk": "DEFINITION"})

    def page(
        self, *, limit: int, after: str | None = None
    ) -> tuple[Sequence[MonitoringSchedule | UnreadableRecord], str | None]:
        """Return a page of schedules."""
        with aws_errors("listing the schedules of the ledger"):
            page = self.items.table.query(
                IndexName=INDEX,
                KeyConditionExpression="#list = :schedules AND list_key > :after",
                ExpressionAttributeNames={"#list": "list"},
                ExpressionAttributeValues={":schedules": "SCHEDULES", ":after": after or " "},
                Limit=limit,
            )
        items = page["Items"]
        following = str(items[-1]["list_key"]) if items and "LastEvaluatedKey" in page else None
        return [parsed_item(MonitoringSchedule, item) for item in items], following


@dataclass(frozen=True, slots=True)
class TableLedger:
    """``Ledger`` in the ledger table.

    Beside the item of each execution, a schedule has one item ``ACTIVE`` while an execution holds it; both are
    written in one transaction.
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
        try:
            self.items.put(_item(waiting), exists="ExecutionExists")
        except InvalidInput:
            return self.get(execution.key) or waiting
        return waiting

    def save(self, execution: MonitoringExecution) -> None:
        """Write the next version of an execution."""
        item = _item(execution)
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
        if not self._transacted(self._put(item), release):
            # Settled without ever holding its schedule, which another one holds: there is nothing to let go of.
            self.items.put(item, exists="ExecutionExists")

    def history(
        self, schedule_id: str, *, limit: int, before: datetime | None = None
    ) -> Sequence[MonitoringExecution | UnreadableRecord]:
        """Return the latest executions of a schedule."""
        with aws_errors(f"listing the executions of {schedule_id}"):
            page = self.items.table.query(
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":pk": f"EXECUTIONS#{schedule_id}",
                    ":first": "EXECUTION#",
                    ":last": f"EXECUTION#{iso_utc(before - timedelta(seconds=1)) if before else ''}~~",
                },
                ScanIndexForward=False,
                Limit=limit,
            )
        return [parsed_item(MonitoringExecution, item) for item in page["Items"]]

    def open_and_due(self, moment: datetime) -> Iterator[MonitoringExecution | UnreadableRecord]:
        """Yield every execution that is open although due."""
        for partition in range(OPEN_PARTITIONS):
            for item in self.items.listed_until(f"OPEN#{partition}", moment):
                yield parsed_item(MonitoringExecution, item)

    def _took(self, execution: MonitoringExecution) -> bool:
        item = _item(execution)
        hold = {
            "Put": {
                "TableName": self.items.table.name,
                "Item": {"pk": item["pk"], "sk": "ACTIVE", "holder": item["sk"]},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        return self._transacted(self._put(item), hold)

    def _put(self, item: Item) -> Item:
        return {"Put": {"TableName": self.items.table.name, "Item": item, **follows_on(item)}}

    def _transacted(self, *writes: Item) -> bool:
        """Write all, or nothing because a condition does not hold."""
        with aws_errors("writing to the ledger"):
            try:
                self.items.table.meta.client.transact_write_items(TransactItems=list(writes))  # type: ignore[arg-type]  # items are plain dicts
            except ClientError as error:
                # A conflict with another transaction says nothing about the conditions: that is worth a retry.
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
                if not reasons or reasons - {"ConditionalCheckFailed", "None"}:
                    raise
                return False
        return True


def _partition_key(key: ExecutionKey) -> str:
    return f"EXECUTIONS#{key.schedule_id}"


def _sort_key(key: ExecutionKey) -> str:
    return f"EXECUTION#{iso_utc(key.window.start)}~{iso_utc(key.window.end)}#{key.attempt:05}"


def _item(execution: MonitoringExecution) -> Item:
    key = execution.key
    item: Item = {
        "pk": _partition_key(key),
        "sk": _sort_key(key),
        "version": execution.version,
        "document": execution.model_dump_json(),
    }
    if not execution.is_done:
        partition = zlib.crc32(key.schedule_id.encode()) % OPEN_PARTITIONS
        item |= {"list": f"OPEN#{partition}", "list_key": iso_utc(execution.due)}
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
        item = {
            "pk": f"BASELINE#{job.baselining_job_name}",
            "sk": "JOB",
            "version": job.version,
            "document": job.model_dump_json(),
        }
        if not job.is_settled:
            item |= {"list": "OPEN_JOBS", "list_key": iso_utc(job.due)}
        self.items.put(item, exists="BaseliningJobExists")

    def open_and_due(self, moment: datetime) -> Iterator[BaseliningJob | UnreadableRecord]:
        """Yield every job that is open although due."""
        for item in self.items.listed_until("OPEN_JOBS", moment):
            yield parsed_item(BaseliningJob, item)


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
