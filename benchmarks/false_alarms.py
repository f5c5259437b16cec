"""How often the Calibrated comparison cries wolf, and what it finds, beside Kolmogorov-Smirnov and L-infinity."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from rich.table import Table
from scipy import stats

from benchmarks.processes import terminal
from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, MINIMUM_SHARE
from modelwatch_analyzer.calibrated.family import ColumnEvidence, verdicts_of
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.calibrated.tables import Compared, compare, freeze

SEED, LEVEL = 20261120, 0.01
_MINIMUMS = {MINIMUM_EFFECT: 0.02, MINIMUM_SHARE: 0.01}
_SIZES = ((100, 50), (100, 100), (100, 1_000), (1_000, 500), (1_000, 1_000), (1_000, 10_000), (10_000, 10_000))
_ROWS = 30_000

Flags = dict[str, list[str]]


def run(options: argparse.Namespace) -> None:
    """Simulate and print."""
    console = terminal()
    tables = {"30 numbers": _numbers(), "15 mixed": _mixed()}
    for path in options.data or ():
        tables[path.name] = pl.read_csv(path, null_values=["?", " ?"], infer_schema_length=None)
    alarms = Table(title=f"windows without drift in which any column is flagged, % of {options.windows} windows")
    for heading in ("table", "window / baseline", "Calibrated", "KS at 5 %", "KS-Bonferroni 1 %", "Simple 0.1"):
        alarms.add_column(heading, justify="right")
    totals = dict.fromkeys(_DETECTORS, 0)
    number = 0
    for name, population in tables.items():
        for now, before in _SIZES:
            counts = _alarms(population, now, before, options.windows)
            number += options.windows
            totals = {each: totals[each] + count for each, count in counts.items()}
            shares = [f"{100 * count / options.windows:.1f}" for count in counts.values()]
            alarms.add_row(name, f"{now:,} / {before:,}", *shares)
    alarms.add_row("all", f"{number:,} windows", *(f"{100 * count / number:.2f}" for count in totals.values()))
    console.print(alarms)
    console.print(_power(tables["30 numbers"], options.windows))


def _power(population: pl.DataFrame, windows: int) -> Table:
    table = Table(
        title=f"changes of one column that are found, % of {windows // 4} windows a column, mean of four columns"
    )
    for heading in ("window / baseline", "change", "Calibrated", "KS at 5 %", "KS-Bonferroni 1 %", "Simple 0.1"):
        table.add_column(heading, justify="right")
    for now, before in ((100, 100), (1_000, 1_000), (1_000, 10_000), (10_000, 10_000)):
        for title, change in _CHANGES.items():
            counts = dict.fromkeys(_DETECTORS, 0)
            repetitions = max(1, windows // 4)
            for column in ("normal0", "lognormal0", "integer0", "mixture0"):
                for baseline, window in _pairs(population, now, before, repetitions, f"{title}{column}"):
                    changed = window.with_columns(change(window[column], baseline[column]).alias(column))
                    for each, detector in _DETECTORS.items():
                        counts[each] += column in detector(baseline, changed)
            shares = [f"{100 * count / (4 * repetitions):.0f}" for count in counts.values()]
            table.add_row(f"{now:,} / {before:,}", title, *shares)
    return table


def _alarms(population: pl.DataFrame, now: int, before: int, windows: int) -> dict[str, int]:
    counts = dict.fromkeys(_DETECTORS, 0)
    for baseline, window in _pairs(population, now, before, windows, ""):
        for name, detector in _DETECTORS.items():
            counts[name] += bool(detector(baseline, window))
    return counts


def _pairs(
    population: pl.DataFrame, now: int, before: int, number: int, what: str
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    generator = np.random.default_rng([SEED, now, before, *what.encode()])
    for _ in range(number):
        rows = generator.integers(0, population.height, before + now)
        yield population[rows[:before]], population[rows[before:]]


def _calibrated(baseline: pl.DataFrame, window: pl.DataFrame) -> list[str]:
    numeric = {name: dtype.is_numeric() for name, dtype in baseline.schema.items()}
    frozen = freeze(_sampled(baseline), numeric)
    compared = {name: Compared(name, numbers, baseline.schema[name].is_integer()) for name, numbers in numeric.items()}
    evidence = {
        name: ColumnEvidence(found.evidence, found.rows_before, found.rows, _MINIMUMS)
        for name, found in compare(frozen, _sampled(window), compared).items()
    }
    return [name for name, verdict in verdicts_of(evidence, LEVEL).items() if verdict.flagged]


def _sampled(table: pl.DataFrame) -> SampledRows:
    rows = SampledRows()
    rows.begin(table.columns).update(table)
    return rows


def _ks(level: Callable[[int], float]) -> Callable[[pl.DataFrame, pl.DataFrame], list[str]]:
    def flagged(baseline: pl.DataFrame, window: pl.DataFrame) -> list[str]:
        names = [name for name, dtype in baseline.schema.items() if dtype.is_numeric()]
        return [name for name in names if _ks_p(baseline[name], window[name]) <= level(len(names))]

    return flagged


def _ks_p(before: pl.Series, now: pl.Series) -> float:
    sides = [side.drop_nulls().to_numpy() for side in (before, now)]
    if not all(side.size for side in sides):
        return 1.0
    return float(stats.ks_2samp(*sides, method="asymp").pvalue)


def _simple(baseline: pl.DataFrame, window: pl.DataFrame) -> list[str]:
    names = [name for name, dtype in baseline.schema.items() if dtype.is_numeric()]
    return [name for name in names if _distance(baseline[name], window[name]) > 0.1]


def _distance(before: pl.Series, now: pl.Series) -> float:
    sides = [np.sort(side.drop_nulls().to_numpy()) for side in (before, now)]
    points = np.concatenate(sides)
    then, later = (np.searchsorted(side, points, side="right") / max(side.size, 1) for side in sides)
    return float(np.abs(then - later).max()) if points.size else 0.0


_DETECTORS: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame], list[str]]] = {
    "Calibrated": _calibrated,
    "KS at 5 %": _ks(lambda _: 0.05),
    "KS-Bonferroni 1 %": _ks(lambda columns: LEVEL / columns),
    "Simple 0.1": _simple,
}


def _shift(deviations: float) -> Callable[[pl.Series, pl.Series], pl.Series]:
    return lambda now, before: now + deviations * float(before.std())  # type: ignore[arg-type]  # a column of numbers


def _scaled(now: pl.Series, before: pl.Series) -> pl.Series:
    middle = float(before.mean())  # type: ignore[arg-type]  # a column of numbers
    return (now - middle) * 1.2 + middle


def _some(share: float, value: Callable[[pl.Series], float | None]) -> Callable[[pl.Series, pl.Series], pl.Series]:
    def changed(now: pl.Series, before: pl.Series) -> pl.Series:
        hit = np.random.default_rng(len(now)).random(len(now)) < share
        return pl.select(pl.when(pl.Series(hit)).then(pl.lit(value(before))).otherwise(now)).to_series()

    return changed


_CHANGES: Mapping[str, Callable[[pl.Series, pl.Series], pl.Series]] = {
    "shift 0.1 sd": _shift(0.1),
    "shift 0.25 sd": _shift(0.25),
    "shift 0.5 sd": _shift(0.5),
    "scale 1.2": _scaled,
    "5 % extreme": _some(0.05, lambda before: float(before.max()) * 1.5 + 1),  # type: ignore[arg-type]  # a column of numbers
    "2 % missing": _some(0.02, lambda _: None),
}


def _numbers() -> pl.DataFrame:
    """Make 30 columns: normal, skewed, integers with ties, mixtures, bounded, mostly zero; missing values in ten."""
    generator = np.random.default_rng(SEED)
    makers: dict[str, Callable[[int], np.ndarray]] = {
        "normal": lambda i: generator.normal(i, 1 + i, _ROWS),
        "lognormal": lambda i: generator.lognormal(0, 0.5 + 0.2 * i, _ROWS),
        "integer": lambda i: generator.poisson(3.0**i, _ROWS).astype(float),
        "mixture": lambda i: generator.normal(5 * (generator.random(_ROWS) < 0.3), 1 + 0.1 * i),
        "bounded": lambda i: generator.beta(0.5 + i, 2, _ROWS),
        "zeros": lambda i: np.where(generator.random(_ROWS) < 0.2 * (i + 1), 0.0, generator.exponential(10, _ROWS)),
    }
    columns = {f"{kind}{i}": pl.Series(make(i)) for i in range(5) for kind, make in makers.items()}
    return pl.DataFrame({name: _with_gaps(each, generator, i < 10) for i, (name, each) in enumerate(columns.items())})


def _mixed() -> pl.DataFrame:
    """Make 15 columns: nine of categories, from 2 to 40 of them with rare ones, and six of numbers."""
    generator = np.random.default_rng(SEED + 1)
    columns: dict[str, pl.Series] = {}
    for i, number in enumerate((2, 2, 5, 7, 8, 14, 16, 40, 40)):
        shares = 1.0 / np.arange(1, number + 1) ** (1 + 0.3 * i)
        drawn = generator.choice(number, _ROWS, p=shares / shares.sum())
        columns[f"category{i}"] = pl.Series([f"c{value}" for value in drawn])
    for i in range(6):
        columns[f"number{i}"] = pl.Series(generator.gamma(1 + i, 3, _ROWS).round(i % 3))
    return pl.DataFrame(
        {name: _with_gaps(each, generator, i % 3 == 0) for i, (name, each) in enumerate(columns.items())}
    )


def _with_gaps(column: pl.Series, generator: np.random.Generator, gaps: bool) -> pl.Series:
    if not gaps:
        return column
    return column.set(pl.Series(generator.random(len(column)) < 0.01), None)


def data_path(text: str) -> Path:
    """Return the path of a CSV file."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{path} is no file")
    return path
