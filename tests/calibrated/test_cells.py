"""The cells of a baseline: where the values of a window are, and how many are in each."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.calibrated.cells import CategoryCells, NumberCells, Numbers
from modelwatch_analyzer.calibrated.row_sample import SampledColumn

_VALUES = st.lists(st.integers(-5, 5).map(float) | st.floats(-10, 10), min_size=1, max_size=60).map(np.array)


@given(_VALUES, _VALUES)
def test_as_many_numbers_are_placed_in_a_cell_as_are_counted(before: np.ndarray, now: np.ndarray) -> None:
    sides = [Numbers(SampledColumn((pl.Series(side),))) for side in (before, now)]
    cells = NumberCells.of(sides[0])
    placed = cells.place(now)
    assert np.bincount(placed, minlength=cells.rows.size).tolist() == cells.count(sides[1]).tolist()
    assert np.all(np.diff(placed[np.argsort(now)]) >= 0)


@given(
    st.lists(st.integers(-500, 500), min_size=2, max_size=60, unique=True),
    st.lists(st.floats(-1.1e-7, 1.1e-7)),
    _VALUES,
)
def test_roundings_of_known_fractions_are_known_and_in_order(
    halves: list[int], errors: list[float], others: np.ndarray
) -> None:
    known = np.array([*halves, 0.5]) / 2
    cells = NumberCells.of(Numbers(SampledColumn((pl.Series(known),))))
    near = np.sort(np.outer(known, 1 + np.array([*errors, 1e-7])).ravel())
    assert np.isin(cells.own_where_rounded(near), known).all()
    assert cells.count(Numbers(SampledColumn((pl.Series(near),)))).sum() == near.size
    mixed = np.sort(np.concatenate([near, others]))
    found = cells.own_where_rounded(mixed)
    assert np.all(np.diff(found) >= 0)
    assert np.all((found == mixed) | (np.abs(found - mixed) <= 1.2e-7 * np.abs(found)))


def test_with_more_values_than_cells_none_are_taken_for_roundings_of_the_extremes() -> None:
    values = 5_000_000 + np.arange(5_000) / 5_000
    cells = NumberCells.of(Numbers(SampledColumn((pl.Series(values),))))
    assert cells.own_where_rounded(values).tolist() == values.tolist()


def test_values_that_lie_close_together_stay_apart() -> None:
    known = 101_325 + np.array([0.01, 0.02, 0.03])
    cells = NumberCells.of(Numbers(SampledColumn((pl.Series(known),))))
    assert cells.own_where_rounded(known + 0.005).tolist() == (known + 0.005).tolist()


@pytest.mark.parametrize("known", [3, 255, 256, 300])
def test_categories_are_placed_by_the_order_of_the_baseline_and_others_behind_the_last(known: int) -> None:
    names = [f"c{place}" for place in range(known)]
    cells = CategoryCells(values=tuple(names), counts=(1,) * known)
    assert cells.place(pl.Series([names[-1], "other", names[0]])).tolist() == [known - 1, known, 0]


def test_a_category_that_an_edited_baseline_has_twice_is_in_its_last_cell() -> None:
    cells = CategoryCells(values=("a", "b", "a"), counts=(1, 1, 1))
    assert cells.place(pl.Series(["a", "b", "c"])).tolist() == [2, 1, 3]


def test_categories_without_a_cell_are_counted_in_an_order_that_does_not_change() -> None:
    values = pl.Series([f"new{place % 50}" for place in range(500)] + ["a"])
    known, others = CategoryCells(values=("a",), counts=(9,)).count(values)
    assert known.tolist() == [1]
    assert list(others) == sorted(others)
    assert set(others.values()) == {10}
