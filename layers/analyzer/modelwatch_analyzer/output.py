"""Writing files atomically: readers see the old one or the new one, never a part of one."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import msgspec
import polars as pl
from pydantic import BaseModel

from modelwatch_analyzer.documents import Deferred

_LONG = 1 << 20
_MANY = 64
"""So many numbers in a list are written by msgspec, which takes less than a tenth of the time of ``json``."""

_NESTED = {dict, list, tuple, Deferred}
_ENCODER = json.JSONEncoder(allow_nan=False)

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With the full-width forms of the signs, which some spreadsheets take for them."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_EXPONENT = re.compile(rb"e(-?)([0-9]+)")
_FIVE_ZEROS = re.compile(rb"(?<![0-9])0\.0000([1-9])([0-9]*)")


def to_json(document: BaseModel) -> dict[str, Any]:
    """Return a document as JSON types, without fields that are None."""
    return document.model_dump(mode="json", exclude_none=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def write_json(path: Path, document: object) -> None:
    """Write strict JSON, indented unless it is long. A NaN or an infinity in it is a defect of the caller."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            _write_pieces(file, document)
    except ValueError:
        partial.unlink()
        raise
    partial.replace(path)


def _write_pieces(file: TextIO, document: object) -> None:
    pieces, size = list[str](), 0
    for piece in _pieces(document):
        pieces.append(piece)
        size += len(piece)
        if size >= _LONG:
            file.writelines(pieces)
            pieces.clear()
    if size < _LONG:
        pieces = [msgspec.json.format("".join(pieces), indent=2)]  # as ``json.dumps`` does, many times faster
    file.writelines([*pieces, "\n"])


def _pieces(document: object) -> Iterator[str]:
    """Yield what ``json.dumps`` returns, in pieces, so that a long text is never held as a whole."""
    if isinstance(document, dict) and set(map(type, document)) <= {str}:
        for number, (key, value) in enumerate(document.items()):
            yield f"{', ' if number else '{'}{json.dumps(key)}: "
            yield from _pieces(value)
        yield "}" if document else "{}"
    elif isinstance(document, list | tuple) and not _NESTED.isdisjoint(map(type, document)):
        for number, each in enumerate(document):
            yield f"{', ' if number else '['}{_text(each)}"
        yield "]"
    else:
        yield _text(document)


def _text(document: object) -> str:
    """Return what ``json.dumps`` does; only what holds long lists of numbers is taken apart for that."""
    if isinstance(document, Deferred):
        return _text(document.make())
    if isinstance(document, dict):
        if _NESTED.isdisjoint(map(type, document.values())) or not set(map(type, document)) <= {str}:
            return _ENCODER.encode(document)
        return f"{{{', '.join(f'{_ENCODER.encode(key)}: {_text(value)}' for key, value in document.items())}}}"
    if isinstance(document, list | tuple):
        kinds = set(map(type, document))
        if kinds == {float} and len(document) >= _MANY and isinstance(document, list):
            return _numbers(document)
        if not _NESTED.isdisjoint(kinds):
            return f"[{', '.join(map(_text, document))}]"
    return _ENCODER.encode(document)


def _numbers(values: list[float]) -> str:
    """Return a list of numbers as ``json.dumps`` writes it: in the digits of ``repr``, which are msgspec's as well."""
    text = msgspec.json.encode(values)
    if b"null" in text:
        raise ValueError("NaN and infinities are no JSON")
    if b"e" in text:
        text = _EXPONENT.sub(lambda found: b"e" + (found[1] or b"+") + found[2].rjust(2, b"0"), text)
    if b"0.0000" in text:
        text = _FIVE_ZEROS.sub(lambda found: found[1] + (b"." if found[2] else b"") + found[2] + b"e-05", text)
    return text.decode().replace(",", ", ")


def write_json_lines(path: Path, documents: Iterable[object]) -> None:
    """Write strict JSON, one document per line."""
    write_text(path, "".join(json.dumps(document, allow_nan=False) + "\n" for document in documents))


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """Write a table with a header; a spreadsheet takes no text of it for a formula."""
    texts = [pl.col(name).map_elements(_inert, pl.String) for name, dtype in table.schema.items() if dtype == pl.String]
    header = StringIO()
    csv.writer(header, lineterminator="\n").writerow(map(_inert, table.columns))
    write_text(path, header.getvalue() + table.with_columns(texts).write_csv(include_header=False))


def _inert(text: str) -> str:
    """Return text with an apostrophe before it if a spreadsheet would run it.

    Notes
    -----
    OWASP, "CSV Injection": what begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return. Numbers do no harm.
    """
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) and not _NUMBER.fullmatch(text) else text
