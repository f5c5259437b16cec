"""One notion of equal and of missing values."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.profile.spelling import MISSING, cleaned, exact_number, example_text, value_name

# pandas 2.3, pandas._libs.parsers.STR_NA_VALUES.
OF_PANDAS = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"]
OF_PANDAS += ["NA", "NULL", "NaN", "None", "n/a", "nan", "null"]


@pytest.mark.parametrize("text", [*OF_PANDAS, "NAN", "Null", "NaT", " nan ", "\tNone"])
def test_text_that_means_missing_is_missing(text):
    assert cleaned(pl.Series([text, "a"])).to_list() == [None, "a"]


@pytest.mark.parametrize("text", ["none", "na", "Na", "unknown", "0", "nane", "-", "?"])
def test_what_may_be_a_category_is_a_value(text):
    assert cleaned(pl.Series([text])).to_list() == [text]


def test_what_a_configuration_names_is_a_value():
    assert cleaned(pl.Series(["NA", "nan", "x"]), ["NA"]).to_list() == ["NA", None, "x"]


@given(
    st.lists(st.none() | st.sampled_from([*sorted(MISSING)[:20], " a", "a", "e\u0301", "b "]), min_size=1), st.data()
)
def test_values_are_cleaned_one_by_one_however_often_they_occur(values, data):
    column = pl.Series(values, dtype=pl.String)
    repeated = pl.Series(values * 9, dtype=pl.String)
    expected = [
        None if value is None or value.strip() in MISSING else unicodedata.normalize("NFC", value.strip())
        for value in values
    ]
    assert cleaned(column).to_list() == expected
    assert cleaned(repeated).to_list() == expected * 9


def test_numbers_stay_as_they_are():
    column = pl.Series([1.5, None])
    assert cleaned(column) is column


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (["9007199254740993", "9007199254740993.0", "9.007199254740993e15", "+09007199254740993"], "9007199254740993"),
        (["9007199254740992", "9007199254740992.00"], "9007199254740992"),
        (["-18446744073709551617", "-18446744073709551617.0"], "-18446744073709551617"),
        (["1e20", "100000000000000000000", "100000000000000000000.0"], "100000000000000000000"),
        (["0", "-0", "0.0", "-0e5", "000"], "0"),
        (["0.1", ".1", "0.10", "1e-1"], "0.1"),
        (["0.1000000000000000000001", "1000000000000000000001e-22"], "0.1000000000000000000001"),
        (["1e300", "10e299"], "1e+300"),
        (["e\u0301", "\u00e9", " \u00e9 "], "\u00e9"),
        (["\u212b", "\u00c5", "A\u030a"], "\u00c5"),
    ],
)
def test_spellings_of_one_value_have_one_name(spellings, name):
    assert {value_name(spelling) for spelling in spellings} == {name}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value="-1e60", max_value="1e60"))
def test_numbers_are_equal_if_their_decimals_are(number):
    text, longer = str(number), f"{number:f}" + ("0" if "." in f"{number:f}" else ".0")
    assert value_name(text) == value_name(longer) == value_name(value_name(text))
    assert exact_number(value_name(text)) == number


@given(st.integers(2**53, 2**70), st.integers(1, 9))
def test_whole_numbers_that_differ_are_never_one_though_their_doubles_are(number, step):
    assert value_name(str(number)) != value_name(str(number + step))
    assert value_name(str(number)) == value_name(f"{number}.0")


@pytest.mark.parametrize("text", ["1e400", "9" * 500, "1e999999999999", "1_000", "٣", "0x10", "inf", "nan"])
def test_what_no_double_comes_near_is_text(text):
    assert exact_number(text) is None
    assert value_name(text) == text


def test_numbers_keep_their_value_however_small_they_are():
    assert exact_number("1e-999999") == Decimal("1e-999999")
    assert value_name("10e-1000000") == value_name("1e-999999")


def test_examples_are_two_and_short():
    assert example_text(["a"]) == "a"
    assert example_text(["a", "b"]) == "a, b"
    assert example_text(["a", "b" * 50, "c"]) == f"a, {'b' * 39}…, ..."
