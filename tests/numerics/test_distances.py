"""Distances against the numbers in Deequ's tests and SciPy's tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelwatch_analyzer.distances.chi_squared import ChiSquared, chi_squared
from modelwatch_analyzer.distances.linf import l_infinity_categorical, l_infinity_numerical
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined


def sketch_of(values) -> KllSketch:
    sketch = KllSketch()
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def exactly(value: float):
    return pytest.approx(value, rel=1e-14, abs=0)


def test_the_numerical_distance_is_deequs():
    # Deequ KLLDistanceTest.scala, "KLL distance calculator should compute correct linf_simple" and "... linf_robust"
    one, other = sketch_of([1, 2, 3, 4]), sketch_of([2, 3, 4, 5])
    assert l_infinity_numerical(one, other, robust=False) == 0.25
    assert l_infinity_numerical(one, other, robust=True) == 0.0


A = {"a": 10, "b": 20, "c": 25, "d": 10, "e": 5}
B = {"a": 11, "b": 20, "c": 25, "d": 10, "e": 10}
C = {"f": 11, "a": 20, "c": 25, "d": 10, "e": 10}
D = {"a": 207, "b": 20, "c": 25, "d": 14, "e": 25, "g": 13}
E = {"a": 22, "b": 20, "c": 25, "d": 12, "e": 13, "f": 15}


@pytest.mark.parametrize(
    ("one", "other", "robust", "alpha", "distance"),
    [  # Deequ KLLDistanceTest.scala, "Categorial distance should compute correct linf_..."
        (A, B, False, None, 0.06015037593984962),
        (A, B, True, None, 0.0),
        (A, C, False, None, 0.2857142857142857),
        (A, C, True, None, 0.0),
        (D, E, True, 0.003, 0.2726338046550349),
        (D, E, True, 0.1, 0.33774199396969184),
    ],
)
def test_the_categorical_distance_is_deequs(one, other, robust, alpha, distance):
    assert l_infinity_categorical(one, other, robust=robust, alpha=alpha) == exactly(distance)
    assert l_infinity_categorical(other, one, robust=robust, alpha=alpha) == exactly(distance)


def test_robust_subtracts_what_chance_explains():
    # n = m = 100: 1.8 * sqrt(200 / 10000) = 0.2545584412271571
    shares = {"a": 100.0}, {"a": 50.0, "b": 50.0}
    assert l_infinity_categorical(*shares, robust=True) == exactly(0.5 - 0.2545584412271571)


values = st.lists(st.integers(-5, 5).map(float) | st.floats(-1e3, 1e3), min_size=2, max_size=100)


@settings(max_examples=60, deadline=None)
@given(one=values, other=values)
def test_the_numerical_distance_is_the_kolmogorov_smirnov_statistic(one, other):
    expected = stats.ks_2samp(one, other, method="asymp").statistic  # scipy 1.17
    distance = l_infinity_numerical(sketch_of(one), sketch_of(other), robust=False)
    assert distance == pytest.approx(expected, abs=1e-12)


def test_a_distance_from_sketches_of_many_values_is_close_to_the_exact_one():
    generator = np.random.default_rng(8)
    one, other = generator.normal(size=1_000_000), generator.normal(0.05, 1.0, size=1_000_000)
    exact = stats.ks_2samp(one, other, method="asymp").statistic  # scipy 1.17
    assert l_infinity_numerical(sketch_of(one), sketch_of(other), robust=False) == pytest.approx(exact, abs=0.002)


def test_a_distribution_is_at_no_distance_from_itself_and_at_1_from_one_that_shares_nothing():
    for robust in (False, True):
        assert l_infinity_numerical(sketch_of(range(9)), sketch_of(range(9)), robust=robust) == 0.0
        assert l_infinity_categorical(A, A, robust=robust) == 0.0
    assert l_infinity_numerical(sketch_of([1, 2]), sketch_of([3]), robust=False) == 1.0
    assert l_infinity_categorical({"a": 1}, {"b": 1}, robust=False) == 1.0


@pytest.mark.parametrize(
    ("baseline", "current", "where"), [([], [1.0], "the baseline"), ([1.0], [], "the current data")]
)
def test_there_is_no_distance_to_nothing(baseline, current, where):
    distance = l_infinity_numerical(sketch_of(baseline), sketch_of(current), robust=False)
    assert isinstance(distance, Undefined)
    assert where in distance.reason
    counts = {"a": float(len(baseline))}, {"a": float(len(current))}
    assert l_infinity_categorical(*counts, robust=False) == distance


@pytest.mark.parametrize(
    ("observed", "expected", "statistic", "p_value"),
    [  # Deequ KLLDistanceTest.scala, the chi-square cases; sample first, as there
        (
            {"a": 207, "b": 20, "c": 25, "d": 14, "e": 25, "g": 13},
            {"a": 223, "b": 20, "c": 25, "d": 12, "e": 13, "f": 15},
            28.175042782458068,
            3.3640191298478506e-5,
        ),
        (
            {"a": 207, "b": 20, "c": 25, "d": 14, "e": 25},
            {"a": 223, "b": 20, "c": 25, "d": 12, "e": 13},
            None,
            0.013227994814265176,
        ),
        (
            {"a": 100, "b": 20, "c": 25, "d": 10, "e": 5, "f": 2},
            {"a": 100, "b": 22, "c": 25, "d": 5, "e": 13, "f": 2},
            8.789790456457125,
            None,
        ),
        ({"a": 100, "b": 40, "c": 30, "d": 10}, {"a": 100, "b": 40, "c": 30, "e": 4}, 0.38754325259515626, None),
        ({"a": 100, "b": 4, "c": 3, "d": 27}, {"a": 100, "b": 4, "c": 3, "d": 34}, 1.1507901668129925, None),
        ({"a": 30}, {"a": 20, "b": 20}, None, 4.3204630539861455e-8),
    ],
)
def test_chi_squared_is_deequs(observed, expected, statistic, p_value):
    result = chi_squared(expected, observed)
    assert isinstance(result, ChiSquared)
    assert statistic is None or result.statistic == exactly(statistic)
    assert p_value is None or result.p_value == pytest.approx(p_value, rel=1e-12)


def test_chi_squared_needs_two_groups_that_are_frequent_enough():
    # Deequ KLLDistanceTest.scala: NaN for {a: 100, b: 4, c: 3} on both sides
    rare = {"a": 100, "b": 4, "c": 3}
    assert isinstance(chi_squared(rare, rare), Undefined)
    assert isinstance(chi_squared({"a": 50, "b": 50}, {"c": 100}), Undefined)
    assert isinstance(chi_squared({}, {}), Undefined)


def test_of_two_categories_each_must_be_expected_ten_times():
    # By hand, Cochran's rule: 10 of 100 are enough, and then (90 - 80)^2 / 90 + (10 - 20)^2 / 10 with 1 degree.
    result = chi_squared({"a": 90, "b": 10}, {"a": 80, "b": 20})
    assert isinstance(result, ChiSquared)
    assert (result.degrees_of_freedom, result.statistic) == (1, exactly(100 / 90 + 10))
    assert isinstance(chi_squared({"a": 91, "b": 9}, {"a": 80, "b": 20}), Undefined)


def test_a_fifth_of_the_categories_may_be_rare():
    # By hand: 403 observations; the differences are 1, -1 and 0, so 1/100 + 1/100; four degrees of freedom.
    baseline = {"a": 100, "b": 100, "c": 100, "d": 100, "e": 3}
    result = chi_squared(baseline, baseline | {"a": 101, "b": 99})
    assert isinstance(result, ChiSquared)
    assert (result.degrees_of_freedom, result.statistic) == (4, exactly(0.02))
    # A second rare one of six is one too many: the two are grouped, and "e" and "f" become one.
    grouped = chi_squared(baseline | {"f": 4}, baseline | {"f": 4})
    assert isinstance(grouped, ChiSquared)
    assert grouped.degrees_of_freedom == 4


def test_a_category_that_the_baseline_lists_with_no_occurrence_counts_as_unseen():
    baseline = dict.fromkeys("abcdef", 100.0)
    assert chi_squared(baseline | {"z": 0.0}, baseline | {"z": 50.0}) == chi_squared(baseline, baseline)


frequent = st.lists(st.tuples(st.integers(100, 500), st.integers(100, 500)), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None)
@given(counts=frequent)
def test_chi_squared_of_frequent_categories_is_scipys(counts):
    expected = np.array([fit for fit, _ in counts], dtype=float)
    observed = np.array([seen for _, seen in counts], dtype=float)
    reference = stats.chisquare(observed, expected / expected.sum() * observed.sum())  # scipy 1.17
    names = [f"c{i}" for i in range(len(counts))]
    result = chi_squared(dict(zip(names, expected, strict=True)), dict(zip(names, observed, strict=True)))
    assert isinstance(result, ChiSquared)
    assert result.statistic == pytest.approx(reference.statistic, rel=1e-9, abs=1e-9)
    assert result.p_value == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)
    assert result.degrees_of_freedom == len(counts) - 1


@settings(max_examples=40, deadline=None)
@given(counts=st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_the_order_of_the_categories_does_not_matter(counts):
    expected, observed = ({name: pair[side] for name, pair in counts.items()} for side in (0, 1))
    backwards = (dict(reversed(side.items())) for side in (expected, observed))
    assert chi_squared(expected, observed) == chi_squared(*backwards)
