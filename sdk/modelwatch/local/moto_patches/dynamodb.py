"""DynamoDB. moto looks at every item of a table for each query, and compares keys by converting both each time.

Items are put in order by plain values, and strings are compared as they are, which gives the same answers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from moto.dynamodb.models import dynamodb_backends
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

    return [Replacement(Table, "all_items", _all_items), Replacement(DynamoType, "__eq__", equals)]


def _all_items(self: Table) -> list[Item]:
    if self.range_key_attr is None:
        return sorted(self.items.values(), key=lambda item: _comparable(item.hash_key))
    items = [item for of_partition in self.items.values() for item in of_partition.values()]
    return sorted(items, key=lambda item: (_comparable(item.hash_key), _comparable(item.range_key)))


def _comparable(key: Any) -> Any:
    return Decimal(key.value) if key.type == _NUMBER else key.value


def hash_key_of(table_name: str, region: str) -> str | None:
    """Return the name of a table's partition key, or None if there is no such table."""
    table = dynamodb_backends[ACCOUNT_ID][region].tables.get(table_name)
    return None if table is None else str(table.hash_key_attr)
