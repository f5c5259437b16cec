"""Model quality and bias: windows and months like the baseline that have any violation, and changed windows.

Also windows of requests of several rows that are the same, and the same rows as if they were independent.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

import modelwatch
from benchmarks.false_alarm_tables import SEED, Generator
from benchmarks.processes import terminal
from benchmarks.targets import say

_CONFIG = {
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "group", "value_or_threshold": ["F"]}],
}
_SIZES = ((100, 100), (100, 1_000), (1_000, 500), (1_000, 1_000), (1_000, 10_000))
_HOURLY, _FACTORS, _LOOKS, _REPLICATES = 200, (1, 10, 100), 720, 200
_RATE, _MONTHLY_RATE = 0.01, 0.05
_REQUESTS, _COPIES = 1_000, (2, 5, 20)
"""The rows of windows of requests, and of their baselines, and how often each is there in its request."""
_WRONG = 0.1
"""The share of the rows of a changed window whose prediction is not the model's: of bias, those of one group."""


@dataclass(frozen=True)
class Monitor:
    """A kind of monitor and its model.

    Attributes
    ----------
    kind : str
        As `modelwatch.baseline` names it.
    draw : callable
        Draws rows: how many, with which generator, and whether the model has become worse.
    options : mapping
        Of the baseline.
    """

    kind: str
    draw: Callable[[int, Generator, bool], pl.DataFrame]
    options: Mapping[str, Any] = field(default_factory=dict)

    def violations(self, now: int, before: int, number: int, generator: Generator, *, changed: bool) -> Iterator[bool]:
        """Say of each window, which has a baseline of its own, whether anything was a violation."""
        for _ in range(number):
            baseline = self.baseline(before, generator)
            yield len(modelwatch.check(self.draw(now, generator, changed), baseline).violations) > 0

    def alarms(self, now: int, before: int, generator: Generator) -> int:
        """Return how many windows of a month without a change have a violation; all have one baseline."""
        settings: Mapping[str, Any] = {"bootstrap_replicates": _REPLICATES}
        baseline = self.baseline(before, generator, **settings)
        windows = (self.draw(now, generator, False) for _ in range(_LOOKS))
        checked = (modelwatch.check(window, baseline, looks_per_month=_LOOKS, **settings) for window in windows)
        return sum(len(each.violations) > 0 for each in checked)

    def baseline(self, rows: int, generator: Generator, **settings: Any) -> modelwatch.Baseline:
        """Make a baseline of so many rows."""
        columns = {"inference_attribute": "prediction", "ground_truth_attribute": "label"}
        drawn = self.draw(rows, generator, False)
        return modelwatch.baseline(drawn, kind=self.kind, **columns | dict(self.options) | settings)


def _binary(rows: int, generator: Generator, changed: bool) -> pl.DataFrame:
    chance = 1 / (1 + np.exp(-1.3 * generator.normal(size=rows) - 0.3))
    label = generator.random(rows) < chance
    responses = _replaced(chance, 1 - chance, changed, generator)
    return pl.DataFrame({"probability": responses, "prediction": responses > 0.5, "label": label}).cast(
        {pl.Boolean: pl.Int64}
    )


def _rare(rows: int, generator: Generator, changed: bool) -> pl.DataFrame:
    """Of 25 labels one is positive, and four of five of these are found; of a worse model three of five."""
    label = generator.random(rows) < 0.04
    chance = np.where(label, 0.6 if changed else 0.8, 0.02)
    return pl.DataFrame({"prediction": generator.random(rows) < chance, "label": label}).cast(pl.Int64)


def _multiclass(rows: int, generator: Generator, changed: bool) -> pl.DataFrame:
    known, noise = generator.normal(size=(2, rows))
    classes, limits = np.array(["a", "b", "c"]), [-0.7, 0.7]
    predicted = np.digitize(1.2 * known, limits)
    predicted = _replaced(predicted, 2 - predicted, changed, generator)
    return pl.DataFrame({"prediction": classes[predicted], "label": classes[np.digitize(known + 0.8 * noise, limits)]})


def _regression(rows: int, generator: Generator, changed: bool) -> pl.DataFrame:
    known, noise = generator.normal(size=(2, rows))
    return pl.DataFrame({"prediction": _replaced(known, -known, changed, generator), "label": known + 0.8 * noise})


def _groups(rows: int, generator: Generator, changed: bool) -> pl.DataFrame:
    drawn = _binary(rows, generator, False)
    group = np.where(generator.random(rows) < 0.35, "F", "M")
    refused = changed & (group == "F") & (generator.random(rows) < 2 * _WRONG)
    return pl.DataFrame(
        {"group": group, "prediction": np.where(refused, 0, drawn["prediction"]), "label": drawn["label"]}
    )


def _replaced(responses: Any, others: Any, changed: bool, generator: Generator) -> Any:
    return np.where(changed & (generator.random(len(responses)) < _WRONG), others, responses)


MONITORS: Mapping[str, Monitor] = {
    "binary classification": Monitor(
        "model-quality",
        _binary,
        {"problem_type": "BinaryClassification", "probability_attribute": "probability"},
    ),
    "of rare events": Monitor("model-quality", _rare, {"problem_type": "BinaryClassification"}),
    "multiclass classification": Monitor("model-quality", _multiclass, {"problem_type": "MulticlassClassification"}),
    "regression": Monitor("model-quality", _regression, {"problem_type": "Regression"}),
    "bias": Monitor("bias", _groups, {"analysis_config": _CONFIG}),
}


_OF_REQUESTS = ("binary classification", "multiclass classification", "regression", "bias")


def run(options: argparse.Namespace) -> None:
    """Simulate and print."""
    windows = 4 if options.quick else options.windows
    _print_windows(windows)
    _print_requests(windows)
    if options.months and not options.quick:
        _print_months(options.months)


def _print_months(months: int) -> None:
    table = Table(title=f"The same, of schedules of {_LOOKS} looks a month: months with any violation")
    for heading in ("monitor", "rows", "months", "with a violation", "windows with one"):
        table.add_column(heading, justify="right")
    worst = 0.0
    os.environ["POLARS_MAX_THREADS"] = "1"
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as processes:
        for name in MONITORS:
            for factor in _FACTORS:
                alarms = list(processes.map(partial(_alarms, name, _HOURLY * factor), range(months)))
                found = sum(map(bool, alarms))
                worst = max(worst, found / months)
                table.add_row(name, f"{_HOURLY:,} / {_HOURLY * factor:,}", f"{months}", f"{found}", f"{sum(alarms)}")
                print(f"{name}, {_HOURLY * factor}: {found} of {months} months", file=sys.stderr, flush=True)
    console = terminal()
    console.print(table)
    no_change = f"No change: {worst:.1%} of the months of a row at most (target {_MONTHLY_RATE:.0%})"
    say(console, no_change, is_met=worst <= _MONTHLY_RATE)


def _alarms(monitor: str, before: int, month: int) -> int:
    generator = np.random.default_rng([SEED, zlib.crc32(f"{monitor} {before}".encode()), month])
    return MONITORS[monitor].alarms(_HOURLY, before, generator)


def _print_windows(windows: int) -> None:
    table = Table(title="Model quality and bias: windows with any violation, %")
    for heading in ("monitor", "rows", "windows", "no change", "changed"):
        table.add_column(heading, justify="right")
    worst = 0.0
    for name, monitor in MONITORS.items():
        alarms = 0
        for now, before in _SIZES:
            generator = np.random.default_rng([SEED, zlib.crc32(f"{name} {now} {before}".encode())])
            quiet = sum(monitor.violations(now, before, windows, generator, changed=False))
            changed = max(1, windows // 4)
            found = sum(monitor.violations(now, before, changed, generator, changed=True))
            alarms += quiet
            shares = f"{100 * quiet / windows:.1f}", f"{100 * found / changed:.0f}"
            table.add_row(name, f"{now:,} / {before:,}", f"{windows}", *shares)
        worst = max(worst, alarms / (len(_SIZES) * windows))
    console = terminal()
    console.print(table)
    no_change = f"No change: {worst:.1%} of the windows of a monitor at most (target {_RATE:.0%})"
    say(console, no_change, is_met=worst <= _RATE)


def _print_requests(windows: int) -> None:
    table = Table(title=f"Windows without a change of {_REQUESTS:,} rows, which are there several times, %")
    for heading in ("monitor", "each row", "windows", "as if independent", "in requests"):
        table.add_column(heading, justify="right")
    worst = 0.0
    for name in _OF_REQUESTS:
        alarms = 0
        for copies in _COPIES:
            generator = np.random.default_rng([SEED, zlib.crc32(f"{name} of requests {copies}".encode())])
            found = [_of_requests(MONITORS[name], copies, generator) for _ in range(windows)]
            alone, known = (sum(each) for each in zip(*found, strict=True))
            alarms += known
            shares = (f"{100 * each / windows:.1f}" for each in (alone, known))
            table.add_row(name, f"{copies} times", f"{windows}", *shares)
            print(f"{name}, {copies}: {alone} and {known} of {windows} windows", file=sys.stderr, flush=True)
        worst = max(worst, alarms / (len(_COPIES) * windows))
    console = terminal()
    console.print(table)
    no_change = f"No change, in requests: {worst:.1%} of the windows of a monitor at most (target {_RATE:.0%})"
    say(console, no_change, is_met=worst <= _RATE)


def _of_requests(monitor: Monitor, copies: int, generator: Generator) -> tuple[bool, bool]:
    """Say whether a window has a violation where its rows count as independent, and where their requests are known."""
    before, now = (monitor.draw(_REQUESTS // copies, generator, False) for _ in range(2))
    found = []
    for write in (_table, _captures):
        with tempfile.TemporaryDirectory() as folder:
            files = [write(rows, copies, Path(folder) / side) for side, rows in (("before", before), ("now", now))]
            form = "capture" if write is _captures else "csv"
            columns = {"inference_attribute": "prediction", "ground_truth_attribute": "label"}
            settings: dict[str, Any] = {"dataset_format": form, "bootstrap_replicates": _REPLICATES}
            baseline = modelwatch.baseline(files[0], kind=monitor.kind, **columns | dict(monitor.options) | settings)
            found.append(len(modelwatch.check(files[1], baseline, **settings).violations) > 0)
    alone, known = found
    return alone, known


def _table(rows: pl.DataFrame, copies: int, folder: Path) -> Path:
    folder.mkdir()
    rows.select(pl.all().repeat_by(copies).explode()).write_csv(folder / "rows.csv")
    return folder / "rows.csv"


def _captures(rows: pl.DataFrame, copies: int, folder: Path) -> Path:
    """Write requests with their labels, in each of which a row is there several times."""
    folder.mkdir()
    sides = {"endpointInput": ["group"], "endpointOutput": ["probability", "prediction"]}
    lines = []
    for number, row in enumerate(rows.rows(named=True)):
        data = {side: {name: row[name] for name in names if name in row} for side, names in sides.items()}
        record = {side: _payload(json.dumps(each), copies) for side, each in data.items()}
        truth = _payload(json.dumps({"label": row["label"]}), copies)
        metadata = {"eventId": str(number), "inferenceTime": "2026-11-30T09:30:00Z"}
        lines.append(json.dumps({"captureData": record, "groundTruthData": truth, "eventMetadata": metadata}))
    (folder / "captures.jsonl").write_text("\n".join(lines))
    return folder


def _payload(document: str, copies: int) -> dict[str, str]:
    return {"observedContentType": "application/jsonlines", "encoding": "JSON", "data": "\n".join([document] * copies)}
