"""When two labels are the same class."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.model_quality.labels import PositiveValues, binary_class_of, class_of, sort_key
from modelwatch_core.domain.errors import InvalidInput


@pytest.mark.parametrize("value", ["1", "1.0", " 1 ", "01", "+1", "1e0", 1, 1.0])
def test_a_number_is_known_by_its_value(value):
    assert class_of(value) == "1"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("cat", "cat"),
        ("Cat", "Cat"),
        (" cat ", "cat"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        (0.5, "0.5"),
        ("-0", "0"),
        (-0.0, "0"),
        ("1e400", "1e400"),
        ("1.2.3", "1.2.3"),
        ("nan", "nan"),
        (12345678901234567890, "12345678901234567890"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_any_other_text_is_a_class_of_its_own(value, name):
    assert class_of(value) == name


@given(st.integers(-(2**60), 2**60))
def test_a_whole_number_and_its_spelling_are_one_class(number):
    assert class_of(number) == class_of(str(number)) == class_of(f" {number} ")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_and_its_spelling_are_one_class(number):
    assert class_of(number) == class_of(repr(number))


@given(st.text(max_size=20))
def test_a_class_is_its_own_name(text):
    assert class_of(class_of(text)) == class_of(text)


@pytest.mark.parametrize("value", ["1", "1.0", "true", "TRUE", "Yes", "y", "T", 1])
def test_these_spellings_are_positive(value):
    assert binary_class_of(value) == "1"


@pytest.mark.parametrize("value", ["0", "0.0", "-1", "false", "No", "n", "F", 0, -1])
def test_these_spellings_are_negative(value):
    assert binary_class_of(value) == "0"


@pytest.mark.parametrize("value", ["2", "maybe", "", 0.5])
def test_other_values_are_neither_positive_nor_negative(value):
    assert binary_class_of(value) is None


def test_numbers_are_sorted_by_value_and_before_text():
    assert sorted(["b", "10", "2", "a", "-1"], key=sort_key) == ["-1", "2", "10", "a", "b"]


@pytest.mark.parametrize(
    "column", [pl.Series(["yes", "no", "1"]), pl.Series([1, 0, 1]), pl.Series(["false", "0", "n"])]
)
def test_values_are_distinguished_whatever_the_columns_type(column):
    expected = [binary_class_of(value) == "1" for value in column.to_list()]
    values = PositiveValues("labels")
    assert values.among(column).to_list() == expected
    assert values.among(column).to_list() == expected


def test_the_refusal_of_a_third_class_does_not_quote_it():
    with pytest.raises(InvalidInput, match="1 distinct value is not") as refusal:
        PositiveValues("labels").among(pl.Series(["1", "secret"]))
    assert "secret" not in refusal.value.message
