"""When cron(), rate() and at() expressions of EventBridge are due.

Due times of ``rate`` count from an anchor: the schedule's start date, or else its creation. ``cron`` and ``at`` are
read in the schedule's time zone: a wall time that daylight saving skips is not due, one that it repeats is due once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pyawscron import AWSCron

from modelwatch.local.errors import LocalStackError

_FORM = re.compile(r"(cron|rate|at)\((.+)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")


def next_due(expression: str, after: datetime, *, anchor: datetime, timezone: str = "UTC") -> datetime | None:
    """Return the first due time after a moment.

    Parameters
    ----------
    expression : str
        ``cron(minutes hours day-of-month month day-of-week year)``, ``rate(value unit)``, ``at(yyyy-mm-ddThh:mm:ss)``.
    after : datetime
        The due time is later than this.
    anchor : datetime
        Where the periods of ``rate`` begin. It is due itself only where ``after`` is earlier.
    timezone : str
        An IANA name; ``cron`` and ``at`` are wall times there.

    Returns
    -------
    datetime or None
        In UTC; None where the expression is never due again.

    Raises
    ------
    LocalStackError
        ``InvalidScheduleExpression``.
    """
    form = _FORM.fullmatch(expression)
    if form is None:
        raise _invalid(expression, "is none of cron(...), rate(...), at(...)")
    kind, body = form.groups()
    if kind == "rate":
        return _next_of_rate(expression, body, after, anchor)
    zone = _zone(timezone)
    return (
        _next_of_cron(expression, body, after, zone) if kind == "cron" else _next_of_at(expression, body, after, zone)
    )


def _next_of_rate(expression: str, body: str, after: datetime, anchor: datetime) -> datetime:
    rate = _RATE.fullmatch(body)
    if rate is None:
        raise _invalid(expression, "is not rate(value minutes|hours|days)")
    period = timedelta(**{f"{rate[2]}s": int(rate[1])})
    if after < anchor:
        return anchor
    return anchor + ((after - anchor) // period + 1) * period


def _next_of_at(expression: str, body: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        wall = datetime.strptime(body, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError as error:
        raise _invalid(expression, "is not at(yyyy-mm-ddThh:mm:ss)") from error
    due = wall.astimezone(UTC)
    return due if due > after else None


def _next_of_cron(expression: str, body: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        cron = AWSCron(body)
        wall = after.astimezone(zone).replace(
            tzinfo=UTC
        )  # the library reckons in UTC only: wall time goes by that name
        while (wall := cron.occurrence(wall).next()) is not None:
            local = wall.replace(tzinfo=zone)
            due: datetime = local.astimezone(UTC)
            exists = due.astimezone(zone).replace(tzinfo=UTC) == wall
            if exists and due > after:
                return due
    except Exception as error:  # the library raises bare Exception
        raise _invalid(expression, f"cannot be read: {error}") from error
    return None


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LocalStackError("InvalidTimeZone", f"{timezone!r} is no IANA time zone.") from error


def _invalid(expression: str, why: str) -> LocalStackError:
    return LocalStackError("InvalidScheduleExpression", f"{expression!r} {why}.")
