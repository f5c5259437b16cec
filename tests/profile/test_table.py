"""The profile of a dataset is the same in any split, and in one or two passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.table import TableAccumulator, profile_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput

_spelled = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e6, 1e6, allow_nan=False).map(repr),
    st.sampled_from(["true", "false", "abc", "1e400", "x y", "NaN", "- 5"]),
)
_rows = st.lists(st.tuples(_spelled, _spelled), max_size=60)
_DTYPES = {"a": pl.Int64(), "b": pl.String()}


@dataclass
class InMemory:
    """A dataset of text columns, in batches of given sizes."""

    rows: list[tuple[str | None, ...]]
    cuts: tuple[int, ...] = ()
    columns: tuple[str, ...] = ("a", "b")
    named: bool = True
    passes: int = 0

    @property
    def input_columns(self) -> tuple[str, ...]:
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        self.passes += 1
        edges = [0, *sorted({min(cut, len(self.rows)) for cut in self.cuts}), len(self.rows)]
        for start, end in pairwise(edges):
            schema = dict.fromkeys(self.columns, pl.String())
            frame = pl.DataFrame(self.rows[start:end], schema=schema, orient="row")
            log.read += frame.height
            if frame.height:
                yield frame.select(list(plan.dtypes))


def seen(table: TableAccumulator) -> list[object]:
    numbers, text = table.columns["a"], table.columns["b"]
    assert not hasattr(numbers, "distinct")
    return [
        (numbers.type, numbers.present, numbers.missing, numbers.integral, numbers.negative, numbers.moments.count),
        numbers.sketch.to_document(),  # exact below 2051 values; see the tests of the sketch
        (text.type, text.present, text.missing, text.categories.counts(), text.distinct.count),
    ]


def accumulated(rows: list[tuple[str | None, ...]]) -> TableAccumulator:
    table = TableAccumulator.for_plan(Plan(_DTYPES), {})
    table.update(pl.DataFrame(rows, schema=dict.fromkeys("ab", pl.String()), orient="row"))
    return table


@settings(deadline=None)
@given(_rows, st.lists(st.integers(0, 60), max_size=5))
def test_any_split_into_batches_and_merged_parts_gives_the_same_profile(
    rows: list[tuple[str | None, ...]], cuts: list[int]
) -> None:
    unsplit = accumulated(rows)
    batched = TableAccumulator.for_plan(Plan(_DTYPES), {})
    merged = TableAccumulator.for_plan(Plan(_DTYPES), {})
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in pairwise(edges):
        batched.update(pl.DataFrame(rows[start:end], schema=dict.fromkeys("ab", pl.String()), orient="row"))
        merged = merged.merge(accumulated(rows[start:end]))
    for table in (batched, merged):
        assert seen(table) == seen(unsplit)
        moments, expected = table.columns["a"].moments, unsplit.columns["a"].moments
        assert (moments.sum, moments.minimum, moments.maximum) == (expected.sum, expected.minimum, expected.maximum)
        if moments.count:
            assert moments.mean == pytest.approx(expected.mean, rel=1e-12)
            # The deviation of nearly equal values is a difference of large sums.
            scale = max(abs(moments.minimum), abs(moments.maximum))
            assert moments.population_std == pytest.approx(expected.population_std, rel=1e-12, abs=1e-12 * scale)


@settings(deadline=None)
@given(_rows.filter(bool), st.lists(st.integers(0, 60), max_size=3))
def test_a_column_gets_the_statistics_of_its_type_whatever_its_first_batch_holds(
    rows: list[tuple[str | None, ...]], cuts: list[int]
) -> None:
    dataset = InMemory(rows, tuple(cuts))
    profile = profile_dataset(dataset)
    assert profile.records.read == len(rows)
    assert dataset.passes <= 3  # the first batch, and two passes
    for index, name in enumerate("ab"):
        values = [row[index] for row in rows if row[index] is not None]
        column = profile.columns[name]
        assert (column.present, column.missing) == (len(values), len(rows) - len(values))
        if column.type.is_numeric:
            assert column.numbers is not None
            floats = np.array([float(value.replace(" ", "")) for value in values])
            assert column.numbers.moments.count == len(values)
            assert column.numbers.moments.maximum == floats.max()
            assert column.numbers.negative == (floats < 0).sum()
        elif values:
            assert column.text is not None
            assert column.text.categories.counts() == Counter(values)


def test_a_column_that_is_not_of_the_expected_type_has_both_statistics() -> None:
    rows = [("1", "7"), ("x", "8"), ("3", None)]
    profile = profile_dataset(InMemory(rows), expected={"a": ColumnType.INTEGRAL, "b": ColumnType.STRING})
    mixed, numbers = profile.columns["a"], profile.columns["b"]
    assert mixed.type is ColumnType.STRING
    assert mixed.numbers is not None
    assert mixed.text is not None
    assert (mixed.numbers.integral, mixed.numbers.moments.sum) == (2, 4.0)
    assert mixed.text.categories.counts() == {"1": 1, "3": 1, "x": 1}
    assert numbers.type is ColumnType.INTEGRAL
    assert numbers.numbers is not None
    assert numbers.text is not None
    assert numbers.numbers.moments.mean == 7.5
    assert numbers.completeness == pytest.approx(2 / 3)


def test_only_the_requested_columns_are_profiled() -> None:
    profile = profile_dataset(InMemory([("1", "x")]), columns=["b"])
    assert list(profile.columns) == ["b"]


def test_a_dataset_without_rows_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        profile_dataset(InMemory([]))
    assert refused.value.code == "EmptyDataset"
