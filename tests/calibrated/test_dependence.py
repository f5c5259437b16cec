"""Rows that do not tell as much as independent ones."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelwatch_analyzer.calibrated.dependence import ROWS, EqualRows, blocks_of, repetition
from modelwatch_analyzer.calibrated.row_sample import hashes_of


def equal(values: np.ndarray, *, copies: bool = False) -> EqualRows:
    return EqualRows.of(hashes_of([pl.DataFrame({"value": values})], most=ROWS), copies=copies)


def test_rows_that_are_there_twice_count_half_in_any_order() -> None:
    generator = np.random.default_rng(4)
    before, once = equal(generator.random(1_000)), generator.random(500)
    twice = generator.permutation(np.repeat(once, 2))
    assert repetition(before, equal(twice), 1_000) == pytest.approx(2, rel=0.01)
    assert repetition(before, equal(np.repeat(once[:20], 50)), 1_000) == pytest.approx(50, rel=0.01)


def test_few_values_that_repeat_as_in_the_baseline_are_no_repetition() -> None:
    generator = np.random.default_rng(5)
    found = [
        repetition(equal(generator.poisson(2, 500)), equal(generator.poisson(2, 1_000)), 1_000) for _ in range(200)
    ]
    assert found.count(1.0) >= 199


def test_batches_of_similar_rows_are_seen_in_their_order_only() -> None:
    generator = np.random.default_rng(6)
    alike = np.repeat(generator.random((100, 6)), 50, axis=0) * 0.9 + generator.random((5_000, 6)) * 0.1
    ranks = {str(i): column for i, column in enumerate(alike.T)}
    blocks = blocks_of(ranks)
    assert 32 <= blocks.length <= 512
    assert min(blocks.effects.values()) > 20
    shuffled = {name: generator.permutation(column) for name, column in ranks.items()}
    assert blocks_of(shuffled).length == 1


def test_sorted_columns_say_nothing_of_the_order_of_arrival() -> None:
    assert blocks_of({"row": np.arange(1_000) / 1_000}).effects == {}


def test_a_table_of_few_categories_has_equal_rows_in_windows_of_every_size() -> None:
    # A baseline of 10,000 rows has each of these more than 100 times, and a window of 1,000 has it less often.
    generator = np.random.default_rng(7)
    before, now = (generator.integers(0, 50, number) for number in (10_000, 1_000))
    assert repetition(equal(before), equal(now, copies=True), 1_000) == 1


@pytest.mark.parametrize(("columns", "may_be_change"), [(1, True), (2, True), (3, False)])
def test_a_change_inside_the_window_of_one_or_two_columns_may_look_like_batches(
    columns: int, may_be_change: bool
) -> None:
    generator = np.random.default_rng(9)
    later = np.arange(2_000) > 1_200
    ranks = {str(i): np.clip(generator.random(2_000) * 0.6 + 0.4 * later, 0, 1) for i in range(columns)}
    assert blocks_of(ranks).may_be_change is may_be_change
