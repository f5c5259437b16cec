"""One process of the Parquet reading benchmark: ``make`` or ``read``."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

SEED = 20261122
COLUMNS = 30
ROW_GROUP = 100_000
SHAPES = ("plain", "nested")
SIZES = {"small": 1, "large": 10}
"""How many times each file holds the same rows."""

_PART = 0.4
"""The share of the rows that the small file has: of a million it has some 100 MB, and the large file 1 GB."""


def make(folder: Path, rows: int) -> None:
    """Make files of 30 floats a row: as columns, and as one list of 29 beside a struct of one."""
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(SEED).normal(size=(int(rows * _PART), COLUMNS))
    plain = pl.DataFrame(values, schema=[f"f{place:02}" for place in range(COLUMNS)])
    nested = plain.select(
        pl.struct(pl.col("f00").alias("score")).alias("response"), pl.concat_list(pl.exclude("f00")).alias("features")
    )
    for shape, frame in zip(SHAPES, (plain, nested), strict=True):
        small = folder / f"{shape}-small.parquet"
        frame.write_parquet(small, row_group_size=ROW_GROUP)
        whole = pl.concat([pl.scan_parquet(small)] * SIZES["large"])  # which never is in memory
        whole.sink_parquet(folder / f"{shape}-large.parquet", row_group_size=ROW_GROUP)
    (folder / "made").touch()


def read(path: Path) -> None:
    """Read a file as an analysis does; print the peak memory of this process and of the one that opens the file."""
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    import polars as pl

    from modelwatch_analyzer.reading.dataset import Plan
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.parquet_files import open_parquet
    from modelwatch_analyzer.reading.read_log import ReadLog

    dataset, log = open_parquet(source_files(path)), ReadLog()
    rows = sum(batch.height for batch in dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.Float64())), log))
    if (
        len(dataset.columns) != COLUMNS
        or rows != log.read
        or rows != pl.scan_parquet(path).select(pl.len()).collect().item()
    ):
        sys.exit(f"not all was read: {len(dataset.columns)} columns, {log.counts()}")
    print(_peak(resource.RUSAGE_SELF) + _peak(resource.RUSAGE_CHILDREN))


def _peak(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    job, place = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(place, int(sys.argv[3]))
    else:
        read(place)
