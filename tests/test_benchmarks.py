"""The benchmarks run, and say of each target whether it was met. Nothing here asserts a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.peers import PEERS, verdicts
from benchmarks.processes import Usage, measure, python
from tests.repository import ROOT


def test_a_short_benchmark_runs_to_its_end():
    command = [sys.executable, "-m", "benchmarks", "peers", "--rows", "600", "--repetitions", "1", "--peers"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "baseline and check of 600 x 30 Parquet" in ended.stdout
    assert "peak memory" in ended.stdout


def test_the_memory_of_a_process_does_not_count_that_of_the_one_that_measures_it():
    ballast = b"x" * 150_000_000
    usage = measure(python("-c", "print('done')"))
    assert usage.output == "done"
    assert usage.peak_rss < len(ballast) / 2


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        (Usage(1.0, 1.0, 200_000_000, ""), Usage(6.0, 6.0, 900_000_000, ""), 3),
        (Usage(2.0, 1.0, 400_000_000, ""), Usage(6.0, 6.0, 300_000_000, ""), 0),
    ],
)
def test_a_target_is_met_or_missed_by_what_was_measured(ours, theirs, met):
    deepchecks = [peer for peer in PEERS if peer.name == "deepchecks"]
    lines = verdicts({"modelwatch": [ours], "deepchecks": [theirs]}, deepchecks)
    assert len(lines) == 3
    assert sum(line.endswith(": met") for line in lines) == met
    assert sum(line.endswith(": MISSED") for line in lines) == 3 - met


def test_what_only_describes_the_tables_is_a_floor_and_not_a_rival():
    polars = [peer for peer in PEERS if peer.name == "polars"]
    usage = Usage(1.0, 1.0, 1_000, "")
    assert not any("best peer" in line for line in verdicts({"modelwatch": [usage], "polars": [usage]}, polars))
