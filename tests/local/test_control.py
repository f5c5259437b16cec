"""The clock over HTTP: what it refuses, and what it says on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest

from modelwatch.local.control import move_clock

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)


class Stack:
    """A stack whose clock only remembers where it was moved to."""

    def __init__(self) -> None:
        self.now, self.events, self.mails = NINE, list[dict[str, Any]](), list[EmailMessage]()

    def advance_to(self, moment: datetime) -> None:
        self.now = moment
        self.events.append({"detail-type": "Execution Ended"})


def asked(stack: Stack, body: bytes, **changes: str) -> tuple[int, list[dict[str, Any]]]:
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    status, lines = move_clock(stack, {**environ, "wsgi.input": BytesIO(body), **changes})
    return status, [json.loads(line) for line in lines]


@pytest.mark.parametrize("body", [b'{"by_seconds": 3600}', b'{"to": "2026-01-31T11:00:00+01:00"}'])
def test_the_clock_is_moved_and_its_events_are_lines(body: bytes) -> None:
    stack = Stack()
    status, lines = asked(stack, body)
    assert (status, stack.now) == (200, datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert {"event": {"detail-type": "Execution Ended"}} in lines
    assert lines[-1] == {"now": "2026-01-31T10:00:00Z"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidRequest"),
        (b"[1]", "InvalidRequest"),
        (b"[" * 9_000, "InvalidRequest"),
        (b"\xff", "InvalidRequest"),
        (b'{"by_seconds": NaN}', "InvalidRequest"),
        (b'{"by_seconds": 1e300}', "InvalidRequest"),
        (b'{"to": "tomorrow"}', "InvalidRequest"),
        (b'{"to": "2026-01-31T10:00:00"}', "NoTimeZone"),
    ],
)
def test_a_request_that_names_no_time_is_refused(body: bytes, code: str) -> None:
    stack = Stack()
    status, (line,) = asked(stack, body)
    assert (status, line["error"]["code"], stack.now) == (400, code, NINE)


def test_a_form_of_another_site_moves_nothing() -> None:
    stack = Stack()
    status, _ = asked(stack, b'{"by_seconds": 3600}', CONTENT_TYPE="text/plain")
    assert (status, stack.now) == (400, NINE)
