"""The KLL sketch against a slow, literal implementation of Deequ's algorithm."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput


class ItemByItem:
    """Deequ's QuantileNonSample, which adds one item at a time (facts: Deequ QuantileNonSample, NonSampleCompactor)."""

    def __init__(self, k: int, c: float) -> None:
        self.k, self.c = k, c
        self.levels: list[list[float]] = [[]]
        self.offsets = [0]
        self.compressions = [0]

    def capacity(self, height: int) -> int:
        return 2 * (math.ceil(self.k * self.c**height / 2) + 1)

    def size(self) -> int:
        return sum(map(len, self.levels))

    def total_capacity(self) -> int:
        return sum(self.capacity(height) for height in range(len(self.levels)))

    def update(self, item: float) -> None:
        self.levels[0].append(item)
        if self.size() > self.total_capacity():
            self.condense()

    def condense(self) -> None:
        for height, level in enumerate(self.levels):
            if len(level) >= self.capacity(height):
                if height + 1 == len(self.levels):
                    self.expand()
                if self.compressions[height] % 2 == 1:
                    self.offsets[height] = 1 - self.offsets[height]
                self.compressions[height] += 1
                even = len(level) - len(level) % 2
                self.levels[height + 1] += sorted(level[:even])[self.offsets[height] :: 2]
                self.levels[height] = level[even:]
                return

    def expand(self) -> None:
        self.levels.append([])
        self.offsets.append(0)
        self.compressions.append(0)

    def merge(self, other: ItemByItem) -> None:
        while len(self.levels) < len(other.levels):
            self.expand()
        for height, theirs in enumerate(other.levels):
            self.levels[height] += theirs
        while self.size() >= self.total_capacity():
            self.condense()

    def rank(self, item: float, *, inclusive: bool) -> int:
        return sum(
            1 << height
            for height, level in enumerate(self.levels)
            for kept in level
            if kept < item or (inclusive and kept == item)
        )


def item_by_item(values: list[float], k: int, c: float) -> ItemByItem:
    sketch = ItemByItem(k, c)
    for value in values:
        sketch.update(value)
    return sketch


def sketch_of(values: list[float] | np.ndarray, k: int = 2048, c: float = 0.64) -> KllSketch:
    sketch = KllSketch(k=k, c=c)
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def levels(sketch: KllSketch) -> list[list[float]]:
    return sketch.to_document()["data"]


# Few distinct values and many, so that ties and long streams both occur; small k, so that many levels do.
values = st.lists(st.integers(-30, 30).map(float) | st.floats(-1e6, 1e6), max_size=300)
sizes = st.integers(2, 20)
shrinking = st.sampled_from([0.5, 0.64, 0.9, 1.0])


@settings(max_examples=60, deadline=None)
@given(values=values, k=sizes, c=shrinking)
@example(values=[float(index * 7 % 2003) for index in range(2000)], k=20, c=0.64)  # every level is compacted often
def test_updating_with_a_block_equals_updating_item_by_item(values, k, c):
    assert levels(sketch_of(values, k, c)) == item_by_item(values, k, c).levels


@settings(max_examples=60, deadline=None)
@given(values=values, k=sizes, cuts=st.lists(st.integers(0, 300), max_size=8))
def test_any_split_of_a_sequence_gives_the_identical_sketch(values, k, cuts):
    split = KllSketch(k=k)
    for block in np.split(np.array(values), sorted(min(cut, len(values)) for cut in cuts)):
        split.update(block)
    assert split.to_document() == sketch_of(values, k).to_document()
    assert split.count == len(values)


@settings(max_examples=60, deadline=None)
@given(first=values, second=values, third=values, k=sizes, c=shrinking)
def test_merged_sketches_and_their_updates_equal_those_of_deequ(first, second, third, k, c):
    expected = item_by_item(first, k, c)
    expected.merge(item_by_item(second, k, c))
    left, right = sketch_of(first, k, c), sketch_of(second, k, c)
    before = left.to_document(), right.to_document()

    merged = left.merge(right)
    assert levels(merged) == expected.levels
    assert (left.to_document(), right.to_document()) == before

    for value in third:
        expected.update(value)
    merged.update(np.array(third))
    assert levels(merged) == expected.levels


@settings(max_examples=60, deadline=None)
@given(values=values.filter(bool), k=sizes, n=st.integers(1, 12))
def test_buckets_count_by_the_ranks_of_their_bounds(values, k, n):
    low, high = min(values), max(values)
    expected = item_by_item(values, k, 0.64)
    bounds = [low + (high - low) * i / n for i in range(n + 1)]
    ranks = [expected.rank(bound, inclusive=i == n) for i, bound in enumerate(bounds)]

    buckets = sketch_of(values, k).buckets(low, high, n=n)

    assert [bucket.lower_bound for bucket in buckets] == bounds[:-1]
    assert [bucket.upper_bound for bucket in buckets] == bounds[1:]
    assert [bucket.count for bucket in buckets] == [above - below for below, above in itertools.pairwise(ranks)]


def test_eleven_values_are_compacted_as_computed_by_hand():
    # k=2: every level's capacity is 2 * (ceil(2 * 0.64**h / 2) + 1) = 4. The 5th value is one too many: 1 2 3 4 are
    # compacted from offset 0, so 1 and 3 go up. With two levels there is room for 8, so the 11th is one too many:
    # 5..10 are compacted from offset 1, so 6, 8 and 10 go up and 11 is left over.
    assert levels(sketch_of(np.arange(1.0, 12.0), k=2)) == [[11.0], [1.0, 3.0, 6.0, 8.0, 10.0]]


def test_the_default_sketch_is_exact_up_to_2050_values_and_compacts_at_the_next():
    # facts: capacity(0) = 2 * (ceil(2048 / 2) + 1) = 2050.
    sketch = sketch_of(np.arange(2050.0)[::-1])
    assert levels(sketch) == [list(np.arange(2050.0)[::-1])]
    sketch.update(np.array([7.5]))
    assert levels(sketch) == [[7.5], list(np.arange(0.0, 2050.0, 2.0))]


def test_a_million_values_have_a_rank_error_below_two_thousandths_in_a_few_thousand_items():
    values = np.random.default_rng(3).normal(size=1_000_000)
    sketch = sketch_of(values)
    items, weights = sketch.cumulative_weights()
    exact = np.searchsorted(np.sort(values), items, side="right")
    assert np.abs(weights - exact).max() / values.size < 0.002
    assert weights[-1] == sketch.count == values.size
    assert items.size < 6000


def test_repeated_values_add_up_to_one_item():
    items, weights = sketch_of([3.0, 1.0, 3.0, 2.0, 3.0]).cumulative_weights()
    assert items.tolist() == [1.0, 2.0, 3.0]
    assert weights.tolist() == [1.0, 2.0, 5.0]


def test_a_constant_column_has_one_bound_and_all_values_in_the_last_bucket():
    buckets = sketch_of([4.0] * 7).buckets(4.0, 4.0)
    assert {(bucket.lower_bound, bucket.upper_bound) for bucket in buckets} == {(4.0, 4.0)}
    assert [bucket.count for bucket in buckets] == [0.0] * 9 + [7.0]


def test_a_range_beyond_float64_still_has_finite_bounds():
    buckets = sketch_of([-1.7e308, 0.0, 1.7e308]).buckets(-1.7e308, 1.7e308)
    assert all(math.isfinite(bucket.upper_bound) for bucket in buckets)
    assert sum(bucket.count for bucket in buckets) == 3.0


def test_an_empty_sketch_has_no_items_and_no_counts():
    sketch = KllSketch()
    assert sketch.count == 0
    assert sketch.cumulative_weights()[0].size == 0
    assert sketch.to_document()["data"] == [[]]
    assert [bucket.count for bucket in sketch.buckets(0.0, 1.0)] == [0.0] * 10


def test_negative_zero_is_replaced_by_zero():
    assert str(levels(sketch_of([-0.0]))) == "[[0.0]]"


def test_the_callers_array_is_neither_changed_nor_kept():
    values = np.arange(5000.0)[::-1].copy()
    before = values.copy()
    sketch = sketch_of(values)
    document = sketch.to_document()
    assert np.array_equal(values, before)
    values[:] = -1.0
    assert sketch.to_document() == document


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        sketch_of([1.0, bad])


@settings(max_examples=30, deadline=None)
@given(values=values, k=sizes)
def test_a_sketch_survives_a_round_trip_through_its_document(values, k):
    sketch = sketch_of(values, k)
    document = json.loads(json.dumps(sketch.to_document(), allow_nan=False))
    assert KllSketch.from_document(document).to_document() == sketch.to_document()


def test_a_sketch_written_by_sagemaker_is_read():
    # facts: the sketch of a statistics.json from SageMaker's container.
    sketch = KllSketch.from_document({"parameters": {"c": 0.64, "k": 2048.0}, "data": [[0.0, 0.0, 1.0], [0.0]]})
    items, weights = sketch.cumulative_weights()
    assert (items.tolist(), weights.tolist()) == ([0.0, 1.0], [4.0, 5.0])


def test_a_sketch_with_more_items_than_its_capacity_can_still_be_updated():
    sketch = KllSketch.from_document({"parameters": {"c": 0.64, "k": 2.0}, "data": [list(map(float, range(100)))]})
    sketch.update(np.arange(50.0))
    assert sketch.count == 150


VALID = {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0]]}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "sketch",
        {},
        {"data": [[1.0]]},
        VALID | {"parameters": {"c": 0.64}},
        VALID | {"parameters": {"c": "0.64", "k": 2048}},
        VALID | {"parameters": {"c": 0.64, "k": 2048.5}},
        VALID | {"parameters": {"c": 0.64, "k": True}},
        VALID | {"parameters": {"c": 0.64, "k": 10**400}},
        VALID | {"parameters": {"c": 0.64, "k": 1}},
        VALID | {"parameters": {"c": math.nan, "k": 2048}},
        VALID | {"parameters": {"c": 1.5, "k": 2048}},
        VALID | {"data": 3},
        VALID | {"data": "1"},
        VALID | {"data": [1.0]},
        VALID | {"data": ["12"]},
        VALID | {"data": [["1.0"]]},
        VALID | {"data": [[None]]},
        VALID | {"data": [[True]]},
        VALID | {"data": [[[1.0]]]},
        VALID | {"data": [[math.nan]]},
        VALID | {"data": [[10**400]]},
        VALID | {"data": [[]] * 1000},
    ],
)
def test_a_document_that_is_not_a_sketch_is_refused(document):
    with pytest.raises(InvalidInput) as refused:
        KllSketch.from_document(document)
    assert refused.value.code == "InvalidSketch"


def test_sketches_of_different_parameters_do_not_merge():
    with pytest.raises(InvalidInput) as refused:
        KllSketch(k=100).merge(KllSketch(k=200))
    assert refused.value.code == "SketchesDiffer"


def test_weights_and_shares_are_those_of_all_values_after_every_update_and_merge():
    sketch, generator = KllSketch(k=4), np.random.default_rng(1)
    for size in (1, 5, 40, 3):
        sketch.update(generator.normal(size=size))
        before = sketch.cumulative_weights()
        merged = sketch.merge(sketch)
        assert before[1][-1] == sketch.count
        assert merged.cumulative_weights()[1][-1] == 2 * sketch.count
        assert sketch.cumulative_weights()[0].tolist() == sorted(
            {item for level in sketch.to_document()["data"] for item in level}
        )
        assert sketch.shares_up_to(np.array([-np.inf, np.inf])).tolist() == [0.0, 1.0]


def test_nothing_is_said_of_an_empty_sketch():
    empty = KllSketch()
    assert empty.rank_error == 0.0
    with pytest.raises(ValueError, match="without a value"):
        empty.percentiles([50])
    with pytest.raises(ValueError, match="without a value"):
        empty.shares_up_to(np.array([1.0]))
