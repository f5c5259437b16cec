"""How values of text columns are spelled."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch_analyzer.profile import unusual_spellings
from modelwatch_analyzer.profile.columns import TextColumn
from modelwatch_analyzer.profile.lexical import infer_type
from modelwatch_analyzer.profile.spelling import MISSING_WORDS
from modelwatch_analyzer.profile.unusual_spellings import Spelling, count_spellings


def spelling(value: str) -> str | None:
    (found,) = count_spellings(pl.DataFrame({"value": [value], "count": [3]})).items() or [(None, 3)]
    assert found[1] == 3
    return found[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-1.5", "+ 2", ".5", "1e5", "007"], Spelling.NUMBER),
        (["NA", "nan", "NaN", "None", "null", "NULL", "-", " ", "N/A", "#N/A", " nan ", "?", "\\N"], Spelling.MISSING),
        (["1e400", "inf", "-Infinity"], Spelling.BEYOND_DOUBLE),
        (["1 ", "28.1 ", "  3", "\t4", "5\xa0", "-  6"], Spelling.BLANKS_AROUND),
        (["(1)", "(1,234.50)", "($ 12)", "( 3,5 )"], Spelling.BRACKETS),
        (["28.1%", "3 %", "-2,5 %", "7‰"], Spelling.PERCENT),
        (
            [
                "$1,200",
                "€ 3.50",
                "12 €",
                "-£5",
                "USD 7",
                "1.234,50 EUR",
                "₩1,200",
                "R$ 3,50",
                "Rs. 1,00,000",
                "12 kr",
                "5 zł",
            ],
            Spelling.CURRENCY,
        ),
        (
            ["1,234", "1,234,567.8", "1'234", "1 234", "1\u202f234 567", "1.234.567", "1_000", "12,34,567.8"],
            Spelling.THOUSANDS,
        ),
        (["28,1", "0,123", "1234,567", "-3,5", "1.234,56", "1 234,5", ",5"], Spelling.DECIMAL_COMMA),
        (["\u22125", "5-", "\u0663", "\uff11\uff12", "\u20131.5"], Spelling.OTHER_SIGN_OR_DIGITS),
        (
            [
                "2026-01-31",
                "2026-01-31 07:00:00.250",
                "2026-01-31T07:00:00+01:00",
                "2026/1/31",
                "20260131T070000Z",
                "31.01.2026",
                "31-01-2026",
                "1/31/26 7:00",
                "01/31/2026 07:00:00 AM",
                "31-Jan-2026",
                "31Jan2026",
                "Jan 31, 2026",
                "Sat, 31 Jan 2026 07:00:00 GMT",
                "Sat Jan 31 07:00:00 2026",
                "31/Jan/2026:07:00:00 +0000",
            ],
            Spelling.DATE,
        ),
        (["1.10.22", "10-20-30", "2026-01", "2026Q1", "May", "12 Maple 22", "31 Jan"], None),
        (["a", "12 kg", "1.2.3", "10:30", "true", "A-1", "1,2,3", "+", "x" * 50, "1" * 50 + " x"], None),
    ],
)
def test_a_value_has_one_spelling(values: list[str], expected: Spelling | None) -> None:
    assert {value: spelling(value) for value in values} == dict.fromkeys(values, expected)


_TEXT = st.sampled_from(["1", "2.5", "nan", "NA", "1,5", "3 ", "4%", "x", "1,234", "", "1e999"]) | st.text(max_size=5)


@given(st.lists(_TEXT, min_size=1), st.integers(0, 10))
def test_counts_do_not_depend_on_batches_and_numbers_are_those_of_the_grammar(values: list[str], cut: int) -> None:
    def column(part: list[str]) -> TextColumn:
        accumulator = TextColumn()
        if part:
            accumulator.update(pl.Series(part, dtype=pl.String))
        return accumulator

    whole = column(values)
    assert column(values[:cut]).merge(column(values[cut:])).spellings == whole.spellings
    numbers = sum(infer_type(pl.Series([value])).is_numeric for value in values)
    assert whole.spellings[Spelling.NUMBER] == numbers
    assert sum(whole.spellings.values()) <= len(values)


_TOKENS = [*"019.,+-()%‰$€'_ e", "12", "345", "678", "USD", "Kč", "R$", "inf", "\u00a0", "\u2212", "\u0663", "1e400"]
_LIKE_NUMBERS = st.lists(st.sampled_from(_TOKENS), max_size=6).map("".join)
_MISSING = st.builds(
    lambda word, upper, blanks: blanks + (word.upper() if upper else word) + blanks,
    st.sampled_from(sorted(MISSING_WORDS)),
    st.booleans(),
    st.sampled_from(["", " ", "\t\u00a0"]),
)


@given(st.lists(_LIKE_NUMBERS | _MISSING | _TEXT, min_size=1, max_size=20))
@example(["1e400", "(5)", "$5", "5 €", "1,234", "1.234.567", "0,5", "\u22125", "5-", "\u0663", " 5", "5%", "-2,5 %"])
def test_the_first_look_passes_over_no_value_that_has_a_spelling(values: list[str]) -> None:
    counts = pl.DataFrame({"value": values, "count": [1] * len(values)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unusual_spellings, "_SPELLED", "(?s).*")
        by_each_expression = count_spellings(counts)
    assert count_spellings(counts) == by_each_expression
