"""How often the Calibrated comparison cries wolf, and what it finds, beside tests, distances and tools."""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from rich.table import Table

from benchmarks import false_alarm_tables as tables
from benchmarks.false_alarm_detectors import DETECTORS, OURS, TOOLS, Window, installed, of_tool
from benchmarks.false_alarm_months import LOOKS, Schedule
from benchmarks.false_alarm_tables import Change, Generator, Rows
from benchmarks.processes import terminal
from modelwatch_analyzer.calibrated.row_sample import MOST_ROWS

TABLES = ("no-change", "changes", "sizes", "dependent-rows", "months")
_SIZES = (100, 1_000, 10_000, 100_000)
_FACTORS = (0.5, 1, 10)
_CHANGED_SIZES = ((100, 100), (100, 1_000), (1_000, 1_000), (1_000, 10_000), (10_000, 10_000))
_REPEATED_SIZES = ((1_000, 1_000), (1_000, 10_000), (10_000, 10_000))
_LARGE, _MINIMUM, _MULTIPLES = 10_000, 0.02, (0.5, 0.9, 1, 1.5, 2, 3)
_SCHEDULE = ("normal0", "lognormal1", "integer1", "mixture0")
_HOURLY, _SHIFTED_AT, _MOST_LOOKS, _MOST_SHIFTED = 200, 120, 200, 100
_KS = "KS-Bonf. 1 %"

Flags = dict[str, list[set[str]]]
"""The flagged columns, by detector and window."""

_Key = TypeVar("_Key")


def run(options: argparse.Namespace) -> None:
    """Simulate and print, one table after the other."""
    benchmark = _Benchmark(options)
    numbers, mixed = tables.numbers(), tables.mixed()
    populations = {"30 numbers": numbers, "the same, 1 % missing in 10": tables.numbers(0.01), "15 mixed": mixed}
    for path in options.data or ():
        populations[path.name] = pl.read_csv(path, null_values=["?", " ?"], infer_schema_length=None)
    changed = numbers.drop("zeros4")  # which has one value
    changes: list[tuple[pl.DataFrame, Mapping[str, Change]]] = [
        (changed, tables.CHANGES_OF_NUMBERS),
        (pl.DataFrame(map(_with_gaps, changed)), tables.MORE_MISSING),
        (mixed.select(pl.col(pl.String)), tables.NEW_CATEGORY),
    ]
    printed: Mapping[str, Callable[[], None]] = {
        "no-change": lambda: benchmark.print_without_change(populations),
        "changes": lambda: benchmark.print_changes(changes),
        "sizes": lambda: benchmark.print_sizes(numbers.select(pl.col("^(normal|lognormal|mixture|bounded).*$"))),
        "dependent-rows": lambda: benchmark.print_repeated(numbers),
        "months": lambda: benchmark.print_months(numbers.select(_SCHEDULE)),
    }
    for name in options.tables:
        printed[name]()


def _with_gaps(column: pl.Series) -> pl.Series:
    return tables.without_some(column, 0.02, _generator(column.name))


class _Benchmark:
    def __init__(self, options: argparse.Namespace) -> None:
        self._console = terminal()
        self._windows: int = 20 if options.quick else options.windows
        self._months: int = 1 if options.quick else options.months
        self._of_tools: int = 2 if options.quick else options.tool_windows
        self._tools = installed(TOOLS) if self._of_tools else []
        if self._of_tools and not self._tools:
            self._console.print("evidently and nannyml are left out: python -m benchmarks peers installs them")
        self._names = [*DETECTORS, *self._tools]

    def _number(self, rows: int) -> int:
        """Return of how many windows a figure is made: of fewer large ones, which take longer."""
        return max(2, self._windows // max(1, rows // 2_000))

    def _flags(self, cases: Mapping[_Key, tuple[Iterable[Window], bool]]) -> dict[_Key, Flags]:
        """Ask all detectors; tools, which start slowly, once, and of the first windows of what is for them."""
        found: dict[_Key, Flags] = {}
        some: dict[_Key, list[Window]] = {}
        for key, (windows, is_for_tools) in cases.items():
            found[key], some[key] = {name: [] for name in self._names}, []
            for window in windows:
                for name, detector in DETECTORS.items():
                    found[key][name].append(detector(window))
                if is_for_tools and len(some[key]) < self._of_tools:
                    some[key].append(window)
            self._progress(key, found[key])
        for name in self._tools:
            flags = iter(of_tool(name, [window for windows in some.values() for window in windows]))
            for key, windows in some.items():
                found[key][name] = list(islice(flags, len(windows)))
        return found

    def _progress(self, key: object, flags: Flags) -> None:
        """Say how many windows were flagged: all take hours, and tables come last."""
        counts = ", ".join(f"{name} {sum(map(bool, flags[name]))}" for name in DETECTORS)
        print(f"{key}: of {len(flags[OURS])} windows {counts}", file=sys.stderr, flush=True)

    def _table(self, title: str, *headings: str, names: Iterable[str] | None = None) -> Table:
        table = Table(title=title)
        for heading in (*headings, *(self._names if names is None else names)):
            table.add_column(heading, justify="right")
        return table

    def print_without_change(self, populations: Mapping[str, pl.DataFrame]) -> None:
        """Print how many windows without a change have any flagged column."""
        table = self._table("No change: windows with any flagged column, %", "table", "rows", "windows")
        cases = {
            (name, now, before): (_draws(population, now, before, self._number(now), name), now < MOST_ROWS)
            for name, population in populations.items()
            for now in _SIZES
            for before in sorted({min(int(now * factor), MOST_ROWS) for factor in _FACTORS})
        }
        found = self._flags(cases)
        for (name, now, before), flags in found.items():
            cells = [_percent(map(bool, flags[each])) for each in self._names]
            table.add_row(name, f"{now:,} / {before:,}", f"{len(flags[OURS])}", *cells)
        everything = {each: [columns for flags in found.values() for columns in flags[each]] for each in self._names}
        cells = [_percent(map(bool, everything[each]), 2) for each in self._names]
        table.add_row("all", "", f"{len(everything[OURS]):,}", *cells)
        self._console.print(table)
        self._console.print(f"Calibrated samples {MOST_ROWS:,} rows: larger windows and baselines are such rows to it.")

    def print_changes(self, groups: Iterable[tuple[pl.DataFrame, Mapping[str, Change]]]) -> None:
        """Print how often a column is flagged when it alone is changed."""
        table = self._table("One changed column: it is flagged, %, mean over the columns", "change", "rows", "windows")
        cases, columns = {}, {}
        for population, changes in groups:
            for title, change in changes.items():
                columns[title] = population.columns
                for now, before in _CHANGED_SIZES:
                    windows = _draws(population, now, before, self._number(now) // 4 or 1, title, change)
                    cases[title, now, before] = windows, now < _LARGE
        ahead = []
        for (title, now, before), flags in self._flags(cases).items():
            found = self._found(flags, columns[title])
            cells = [_percent(found[each], 0) for each in self._names]
            table.add_row(title, f"{now:,} / {before:,}", f"{len(flags[OURS])}", *cells)
            ahead.append(100 * (np.mean(found[OURS]) - np.mean(found[_KS])))
        self._console.print(table)
        self._console.print(f"{OURS} less {_KS}: {np.mean(ahead):+.1f} points on average, {min(ahead):+.1f} at worst")

    def _found(self, flags: Flags, columns: Iterable[str]) -> dict[str, list[bool]]:
        return {each: [name in flagged for flagged in flags[each] for name in columns] for each in self._names}

    def print_sizes(self, population: pl.DataFrame) -> None:
        """Print how often changes near the smallest that matters are flagged."""
        title = f"A column that moved by a multiple of the minimum of {_MINIMUM:.0%}: it is flagged, %"
        table = self._table(title, "multiple", "rows", "windows", names=DETECTORS)
        cases = {}
        for multiple in _MULTIPLES:
            by = {name: tables.moved(population[name], multiple * _MINIMUM) for name in population.columns}
            windows = _draws(
                population, _LARGE, _LARGE, self._number(_LARGE), multiple, lambda now, *_, by=by: now + by[now.name]
            )
            cases[multiple] = windows, False
        for multiple, flags in self._flags(cases).items():
            found = self._found(flags, population.columns)
            cells = [_percent(found[each]) for each in DETECTORS]
            table.add_row(f"{multiple}", f"{_LARGE:,} / {_LARGE:,}", f"{len(flags[OURS])}", *cells)
        self._console.print(table)

    def print_repeated(self, population: pl.DataFrame) -> None:
        """Print how many windows are flagged whose rows are not independent."""
        title = "No change, dependent rows: windows with any flagged column, %"
        table = self._table(title, "rows", "sizes", "windows", names=DETECTORS)
        cases = {
            (f"{draw.__name__}{', requests known' if request else ''}", now, before): (
                _draws(population, now, before, self._number(now), draw.__name__, draw=draw, request=request),
                False,
            )
            for draw, request in (
                (tables.twice, 0),
                (tables.twice_shuffled, 0),
                (tables.identical, 0),
                (tables.alike, 0),
                (tables.alike, tables.BATCH),
            )
            for now, before in _REPEATED_SIZES
        }
        for (name, now, before), flags in self._flags(cases).items():
            cells = [_percent(map(bool, flags[each])) for each in DETECTORS]
            table.add_row(name.replace("_", ", "), f"{now:,} / {before:,}", f"{len(flags[OURS])}", *cells)
        self._console.print(table)

    def print_months(self, population: pl.DataFrame) -> None:
        """Print how many months have a false alarm, and how many looks a lasting change takes."""
        title = f"A schedule of {LOOKS} looks a month, {population.width} columns"
        table = self._table(
            title, "rows", "months", "with an alarm, %", "looks to find 0.1 sd: median", "most", names=()
        )
        # Months are independent: each has a process, of polars with one thread, which is all that so few rows need.
        os.environ["POLARS_MAX_THREADS"] = "1"
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as processes:
            for now, factor in ((_HOURLY, 1), (_HOURLY, 10), (_HOURLY, 100), (1_000, 10)):
                sizes = (population, now, now * factor)
                quiet_months = self._months if now == _HOURLY else 0
                quiet = list(processes.map(partial(_is_alarmed, *sizes), range(quiet_months)))
                delays = list(processes.map(partial(_delay, *sizes), range(min(self._months, _MOST_SHIFTED))))
                found = (f"{np.median(delays):.0f}", f"{max(delays):.0f}") if delays else ("-", "-")
                table.add_row(f"{now:,} / {now * factor:,}", f"{len(quiet)}", _percent(quiet), *found)
                print(f"{now} / {now * factor}: alarms in {sum(quiet)} of {len(quiet)} months", file=sys.stderr)
        self._console.print(table)


def _is_alarmed(population: pl.DataFrame, now: int, before: int, month: int) -> bool:
    """Return whether a month without a change has an alarm."""
    baseline, windows = _month(population, now, before, month, LOOKS)
    return any(map(Schedule(baseline).alarms, windows))


def _delay(population: pl.DataFrame, now: int, before: int, month: int) -> float:
    """Return after how many looks a column is found that is shifted for good from some look on."""
    baseline, windows = _month(population, now, before, month, _SHIFTED_AT + _MOST_LOOKS)
    schedule, column = Schedule(baseline), baseline.columns[0]
    for window in islice(windows, _SHIFTED_AT):
        schedule.alarms(window)
    by = 0.1 * float(baseline[column].std())  # type: ignore[arg-type]  # of numbers
    for look, window in enumerate(windows, 1):
        if schedule.alarms(window.with_columns(pl.col(column) + by)):
            return look
    return np.inf


def _month(
    population: pl.DataFrame, now: int, before: int, month: int, looks: int
) -> tuple[pl.DataFrame, Iterator[pl.DataFrame]]:
    generator = _generator(now, before, looks, month)
    baseline = population[tables.independent(population, before, generator)]
    rows = (tables.independent(population, now, generator) for _ in range(looks))
    return baseline, (population[each] for each in rows)


def _draws(
    population: pl.DataFrame,
    now: int,
    before: int,
    number: int,
    what: object,
    change: Change | None = None,
    draw: Callable[[pl.DataFrame, int, Generator], Rows] = tables.independent,
    request: int = 0,
) -> Iterator[Window]:
    """Draw windows and the baseline of each."""
    generator = _generator(now, before, what)
    for _ in range(number):
        baseline = population[tables.independent(population, before, generator)]
        window = population[draw(population, now, generator)]
        changed = None
        if change is not None:
            changed = window.with_columns(
                change(each, baseline[each.name], generator).alias(each.name) for each in window
            )
        yield Window(baseline, window, changed, request)


def _generator(*what: object) -> Generator:
    return np.random.default_rng([tables.SEED, *(zlib.crc32(str(each).encode()) for each in what)])


def _percent(flagged: Iterable[bool], digits: int = 1) -> str:
    found = list(flagged)
    return f"{100 * sum(found) / len(found):.{digits}f}" if found else "-"


def data_path(text: str) -> Path:
    """Return the path of a CSV file."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{path} is no file")
    return path
