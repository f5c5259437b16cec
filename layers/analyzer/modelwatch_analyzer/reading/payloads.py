"""Captured payloads to rows: the text of one request or response, as comma-separated text, JSON or BASE64 of either.

Each line of a payload of comma-separated text is a row. A payload of JSON is a document, or one document per line; the
rows in a document are found by the rule of `modelwatch_analyzer.reading.flattening`, or by attributes that select them.
BASE64 is decoded and read as its content type says or, without one, as what it looks like.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.csv_text import parse_records
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten, records_of

Row = dict[int | str, str | None]
"""The values of one row as the text of the payload has them: by name, or by position from 0."""

ENCODINGS = ("CSV", "JSON", "BASE64")
"""SageMaker's names of the encodings."""


class Payload(msgspec.Struct, gc=False):
    """One side of a captured record."""

    data: str
    encoding: str = ""
    observedContentType: str | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a payload: rows of fields if it is comma-separated text, else JSON documents."""

    fields: list[list[str]] | None
    documents: list[Any]

    def rows(self, attribute: Attribute | None) -> list[Row]:
        """Return all rows of the payload, or those that an attribute selects.

        Raises
        ------
        Unflattenable
            If the attribute finds nothing, or a record cannot be flattened.
        """
        if self.fields is not None:
            if attribute is None:
                return [dict(enumerate(field or None for field in fields)) for fields in self.fields]
            return [{0: attribute.field(fields) or None} for fields in self.fields]
        records_in = attribute.records if attribute else records_of
        return [_row(record) for document in self.documents for record in records_in(document)]


def content_of(payload: Payload) -> Content:
    """Parse a payload.

    Raises
    ------
    Unflattenable
        With the reason why it cannot be read, which holds none of its content.
    """
    if payload.encoding == "CSV":
        return Content(_fields(payload.data), [])
    if payload.encoding == "JSON":
        return Content(None, _documents(payload.data))
    if payload.encoding == "BASE64":
        return _decode_base64(payload)
    raise Unflattenable("an encoding other than CSV, JSON and BASE64")


def _row(record: Any) -> Row:
    columns = flatten(record)
    if not columns:
        raise Unflattenable("a payload is an empty object or list")
    keys: Iterable[int | str] = columns if isinstance(record, dict) else range(len(columns))
    return dict(zip(keys, columns.values(), strict=True))


def _fields(text: str) -> list[list[str]]:
    rows = []
    for record in parse_records(text.encode(errors="surrogatepass"), last=True):
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


def _decode_base64(payload: Payload) -> Content:
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
    if "json" in content_type or ("csv" not in content_type and text.lstrip()[:1] in ("{", "[")):
        return Content(None, _documents(text))
    return Content(_fields(text), [])
