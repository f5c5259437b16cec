"""DynamoDB's responses are moto's own; they only come sooner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from decimal import Decimal
from typing import Any
from unittest import mock

import boto3
import pytest
from boto3.dynamodb.conditions import Key
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from modelwatch.local.moto_patches import dynamodb

KEYS = {"pk": "S", "sk": "N", "listing": "S", "number": "N"}
words, numbers = st.sampled_from(["", "a", "b", "é", "10", "9"]), st.sampled_from([-1, 0, 2, 10, Decimal("2.50")])
items = st.lists(
    st.fixed_dictionaries(
        {"pk": words.filter(bool), "sk": numbers}, optional={"listing": words.filter(bool), "number": numbers}
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="us-east-1")


@given(rows=items)
@settings(max_examples=20, deadline=None)
def test_tables_and_indexes_respond_as_without_the_patch(database: Any, rows: list[dict[str, Any]]) -> None:
    original = responses(database, rows)
    with patched():
        assert responses(database, rows) == original


@pytest.mark.parametrize("with_patch", [False, True])
@pytest.mark.parametrize("order", [("sk",), ()], ids=["with an order", "without"])
def test_a_transaction_is_done_whole_or_not_at_all(database: Any, with_patch: bool, order: tuple[str, ...]) -> None:
    def key(name: str) -> dict[str, Any]:
        return {"pk": name, **dict.fromkeys(order, 1)}

    def write(operation: str, **members: Any) -> dict[str, Any]:
        return {operation: {"TableName": "rows", **members}}

    def change(name: str) -> dict[str, Any]:
        values = {":one": 1, ":word": "new"}
        expression = "ADD listed.#n :one SET word = :word"
        names = {"#n": "count"}
        expressions = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        return write("Update", Key=key(name), UpdateExpression=expression, **expressions)

    writes = [change("changed"), write("Delete", Key=key("deleted")), write("Put", Item=key("put"))]
    impossible = write("Put", Item=key("kept"), ConditionExpression="attribute_not_exists(pk)")
    with patched() if with_patch else nullcontext():
        table = make_table(database, *order)
        try:
            for name in ("changed", "deleted", "kept"):
                table.put_item(Item=key(name) | {"listed": {"count": 1}})
            before = table.scan()["Items"]
            with pytest.raises(table.meta.client.exceptions.TransactionCanceledException):
                table.meta.client.transact_write_items(TransactItems=[*writes, impossible])
            assert table.scan()["Items"] == before
            table.meta.client.transact_write_items(TransactItems=writes)
            after = {item["pk"]: item for item in table.scan()["Items"]}
        finally:
            table.delete()
    assert after.keys() == {"changed", "kept", "put"}
    assert (after["changed"]["listed"], after["changed"]["word"]) == ({"count": 2}, "new")


@contextmanager
def patched() -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, value, is_new in dynamodb.replacements(None):  # type: ignore[arg-type]  # it calls nothing
            stack.enter_context(mock.patch.object(owner, name, value, create=is_new))
        yield


def make_table(database: Any, *order: str, **indexes: Any) -> Any:
    names = KEYS if indexes else ("pk", *order)
    return database.create_table(
        TableName="rows",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": KEYS[name]} for name in names],
        KeySchema=key_schema("pk", *order),
        **indexes,
    )


def responses(database: Any, rows: list[dict[str, Any]]) -> list[Any]:
    keys = key_schema("listing", "number")
    index = {"IndexName": "listed", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
    table = make_table(database, "sk", GlobalSecondaryIndexes=[index])
    try:
        for row in rows:
            table.put_item(Item=row)
        found: list[Any] = [table.scan()["Items"]]
        for word in ("a", "10"):
            found.append(table.query(KeyConditionExpression=Key("pk").eq(word))["Items"])
            found.append(table.query(KeyConditionExpression=Key("pk").eq(word) & Key("sk").lt(10), Limit=2)["Items"])
            of_index = Key("listing").eq(word) & Key("number").gte(0)
            found.append(
                table.query(IndexName="listed", KeyConditionExpression=of_index, ScanIndexForward=False)["Items"]
            )
        return found
    finally:
        table.delete()


def key_schema(partition: str, *order: str) -> list[Any]:
    kinds = {partition: "HASH", **dict.fromkeys(order, "RANGE")}
    return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds.items()]
