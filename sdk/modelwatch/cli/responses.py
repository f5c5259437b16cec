"""What the app responds: for people as tables of a few words, for programs as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from modelwatch.cli.failures import print_json
from modelwatch.printing import make_console, print_table, printable

Record = Mapping[str, Any]
Columns = Mapping[str, Callable[[Record], Any]]
"""What each column of a table shows of a record, by the column's name."""

NOTHING = "-"


def print_records(response: Record, name: str, columns: Columns, *, as_json: bool) -> None:
    """Print a page of records, without columns that none of them has; one that cannot be read is shown as the reason.

    Parameters
    ----------
    name : str
        What the response calls them.
    """
    if as_json:
        print_json(dict(response))
        return
    console, records = make_console(), response[name]
    if records:
        rows = [_row(record, columns) for record in records]
        shown = [place for place in range(len(columns)) if place == 0 or any(row[place] != NOTHING for row in rows)]
        names = list(columns)
        print_table(console, [names[place] for place in shown], [[row[place] for place in shown] for row in rows])
    else:
        console.print(f"No {name.replace('_', ' ')}.")
    if following := response.get("next_token"):
        console.print(f"There may be more: --next-token {following}")


def print_record(record: Record, facts_of: Callable[[Record], Mapping[str, Any]], *, as_json: bool) -> None:
    """Print one record; for people as names and values, without those that are not known."""
    if as_json:
        print_json(dict(record))
        return
    facts = facts_of(record)
    known = [(name, text_of(value)) for name, value in facts.items() if value not in (None, "", {}, [])]
    print_table(make_console(), ("", ""), known)


def print_response(response: Record, lines: Sequence[str], *, as_json: bool) -> None:
    """Print a response; for people as sentences, one a line."""
    if as_json:
        print_json(dict(response))
    else:
        print_lines(lines)


def print_lines(lines: Sequence[str]) -> None:
    """Print sentences, one a line."""
    console = make_console()
    for line in lines:
        console.print(printable(line))


def text_of(value: Any) -> str:
    """Return a value for people: a moment to the second, a hyphen for what is not known."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def cost_text(cost: Record | None) -> str:
    """Return a cost in US dollars with three significant digits.

    Examples
    --------
    >>> cost_text({"usd": 0.00123456}), cost_text({"usd": 12.3456}), cost_text({"usd": 0.0}), cost_text(None)
    ('0.00123', '12.3', '0', '-')
    """
    return NOTHING if cost is None else f"{Decimal(format(cost['usd'], '.3g')):f}"


def time_text(moment: str | None) -> str:
    """Return a moment that the app wrote, in UTC to the minute, or to the second where it has seconds.

    Examples
    --------
    >>> time_text("2026-11-20T09:00:00Z"), time_text("2026-11-20T09:00:07.5Z"), time_text(None)
    ('2026-11-20 09:00', '2026-11-20 09:00:07', '-')
    """
    if not moment:
        return NOTHING
    time = datetime.fromisoformat(moment)
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"


def _row(record: Record, columns: Columns) -> list[str]:
    if reason := record.get("unreadable"):
        return [f"unreadable: {reason}", *[NOTHING] * (len(columns) - 1)]
    return [text_of(value(record)) for value in columns.values()]
