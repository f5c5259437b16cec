"""``NOW``: a schedule that is due once, in the next minutes, over a window of the user's choice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from modelwatch_core.domain.documents import UtcDatetime, iso_utc
from modelwatch_core.domain.errors import InvalidInput

NOW = "NOW"
_TIMES = {"data_analysis_start_time": "start_time_offset", "data_analysis_end_time": "end_time_offset"}
_INPUTS = ("endpoint_input", "batch_transform_input")
_DURATION, _MOMENT = TypeAdapter(timedelta), TypeAdapter(UtcDatetime)


def due_once(parameters: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the parameters of a schedule with ``NOW`` as those of one that is due once; others as they are.

    The expression becomes that of the minute after the next, since Scheduler may take a minute to know a schedule, and
    the two times become offsets from it.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` where the two times are missing, wrong, or given for another expression.
    """
    given = {name: parameters[name] for name in _TIMES if parameters.get(name) is not None}
    if parameters.get("schedule_expression") != NOW:
        if given:
            message = (
                f"{' and '.join(given)}: only for schedule_expression NOW; the windows of other schedules follow from"
                " their offsets"
            )
            raise InvalidInput("InvalidParameter", message)
        return dict(parameters)
    if missing := _TIMES.keys() - given:
        raise InvalidInput("InvalidParameter", f"{' and '.join(sorted(missing))}: needed for schedule_expression NOW")
    due = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)
    offsets = {_TIMES[name]: _offset(name, value, due) for name, value in given.items()}
    start, end = _TIMES
    if offsets[_TIMES[start]] >= offsets[_TIMES[end]]:
        message = f"{start} is {given[start]}, not before {end}, {given[end]}; give an earlier start or a later end"
        raise InvalidInput("InvalidParameter", message)
    watched = "endpoint_input" if parameters.get("endpoint_input") else "batch_transform_input"
    once = {
        "schedule_expression": f"cron({due.minute} {due.hour} {due.day} {due.month} ? {due.year})",
        "start_delay_minutes": 0,
        "start_within_minutes": 0,
    }
    if isinstance(inputs := parameters.get(watched), Mapping):
        once[watched] = {**inputs, **offsets}
    return {**parameters, **once}


def changed(standing: Mapping[str, Any], changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the parameters of a schedule with changes.

    Another expression takes back what ``due_once`` made of ``NOW``; another input keeps the window that it made.

    Raises
    ------
    InvalidInput
        As ``due_once``.
    """
    expression = changes.get("schedule_expression", standing["schedule_expression"])
    if expression != standing["schedule_expression"] or any(changes.get(name) is not None for name in _TIMES):
        return due_once(_recurring(standing) | dict(changes), now)
    if not _is_once(standing):
        return {**standing, **changes}
    window = {offset: _watched(standing)[offset] for offset in _TIMES.values()}
    inputs = {name: {**window, **changes[name]} for name in _INPUTS if isinstance(changes.get(name), Mapping)}
    return {**standing, **changes, **inputs}


def _recurring(standing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a schedule without what ``due_once`` made of ``NOW``."""
    if not _is_once(standing):
        return dict(standing)
    made = {*_TIMES, "start_delay_minutes", "start_within_minutes"}
    inputs = {name: {**standing[name], **dict.fromkeys(_TIMES.values())} for name in _INPUTS if standing.get(name)}
    return {name: value for name, value in standing.items() if name not in made} | inputs


def _is_once(standing: Mapping[str, Any]) -> bool:
    return standing.get("data_analysis_start_time") is not None


def _watched(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(parameters[name] for name in _INPUTS if parameters.get(name))


def _offset(name: str, value: object, due: datetime) -> timedelta:
    """Return how far before the due time something is that is given as ``-PT1H`` or as a moment."""
    try:
        if isinstance(value, str) and "P" in value:
            offset = _DURATION.validate_python(value)
        else:
            offset = _MOMENT.validate_python(value).replace(microsecond=0) - due
    except ValidationError:
        message = f"{name}: is neither an ISO 8601 duration such as -PT1H nor a moment such as 2026-11-22T10:00:00Z"
        raise InvalidInput("InvalidParameter", message) from None
    if offset > timedelta(0):
        message = f"{name}: is later than {iso_utc(due)}, when the schedule runs; give that, -PT0H, or an earlier time"
        raise InvalidInput("InvalidParameter", message)
    return offset
