"""SHAP values of a model behind HTTP: Modelwatch against shap.KernelExplainer, in the same game, in one run."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from rich.table import Table

from benchmarks.explainability_job import BACKGROUND, EXPLAINED, FEATURES, SAMPLES
from benchmarks.processes import ROOT, interleaved, measure, python, spread, terminal
from benchmarks.targets import say

_JOB = "benchmarks.explainability_job"
_NAMES = {
    "kernel_explainer": "shap.KernelExplainer",
    "kernel_explainer_all": "the same, l1_reg=0",  # by default it gives an attribution to ten features only
    "modelwatch": "modelwatch",
}
_MOST_REQUESTS = 25


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = terminal()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = subprocess.Popen(
            [sys.executable, "-m", _JOB, "serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            url = f"http://127.0.0.1:{port}/invocations"
            measure(python("-m", _JOB, "make", str(folder), url))
            measure(python("-m", _JOB, "exact", str(folder), url))
            commands = {job: python("-m", _JOB, job, str(folder), url) for job in _NAMES}
            measured = interleaved(commands, options.repetitions)
            values = {job: np.load(folder / f"{job}.npy") for job in ("exact", *_NAMES)}
        finally:
            if server.stdin:
                server.stdin.close()
            server.wait()
    counts = {job: json.loads(usages[-1].output) for job, usages in measured.items()}
    errors = {job: float(np.abs(values[job] - values["exact"]).mean()) for job in _NAMES}
    size = f"{EXPLAINED} rows, {FEATURES} features, {SAMPLES} samples, {BACKGROUND} background rows"
    table = Table(title=f"{size}; a process each, min / median of {options.repetitions}")
    table.add_column("by", no_wrap=True)
    for heading in ("requests", "rows scored", "wall s", "CPU s", "error"):
        table.add_column(heading, justify="right")
    for job, name in _NAMES.items():
        table.add_row(
            name,
            f"{counts[job]['requests']:,}",
            f"{counts[job]['rows']:,}",
            spread([usage.wall for usage in measured[job]]),
            spread([usage.cpu for usage in measured[job]]),
            f"{errors[job]:.5f}",
        )
    console.print(table)
    console.print("Error: mean distance to the exact values (shap.TreeExplainer, interventional).")
    requests = counts["modelwatch"]["requests"]
    error = errors["modelwatch"] / min(errors["kernel_explainer"], errors["kernel_explainer_all"])
    walls = zip(measured["modelwatch"], measured["kernel_explainer"], strict=True)
    ratios = [ours.wall / theirs.wall for ours, theirs in walls]
    say(console, f"requests: {requests} (target at most {_MOST_REQUESTS})", is_met=requests <= _MOST_REQUESTS)
    say(console, f"error: {error:.2f} of KernelExplainer's better one (target at most 1)", is_met=error <= 1)
    console.print(f"time: {median(ratios):.2f} of KernelExplainer's")
