"""The clock over HTTP: what it refuses, and what it says on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from threading import Event
from typing import Any

import pytest

from modelwatch.cli.local_clock import _Happened, _understood
from modelwatch.local.control import move_clock
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerts import AlertRaised
from tests.core.world import DRIFT, World
from tests.repository import HANGS_AFTER

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)


class Stack:
    """A stack whose clock only remembers where it was moved to."""

    def __init__(self) -> None:
        self.now, self.events, self.mails = NINE, list[dict[str, Any]](), list[EmailMessage]()
        self.functions = ["RouteAlerts", "page"]
        self.is_slow = self.is_abandoned = False
        self.meanwhile: list[dict[str, Any]] = [{"detail-type": "Execution Ended"}]

    def advance_to(self, moment: datetime | timedelta, abandoned: Event | None = None) -> None:
        if self.is_slow and abandoned:
            self.is_abandoned = abandoned.wait(HANGS_AFTER)
            return
        self.now = self.now + moment if isinstance(moment, timedelta) else moment
        self.events.extend(self.meanwhile)


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


def test_the_clock_stops_where_nobody_reads_the_lines_any_more() -> None:
    stack, body = Stack(), b'{"by_seconds": 3600}'
    stack.is_slow = True
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    _, lines = move_clock(stack, {**environ, "wsgi.input": BytesIO(body)})
    assert json.loads(next(lines)) == {"now": "2026-01-31T09:00:00Z"}
    lines.close()
    assert stack.is_abandoned


def test_an_alert_for_a_function_that_the_stack_does_not_have_is_said_to_be_undelivered() -> None:
    world, stack = World(), Stack()
    world.has_schedule()
    world.has_captures()
    world.finish(world.ends(world.tick(), DRIFT))
    world.route(world.announcements[0])
    (raised,) = (each for each in world.bus.published if isinstance(each, AlertRaised))
    stack.meanwhile.clear()
    for target_type, name in (("lambda", "page"), ("lambda", "pager"), ("sns", "pager")):
        target = AlertTargetReference(type=target_type, address=f"arn:aws:lambda:us-east-1:1:function:{name}")
        detail = raised.model_copy(update={"target": target}).model_dump(mode="json")
        stack.meanwhile.append({"detail-type": AlertRaised.detail_type, "detail": detail})
    happened = _Happened()
    _, lines = asked(stack, b'{"by_seconds": 60}')
    said = [text for line in lines for text in _understood(line, happened)]
    assert ["not delivered" in text for text in said] == [False, False, True, False]
    assert [each.target.address[-5:] for each in happened.undelivered] == ["pager"]
    assert len(happened.alerts) == 2


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
