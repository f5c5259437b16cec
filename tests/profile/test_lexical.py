"""The grammar of values, by which a column's type is inferred."""

from __future__ import annotations

import math
import re
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch_analyzer.profile import lexical
from modelwatch_analyzer.profile.lexical import ColumnType, infer_type, infer_types, read_numbers

INTEGRAL, FRACTIONAL, BOOLEAN, STRING, UNKNOWN = (
    ColumnType(name) for name in ("Integral", "Fractional", "Boolean", "String", "Unknown")
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        # Deequ, StatefulDataType.scala: INTEGRAL ^(-|\+)? ?\d+$
        *[(value, INTEGRAL) for value in ("0", "-7", "+7", "- 7", " 7", "007", "9" * 30)],
        # the same file's FRACTIONAL, of version 2.0.2 and of today: digits on one side of the point, or an exponent
        *[(value, FRACTIONAL) for value in ("1.5", "-1.5", "+ 1.5", "5.", ".5", "1e5", "1E-5", "1.5e+300", " .5")],
        # BOOLEAN ^(true|false)$
        *[(value, BOOLEAN) for value in ("true", "false")],
        *[
            (value, STRING)
            for value in ("True", "TRUE", "NaN", "nan", "inf", "-Infinity", "1e400", "9" * 400, "1e", ".", "-")
        ],
        *[
            (value, STRING)
            for value in ("  7", "7 ", " -7", "\t7", "1_000", "1,5", "0x10", "٣", "1.5f", "--5", "7\n", "abc")
        ],
    ],
)
def test_each_text_has_the_type_that_deequ_gives_it(value: str, kind: ColumnType) -> None:
    assert infer_type(pl.Series([value])) is kind


@pytest.mark.parametrize(
    ("kinds", "column"),
    [
        ([], UNKNOWN),
        ([UNKNOWN, INTEGRAL], INTEGRAL),
        ([INTEGRAL, FRACTIONAL], FRACTIONAL),
        ([BOOLEAN, BOOLEAN], BOOLEAN),
        ([BOOLEAN, INTEGRAL], STRING),
        ([BOOLEAN, FRACTIONAL], STRING),
        ([INTEGRAL, STRING], STRING),
        ([FRACTIONAL, STRING, BOOLEAN], STRING),
    ],
)
def test_types_of_values_combine_to_the_type_of_the_column(kinds: list[ColumnType], column: ColumnType) -> None:
    combined = UNKNOWN
    for kind in kinds:
        combined = combined.combine(kind)
    assert combined is column


@given(st.lists(st.sampled_from(list(ColumnType)), min_size=3, max_size=3))
def test_types_combine_in_any_order_and_grouping(kinds: list[ColumnType]) -> None:
    one, two, three = kinds
    assert one.combine(two) is two.combine(one)
    assert one.combine(two).combine(three) is one.combine(two.combine(three))
    assert one.combine(one) is one


def test_numbers_are_read_in_row_order_among_other_values() -> None:
    numbers = read_numbers(pl.Series(["1", None, "x", "-2.5", "- 3", "1e400", "true", "5."]))
    assert numbers.values.tolist() == [1.0, -2.5, -3.0, 5.0]
    assert (numbers.type, numbers.present, numbers.missing, numbers.integral) == (STRING, 7, 1, 2)


def test_whole_numbers_beyond_a_double_are_text_and_not_counted_as_integers() -> None:
    numbers = read_numbers(pl.Series(["9" * 400, "7", "-" + "9" * 400]))
    assert (numbers.values.tolist(), numbers.type, numbers.integral) == ([7.0], STRING, 1)


def test_typed_columns_keep_their_values() -> None:
    integers = read_numbers(pl.Series([1, None, 3], dtype=pl.Int64))
    assert (integers.values.tolist(), integers.type, integers.present, integers.missing, integers.integral) == (
        [1.0, 3.0],
        INTEGRAL,
        2,
        1,
        2,
    )
    broken = read_numbers(pl.Series([1.5, None], dtype=pl.Float64))
    assert (broken.values.tolist(), broken.type, broken.integral) == ([1.5], FRACTIONAL, 0)
    nothing = read_numbers(pl.Series([None, None], dtype=pl.Float64))
    assert (nothing.type, nothing.present, nothing.missing) == (UNKNOWN, 0, 2)


_INTEGRAL = re.compile(r"[-+]? ?[0-9]+")
_FRACTIONAL = re.compile(r"[-+]? ?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")


@given(st.lists(st.text("0159.+-eE _xn", max_size=7), max_size=10))
def test_values_types_and_counts_agree_with_pythons_float_and_the_grammar(values: list[str]) -> None:
    numeric = [value for value in values if _FRACTIONAL.fullmatch(value)]
    expected = [number for value in numeric if math.isfinite(number := float(value.replace(" ", "")))]
    numbers = read_numbers(pl.Series(values, dtype=pl.String))
    assert numbers.values.tolist() == expected
    integral = [
        value for value in numeric if _INTEGRAL.fullmatch(value) and math.isfinite(float(value.replace(" ", "")))
    ]
    assert numbers.integral == len(integral)


@given(st.text("0159.+-eE _xnaifty\t\n\u0661\u00a0", max_size=9) | st.floats().map(repr) | st.integers().map(str))
@example("1.")
@example(".5")
@example("+1.5e-7")
def test_what_polars_parses_as_a_finite_number_is_one_by_the_grammar(text: str) -> None:
    parsed = pl.Series([text], dtype=pl.String).cast(pl.Float64, strict=False)
    if parsed.is_finite().fill_null(value=False).item():
        assert _FRACTIONAL.fullmatch(text)


_TEXTS = st.none() | st.sampled_from(["1", "-2.5", "0.5", "1.", " 7", "1e400", "true", "x", "", "- 3", "nan", "1.5x"])


@given(st.lists(st.lists(_TEXTS, min_size=6, max_size=6), min_size=1, max_size=5), st.sampled_from([0, 2, 100]))
@example([["0.5", "1", "1.5x", None, None, None], ["0.5", "1", None, "2", "7", "8"], ["x", *["1"] * 5]], 2)
def test_types_of_many_columns_are_those_of_each_alone(columns: list[list[str | None]], few: int) -> None:
    frame = pl.DataFrame([pl.Series(f"^{place}.*$", values, pl.String) for place, values in enumerate(columns)])
    alone = [infer_type(pl.Series(values, dtype=pl.String).drop_nulls()) for values in columns]
    with patch.object(lexical, "_FEW", few):
        assert infer_types(frame) == alone


def test_text_of_a_column_of_numbers_is_read_whatever_the_name_of_the_column() -> None:
    numbers = read_numbers(pl.Series("^a.*$", ["1.5", None, "x"]))
    assert (numbers.values.tolist(), numbers.type, numbers.missing) == ([1.5], STRING, 1)
