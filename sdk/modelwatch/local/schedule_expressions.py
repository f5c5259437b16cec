"""The due times of EventBridge's cron(), rate() and at() expressions.

The periods of ``rate`` count from an anchor: the schedule's start date, or else its creation. ``cron`` and ``at`` are
wall times in the schedule's time zone: one that daylight saving skips is not due, one that it repeats is due once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from modelwatch.local.errors import LocalStackError
from modelwatch_core.domain.cron import CronExpression

_FORM = re.compile(r"(cron|rate|at)\((.+)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")


def next_due(expression: str, after: datetime, *, anchor: datetime, timezone: str = "UTC") -> datetime | None:
    """Return the first due time after a given time.

    Parameters
    ----------
    expression : str
        ``cron(minutes hours day-of-month month day-of-week year)``, ``rate(value unit)``, ``at(yyyy-mm-ddThh:mm:ss)``.
    after : datetime
        The due time is later than this.
    anchor : datetime
        The time from which the periods of ``rate`` count. It is itself due only if ``after`` is earlier.
    timezone : str
        The IANA name of the time zone of ``cron`` and ``at``.

    Returns
    -------
    datetime or None
        In UTC; None if the expression is never due again.

    Raises
    ------
    LocalStackError
        ``InvalidScheduleExpression`` or ``InvalidTimeZone``.
    """
    form = _FORM.fullmatch(expression)
    if form is None:
        raise _invalid(expression, "is not cron(...), rate(...) or at(...)")
    kind, body = form.groups()
    if kind == "rate":
        return _next_rate(expression, body, after, anchor)
    zone = _zone(timezone)
    return _next_cron(expression, body, after, zone) if kind == "cron" else _next_at(expression, body, after, zone)


def _next_rate(expression: str, body: str, after: datetime, anchor: datetime) -> datetime:
    rate = _RATE.fullmatch(body)
    if rate is None:
        raise _invalid(expression, "is not rate(value minutes|hours|days)")
    period = timedelta(**{f"{rate[2]}s": int(rate[1])})
    if after < anchor:
        return anchor
    return anchor + ((after - anchor) // period + 1) * period


def _next_at(expression: str, body: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        wall = datetime.strptime(body, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError as error:
        raise _invalid(expression, "is not at(yyyy-mm-ddThh:mm:ss)") from error
    due = wall.astimezone(UTC)
    return due if due > after else None


def _next_cron(expression: str, body: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        cron = CronExpression.parse(body)
    except ValueError as error:
        raise _invalid(expression, f"cannot be read: {error}") from error
    # Expressions are evaluated in UTC, so the wall time is labelled as UTC.
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=UTC)
    while wall is not None and (wall := cron.after(wall)) is not None:
        due = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = due.astimezone(zone).replace(tzinfo=UTC) == wall
        if exists and due > after:
            return due
    return None


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LocalStackError(
            "InvalidTimeZone", f"{timezone!r} is not an IANA time zone; use a name such as 'Europe/Berlin'."
        ) from error


def _invalid(expression: str, problem: str) -> LocalStackError:
    return LocalStackError("InvalidScheduleExpression", f"{expression!r} {problem}.")
