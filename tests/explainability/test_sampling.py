"""Which rows are explained."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.explainability.sampling import sample


def table(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"place": [str(number) for number in range(rows)], "key": ["x"] * rows})


@given(
    rows=st.integers(1, 300), most=st.integers(1, 100), cuts=st.lists(st.integers(0, 300)), seed=st.integers(0, 2**70)
)
@settings(max_examples=60)
def test_the_sample_is_the_same_however_the_dataset_is_cut(rows: int, most: int, cuts: list[int], seed: int) -> None:
    whole = table(rows)
    places = [0, *sorted(cut for cut in cuts if cut < rows), rows]
    found = sample((whole[start:end] for start, end in pairwise(places)), most, seed)
    at_once = sample([whole], most, seed)
    assert found.rows.equals(at_once.rows)
    assert found.of == rows
    assert found.rows["place"].cast(pl.Int64).to_list() == found.places.tolist()
    assert len(set(found.places)) == min(rows, most)


def test_a_smaller_sample_is_the_beginning_of_a_greater_one() -> None:
    small, great = (sample([table(1000)], most, 3) for most in (20, 300))
    assert small.places.tolist() == great.places[:20].tolist()


@pytest.mark.slow
def test_the_head_of_a_sample_is_the_sample_of_that_size() -> None:
    head, small = sample([table(1000)], 300, 3).head(20), sample([table(1000)], 20, 3)
    assert head.rows.equals(small.rows)
    assert head.places.tolist() == small.places.tolist()
    assert head.of == 1000


@pytest.mark.slow
def test_every_row_is_as_likely_as_any_other() -> None:
    # 2,000 samples of 10 of 100: each row is expected 200 times; chi-squared with 99 degrees is below 150 but for
    # one case in 1,400 (scipy 1.17: chi2.sf(150, 99) = 0.0007), and these seeds are fixed.
    counts = np.bincount(np.concatenate([sample([table(100)], 10, seed).places for seed in range(2000)]), minlength=100)
    assert ((counts - 200) ** 2 / 200).sum() < 150


def test_a_dataset_without_batches_has_no_rows() -> None:
    assert sample([], 5, 0).of == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_another_seed_draws_other_rows(seed: int) -> None:
    drawn, other = (set(sample([table(1000)], 50, number).places.tolist()) for number in (seed, seed + 10))
    assert drawn != other
