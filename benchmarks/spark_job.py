"""One application of the Spark benchmark, run by .venv-spark: prints seconds, and the peak memory of its processes."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import SparkSession

from modelwatch.spark.gather import SparkGather
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_analyzer.profile.table import profile_dataset
from modelwatch_analyzer.reading.dataset import Plan, Roles, Table
from modelwatch_analyzer.reading.read_log import ReadLog

_ROWS_OF_A_PART = 1_000_000
_BATCH = 100_000
_NUMBERS, _INTEGERS, _TEXTS = 5, 3, 2
_VALUES = 5_000
"""The number of distinct values in a column of text."""


@dataclass(frozen=True, slots=True)
class GeneratedRows:
    """A dataset that is generated where it is read; its parts are ranges of rows."""

    start: int
    stop: int
    named: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Numbers, integers and texts."""
        groups = (("number", _NUMBERS), ("integer", _INTEGERS), ("text", _TEXTS))
        return tuple(f"{name}_{index}" for name, count in groups for index in range(count))

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    @property
    def roles(self) -> Roles:
        """None."""
        return {}

    @property
    def without_exclusions(self) -> Table:
        """Itself."""
        return self

    def parts(self) -> Iterator[GeneratedRows]:
        """Yield ranges of rows."""
        for start in range(self.start, self.stop, _ROWS_OF_A_PART):
            yield GeneratedRows(start, min(start + _ROWS_OF_A_PART, self.stop))

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Generate the rows; see `Dataset.batches`."""
        for start in range(self.start, self.stop, _BATCH):
            size = min(_BATCH, self.stop - start)
            draw = np.random.default_rng([20261129, start])
            values: dict[str, Any] = {}
            for name in self.columns:
                number = name.startswith("number")
                values[name] = draw.normal(100, 15, size) if number else draw.integers(0, _VALUES, size)
            log.read += size
            yield pl.DataFrame(values).select(_spelled(name, kind) for name, kind in plan.dtypes.items())


def _spelled(name: str, kind: pl.DataType) -> pl.Expr:
    values = pl.col(name)
    if name.startswith("text"):
        values = pl.concat_str(pl.lit("value "), values).alias(name)
    return values.cast(kind)


def main(rows: int, cores: int) -> None:
    """Profile the rows and print what it took."""
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    dataset = GeneratedRows(0, rows)
    begun = time.perf_counter()
    names = {name: name for name in dataset.columns}
    profile = profile_dataset(dataset, sample=SampledRows(), gather=SparkGather(session))
    statistics = Statistics.of(profile, names)
    seconds = time.perf_counter() - begun
    if profile.records.read != rows or len(statistics.features) != len(names):
        sys.exit("not every row was read")
    workers = session.range(0, 4 * cores, 1, 4 * cores).mapInArrow(_peaks, "peak long")
    found = {
        "seconds": seconds,
        "parts": len(tuple(dataset.parts())),
        "worker": max(row["peak"] for row in workers.collect()),
        "driver": _peak(),
        "jvm": _peak_of(session),
    }
    session.stop()
    print(json.dumps(found))


def _peaks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Report the memory of the worker, which has read parts before."""
    for _ in batches:
        yield pa.RecordBatch.from_pylist([{"peak": _peak()}])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _peak_of(session: SparkSession) -> int:
    process = session.sparkContext._gateway.proc.pid  # noqa: SLF001 (the JVM has no other handle)
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
