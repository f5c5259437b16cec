"""JSON documents that hold a whole table and do not say so, in the forms that pandas writes.

- ``columns``, the default, and what ``to_dict("list")`` returns: the values of each column, by row number or in a list.
- ``index``: an object for each row, by row number.

Such a document could be one nested record, so it is taken for a table only where a file has no other document. Tables
that say what they are belong to the rule of `modelwatch_analyzer.reading.flattening`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelwatch_analyzer.reading.flattening import Unflattenable, decode, is_split, records_of

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_Raws = Sequence[msgspec.Raw]


def rows_of_file(text: bytes, *, alone: bool) -> list[bytes] | None:
    """Return the rows, each as an object in JSON, of the only document of a file; None if it is no table.

    Values keep the text that they have in the document.

    Parameters
    ----------
    alone : bool
        Whether there is no other file. Of several, each with lists of one length, each may be a record.
    """
    try:
        fields = _FIELDS.decode(text)
        if fields.keys() >= {"columns", "data"}:
            return None
        rows = _numbered(fields)
        if rows and all(_begins(row, b"{") and _numbered(_FIELDS.decode(row)) is None for row in rows):
            return list(map(bytes, rows))
        return _rows_of_columns(fields, alone=alone)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def may_be_table(text: bytes) -> bool:
    """Return whether a document is one record, an object of nothing but objects and lists."""
    try:
        document = decode(text)
        one = isinstance(document, dict) and records_of(document) == [document] and not is_split(document)
    except Unflattenable:
        return False
    return one and bool(document) and all(isinstance(value, dict | list) for value in document.values())


def fields_with_records(text: bytes) -> list[str]:
    """Return the fields of a document that is one record which may be its records: lists of several objects."""
    try:
        document = decode(text)
        fields = document.items() if isinstance(document, dict) and records_of(document) == [document] else ()
    except Unflattenable:
        return []
    return [
        name
        for name, value in fields
        if isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value)
    ]


def _rows_of_columns(fields: dict[str, msgspec.Raw], *, alone: bool) -> list[bytes] | None:
    columns: list[_Raws] = []
    numbers: set[tuple[str, ...]] = set()
    for raw in fields.values():
        if alone and _begins(raw, b"["):
            columns.append(_ELEMENTS.decode(raw))
        elif _begins(raw, b"{") and (values := _numbered(by_number := _FIELDS.decode(raw))) is not None:
            columns.append(values)
            numbers.add(tuple(by_number))
        else:
            return None
    if len(columns) < 2 - len(numbers) or len(set(map(len, columns))) > 1 or not columns[0] or len(numbers) > 1:
        return None
    names = [msgspec.json.encode(name) + b":" for name in fields]
    return [
        b"{" + b",".join(name + value for name, value in zip(names, row, strict=True)) + b"}"
        for row in zip(*columns, strict=True)
    ]


def _numbered(fields: dict[str, msgspec.Raw]) -> _Raws | None:
    """Return the values of an object whose fields are all row numbers; None for any other."""
    return list(fields.values()) if fields and all(map(str.isdecimal, fields)) else None


def _begins(raw: msgspec.Raw, mark: bytes) -> bool:
    return memoryview(raw)[:1] == mark
