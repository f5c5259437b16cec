"""Rows that carry less information than independent ones."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelwatch_analyzer.calibrated.cells import counts_of, dependence_of
from modelwatch_analyzer.calibrated.dependence import ENOUGH_ROWS, Blocks, EqualRows, blocks_of, repetition
from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows, hashes_of
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN


def equal(values: np.ndarray, *, copies: bool = False) -> EqualRows:
    return EqualRows.of(hashes_of([pl.DataFrame({"value": values})], most=ENOUGH_ROWS), copies=copies)


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


def test_rows_of_known_requests_have_their_design_effect_though_their_order_does_not_show_it() -> None:
    # Kish (1965): 1 + (rows of a request - 1) x the correlation within requests, here 5 equal rows in every fourth.
    generator = np.random.default_rng(8)
    requests = generator.random((4_000, 5))
    requests[::4] = requests[::4, :1]
    starts = np.arange(0, 20_000, 5)
    # Of ten scores the largest effect is taken, and that of the order where it is larger.
    assert 0.9 * (1 + 4 * 0.25) < blocks_of({"x": requests.reshape(-1)}, starts).effects["x"] < 4
    independent = blocks_of({"x": generator.random(20_000)}, starts)
    assert independent.effects["x"] < 1.1
    assert (independent.requests, independent.number) == (4_000, 4_000)


@given(st.lists(st.integers(1, 5), min_size=10, max_size=30), st.integers(0, 2**32 - 1))
def test_requests_of_unequal_sizes_have_the_ratio_of_their_sums(sizes: list[int], seed: int) -> None:
    assume(max(sizes) > 1)
    ranks = np.random.default_rng(seed).random(sum(sizes))
    starts = np.cumsum([0, *sizes[:-1]])
    centred = ranks - ranks.mean()
    location = sum(part.sum() ** 2 for part in np.split(centred, starts[1:])) / (centred**2).sum()
    assert blocks_of({"x": ranks}, starts).effects["x"] >= max(1, location) * (1 - 1e-9)


def test_fewer_than_ten_requests_do_not_tell_whether_rows_are_alike() -> None:
    blocks = blocks_of({"x": np.random.default_rng(9).random(900)}, np.arange(0, 900, 100))
    assert (blocks.effects, blocks.length, blocks.few_requests) == ({}, 1, True)


def test_unequal_requests_count_as_fewer_equal_ones_and_one_of_nearly_all_rows_tells_nothing() -> None:
    def blocks(*sizes: int) -> Blocks:
        return blocks_of({"x": np.random.default_rng(10).random(sum(sizes))}, np.cumsum([0, *sizes[:-1]]))

    # Kish (1965): the square of the sum of sizes, over the sum of their squares.
    unequal = blocks(300, 300, 300, *[1] * 100)
    assert unequal.number == pytest.approx(1_000**2 / (3 * 300**2 + 100))
    assert (unequal.requests, unequal.few_requests) == (103, False)
    nearly_all = blocks(900, *[1] * 100)
    assert (nearly_all.effects, nearly_all.requests, nearly_all.few_requests) == ({}, 101, True)


def test_sampled_rows_know_the_requests_that_they_came_in_after_merging_and_dropping_some() -> None:
    def part(numbers: list[int] | None, rows: int) -> RowSample:
        sample = RowSample(1, rows=1_000, part=0 if numbers else 1)
        frame = pl.DataFrame({"x": np.arange(rows, dtype=np.float64)})
        sample.update(frame.with_columns(pl.Series(REQUEST_COLUMN, numbers, pl.UInt64())) if numbers else frame)
        return sample

    both = part([number // 2 for number in range(800)], 800).merge(part(None, 400))
    starts = both.requests()
    assert starts is not None
    sizes = np.diff(np.append(starts, both.rows))
    assert both.rows == 1_000
    assert set(sizes.tolist()) == {1, 2}
    assert [frame.columns for frame in both.parts] == [["x"], ["x"]]
    known = both.parts[0]["x"].to_numpy() // 2  # whose request each row of the first part came in
    first = np.flatnonzero(np.append(True, np.diff(known) != 0))
    assert starts[starts < known.size].tolist() == first.tolist()
    assert np.diff(starts[starts >= known.size]).tolist() == [1] * (both.rows - known.size - 1)


def test_more_rows_are_looked_at_where_the_first_ones_came_in_few_requests() -> None:
    values = np.random.default_rng(13).random(150_000)
    sample, rows = RowSample(1), SampledRows()
    sample.update(pl.DataFrame({"x": values, REQUEST_COLUMN: np.arange(150_000, dtype=np.uint64) // 5_000}))
    rows.add(sample)
    column = rows.columns()["x"]
    blocks = dependence_of(rows, {"x": (counts_of(column, numeric=True), column, True)})
    assert (blocks.requests, blocks.few_requests) == (30, False)


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
