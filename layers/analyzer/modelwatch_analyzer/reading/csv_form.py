"""Whether a file of separated values seems to have the form that it is read in: its separator, and its header.

What is implausible is said, with the option that changes it, and read as the options say. Only what a baseline makes
certain, or the inference ids of a transform job, is read otherwise, and that is said too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.profile.unusual_spellings import NUMBERS, Spelling, count_spellings, spelling_aside
from modelwatch_core.domain.dataset_formats import REQUEST, RESPONSE, TRANSFORM_OUTPUT, Separator

SEPARATORS: dict[Separator, str] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""The separators of fields, and the plural by which messages call each."""

NO_HEADER = '--no-header (in JSON "header": false)'
HEADER = '--header (in JSON "header": true)'

UUID_PATTERN = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
INFERENCE_TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})$"
"""The form of the times that transform jobs write at the end of each row, behind the inference id."""

_COMMA_NUMBER = re.compile(r"\s*+[-+]?[0-9.\s]*+,[0-9]++(?:[eE][-+]?[0-9]++)?\s*+")
_MAY_BE_NUMBER = re.compile(
    r"[^A-Za-z]*+(?:[A-Za-z]{1,3}+)?+[^A-Za-z]*+(?:[eE][^A-Za-z]*+)?+(?:[A-Za-z]{1,3}+)?+[^A-Za-z]*+"
)
"""Matches every number, and spares most texts a closer look."""
_LIBSVM = re.compile(r"\s*+(?:[-+.\deE]++\s++)?+(?:\d++:[-+.\deE]++\s*+)++")
_MOST_REPEATED = 0.5
"""A column holds categories if at most this share of its values are distinct."""
_FEWEST_CATEGORICAL_ROWS = 10
_NEARLY_ALL = 0.9

Fields = list[str]


_OF_ITS_PLACE = re.compile(rf"_c\d+$|(?:{REQUEST}|{RESPONSE}|{TRANSFORM_OUTPUT})\.")
"""Begins names that a column has by its place: by its number, or by the side of a record that it is in."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a baseline knows of the columns of a dataset.

    Attributes
    ----------
    names : tuple of str
        The names of columns, in the order of the baseline.
    fits : callable
        Whether the fields of a record, in that order, can only be values.
    optional : tuple of str
        Columns that had no value in some rows of the baseline. If records are objects, none of them may have such a
        field: programs leave null fields out.
    """

    names: tuple[str, ...]
    fits: Callable[[Sequence[str]], bool]
    optional: tuple[str, ...] = ()

    def absent(self, names: Collection[str]) -> list[str]:
        """Return the optional columns that objects with these fields lack, if they have any of the baseline's.

        A field whose name differs only in blanks, case or Unicode form may be the column, and is paired with it.
        """
        if set(names).isdisjoint(self.names):
            return []
        alike = set(map(spelling_aside, set(names).difference(self.names)))
        lacking = [name for name in self.optional if name not in names and spelling_aside(name) not in alike]
        return [name for name in lacking if not _OF_ITS_PLACE.match(name)]

    def is_header(self, fields: Fields) -> bool:
        """Return whether a record has the very names."""
        return len(fields) == len(self.names) and set(fields) == set(self.names)

    def is_row(self, fields: Fields) -> bool:
        """Return whether a record does not have the very names, and has a value of each column."""
        return len(fields) == len(self.names) and not self.is_header(fields) and self.fits(fields)


def ends_with_inference(fields: Fields) -> bool:
    """Return whether a record ends with an inference id and a time, as each row of a transform job's output may."""
    *before, inference_id, time = ["", "", *fields]
    return len(before) > 2 and bool(re.match(UUID_PATTERN, inference_id) and re.match(INFERENCE_TIME_PATTERN, time))


def separator_option(separator: Separator) -> str:
    """Return the option for a separator, as it is typed."""
    name, escaped = ("tab", r"\t") if separator == "\t" else (f"'{separator}'", separator)
    return f'--separator {name} (in JSON "separator": "{escaped}")'


def better_separator(
    separator: Separator, records: Sequence[Fields], split: Callable[[Separator], Sequence[Fields]]
) -> Separator | None:
    """Return the separator with which the first records are a table, if they are none, or one with torn numbers, now.

    Parameters
    ----------
    separator : str
        The one by which they were read.
    records : sequence of list of str
        The first records, as they were read; malformed ones have no fields.
    split : callable
        Returns the first records, read by another separator.
    """
    fields_of = {
        other: fields
        for other in SEPARATORS
        if other != separator
        and (not records[0] or any(other in field for field in records[0]))
        and _is_table(fields := split(other))
    }
    if _is_table(records):
        # Plausible as it is, unless the separator is in numbers only: 1,5;2,5.
        fields_of = {other: rows for other, rows in fields_of.items() if _has_only_in_numbers(rows, separator)}
    return max(fields_of, key=lambda other: len(fields_of[other][0]), default=None)


def unread_form(records: Sequence[Fields]) -> str | None:
    """Return how records of one field each seem to hold several columns, if no separator can be chosen for it."""
    texts = [fields[0] for fields in records if len(fields) == 1]
    if len(texts) < max(1, sum(map(bool, records))):
        return None
    if all(map(_LIBSVM.fullmatch, texts)) and any(text.count(":") > 1 for text in texts):  # 09:30 alone is a time
        return "pairs of index:value, as LIBSVM writes them"
    split = [text.split() for text in texts]
    if _is_table(split) and 2 * sum(map(_are_numbers, _columns(split, len(split[0])))) > len(split[0]):
        return "blanks between its fields"
    return None


def looks_like_row(header: Fields, rows: Sequence[Fields]) -> bool:
    """Return whether a header seems to be a row: a name is a number, or a value of its column, and all others may be.

    A column of numbers whose name is none contradicts that.
    """
    if not rows:
        return all(map(looks_like_number, header))
    evidence = text = known = 0
    for name, values in zip(header, _columns(rows, len(header)), strict=True):
        if looks_like_number(name):
            evidence += 1
        elif _are_numbers(values):
            if not _is_missing(name):
                return False
        else:
            text += 1
            known += name in values
    return evidence > 0 or 2 * known >= text > 0


def cannot_be_row(header: Fields, rows: Sequence[Fields]) -> bool:
    """Return whether a header certainly is no row: a column of numbers has a name that is none."""
    columns = _columns(rows, len(header))
    return any(
        _are_numbers(values) and not looks_like_number(name) for name, values in zip(header, columns, strict=True)
    )


def looks_like_header(first: Fields, rows: Sequence[Fields]) -> bool:
    """Return whether the first row seems to be a header: different texts, unlike all that follows in their columns."""
    if not rows or len(set(first)) < len(first) or not all(field.strip() for field in first):
        return False
    if _spellings(first):  # numbers, or words for a missing value
        return False
    columns = _columns(rows, len(first))
    if any(map(_are_numbers, columns)):
        return True
    return all(
        name not in values
        and len(values) >= _FEWEST_CATEGORICAL_ROWS
        and len(set(values)) <= _MOST_REPEATED * len(values)
        for name, values in zip(first, columns, strict=True)
    )


def _is_table(records: Sequence[Fields]) -> bool:
    """Return whether nearly all records have as many fields as the first, and it has more than one."""
    width = len(records[0]) if records else 1
    return width > 1 and sum(len(fields) == width for fields in records) >= _NEARLY_ALL * len(records)


def _has_only_in_numbers(records: Sequence[Fields], separator: str) -> bool:
    having = [field for fields in records for field in fields if separator in field]
    return all(map(_COMMA_NUMBER.fullmatch, having))


def _columns(rows: Sequence[Fields], width: int) -> list[list[str]]:
    complete = [fields for fields in rows if len(fields) == width]
    return [[value for value in values if value] for values in zip(*complete, strict=True)] or [
        [] for _ in range(width)
    ]


def _are_numbers(values: Sequence[str]) -> bool:
    """Return whether most values that are not missing are numbers, however they are spelled."""
    if not any(_MAY_BE_NUMBER.fullmatch(value) for value in values):
        return False
    counts = _spellings(values)
    return 2 * sum(counts[spelling] for spelling in NUMBERS) > len(values) - counts[Spelling.MISSING]


def looks_like_number(value: str) -> bool:
    """Return whether a name or value is a number, as files spell them."""
    return _are_numbers([value])


def _is_missing(value: str) -> bool:
    return not value or _spellings([value])[Spelling.MISSING] > 0


def _spellings(values: Iterable[str]) -> Counter[str]:
    return count_spellings(pl.Series("value", list(values), pl.String).value_counts())
