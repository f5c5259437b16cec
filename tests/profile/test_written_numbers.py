"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.profile.lexical import is_number
from modelwatch_analyzer.profile.written_numbers import DecimalMark, plain_numbers


def read(values: list[str], mark: DecimalMark) -> tuple[list[str], list[bool]]:
    plain, others = plain_numbers(pl.Series("value", values, pl.String), mark)
    return plain.to_list(), others.to_list()


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("$1,234.50", "1234.50"),
        ("12.5 %", "12.5e-2"),
        ("7‰", "7e-3"),
        ("(1,234.50)", "-1234.50"),
        ("($ 12)", "-12"),
        ("-£5", "-5"),
        ("£-5", "-5"),
        ("+5", "5"),
        ("\u22123.5", "-3.5"),
        ("1'234", "1234"),
        ("1\u202f234\u202f567.8", "1234567.8"),
        ("1_000", "1000"),
        ("28.1 ", "28.1"),
        ("USD 7", "7"),
        ("R$ 3.50", "3.50"),
        ("12 kr", "12"),
        ("007", "007"),
        ("1e-3", "1e-3"),
        (".5", ".5"),
        ("5.", "5."),
    ],
)
def test_a_number_with_a_decimal_point_is_read(written: str, plain: str) -> None:
    assert read([written], ".") == ([plain], [False])
    swapped = written.translate(str.maketrans(",.", ".,"))
    assert read([swapped], ",") == ([plain], [False])


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("28,1", "."),
        ("0,123", "."),
        ("1.234,5", "."),
        ("1.5", ","),
        ("1,234.5", ","),
        ("5-", "."),
        ("(-5)", "."),
        ("1e3 %", "."),
    ],
)
def test_a_number_in_another_spelling_stays_and_is_reported(text: str, mark: DecimalMark) -> None:
    assert read([text], mark) == ([text], [True])


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(
    "text",
    ["", " ", ".", ",", "-", "%", "$", "()", "a", "12 kg", "2026-01-31", "10:30", "1.2.3", "1,2,3", "--5", "(5", "5)"],
)
def test_other_text_stays_without_a_remark(text: str, mark: DecimalMark) -> None:
    assert read([text], mark) == ([text], [False])


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e400"])
def test_what_is_beyond_a_double_stays_text(text: str) -> None:
    values, others = read([text], ".")
    assert others == [False]
    assert not is_number(pl.Series(values)).item()


def test_missing_values_stay_missing() -> None:
    assert read([None, "1,5"], ",") == ([None, "1.5"], [None, False])  # type: ignore[list-item]  # a missing value


@given(
    st.decimals(min_value=0, max_value=10**15, allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from(["{}", "-{}", "({})", "{} €", "$ {}", "-${}", "{} %", "{}%"]),
    st.sampled_from([(".", ","), (",", "."), (",", "'"), (".", " "), (",", "\u202f"), (".", "")]),
)
def test_every_number_is_read_at_its_value(number: Decimal, form: str, marks: tuple[DecimalMark, str]) -> None:
    decimal, thousands = marks
    written = form.format(f"{number:,.3f}".replace(",", "T").replace(".", decimal).replace("T", thousands))
    (plain,), others = read([written], decimal)
    value = Decimal(plain) * (100 if "%" in form else 1)
    assert (value, others) == (-number if form.startswith(("-", "(")) else number, [False])


@pytest.mark.parametrize(
    ("written", "plain"),
    [("₹12,34,567.50", "1234567.50"), ("1,00,000", "100000"), ("-12,34,56,789", "-123456789"), ("1,0,000", None)],
)
def test_lakhs_and_crores_are_groups_of_two_digits_above_the_thousands(written: str, plain: str | None) -> None:
    assert read([written], ".") == ([plain or written], [False])
