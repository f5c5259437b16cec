"""What a person waits for in a notebook and on the shell: the import, ``--help``, and checks of a frame in memory.

Other work on the machine makes CPU time longer, too: caches and cores are shared. So a fixed piece of work is measured
before each check, and checks are judged as if it had always taken the least that it took in the run.
"""

from __future__ import annotations

import argparse
import json
from statistics import median

from rich.table import Table

from benchmarks.notebook_check_job import COLUMNS, ROWS
from benchmarks.processes import interleaved, python, spread, terminal
from benchmarks.targets import say

_JOB = "benchmarks.notebook_check_job"
_IMPORT_LIMIT, _HELP_LIMIT, _CHECK_LIMIT = 0.15, 0.3, 0.1
_LIBRARIES = ("pandas", "polars")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    repetitions = max(options.repetitions, 5)
    commands = {
        "python": python("-c", "pass"),
        "import modelwatch": python("-c", "import modelwatch"),
        "modelwatch --help": python("-c", "from modelwatch.cli import main; main()", "--help"),
    }
    usages = interleaved(commands, repetitions)
    table = Table(title=f"processes, min / median of {repetitions}")
    table.add_column("", no_wrap=True)
    table.add_column("CPU s", justify="right")
    for name, measured in usages.items():
        table.add_row(name, spread([usage.cpu for usage in measured]))
    console.print(table)
    table = Table(title=f"checks of {ROWS:,} x {COLUMNS}, one process each, min / median of {repetitions}")
    table.add_column("", no_wrap=True)
    for heading in ("first, CPU s", "later ones, CPU s", "later ones, wall s", "with the report, CPU s"):
        table.add_column(heading, justify="right")
    checks = interleaved({library: python("-m", _JOB, library) for library in _LIBRARIES}, repetitions)
    outputs = {library: [json.loads(usage.output) for usage in measured] for library, measured in checks.items()}
    floor = min(each["floor"] for found in outputs.values() for each in found)
    later = {}
    for library, found in outputs.items():
        for name, what in (("cpu", "check"), ("shown", "check and report")):
            later[f"{what} of {library}"] = median(each[name] * floor / each["reference"] for each in found)
        table.add_row(library, *(spread([each[name] for each in found]) for name in ("first", "cpu", "wall", "shown")))
    console.print(table)
    slowness = median(each["reference"] / floor for found in outputs.values() for each in found)
    console.print(f"the machine was {slowness:.2f} times slower in the middle than at its best: {floor * 1000:.1f} ms")
    cpu = {name: median(usage.cpu for usage in measured) for name, measured in usages.items()}
    for name, seconds, limit in (
        ("import modelwatch, beside Python", cpu["import modelwatch"] - cpu["python"], _IMPORT_LIMIT),
        ("modelwatch --help", cpu["modelwatch --help"], _HELP_LIMIT),
        *((f"{what}, undisturbed", seconds, _CHECK_LIMIT) for what, seconds in later.items()),
    ):
        took = f"{name}: {seconds * 1000:.0f} ms of CPU (target at most {limit * 1000:.0f})"
        say(console, took, is_met=seconds <= limit)
