"""Counts of text that occurs again and again, in few and in many values, which are gathered over batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from modelwatch_analyzer.profile.columns import TextColumn


def batches_of(distinct: int, rows: int, count: int) -> list[list[str | None]]:
    """Return batches of values, a tenth of them missing."""
    generator = np.random.default_rng(distinct)
    drawn = generator.integers(0, distinct, (count, rows)).tolist()
    return [[f"level {level}" if level % 10 else None for level in batch] for batch in drawn]


def column_of(batches: list[list[str | None]]) -> TextColumn:
    column = TextColumn()
    for batch in batches:
        column.update(pl.Series("c", batch, dtype=pl.String))
    return column


@pytest.mark.parametrize(
    ("distinct", "rows"),
    [
        pytest.param(12, 3_000, id="few values"),
        pytest.param(2_000, 5_000, id="more than a thousand values, which repeat in a batch"),
        pytest.param(8_000, 1_500, id="values that hardly repeat in a batch"),
    ],
)
@pytest.mark.parametrize("count", [1, 3, 9])
def test_values_of_all_batches_are_counted_however_often_each_occurs(distinct: int, rows: int, count: int) -> None:
    batches = batches_of(distinct, rows, count)
    expected = Counter(value for batch in batches for value in batch if value is not None)
    split = column_of(batches[: count // 2]).merge(column_of(batches[count // 2 :]))
    for column in (column_of(batches), split):
        assert column.categories.is_exact
        assert column.categories.counts() == expected
        assert column.distinct.count == len(expected)
        assert (column.present, column.missing) == (expected.total(), count * rows - expected.total())


def test_a_merge_leaves_what_was_merged_as_it_was() -> None:
    batches = batches_of(2_000, 5_000, 4)
    one, other = column_of(batches[:3]), column_of(batches[3:])
    merged = one.merge(other)
    merged.update(pl.Series("c", batches[0], dtype=pl.String))
    for column, own in ((one, batches[:3]), (other, batches[3:])):
        assert column.categories.counts() == Counter(value for batch in own for value in batch if value is not None)


def test_values_are_looked_at_before_there_are_too_many_to_hold() -> None:
    levels = [f"level {level}" for level in range(20_000)]
    column = TextColumn()
    for start in range(0, 20_000, 1_250):
        column.update(pl.Series("c", 2 * levels[start : start + 1_250]))
    assert len(column._gathered.take()) < 20_000


@pytest.mark.parametrize("rows", [200, 4_000])
def test_long_text_is_looked_at_before_there_is_too_much_of_it_to_hold(rows: int) -> None:
    batches = [[f"{batch} {row // 2} ".ljust(40_000_000 // rows) for row in range(rows)] for batch in range(3)]
    column = column_of(batches[:2])
    merged = column.merge(column_of(batches[2:]))
    for each, gathered in ((column, column._gathered.take()), (merged, merged._gathered.take())):
        assert gathered["value"].str.len_bytes().sum() <= 8 << 20
        assert each.distinct.count == (rows if each is column else rows * 3 // 2)
