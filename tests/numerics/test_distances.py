"""Distances against the numbers in Deequ's tests and SciPy's tests."""

from __future__ import annotations

import itertools

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


@pytest.mark.parametrize(
    ("one", "other", "robust", "distance"),
    [  # Deequ KLLDistanceTest.scala, "Categorial distance should compute correct linf_..."
        (A, B, False, 0.06015037593984962),
        (A, B, True, 0.0),
        (A, C, False, 0.2857142857142857),
        (A, C, True, 0.0),
    ],
)
def test_the_categorical_distance_is_deequs(one, other, robust, distance):
    assert l_infinity_categorical(one, other, robust=robust) == exactly(distance)
    assert l_infinity_categorical(other, one, robust=robust) == exactly(distance)


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


@pytest.mark.slow
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


CITIES = (
    [57, 58, 52, 58, 49, 47, 50, 42, 43, 44],
    [52, 51, 51, 43, 52, 34, 52, 52, 51, 62],
)
"""Two samples of 500 from ten categories with equal chances."""


@pytest.mark.parametrize(
    ("baseline", "current", "statistic", "p_value", "degrees"),
    [
        # scipy 1.17.1, stats.chi2_contingency(table, correction=False) of the two lines of counts
        (*(dict(zip("abcdefghij", line, strict=True)) for line in CITIES), 9.932359567610867, 0.35598882833663126, 9),
        # ... of [[300, 295, 5, 0], [10, 10, 0, 580]]: five categories that came once are one group.
        (
            {"basic": 300, "plus": 295} | dict.fromkeys("vwxyz", 1),
            {"basic": 10, "plus": 10, "new": 580},
            1122.6017979904814,
            4.5452330495576284e-243,
            3,
        ),
        # ... of [[400, 100], [500, 0]]: a category that went, and [[500, 0], [400, 100]]: one that came.
        ({"a": 400, "b": 100}, {"a": 500}, 1000 / 9, 5.59455723619152e-26, 1),
        ({"a": 500}, {"a": 400, "b": 100}, 1000 / 9, 5.59455723619152e-26, 1),
        # ... of [[600, 0], [0, 600]]: all that there was, went.
        ({"a": 600}, {"b": 600}, 1200.0, 6.099568814808675e-263, 1),
        # ... of [[600, 0], [590, 10]], where ten rows of 1,200 are of a new category
        ({"a": 600}, {"a": 590, "b": 10}, 10.084033613445378, 0.0014955957926975885, 1),
        # ... of [[30, 0], [20, 20]]: one side is smaller.
        ({"a": 30}, {"a": 20, "b": 20}, 21.0, 4.592833711753971e-06, 1),
    ],
)
def test_chi_squared_is_the_test_of_homogeneity_of_two_samples(baseline, current, statistic, p_value, degrees):
    result = chi_squared(baseline, current)
    assert isinstance(result, ChiSquared)
    assert result.statistic == pytest.approx(statistic, rel=1e-12)
    assert result.p_value == pytest.approx(p_value, rel=1e-9, abs=0)
    assert result.degrees_of_freedom == degrees


@pytest.mark.slow
def test_chi_squared_alarms_as_often_as_its_threshold_says():
    # By the definition of a p-value: 10 % and 1 % of samples of one distribution, whatever its shape; 600 draws.
    generator = np.random.default_rng(3)
    shapes = [np.full(10, 0.1), np.concatenate([np.full(20, 0.045), np.full(100, 0.001)])]
    for shares, (n, m) in itertools.product(shapes, [(500, 500), (600, 3000), (3000, 500)]):
        p_values = []
        for _ in range(600):
            one, other = (generator.multinomial(size, shares) for size in (n, m))
            # Of the rare ones a sample holds some, and the other sample some that this one never saw.
            drawn = ({f"{i:03}": int(k) for i, k in enumerate(side) if k} for side in (one, other))
            result = chi_squared(*drawn)
            assert isinstance(result, ChiSquared)
            p_values.append(result.p_value)
        assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.045)
        assert np.mean(np.array(p_values) < 0.01) < 0.03


def test_many_new_categories_that_are_all_rare_are_a_difference():
    baseline = {"a": 300, "b": 300}
    result = chi_squared(baseline, {"a": 200, "b": 200} | {f"new {i}": 1 for i in range(200)})
    assert isinstance(result, ChiSquared)
    assert result.p_value < 1e-20
    everything = chi_squared({f"old {i}": 1 for i in range(100)}, {f"new {i}": 1 for i in range(100)})
    assert isinstance(everything, ChiSquared)
    assert everything.p_value < 1e-20


def test_chi_squared_needs_two_groups_that_are_frequent_enough():
    rare = {"a": 100, "b": 2, "c": 2}
    assert isinstance(chi_squared(rare, rare), Undefined)
    assert isinstance(chi_squared({}, {}), Undefined)
    assert "the current data" in chi_squared(rare, {}).reason
    assert "the baseline" in chi_squared({}, rare).reason


def test_one_category_that_is_all_on_both_sides_has_not_changed():
    assert chi_squared({"a": 5}, {"a": 700}) == ChiSquared(statistic=0.0, p_value=1.0, degrees_of_freedom=0)
    assert chi_squared({"a": 5, "b": 0}, {"a": 700}) == chi_squared({"a": 5}, {"a": 700})


def test_of_two_categories_each_must_be_expected_five_times():
    # Cochran's rule, in the smaller sample: b is expected 10 / 2 times.
    result = chi_squared({"a": 96, "b": 4}, {"a": 94, "b": 6})
    assert isinstance(result, ChiSquared)
    # By hand: 2 (1^2 / 95 + 1^2 / 5)
    assert (result.degrees_of_freedom, result.statistic) == (1, pytest.approx(2 / 95 + 2 / 5, rel=1e-12))
    assert isinstance(chi_squared({"a": 96, "b": 4}, {"a": 95, "b": 5}), Undefined)


def test_a_fifth_of_the_categories_and_at_least_one_may_be_rare():
    # By hand: of 403 rows on each side one went from b to a, so 2 (0.5^2 / 100.5 + 0.5^2 / 99.5).
    baseline = {"a": 100, "b": 100, "c": 100, "d": 100, "e": 3}
    result = chi_squared(baseline, baseline | {"a": 101, "b": 99})
    assert isinstance(result, ChiSquared)
    assert (result.degrees_of_freedom, result.statistic) == (4, pytest.approx(0.5 / 100.5 + 0.5 / 99.5, rel=1e-12))
    # A second rare one of six is one too many: the two are grouped, and "e" and "f" become one.
    grouped = chi_squared(baseline | {"f": 4}, baseline | {"f": 4})
    assert isinstance(grouped, ChiSquared)
    assert grouped.degrees_of_freedom == 4


def test_a_category_that_the_baseline_lists_with_no_occurrence_counts_as_unseen():
    baseline, current = dict.fromkeys("abcdef", 100.0), dict.fromkeys("abcdefz", 100.0)
    assert chi_squared(baseline | {"z": 0.0}, current) == chi_squared(baseline, current)
    assert chi_squared(baseline | {"z": 0.0}, baseline) == chi_squared(baseline, baseline)


frequent = st.lists(st.tuples(st.integers(100, 500), st.integers(100, 500)), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None)
@given(counts=frequent)
def test_chi_squared_of_frequent_categories_is_scipys(counts):
    expected = np.array([fit for fit, _ in counts], dtype=float)
    observed = np.array([seen for _, seen in counts], dtype=float)
    reference = stats.chi2_contingency([expected, observed], correction=False)  # scipy 1.17.1
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
