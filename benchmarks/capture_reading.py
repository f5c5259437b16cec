"""Captured records to columns, against the standard library, DuckDB, and simdjson's mere look at them."""

from __future__ import annotations

import argparse
import json
from statistics import median

from rich.table import Table

from benchmarks.processes import ROOT, Command, Usage, interleaved, measure, python, spread, terminal
from benchmarks.targets import say

DATA = ROOT / "benchmarks" / "data"
_JOB = "benchmarks.capture_reading_job"
_JOBS = {
    "csv": ("loop", "duckdb", "simdjson", "modelwatch"),
    "base64": ("loop", "modelwatch"),
    "list": ("loop", "modelwatch"),
    "object": ("loop", "modelwatch"),
}
_TARGETS = {"csv": 0.4, "base64": 0.5, "list": 0.5, "object": 0.5}
_OF_SIMDJSON = 4.0
_PAYLOADS = {"csv": "CSV", "base64": "CSV in BASE64", "list": 'JSON {"features": [...]}', "object": "JSON objects"}


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    folder = DATA / f"captures-{options.rows}"
    if not (folder / "made").exists():
        console.print(
            f"Making captures of 30 values, {options.rows:,} of each kind and twice as many of CSV (once) ..."
        )
        measure(python("-m", _JOB, "make", str(folder), str(options.rows)))

    def command(job: str, shape: str, window: str = "whole") -> Command:
        return python("-m", _JOB, job, str(folder / shape / window), shape)

    measured = interleaved(
        {f"{shape} {job}": command(job, shape) for shape, jobs in _JOBS.items() for job in jobs}, options.repetitions
    )
    table = Table(title=f"{options.rows:,} captured records to columns, min / median of {options.repetitions}")
    for heading in ("payloads", "by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("CPU s", "peak RSS MB", "CPU as a ratio to the loop"):
        table.add_column(heading, justify="right")
    for shape, jobs in _JOBS.items():
        for job in jobs:
            usages = measured[f"{shape} {job}"]
            table.add_row(
                _PAYLOADS[shape],
                job,
                spread([usage.cpu for usage in usages]),
                f"{_peak(usages) / 1e6:.0f}",
                spread(_ratios(usages, measured[f"{shape} loop"])),
            )
    console.print(table)
    for shape, target in _TARGETS.items():
        found = [json.loads(measured[f"{shape} {job}"][-1].output) for job in ("loop", "modelwatch")]
        if found[0]["rows"] != found[1]["rows"] or found[0]["sum"] != found[1]["sum"]:
            raise SystemExit(f"{shape}: the loop read {found[0]}, modelwatch {found[1]}")
        ratio = median(_ratios(measured[f"{shape} modelwatch"], measured[f"{shape} loop"]))
        say(console, f"{_PAYLOADS[shape]}: {ratio:.2f} of the loop (target at most {target})", is_met=ratio <= target)
    of_scan = median(_ratios(measured["csv modelwatch"], measured["csv simdjson"]))
    found_of_scan = f"CSV: {of_scan:.1f} of simdjson's scan (target at most {_OF_SIMDJSON})"
    say(console, found_of_scan, is_met=of_scan <= _OF_SIMDJSON)

    sizes = {
        window: sum(path.stat().st_size for path in (folder / "csv" / window).iterdir())
        for window in ("small", "large")
    }
    peaks = {window: _peak([measure(command("modelwatch", "csv", window))]) for window in sizes}
    for window, peak in peaks.items():
        peak_text = f"peak memory of {sizes[window] / 1e6:,.0f} MB: {peak / 1e6:.0f} MB"
        say(console, f"{peak_text} (target below 400)", is_met=peak < 400e6)
    growth = peaks["large"] / peaks["small"] - 1
    say(console, f"growth of peak memory {growth:+.0%} (target within 20 %)", is_met=abs(growth) <= 0.2)


def _peak(usages: list[Usage]) -> int:
    return max(usage.peak_rss for usage in usages)


def _ratios(usages: list[Usage], references: list[Usage]) -> list[float]:
    return [usage.cpu / reference.cpu for usage, reference in zip(usages, references, strict=True)]
