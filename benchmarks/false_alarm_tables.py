"""Tables without drift, and what is changed in their windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

SEED = 20261120
_ROWS = 30_000
BATCH, _NEIGHBOURS = 50, 500

Generator = np.random.Generator
Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


def numbers(missing: float = 0.0) -> pl.DataFrame:
    """Make 30 columns: normal, skewed, integers with ties, mixtures, bounded, mostly zero; values missing in ten."""
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
    return pl.DataFrame(
        {
            name: without_some(each, missing if i < 10 else 0, generator)
            for i, (name, each) in enumerate(columns.items())
        }
    )


def mixed() -> pl.DataFrame:
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
        {name: without_some(each, 0.01 * (i % 3 == 0), generator) for i, (name, each) in enumerate(columns.items())}
    )


def without_some(column: pl.Series, share: float, generator: Generator) -> pl.Series:
    """Return a column with some values taken away."""
    return column.set(pl.Series(generator.random(len(column)) < share), None) if share else column


Change = Callable[[pl.Series, pl.Series, Generator], pl.Series]
"""Makes a changed column from one of a window and that of its baseline."""


def _shift(deviations: float) -> Change:
    return lambda now, before, _: now + deviations * float(before.std())  # type: ignore[arg-type]  # of numbers


def _scaled(now: pl.Series, before: pl.Series, _: Generator) -> pl.Series:
    middle = float(before.mean())  # type: ignore[arg-type]  # of numbers
    return (now - middle) * 1.2 + middle


def _extreme(now: pl.Series, before: pl.Series, generator: Generator) -> pl.Series:
    value = float(before.max()) * 1.5 + 1  # type: ignore[arg-type]  # of numbers
    return _some(now, 0.05, value, generator)


def _some(now: pl.Series, share: float, value: float | str, generator: Generator) -> pl.Series:
    hit = pl.Series(generator.random(len(now)) < share)
    return pl.select(pl.when(hit).then(pl.lit(value)).otherwise(now)).to_series()


CHANGES_OF_NUMBERS: Mapping[str, Change] = {
    "shift 0.1 sd": _shift(0.1),
    "shift 0.25 sd": _shift(0.25),
    "shift 0.5 sd": _shift(0.5),
    "scale 1.2": _scaled,
    "5 % at an extreme": _extreme,
}
MORE_MISSING: Mapping[str, Change] = {
    "missing 2 -> 4 %": lambda now, _, generator: without_some(now, 1 - 0.96 / 0.98, generator)
}
NEW_CATEGORY: Mapping[str, Change] = {"2 % new category": lambda now, _, generator: _some(now, 0.02, "new", generator)}


def moved(population: pl.Series, share: float) -> float:
    """Return by how much a column must be shifted so that the distribution functions are a share apart."""
    ordered = np.sort(population.drop_nulls().to_numpy())
    low, high = 0.0, float(ordered[-1] - ordered[0])
    for _ in range(60):
        middle = (low + high) / 2
        below = np.searchsorted(ordered, ordered - middle, side="right") / ordered.size
        apart = float(np.max(np.arange(1, ordered.size + 1) / ordered.size - below))
        low, high = (middle, high) if apart < share else (low, middle)
    return high


def twice(population: pl.DataFrame, rows: int, generator: Generator) -> Rows:
    """Draw rows that are there twice each, one after the other."""
    return np.repeat(generator.integers(0, population.height, rows // 2), 2)


def twice_shuffled(population: pl.DataFrame, rows: int, generator: Generator) -> Rows:
    """Draw rows that are there twice each, in any order."""
    return generator.permutation(twice(population, rows, generator))


def identical(population: pl.DataFrame, rows: int, generator: Generator) -> Rows:
    """Draw batches of 50 equal rows."""
    return np.repeat(generator.integers(0, population.height, rows // BATCH), BATCH)


def alike(population: pl.DataFrame, rows: int, generator: Generator) -> Rows:
    """Draw batches of 50 rows that are near to each other in one of the columns."""
    batches = []
    for _ in range(rows // BATCH):
        name = population.columns[generator.integers(0, population.width)]
        order = population[name].arg_sort().to_numpy()
        start = generator.integers(0, population.height - _NEIGHBOURS)
        batches.append(order[start + generator.integers(0, _NEIGHBOURS, BATCH)])
    return np.concatenate(batches)


def independent(population: pl.DataFrame, rows: int, generator: Generator) -> Rows:
    """Draw rows one by one."""
    return generator.integers(0, population.height, rows)
