"""One process of the benchmark of shapes: ``make``, ``floor``, ``import``, ``baseline`` or ``check`` of a dataset."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import data_quality_job

BAD_ROW_EVERY, WIDE_ROWS, WIDE_COLUMNS, FEW_ROWS = 10_000, 20_000, 1_000, 1_000
LEVELS = (12, 5_000, 2**60)
"""How many values the columns of text can have: a few, as many as towns, or a new one in each row."""


def make(folder: Path, rows: int) -> None:
    """Make one table in several forms, each the current dataset of a folder of its own with a baseline.

    ``clean``, ``quoted`` (texts in quotes), ``ragged`` (one row in 10,000 lacks a field or has one too many),
    ``parquet`` and ``few`` (1,000 rows) have the 30 columns of the data quality benchmark; ``text`` has a third of the
    rows and 30 columns of text, ten with each number of `LEVELS`; ``wide`` has 1,000 columns of numbers.
    """
    import numpy as np
    import polars as pl

    data_quality_job.make(folder / "clean", rows)
    for part in ("baseline", "current"):
        clean = folder / "clean" / f"{part}.csv"
        frame = pl.read_csv(clean)
        for shape in ("quoted", "ragged", "parquet", "few", "text", "wide"):
            (folder / shape).mkdir(exist_ok=True)
        frame.write_csv(folder / "quoted" / f"{part}.csv", quote_style="non_numeric")
        (folder / "clean" / f"{part}.parquet").rename(folder / "parquet" / f"{part}.parquet")
        frame.head(FEW_ROWS).write_csv(folder / "few" / f"{part}.csv")
        with clean.open() as lines, (folder / "ragged" / f"{part}.csv").open("w") as ragged:
            for number, line in enumerate(lines):
                bad = number % BAD_ROW_EVERY == BAD_ROW_EVERY // 2
                longer = number // BAD_ROW_EVERY % 2
                ragged.write(line if not bad else f"9,{line}" if longer else line.split(",", 1)[1])
        generator = np.random.default_rng([data_quality_job.SEED, part == "current"])
        text = {
            f"t{i:02}": np.char.add("id-", generator.integers(0, levels, rows // 3).astype(str))
            for i, levels in enumerate(10 * LEVELS)
        }
        pl.DataFrame(text).write_csv(folder / "text" / f"{part}.csv")
        columns = {f"n{i:04}": generator.normal(size=WIDE_ROWS) for i in range(WIDE_COLUMNS)}
        pl.DataFrame(columns).write_csv(folder / "wide" / f"{part}.csv")
    (folder / "made").touch()


def floor(folder: Path) -> None:
    """Let polars read and describe the current dataset."""
    import polars as pl

    (source,) = folder.glob("current.*")
    frame = pl.read_parquet(source) if source.suffix == ".parquet" else pl.read_csv(source)
    print(frame.describe().shape)


def imports(_folder: Path) -> None:
    """Import what any analysis needs."""
    import numpy as np
    import polars as pl

    print(np.__version__, pl.__version__)


def baseline(folder: Path) -> None:
    """Make a baseline."""
    _analyze(folder, "baseline")


def check(folder: Path) -> None:
    """Check the current dataset against the baseline."""
    files = {f"baseline_{name}": folder / "baseline" / f"{name}.json" for name in ("statistics", "constraints")}
    _analyze(folder, "current", **files)


def _analyze(folder: Path, part: str, **files: Path) -> None:
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_core.domain.settings_environment import analysis_settings

    (source,) = folder.glob(f"{part}.*")
    form = {"parquet": {}} if source.suffix == ".parquet" else {"csv": {"header": True}}
    summary = analyze(analysis_settings(dataset_source=source, dataset_format=form, output_path=folder / part, **files))
    print(summary.records.read)


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, int(sys.argv[3]))
    else:
        {"floor": floor, "imports": imports, "baseline": baseline, "check": check}[job](folder)
