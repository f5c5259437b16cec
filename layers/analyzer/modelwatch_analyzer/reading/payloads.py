"""Captured payloads to rows: the text of one request or answer, in comma-separated text, JSON or BASE64 of either.

A payload of comma-separated text holds a row in each line. One of JSON holds a document, or one in each line, and the
documents hold rows by the rule of `modelwatch_analyzer.reading.flattening`, or by attributes that say where they lie.
BASE64 is decoded and read as what its content type says it is, or else as what it looks like.
"""

from __future__ import annotations

import base64
import binascii
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import polars as pl

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.csv_text import careful_records
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten, records_of, spelled

Row = dict[int | str, str | None]
"""The values of one row as they are spelled: by name, or by position from 0."""

ENCODINGS = ("CSV", "JSON", "BASE64")
"""SageMaker's names of them."""

_QUICK = msgspec.json.Decoder()
_SCALARS = {int, float, str, bool, type(None)}


class Payload(msgspec.Struct, gc=False):
    """One side of a captured record."""

    data: str
    encoding: str = ""
    observedContentType: str | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class Content:
    """What a payload holds: rows of fields if it is comma-separated text, else JSON documents."""

    fields: list[list[str]] | None
    documents: list[Any]

    def rows(self, attribute: Attribute | None) -> list[Row]:
        """Return the rows of the whole payload, or of what an attribute finds in it.

        Raises
        ------
        Unflattenable
            If the attribute finds nothing, or a record cannot be taken apart.
        """
        if self.fields is not None:
            if attribute is None:
                return [dict(enumerate(field or None for field in fields)) for fields in self.fields]
            return [{0: attribute.field(fields) or None} for fields in self.fields]
        found = attribute.records if attribute else records_of
        return [_row(record) for document in self.documents for record in found(document)]


def content_of(payload: Payload) -> Content:
    """Parse a payload.

    Raises
    ------
    Unflattenable
        Why it cannot be read; the words hold none of its content.
    """
    if payload.encoding == "CSV":
        return Content(_fields(payload.data), [])
    if payload.encoding == "JSON":
        return Content(None, _documents(payload.data))
    if payload.encoding == "BASE64":
        return _decoded(payload)
    raise Unflattenable("an encoding that is none of CSV, JSON and BASE64")


def _row(record: Any) -> Row:
    columns = flatten(record)
    if not columns:
        raise Unflattenable("a payload is an object or a list without content")
    keys: Iterable[int | str] = columns if isinstance(record, dict) else range(len(columns))
    return dict(zip(keys, columns.values(), strict=True))


def _fields(text: str) -> list[list[str]]:
    rows = []
    for record in careful_records(text.encode(errors="surrogatepass"), last=True):
        if record.fields is None:
            raise Unflattenable(f"a payload is malformed: {record.reason}")
        if record.fields:
            rows.append(record.fields)
    return rows


def _documents(text: str) -> list[Any]:
    try:
        return [decode(text)] if text.strip() else []
    except Unflattenable as error:
        lines = [line for line in text.split("\n") if line and not line.isspace()]
        if len(lines) < 2:
            raise Unflattenable(f"a payload is malformed: {error}") from None
        try:
            return [decode(line) for line in lines]
        except Unflattenable:
            raise Unflattenable(f"a payload is malformed: {error}") from None


def _decoded(payload: Payload) -> Content:
    try:
        text = base64.b64decode("".join(payload.data.split()), validate=True).decode()
    except UnicodeDecodeError:
        raise Unflattenable("a BASE64 payload that is no text, such as an image: a preprocessor can read it") from None
    except (binascii.Error, ValueError):
        raise Unflattenable("a payload is malformed: not BASE64") from None
    kind = (payload.observedContentType or "").lower()
    if "\0" in text:
        raise Unflattenable("a BASE64 payload that is no text, such as an image: a preprocessor can read it")
    if "json" in kind or ("csv" not in kind and text.lstrip()[:1] in ("{", "[")):
        return Content(None, _documents(text))
    return Content(_fields(text), [])


def quick_columns(
    texts: Sequence[str | bytes], wanted: Sequence[tuple[Attribute | None, Mapping[int | str, str]]], plan: Plan
) -> tuple[list[pl.Series], list[int]] | None:
    """Parse JSON payloads of one shape, column by column.

    Parameters
    ----------
    texts : sequence of str
        One JSON document each.
    wanted : sequence of (Attribute or None, mapping of key to column name)
        What is read of each payload, and as which columns; all of them have the same rows.

    Returns
    -------
    tuple of list of polars.Series and list of int, or None
        The columns that the plan wants, and how many rows each payload holds. None if shapes differ or anything else
        is out of the ordinary, for the careful path to tell.
    """
    for decoder in (_QUICK.decode, decode):  # of which the second keeps how fractions are spelled
        try:
            with _collector_paused():
                documents = list(map(decoder, texts))
                parts = [_quick_part(documents, attribute, names, plan) for attribute, names in wanted]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unflattenable, _Uneven):
            return None
        except _SpellingLost:
            continue
        heights = parts[0][1]
        if any(other != heights for _, other in parts):
            return None
        return [series for columns, _ in parts for series in columns], heights
    return None


def rows_of_one_shape(texts: Sequence[str | bytes], attributes: Sequence[Attribute | None]) -> int | None:
    """Count the rows of JSON documents whose rows all have the columns of the first; None if they may have others."""
    try:
        with _collector_paused():
            documents = list(map(_QUICK.decode, texts))
            heights = [_of_one_shape(documents, attribute)[2] for attribute in attributes]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unflattenable, _Uneven):
        return None
    return None if any(other != heights[0] for other in heights) else sum(heights[0])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking for cycles among parsed documents; it would take a fifth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class _Uneven(Exception):
    """Records differ in their shape."""


class _SpellingLost(Exception):
    """A column of text holds fractions that were parsed as numbers."""


def _quick_part(
    documents: list[Any], attribute: Attribute | None, names: Mapping[int | str, str], plan: Plan
) -> tuple[list[pl.Series], list[int]]:
    named, columns, heights = _of_one_shape(documents, attribute)
    keys: list[Any] = [column.name for column in columns] if named else list(range(len(columns)))
    if len(keys) != len(names) or set(keys) != set(names):
        raise _Uneven
    named_columns = [(names[key], column) for key, column in zip(keys, columns, strict=True)]
    return [
        _series(name, *column[1:], plan.dtypes[name]) for name, column in named_columns if name in plan.dtypes
    ], heights


def _of_one_shape(documents: list[Any], attribute: Attribute | None) -> tuple[bool, list[_Column], list[int]]:
    """Return whether the rows have names, their columns, and how many rows each document holds."""
    records, heights = _all_records(documents) if attribute is None else _all_found(documents, attribute)
    if not all(heights):
        raise _Uneven
    named = isinstance(records[0], dict)
    return named, list(_taken_apart(records, "", named=named)), heights


def _all_records(documents: Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
    """Do what `records_of` does, for documents of one shape; return all records, and how many each document holds."""
    contents, kinds = documents, set(map(type, documents))
    if kinds == {dict} and set(map(len, documents)) == {1}:
        (key,) = documents[0]
        contents = _fields_of(documents, key)
        kinds = set(map(type, contents))
    if kinds == {list} and all(contents) and type(contents[0][0]) not in _SCALARS:
        inner = list(chain.from_iterable(contents))
        if not set(map(type, inner)) <= {dict, list}:
            raise _Uneven
        return inner, list(map(len, contents))
    # Where the first list begins with a scalar, those that hold records are found when the columns are taken apart.
    if kinds <= _SCALARS and contents is documents:
        documents = [[document] for document in documents]
    return documents, [1] * len(documents)


def _all_found(documents: Sequence[Any], attribute: Attribute) -> tuple[Sequence[Any], list[int]]:
    """Do what the attribute's `records` does."""
    if attribute.steps is None:
        found = list(map(attribute.records, documents))
        return list(chain.from_iterable(found)), list(map(len, found))
    for name in attribute.steps.to:
        documents = _fields_of(documents, name)
    if None in documents:  # which JMESPath does not tell from nothing at all
        raise _Uneven
    if attribute.steps.each is None:
        return _all_records(documents)
    if set(map(type, documents)) != {list} or not all(documents):
        raise _Uneven
    inner: Sequence[Any] = list(chain.from_iterable(documents))
    for name in attribute.steps.each:
        inner = _fields_of(inner, name)
    kinds = set(map(type, inner))
    if type(None) in kinds:  # which JMESPath leaves out
        raise _Uneven
    records = [[value] for value in inner] if kinds <= _SCALARS else inner
    return records, list(map(len, documents))


def _fields_of(objects: Sequence[Any], name: str) -> list[Any]:
    if set(map(type, objects)) != {dict}:
        raise _Uneven
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        raise _Uneven from None


class _Column(NamedTuple):
    """The values of one column as they were parsed, and the types that they have."""

    name: str
    values: Sequence[Any]
    kinds: set[type]


def _taken_apart(values: Sequence[Any], path: str, *, named: bool) -> Iterator[_Column]:
    """Yield the columns of records of one shape, as `flatten` would name and order them."""
    kinds = set(map(type, values))
    if kinds <= _SCALARS:
        yield _Column(path, values, kinds)
        return
    if len(kinds) > 1 or len(set(map(len, values))) > 1 or not values[0]:
        raise _Uneven
    keys: Sequence[Any] = range(len(values[0]))
    inner: Any = zip(*values, strict=True)
    if kinds == {dict}:
        if not named:
            raise _Uneven
        keys = list(values[0])
        try:
            inner = (
                zip(*map(itemgetter(*keys), values), strict=True) if len(keys) > 1 else [[v[keys[0]] for v in values]]
            )
        except KeyError:
            raise _Uneven from None
    for key, column in zip(keys, inner, strict=True):
        yield from _taken_apart(column, f"{path}.{key}" if path else str(key), named=named)


def _series(name: str, values: Sequence[Any], kinds: set[type], dtype: pl.DataType) -> pl.Series:
    present = kinds - {type(None)}
    if dtype != pl.String() and present:
        try:
            if present == {int}:
                return pl.Series(name, values, pl.Int64())
            if present == {float} or (present == {int, float} and dtype == pl.Float64()):
                return pl.Series(name, values, pl.Float64())
        except (OverflowError, TypeError):
            raise _Uneven from None
    if float in present:
        raise _SpellingLost
    return pl.Series(name, list(map(spelled, values)), pl.String())
