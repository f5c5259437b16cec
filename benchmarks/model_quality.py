"""A million predictions meet their labels: merge, all binary metrics and 1,000 bootstrap replicates.

Against pandas and scikit-learn, which do the merge and the metrics and no bootstrap. Twice: from the same two Parquet
tables (join and metrics alone), and from the same captures and labels in SageMaker's JSON Lines (the whole analysis,
with merged records, report and files written, against a loop of ``json.loads``).
"""

from __future__ import annotations

import argparse
import json
from statistics import median

from rich.table import Table

from benchmarks.data_quality import DATA
from benchmarks.processes import Usage, interleaved, measure, python, spread, terminal
from benchmarks.targets import say

_JOB = "benchmarks.model_quality_job"
_PAIRS = {
    "tables": ("tables_pandas", "tables_modelwatch"),
    "captures": ("captures_pandas", "captures_modelwatch"),
}


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    folder = DATA / f"model-quality-{options.rows}"
    if not (folder / "made").exists():
        console.print(f"Making {options.rows:,} predictions and labels as tables and as records (once) ...")
        measure(python("-m", _JOB, "make", str(folder), str(options.rows)))
    jobs = [job for pair in _PAIRS.values() for job in pair]
    usages = interleaved({job: python("-m", _JOB, job, str(folder)) for job in jobs}, options.repetitions)
    for source, (theirs, ours) in _PAIRS.items():
        table = Table(title=f"{options.rows:,} predictions and labels from {source}, min / median")
        table.add_column("", no_wrap=True)
        for heading in ("CPU s", "wall s", "peak RSS MB"):
            table.add_column(heading, justify="right")
        table.add_row("pandas + scikit-learn, no bootstrap", *_figures(usages[theirs]))
        table.add_row("modelwatch, 1,000 replicates", *_figures(usages[ours]))
        console.print(table)
        ratio = _median_cpu(usages[ours]) / _median_cpu(usages[theirs])
        memory = _peak(usages[ours]) / _peak(usages[theirs])
        say(console, f"{source}: CPU ratio of the medians {ratio:.2f} (target below 1)", is_met=ratio < 1)
        say(console, f"{source}: peak memory ratio {memory:.2f} (target below 1)", is_met=memory < 1)
        found = [json.loads(usages[job][-1].output) for job in (theirs, ours)]
        furthest = max(abs(found[0][name] - found[1][name]) for name in found[0])
        console.print(f"{len(found[0])} metrics of both, furthest apart by {furthest:.1e}\n")


def _figures(usages: list[Usage]) -> tuple[str, str, str]:
    cpu, wall = ([getattr(usage, name) for usage in usages] for name in ("cpu", "wall"))
    return spread(cpu), spread(wall), f"{_peak(usages) / 1e6:.0f}"


def _median_cpu(usages: list[Usage]) -> float:
    return median(usage.cpu for usage in usages)


def _peak(usages: list[Usage]) -> int:
    return max(usage.peak_rss for usage in usages)
