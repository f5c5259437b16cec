"""What a report costs beside its analysis, and how large it is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.processes import measure, python, spread, terminal
from benchmarks.targets import say

FEATURES, MANY_FEATURES, MANY_ROWS = 100, 1_000, 20_000
_MOST_SECONDS, _MOST_OF_THE_ANALYSIS, _MOST_BYTES = 2.0, 0.1, 2_000_000


def run(options: argparse.Namespace) -> None:
    """Check a table of 100 features, and one of 1,000 with fewer rows, and print."""
    console = terminal()
    for features, rows in ((FEATURES, options.rows), (MANY_FEATURES, min(options.rows, MANY_ROWS))):
        with TemporaryDirectory() as name:
            folder = Path(name)
            for arguments in (("make", name, str(rows), str(features)), ("baseline", name)):
                measure(python("-m", "benchmarks.report_job", *arguments))
            found = [
                json.loads(measure(python("-m", "benchmarks.report_job", "check", name)).output)
                for _ in range(options.repetitions)
            ]
            size = (folder / "current" / "report.html").stat().st_size
        report, analysis = ([each[name] for each in found] for name in ("report", "analysis"))
        console.print(
            f"report of {features:,} features, {rows:,} rows, min / median of {len(found)}: {spread(report)} s of CPU,"
            f" its analysis {spread(analysis)} s, {size / 1e6:.2f} MB"
        )
        if features == FEATURES:
            most = max(_MOST_SECONDS, _MOST_OF_THE_ANALYSIS * median(analysis))
            found_of_report = f"report of {features} features: {median(report):.2f} s, {size / 1e6:.2f} MB"
            targets = f"(targets: below {most:.1f} s and {_MOST_BYTES / 1e6:.0f} MB)"
            say(console, f"{found_of_report} {targets}", is_met=median(report) < most and size < _MOST_BYTES)
