"""JSON documents to rows: which records a document holds, and the columns of a record.

The rule, the same for captured payloads and for files:

- A list of objects or of lists holds a record in each. So does an object with one field alone, if the field is such a
  list: ``{"instances": [...]}``. A list of nothing holds no records. Anything else is one record.
- The fields of a record that is an object become columns by their names, those of objects within by dotted names
  (``customer.age``), elements of lists by their index from 0 (``features.0``), at any depth.
- The elements of a record that is a list become columns by their position; lists and objects within are taken apart
  in place.
- Of an object or list without content its name stays, as a column without a value.

Values are spelled as they are in the document: ``1.50`` remains ``1.50``, so that JSON and CSV files of the same data
have the same types. ``true`` and ``false`` are spelled so; null, and a text of no characters, are missing values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

DEEPEST = 32
"""How many objects and lists may lie within each other in a record."""

MOST_COLUMNS = 10_000
"""How many columns a record may become."""

_DECODER = msgspec.json.Decoder(float_hook=str)


class Unflattenable(Exception):
    """Why a document cannot be rows; the words hold none of its content."""


def decode(text: bytes | str) -> Any:
    """Parse JSON, fractional numbers as text as they are spelled. Of fields of the same name the last one stands.

    Raises
    ------
    Unflattenable
        If the text is not JSON (NaN and Infinity are not), is not UTF-8, holds a whole number of more than 4300
        digits, or is nested so deeply that the parser gives up; how deeply depends on the version of Python, but is
        always far more than `DEEPEST`.
    """
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        raise Unflattenable("a whole number has too many digits") from None
    except UnicodeDecodeError:
        raise Unflattenable("not UTF-8") from None
    except msgspec.DecodeError:
        raise Unflattenable("not JSON") from None
    except RecursionError:
        raise _nested_too_deeply() from None


def records_of(document: Any) -> list[Any]:
    """Return the records that a document holds, objects or lists; see the module for the rule."""
    content = document
    if isinstance(document, dict) and len(document) == 1:
        (content,) = document.values()
    listed = isinstance(content, list) and all(isinstance(record, dict | list) for record in content)
    if listed and (content or content is document):
        return list(content)
    return [document if isinstance(document, dict | list) else [document]]


def flatten(record: dict[str, Any] | list[Any]) -> dict[str, str | None]:
    """Return the columns of a record, by name in the order in which they stand.

    The names of a record that is a list are no names of columns: the values count by their position.

    Raises
    ------
    Unflattenable
        If it is nested more deeply than `DEEPEST`, becomes more than `MOST_COLUMNS` columns, or a column has no name
        or that of another (``{"a.b": 1, "a": {"b": 2}}``).
    """
    columns: dict[str, str | None] = {}
    for name, value in _leaves(record, "", 1):
        if not name.strip():
            raise Unflattenable("a field has no name")
        if name in columns:
            raise Unflattenable("two fields become columns of the same name")
        if len(columns) == MOST_COLUMNS:
            raise Unflattenable(f"more than {MOST_COLUMNS} columns")
        columns[name] = value
    return columns


def spelled(value: str | int | bool | None) -> str | None:
    """Spell a value that is neither an object nor a list, as `decode` gives it; None for a missing one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or value == "" else str(value)


def _leaves(value: dict[str, Any] | list[Any], prefix: str, depth: int) -> Iterator[tuple[str, str | None]]:
    if depth > DEEPEST:
        raise _nested_too_deeply()
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        path = f"{prefix}{name}"
        if not isinstance(item, dict | list):
            yield path, spelled(item)
        elif item:
            yield from _leaves(item, f"{path}.", depth + 1)
        else:
            yield path, None


def _nested_too_deeply() -> Unflattenable:
    return Unflattenable(f"nested more than {DEEPEST} levels deep")
