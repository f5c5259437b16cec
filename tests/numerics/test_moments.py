"""Moments against exact arithmetic."""

from __future__ import annotations

import math
import statistics
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.moments import Moments

finite = st.floats(allow_nan=False, allow_infinity=False)
lists = st.lists(
    finite | st.floats(-1e3, 1e3) | st.floats(1e9, 1e9 + 1e-3) | st.integers(-(10**6), 10**6).map(float),
    min_size=1,
    max_size=60,
)


def moments_of(values) -> Moments:
    moments = Moments()
    moments.update(np.asarray(values, dtype=np.float64))
    return moments


def exact_std(values: list[float]) -> float:
    mean = Fraction(sum(map(Fraction, values)), len(values))
    variance = sum((Fraction(value) - mean) ** 2 for value in values) / len(values)
    # The root of a fraction that may be beyond float64, by way of integers.
    return float(Fraction(math.isqrt(int(variance * 4**1200)), 2**1200))


def same(a: Moments, b: Moments) -> bool:
    return (a.count, a.sum, a.mean, a.minimum, a.maximum) == (b.count, b.sum, b.mean, b.minimum, b.maximum)


@settings(max_examples=100, deadline=None)
@given(values=lists)
def test_moments_are_those_of_exact_arithmetic(values):
    moments = moments_of(values)
    total = sum(map(Fraction, values))
    greatest = max(map(abs, values))
    # Bits 2**-1074 below the greatest value may be lost, as documented.
    slack = greatest * len(values) * 2.0**-1000
    assert moments.mean == pytest.approx(float(total / len(values)), rel=1e-15, abs=slack)
    # Up to half a step beyond the greatest float64 rounds down to it.
    if abs(total) < 2**1024 - 2**970:
        assert moments.sum == pytest.approx(float(total), rel=1e-15, abs=slack)
    else:
        assert moments.sum == (math.inf if total > 0 else -math.inf)
    assert moments.population_std == pytest.approx(exact_std(values), rel=1e-9, abs=greatest * 1e-15)
    assert (moments.count, moments.minimum, moments.maximum) == (len(values), min(values), max(values))


@settings(max_examples=60, deadline=None)
@example(values=[0.0, 8e-286], cuts=[1])
@example(values=[0.0, 0.0, 5e-324, 1e-310], cuts=[1, 3])
@given(values=lists, cuts=st.lists(st.integers(0, 60), max_size=6))
def test_chunks_in_any_split_give_the_moments_of_the_whole(values, cuts):
    merged, updated = Moments(), Moments()
    for chunk in np.split(np.array(values), sorted(min(cut, len(values)) for cut in cuts)):
        merged = merged.merge(moments_of(chunk))
        updated.update(chunk)
    whole = moments_of(values)
    greatest = max(map(abs, values))
    for split in (merged, updated):
        assert (split.count, split.minimum, split.maximum) == (whole.count, whole.minimum, whole.maximum)
        assert split.mean == pytest.approx(whole.mean, rel=1e-15, abs=greatest * 1e-290)
        assert split.population_std == pytest.approx(whole.population_std, rel=1e-9, abs=greatest * 1e-15 + 5e-324)


@settings(max_examples=60, deadline=None)
@given(streams=st.lists(st.lists(finite | st.floats(-1e3, 1e3), max_size=12), max_size=8))
@example(streams=[[1e300, -1e300, 5.0], [], [0.0], [1e-310, 3e-310], [0.1] * 9])
def test_many_streams_at_once_have_the_moments_that_each_has_alone(streams):
    together = [Moments() for _ in streams]
    Moments.update_each(together, [np.array(values, dtype=np.float64) for values in streams])
    for moments, alone in zip(together, map(moments_of, streams), strict=True):
        assert (moments.count, moments.sum) == (alone.count, alone.sum)
        if alone.count:
            assert same(moments, alone)
            assert moments.population_std == pytest.approx(alone.population_std, rel=1e-13)


def test_the_sum_of_many_values_equals_fsum_to_the_last_bit():
    generator = np.random.default_rng(11)
    for values in (
        generator.normal(size=100_000),  # sums to nearly nothing
        generator.normal(size=100_000) * np.exp(30 * generator.normal(size=100_000)),  # many magnitudes
        np.round(generator.uniform(0, 500, 100_000), 2),
        np.tile([1e16, 1.0, -1e16], 30_000),
    ):
        moments = moments_of(values)
        assert moments.sum == math.fsum(values)
        assert moments.population_std == pytest.approx(values.std(), rel=1e-12)  # numpy.std, two passes
        assert same(moments, moments_of(values[::-1]))


def test_an_offset_costs_no_digits():
    values = np.random.default_rng(5).normal(size=50_000)
    # 1e9 + x is rounded to multiples of 1.2e-7, which adds a variance of (1.2e-7)**2 / 12: nothing at 1e-9.
    assert moments_of(1e9 + values).population_std == pytest.approx(values.std(), rel=1e-9)


def test_a_mean_that_no_float64_expresses_does_not_spoil_the_deviation():
    # The spacing of float64 at 1e9 is u = 2**-23. Mean 1e9 + u / 3, so the variance is (4 + 1 + 1) / 27 * u**2.
    moments = moments_of([1e9 + 2.0**-23, 1e9, 1e9])
    assert moments.population_std == pytest.approx(2.0**-23 * math.sqrt(2) / 3, rel=1e-12)


def test_the_standard_deviation_is_the_populations():
    # facts: a real statistics.json has std_dev 0.346265 for 325 ones among 2333 values, that is sqrt(p * (1 - p)).
    values = np.zeros(2333)
    values[:325] = 1.0
    assert moments_of(values).population_std == pytest.approx(0.346265, abs=5e-7)
    assert moments_of([1.0, 2.0, 4.0]).population_std == pytest.approx(statistics.pstdev([1.0, 2.0, 4.0]), rel=1e-15)


def test_a_constant_column_deviates_by_nothing_at_all():
    moments = moments_of([0.1] * 100_003)
    assert (moments.mean, moments.population_std) == (0.1, 0.0)


def test_a_sum_beyond_float64_is_infinite_while_mean_and_deviation_are_right():
    greatest = sys.float_info.max
    moments = moments_of([greatest] * 4)
    assert (moments.sum, moments.mean, moments.population_std) == (math.inf, greatest, 0.0)
    assert moments_of([-greatest] * 4).sum == -math.inf
    both = moments_of([greatest, -greatest])
    assert (both.sum, both.mean, both.population_std) == (0.0, 0.0, greatest)


def test_tiny_values_have_a_deviation_too():
    assert moments_of([1e-200, 3e-200]).population_std == pytest.approx(1e-200, rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        moments_of([1.0, bad, 2.0])


def test_nothing_has_no_mean():
    nothing = moments_of([])
    assert (nothing.count, nothing.sum) == (0, 0.0)
    with pytest.raises(ValueError, match="without a value"):
        _ = nothing.mean
    with pytest.raises(ValueError, match="without a value"):
        _ = nothing.population_std
    assert same(nothing.merge(moments_of([1.0, 2.0])), moments_of([1.0, 2.0]))
    assert same(moments_of([1.0, 2.0]).merge(nothing), moments_of([1.0, 2.0]))
