"""DynamoDB. moto looks at every item of a table for each query, and compares keys by converting both each time.

Items are put in order by plain values, and strings are compared as they are, which gives the same responses. For a
transaction moto copies all items of a table once for each item that is written, and keeps the copies; here it copies
the table's list of them, and the items that an update changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement

_STRING, _NUMBER = "S", "N"


def replacements(_: Hooks) -> list[Replacement]:
    """Return the patches."""
    compare = DynamoType.__eq__

    def equals(self: DynamoType, other: DynamoType) -> bool:
        if self.type == _STRING == other.type:
            return bool(self.value == other.value)
        return bool(compare(self, other))

    return [
        Replacement(Table, "all_items", _all_items),
        Replacement(Table, "__deepcopy__", backup, is_new=True),
        Replacement(DynamoType, "__eq__", equals),
        Replacement(DynamoDBBackend, "update_item", _update()),
    ]


def _all_items(self: Table) -> list[Item]:
    if self.range_key_attr is None:
        return sorted(self.items.values(), key=lambda item: _comparable(item.hash_key))
    items = [item for of_partition in self.items.values() for item in of_partition.values()]
    return sorted(items, key=lambda item: (_comparable(item.hash_key), _comparable(item.range_key)))


def backup(self: Table, _: object = None) -> Table:
    """Return a copy of a table with the same items: one that is put or deleted later is not in it."""
    copied: Table = object.__new__(Table)  # moto would keep it for ever
    items = self.items if self.range_key_attr is None else {key: dict(items) for key, items in self.items.items()}
    copied.__dict__.update(self.__dict__, items=defaultdict(dict, items))
    return copied


def _update() -> Callable[..., Item]:
    """Return an update_item that changes a copy of an item, so that the one in a backup stays as it is."""
    original = DynamoDBBackend.update_item

    def update_item(self: DynamoDBBackend, table_name: str, key: dict[str, Any], *arguments: Any, **named: Any) -> Item:
        if (item := self.get_item(table_name, key)) is not None:
            items = self.get_table(table_name).items
            if item.range_key is None:
                items[item.hash_key] = deepcopy(item)
            else:
                items[item.hash_key][item.range_key] = deepcopy(item)
        return original(self, table_name, key, *arguments, **named)

    return update_item


def _comparable(key: Any) -> Any:
    return Decimal(key.value) if key.type == _NUMBER else key.value


def hash_key_of(table_name: str, region: str) -> str | None:
    """Return the name of a table's partition key, or None if there is no such table."""
    table = dynamodb_backends[ACCOUNT_ID][region].tables.get(table_name)
    return None if table is None else str(table.hash_key_attr)
