"""The benchmarks run, and say of each target whether it was met. Nothing here asserts a time."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from benchmarks.peers import PEERS, targets_of
from benchmarks.processes import Usage, measure, python
from benchmarks.targets import said, say, table_of
from tests.repository import ROOT


def test_a_short_benchmark_runs_to_its_end_and_installs_nothing_without_a_peer():
    command = [sys.executable, "-m", "benchmarks", "peers", "--rows", "600", "--repetitions", "1", "--peers"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Installing" not in ended.stdout
    assert "baseline and check of 600 x 30 Parquet" in ended.stdout
    assert "peak memory" in ended.stdout


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        (Usage(1.0, 1.0, 200_000_000, ""), Usage(6.0, 6.0, 900_000_000, ""), 3),
        (Usage(2.0, 1.0, 400_000_000, ""), Usage(6.0, 6.0, 300_000_000, ""), 0),
    ],
)
def test_a_target_is_met_or_missed_by_what_was_measured(ours, theirs, met):
    deepchecks = [peer for peer in PEERS if peer.name == "deepchecks"]
    targets = targets_of({"modelwatch": [ours], "deepchecks": [theirs]}, deepchecks)
    assert [target.verdict for target in targets] == ["met" if met else "MISSED"] * 3


def test_what_only_describes_the_tables_is_a_floor_and_not_a_rival():
    polars = [peer for peer in PEERS if peer.name == "polars"]
    usage = Usage(1.0, 1.0, 1_000, "")
    targets = targets_of({"modelwatch": [usage], "polars": [usage]}, polars)
    assert not any("best peer" in target.found for target in targets)


def test_all_targets_of_a_run_are_in_a_table_at_its_end():
    console = Console(file=StringIO(), width=100)
    before = len(said())
    say(console, "a [ratio] of 2 (target 1)", is_met=False)
    say(console, "a ratio of 1 (target 1)", is_met=True)
    console.print(table_of([("bias", target) for target in said()[before:]]))
    printed = console.file.getvalue()
    assert printed.startswith("a [ratio] of 2 (target 1): MISSED\na ratio of 1 (target 1): met\n")
    assert "targets: 1 of 2 met" in printed
    assert [line.split("│")[1:4] for line in printed.splitlines() if "│" in line] == [
        [" bias      ", " a [ratio] of 2 (target 1) ", " MISSED "],
        [" bias      ", " a ratio of 1 (target 1)   ", " met    "],
    ]


def test_the_memory_of_the_process_that_measures_is_not_that_of_what_it_measures():
    held = bytearray(150_000_000)
    usage = measure(python("-c", "print(len(b'x' * 30_000_000))"))
    assert usage.output == "30000000"
    assert 30e6 < usage.peak_rss < 100e6 < len(held)
    with pytest.raises(SystemExit, match="ended with exit code 3; nothing was measured"):
        measure(python("-c", "raise SystemExit(3)"))
