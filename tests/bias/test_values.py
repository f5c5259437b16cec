from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.bias.values import ABOVE, LISTED, NUMBER, ColumnFacts, DataType, Listed


def codes(listed: tuple[bool | float | str, ...], values: list[str | None]) -> list[int | None]:
    return Listed(listed).codes(pl.Series("c", values, pl.String)).to_list()


@pytest.mark.parametrize(
    ("listed", "value"),
    [
        ((1,), "1"),
        ((1,), "1.0"),
        ((1.0,), "1"),
        (("1",), "1.0"),
        ((True,), "true"),
        ((True,), "1"),
        ((1,), "True"),
        (("F",), "F"),
    ],
)
def test_values_are_equal_if_they_are_spelled_alike_or_the_same_number(listed, value):
    assert codes(listed, [value])[0] & LISTED


@pytest.mark.parametrize(("listed", "value"), [((1,), "10"), (("F",), "f"), ((0,), "no"), (("NaN",), "nan")])
def test_other_values_are_not(listed, value):
    assert not codes(listed, [value])[0] & LISTED


def test_what_is_above_a_threshold_is_noted_beside():
    expected = [LISTED + NUMBER, ABOVE + NUMBER, 0, None, NUMBER]
    assert codes((0.5,), ["0.5", "0.6", "x", None, "0.4"]) == expected
    assert codes((0, 1), ["0", "1", "2"]) == [LISTED, LISTED, 0]  # no threshold


@given(st.lists(st.sampled_from(["0", "1", "2.5", "x", None]), max_size=60))
def test_codes_of_frequent_values_are_those_of_each_for_itself(values):
    assert codes((1,), values) == [codes((1,), [value])[0] for value in values]


def data_type(values: list[str], listed: tuple[bool | float | str, ...]) -> DataType:
    facts, column = ColumnFacts(), pl.Series("c", values, pl.String)
    facts.update(column, Listed(listed).codes(column) if listed else None)
    return facts.data_type(listed)


@pytest.mark.parametrize(
    ("values", "listed", "expected"),
    [
        # smclarify's series_datatype
        (["F", "M", "D"], ("F",), "categorical"),
        (["true", "false"], (True,), "categorical"),
        (["0.5", "1.5", "2.5"], (1,), "continuous"),
        (["0.5", "1.5", "2.5"], (0.5, 1.5), "categorical"),
        ([str(i) for i in range(100)], (50,), "continuous"),
        ([str(i % 5) for i in range(100)], (3,), "continuous"),  # just a twentieth
        ([str(i % 4) for i in range(100)], (3,), "categorical"),
        # ours: 0 and 1 are categories however few or however spelled they are
        (["0", "1", "1", "0"], (1,), "categorical"),
        (["0.0", "1.0"], (1,), "categorical"),
        (["0", "1"], (), "categorical"),
        (["0", "1"], (0.5,), "continuous"),
    ],
)
def test_how_a_column_is_read(values, listed, expected):
    assert data_type(values, listed) == expected


@pytest.mark.parametrize(
    ("listed", "maximum", "whole", "expected"),
    [
        ((0.5,), 0.9936148802477393, False, "(0.5, 0.9936148802477393]"),  # SageMaker's own report
        ((40,), 90.0, True, "(40, 90]"),  # str of pandas' Interval(40, 90)
        ((40,), 90.5, False, "(40.0, 90.5]"),
        ((95,), 90.0, True, "(95, 95]"),  # no row; smclarify writes (90, 95]
    ],
)
def test_continuous_groups_are_named_by_their_interval(listed, maximum, whole, expected):
    assert Listed(listed).spelled(DataType.CONTINUOUS, maximum, whole=whole) == expected


def test_groups_of_categories_are_named_by_their_values():
    assert Listed((0, "x", True)).spelled(DataType.CATEGORICAL, 9.0, whole=True) == "0,x,True"
