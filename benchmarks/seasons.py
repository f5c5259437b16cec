"""A real series in its order: days of bike sharing against a seasonal baseline of the weeks before.

The data are `Bike Sharing <https://archive.ics.uci.edu/dataset/275>`_ of UCI, hour.csv: two years of hours, of which
the second has half as many rides again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from rich.table import Table

from benchmarks.processes import terminal
from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE
from modelwatch_core.domain.settings_environment import analysis_settings

_COLUMNS = ("weathersit", "temp", "atemp", "hum", "windspeed", "casual", "registered", "cnt")
_DEMAND = {"casual", "registered", "cnt"}
_WATCHED, _BETWEEN_STARTS, _WEEK = 28, 28, 7
_DAY = timedelta(days=1)
_FORMAT: Mapping[str, Any] = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}


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
                monitor = _Monitor(Path(folder), hours, start, end, length)
                after, later = monitor.alarms(end), monitor.alarms(end + 365 * _DAY)
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
    return table.with_columns((day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours="hr")).alias("time"))


def _starts(first: datetime, last: datetime, days: int) -> Iterator[datetime]:
    start = first
    while start + (days + _WATCHED + 365) * _DAY <= last + _DAY:
        yield start
        start += _BETWEEN_STARTS * _DAY


@dataclass(frozen=True, slots=True)
class _Monitor:
    folder: Path
    hours: pl.DataFrame
    start: datetime
    end: datetime
    length: int

    def __post_init__(self) -> None:
        settings = {"dataset_source": self._captures(self.start, self.end), "output_path": self.folder / "baseline"}
        analyze(analysis_settings(dataset_format=_FORMAT, **settings))

    def _captures(self, start: datetime, end: datetime) -> Path:
        rows = self.hours.filter(pl.col("time").is_between(start, end, closed="left"))
        path = self.folder / "captures.jsonl"
        with path.open("w") as file:
            for number, (time, *values) in enumerate(rows.select("time", *_COLUMNS).iter_rows()):
                data = ",".join(map(str, values))
                side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
                event = {"eventId": str(number), "inferenceTime": time.astimezone(UTC).isoformat()}
                print(json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": event}), file=file)
        return path if rows.height else self.folder / "none"

    def alarms(self, first: datetime) -> dict[int, set[str]]:
        """Return the flagged columns of each of 28 days."""
        flagged: dict[int, set[str]] = {}
        earlier = self.folder / f"since {first:%Y-%m-%d}"
        earlier.mkdir()
        for window in range(_WATCHED * 24 // self.length):
            start = first + window * timedelta(hours=self.length)
            end = start + timedelta(hours=self.length)
            captures = self._captures(start, end)
            if not captures.exists():
                continue
            summary = analyze(
                analysis_settings(
                    dataset_source=captures,
                    dataset_format=_FORMAT,
                    output_path=self.folder / "check",
                    baseline_constraints=self.folder / "baseline/constraints.json",
                    baseline_statistics=self.folder / "baseline/statistics.json",
                    earlier_executions_results=earlier,
                    start_time=start,
                    end_time=end,
                    sagemaker_monitoring_schedule_name="bikes",
                )
            )
            shutil.copy(self.folder / "check" / SERIES_FILE, earlier)
            names = {_COLUMNS[int(str(violation.feature_name).removeprefix("_c"))] for violation in summary.violations}
            flagged.setdefault(window * self.length // 24, set()).update(names)
        return flagged
