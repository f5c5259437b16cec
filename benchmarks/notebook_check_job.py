"""One process of the notebook benchmark: checks of one frame after another, of pandas or polars."""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import Any

SEED = 20261128
ROWS, COLUMNS, TEXTS = 1000, 30, 5
_CHECKS = 20


def frames(library: str) -> tuple[Any, Any]:
    """Make a frame for a baseline and one to check, of which half the numbers have drifted."""
    import numpy as np
    import polars as pl

    drawn = np.random.default_rng(SEED)
    numbers = COLUMNS - TEXTS
    made = []
    for shift in (0, 1):
        columns: dict[str, Any] = {f"n{i:02}": drawn.normal(shift * (i % 2), 1, ROWS) for i in range(numbers)}
        columns |= {f"t{i:02}": drawn.choice(list("abcde"), ROWS) for i in range(TEXTS)}
        frame = pl.DataFrame(columns)
        made.append(frame.to_pandas() if library == "pandas" else frame)
    return made[0], made[1]


def reference() -> float:
    """Return the CPU time of a fixed piece of work, which is least where nothing else disturbs this machine."""
    before = time.process_time()
    text = json.dumps([number / 7 for number in range(10_000)])
    sum(json.loads(text))
    return time.process_time() - before


def main(library: str) -> None:
    """Print what the first check takes, the medians of the later ones and of showing them, and the reference work.

    All in seconds.
    """
    known, current = frames(library)
    import modelwatch

    baseline = modelwatch.baseline(known)
    cpu, wall, shown, beside = [], [], [], []
    for _ in range(1 + _CHECKS):
        beside.append(reference())
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        found = modelwatch.check(current, baseline)
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - wall_before)
        found._repr_html_()
        shown.append(time.process_time() - cpu_before)
    if len(found.violations) != (COLUMNS - TEXTS) // 2:
        sys.exit(f"half of the numbers have drifted, but {len(found.violations)} were found")
    measured = {"first": cpu[0], "cpu": median(cpu[1:]), "wall": median(wall[1:]), "shown": median(shown[1:])}
    print(json.dumps(measured | {"reference": median(beside), "floor": min(beside)}))


if __name__ == "__main__":
    main(sys.argv[1])
