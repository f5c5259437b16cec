"""The clock over HTTP, beside the emulated AWS: moves it, and says as JSON lines what happens on the way.

A request is ``{"by_seconds": 3600}`` or ``{"to": "2026-01-05T13:00:00Z"}``. The lines are ``{"now": ...}`` at least
every half second, ``{"event": ...}`` for each event of the app, with a reason as ``"undelivered"`` if it is an alert
for a function that the stack does not have, ``{"mail": {"to": ..., "subject": ...}}`` for each mail, and ``{"error":
{"code": ..., "message": ...}}`` at the end if the clock could not be moved to where it should.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import count
from threading import Event
from typing import Any, Protocol

from modelwatch.local.clock import to_utc
from modelwatch.local.errors import LocalStackError
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import ModelwatchError

_LARGEST_REQUEST = 10_000  # bytes
_LOOK_SECONDS = 0.1
_LOOKS_PER_LINE = 5


class Stack(Protocol):
    """What moving the clock needs of a stack."""

    @property
    def now(self) -> datetime:
        """The time of its clock."""

    @property
    def functions(self) -> list[str]:
        """The names of the deployed functions."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the app so far."""

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails so far."""

    def advance_to(self, moment: datetime | timedelta, abandoned: Event | None = None) -> None:
        """Move the clock, until the event is set."""


def move_clock(stack: Stack, environ: Mapping[str, Any]) -> tuple[int, Iterator[bytes]]:
    """Handle a request; return the status, and the lines as they come.

    A browser sends JSON to another site only if that site allows it, so that no page can move the clock.
    """
    if environ["REQUEST_METHOD"] != "POST" or environ.get("CONTENT_TYPE") != "application/json":
        return 400, iter([_error(LocalStackError("InvalidRequest", "send a POST request of application/json"))])
    try:
        body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), _LARGEST_REQUEST))
        moment = _moment(json.loads(body), stack.now)
    except LocalStackError as error:
        return 400, iter([_error(error)])
    except OverflowError:
        message = "by_seconds: the clock would leave the years 1 to 9999"
        return 400, iter([_error(LocalStackError("InvalidRequest", message))])
    except (ValueError, TypeError, KeyError, RecursionError):
        message = 'send {"by_seconds": 3600} or {"to": "2026-01-05T13:00:00Z"}'
        return 400, iter([_error(LocalStackError("InvalidRequest", message))])
    return 200, _lines(stack, moment)


def _moment(request: Mapping[str, Any], now: datetime) -> datetime | timedelta:
    """Return where to, or how far: what an abandoned request has begun may still move the clock."""
    if "to" in request:
        return to_utc(datetime.fromisoformat(request["to"]))
    span = timedelta(seconds=request["by_seconds"])
    to_utc(now + span)  # which overflows here, if it does
    return span


def _lines(stack: Stack, moment: datetime | timedelta) -> Iterator[bytes]:
    events, mails, abandoned = len(stack.events), len(stack.mails), Event()
    with ThreadPoolExecutor(1, thread_name_prefix="clock") as pool, ExitStack() as end:
        end.callback(abandoned.set)  # also where the lines are not read to their end, after Ctrl-C
        moved: Future[None] = pool.submit(stack.advance_to, moment, abandoned)
        for look in count():
            done = moved.done()
            new_events, new_mails = stack.events[events:], stack.mails[mails:]
            events, mails = events + len(new_events), mails + len(new_mails)
            yield from (_line(event=event, **_undelivered(stack, event)) for event in new_events)
            yield from (_line(mail={"to": str(mail["To"]), "subject": str(mail["Subject"])}) for mail in new_mails)
            if done or look % _LOOKS_PER_LINE == 0:
                yield _line(now=iso_utc(stack.now))
            if done:
                break
            wait([moved], _LOOK_SECONDS)
    if isinstance(error := moved.exception(), ModelwatchError):
        yield _error(error)
    elif error is not None:
        yield _error(LocalStackError("WorkFailed", f"The local stack itself failed: {type(error).__name__}: {error}"))


def _undelivered(stack: Stack, event: Mapping[str, Any]) -> dict[str, str]:
    """Return why an alert reaches nobody: only functions of the template run here."""
    if event["detail-type"] != AlertRaised.detail_type:
        return {}
    target = AlertRaised.model_validate(event["detail"]).target
    if target.type != "lambda" or target.address.partition(":function:")[2].split(":")[0] in stack.functions:
        return {}
    return {"undelivered": "the local stack runs only the functions of its template"}


def _error(error: ModelwatchError) -> bytes:
    return _line(error={"code": error.code, "message": error.message})


def _line(**members: object) -> bytes:
    return json.dumps(members).encode() + b"\n"
