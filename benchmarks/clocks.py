"""A change of the local clocks: hours against a seasonal baseline in UTC, and against one in local time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from rich.table import Table

from benchmarks.captured_series import CapturedSeries
from benchmarks.processes import terminal

_ZONE = "Europe/Berlin"
_CHANGES = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))
_WATCHED = timedelta(days=28)
_HOUR, _ROWS = timedelta(hours=1), 30
_OFFICE, _PEAK = range(9, 17), range(12, 13)
_SHAPES = ("office hours and a peak", "a smooth day")


def run(options: argparse.Namespace) -> None:
    """Print how many windows are flagged in four weeks before and after clocks change, where nothing else does."""
    for length in options.hours:
        table = Table(title=f"Flagged windows of {length} h, by a baseline of {options.days} days")
        for heading in ("values", "clocks change", "hours of the baseline", "before", "after", "windows"):
            table.add_column(heading, justify="right" if heading in ("before", "after", "windows") else "left")
        for shape in _SHAPES:
            for change in _CHANGES:
                for zone in (None, _ZONE):
                    settings = {"time_zone": zone} if zone else {}
                    before, after = _flagged(shape, change, timedelta(days=options.days), length, settings)
                    windows = str(_WATCHED // timedelta(hours=length))
                    table.add_row(shape, f"{change:%Y-%m-%d}", zone or "UTC", str(before), str(after), windows)
        terminal().print(table)


def _flagged(
    shape: str, change: datetime, baseline: timedelta, length: int, settings: Mapping[str, str]
) -> tuple[int, int]:
    first = change - _WATCHED
    rows = _simulated(shape, first - baseline, change + _WATCHED)
    with TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        series = CapturedSeries(Path(folder), rows, first - baseline, first, settings)
        before, after = (
            sum(bool(columns) for _, columns in series.flagged(start, start + _WATCHED, timedelta(hours=length)))
            for start in (first, change)
        )
    return before, after


def _simulated(shape: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Return rows of an amount, and a channel, that go with the local hour, and of which days differ a little."""
    drawn = np.random.default_rng(20261130)
    hours = [start + place * _HOUR for place in range((end - start) // _HOUR)]
    local = [hour.astimezone(ZoneInfo(_ZONE)) for hour in hours]
    of_day = {day: drawn.normal(0, 0.2) for day in sorted({hour.date() for hour in local})}
    usual = np.repeat([_usual(shape, hour) for hour in local], _ROWS)
    day = np.repeat([of_day[hour.date()] for hour in local], _ROWS)
    minutes = 60 / _ROWS * np.tile(np.arange(_ROWS), len(hours))
    return pl.DataFrame(
        {
            "time": [
                hour + timedelta(minutes=minute)
                for hour, minute in zip(np.repeat(np.array(hours, object), _ROWS), minutes.tolist(), strict=True)
            ],
            "amount": np.round(usual + day + drawn.normal(0, 1, usual.size), 4),
            "channel": np.where(drawn.random(usual.size) < 0.1 + 0.2 * usual, "person", "batch"),
        }
    )


def _usual(shape: str, local: datetime) -> float:
    """Return the mean amount of an hour, from 0 to 4."""
    if shape != _SHAPES[0]:
        return 2 + 2 * float(np.sin(2 * np.pi * (local.hour - 6) / 24))
    if local.weekday() >= 5 or local.hour not in _OFFICE:
        return 0.0
    return 4.0 if local.hour in _PEAK else 2.0
