"""One process of the benchmark of reports: ``make`` a table, a ``baseline`` of it, or a ``check`` that is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

CATEGORIES = 3
"""How many of ten columns hold text."""
MOVED = 5
"""How many columns have drifted."""


def make(folder: Path, rows: int, columns: int) -> None:
    """Make a table twice, the second time with columns that have moved."""
    import numpy as np
    import polars as pl

    for part in ("baseline", "current"):
        generator = np.random.default_rng([1, part == "current"])
        made = {}
        for number in range(columns):
            moved = 0.5 if part == "current" and number < MOVED else 0.0
            values = generator.normal(moved, 1, rows).astype(np.float32)
            is_text = number % 10 >= 10 - CATEGORIES
            made[f"feature_{number:04}"] = pl.Series(values).floor().cast(pl.Int8).cast(str) if is_text else values
        pl.DataFrame(made).write_parquet(folder / f"{part}.parquet", compression="lz4")


def baseline(folder: Path) -> None:
    """Make a baseline."""
    _analyze(folder, "baseline")


def check(folder: Path) -> None:
    """Check the second table, and print how long that took, how long its report took, and how large that is."""
    from modelwatch_analyzer import analysis
    from modelwatch_analyzer.data_quality import analysis as data_quality

    spent = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal spent
            begun = process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent += process_time() - begun

        return call

    for module, name in ((analysis, "write_page"), (data_quality, "report_body")):
        setattr(module, name, timed(getattr(module, name)))
    files = {f"baseline_{name}": folder / "baseline" / f"{name}.json" for name in ("statistics", "constraints")}
    begun = process_time()
    _analyze(folder, "current", **files)
    size = (folder / "current" / "report.html").stat().st_size
    print(json.dumps({"analysis": process_time() - begun - spent, "report": spent, "bytes": size}))


def _analyze(folder: Path, part: str, **files: Path) -> None:
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_core.domain.settings_environment import analysis_settings

    source, output = folder / f"{part}.parquet", folder / part
    analyze(analysis_settings(dataset_source=source, dataset_format={"parquet": {}}, output_path=output, **files))


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, *map(int, sys.argv[3:]))
    else:
        {"baseline": baseline, "check": check}[job](folder)
