"""Texts in JSON and in captured payloads, spelled as settings say; numbers of JSON stay, unless they are missing.

This happens before anything is taken apart, because afterwards the number ``1.234`` and the text ``"1.234"`` are one.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, compress, islice

import polars as pl

from modelwatch_analyzer.reading.flattening import Unflattenable
from modelwatch_analyzer.reading.payloads import Payload, decode_base64, documents_in, text_rows
from modelwatch_analyzer.reading.rows import Line
from modelwatch_analyzer.reading.value_spelling import OtherSpellings, ValueSpelling

_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?+', re.DOTALL)
"""A string of JSON; the second group is not empty if it is the name of a field."""
_STRING_OR_NUMBER = re.compile(rf"{_STRING.pattern}|(?P<number>-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+)", re.DOTALL)
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Respelling:
    """One pass over documents or payloads; in the end `remarks` says what is not written with the decimal mark."""

    spelling: ValueSpelling
    _others: OtherSpellings = field(default_factory=OtherSpellings)

    def documents(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Respell documents of JSON."""
        while chunk := list(islice(lines, _CHUNK)):
            texts = [line.text.decode(errors="surrogateescape") for line in chunk]
            known = self._known(chain.from_iterable(map(_strings, texts)))
            for line, text in zip(chunk, texts, strict=True):
                plain = self._json(text, known, f"{line.file}:{line.line}")
                yield line._replace(text=plain.encode(errors="surrogateescape"))

    def payloads(self, payloads: Iterable[tuple[str, Payload]]) -> None:
        """Respell payloads in place; each comes with the place where it is."""
        contents = [(place, payload, *_content(payload)) for place, payload in payloads]
        of_json = self._known(chain.from_iterable(_strings(text) for *_, text, rows in contents if rows is None))
        fields = chain.from_iterable(chain.from_iterable(rows or ()) for *_, rows in contents)
        of_csv = self._known(fields, escaped=False)
        for place, payload, text, rows in contents:
            plain = self._json(text, of_json, place) if rows is None else self._csv(text, rows, of_csv, place)
            if plain != text:
                payload.data = base64.b64encode(plain.encode()).decode() if payload.encoding == "BASE64" else plain

    def remarks(self) -> Iterator[str]:
        """Yield a sentence for each kind of text that has numbers in another spelling."""
        return self._others.remarks(self.spelling.decimal)

    def _known(self, texts: Iterable[str], *, escaped: bool = True) -> _Known:
        unique = set(texts)
        contents = {text: content for text in unique if (content := _content_of(text, escaped=escaped)) is not None}
        plain, others = self.spelling.plain(pl.Series(list(contents.values()), dtype=pl.String))
        changed = {text: new or "" for text, new in zip(contents, plain, strict=True) if text != (new or "")}
        return _Known(changed, frozenset(compress(contents, others)))

    def _json(self, text: str, known: _Known, place: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match[2] is not None:
                return match[0]
            self._count(known, match[1], place)
            new = known.changed.get(match[1])
            return match[0] if new is None else json.dumps(new, ensure_ascii=False)

        return self._without_missing_numbers(_STRING.sub(replaced, text))

    def _without_missing_numbers(self, text: str) -> str:
        missing = self.spelling.missing_numbers

        def replaced(match: re.Match[str]) -> str:
            number = match["number"]
            return "null" if number and float(number) in missing else match[0]

        plain = _STRING_OR_NUMBER.sub(replaced, text) if missing else text
        return plain if plain == text or _is_json(plain) else text  # a list as Python or NumPy prints it stays

    def _csv(self, text: str, rows: list[list[str]], known: _Known, place: str) -> str:
        for field_text in chain.from_iterable(rows):
            self._count(known, field_text, place)
        plain = [[known.changed.get(value, value) for value in row] for row in rows]
        if plain == rows:
            return text
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(plain)
        return written.getvalue().removesuffix("\n")

    def _count(self, known: _Known, text: str, place: str) -> None:
        if text in known.others:
            self._others.add("JSON and payloads", 1, place)


@dataclass(frozen=True, slots=True)
class _Known:
    """Texts that are spelled otherwise now, and those that are numbers in yet another spelling."""

    changed: dict[str, str]
    others: frozenset[str]


def _strings(text: str) -> Iterator[str]:
    """Yield the texts of a document that are no names of fields, as they are in it."""
    return (content for content, name in _STRING.findall(text) if not name)


def _content_of(text: str, *, escaped: bool) -> str | None:
    """Return the content of a text; None if it is none, and stays as it is."""
    try:
        content = str(json.loads(f'"{text}"')) if escaped and "\\" in text else text
        content.encode()
    except ValueError:  # an escape that JSON has not, or half of a character
        return None
    return content


def _content(payload: Payload) -> tuple[str, list[list[str]] | None]:
    """Return the text of a payload, and its rows if it is comma-separated; one that cannot be read has no rows."""
    text, is_json = payload.data, payload.encoding == "JSON"
    try:
        if payload.encoding == "BASE64":
            text, is_json = decode_base64(payload)
        is_json = is_json or (text.lstrip().startswith(("{", "[")) and _is_json(text))
        return text, None if is_json else text_rows(text)
    except Unflattenable:
        return text, []


def _is_json(text: str) -> bool:
    try:
        documents_in(text)
    except (Unflattenable, UnicodeEncodeError):  # the latter of bytes that are not UTF-8
        return False
    return True
