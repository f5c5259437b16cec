from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.flips import NEIGHBOURS, FlipSample
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.undefined import Undefined
from tests.bias.reference import of_smclarify

GROUP, ACCEPTED = pl.col("facet f") == 1, pl.col("predicted") == 1


def sampled(features: pd.DataFrame, facet: np.ndarray, predicted: np.ndarray, **options: int) -> FlipSample:
    sample = FlipSample(tuple(features.columns), ("f",), np.random.default_rng(0), **options)
    marks = pl.DataFrame({"facet f": facet.astype(int), "predicted": predicted.astype(int)})
    batch = pl.DataFrame({name: features[name].tolist() for name in features.columns})
    for start in range(0, len(features), 7):
        part = slice(start, start + 7)
        sample.update(batch[part], marks[part], pl.Series([True] * batch[part].height))
    return sample


def flip_test(sample: FlipSample, neighbours: int = NEIGHBOURS) -> float:
    flips = sample.flips("f", GROUP, ~GROUP, ACCEPTED, neighbours=neighbours)
    assert not isinstance(flips, Undefined)
    return float(METRICS["FT"].compute(Counts(np.zeros((2, 1, 2, 2), dtype=np.int64), flips=flips)))


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 80), st.integers(1, 20), st.booleans())
def test_the_flip_test_is_smclarify_s_with_ties_and_few_rows(seed, rows, width, whole):
    generator = np.random.default_rng(seed)
    numbers = generator.integers(0, 3, (rows, width)) if whole else generator.normal(size=(rows, width))
    features = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(width)])
    facet, predicted = generator.random((2, rows)) < 0.5
    if facet.all() or not facet.any():
        return
    expected = of_smclarify("FT", facet, predicted, predicted, features=features)
    assert flip_test(sampled(features, facet, predicted)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_the_neighbours_of_whole_numbers_with_many_ties_are_those_of_smclarify(seed):
    generator = np.random.default_rng(seed)
    features = pd.DataFrame(generator.integers(0, 3, (100, 18)), columns=[f"x{i}" for i in range(18)])
    facet, predicted = generator.random((2, 100)) < 0.5
    expected = of_smclarify("FT", facet, predicted, predicted, features=features)
    assert flip_test(sampled(features, facet, predicted)) == pytest.approx(expected, abs=1e-12)


def test_a_single_neighbour_may_be_asked():
    # By hand: d = 1 is nearest to a = 0.9, which was rejected; four others were accepted.
    features = pd.DataFrame({"x": [1.0, 0.9, *(5.0 + i for i in range(10))]})
    facet, predicted = np.arange(12) == 0, np.arange(12) != 1
    assert flip_test(sampled(features, facet, predicted), neighbours=1) == 1.0
    assert flip_test(sampled(features, facet, predicted), neighbours=5) == 0.0


def test_a_sample_of_more_rows_is_kept_in_their_order_whatever_the_batches():
    generator = np.random.default_rng(3)
    features = pd.DataFrame({"x": np.arange(500.0)})
    facet, predicted = generator.random((2, 500)) < 0.5
    sample = sampled(features, facet, predicted, most=100)
    kept = sample.rows["x0"].to_list()
    assert len(kept) == 100
    assert kept == sorted(kept)
    once = FlipSample(("x",), ("f",), np.random.default_rng(0), 100)
    marks = pl.DataFrame({"facet f": facet.astype(int), "predicted": predicted.astype(int)})
    once.update(pl.DataFrame({"x": np.arange(500.0)}), marks, pl.Series([True] * 500))
    assert once.rows["x0"].to_list() == kept
    # 40 of the first 200 are expected; six standard deviations of a hypergeometric draw around that
    assert 40 - 27 < sum(x < 200 for x in kept) < 40 + 27


def test_parts_merged_are_the_whole_where_all_rows_are_kept():
    generator = np.random.default_rng(4)
    features = pd.DataFrame({"x": generator.normal(size=60), "y": generator.integers(0, 4, 60)})
    facet, predicted = generator.random((2, 60)) < 0.5
    first, second = (sampled(features[part], facet[part], predicted[part]) for part in (slice(0, 25), slice(25, 60)))
    assert flip_test(first.merge(second)) == flip_test(sampled(features, facet, predicted))


def test_merged_samples_hold_no_more_than_one_may():
    features = pd.DataFrame({"x": np.arange(80.0)})
    half = sampled(features, np.arange(80) % 2 == 0, np.arange(80) % 3 == 0, most=100)
    merged = half.merge(half)
    assert merged.rows.height == 100
    assert half.rows.height == 80


def test_text_is_no_feature_but_truth_values_are():
    marks, known = pl.DataFrame({"facet f": [0, 1], "predicted": [0, 1]}), pl.Series([True, True])
    truths = FlipSample(("x",), ("f",), np.random.default_rng(0))
    truths.update(pl.DataFrame({"x": ["true", "False"]}), marks, known)
    assert truths.rows["x0"].to_list() == [1.0, 0.0]
    texts = FlipSample(("x", "f"), ("f",), np.random.default_rng(0))
    texts.update(pl.DataFrame({"x": ["a", "1"], "f": ["m", "w"]}), marks, known)
    assert texts.rows.is_empty()
    reason = texts.flips("f", GROUP, ~GROUP, ACCEPTED, neighbours=1)
    assert reason == Undefined("FlipTest does not support non-numeric columns: x")


def test_a_facet_alone_leaves_nothing_to_compare():
    sample = sampled(pd.DataFrame({"f": [0.0, 1.0]}), np.array([False, True]), np.array([False, True]))
    reason = sample.flips("f", GROUP, ~GROUP, ACCEPTED, neighbours=1)
    assert reason == Undefined("no features are left to compare for the flip test")
