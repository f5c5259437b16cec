"""Counts of values and of distinct values, which are exact up to a limit and then approximate."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.profile.categories import CategoryCounts, DistinctCounter

_values = st.lists(st.sampled_from([*"abcdefghij", "", "long" * 5]), max_size=60)
_chunks = st.lists(_values, max_size=6)


def counted(values: list[str], categories: CategoryCounts) -> CategoryCounts:
    categories.update(pl.Series(values, dtype=pl.String).value_counts())
    return categories


@given(_chunks)
def test_few_values_are_counted_exactly_in_any_split_and_merge(chunks: list[list[str]]) -> None:
    unsplit = CategoryCounts()
    merged = CategoryCounts()
    for chunk in chunks:
        counted(chunk, unsplit)
        merged = merged.merge(counted(chunk, CategoryCounts()))
    expected = Counter(value for chunk in chunks for value in chunk)
    for categories in (unsplit, merged):
        assert categories.is_exact
        assert categories.total == expected.total()
        assert list(categories.counts().items()) == sorted(expected.items(), key=lambda item: (-item[1], item[0]))
        assert categories.frequencies() == expected


@given(_chunks, st.sets(st.sampled_from("abc"), max_size=2), st.integers(1, 4))
def test_beyond_the_limit_counts_are_short_by_at_most_the_stated_error(
    chunks: list[list[str]], known: set[str], limit: int
) -> None:
    one = CategoryCounts(known=known, limit=limit)
    merged = CategoryCounts(known=known, limit=limit)
    for chunk in chunks:
        counted(chunk, one)
        merged = merged.merge(counted(chunk, CategoryCounts(known=known, limit=limit)))
    exact = Counter(value for chunk in chunks for value in chunk)
    for categories in (one, merged):
        counts = categories.counts()
        assert categories.total == exact.total()
        # Misra and Gries: for a total of n, counts are short by at most n / (limit + 1).
        assert categories.error <= exact.total() / (limit + 1)
        assert len(counts) <= limit + len(known)
        for value, times in exact.items():
            assert times - categories.error <= counts.get(value, 0) <= times
        for value in known:
            assert counts.get(value, 0) == exact[value]
        assert categories.count_of(known) == sum(exact[value] for value in known)
        assert sum(categories.frequencies().values()) == pytest.approx(exact.total())


def test_long_values_are_kept_only_as_far_as_they_fit() -> None:
    categories = CategoryCounts(bytes_limit=100)
    counted(["x" * 60] * 3 + ["y" * 60] * 2 + ["z"], categories)
    assert categories.counts() == {"x" * 60: 1}
    assert categories.error == 2


@given(_values.filter(bool), st.sets(st.sampled_from("abc"), max_size=2), st.integers(1, 6), st.integers(1, 60))
def test_what_is_dropped_does_not_depend_on_the_order_of_values_that_are_as_frequent(
    values: list[str], known: set[str], limit: int, bytes_limit: int
) -> None:
    exact = Counter(values)
    others = sorted((value for value in exact if value not in known), key=lambda value: -exact[value])
    sizes = [sum(len(value) for value in others[: place + 1]) for place in range(len(others))]
    fitting = [place < limit and size <= bytes_limit for place, size in enumerate(sizes)]
    is_small = len(exact) <= limit and sum(map(len, exact)) <= bytes_limit
    dropped = 0 if is_small or all(fitting) else exact[others[fitting.index(False)]]
    left = {value: times - dropped * (value not in known) for value, times in exact.items()}
    for shuffled in (sorted(values), sorted(values, reverse=True)):
        categories = counted(shuffled, CategoryCounts(known=known, limit=limit, bytes_limit=bytes_limit))
        assert categories.error == dropped
        assert categories.counts() == {value: times for value, times in left.items() if times > 0 or value in known}


def test_frequencies_of_many_values_add_up_and_no_placeholder_stands_out() -> None:
    categories = CategoryCounts(known=["a"], limit=50)
    for start in range(0, 5000, 500):
        counted(["a"] * 100 + [f"id-{number}" for number in range(start, start + 500)], categories)
    frequencies = categories.frequencies()
    assert frequencies["a"] == 1000
    assert sum(frequencies.values()) == pytest.approx(6000)
    assert max(count for value, count in frequencies.items() if value != "a") <= max(categories.error, 6000 // 50)


@given(st.lists(st.lists(st.integers(0, 40).map(str), max_size=30), max_size=5))
def test_distinct_values_are_counted_exactly_below_k_in_any_split_and_merge(chunks: list[list[str]]) -> None:
    unsplit, merged = DistinctCounter(), DistinctCounter()
    for chunk in chunks:
        values = pl.Series(chunk, dtype=pl.String)
        unsplit.update(values)
        part = DistinctCounter()
        part.update(values)
        merged = merged.merge(part)
    assert unsplit.count == merged.count == len({value for chunk in chunks for value in chunk})


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3000), max_size=4), st.integers(0, 1000))
def test_the_estimate_beyond_k_does_not_depend_on_order_or_split(sizes: list[int], seed: int) -> None:
    values = [str(number) for number in range(10_000)]
    unsplit, split = DistinctCounter(k=256), DistinctCounter(k=256)
    unsplit.update(pl.Series(values))
    random.Random(seed).shuffle(values)
    for size in [*sizes, len(values)]:
        part = DistinctCounter(k=256)
        part.update(pl.Series(values[:size]))
        split = split.merge(part)
    assert split.count == unsplit.count


def test_the_estimate_beyond_k_is_within_four_standard_errors() -> None:
    counter = DistinctCounter()
    for start in range(0, 200_000, 20_000):
        counter.update(pl.Series([f"value {number}" for number in range(start, start + 20_000)]))
    # Beyer et al. 2007: a relative standard error of 1 / sqrt(k - 2) with k = 16384, that is 0.78 %.
    assert counter.count == pytest.approx(200_000, rel=4 * 0.0078)


def test_another_process_gives_the_same_estimate() -> None:
    code = (
        "import polars as pl; from modelwatch_analyzer.profile.categories import DistinctCounter;"
        "c = DistinctCounter(k=100); c.update(pl.Series([str(n) for n in range(1000)])); print(c.count)"
    )
    counter = DistinctCounter(k=100)
    counter.update(pl.Series([str(number) for number in range(1000)]))
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(other.stdout) == counter.count
