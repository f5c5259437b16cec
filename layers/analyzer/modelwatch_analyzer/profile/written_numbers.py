"""Numbers as people write them: with a decimal comma, separators of thousands, a currency, a per cent sign, brackets.

They are read where a setting says which decimal mark they have. A per cent is a hundredth: ``12,5 %`` is 0.125, which
the first party's grammar writes ``12.5e-2``. Brackets make a number negative. The currency is no part of the number.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import polars as pl

from modelwatch_analyzer.profile.unusual_spellings import BLANK, CURRENCY, DASHES, INDIAN, number_like

DecimalMark = Literal[".", ","]


class PlainNumbers(NamedTuple):
    """Texts, with numbers as the grammar of `modelwatch_analyzer.profile.lexical` writes them.

    Attributes
    ----------
    values : polars.Series of String
        What is no number with the decimal mark is as it was.
    others : polars.Series of Boolean
        Which of the values are numbers in another spelling; null where there is no value.
    """

    values: pl.Series
    others: pl.Series


def plain_numbers(values: pl.Series, mark: DecimalMark) -> PlainNumbers:
    """Read numbers that are written with a decimal mark.

    Parameters
    ----------
    values : polars.Series
        A series of String.
    mark : {".", ","}
        The other one may be between thousands, as may blanks, apostrophes and underscores: ``1.234,5``.
    """
    found = values.str.extract_groups(_PATTERNS[mark]).struct.unnest()
    negative = pl.any_horizontal(pl.col("open", "close").is_not_null())
    for sign in ("sign", "inner_sign"):
        negative |= pl.col(sign).is_not_null() & (pl.col(sign) != "+")
    parts = (
        pl.when(negative).then(pl.lit("-")).otherwise(pl.lit("")),
        pl.col("whole").str.replace_all("[^0-9]", "").fill_null(""),
        ("." + pl.col("fraction")).fill_null(""),
        pl.col("exponent").fill_null(""),
        pl.col("share").replace_strict({"%": "e-2", "‰": "e-3"}, default="", return_dtype=pl.String),
    )
    table = found.select(_is_number().fill_null(value=False).alias("fits"), pl.concat_str(parts).alias("plain"))
    plain = table["plain"].zip_with(table["fits"], values).alias(values.name)
    return PlainNumbers(plain, number_like(values) & ~table["fits"])


def _is_number() -> pl.Expr:
    """Return whether the groups of a match make a number: with digits, and at most one sign, currency and exponent."""

    def at_most_one(*groups: str) -> pl.Expr:
        return pl.sum_horizontal(pl.col(group).is_not_null() for group in groups) <= 1

    digits = pl.col("whole").is_not_null() | (pl.col("fraction").str.len_bytes() > 0)
    brackets = pl.col("open").is_null() == pl.col("close").is_null()
    one_sign = at_most_one("open", "sign", "inner_sign")
    return digits & brackets & one_sign & at_most_one("before", "after") & at_most_one("exponent", "share")


def _pattern(mark: DecimalMark) -> str:
    thousands, decimal = (",", r"\.") if mark == "." else (r"\.", ",")
    grouped = rf"[1-9][0-9]{{0,2}}(?:(?:{thousands}[0-9]{{3}})+|(?:['\x{{2019}}_\s\p{{Zs}}][0-9]{{3}})+)"
    if mark == ".":
        grouped = f"{INDIAN}|{grouped}"
    return (
        rf"^{BLANK}(?P<open>\()?{BLANK}(?P<sign>[-+{DASHES}])?{BLANK}(?P<before>{CURRENCY})?{BLANK}"
        rf"(?P<inner_sign>[-+{DASHES}])?{BLANK}(?P<whole>{grouped}|[0-9]+)?(?:{decimal}(?P<fraction>[0-9]*))?"
        rf"(?P<exponent>[eE][-+]?[0-9]+)?{BLANK}(?P<after>{CURRENCY})?{BLANK}(?P<share>[%‰])?{BLANK}(?P<close>\))?"
        rf"{BLANK}$"
    )


_PATTERNS: dict[DecimalMark, str] = {".": _pattern("."), ",": _pattern(",")}
