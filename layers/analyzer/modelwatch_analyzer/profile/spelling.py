"""When two spellings are one value, and which ones mean that there is no value.

A spelling is trimmed, and its characters are composed (Unicode's NFC), so that the two forms of ``é`` are one. A number
is known by its value, compared as a decimal and not as a double: ``1``, ``1.0``, ``01`` and ``1e0`` are one, and
``9007199254740993`` is not ``9007199254740992``. Any other text is a value of its own, case-sensitively.

The spellings of a missing value are those that pandas 2.3 reads as missing by default, and ``NaT``; nan, null, n/a and
the like in any case, but ``NA`` and ``None`` only so: ``none`` and ``na`` are often categories. They, and others that
R, Spark, Hive, SQL clients and spreadsheets write, are missing values where a setting says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from itertools import product

import polars as pl

_IN_ANY_CASE = ("nan", "-nan", "+nan", "null", "n/a", "<na>", "nat", "#n/a", "#na", "#n/a n/a")
_AS_SPELLED = ("", "NA", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")

MISSING = frozenset(_AS_SPELLED) | {
    "".join(letters)
    for word in _IN_ANY_CASE
    for letters in product(*({letter.lower(), letter.upper()} for letter in word))
}
"""Every spelling of a missing value."""

MAY_BE_MISSING = (
    *("na", "n.a.", "none", "nil", "(null)", "missing", r"\n", "-", "--", "?", "."),
    *("#value!", "#ref!", "#div/0!"),
)
"""Text, in lower case, that means a missing value unless it is a category."""

MISSING_WORDS = frozenset(map(str.lower, MISSING)) | frozenset(MAY_BE_MISSING)
"""All spellings of missing values, in lower case: those that always mean one, and those that may."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LONGEST = 400
"""The most characters of a number; longer text is not one."""

_MOST_DIGITS = 40
"""The most digits of a whole number that is written without an exponent."""

FIRST_INEXACT_DOUBLE = 2**53
"""The first whole number that may share its double with another."""

_EXACTLY = Context(prec=_LONGEST, Emax=MAX_EMAX, Emin=MIN_EMIN)
_FEW = 4
_MISSING = pl.Series(sorted(MISSING), dtype=pl.String)
_LONGEST_EXAMPLE = 40


def exact_number(text: str) -> Decimal | None:
    """Return the value of a number, None for other text and for what is beyond the greatest double."""
    text = text.strip()
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
        return None
    return Decimal(text)


def value_name(text: str) -> str:
    """Return what all spellings of a value are called: ``1``, ``0.5``, ``cat``."""
    number = exact_number(text)
    if number is None:
        return unicodedata.normalize("NFC", text.strip())
    if number == 0:
        return "0"
    if number.adjusted() < _MOST_DIGITS and number == number.to_integral_value():
        return str(int(number))
    double = repr(float(number))
    return double if Decimal(double) == number else str(number.normalize(_EXACTLY))


def value_or_truth_name(text: str) -> str:
    """Return what all spellings of a value are called, where ``true`` is 1 and ``false`` is 0."""
    truth = text.strip().lower()
    return str(int(truth == "true")) if truth in ("true", "false") else value_name(text)


def example_text(values: Iterable[str]) -> str:
    """Return the first two values for a message, each cut to 40 characters."""
    shown = list(values)
    cut = (each if len(each) <= _LONGEST_EXAMPLE else f"{each[: _LONGEST_EXAMPLE - 1]}…" for each in shown[:2])
    return ", ".join((*cut, "...") if len(shown) > 2 else cut)


def remark_on_words(what: str, values: Iterable[str]) -> Iterator[str]:
    """Say which values may mean that there is none, and what to give if they do.

    Parameters
    ----------
    what : str
        What has the values, for the sentence: ``the labels``.
    """
    words = [value for value in values if value.lower() in MAY_BE_MISSING]
    if words:
        yield (
            f"{what} have values that often mean a missing one ({example_text(words)}): if they do here, give "
            "--missing-values usual (in an environment: missing_values=usual)"
        )


def remark_on_doubles(what: str, values: Iterable[str]) -> Iterator[str]:
    """Say which whole numbers seem to have been stored as doubles, which cannot tell neighbours of this size apart."""
    numbers = {value: number for value in values if (number := exact_number(value)) is not None}
    large = [value for value, number in numbers.items() if abs(number) >= FIRST_INEXACT_DOUBLE]
    if large and all(Decimal(float(value)) == numbers[value] for value in large):
        yield (
            f"{what} have whole numbers from 2^53 on ({example_text(large)}), and all of them are doubles: if a file "
            "stores them as doubles, different numbers may have become equal; store them as integers or as text"
        )


def remark_on_codes(what: str, texts: Iterable[str]) -> Iterator[str]:
    """Say which texts of one column are the same number and may be codes of different values: ``01`` and ``1``.

    Decimals that are zero, a plus sign and a missing 0 before the decimal point are no such difference.
    """
    numbers: dict[Decimal, dict[tuple[str, ...], str]] = {}
    for text in sorted(texts):
        number = exact_number(text)
        if number:  # all spellings of 0 are 0
            numbers.setdefault(number, {}).setdefault(_written_as(text), text)
    alike = next((list(spelled.values()) for spelled in numbers.values() if len(spelled) > 1), None)
    if alike:
        yield (
            f"{what} that are the same number count as the same value, for instance {example_text(alike)}: if these "
            "are codes of different values, write them with a letter before the digits"
        )


def _written_as(number: str) -> tuple[str, ...]:
    mantissa, _, exponent = number.strip().lower().partition("e")
    whole, _, decimals = mantissa.lstrip("+-").partition(".")
    return whole or "0", decimals.rstrip("0"), exponent


def without_missing(column: pl.Series) -> pl.Series:
    """Return a column with null for text that means that there is no value; all other text stays as it is."""
    if column.dtype != pl.String:
        return column
    missing = column.str.strip_chars().is_in(_MISSING.implode()).fill_null(value=False)
    return column.set(missing, None) if missing.any() else column


def cleaned(column: pl.Series, kept: Collection[str] = ()) -> pl.Series:
    """Return text trimmed and composed, with null where it means that there is no value.

    Parameters
    ----------
    column : polars.Series
        Any type but String stays as it is.
    kept : collection of str
        What is a value although it is spelled as a missing one, because a configuration names it.
    """
    if column.dtype != pl.String:
        return column
    unique = column.unique()
    if len(unique) * _FEW >= len(column):
        return _cleaned(column, kept)
    values = _cleaned(unique, kept)
    if values.equals(unique, null_equal=True):
        return column
    return column.replace_strict(unique, values, return_dtype=pl.String)


def _cleaned(column: pl.Series, kept: Collection[str]) -> pl.Series:
    text = column.str.strip_chars()
    if text.str.len_bytes().sum() != text.str.len_chars().sum():
        text = text.str.normalize("NFC")
    missing = _MISSING.filter(~_MISSING.is_in(list(kept))) if kept else _MISSING
    found = text.is_in(missing.implode())
    return text.set(found.fill_null(value=False), None) if found.any() else text


def remark_on_alike(what: str, texts: Iterable[str]) -> Iterator[str]:
    """Say which texts are counted as different values and hardly are, one example for each way to differ."""
    known = sorted(text for text in texts if exact_number(text) is None)
    for how, key in _LITTLE_DIFFERENCES.items():
        alike: dict[str, list[str]] = {}
        for text in known:
            alike.setdefault(key(text), []).append(text)
        found = next((each for each in alike.values() if len(each) > 1), [])
        if found:
            shown = example_text("".join(map(_seen, text)) for text in found)
            yield f"{what} that differ only in {how} count as different, for instance {shown}"
            return


def _without_marks(text: str) -> str:
    """Return text without what is not seen, quotes around it, a final dot, and hyphens between words."""
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return _BETWEEN_WORDS.sub("", seen.strip(_AROUND).removesuffix(".").strip(_AROUND).casefold())


def _seen(character: str) -> str:
    return f"\\u{ord(character):04x}" if unicodedata.category(character) == "Cf" else character


_AROUND = " \t\"'`\u2018\u2019\u201c\u201d"
_BETWEEN_WORDS = re.compile(r"(?<=\w)[-_\s]+(?=\w)")
_LITTLE_DIFFERENCES = {
    "case": str.casefold,
    "blanks, hyphens, quotes, a final dot or invisible characters": _without_marks,
}
