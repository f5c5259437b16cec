"""What polars does not say of a Parquet file: names of columns that are repeated, and the rows of its row groups.

The footer is a ``FileMetaData`` in Thrift's compact protocol; its field 2 is the schema, a tree of elements in
depth-first order, and its field 4 the row groups:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TAIL_BYTES = 8
"""The number of bytes behind the footer: its length, and ``PAR1``."""
_SCHEMA, _NAME, _CHILDREN = 2, 4, 5
_GROUPS, _ROWS = 4, 3
_LARGE = 1 << 20
"""A longer footer is not searched for row groups: that would take longer than it saves."""
_STOP, _TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 6, 7, 8, 9, 10, 12
_DEEPEST = 64
_LONG_LIST = 15


class _Unreadable(Exception):
    """The footer does not follow the protocol."""


_Element = tuple[bytes, int]
"""A column or a struct: its name, and how many elements it has."""
_Path = tuple[str, ...]


def repeated_names(path: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield the names that several columns of a file have, or several fields of one struct, with their numbers.

    Fields of structs have dotted names, and are numbered within their struct. Columns are numbered from 1. A footer
    that cannot be read has none.
    """
    try:
        elements = iter(_Compact(_footer(path)).schema())
        _, columns = next(elements)
        repeated = _repeated(elements, columns, 0)
    except (_Unreadable, OSError, IndexError, StopIteration, UnicodeDecodeError):
        return
    for names, numbers in repeated:
        yield ".".join(names), numbers


def row_groups(path: Path) -> tuple[int, ...]:
    """Return the number of rows of each row group; none if the footer cannot be read, or is long."""
    try:
        footer = _footer(path)
        return _Compact(footer).group_rows() if len(footer) <= _LARGE else ()
    except (_Unreadable, OSError, IndexError):
        return ()


def _footer(path: Path) -> bytes:
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _TAIL_BYTES))
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(max(0, size - _TAIL_BYTES - length))
        return stream.read(length)


def _repeated(elements: Iterator[_Element], children: int, depth: int) -> list[tuple[_Path, list[int]]]:
    """Return paths of names: joined for all fields, they could take a thousand times the memory of the footer."""
    if depth > _DEEPEST:
        raise _Unreadable
    numbers: dict[str, list[int]] = {}
    below: list[tuple[_Path, list[int]]] = []
    for number in range(1, children + 1):
        encoded, fields = next(elements)
        name = encoded.decode()
        numbers.setdefault(name, []).append(number)
        below += [((name, *names), places) for names, places in _repeated(elements, fields, depth + 1)]
    return [((name,), places) for name, places in numbers.items() if len(places) > 1] + below


def _element(value: object) -> _Element:
    name, children = (value.get(_NAME), value.get(_CHILDREN, 0)) if isinstance(value, dict) else (None, None)
    if not (isinstance(name, bytes) and isinstance(children, int)):
        raise _Unreadable
    return name, children


def _rows(group: object) -> int:
    rows = group.get(_ROWS) if isinstance(group, dict) else None
    if not (isinstance(rows, int) and rows >= 0):
        raise _Unreadable
    return rows


class _Compact:
    """A reader of Thrift's compact protocol."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._offset = 0

    def schema(self) -> list[_Element]:
        """Return the elements of the schema; what follows them in the footer is not read."""
        for field, value in self._fields(0):
            if field == _SCHEMA and isinstance(value, list):
                return list(map(_element, value))
        raise _Unreadable

    def group_rows(self) -> tuple[int, ...]:
        """Return the number of rows of each row group; what follows them in the footer is not read."""
        for field, value in self._fields(0):
            if field == _GROUPS and isinstance(value, list):
                return tuple(map(_rows, value))
        raise _Unreadable

    def _fields(self, depth: int) -> Iterator[tuple[int, Any]]:
        field = 0
        while (header := self._byte()) != _STOP:
            delta, kind = header >> 4, header & 0xF
            field = field + delta if delta else self._zigzag()
            yield field, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise _Unreadable
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if _BYTE < kind <= _I64:
            return self._zigzag()
        if kind in (_DOUBLE, _BINARY):
            return self._bytes(8 if kind == _DOUBLE else self._varint())
        if kind in (_LIST, _SET):
            header = self._byte()
            size = header >> 4 if header >> 4 != _LONG_LIST else self._varint()
            return [self._value(header & 0xF, depth + 1) for _ in range(size)]
        if kind == _STRUCT:
            return dict(self._fields(depth + 1))
        raise _Unreadable  # there are no maps in what precedes the row groups

    def _byte(self) -> int:
        self._offset += 1
        return self._text[self._offset - 1]

    def _bytes(self, size: int) -> bytes:
        self._offset += size
        if self._offset > len(self._text):
            raise _Unreadable
        return self._text[self._offset - size : self._offset]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise _Unreadable

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
