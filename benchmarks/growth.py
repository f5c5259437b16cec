"""How the time of a baseline and a check grows with rows and with columns, and shrinks with processes."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.data_quality import make_tables
from benchmarks.processes import Usage, interleaved, python, spread, terminal
from benchmarks.targets import say

_JOB = "benchmarks.growth_job"
_COLUMNS = (10, 30, 100, 1_000)
_ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
_CELLS = 20_000_000
"""The cells of the tables of different widths; they have fewer if 30 columns of the rows that are asked for do."""
_WORKERS = (1, 2, 3, 4)
_COPIES = 4
"""How often the file of Parquet is there for several processes: a single one has too few cells to be shared out."""


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    long = {rows: (rows, 30) for rows in _ROWS if rows <= options.rows}
    cells = min(_CELLS, 30 * options.rows)
    wide = {columns: (max(cells // columns, 1), columns) for columns in _COLUMNS}
    short = (wide[1_000][0], 30)
    commands = {
        (shape, file_format): python("-m", _JOB, str(make_tables(*shape)), file_format)
        for file_format in ("csv", "parquet")
        for shape in dict.fromkeys((*long.values(), *wide.values(), short))
    }
    named = {f"{rows} {columns} {kind}": command for ((rows, columns), kind), command in commands.items()}
    usages = interleaved(named, options.repetitions)
    table = Table(title=f"baseline and check without imports, min / median of {options.repetitions}")
    for heading in ("rows", "columns", "format", "CPU s", "CPU us a cell", "peak RSS MB"):
        table.add_column(heading, justify="right")
    cost = {}
    for name, measured in usages.items():
        rows, columns, kind = name.split()
        spent = [sum(json.loads(usage.output)) for usage in measured]
        a_cell = [each / (int(rows) * int(columns)) for each in spent]
        cost[int(rows), int(columns), kind] = min(a_cell)
        peak = f"{max(usage.peak_rss for usage in measured) / 1e6:,.0f}"
        micros = spread([each * 1e6 for each in a_cell])
        table.add_row(f"{int(rows):,}", f"{int(columns):,}", kind, spread(spent), micros, peak)
    console.print(table)
    for kind in ("csv", "parquet"):
        for as_many, narrow in (("rows", short), ("cells", wide[30])):
            ratio = cost[(*wide[1_000], kind)] / cost[(*narrow, kind)]
            of_narrow = f"of one of 30 in as many {as_many}"
            say(
                console,
                f"{kind}: a cell of 1,000 columns costs {ratio:.2f} {of_narrow} (target 1.3)",
                is_met=ratio <= 1.3,
            )
        seconds = {rows: cost[rows, 30, kind] * rows for rows in long if rows >= 100_000}
        further = [(seconds[more] - seconds[less]) / (more - less) for less, more in pairwise(seconds)]
        for what, found in (("row", [each / rows for rows, each in seconds.items()]), ("further row", further)):
            if len(found) > 1 and min(found) > 0:  # a difference of noise says nothing
                apart = max(found) / min(found) - 1
                say(console, f"{kind}: a {what} costs the same within {apart:.0%} (target 20 %)", is_met=apart <= 0.2)
    _of_workers(options, console)


def _of_workers(options: argparse.Namespace, console: Console) -> None:
    """Measure several processes on the same files, in one run, and print ratios to one process."""
    rows = min(options.rows, 1_000_000)
    folder = make_tables(rows)
    commands = {
        f"{kind} {count}": python("-m", _JOB, str(source), kind, str(count))
        for kind, source in (("csv", folder), ("parquet", _copied(folder)))
        for count in _WORKERS
    }
    usages = interleaved(commands, options.repetitions)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    tables = f"{rows:,} x 30 as CSV and {_COPIES * rows:,} x 30 as Parquet"
    title = f"the same of {tables} by several processes on {cpus} CPUs, min / median of {options.repetitions}"
    table = Table(title=title)
    for heading in (
        "format",
        "processes",
        "wall s",
        "ratio",
        "CPU s of all",
        "ratio",
        "CPU s of the first",
        "ratio",
        "peak RSS MB",
    ):
        table.add_column(heading, justify="right")
    for name, measured in usages.items():
        kind, count = name.split()
        alone = usages[f"{kind} 1"]
        cells = [kind, count]
        for found, of_one in zip(_seconds(measured), _seconds(alone), strict=True):
            cells += [spread(found), f"{min(found) / min(of_one):.2f}"]
        table.add_row(*cells, f"{max(usage.peak_rss for usage in measured) / 1e6:,.0f}")
    console.print(table)


def _copied(folder: Path) -> Path:
    """Return a folder in which each table of Parquet is a folder of copies."""
    copied = folder / f"{_COPIES}-times"
    for name in ("baseline.parquet", "current.parquet"):
        (copied / name).mkdir(parents=True, exist_ok=True)
        for number in range(_COPIES):
            (copied / name / f"{number}.parquet").unlink(missing_ok=True)
            (copied / name / f"{number}.parquet").hardlink_to(folder / name)
    return copied


def _seconds(measured: Sequence[Usage]) -> tuple[list[float], list[float], list[float]]:
    """Return wall seconds, and CPU seconds of all processes and of the first."""
    printed = [json.loads(usage.output) for usage in measured]
    return [wall for wall, _ in printed], [usage.cpu for usage in measured], [own for _, own in printed]
