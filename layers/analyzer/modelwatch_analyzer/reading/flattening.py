"""JSON documents to rows: the records in a document, and the columns of a record.

The rule, which is the same for captured payloads and for files:

- Each element of a list of objects or of lists is a record. The same holds for an object whose only field is such a
  list: ``{"instances": [...]}``. An empty list has no records. A table in pandas' form ``split``, which MLflow sends as
  ``dataframe_split``, or in the form ``table`` has its rows, in the only field of an object as well. Beside MLflow's
  data frames and TensorFlow's instances there may be parameters, which are passed over. Anything else is one record.
- The fields of a record that is an object become columns with their names; nested objects give dotted names
  (``customer.age``), and elements of lists their index from 0 (``features.0``), at any depth.
- The elements of a record that is a list become columns by their position; nested lists and objects are flattened
  in place.
- An empty object or list becomes a column with its name and without a value. If other records have fields in its place,
  there are only their columns, in which this record has no value; the same holds for null (`empty_parents`).

Values keep the text that they have in the document: ``1.50`` remains ``1.50``, so that JSON and CSV files of the same
data have the same types. Booleans become ``true`` and ``false``; null and empty text are missing values.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

DEEPEST = 32
"""How deeply objects and lists may be nested in a record."""

MOST_COLUMNS = 10_000
"""The largest number of columns of a record."""

_MORE_FOLLOWS = (
    "something follows the JSON document: several must be on a line each, without commas between them, or in one array"
)
_NO_JSON_NUMBER = re.compile(r"[\[:,]\s*(?:NaN|-?Infinity)\b")


class SpelledNumber(str):
    """A fractional number as it is spelled in JSON."""

    __slots__ = ()


_DECODER = msgspec.json.Decoder(float_hook=SpelledNumber)


_SPLIT, _TIGHT = {"columns", "data"}, {"columns", "data", "index", "index_names", "column_names"}
"""The fields that pandas' forms ``split`` and ``tight`` have at least, and at most."""

_SERVED = {"dataframe_split", "dataframe_records", "instances"}
_BESIDE = {"params", "parameters", "signature_name"}
"""Fields that servers are sent beside MLflow's data frames and TensorFlow's instances."""


class Unflattenable(Exception):
    """The reason why a document cannot become rows; the message has none of its content."""


def decode(text: bytes | str) -> Any:
    """Parse JSON, with fractional numbers as `SpelledNumber`. Of fields with the same name, the last one counts.

    A document that is text which is a list or an object in JSON, as of a program that encodes twice, is decoded again.

    Raises
    ------
    Unflattenable
        If the text is not JSON (which has no NaN and Infinity), is not UTF-8, has an integer of more than 4300 digits,
        or is nested so deeply that the parser gives up; how deeply depends on the version of Python, but is always far
        more than `DEEPEST`.
    """
    try:
        document = _DECODER.decode(text)
    except msgspec.ValidationError:
        raise Unflattenable("an integer has too many digits") from None
    except UnicodeDecodeError:
        raise Unflattenable("not UTF-8") from None
    except msgspec.DecodeError as error:
        if _NO_JSON_NUMBER.search(text if isinstance(text, str) else bytes(text).decode(errors="replace")):
            raise Unflattenable("not JSON, which has no NaN and Infinity: write null") from None
        raise Unflattenable(why_not_json(error)) from None
    except RecursionError:
        raise _nested_too_deeply() from None
    if may_be_encoded_twice(document):
        with suppress(Unflattenable):
            inner = decode(document)
            return inner if isinstance(inner, list | dict) else document
    return document


def with_numbers(document: Any) -> Any:
    """Return a decoded document with fractional numbers as floats, to compare and to add up."""
    if isinstance(document, dict):
        return {name: with_numbers(value) for name, value in document.items()}
    if isinstance(document, list):
        return list(map(with_numbers, document))
    return float(document) if isinstance(document, SpelledNumber) else document


def with_spelling(document: Any) -> Any:
    """Return a document with floats as `SpelledNumber`, as if it had been decoded."""
    if isinstance(document, dict):
        return {name: with_spelling(value) for name, value in document.items()}
    if isinstance(document, list):
        return list(map(with_spelling, document))
    return SpelledNumber(repr(document)) if isinstance(document, float) else document


def why_not_json(error: Exception) -> str:
    """Return the reason why text is not JSON, without any of it."""
    reason = str(error)
    if "trailing characters" in reason:
        return _MORE_FOLLOWS
    return "not JSON, which has names in double quotes" if "keys must be strings" in reason else "not JSON"


def may_be_encoded_twice(document: Any) -> bool:
    """Return whether a decoded document begins like the text of a list or of an object."""
    return isinstance(document, str) and document.lstrip()[:1] in ("[", "{")


def records_of(document: Any) -> list[Any]:
    """Return the records, objects or lists, in a document; the module docstring has the rule.

    Raises
    ------
    Unflattenable
        If it is a table in pandas' form ``split`` whose names or rows are wrong.
    """
    content = served(document) if isinstance(document, dict) else document
    listed = isinstance(content, list) and all(isinstance(record, dict | list) for record in content)
    if listed and (content or content is document):
        return list(content)
    rows = described_rows(content)
    if rows is not None:
        return rows
    return [document if isinstance(document, dict | list) else [document]]


def served(document: dict[str, Any]) -> Any:
    """Return the only field of an object, or the one that servers take data from; the object itself without one."""
    if len(document) == 1:
        return next(iter(document.values()))
    data = document.keys() - _BESIDE
    return document[data.pop()] if len(data) == 1 and data <= _SERVED else document


def is_split(document: dict[str, Any]) -> bool:
    """Return whether an object has the fields of pandas' form ``split`` or ``tight``, with a list for each row."""
    if not _SPLIT <= document.keys() <= _TIGHT or not isinstance(document["columns"], list):
        return False
    return isinstance(document["data"], list) and all(isinstance(row, list) for row in document["data"])


def described_rows(document: Any) -> list[Any] | None:
    """Return the rows of a document of the form ``split``, ``tight`` or ``table``; None for any other.

    Raises
    ------
    Unflattenable
        If its names or rows are wrong.
    """
    if not isinstance(document, dict):
        return None
    if is_split(document):
        names = [str(name) for name in document["columns"] if isinstance(name, str | int)]
        if len(set(names)) < len(document["columns"]):
            raise Unflattenable("columns of a table have one name, or none")
        if any(len(row) != len(names) for row in document["data"]):
            raise Unflattenable("a row of a table has more or fewer values than there are columns")
        return [dict(zip(names, row, strict=True)) for row in document["data"]]
    schema, rows = document.get("schema"), document.get("data")
    if document.keys() != {"schema", "data"} or not isinstance(schema, dict) or not isinstance(rows, list):
        return None
    if not isinstance(schema.get("fields"), list) or not all(isinstance(row, dict) for row in rows):
        return None
    keys = schema.get("primaryKey", ())
    return [{name: value for name, value in row.items() if name not in keys} for row in rows]


def flatten(record: dict[str, Any] | list[Any]) -> dict[str, str | None]:
    """Return the columns of a record by name, in their order.

    If the record is a list, the names are not those of columns, and the values are known by their position.

    Raises
    ------
    Unflattenable
        If it is nested more deeply than `DEEPEST`, has more than `MOST_COLUMNS` columns, or if a column has no name or
        the same name as another (``{"a.b": 1, "a": {"b": 2}}``).
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


def empty_parents(names: Iterable[Hashable], rows: Iterable[Mapping[Any, str | None]]) -> set[str]:
    """Return the names that only stand for an object or a list without any field, where other rows have its fields.

    Of ``{"u": null}`` and ``{"u": {"x": 1}}`` that is ``u``.

    Parameters
    ----------
    names : iterable of str or int
        Those of all columns; positions are no names of fields.
    rows : iterable of mapping of str to str or None
        All rows that may have such names; they are looked at only if fields have columns of their own.
    """
    texts = {name for name in names if isinstance(name, str)}
    fields: dict[str, set[str]] = {}
    for name in texts:
        parent, dot, _ = name.rpartition(".")
        while dot:
            if parent in texts:
                fields.setdefault(parent, set()).add(name)
            parent, dot, _ = parent.rpartition(".")
    if fields:
        for row in rows:
            for parent in fields.keys() & row.keys():
                if row[parent] is not None or not fields[parent].isdisjoint(row):  # text, or a name with a dot
                    del fields[parent]
            if not fields:
                break
    return set(fields)


def to_text(value: str | int | bool | None) -> str | None:
    """Return the text of a decoded value that is neither an object nor a list; None for a missing value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or value == "" else str(value)


def _leaves(value: dict[str, Any] | list[Any], prefix: str, depth: int) -> Iterator[tuple[str, str | None]]:
    if depth > DEEPEST:
        raise _nested_too_deeply()
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        path = f"{prefix}{name}"
        if not isinstance(item, dict | list):
            yield path, to_text(item)
        elif item:
            yield from _leaves(item, f"{path}.", depth + 1)
        else:
            yield path, None


def _nested_too_deeply() -> Unflattenable:
    return Unflattenable(f"nested more than {DEEPEST} levels deep")
