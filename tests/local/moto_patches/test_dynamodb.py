"""DynamoDB's answers are moto's own; they only come sooner."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

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
def test_tables_and_indexes_answer_as_without_the_patch(database: Any, rows: list[dict[str, Any]]) -> None:
    original = answers(database, rows)
    replaced = [(each, each.owner.__dict__[each.attribute]) for each in dynamodb.replacements(None)]  # type: ignore[arg-type]  # it calls nothing
    try:
        for each, _ in replaced:
            setattr(each.owner, each.attribute, each.value)
        assert answers(database, rows) == original
    finally:
        for each, before in replaced:
            setattr(each.owner, each.attribute, before)


def answers(database: Any, rows: list[dict[str, Any]]) -> list[Any]:
    table = database.create_table(
        TableName="rows",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in KEYS.items()],
        KeySchema=key_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "listed",
                "KeySchema": key_schema("listing", "number"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
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


def key_schema(partition: str, order: str) -> list[Any]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": order, "KeyType": "RANGE"}]
