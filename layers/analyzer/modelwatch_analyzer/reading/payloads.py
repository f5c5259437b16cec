"""Captured payloads to rows: the text of one request or response, as comma-separated text, JSON or BASE64 of either.

Each line of a payload of comma-separated text is a row, unless the payload is made of lists in brackets or of JSON
objects, which are read as JSON.
A payload of JSON is a document, or one document per line; the rows in a document are found by the rule of
`modelwatch_analyzer.reading.flattening`, or by attributes that select them. If it is no JSON, it may be such lists.
BASE64 is decoded and read as its content type says or, without one, as what it looks like.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.bracketed import (
    bracketed_documents,
    bracketed_numbers,
    json_of_dicts,
    may_hold_other_forms,
)
from modelwatch_analyzer.reading.csv_text import parse_records
from modelwatch_analyzer.reading.flat_responses import cut
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten, records_of

Row = dict[int | str, str | None]
"""The values of one row as the text of the payload has them: by name, or by position from 0."""

ENCODINGS = ("CSV", "JSON", "BASE64")
"""SageMaker's names of the encodings."""


class Payload(msgspec.Struct, gc=False):
    """One side of a captured record."""

    data: str
    encoding: str = ""
    observedContentType: str | None = None  # noqa: N815 - SageMaker's name


class NamedRow(dict[str, str | None]):
    """A row of comma-separated text below a header, by name."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header that payloads of comma-separated text begin with.

    Attributes
    ----------
    usual : tuple of str
        The most frequent one; payloads without a header have its order.
    names : frozenset of str
        All names of the headers that were found; empty if every header is the usual one.
    """

    usual: tuple[str, ...]
    names: frozenset[str] = frozenset()

    def begins(self, fields: Sequence[str]) -> bool:
        """Return whether the first row of a payload is a header."""
        if tuple(fields) == self.usual:
            return True
        return len(set(fields)) == len(fields) and self.names.issuperset(fields)


def columns_below(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns in a header: one without a name is called by its position, as Spark does.

    The mark of a comment, with which NumPy's ``savetxt`` begins a header, is no part of the first name.
    """
    names = (name.removeprefix("#").lstrip() if not place else name for place, name in enumerate(header))
    return tuple(name if name.strip() else f"_c{place}" for place, name in enumerate(names))


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a payload: rows if it is comma-separated text, else JSON documents."""

    rows_of_text: list[Any] | None
    documents: list[Any]

    def records(self, attribute: Attribute | None) -> list[Any]:
        """Return all records of the payload, lists or objects, or what an attribute selects of them.

        Raises
        ------
        Unflattenable
            If the attribute finds nothing.
        """
        if self.rows_of_text is not None:
            if attribute is None:
                return self.rows_of_text
            return [record for row in self.rows_of_text for record in attribute.records_in_row(row)]
        records_in = attribute.records if attribute else records_of
        return [record for document in self.documents for record in records_in(document)]


def content_of(payload: Payload, *, header: Header | None = None, response: bool = False) -> Content:
    """Parse a payload.

    Parameters
    ----------
    header : Header, optional
        What comma-separated text may begin with.
    response : bool
        Whether a field that is a list of numbers in brackets is read as a list. In requests it is text, as in files,
        unless the whole payload is made of lists.

    Raises
    ------
    Unflattenable
        With the reason why it cannot be read, which holds none of its content.
    """
    if payload.encoding == "CSV":
        return _text_content(payload.data, header, response=response)
    if payload.encoding == "JSON":
        return Content(None, _documents_or_lists(payload.data))
    if payload.encoding == "BASE64":
        text, is_json = decode_base64(payload)
        return Content(None, _documents_or_lists(text)) if is_json else _text_content(text, header, response=response)
    raise Unflattenable("an encoding other than CSV, JSON and BASE64")


def row_of(record: Any) -> Row:
    """Flatten a record.

    Raises
    ------
    Unflattenable
        If that is not possible.
    """
    if type(record) is list and record and all(type(value) is str for value in record):
        return dict(enumerate(value or None for value in record))
    columns = flatten(record)
    if not columns:
        raise Unflattenable("a payload is an empty object or list")
    keys: Iterable[int | str] = columns if isinstance(record, dict) else range(len(columns))
    return dict(zip(keys, columns.values(), strict=True))


def comma_separated(payload: Payload) -> str | None:
    """Return the text of a payload that is comma-separated; None for any other."""
    text, is_json = payload.data, payload.encoding != "CSV"
    if payload.encoding == "BASE64":
        with suppress(Unflattenable):
            text, is_json = decode_base64(payload)
    text = without_mark(text)
    return None if is_json or objects_in(text) else text


def objects_in(text: str) -> list[Any] | None:
    """Return the documents of a text that is made of JSON objects, whatever it is called; None for any other text."""
    if text.lstrip().startswith("{"):
        with suppress(Unflattenable):
            return documents_in(text)
    return None


def may_hold_documents(text: str | bytes) -> bool:
    """Return whether comma-separated text may hold objects, or lists of any form in brackets or parentheses."""
    if isinstance(text, bytes):  # of many payloads, which are not decoded for this
        if not any(mark in text for mark in (b"[", b"{", b"(")):
            return False
        text = text.decode(errors="surrogatepass")
    return "[" in text or "{" in text or ("(" in text and may_hold_other_forms(text))


def without_mark(text: str) -> str:
    """Return text without the byte order mark that some programs begin it with."""
    return text.removeprefix("\ufeff")


def _text_content(text: str, header: Header | None, *, response: bool) -> Content:
    text = without_mark(text)
    lists = may_hold_documents(text)
    documents = objects_in(text) or bracketed_documents(text) if lists else None
    if documents is not None:
        return Content(None, documents)
    rows = text_rows(text)
    if header and rows:
        return Content(_named(rows, header), [])
    if response and lists:
        return Content([[bracketed_numbers(field) or field for field in row] for row in rows], [])
    return Content(rows, [])


def _named(rows: list[list[str]], header: Header) -> list[Any]:
    names = columns_below(header.usual)
    if header.begins(rows[0]):
        names, rows = columns_below(rows[0]), rows[1:]
    if any(len(row) != len(names) for row in rows):
        raise Unflattenable("a row has another number of fields than the header")
    return [NamedRow(zip(names, (field or None for field in row), strict=True)) for row in rows]


def response_rows(text: str, rows: int) -> list[list[Any]]:
    """Return the rows of a response of comma-separated text to a request of so many rows.

    A first line of text above as many rows as were sent is a header, and left out.

    Raises
    ------
    Unflattenable
        If one is malformed.
    """
    text = without_mark(text)
    if '"' in text or may_hold_documents(text):
        found = _text_content(text, None, response=True).records(None)
    else:
        found = [line.split(",") for line in text.splitlines() if line and not line.isspace()]
    if len(found) == rows + 1 and all(isinstance(name, str) and not is_number(name) for name in found[0]):
        found = found[1:]
    return [record if isinstance(record, list) else [record] for record in cut(found, rows)]


def is_number(text: str) -> bool:
    """Return whether a text is a number, infinity or NaN included."""
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def text_rows(text: str) -> list[list[str]]:
    """Return the rows of comma-separated text.

    Raises
    ------
    Unflattenable
        If one is malformed.
    """
    rows = []
    for record in parse_records(text.encode(errors="surrogatepass"), last=True):
        if record.fields is None:
            raise Unflattenable(f"a payload is malformed: {record.reason}")
        if record.fields:
            rows.append(record.fields)
    return rows


def document_lines(text: str) -> list[str]:
    """Return the lines of a text of several JSON documents, or the text itself if only one line has content."""
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    return lines if len(lines) > 1 else [text]


def _documents_or_lists(text: str) -> list[Any]:
    """Return the documents of a text that is called JSON, and may be what Python prints of a list."""
    try:
        return documents_in(text)
    except Unflattenable:
        documents = bracketed_documents(text)
        if documents is None:
            raise
        return documents


def documents_in(text: str) -> list[Any]:
    """Return the JSON documents in a text: one, or one for each line. Dicts as Python prints them are documents too.

    Raises
    ------
    Unflattenable
        If it holds anything else.
    """
    text = json_of_dicts(text) or text
    try:
        return [decode(text)] if text.strip() else []
    except Unflattenable as error:
        lines = document_lines(text)
        if len(lines) == 1:
            raise Unflattenable(f"a payload is malformed: {error}") from None
        try:
            return list(map(decode, lines))
        except Unflattenable:
            raise Unflattenable(f"a payload is malformed: {error}") from None


def decode_base64(payload: Payload) -> tuple[str, bool]:
    """Return the text of a payload, and whether it is JSON."""
    try:
        text = base64.b64decode("".join(payload.data.split()), validate=True).decode()
    except UnicodeDecodeError:
        raise Unflattenable(
            "a BASE64 payload that is not text, such as an image: a record preprocessor can read it"
        ) from None
    except (binascii.Error, ValueError):
        raise Unflattenable("a payload is malformed: not BASE64") from None
    content_type = (payload.observedContentType or "").lower()
    if "\0" in text:
        raise Unflattenable("a BASE64 payload that is not text, such as an image: a record preprocessor can read it")
    return text, "json" in content_type or ("csv" not in content_type and text.lstrip()[:1] in ("{", "["))
