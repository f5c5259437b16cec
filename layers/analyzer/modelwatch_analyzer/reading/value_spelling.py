"""Values that are spelled as settings say: numbers with a decimal mark, text that is missing, blanks around values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Self

import polars as pl

from modelwatch_analyzer.profile.spelling import MISSING_WORDS
from modelwatch_analyzer.profile.written_numbers import DecimalMark, plain_numbers
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.number_text import count_text

USUAL = "usual"
_SINGLE_PRECISION = 2.0**-24
"""How far, relatively, a number of single precision may be from the one it stands for (IEEE 754)."""


@dataclass(slots=True)
class OtherSpellings:
    """Counts numbers that are not written with the decimal mark of the settings, and keeps where the first one is.

    Attributes
    ----------
    found : dict of str to (int, str)
        How many, and the place of the first, by column; or by what else holds them.
    """

    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, holder: str, count: int, place: str) -> None:
        """Add some; the place of the first call counts."""
        before, first = self.found.get(holder, (0, place))
        self.found[holder] = before + count, first

    def remarks(self, mark: DecimalMark | None) -> Iterator[str]:
        """Yield a sentence for each column that has any."""
        for holder, (count, place) in self.found.items():
            yield (
                f"{holder} has {count_text(count, 'number')} not written with the decimal mark {mark!r}, which were "
                f"left as they are (the first one is in {place}): check the mark"
            )


@dataclass(frozen=True, slots=True)
class ValueSpelling:
    """How values are spelled that the first party would spell otherwise.

    Attributes
    ----------
    decimal : {".", ","}, optional
        The mark of numbers as people write them, see `modelwatch_analyzer.profile.written_numbers`.
    missing : frozenset of str
        What else than an empty value is missing, in lower case. A number among them is missing in any spelling.
    blanks : bool
        Whether blanks around a value do not belong to it.
    """

    decimal: DecimalMark | None = None
    missing: frozenset[str] = frozenset()
    blanks: bool = False

    @classmethod
    def of(cls, settings: AnalysisSettings) -> Self:
        """Return the spelling that settings ask for; ``usual`` stands for `MISSING_WORDS`."""
        words = frozenset(word.strip().lower() for word in settings.missing_values)
        usual = MISSING_WORDS if USUAL in words else frozenset()
        return cls(settings.decimal, words | usual, settings.trim_blanks)

    def __bool__(self) -> bool:
        """Return whether any value is spelled otherwise."""
        return self.decimal is not None or self.blanks or bool(self.missing)

    @property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers that are missing, such as -999 or inf, also as columns of single precision hold them."""
        return _numbers_among(self.missing)

    def without_missing_numbers(self, column: pl.Series) -> pl.Series:
        """Return a column of numbers, or of text, with null in the place of numbers that are missing."""
        numbers = self.missing_numbers
        if not numbers:
            return column
        values = column.alias("value")  # polars takes a name such as ^a.*$ for a pattern
        bare = values.str.strip_chars() if values.dtype == pl.String() else values
        found = bare.cast(pl.Float64, strict=False).is_in(list(numbers))
        return column.set(found.fill_null(value=False), None)

    def plain(self, values: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return text as the first party would spell it, with missing values as null.

        Returns
        -------
        tuple of polars.Series
            The values, and which of them are numbers that are not written with the decimal mark.
        """
        name, values = values.name, values.alias("value")  # polars takes a name such as ^a.*$ for a pattern
        bare = values.str.strip_chars()
        if self.blanks:
            values = bare
        absent = values == ""
        if self.missing:
            absent |= bare.str.to_lowercase().is_in(list(self.missing))
        absent = absent.fill_null(value=True)
        others = pl.Series("others", [False]).new_from_index(0, len(values))
        if self.decimal is not None:
            values, others = plain_numbers(values, self.decimal)
        nothing = pl.Series(name, [None], pl.String).new_from_index(0, len(values))
        return self.without_missing_numbers(nothing.zip_with(absent, values)), others.fill_null(value=False) & ~absent

    def plain_frame(self, frame: pl.DataFrame, others: OtherSpellings, file: str, before: int) -> pl.DataFrame:
        """Return a batch of a file with its text as the first party would spell it.

        Parameters
        ----------
        others : OtherSpellings
            Takes in what is not written with the decimal mark.
        before : int
            How many rows of the file were read before.
        """
        columns = []
        for column in frame.iter_columns():
            if column.dtype != pl.String():
                columns.append(column)
                continue
            values, other = self.plain(column)
            columns.append(values)
            if other.any():
                others.add(repr(column.name), int(other.sum()), f"row {before + (other.arg_max() or 0) + 1} of {file}")
        return pl.DataFrame(columns)


@cache
def _numbers_among(words: frozenset[str]) -> frozenset[float]:
    exact = pl.Series([number for word in words if (number := _number(word)) is not None], dtype=pl.Float64)
    single = exact.cast(pl.Float32).cast(pl.Float64)  # which makes infinities and zeros of what it cannot hold
    return frozenset((*exact, *single.filter((single - exact).abs() <= _SINGLE_PRECISION * exact.abs())))


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return None if math.isnan(number) else number


AS_WRITTEN = ValueSpelling()
"""Reads values as the first party would."""
