"""What flags columns of a window: ours, SageMaker's distances, tests, and tools that users would pick instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.peers import PEERS
from benchmarks.processes import ROOT, measure
from modelwatch_analyzer.calibrated.cells import FrozenTable, freeze
from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, MINIMUM_SHARE, Found
from modelwatch_analyzer.calibrated.family import ColumnEvidence, verdicts_of
from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows
from modelwatch_analyzer.calibrated.tables import Compared, compare
from modelwatch_analyzer.distances.linf import explained_by_chance
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN

LEVEL, _THRESHOLD = 0.01, 0.1
MINIMUMS = {MINIMUM_EFFECT: 0.02, MINIMUM_SHARE: 0.01}
_JOBS = ROOT / "benchmarks" / "peer_jobs"


@dataclass(frozen=True)
class Window:
    """A window and its baseline.

    Attributes
    ----------
    changed : polars.DataFrame, optional
        The window with every column changed. A column is then found if it is flagged when it alone is changed.
    request : int
        So many rows of the window came in a request each; 0 where that is not known.
    """

    baseline: pl.DataFrame
    window: pl.DataFrame
    changed: pl.DataFrame | None = None
    request: int = 0

    @property
    def current(self) -> pl.DataFrame:
        """What is compared by detectors that take columns one by one."""
        return self.window if self.changed is None else self.changed

    @cached_property
    def p_values(self) -> dict[str, float]:
        """Of scipy's Kolmogorov-Smirnov test of numbers, and chi-squared test of categories."""
        return {name: _p(before, now) for name, before, now in self._pairs()}

    @cached_property
    def distances(self) -> dict[str, tuple[float, float]]:
        """SageMaker's Simple and Robust L-infinity, of exact distributions."""
        return {name: _distances(before, now) for name, before, now in self._pairs()}

    def _pairs(self) -> Iterator[tuple[str, pl.Series, pl.Series]]:
        for name in self.baseline.columns:
            before, now = self.baseline[name].drop_nulls(), self.current[name].drop_nulls()
            if len(before) and len(now):
                yield name, before, now


Detector = Callable[[Window], set[str]]


def sampled(table: pl.DataFrame, request: int = 0) -> SampledRows:
    """Return a table as the product's sample of it, with so many rows a request where they are known."""
    sample, rows = RowSample(table.width), SampledRows()
    numbers = pl.int_range(pl.len(), dtype=pl.UInt64()) // (request or 1)
    sample.update(table.with_columns(numbers.alias(REQUEST_COLUMN)) if request else table)
    rows.add(sample)
    return rows


def frozen(baseline: pl.DataFrame) -> FrozenTable:
    """Return what a baseline keeps."""
    return freeze(sampled(baseline), {name: dtype.is_numeric() for name, dtype in baseline.schema.items()})


def expected(baseline: pl.DataFrame) -> dict[str, Compared]:
    """Return how the columns of a baseline are compared."""
    return {name: Compared(name, dtype.is_numeric(), dtype.is_integer()) for name, dtype in baseline.schema.items()}


def _calibrated(case: Window) -> set[str]:
    kept, columns = frozen(case.baseline), expected(case.baseline)
    plain = compare(kept, sampled(case.window, case.request), columns)
    if case.changed is None:
        return flagged(plain)
    changed = compare(kept, sampled(case.changed), columns)
    return {name for name in columns if name in flagged({**plain, name: changed[name]})}


def flagged(found: Mapping[str, Found], level: float = LEVEL) -> set[str]:
    """Return the columns that the family of all columns flags."""
    evidence = {
        name: ColumnEvidence(each.evidence, each.rows_before, each.rows, MINIMUMS) for name, each in found.items()
    }
    return {name for name, verdict in verdicts_of(evidence, level).items() if verdict.flagged}


def _by_test(level: Callable[[int], float]) -> Detector:
    return lambda case: {name for name, p in case.p_values.items() if p <= level(case.baseline.width)}


def _by_distance(place: int) -> Detector:
    return lambda case: {name for name, found in case.distances.items() if found[place] > _THRESHOLD}


def _p(before: pl.Series, now: pl.Series) -> float:
    if before.dtype.is_numeric():
        return float(stats.ks_2samp(before.to_numpy(), now.to_numpy(), method="asymp").pvalue)
    then, later = _counts(before), _counts(now)
    table = np.array([[side.get(value, 0) for value in {*then, *later}] for side in (then, later)])
    return float(stats.chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0


def _distances(before: pl.Series, now: pl.Series) -> tuple[float, float]:
    if before.dtype.is_numeric():
        then, later = (np.sort(side.to_numpy()) for side in (before, now))
        points = np.concatenate([then, later])
        apart = [np.searchsorted(side, points, side="right") / side.size for side in (then, later)]
        simple = float(np.abs(apart[0] - apart[1]).max())
    else:
        shares = [{name: count / len(side) for name, count in _counts(side).items()} for side in (before, now)]
        simple = max(abs(shares[0].get(name, 0.0) - shares[1].get(name, 0.0)) for name in {*shares[0], *shares[1]})
    return simple, max(0.0, simple - explained_by_chance(len(before), len(now)))


def _counts(values: pl.Series) -> dict[str, int]:
    counts = values.alias("value").value_counts()
    return dict(zip(counts["value"].to_list(), counts["count"].to_list(), strict=True))


OURS = "Calibrated"
DETECTORS: Mapping[str, Detector] = {
    OURS: _calibrated,
    "KS 5 %": _by_test(lambda _: 0.05),
    "KS-Bonf. 1 %": _by_test(lambda columns: LEVEL / columns),
    "Simple": _by_distance(0),
    "Robust": _by_distance(1),
}
TOOLS = ("evidently", "nannyml")


def installed(names: Iterable[str]) -> list[str]:
    """Return the tools whose environments `python -m benchmarks peers` has made."""
    peers = {peer.name: peer for peer in PEERS}
    return [name for name in names if peers[name].interpreter.exists()]


def of_tool(name: str, cases: Sequence[Window]) -> list[set[str]]:
    """Return the columns that a tool flags in each window."""
    peer = next(peer for peer in PEERS if peer.name == name)
    with TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            case.baseline.write_parquet(Path(folder, f"{number:04}-baseline.parquet"))
            case.current.write_parquet(Path(folder, f"{number:04}-current.parquet"))
        output = measure(peer.command("-W", "ignore", "-P", str(_JOBS / f"{name}_windows.py"), folder)).output
    return [set(columns) for columns in json.loads(output.splitlines()[-1])]
