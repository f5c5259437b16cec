"""The exact test of two counts is Fisher's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch_analyzer.calibrated.two_counts import TwoCounts, different, different_each, more, more_each


@given(st.data(), st.integers(1, 400), st.integers(1, 400))
def test_tails_are_those_of_the_hypergeometric_law(data: st.DataObject, before: int, now: int) -> None:
    then, later = data.draw(st.integers(0, before)), data.draw(st.integers(0, now))
    law = stats.hypergeom(before + now, then + later, now)  # scipy 1.x, boost's law
    assert more(then, before, later, now)[0] == pytest.approx(law.sf(later - 1), rel=1e-8, abs=1e-300)
    assert more(later, now, then, before)[0] == pytest.approx(law.cdf(later), rel=1e-8, abs=1e-300)


def test_many_counts_are_tested_at_once_as_each_alone() -> None:
    then, later = np.array([0, 3, 20]), np.array([5, 12, 20])
    together = different(then, 1_000, later, 1_000)
    assert together.tolist() == [different(a, 1_000, b, 1_000)[0] for a, b in zip(then, later, strict=True)]
    # Five events, all now: 2 * C(1000, 5) / C(2000, 5).
    assert together[0] == pytest.approx(2 * 0.031093, rel=1e-3)


def test_large_counts_have_the_normal_law() -> None:
    exact = stats.hypergeom.sf(30_399, 200_000, 60_400, 100_000)
    assert more(30_000, 100_000, 30_400, 100_000)[0] == pytest.approx(exact, rel=2e-3)


def test_a_sample_without_rows_says_nothing() -> None:
    assert more(0, 10, 0, 0)[0] == 1
    assert different(10, 10, 10, 10)[0] == 1


_KINDS = st.integers(0, 4).flatmap(
    lambda kinds: st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)), min_size=kinds, max_size=kinds)
)


@given(st.lists(st.tuples(_KINDS, st.integers(3_000, 9_000), st.integers(3_000, 9_000)), max_size=8))
def test_tests_of_many_columns_have_the_digits_of_each_alone(
    tests: list[tuple[list[tuple[int, int]], int, int]],
) -> None:
    sides = [(np.array(kinds).reshape(-1, 2).T, before, now) for kinds, before, now in tests]
    counts = [TwoCounts(then, before, later, now) for (then, later), before, now in sides]
    for each, together in ((more, more_each), (different, different_each)):
        assert [p.tolist() for p in together(counts)] == [each(*count).tolist() for count in counts]
