"""JSON documents that hold a whole table, in the forms that pandas and Spark users write.

- ``split``, which MLflow sends as ``dataframe_split``: the names of the columns, and a list of values for each row.
- ``table``: a schema, and a list of objects.
- ``columns``, the default of pandas, and ``dict("list")``: the values of each column, in a list or by row number.
- ``index``: an object for each row, by row number.

The first two say what they are. The others could be one nested record, so they are taken for tables only where a file
has no other document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

_SPLIT = ({"columns", "data"}, {"columns", "index", "data"})
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_Raws = Sequence[msgspec.Raw]


def described_rows(document: Any) -> list[Any] | None:
    """Return the rows of a document of the form ``split`` or ``table``; None for any other."""
    if not isinstance(document, dict) or not isinstance(data := document.get("data"), list):
        return None
    if document.keys() in _SPLIT:
        names = document["columns"]
        if not (_are_names(names) and all(isinstance(row, list) and len(row) == len(names) for row in data)):
            return None
        return [dict(zip(names, row, strict=True)) for row in data]
    fields = document["schema"].get("fields") if isinstance(document.get("schema"), dict) else None
    is_table = len(document) == 2 and isinstance(fields, list) and all(isinstance(row, dict) for row in data)
    return data if is_table else None


def rows_of_file(text: bytes) -> list[bytes] | None:
    """Return the rows, each as an object in JSON, of the only document of a file; None if it is no table.

    Values keep the text that they have in the document.
    """
    try:
        fields = _FIELDS.decode(text)
        if fields.keys() in _SPLIT:
            return None
        rows = _numbered(fields)
        if rows and all(_is_object(row) and _numbered(_FIELDS.decode(row)) is None for row in rows):
            return list(map(bytes, rows))
        return _rows_of_columns(fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _rows_of_columns(fields: dict[str, msgspec.Raw]) -> list[bytes] | None:
    columns: list[_Raws] = []
    numbers: set[tuple[str, ...]] = set()
    for raw in fields.values():
        if bytes(raw).startswith(b"["):
            columns.append(_ELEMENTS.decode(raw))
        elif _is_object(raw) and (values := _numbered(by_number := _FIELDS.decode(raw))) is not None:
            columns.append(values)
            numbers.add(tuple(by_number))
        else:
            return None
    if len(columns) < 2 or len(set(map(len, columns))) > 1 or not columns[0] or len(numbers) > 1:
        return None
    names = [msgspec.json.encode(name) + b":" for name in fields]
    return [
        b"{" + b",".join(name + value for name, value in zip(names, row, strict=True)) + b"}"
        for row in zip(*columns, strict=True)
    ]


def _numbered(fields: dict[str, msgspec.Raw]) -> _Raws | None:
    """Return the values of an object whose fields are all row numbers; None for any other."""
    return list(fields.values()) if fields and all(map(str.isdecimal, fields)) else None


def _is_object(raw: msgspec.Raw) -> bool:
    return bytes(raw).startswith(b"{")


def _are_names(names: object) -> bool:
    return (
        isinstance(names, list)
        and bool(names)
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
    )
