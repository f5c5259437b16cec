"""The drift measures of numbers and of categories against SciPy, on bins that are cut here by hand."""

from __future__ import annotations

import math
import statistics
import sys
import warnings
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from modelwatch_analyzer.distances import MEASURES, NumericBaseline
from modelwatch_analyzer.distances.bins import bins_of_categories, bins_of_numbers
from modelwatch_analyzer.distances.measure import INDEPENDENT_VALUES, DesignEffects
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.spread import standard_deviation
from modelwatch_analyzer.undefined import Undefined

BINNED = ("KLDivergence", "PSI", "JensenShannon", "Hellinger")
NUMERICAL = (*BINNED, "Wasserstein", "KolmogorovSmirnov")


def sketch_of(values) -> KllSketch:
    sketch = KllSketch()
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def frozen(values) -> NumericBaseline:
    values = np.asarray(values, dtype=np.float64)
    return NumericBaseline(sketch_of(values), float(values.min()), float(values.max()), standard_deviation(values))


def counts_of(values) -> CategoryCounts:
    counts = CategoryCounts()
    seen = Counter(map(str, values))
    schema = {"value": pl.String(), "count": pl.UInt32()}
    counts.update(pl.DataFrame({"value": list(seen), "count": list(seen.values())}, schema=schema))
    return counts


def numerical(name: str, baseline, current, effects=INDEPENDENT_VALUES):
    return MEASURES[name].numerical(baseline, current, effects)


def categorical(name: str, baseline, current, effects=INDEPENDENT_VALUES):
    return MEASURES[name].categorical(baseline, current, effects)


def of_numbers(name: str, baseline, current) -> float:
    result = numerical(name, frozen(baseline), sketch_of(current))
    assert isinstance(result, float), result
    return result


def of_categories(name: str, baseline: str, current: str) -> float:
    result = categorical(name, Counter(baseline), counts_of(current))
    assert isinstance(result, float), result
    return result


def cut_by_hand(baseline, current) -> tuple[np.ndarray, np.ndarray]:
    """Count both sides in the bins that docs/compatibility/numbers.md describes, value by value."""
    different = sorted(set(baseline))
    if len(different) <= 20 and len(baseline) >= 5 * len(different):
        bins = [(value, value) for value in different]
        last = None
    else:
        # numpy 2: the same definition of a decile, of integers so that no rank is rounded
        ordered = sorted(baseline)
        ends = sorted({ordered[-(-len(ordered) * tenth // 10) - 1] for tenth in range(1, 11)})
        bins = list(zip([ordered[0], *ends[:-1]], ends, strict=True))
        last = ordered[0]
    counts = np.zeros((2, len(bins) + 1))
    for side, values in enumerate((baseline, current)):
        for value in values:
            for place, (low, high) in enumerate(bins):
                if low < value <= high or value == low == high or (place == 0 and value == last):
                    counts[side, place] += 1
                    break
            else:
                counts[side, -1] += 1
    return counts[0], counts[1]


def by_scipy(name: str, baseline: np.ndarray, current: np.ndarray) -> float:
    """Return what scipy 1.17.1 says of counts in bins."""
    if name in ("KLDivergence", "PSI"):
        filled = baseline + current > 0
        q, p = baseline[filled] + 0.5, current[filled] + 0.5  # entropy() divides by the sums
        there = stats.entropy(p, q)
        return there if name == "KLDivergence" else there + stats.entropy(q, p)
    q, p = baseline / baseline.sum(), current / current.sum()
    if name == "JensenShannon":
        return distance.jensenshannon(p, q, base=2)
    return distance.euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2)


few = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=80)
many = st.lists(st.integers(-3, 3).map(float) | st.floats(-1e3, 1e3), min_size=1, max_size=80)


@pytest.mark.parametrize("name", BINNED)
@settings(max_examples=60, deadline=None)
@given(baseline=few | many, current=few | many)
def test_a_binned_measure_of_numbers_is_scipys(name, baseline, current):
    then, now = cut_by_hand(baseline, current)
    counts = bins_of_numbers(frozen(baseline), sketch_of(current))
    assert (counts.baseline.tolist(), counts.current.tolist()) == (then.tolist(), now.tolist())
    assert of_numbers(name, baseline, current) == pytest.approx(by_scipy(name, then, now), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", BINNED)
@settings(max_examples=40, deadline=None)
@given(baseline=st.text("abcdef", min_size=1), current=st.text("abcdefgh", min_size=1))
def test_a_binned_measure_of_categories_is_scipys(name, baseline, current):
    seen = Counter(baseline)
    then = np.array([*seen.values(), 0.0])
    now = np.array([*(current.count(value) for value in seen), sum(value not in seen for value in current)], float)
    assert of_categories(name, baseline, current) == pytest.approx(by_scipy(name, then, now), rel=1e-9, abs=1e-9)


spread = many.filter(lambda values: min(values) < max(values))


@settings(max_examples=60, deadline=None)
@given(baseline=spread, current=many)
@example(baseline=[0.0, 4.4426521956659113e-262], current=[1.0])  # the squares of the baseline are 0
def test_the_wasserstein_distance_is_scipys_over_the_baselines_standard_deviation(baseline, current):
    # scipy 1.17.1: stats.wasserstein_distance; Python's pstdev, which is exact, with the divisor n of statistics.json
    expected = stats.wasserstein_distance(baseline, current) / statistics.pstdev(baseline)
    assert of_numbers("Wasserstein", baseline, current) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    unknown = numerical("Wasserstein", NumericBaseline(sketch_of(baseline)), sketch_of(current))
    assert unknown == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(baseline=many, current=many)
def test_the_kolmogorov_smirnov_p_value_is_scipys(baseline, current):
    with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # that it cannot be exact for some ties
        expected = stats.ks_2samp(baseline, current).pvalue  # scipy 1.17.1
    assert of_numbers("KolmogorovSmirnov", baseline, current) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NUMERICAL)
@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(many, min_size=2, max_size=5), order=st.randoms(), current=many)
def test_sketches_that_are_merged_in_any_order_give_the_same(name, pieces, order, current):
    whole = of_numbers(name, [value for piece in pieces for value in piece], current)
    order.shuffle(pieces)
    merged = sketch_of(pieces[0])
    for piece in pieces[1:]:
        merged = merged.merge(sketch_of(piece))
    values = np.concatenate(pieces)
    baseline = NumericBaseline(merged, float(values.min()), float(values.max()), float(values.std()))
    assert numerical(name, baseline, sketch_of(current)) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    back = numerical(name, frozen(current), merged)
    assert back == pytest.approx(of_numbers(name, current, values), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", BINNED)
@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(st.text("abcdefgh", min_size=1), min_size=2, max_size=5), order=st.randoms())
def test_counts_that_are_merged_in_any_order_give_the_same(name, pieces, order):
    whole = of_categories(name, "aabbccdd", "".join(pieces))
    order.shuffle(pieces)
    merged = counts_of(pieces[0])
    for piece in pieces[1:]:
        merged = merged.merge(counts_of(piece))
    assert categorical(name, Counter("aabbccdd"), merged) == whole


@pytest.mark.parametrize("rows", [10_000, 100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_sketch_is_wrong_by_no_more_than_it_says_also_after_merging(rows):
    for seed in range(4):
        values = np.random.default_rng(seed).lognormal(size=rows)
        merged = sketch_of(values[: rows // 7])
        for piece in np.array_split(values[rows // 7 :], 9):
            merged = merged.merge(sketch_of(piece))
        ordered = np.sort(values)
        exact = np.searchsorted(ordered, ordered[:: rows // 1000], side="right") / rows
        for sketch in (sketch_of(values), sketch_of(ordered), merged):
            assert 0 < sketch.rank_error < 0.006
            wrong = np.abs(sketch.shares_up_to(ordered[:: rows // 1000]) - exact).max()
            assert wrong <= sketch.rank_error
            assert KllSketch.from_document(sketch.to_document()).rank_error == sketch.rank_error
    assert sketch_of(values[:2050]).rank_error == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.05, 1.0])
def test_measures_of_sketched_data_are_right_within_the_error_of_the_sketch(shift):
    generator = np.random.default_rng(5)
    baseline, current = generator.normal(size=200_000), generator.normal(shift, 1.0, size=300_000)
    sketches = sketch_of(baseline), sketch_of(current)
    error = sum(sketch.rank_error for sketch in sketches)
    exact = {name: by_scipy(name, *_tenths(baseline, current)) for name in BINNED}
    found = {name: of_numbers(name, baseline, current) for name in NUMERICAL}
    # A share of a bin is off by the error at both of its ends, a root of shares by that over twice the root.
    assert found["Hellinger"] == pytest.approx(exact["Hellinger"], abs=2 * error)
    assert found["JensenShannon"] == pytest.approx(exact["JensenShannon"], abs=3 * error)
    assert found["KLDivergence"] == pytest.approx(exact["KLDivergence"], abs=error + 6 * error * exact["Hellinger"])
    assert found["PSI"] == pytest.approx(exact["PSI"], abs=2 * error + 20 * error * exact["Hellinger"])
    # The area between two functions: the error times the range, which is 10 deviations or less.
    distance_moved = stats.wasserstein_distance(baseline, current) / baseline.std()  # scipy 1.17.1
    assert found["Wasserstein"] == pytest.approx(distance_moved, abs=10 * error)
    # The errors of the sketches alone are no drift; a shift of 0.05 in 200,000 values is.
    assert (found["KolmogorovSmirnov"] > 0.1) is (shift == 0.0)


def _tenths(baseline, current) -> tuple[np.ndarray, np.ndarray]:
    ends = np.quantile(baseline, np.arange(11) / 10, method="inverted_cdf")
    inside = [np.histogram(side[(side >= ends[0]) & (side <= ends[-1])], ends)[0] for side in (baseline, current)]
    then, now = (
        np.append(counts, side.size - counts.sum()) for counts, side in zip(inside, (baseline, current), strict=True)
    )
    return then.astype(float), now.astype(float)


# What each measure means at the edges: one meaning, in docs/compatibility/numbers.md.


@pytest.mark.parametrize("name", NUMERICAL)
@pytest.mark.parametrize("values", [[7.0], [7.0] * 30, [0.0, 1.0] * 30, list(range(100)), [-1e308, 1e308, 5e-324, 0.0]])
def test_nothing_has_changed_in_the_same_numbers(name, values):
    assert of_numbers(name, values, values) == (1.0 if name == "KolmogorovSmirnov" else 0.0)


@pytest.mark.parametrize("name", BINNED)
def test_nothing_has_changed_in_the_same_categories(name):
    for text in ("a", "aaaa", "abcabc"):
        assert of_categories(name, text, text) == 0.0


@pytest.mark.parametrize("name", NUMERICAL)
@pytest.mark.parametrize(("baseline", "current", "where"), [([], [1.0], "baseline"), ([1.0], [], "current data")])
def test_nothing_is_measured_without_values(name, baseline, current, where):
    result = numerical(name, NumericBaseline(sketch_of(baseline)), sketch_of(current))
    assert isinstance(result, Undefined)
    assert where in result.reason
    if MEASURES[name].categorical:
        assert isinstance(categorical(name, Counter(map(str, baseline)), counts_of(current)), Undefined)


def test_a_constant_column_that_is_another_constant_is_as_far_as_can_be():
    then, now = [5.0] * 100, [6.0] * 100
    assert of_numbers("JensenShannon", then, now) == 1.0
    assert of_numbers("Hellinger", then, now) == 1.0
    # By hand: shares 100.5 / 101 and 0.5 / 101 in two bins.
    assert of_numbers("KLDivergence", then, now) == pytest.approx(100 / 101 * math.log(201), rel=1e-12)
    assert of_numbers("PSI", then, now) == pytest.approx(2 * 100 / 101 * math.log(201), rel=1e-12)
    # By hand: 1 over the deviation of half fives, half sixes, which is 0.5.
    assert of_numbers("Wasserstein", then, now) == pytest.approx(2.0, rel=1e-12)
    assert of_numbers("KolmogorovSmirnov", then, now) < 1e-50


def test_one_value_of_a_thousand_beside_a_constant_is_a_small_distance_in_any_unit():
    for far in (1e-6, 1.0, 1e300):
        # By hand: far / 1000 over the deviation of a mixture in which far has share p = 1 / 2000.
        expected = 1 / 1000 / math.sqrt(1 / 2000 * (1 - 1 / 2000))
        assert of_numbers("Wasserstein", [0.0] * 1000, [0.0] * 999 + [far]) == pytest.approx(expected, rel=1e-9)


def test_a_column_that_becomes_constant_is_measured_in_the_baselines_deviations():
    # By hand: 0 and 2 both move by 1, which is the deviation.
    assert of_numbers("Wasserstein", [0.0, 2.0] * 50, [1.0] * 9) == pytest.approx(1.0, rel=1e-12)
    # 1 is not among the baseline's values.
    assert of_numbers("Hellinger", [0.0, 2.0] * 50, [1.0] * 9) == 1.0


def test_the_greatest_doubles_do_not_overflow():
    greatest = sys.float_info.max
    assert of_numbers("Wasserstein", [-greatest, greatest] * 9, [greatest] * 9) == pytest.approx(1.0, rel=1e-12)
    baseline = NumericBaseline(sketch_of([0.0, 1e-300]), 0.0, 1e-300, 5e-301)
    assert numerical("Wasserstein", baseline, sketch_of([greatest])) == greatest
    assert of_numbers("Wasserstein", [5e-324, 1e-323], [5e-324]) == pytest.approx(1.0, abs=0.5)
    for name in BINNED:
        assert math.isfinite(of_numbers(name, [-greatest, greatest] * 9, [greatest, 0.0]))


def test_a_rare_value_of_a_discrete_column_has_a_bin_of_its_own():
    # 5 % ones that vanish: deciles alone would not see it.
    then, now = [0.0] * 950 + [1.0] * 50, [0.0] * 1000
    for baseline, current in ((then, now), ([1 - x for x in then], [1 - x for x in now])):
        # By hand: 1 - the sum of roots of products of shares, as 2 H^2 = 2 - 2 sum.
        assert of_numbers("Hellinger", baseline, current) == pytest.approx(math.sqrt(1 - math.sqrt(0.95)), rel=1e-12)


def test_values_beyond_the_baselines_range_are_in_a_bin_of_their_own():
    baseline = np.arange(1000.0)
    counts = bins_of_numbers(frozen(baseline), sketch_of([-1.0, 0.0, 99.0, 100.0, 999.0, 999.5, 5000.0]))
    assert counts.baseline.tolist() == [100.0] * 10 + [0.0]
    assert counts.current.tolist() == [2.0, 1.0, 0, 0, 0, 0, 0, 0, 0, 1.0, 3.0]


def test_the_extremes_that_a_sketch_lost_are_within_the_baselines_range():
    baseline = NumericBaseline(sketch_of(np.arange(1000.0)), -5.0, 2000.0)
    counts = bins_of_numbers(baseline, sketch_of([-5.0, 2000.0, 2001.0]))
    assert (counts.current[0], counts.current[9], counts.current[-1]) == (1.0, 1.0, 1.0)


def test_all_categories_that_the_baseline_never_saw_are_one_bin_however_many():
    counts = CategoryCounts(known=["a"], limit=10)
    for start in range(0, 400, 40):
        values = ["a", *(f"new {i}" for i in range(start, start + 40))]
        counts.update(pl.DataFrame({"value": values, "count": [9] + [1] * 40}))
    assert not counts.is_exact
    bins = bins_of_categories({"a": 100, "gone": 0}, counts)
    assert bins.current.tolist() == [90.0, 0.0, 400.0]
    assert bins.baseline.tolist() == [100.0, 0.0, 0.0]


def test_one_category_on_both_sides_has_not_changed_and_another_one_has():
    for name in BINNED:
        assert of_categories(name, "aaa", "aaa") == 0.0
    assert of_categories("JensenShannon", "aaa", "bb") == 1.0
    assert of_categories("Hellinger", "aaa", "bb") == 1.0
    # By hand: bins of 3 and 0 then, 0 and 2 now, with a half added.
    expected = 0.5 / 3 * math.log(0.5 / 3 / (3.5 / 4)) + 2.5 / 3 * math.log(2.5 / 3 / (0.5 / 4))
    assert of_categories("KLDivergence", "aaa", "bb") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [*BINNED, "ChiSquared", "Robust"])
def test_categories_of_requests_of_equal_rows_are_as_far_apart_as_if_each_row_were_sent_once(name):
    before, now = "a" * 30 + "b" * 20, "a" * 18 + "b" * 21 + "c" * 11
    copied = categorical(name, Counter(before * 25), counts_of(now * 40), DesignEffects(25.0, 40.0))
    assert copied == pytest.approx(of_categories(name, before, now), rel=1e-9)


@pytest.mark.parametrize("name", [*BINNED, "Wasserstein", "Robust"])
def test_numbers_of_requests_of_equal_rows_are_as_far_apart_as_if_each_row_were_sent_once(name):
    generator = np.random.default_rng(12)
    before, now = generator.normal(size=40), generator.normal(0.8, 1.0, size=30)
    copied = numerical(name, frozen(np.repeat(before, 10)), sketch_of(np.repeat(now, 5)), DesignEffects(10.0, 5.0))
    assert copied == pytest.approx(of_numbers(name, before, now), rel=1e-9)


def test_the_kolmogorov_smirnov_test_of_requests_of_equal_rows_is_that_of_so_few_values():
    generator = np.random.default_rng(13)
    before, now = generator.normal(size=40), generator.normal(0.5, 1.0, size=40)
    arguments = (frozen(np.repeat(before, 25)), sketch_of(np.repeat(now, 25)))
    # scipy 1.17.1: the asymptotic p of 40 and 40 values, and of 1,000 and 1,000.
    expected = stats.ks_2samp(before, now, method="asymp").pvalue
    assert numerical("KolmogorovSmirnov", *arguments, DesignEffects(25.0, 25.0)) == pytest.approx(expected, rel=1e-9)
    assert numerical("KolmogorovSmirnov", *arguments) < 1e-6 < 0.01 < expected
