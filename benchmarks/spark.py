"""The profile of rows that Spark's executors generate: how fast, and in how much memory for a tenth and all of them."""

from __future__ import annotations

import argparse
import json
import os

from rich.table import Table

from benchmarks.processes import ROOT, Command, measure, terminal
from benchmarks.targets import say

_PYTHON = ROOT / ".venv-spark/bin/python"
_GROWTH = 1.1


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    if not _PYTHON.exists():
        console.print("spark: not measured, because `make test-spark` has not installed PySpark")
        return
    cores = os.cpu_count() or 1
    table = Table(title=f"data quality of generated rows of 10 columns on Spark, local[{cores}]")
    for heading in ("rows", "parts", "wall s", "rows/s", "worker MB", "driver MB", "JVM MB"):
        table.add_column(heading, justify="right")
    workers = []
    for rows in (max(options.rows // 10, 1), options.rows):
        found = json.loads(measure(_job(rows, cores)).output.splitlines()[-1])
        workers.append(found["worker"])
        memory = (f"{found[name] / 1e6:,.0f}" for name in ("worker", "driver", "jvm"))
        speed = f"{rows / found['seconds']:,.0f}"
        table.add_row(f"{rows:,}", f"{found['parts']:,}", f"{found['seconds']:,.0f}", speed, *memory)
    console.print(table)
    grown = workers[1] / workers[0]
    said_of_memory = f"ten times the rows take {grown:.2f} of the memory of a worker (target {_GROWTH})"
    say(console, said_of_memory, is_met=grown <= _GROWTH)


def _job(rows: int, cores: int) -> Command:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "layers/core", ROOT / "layers/analyzer", ROOT / "sdk")))
    environment = {"PYTHONPATH": path, "PYSPARK_PYTHON": str(_PYTHON), "SPARK_LOCAL_IP": "127.0.0.1"}
    # Not as __main__, whose classes Spark would send to its workers by value.
    program = "import sys; from benchmarks.spark_job import main; main(*map(int, sys.argv[1:]))"
    return Command(["-c", program, str(rows), str(cores)], environment, str(_PYTHON))
