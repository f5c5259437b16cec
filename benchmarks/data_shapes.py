"""Checks of one table as CSV, quoted, ragged and Parquet, of text, few rows and 1,000 columns: ratios of one run."""

from __future__ import annotations

import argparse

from rich.table import Table

from benchmarks.data_shapes_job import WIDE_COLUMNS, WIDE_ROWS
from benchmarks.processes import ROOT, Usage, interleaved, measure, python, spread, terminal
from benchmarks.targets import say

DATA = ROOT / "benchmarks" / "data"
_JOB = "benchmarks.data_shapes_job"
_COLUMNS = 30
_CHECKED = ("clean", "quoted", "ragged", "parquet", "text", "few", "wide")
_FLOORS = ("clean", "parquet", "text")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    folder = DATA / f"shapes-{options.rows}"
    if not (folder / "made").exists():
        console.print(f"Making tables of {options.rows:,} x {_COLUMNS} and {WIDE_ROWS:,} x {WIDE_COLUMNS} (once) ...")
        measure(python("-m", _JOB, "make", str(folder), str(options.rows)))
    for shape in _CHECKED:
        if not (folder / shape / "baseline" / "statistics.json").exists():
            measure(python("-m", _JOB, "baseline", str(folder / shape)))
    commands = {f"check {shape}": python("-m", _JOB, "check", str(folder / shape)) for shape in _CHECKED}
    commands |= {f"polars {shape}": python("-m", _JOB, "floor", str(folder / shape)) for shape in _FLOORS}
    commands["imports"] = python("-m", _JOB, "imports", str(folder))
    usages = interleaved(commands, options.repetitions)
    table = Table(title=f"checks, {options.rows:,} x {_COLUMNS}, min / median of {options.repetitions}")
    table.add_column("", no_wrap=True)
    for heading in ("CPU s", "peak RSS MB"):
        table.add_column(heading, justify="right")
    for name, measured in usages.items():
        table.add_row(name, spread([usage.cpu for usage in measured]), f"{_peak(measured):.0f}")
    console.print(table)
    least = {name: _least(measured) for name, measured in usages.items()}
    cells = {"clean": options.rows * _COLUMNS, "wide": WIDE_ROWS * WIDE_COLUMNS}
    per_cell = {shape: least[f"check {shape}"] / count for shape, count in cells.items()}
    above = least["check few"] - least["imports"]
    for text, value, target in (
        ("CSV as a ratio to polars", least["check clean"] / least["polars clean"], 1.6),
        ("quoted CSV as a ratio to polars", least["check quoted"] / least["polars clean"], 1.8),
        ("Parquet as a ratio to polars", least["check parquet"] / least["polars parquet"], 3.0),
        ("ragged as a ratio to clean", least["check ragged"] / least["check clean"], 1.2),
        ("quoted as a ratio to clean", least["check quoted"] / least["check clean"], 1.2),
        (f"a cell of {WIDE_COLUMNS:,} columns as a ratio", per_cell["wide"] / per_cell["clean"], 1.3),
        ("seconds of few rows above the imports", above, 0.5),
        *(
            (f"MB of memory of {shape}", _peak(usages[f"check {shape}"]), 300)
            for shape in ("clean", "quoted", "parquet")
        ),
    ):
        say(console, f"{text}: {value:.2f} (target at most {target})", is_met=value <= target)


def _peak(measured: list[Usage]) -> float:
    return max(usage.peak_rss for usage in measured) / 1e6


def _least(measured: list[Usage]) -> float:
    return min(usage.cpu for usage in measured)
