"""Flat responses: values of several rows on one line, in one list or in columns, cut by the number of rows sent.

The number of rows of the request decides. As many values on one line as it has rows are one value a row; a multiple of
that are as many values a row, row after row. The same holds for the elements of a list in JSON or in brackets, and for
an object whose values are all lists: element ``i`` of each belongs to row ``i``. Values beside the lists, such as the
version of a model, belong to each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Any


def cut(records: Sequence[Any], rows: int | None, *, in_columns: bool = False, projected: bool = False) -> list[Any]:
    """Return records, lists or objects, as so many rows if they can be cut into them; else as they are.

    Parameters
    ----------
    rows : int, optional
        The number of rows that were sent; None if it is not known.
    in_columns : bool
        Whether an object of lists is also one of columns if a single row was sent.
    projected : bool
        Whether the records are the elements that a JMESPath such as ``predictions[*]`` found, so that values without a
        list of their own are those of one list.
    """
    found = list(records)
    if not rows or not found or (len(found) == rows and not (in_columns and rows == 1)):
        return found
    if len(found) == 1:
        return _cut_record(found[0], rows, in_columns=in_columns) or found
    if projected and all(isinstance(record, list) and _are_scalars(record) and len(record) == 1 for record in found):
        return _parts([value for record in found for value in record], rows) or found
    return found


def cut_all(
    records: Sequence[Any], heights: Sequence[int], rows: Sequence[int], *, in_columns: bool, projected: bool
) -> tuple[list[Any], list[int]]:
    """Cut the records of several responses; see `cut`.

    Parameters
    ----------
    records, heights : sequence
        The records of all responses, and the number of them in each.
    rows : sequence of int
        How many rows were sent for each.

    Returns
    -------
    tuple of list and list of int
        In the same form as what was given.
    """
    left = iter(records)
    parts = [
        cut(list(islice(left, height)), sent, in_columns=in_columns, projected=projected)
        for height, sent in zip(heights, rows, strict=True)
    ]
    return list(chain.from_iterable(parts)), list(map(len, parts))


def cut_line(text: str, rows: int) -> str:
    """Return text with a line for each row if it is one line of unquoted, comma-separated values of so many rows."""
    values = text.count(",") + 1
    if rows == 1 or values % rows or '"' in text:
        return text
    line = text.rstrip("\r\n")
    if "\n" in line:
        return text
    if values == rows:
        return line.replace(",", "\n")
    return "\n".join(map(",".join, _parts(line.split(","), rows) or []))


def _cut_record(record: Any, rows: int, *, in_columns: bool) -> list[Any] | None:
    if isinstance(record, list):
        return _parts(record, rows) if rows > 1 and _are_scalars(record) else None
    if not isinstance(record, dict):
        return None
    columns = columns_of_response(record)
    if columns and len(next(iter(columns.values()))) == rows and (rows > 1 or in_columns):
        return rows_of_columns(columns)
    if rows > 1 and len(record) == 1:
        ((name, values),) = record.items()
        if isinstance(values, list) and _are_scalars(values):
            return [{name: part} for part in _parts(values, rows) or []]
    return None


def columns_of(document: Any) -> dict[str, list[Any]] | None:
    """Return the columns that an object has as lists of one length, or such an object in the only field of another.

    Objects with the fields 0, 1, ..., as pandas writes columns by default, count as lists.
    """
    if not isinstance(document, dict) or not document:
        return None
    columns = {name: _values_of(value) for name, value in document.items()}
    if None not in columns.values():
        lists = {name: values for name, values in columns.items() if values is not None}
        return lists if len(set(map(len, lists.values()))) == 1 else None
    (value, *others) = document.values()
    return None if others else columns_of(value)


def columns_of_response(document: Any) -> dict[str, list[Any]] | None:
    """Return the columns that a response has as lists of one length; values beside the lists belong to each row."""
    columns = columns_of(document)
    if columns or not isinstance(document, dict):
        return columns
    lists = columns_of({name: value for name, value in document.items() if isinstance(value, dict | list)})
    if not lists or not lists.keys() <= document.keys():
        return None
    rows = len(next(iter(lists.values())))
    return {name: lists.get(name, [value] * rows) for name, value in document.items()}


def rows_of_columns(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the rows of columns of one length."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values_of(value: Any) -> list[Any] | None:
    if isinstance(value, dict) and value and list(value) == [str(index) for index in range(len(value))]:
        value = list(value.values())
    return value if isinstance(value, list) and value else None


def _parts(values: list[Any], rows: int) -> list[list[Any]] | None:
    width, rest = divmod(len(values), rows)
    return None if rest or not width else [values[start : start + width] for start in range(0, len(values), width)]


def _are_scalars(values: list[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)
