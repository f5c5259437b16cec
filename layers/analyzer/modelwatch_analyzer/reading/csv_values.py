"""Values of CSV that are spelled as options say: with a decimal comma, as missing, with blanks around them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.profile.unusual_spellings import MISSING_WORDS

USUAL = "usual"

_DECIMAL_COMMA = r"^[-+]? ?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]*)?|,[0-9]+)(?:[eE][-+]?[0-9]+)?$"
"""With points between thousands, or without."""


@dataclass(frozen=True, slots=True)
class ValueSpelling:
    """How values are spelled that plain CSV spells otherwise.

    Attributes
    ----------
    decimal_comma : bool
        Whether ``1.234,5`` is 1234.5, and ``1.234`` 1234.
    missing : Collection of str
        What else than an empty field is missing, in any case, with blanks around it or without; ``usual`` stands for
        `MISSING_WORDS`.
    blanks : bool
        Whether blanks around a value do not belong to it.
    """

    decimal_comma: bool = False
    missing: Collection[str] = ()
    blanks: bool = False

    def __bool__(self) -> bool:
        """Return whether any value is spelled otherwise."""
        return self.decimal_comma or self.blanks or bool(self.missing)

    def plain(self, values: pl.Series) -> pl.Series:
        """Return text as plain CSV spells it, with missing values as null."""
        name, values = values.name, values.alias("value")  # polars takes a name such as ^a.*$ for a pattern
        bare = values.str.strip_chars()
        if self.blanks:
            values = bare
        absent = (bare if self.blanks else values) == ""
        if self.missing:
            words = {word.strip().lower() for word in self.missing}
            absent |= bare.str.to_lowercase().is_in([*words, *(MISSING_WORDS if USUAL in words else ())])
        if self.decimal_comma:
            numbers = values.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
            values = numbers.zip_with(values.str.contains(_DECIMAL_COMMA).fill_null(value=False), values)
        nothing = pl.Series(name, [None], pl.String).new_from_index(0, len(values))
        return nothing.zip_with(absent.fill_null(value=True), values)
