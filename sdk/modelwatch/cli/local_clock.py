"""``modelwatch local advance``: moves the clock of the running stack, and says what happened on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from modelwatch.cli.failures import print_json
from modelwatch.cli.options import AsJson, examples, parse_time
from modelwatch.printing import make_console, printable
from modelwatch.running_stack import CLOCK_PATH, find_stack
from modelwatch_core.domain.alert_text import alert_subject, finding_lines
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.domain.number_text import count_text

ADVANCE_EXAMPLE = examples(
    "modelwatch local advance 1h", "modelwatch local advance 1h30m", "modelwatch local advance --to 2026-01-05T13:00Z"
)

_SPAN = re.compile(r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")
_SILENCE_SECONDS = 60
"""The stack sends a line every half second: after this many seconds without one it is gone."""


@dataclass(slots=True)
class _Happened:
    """What happened while the clock moved."""

    now: str = ""
    executions: list[ExecutionEnded] = field(default_factory=list)
    alerts: list[AlertRaised] = field(default_factory=list)
    undelivered: list[AlertRaised] = field(default_factory=list)
    mails: list[dict[str, str]] = field(default_factory=list)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "now": self.now,
            "executions": [each.model_dump(mode="json") for each in self.executions],
            "alerts": [each.model_dump(mode="json") for each in self.alerts],
            "undelivered": [each.model_dump(mode="json") for each in self.undelivered],
            "mails": self.mails,
        }


def advance(
    by: Annotated[str | None, typer.Argument(metavar="SPAN", help="How far: 30s, 90m, 1h30m, 2d.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="TIME", help="The time to set the clock to; ISO 8601, UTC without an offset.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the clock of the running local stack ahead; everything that is due in between happens, in order.

    The command waits until all of it is done. The stack is the one at AWS_ENDPOINT_URL, or the one that `modelwatch
    local up` started last.
    """
    if (by is None) == (to is None):
        raise typer.BadParameter("give either how far, such as 1h, or --to and a time.")
    request = {"by_seconds": _span(by).total_seconds()} if by is not None else {"to": iso_utc(parse_time(to or ""))}
    url, happened = find_stack(), _Happened()
    console = make_console()
    with console.status("Moving the clock") as status:
        for line in _request(url, request):
            for text in _understood(line, happened):
                if not as_json:
                    console.print(text)
            status.update(f"The clock is at {happened.now}")
    if not happened.now:
        raise InvalidInput("LocalStackNotFound", f"the program at {url} is not a local stack of this version")
    if as_json:
        print_json(happened.to_document())
    else:
        ended = count_text(len(happened.executions), "execution")
        alerts = count_text(len(happened.alerts), "alert")
        undelivered = f", {len(happened.undelivered)} not delivered" if happened.undelivered else ""
        console.print(f"The clock is at {happened.now}: {ended} ended, {alerts}{undelivered}.")


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    given = {unit: int(number) for unit, number in match.groupdict().items() if number} if match else {}
    if not given:
        raise typer.BadParameter(f"{printable(text)} is not a span of time such as 30s, 90m, 1h30m or 2d.")
    try:
        span = timedelta(**given)
    except OverflowError:
        raise typer.BadParameter(f"{printable(text)} is too long.") from None
    if not span:
        raise typer.BadParameter(f"{printable(text)} does not move the clock; give a span such as 30s or 1h.")
    return span


def _request(url: str, request: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Send a request to move the clock, and yield the lines of the response as they come."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    opener = build_opener(ProxyHandler({}))  # the stack is on this machine, whatever proxies there are
    posted = Request(url + CLOCK_PATH, json.dumps(request).encode(), {"Content-Type": "application/json"})  # noqa: S310 - find_stack() gives an address on loopback
    try:
        with opener.open(posted, timeout=_SILENCE_SECONDS) as response:
            for line in response:
                yield json.loads(line)
    except HTTPError as error:
        if (refusal := _refusal(error.read())) is not None:
            yield refusal
            return
        message = f"the program at {url} is not a local stack of this version ({error.code}): see AWS_ENDPOINT_URL"
        raise InvalidInput("LocalStackNotFound", message) from None
    except (OSError, HTTPException):
        message = f"no local stack runs at {url}: start one with modelwatch local up"
        raise InvalidInput("LocalStackNotFound", message) from None


def _refusal(body: bytes) -> dict[str, Any] | None:
    """Return the stack's refusal of a request; None where something else responded."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    match document:
        case {"error": {"code": str(), "message": str()}}:
            return dict(document)
    return None


def _understood(line: dict[str, Any], happened: _Happened) -> Iterator[str]:
    """Note what a line of the response says, and yield it for people."""
    match line:
        case {"error": {"code": str(code), "message": str(message)}}:
            raise Upstream(code, message)
        case {"now": str(now)}:
            happened.now = now
        case {"mail": {"to": str(to), "subject": str(subject)}}:
            happened.mails.append({"to": to, "subject": subject})
            yield f"    mail to {printable(to)}"
        case {"event": {"detail-type": ExecutionEnded.detail_type, "detail": detail, "time": str(time)}}:
            ended = ExecutionEnded.model_validate(detail)
            happened.executions.append(ended)
            yield from _execution_lines(ended, datetime.fromisoformat(time))
        case {"event": {"detail-type": AlertRaised.detail_type, "detail": detail}}:
            raised, reason = AlertRaised.model_validate(detail), line.get("undelivered")
            (happened.undelivered if reason else happened.alerts).append(raised)
            yield f"    alert to {printable(str(raised.target))}: {alert_subject(raised.alert)}"
            if reason:
                yield f"    not delivered: {reason}"


def _execution_lines(ended: ExecutionEnded, time: datetime) -> Iterator[str]:
    window = f"{iso_utc(ended.window.start)} to {iso_utc(ended.window.end)}"
    yield f"{iso_utc(time)}  {ended.monitoring_schedule_name}: {ended.monitoring_execution_status}, {window}"
    yield from (f"    {line}" for line in finding_lines(ended.outcome, ended.violations))
