"""Writing files atomically: readers see the old one or the new one, never a part of one."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import msgspec
import polars as pl
from pydantic import BaseModel

from modelwatch_analyzer.documents import Deferred

_LONG = 1 << 20
_MANY = 64
"""Lists of at least this many numbers are written by msgspec, which takes less than a tenth of the time of ``json``."""

_NESTED = {dict, list, tuple, Deferred}
_ENCODER = json.JSONEncoder(allow_nan=False)
_PLACE = f"numbers {uuid4()}"
"""Stands for a list of numbers until that is written; no text of a document can be the same."""
_QUOTED_PLACE = f'"{_PLACE}"'

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; some also accept the full-width forms of the signs."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_EXPONENT = re.compile(rb"e(-?)([0-9]+)")
_FIVE_ZEROS = re.compile(rb"0\.0000([1-9])([0-9]*)")


def to_json(document: BaseModel) -> dict[str, Any]:
    """Return a document as JSON types, without fields that are None."""
    return document.model_dump(mode="json", exclude_none=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole."""
    with _whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, document: object) -> None:
    """Write strict JSON, indented unless it is long. A NaN or an infinity in it is a defect of the caller."""
    with _whole(path) as partial, partial.open("wb") as file:
        _write_pieces(file, document)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give the path of a file that replaces another once it is whole, and is removed if it does not become so."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _write_pieces(file: BinaryIO, document: object) -> None:
    pieces, size = list[bytes](), 0
    for piece in _pieces(document):
        pieces.append(piece)
        size += len(piece)
        if size >= _LONG:
            file.writelines(pieces)
            pieces.clear()
    if size < _LONG:
        pieces = [msgspec.json.format(b"".join(pieces), indent=2)]  # as ``json.dumps`` does, many times faster
    file.writelines([*pieces, b"\n"])


def _pieces(document: object) -> Iterator[bytes]:
    """Yield what ``json.dumps`` returns, in pieces, so that a long text is never held as a whole."""
    if isinstance(document, dict) and set(map(type, document)) == {str} and _holds_nested(document.values()):
        for number, (key, value) in enumerate(document.items()):
            yield f"{', ' if number else '{'}{json.dumps(key)}: ".encode()
            yield from _pieces(value)
        yield b"}"
    elif isinstance(document, list | tuple) and _holds_nested(document):
        for number, each in enumerate(document):
            yield b", " if number else b"["
            yield from _parts(each)
        yield b"]"
    else:
        yield from _parts(document)


def _holds_nested(values: Iterable[object]) -> bool:
    return not _NESTED.isdisjoint(map(type, values))


def _parts(document: object) -> Iterator[bytes]:
    """Yield what ``json.dumps`` returns; long lists of numbers are written apart from what is around them."""
    lists: list[list[float]] = []
    parts = _ENCODER.encode(_with_places(document, lists)).split(_QUOTED_PLACE)
    for part, numbers in zip_longest(parts, lists):
        yield part.encode()
        if numbers is not None:
            yield _numbers(numbers)


def _with_places(document: object, lists: list[list[float]]) -> object:
    """Return a document with `_PLACE` instead of each long list of numbers, which is appended to the lists."""
    if isinstance(document, Deferred):
        document = document.make()
    if isinstance(document, dict):
        return {key: _with_places(value, lists) if type(value) in _NESTED else value for key, value in document.items()}
    if isinstance(document, list | tuple):
        kinds = set(map(type, document))
        if kinds == {float} and len(document) >= _MANY and isinstance(document, list):
            lists.append(document)
            return _PLACE
        if not _NESTED.isdisjoint(kinds):
            return [_with_places(each, lists) for each in document]
    return document


def _numbers(values: list[float]) -> bytes:
    """Return a list of numbers as ``json.dumps`` writes it: in the digits of ``repr``, which are msgspec's as well."""
    text = msgspec.json.encode(values)
    if b"null" in text:
        raise ValueError("NaN and infinities are not JSON")
    if b"e" in text:
        text = _EXPONENT.sub(lambda found: b"e" + (found[1] or b"+") + found[2].rjust(2, b"0"), text)
    if b"0.0000" in text:
        text = _FIVE_ZEROS.sub(_as_power, text)
    return text.replace(b",", b", ")


def _as_power(found: re.Match[bytes]) -> bytes:
    if found.string[found.start() - 1 : found.start()].isdigit():  # as in 10.00001
        return found[0]
    return found[1] + (b"." if found[2] else b"") + found[2] + b"e-05"


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
