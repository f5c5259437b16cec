"""Baseline and check of a table with 30 columns, against what polars needs merely to read both files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

from rich.table import Table

from benchmarks.data_quality_job import JOBS
from benchmarks.processes import ROOT, Usage, interleaved, measure, python, spread, terminal
from benchmarks.targets import say

DATA = ROOT / "benchmarks" / "data"
_JOB = "benchmarks.data_quality_job"


def make_tables(rows: int, columns: int = 30) -> Path:
    """Make the two tables once, and return their folder."""
    folder = DATA / f"data-quality-{rows}-{columns}"
    if not (folder / "current.parquet").exists():
        terminal().print(f"Making two tables of {rows:,} x {columns:,} (once) ...")
        measure(python("-m", _JOB, "make", str(folder), str(rows), str(columns)))
    return folder


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    folder = make_tables(options.rows)
    usages = interleaved({job: python("-m", _JOB, job, str(folder)) for job in JOBS}, options.repetitions)
    both = [
        Usage(b.cpu + c.cpu, b.wall + c.wall, max(b.peak_rss, c.peak_rss), "")
        for b, c in zip(usages["baseline"], usages["check"], strict=True)
    ]
    rows = {
        "polars reads both files": usages["read"],
        "modelwatch baseline": usages["baseline"],
        "modelwatch check": usages["check"],
        "baseline + check": both,
        "baseline, by Robust": usages["baseline-robust"],
        "check, by Robust": usages["check-robust"],
    }
    table = Table(title=f"data quality, {options.rows:,} x 30 CSV, min / median of {options.repetitions}")
    table.add_column("", no_wrap=True)
    for heading in ("CPU s", "wall s", "peak RSS MB", "CPU as a ratio to reading"):
        table.add_column(heading, justify="right")
    for name, measured in rows.items():
        ratios = [usage.cpu / read.cpu for usage, read in zip(measured, usages["read"], strict=True)]
        table.add_row(
            name,
            spread([usage.cpu for usage in measured]),
            spread([usage.wall for usage in measured]),
            f"{max(usage.peak_rss for usage in measured) / 1e6:.0f}",
            spread(ratios),
        )
    console.print(table)
    ratio = median(usage.cpu for usage in both) / median(usage.cpu for usage in usages["read"])
    peak = max(usage.peak_rss for usage in both)
    say(console, f"CPU ratio of the medians {ratio:.2f} (target at most 3)", is_met=ratio <= 3)
    say(console, f"peak memory {peak / 2**30:.2f} GiB (target below 2)", is_met=peak < 2 << 30)
    for job in ("baseline", "check"):
        slower = min(usage.cpu for usage in usages[job]) / min(usage.cpu for usage in usages[f"{job}-robust"])
        say(console, f"{job} by Calibrated, CPU of that by Robust: {slower:.2f} (target 1.1)", is_met=slower <= 1.1)
        console.print(f"{job} found: {json.loads(usages[job][-1].output)}")
