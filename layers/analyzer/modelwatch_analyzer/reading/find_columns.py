"""Columns by name or index, and what is said where one does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from modelwatch_analyzer.reading.csv_form import NO_HEADER, SEPARATORS, looks_like_number, separator_option
from modelwatch_analyzer.wording import enumerated

_LISTED_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(,|\Z)')
"""A name in double quotes, or up to the next comma."""
_SIMILARITY = 0.7
"""A column at least this similar to the name that is looked for (difflib's ratio) is suggested: ``target`` is not for
``age``."""


def existing(columns: Sequence[str], wanted: str | int) -> str:
    """Say which columns there are instead of one that is wanted, and which one may be meant."""
    blanks = [name for name in columns if name.strip() == str(wanted).strip()]
    if blanks:
        return f"it has {blanks[0]!r}, which differs only in blanks: remove them from the header, or give this name"
    for separator, called in SEPARATORS.items():
        joined = [name for name in columns if separator in name]
        if 2 * len(joined) > len(columns) and any(str(wanted) in name.split(separator) for name in joined):
            return f"the names of its columns are separated by {called}: give {separator_option(separator)}"
    are_values = any(map(looks_like_number, columns))
    hint = f". If these are values, the file has no header: give {NO_HEADER}" if are_values else ""
    near = get_close_matches(str(wanted), columns, n=1, cutoff=_SIMILARITY)
    meant = f". Did you mean {near[0]!r}?" if near and not are_values else ""
    return f"it has {enumerated(list(map(repr, columns)))}{hint}{meant}"


def find_columns(columns: Sequence[str], names: str) -> tuple[str, ...] | None:
    """Return the columns that a text names: one, by `find_column`; those of the elements of a list; or several.

    Several names or indices are separated by commas. None if one does not exist.
    """
    if one := find_column(columns, names):
        return (one,)
    parts = ((name, *name.rpartition(".")) for name in columns)
    if elements := tuple(name for name, whole, _, index in parts if whole == names and index.isdecimal()):
        return elements
    found = tuple(find_column(columns, name) for name in listed(names))
    return None if None in found else tuple(dict.fromkeys(name for name in found if name))


def listed(names: str) -> tuple[str, ...]:
    """Return the names in a text that are separated by commas; one that has a comma or blanks at its ends is quoted."""
    found, start, separator = list[str](), 0, ","
    while separator and (name := _LISTED_NAME.match(names, start)):
        quoted, plain, separator = name.groups()
        found.append(plain if quoted is None else quoted.replace('""', '"'))
        start = name.end()
    return tuple(found)


def find_column(columns: Sequence[str], name: str) -> str | None:
    """Return the column with a name or, if there is none, with an index from 0; None if neither exists."""
    if name in columns:
        return name
    return columns[int(name)] if name.isdecimal() and int(name) < len(columns) else None


def names_among(columns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are columns, in the order of the names."""
    known = set(columns)
    return tuple(name for name in names if name in known)


def positional_names(count: int) -> tuple[str, ...]:
    """Name the columns of data without names as Spark does: ``_c0, _c1, ...``."""
    return tuple(f"_c{index}" for index in range(count))
