"""Peak memory of reading Parquet files, plain and nested: one of a size, and one ten times as large."""

from __future__ import annotations

import argparse

from rich.table import Table

from benchmarks.parquet_reading_job import SHAPES, SIZES
from benchmarks.processes import ROOT, measure, python, terminal
from benchmarks.targets import say

DATA = ROOT / "benchmarks" / "data"
_JOB = "benchmarks.parquet_reading_job"


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    folder = DATA / f"parquet-{options.rows}"
    if not (folder / "made").exists():
        console.print("Making Parquet files of 30 values a row, plain and nested (once) ...")
        measure(python("-m", _JOB, "make", str(folder), str(options.rows)))
    table = Table(title="Parquet files to columns")
    table.add_column("columns", no_wrap=True)
    for heading in ("file MB", "peak RSS MB", "CPU s"):
        table.add_column(heading, justify="right")
    growths = {}
    for shape in SHAPES:
        peaks = {}
        for size in SIZES:
            path = folder / f"{shape}-{size}.parquet"
            usage = measure(python("-m", _JOB, "read", str(path)))
            peaks[size] = usage.peak_rss
            table.add_row(shape, f"{path.stat().st_size / 1e6:,.0f}", f"{usage.peak_rss / 1e6:.0f}", f"{usage.cpu:.2f}")
        growths[shape] = peaks["large"] / peaks["small"] - 1
    console.print(table)
    for shape, growth in growths.items():
        say(console, f"{shape}: growth of peak memory {growth:+.0%} (target within 20 %)", is_met=growth <= 0.2)
