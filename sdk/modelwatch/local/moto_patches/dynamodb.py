"""DynamoDB. Nothing is replaced; only the name of a table's partition key is read."""

from __future__ import annotations

from moto.dynamodb.models import dynamodb_backends

from modelwatch.local.moto_patches.hooks import ACCOUNT_ID


def hash_key_of(table_name: str, region: str) -> str | None:
    """Return the name of a table's partition key, or None if there is no such table."""
    table = dynamodb_backends[ACCOUNT_ID][region].tables.get(table_name)
    return None if table is None else str(table.hash_key_attr)
