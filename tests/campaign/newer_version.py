"""A newer version of the app, as far as the present one meets it: its records and events have a field that is unknown.

The code that runs is the present one. What it writes as the newer version gets the field on its way to AWS, and what it
reads loses the field, as the newer version would understand it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

FIELD = "field_of_a_newer_version"


def marked(document: str) -> str:
    """Return a document as the newer version writes it."""
    return json.dumps(json.loads(document) | {FIELD: True})


def unmarked(document: str) -> str:
    """Return a document as the newer version reads it."""
    fields = json.loads(document)
    fields.pop(FIELD, None)
    return json.dumps(fields)


def mark_items(request: Any) -> None:
    """Mark the executions that a request writes to the ledger, where they lie in the shape of DynamoDB's API."""
    for item in _items(request):
        if item.get("pk", {}).get("S", "").startswith("EXECUTIONS#"):
            item["document"]["S"] = marked(item["document"]["S"])


def unmark_items(response: Any) -> None:
    """Take the mark from every document that a response of the ledger has."""
    for item in _items(response):
        item["document"]["S"] = unmarked(item["document"]["S"])


def _items(value: Any) -> Iterator[dict[str, Any]]:
    """Yield what has a document in a request or a response, however deep it lies."""
    if isinstance(value, dict):
        if isinstance(document := value.get("document"), dict) and "S" in document:
            yield value
        for part in value.values():
            yield from _items(part)
    elif isinstance(value, list):
        for part in value:
            yield from _items(part)


def unmarked_event(event: Any) -> Any:
    """Return an event, or what a function is invoked with, as the newer version reads it."""
    if isinstance(event, dict):
        return {name: unmarked_event(value) for name, value in event.items() if name != FIELD}
    return [unmarked_event(value) for value in event] if isinstance(event, list) else event
