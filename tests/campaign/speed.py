"""What moto and botocore compute again at each call is remembered, and what moto would keep for ever is not.

A thousand executions make 150,000 calls. Nothing of what is returned changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest import mock

import botocore.useragent
import moto.core.responses
from botocore.signers import RequestSigner
from moto.core.common_models import BaseModel
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from modelwatch.local.moto_patches.dynamodb import backup


def _items_as_they_lie(table: Any) -> list[Any]:
    """Return the items of a table that has a range key; a query sorts what it has found of them."""
    return [item for items in table.items.values() for item in items.values()]


_original_differs = DynamoType.__ne__


def _differs(one: Any, other: Any) -> bool:
    if one.type == other.type == "S":
        return bool(one.value != other.value)
    return bool(_original_differs(one, other))


_original_hash = DynamoType.__hash__


def _hash(one: Any) -> int:
    return hash(one.value) if one.type == "S" else _original_hash(one)


def _user_agent(_: Any) -> str:
    return "campaign"


_original_sign = RequestSigner.sign


def _signs_for_s3(signer: RequestSigner, operation_name: str, request: Any, **options: Any) -> None:
    """Sign where moto looks whether there is a signature."""
    if ".s3." in request.url:
        _original_sign(signer, operation_name, request, **options)


def _instance(model: type[BaseModel], *_: object, **__: object) -> BaseModel:
    """Make an instance. Moto would keep a list of each item, message and key that any call wrote or read."""
    made: BaseModel = object.__new__(model)
    return made


@contextmanager
def without_repeated_work() -> Iterator[None]:
    """Let moto and botocore remember."""
    responses, useragent = moto.core.responses, botocore.useragent
    with ExitStack() as stack:
        for module, name in (
            (responses, "method_names_from_class"),
            (responses, "camelcase_to_underscores"),
        ):
            stack.enter_context(mock.patch.object(module, name, cache(getattr(module, name))))
        stack.enter_context(mock.patch.object(useragent.UserAgentString, "to_string", _user_agent))
        stack.enter_context(mock.patch.object(RequestSigner, "sign", _signs_for_s3))
        stack.enter_context(mock.patch.object(BaseModel, "__new__", _instance))
        stack.enter_context(mock.patch.object(Table, "all_items", _items_as_they_lie))
        stack.enter_context(mock.patch.object(Table, "__deepcopy__", backup, create=True))  # writes replace items
        stack.enter_context(mock.patch.object(DynamoType, "__ne__", _differs))
        stack.enter_context(mock.patch.object(DynamoType, "__eq__", lambda one, other: not _differs(one, other)))
        stack.enter_context(mock.patch.object(DynamoType, "__hash__", _hash))
        yield
