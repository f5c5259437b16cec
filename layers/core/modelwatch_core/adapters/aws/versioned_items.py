"""What the stores in the ledger table share: versioned documents, conditional writes, transactions and lists.

Each record is one item with its JSON document and its version. ``pk`` and ``sk`` are its identity. The sparse index
``listing`` (``list``, ``list_key``) holds what must be found without knowing it; the sparse index ``timeline``
(``time_list``, ``time_key``) holds what is listed by time, and has keys only.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from modelwatch_core.adapters.aws.translation import aws_errors, response_or_none
from modelwatch_core.domain.documents import Document, iso_utc, validation_message
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.ports import Page, UnreadableRecord

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

INDEX = "listing"
TIMELINE = "timeline"
PARTITIONS = 4
"""How many partitions of the index hold a list that all schedules of an account write to in the same minute. A
partition takes 1,000 writes a second, and costs each sweep a query."""

IS_NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
_REFUSED = "ConditionalCheckFailedException"

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VersionedItems:
    """Reading and writing of versioned documents, which all stores in the table share."""

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
        return document_of(model, item) if item else None

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
            return response_or_none(lambda: self.table.put_item(Item=item, **condition), _REFUSED) is not None

    def overwrite(self, item: Item) -> None:
        """Write an item, whatever stands in its place."""
        self.put_where(item)

    def update_where(self, key: Item, **update: Any) -> bool:
        """Change an item if the condition of the update holds, and return whether it does."""
        with aws_errors(f"changing {key['pk']} in the ledger"):
            return response_or_none(lambda: self.table.update_item(Key=key, **update), _REFUSED) is not None

    def delete(self, key: Item) -> None:
        """Remove an item, if it is there."""
        with aws_errors(f"deleting {key['pk']} from the ledger"):
            self.table.delete_item(Key=key)

    def listed(self, asked: Listing) -> Iterator[Item]:
        """Yield the items of a list from a page on, page after page as they are asked for."""
        return chain.from_iterable(self._pages(asked))

    def listed_until(self, name: str, moment: datetime | None) -> Iterator[Item]:
        """Yield the items of a list of the index up to a moment, or all."""
        return self.listed(Listing(INDEX, name, between=(" ", iso_utc(moment)) if moment else None))

    def spread_until(self, name: str, moment: datetime | None) -> Iterator[Item]:
        """Yield the items of a list that is spread over partitions of the index, see ``spread_list``."""
        for partition in range(PARTITIONS):
            yield from self.listed_until(f"{name}#{partition}", moment)

    def put_of(self, item: Item, **condition: Any) -> Item:
        """Return a write of a transaction."""
        return {"Put": {"TableName": self.table.name, "Item": item, **condition}}

    def update_of(self, key: Item, **update: Any) -> Item:
        """Return a change of a transaction."""
        return {"Update": {"TableName": self.table.name, "Key": key, **update}}

    def delete_of(self, key: Item, **condition: Any) -> Item:
        """Return a deletion of a transaction."""
        return {"Delete": {"TableName": self.table.name, "Key": key, **condition}}

    def check_of(self, key: Item, **condition: Any) -> Item:
        """Return a condition of a transaction, on an item that it leaves as it is."""
        return {"ConditionCheck": {"TableName": self.table.name, "Key": key, **condition}}

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
        listed, last_key = self._page(asked, asked.query)
        records = zip(self._with_documents(listed, asked), map(asked.position, listed), strict=True)
        return Page([(parsed_item(model, item), position) for item, position in records if item], last_key is not None)

    def all(self, model: type[Document], asked: Listing) -> Iterator[Document | UnreadableRecord]:
        """Yield the documents of a list from a page on, page after page as they are asked for."""
        for listed in self._pages(asked):
            yield from (parsed_item(model, item) for item in self._with_documents(listed, asked) if item)

    def _with_documents(self, listed: list[Item], asked: Listing) -> list[Item]:
        """Return the items of a list, or those that they name, in their order; an empty one for what is deleted."""
        if all("document" in item for item in listed):
            return listed
        return self._named([asked.named(item) for item in listed], is_consistent=asked.is_consistent)

    def _pages(self, asked: Listing) -> Iterator[list[Item]]:
        query = asked.query
        while True:
            listed, last_key = self._page(asked, query)
            yield listed
            if last_key is None:
                return
            query["ExclusiveStartKey"] = last_key

    def _page(self, asked: Listing, query: Mapping[str, Any]) -> tuple[list[Item], Mapping[str, Any] | None]:
        """Return the items of a page, and the key of the last one if the list may go on."""
        with aws_errors(f"listing {asked.name} of the ledger"):
            page = self.table.query(**query)
        return [dict(item) for item in page["Items"]], page.get("LastEvaluatedKey")

    def _named(self, keys: list[Item], *, is_consistent: bool) -> list[Item]:
        """Return the items of keys, in their order; an empty one for what is deleted."""
        found: dict[tuple[str, str], Item] = {}
        wanted = keys
        with aws_errors("reading listed items of the ledger"):
            while wanted:  # a response holds at most 16 MB
                request: Any = {self.table.name: {"Keys": wanted, "ConsistentRead": is_consistent}}
                response: Any = self.table.meta.client.batch_get_item(RequestItems=request)
                items = response["Responses"][self.table.name]
                found |= {(str(item["pk"]), str(item["sk"])): dict(item) for item in items}
                wanted = response["UnprocessedKeys"].get(self.table.name, {}).get("Keys", [])
        return [found.get((key["pk"], key["sk"]), {}) for key in keys]


def own_key(item: Mapping[str, Any]) -> Item:
    """Return the key of an item."""
    return {"pk": item["pk"], "sk": item["sk"]}


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list: an index with its partition, or a partition of the table.

    Attributes
    ----------
    limit : int, optional
        How many items a page has; as many as DynamoDB reads at once if not given. At most 100 where these have no
        documents: so many others are read at once.
    between : (str, str), optional
        The first and the last key of it that are wanted.
    is_consistent : bool
        Whether what was just written must be in it; an index cannot promise that.
    named : callable
        Gives the key of the item with the document of which an item without one is in the list.
    """

    index: str | None
    name: str
    limit: int | None = None
    after: str | None = None
    descending: bool = False
    between: tuple[str, str] | None = None
    is_consistent: bool = False
    named: Callable[[Mapping[str, Any]], Item] = own_key

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
            **({"Limit": self.limit} if self.limit else {}),
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


def parsed_item(model: type[Document], item: Mapping[str, Any]) -> Document | UnreadableRecord:
    """Return the document of an item, or what is wrong with it."""
    try:
        return model.model_validate_json(str(item["document"]))
    except ValidationError as error:
        reason = validation_message(error, limit=3)
    except ModelwatchError as error:  # settings are refused by errors of ours
        reason = str(error)
    return UnreadableRecord(f"{item['pk']} {item['sk']}", reason)


def document_of(model: type[Document], item: Mapping[str, Any]) -> Document:
    """Return the document of an item.

    Raises
    ------
    Upstream
        ``RecordUnreadable``.
    """
    found = parsed_item(model, item)
    if isinstance(found, UnreadableRecord):
        raise found.error
    return found


def spread_list(name: str, schedule_id: str) -> str:
    """Return the partition of a list that is spread over some in which a schedule has its items."""
    return f"{name}#{zlib.crc32(schedule_id.encode()) % PARTITIONS}"


def follows_on(item: Item) -> dict[str, Any]:
    """Return the condition under which an item of this version may be written."""
    return IS_NEW if item["version"] == 1 else at_version(item["version"] - 1)


def at_version(version: int) -> Item:
    """Return the condition that an item is of a version."""
    return {"ConditionExpression": "version = :version", "ExpressionAttributeValues": {":version": version}}


def conflict(item: Item, exists: str) -> InvalidInput | NotReady:
    """Return the error for an item that does not follow on."""
    if item["version"] == 1:
        advice = "choose another name" + (" or update it" if exists == "ScheduleExists" else "")
        return InvalidInput(exists, f"{_named(item['pk'])} exists already; {advice}")
    return changed_meanwhile(item["pk"])


def changed_meanwhile(pk: str) -> NotReady:
    """Return the error for an item that is not as it was read."""
    return NotReady("ChangedMeanwhile", f"{_named(pk)} was changed by another process in the meantime; try again")


_NOUNS = {
    "SCHEDULE": "the monitoring schedule",
    "EXECUTIONS": "the execution of",
    "BASELINE": "the baselining job",
    "JOB_DEFINITION": "the job definition",
}


def _named(pk: str) -> str:
    """Return what people call the record of a key."""
    kind, *_, name = pk.split("#")
    return f"{_NOUNS.get(kind, 'the record')} {name}"
