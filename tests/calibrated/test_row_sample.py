"""Samples of rows: uniform, and the same in each pass."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.calibrated.row_sample import RowSample


def rows_of(sample: RowSample) -> list[int]:
    return pl.concat(list(sample.columns()["row"].parts)).to_list()


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=6))
def test_what_is_kept_does_not_depend_on_how_the_rows_are_split(sizes: list[int]) -> None:
    table = pl.DataFrame({"row": range(sum(sizes))})
    whole, split = RowSample(1, rows=1_000), RowSample(1, rows=1_000)
    whole.update(table)
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        split.update(table[int(start) : int(start) + size])
    assert rows_of(whole) == rows_of(split) == sorted(rows_of(whole))
    assert (whole.rows, whole.total) == (min(1_000, table.height), table.height)


def test_each_part_of_the_rows_has_its_share() -> None:
    sample = RowSample(1, rows=10_000)
    for start in range(0, 100_000, 10_000):
        sample.update(pl.DataFrame({"row": range(start, start + 10_000)}))
    counts = np.bincount(np.array(rows_of(sample)) // 10_000)
    # Hypergeometric: 1,000 of each with a standard deviation of 28.5; five of them on either side.
    assert counts.sum() == 10_000
    assert np.abs(counts - 1_000).max() < 143


def test_long_texts_are_told_apart_by_what_is_beyond_their_beginning() -> None:
    sample = RowSample(1)
    sample.update(pl.DataFrame({"row": ["a" * 500 + "x", "a" * 500 + "y", "a" * 500 + "x"]}))
    first, second, third = pl.concat(list(sample.columns()["row"].parts)).to_list()
    assert first == third != second
    assert len(first) < 140


def test_rows_of_many_small_files_are_held_in_few_parts() -> None:
    sample = RowSample(1)
    for row in range(1_000):
        sample.update(pl.DataFrame({"row": [row]}))
        assert len(sample._parts) <= 101  # each part has a frame of its own, whatever it holds
    assert rows_of(sample) == list(range(1_000))
