"""How the values of a text column are spelled: numbers, as programs and as people write them, missing values, dates.

None of this changes a type. It is counted to say why a column of numbers is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from enum import StrEnum

import polars as pl

from modelwatch_analyzer.profile.lexical import is_number
from modelwatch_analyzer.profile.spelling import MISSING_WORDS


class Spelling(StrEnum):
    """How a value is spelled; each value has the first that fits, or none."""

    NUMBER = "number"
    MISSING = "missing_value"
    BEYOND_DOUBLE = "beyond_double"
    BLANKS_AROUND = "blanks_around"
    BRACKETS = "brackets"
    LIST_BRACKET = "list_bracket"
    PERCENT = "percent"
    CURRENCY = "currency"
    THOUSANDS = "thousands_separators"
    DECIMAL_COMMA = "decimal_comma"
    OTHER_SIGN_OR_DIGITS = "other_sign_or_digits"
    QUOTES = "quotes"
    DATE = "date"


_LONGEST = 40
_QUOTE = r"['\"\x{2018}\x{2019}\x{201c}\x{201d}]"
_LETTERED = (
    "USD|EUR|GBP|CHF|JPY|CAD|AUD|NZD|CNY|INR|BRL|SEK|NOK|DKK|PLN|"
    r"(?:US|CA|AU|NZ|HK|R|C|A)\$|Rs\.?|Fr\.?|kr\.?|zł|Kč"
)
DASHES = r"\x{2212}\x{2013}"  # the minus sign and the en dash
CURRENCY = rf"(?:\p{{Sc}}|{_LETTERED})"
BLANK = r"[\s\p{Zs}]*"
_SIGN = rf"[-+{DASHES}]?{BLANK}"
_PLAIN = r"(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?"
_GROUPS = r"[1-9][0-9]{0,2}(?:(?:(?:,[0-9]{3})+|(?:['\x{2019}_\s\p{Zs}][0-9]{3})+)(?:\.[0-9]*)?|(?:\.[0-9]{3}){2,})"
INDIAN = "[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
"""Numbers grouped in lakhs and crores: ``12,34,567``."""
_THOUSANDS = rf"(?:{INDIAN}(?:\.[0-9]*)?|{_GROUPS})"
_COMMA = r"(?:[0-9]+|[1-9][0-9]{0,2}(?:[.'\x{2019}\s\p{Zs}][0-9]{3})+)?,[0-9]+(?:[eE][-+]?[0-9]+)?"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_TIME = r"(?:[T :,].*)?"
DATE = "|".join(
    (
        rf"[0-9]{{4}}(?:-[0-9]{{1,2}}-|/[0-9]{{1,2}}/|\.[0-9]{{1,2}}\.)[0-9]{{1,2}}{_TIME}",
        r"[0-9]{8}T[0-9]{4}.*",
        rf"[0-9]{{1,2}}(?:-[0-9]{{1,2}}-|/[0-9]{{1,2}}/|\.[0-9]{{1,2}}\.)[0-9]{{4}}{_TIME}",
        rf"[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{2}}{_TIME}",  # 1.10.22 may be a version
        rf"(?:[A-Za-z]+,? )?[0-9]{{1,2}}[-/. ]{{0,2}}{_MONTH}[-/., ]{{0,2}}[0-9]{{2,4}}{_TIME}",
        rf"(?:[A-Za-z]+,? )?{_MONTH}\.? +[0-9]{{1,2}}(?:,? | [0-9:]{{5,8}} (?:[A-Z]{{3,4}} )?)[0-9]{{4}}{_TIME}",
    )
)
"""Days, with or without a time, as programs and people write them in English."""
_ANY = rf"{_SIGN}(?:{_PLAIN}|{_THOUSANDS}|{_COMMA})"
_PATTERNS = {
    Spelling.BEYOND_DOUBLE: rf"[-+]? ?(?:{_PLAIN}|(?i:inf(?:inity)?))",
    Spelling.BLANKS_AROUND: rf"[-+]?{BLANK}{_PLAIN}",
    Spelling.BRACKETS: rf"\({BLANK}{CURRENCY}?{_ANY}{BLANK}{CURRENCY}?%?{BLANK}\)",
    # Of a list that was cut at its commas, as old containers write probabilities.
    Spelling.LIST_BRACKET: rf"\[+{BLANK}{_SIGN}{_PLAIN}|{_SIGN}{_PLAIN}{BLANK}\]+",
    Spelling.PERCENT: rf"{_ANY}{BLANK}[%‰]",
    Spelling.CURRENCY: rf"{_SIGN}{CURRENCY}{BLANK}{_ANY}|{_ANY}{BLANK}{CURRENCY}",
    Spelling.THOUSANDS: rf"{_SIGN}{_THOUSANDS}",  # 1,234 may also have a decimal comma; 0,123 and 1234,567 must
    Spelling.DECIMAL_COMMA: rf"{_SIGN}{_COMMA}",
    Spelling.OTHER_SIGN_OR_DIGITS: rf"{_SIGN}\p{{Nd}}+(?:[.,]\p{{Nd}}*)?|{_PLAIN}{BLANK}[-{DASHES}]|{_SIGN}{_PLAIN}",
    Spelling.QUOTES: rf"=?{_QUOTE}{BLANK}{_SIGN}{_PLAIN}{BLANK}{_QUOTE}?",  # ='12', and '12 as spreadsheets mark text
}
NUMBERS = frozenset({Spelling.NUMBER, *_PATTERNS})
"""The spellings of numbers."""
_BARE = {Spelling.BEYOND_DOUBLE}
"""The spellings that may not have blanks around them."""

_MISSING_WORDS = "|".join(map(re.escape, sorted(MISSING_WORDS)))
_SPELLED = rf"^{BLANK}(?:{'|'.join((*_PATTERNS.values(), DATE))}|(?i:{_MISSING_WORDS})){BLANK}$"
"""Every value that has a spelling, and few others: for most text one look is enough."""


def number_like(values: pl.Series) -> pl.Series:
    """Return which texts are numbers in any spelling, and not beyond the range of a double; null stays null."""
    found = is_number(values)
    for spelling, pattern in _PATTERNS.items():
        if spelling not in _BARE:
            found |= values.str.contains(f"^{BLANK}(?:{pattern}){BLANK}$")
    return found


def count_spellings(counts: pl.DataFrame) -> Counter[str]:
    """Count values by their spelling.

    Parameters
    ----------
    counts : polars.DataFrame
        Two columns: distinct values, as String without nulls, and their counts.

    Returns
    -------
    Counter of str
        How many values have each `Spelling`; spellings that no value has, and other text, are not in it.
    """
    value, count = counts.get_columns()
    spelled = value.str.contains(_SPELLED)
    if not spelled.any():
        return Counter()
    value, count = value.filter(spelled), count.filter(spelled)
    number = is_number(value)
    found = Counter({str(Spelling.NUMBER): int(count.filter(number).sum())})
    left = ~number & (value.str.len_chars() <= _LONGEST)
    value, count = value.filter(left), count.filter(left)
    for spelling in Spelling:
        if not len(value):
            break
        if spelling is Spelling.MISSING:
            fits = value.str.strip_chars().str.to_lowercase().is_in(list(MISSING_WORDS))
        elif (pattern := DATE if spelling is Spelling.DATE else _PATTERNS.get(spelling)) is not None:
            blank = "" if spelling in _BARE else BLANK
            fits = value.str.contains(f"^{blank}(?:{pattern}){blank}$")
        else:
            continue
        found[spelling] = int(count.filter(fits).sum())
        value, count = value.filter(~fits), count.filter(~fits)
    return +found


def spelling_aside(text: str) -> str:
    """Return what is left of a name or a value without blanks around it, case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text.strip()).casefold())


_ANY_MARK = (Spelling.BRACKETS, Spelling.PERCENT, Spelling.CURRENCY, Spelling.THOUSANDS)
"""Spellings of numbers that may have either decimal mark."""


def number_option(spellings: Collection[str]) -> str | None:
    """Return the option that reads numbers of some spellings; None if there is none."""
    if Spelling.DECIMAL_COMMA in spellings:
        return "--decimal ',' (in an environment: decimal=,)"
    if any(kind in _ANY_MARK for kind in spellings):
        return "--decimal '.', or ',' if that is the decimal mark (in an environment: decimal=.)"
    return "--trim-blanks (in an environment: trim_blanks=true)" if Spelling.BLANKS_AROUND in spellings else None


def number_advice(spellings: Collection[str]) -> str:
    """Return what to add to a sentence about values that are no numbers; empty where no option reads them."""
    option = number_option(spellings)
    return f"; numbers in another spelling are read with {option}" if option else ""
