"""JSON documents of the same shape to columns, all at once; much faster than taking each document apart.

Shapes are the same if the rows have the same names in any order, or as many values, at every level. Whatever else
comes is left to the caller, who reads such documents one by one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import polars as pl
from msgspec import UNSET, UnsetType

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.flat_responses import cut_all
from modelwatch_analyzer.reading.flattening import (
    SpelledNumber,
    Unflattenable,
    decode,
    described_rows,
    may_be_encoded_twice,
    records_of,
    served,
    to_text,
)

_FAST_DECODER = msgspec.json.Decoder()
_SCALARS = {int, float, str, SpelledNumber, bool, type(None)}


class ParsedRows(NamedTuple):
    """The rows of some payloads or documents.

    Attributes
    ----------
    columns : list of polars.Series
        Those that the plan wants.
    heights : list of int
        The number of rows in each payload or document.
    were_cut : bool
        Whether flat responses were cut into rows.
    """

    columns: list[pl.Series]
    heights: list[int]
    were_cut: bool = False


class RowsSent(NamedTuple):
    """How flat responses are cut into rows; see `modelwatch_analyzer.reading.flat_responses`.

    Attributes
    ----------
    rows : sequence of int
        How many rows were sent for each document.
    in_columns : bool
        Whether objects have a list for each column.
    """

    rows: Sequence[int]
    in_columns: bool


def parse_uniform_documents(
    texts: Sequence[str | bytes],
    selections: Sequence[tuple[Attribute | None, Mapping[int | str, str]]],
    plan: Plan,
    sent: RowsSent | None = None,
) -> ParsedRows | None:
    """Parse JSON documents of the same shape, column by column.

    Parameters
    ----------
    texts : sequence of str
        Each is a JSON document.
    selections : sequence of (Attribute or None, mapping of key to column name)
        The attributes that select what is read of each document, and the names of the columns; every attribute must
        select the same number of rows.
    sent : RowsSent, optional
        How many rows were sent for each of these documents, if they are flat responses.

    Returns
    -------
    ParsedRows or None
        None if shapes differ or something may be wrong; the documents must then be read one by one.
    """
    names = list(selections[0][1]) if [attribute for attribute, _ in selections] == [None] else []
    for keep_text in (False, True):
        try:
            with _collector_paused():
                documents = list(map(decode, texts)) if keep_text else _parsed(texts, names)
                parts = [_columns_of(documents, attribute, sent, names, plan) for attribute, names in selections]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unflattenable, _NotUniform):
            return None
        except _TextLost:
            continue
        heights = parts[0].heights
        if any(part.heights != heights for part in parts):
            return None
        columns = [series for part in parts for series in part.columns]
        return ParsedRows(columns, heights, any(part.were_cut for part in parts))
    return None


def count_uniform_rows(texts: Sequence[str | bytes], attributes: Sequence[Attribute | None]) -> int | None:
    """Return the number of rows in JSON documents of the same shape; None if shapes may differ."""
    try:
        with _collector_paused():
            documents = _parsed(texts, None if list(attributes) == [None] else [])
            if isinstance(documents[0], _FlatObject):
                return len(documents)
            heights = [_uniform_rows(documents, attribute, None).heights for attribute in attributes]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unflattenable, _NotUniform):
        return None
    return None if any(other != heights[0] for other in heights) else sum(heights[0])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector, whose search for cycles in parsed documents would take a fifth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class _NotUniform(Exception):
    """The records may differ in their shape."""


class _TextLost(Exception):
    """A column of text has fractions that were parsed as numbers, so their text is not known any more."""


class _FlatObject(msgspec.Struct, gc=False):
    """A JSON object of scalars, whose names are those of a subclass; it is parsed in half the time of a dictionary."""


_MOST_NAMES = 100
"""With more names msgspec takes longer than for a dictionary if they come in another order: it looks for each in
turn."""

_Scalar = int | float | str | bool | None


@lru_cache(16)
def _decoder_of(names: tuple[str, ...], *, required: bool) -> Callable[[str | bytes], Any] | None:
    """Return a decoder of objects of scalars with these names alone; None if msgspec does not take one of them."""
    places = [f"field_{place}" for place in range(len(names))]
    fields = [(place, _Scalar) if required else (place, _Scalar | UnsetType, UNSET) for place in places]
    by_place = dict(zip(places, names, strict=True))
    with suppress(ValueError):
        shape = msgspec.defstruct("Flat", fields, bases=(_FlatObject,), rename=by_place, forbid_unknown_fields=True)
        return msgspec.json.Decoder(shape).decode
    return None


def _parsed(texts: Sequence[str | bytes], names: Sequence[int | str] | None) -> list[Any]:
    """Parse documents: as flat objects if all are objects of scalars.

    Parameters
    ----------
    names : sequence of str, optional
        The names that objects may have, and no others; by default all must have exactly those of the first one. If
        it is empty, or holds positions, no document is parsed as a flat object.
    """
    first = _FAST_DECODER.decode(texts[0])
    known = first if names is None else names
    is_flat = type(first) is dict and _SCALARS.issuperset(map(type, first.values()))
    if is_flat and len(known) <= _MOST_NAMES and set(map(type, known)) == {str}:
        decoder = _decoder_of(tuple(map(str, known)), required=names is None)
        with suppress(msgspec.ValidationError):
            if decoder is not None:
                return list(map(decoder, texts))
    return list(map(_FAST_DECODER.decode, texts))


def _columns_of(
    documents: list[Any],
    attribute: Attribute | None,
    sent: RowsSent | None,
    names: Mapping[int | str, str],
    plan: Plan,
) -> ParsedRows:
    rows = _uniform_rows(documents, attribute, sent)
    keys: list[Any] = [column.name for column in rows.columns] if rows.named else list(range(len(rows.columns)))
    if len(keys) != len(names) or set(keys) != set(names):
        raise _NotUniform
    named_columns = [(names[key], column) for key, column in zip(keys, rows.columns, strict=True)]
    wanted = [_series(name, *column[1:], plan.dtypes[name]) for name, column in named_columns if name in plan.dtypes]
    return ParsedRows(wanted, rows.heights, rows.were_cut)


class _Rows(NamedTuple):
    """The rows of documents: whether they have names, their columns, and the number of rows in each document."""

    named: bool
    columns: list[_Column]
    heights: list[int]
    were_cut: bool = False


def _uniform_rows(documents: list[Any], attribute: Attribute | None, sent: RowsSent | None) -> _Rows:
    if isinstance(documents[0], _FlatObject):
        return _Rows(True, _columns_of_flat(documents), [1] * len(documents))
    records: Sequence[Any]
    if attribute is None:
        records, found = _all_records(documents)
    elif attribute.places:
        of_each = list(map(records_of, documents))
        records, found = list(chain.from_iterable(of_each)), list(map(len, of_each))
    else:
        records, found = _all_selected(documents, attribute)
    heights = found
    if sent is not None:
        projected = attribute is not None and attribute.many
        records, heights = cut_all(records, found, sent.rows, in_columns=sent.in_columns, projected=projected)
    if attribute is not None and attribute.places:
        records = list(map(attribute.select, records))
    if not all(heights):
        raise _NotUniform
    named = isinstance(records[0], dict)
    return _Rows(named, list(_split_into_columns(records, "", named=named)), heights, heights != found)


def _columns_of_flat(objects: Sequence[_FlatObject]) -> list[_Column]:
    """Return the columns of flat objects, with None where an object lacks a name."""
    rows = list(map(msgspec.structs.astuple, objects))
    if any(set(row) == {UNSET} for row in rows if row[0] is UNSET):
        raise _NotUniform  # an object without any of the names
    columns = []
    for name, values in zip(objects[0].__struct_encode_fields__, zip(*rows, strict=True), strict=True):
        types = set(map(type, values))
        present = [None if value is UNSET else value for value in values] if UnsetType in types else values
        columns.append(_Column(name, present, {type(None) if each is UnsetType else each for each in types}))
    return columns


def _all_records(documents: Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
    """Do what `records_of` does, for all documents; return the records, and the number of them in each document."""
    contents, types = documents, set(map(type, documents))
    if types == {dict} and set(map(len, documents)) == {1}:
        (key,) = documents[0]
        contents = _fields_of(documents, key)
        types = set(map(type, contents))
    first = contents[0]  # all others have its fields, or are not uniform
    if type(first) is dict and (
        described_rows(first) is not None or (contents is documents and served(first) is not first)
    ):
        raise _NotUniform
    if types == {list} and all(contents) and type(contents[0][0]) not in _SCALARS:
        inner = list(chain.from_iterable(contents))
        if not set(map(type, inner)) <= {dict, list}:
            raise _NotUniform
        return inner, list(map(len, contents))
    # Where the first list begins with a scalar, others that hold records are noticed when columns are split.
    if types <= _SCALARS and contents is documents:
        if str in types and any(map(may_be_encoded_twice, documents)):
            raise _NotUniform
        documents = [[document] for document in documents]
    return documents, [1] * len(documents)


def _all_selected(documents: Sequence[Any], attribute: Attribute) -> tuple[Sequence[Any], list[int]]:
    """Do what the attribute's `records` does, for all documents."""
    if attribute.simple_path is None:
        found = list(map(attribute.records, documents))
        return list(chain.from_iterable(found)), list(map(len, found))
    for name in attribute.simple_path.container:
        documents = _fields_of(documents, name)
    if None in documents:  # JMESPath cannot tell null from a missing field
        raise _NotUniform
    if attribute.simple_path.element is None:
        return _all_records(documents)
    if set(map(type, documents)) != {list} or not all(documents):
        raise _NotUniform
    inner: Sequence[Any] = list(chain.from_iterable(documents))
    for name in attribute.simple_path.element:
        inner = _fields_of(inner, name)
    types = set(map(type, inner))
    if type(None) in types:  # JMESPath leaves nulls out
        raise _NotUniform
    records = [[value] for value in inner] if types <= _SCALARS else inner
    return records, list(map(len, documents))


def _fields_of(objects: Sequence[Any], name: str) -> list[Any]:
    if set(map(type, objects)) != {dict}:
        raise _NotUniform
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        raise _NotUniform from None


class _Column(NamedTuple):
    """The parsed values of one column, and their types."""

    name: str
    values: Sequence[Any]
    types: set[type]


def _split_into_columns(values: Sequence[Any], path: str, *, named: bool) -> Iterator[_Column]:
    """Yield the columns of records of the same shape, with the names and in the order of `flatten`."""
    types = set(map(type, values))
    if types <= _SCALARS:
        yield _Column(path, values, types)
        return
    if len(types) > 1 or len(set(map(len, values))) > 1 or not values[0]:
        raise _NotUniform
    keys: Sequence[Any] = range(len(values[0]))
    inner: Any = zip(*values, strict=True)
    if types == {dict}:
        if not named:
            raise _NotUniform
        keys = list(values[0])
        try:
            inner = (
                zip(*map(itemgetter(*keys), values), strict=True) if len(keys) > 1 else [[v[keys[0]] for v in values]]
            )
        except KeyError:
            raise _NotUniform from None
    for key, column in zip(keys, inner, strict=True):
        yield from _split_into_columns(column, f"{path}.{key}" if path else str(key), named=named)


def _series(name: str, values: Sequence[Any], types: set[type], dtype: pl.DataType) -> pl.Series:
    present = types - {type(None)}
    if dtype != pl.String() and present:
        try:
            if present == {int}:
                return pl.Series(name, values, pl.Int64())
            if present == {float} or (present == {int, float} and dtype == pl.Float64()):
                return pl.Series(name, values, pl.Float64())
        except (OverflowError, TypeError):
            raise _NotUniform from None
    if float in present:
        raise _TextLost
    return pl.Series(name, list(map(to_text, values)), pl.String())
