"""A real series in its order: days of bike sharing against a seasonal baseline of the weeks before.

The data are `Bike Sharing <https://archive.ics.uci.edu/dataset/275>`_ of UCI, hour.csv: two years of hours, of which
the second has half as many rides again.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from rich.table import Table

from benchmarks.captured_series import CapturedSeries
from benchmarks.processes import terminal

_COLUMNS = ("weathersit", "temp", "atemp", "hum", "windspeed", "casual", "registered", "cnt")
_DEMAND = {"casual", "registered", "cnt"}
_WATCHED, _BETWEEN_STARTS, _WEEK = 28, 28, 7
_DAY = timedelta(days=1)


def run(options: argparse.Namespace) -> None:
    """Print how many days alarm, by the day on which the baseline begins."""
    if not options.data:
        terminal().print("Give hour.csv of UCI's Bike Sharing: --data hour.csv")
        return
    hours = _hours(options.data[0])
    days = sorted({*hours["time"].dt.truncate("1d")})
    console = terminal()
    for length in options.hours:
        table = Table(title=f"Windows of {length} h, a baseline of {options.days} days")
        for heading in ("baseline from", "days with an alarm of 28", "a year later: day of the first alarm of demand"):
            table.add_column(heading, justify="right")
        alarming: list[int] = []
        in_time: list[bool] = []
        for start in _starts(days[0], days[-1], options.days):
            end = start + options.days * _DAY
            with TemporaryDirectory() as folder, redirect_stderr(StringIO()):
                series = CapturedSeries(Path(folder), hours, start, end)
                after, later = (_alarms(series, first, length) for first in (end, end + 365 * _DAY))
            alarming.append(sum(map(bool, after.values())))
            day = min((day for day, columns in later.items() if columns & _DEMAND), default=None)
            in_time.append(day is not None and day < _WEEK)
            table.add_row(f"{start:%Y-%m-%d}", str(alarming[-1]), "-" if day is None else str(day + 1))
        console.print(table)
        console.print(
            f"days with an alarm: mean {statistics.mean(alarming):.1f}, median {statistics.median(alarming):g}; demand "
            f"of the next year found within a week: {sum(in_time)} of {len(in_time)}"
        )


def _hours(path: Path) -> pl.DataFrame:
    table = pl.read_csv(path)
    date = pl.col("dteday")
    day = pl.coalesce(date.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%m/%d/%Y"))
    return table.select((day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours="hr")).alias("time"), *_COLUMNS)


def _alarms(series: CapturedSeries, first: datetime, length: int) -> dict[int, set[str]]:
    """Return the flagged columns of each of 28 days."""
    flagged: dict[int, set[str]] = {}
    for start, columns in series.flagged(first, first + _WATCHED * _DAY, timedelta(hours=length)):
        flagged.setdefault((start - first) // _DAY, set()).update(columns)
    return flagged


def _starts(first: datetime, last: datetime, days: int) -> Iterator[datetime]:
    start = first
    while start + (days + _WATCHED + 365) * _DAY <= last + _DAY:
        yield start
        start += _BETWEEN_STARTS * _DAY
