"""One process of the data quality benchmark: ``make``, ``read``, ``baseline`` or ``check``, these also ``-robust``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

SEED = 20261122
DRIFTED = ("f00", "f05", "f10", "f15", "i0", "s0")


def make(folder: Path, rows: int, columns: int = 30) -> None:
    """Make baseline and current as CSV and Parquet: of six columns four float, one integer and one string.

    1 % of all cells are missing. In the current table the columns in ``DRIFTED`` are shifted by half a standard
    deviation, or by 1, or relabelled.
    """
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    sixth = columns // 6
    for part, name in enumerate(("baseline", "current")):
        generator = np.random.default_rng([SEED, part])
        made: dict[str, pl.Series] = {}
        for i in range(columns - 2 * sixth):
            column = f"f{i:02}"
            values = generator.normal(size=rows) if i % 2 else generator.lognormal(sigma=0.5, size=rows)
            made[column] = pl.Series(values + (0.5 * part if column in DRIFTED else 0.0))
        for i in range(sixth):
            column = f"i{i}"
            counts = generator.poisson(3 * 10 ** (i % 5), size=rows) + (part if column in DRIFTED else 0)
            made[column] = pl.Series(counts)
        for i in range(sixth):
            column = f"s{i}"
            labels = np.array([f"{column}_{label}" for label in range(4 + 10 * (i % 5))])
            shares = 1.0 / np.arange(1, labels.size + 1)
            drawn = generator.choice(labels.size, size=rows, p=shares / shares.sum())
            made[column] = pl.Series(labels[::-1][drawn] if part and column in DRIFTED else labels[drawn])
        missing = {column: pl.Series(generator.permutation(rows) < rows // 100) for column in made}
        frame = pl.DataFrame(made).with_columns(
            pl.when(~missing[column]).then(pl.col(column)).alias(column) for column in made
        )
        frame.write_csv(folder / f"{name}.csv")
        frame.write_parquet(folder / f"{name}.parquet")


def read(folder: Path) -> None:
    """Let polars read both files, one after the other, with its defaults."""
    import polars as pl

    for name in ("baseline", "current"):
        print(pl.read_csv(folder / f"{name}.csv").shape)


def baseline(folder: Path, name: str = "baseline", **settings: str) -> None:
    """Make a baseline from the first file."""
    _analyze(dataset_source=folder / "baseline.csv", output_path=folder / name, **settings)


def check(folder: Path, before: str = "baseline") -> None:
    """Check the second file against a baseline of the first."""
    _analyze(
        dataset_source=folder / "current.csv",
        output_path=folder / f"check-of-{before}",
        baseline_statistics=folder / before / "statistics.json",
        baseline_constraints=folder / before / "constraints.json",
    )


JOBS: Mapping[str, Callable[[Path], None]] = {
    "read": read,
    "baseline": baseline,
    "check": check,
    "baseline-robust": partial(baseline, name="robust", comparison_method="Robust"),
    "check-robust": partial(check, before="robust"),
}


def _analyze(**settings: object) -> None:
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_core.domain.settings_environment import analysis_settings

    summary = analyze(analysis_settings(dataset_format={"csv": {"header": True}}, **settings))
    found = {
        "status": summary.status,
        "records": summary.records.read,
        "violations": sorted(f"{found.subject} {found.constraint_check_type}" for found in summary.violations),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, *map(int, sys.argv[3:]))
    else:
        JOBS[job](folder)
