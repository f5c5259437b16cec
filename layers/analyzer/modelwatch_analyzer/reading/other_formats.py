"""Files that are certainly of another format than they were said to be, and would be read as nonsense."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from modelwatch_analyzer.reading.csv_form import SEPARATORS
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.flattening import Unflattenable, decode
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import named_format
from modelwatch_core.domain.errors import InvalidInput

_HEAD_BYTES = 1 << 16
_HEAD_LINES = 20
_HEAD_BLOCK = 1 / 128  # of a block, which is the head
_DOCUMENT = re.compile(rb'(?:\[\s*+)?+\{\s*+"[^"\n]++"\s*+:')
"""How an array of objects, or an object, begins; unquoted JSON may also be the first of several fields."""
_ARRAY = re.compile(rb"\[\s*+[\[{]|\[\s*+\n")
_GOES_ON = (b"{", b"[", b",")
"""How a line ends that a document goes on after."""
_MARKUP = re.compile(rb"<(?:(\?xml)|!doctype|html)\b", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_CAPTURED = {"captureData", "eventMetadata"}
_NAMES = {
    "csv": "comma-separated text",
    "json": "a JSON document",
    "jsonlines": "JSON documents on a line each",
    "capture": "captured records",
    "parquet": "Parquet",
    "batch-transform": "what a transform job captured",
}
"""What files of each format hold."""


def refuse_documents(label: str, text: bytes, separator: str) -> None:
    """Refuse a file of comma-separated text that begins with a JSON document, or is a page.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    _refuse_markup(label, text)
    begun = text[:_HEAD_BYTES].lstrip()
    if not _DOCUMENT.match(begun):
        lists = [_decoded(line) for line in begun.splitlines()[:2]]
        if separator == "," and len(lists) > 1 and all(isinstance(each, list) and len(each) > 1 for each in lists):
            raise InvalidInput("OtherFormat", f"{label} has an array of JSON on each line: {named_format('jsonlines')}")
        return
    line, end, _ = text.lstrip().partition(b"\n")
    line = line.rstrip()
    document = _decoded(line)
    goes_on = line.endswith(_GOES_ON) or (not end and len(text) > _HEAD_BYTES)
    if document is None and not goes_on:
        return  # other fields come after it
    name = "json"
    if isinstance(document, dict):
        name = "capture" if _is_captured(document) else "jsonlines"
    raise InvalidInput("OtherFormat", f"{label} is JSON, and not comma-separated text: {named_format(name)}")


def refuse_document_over_lines(label: str, first: Sequence[bytes]) -> None:
    """Refuse a file said to have a document on each line if its first ones are lines of one document.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    begun = first[0].rstrip() if first else b""
    if begun.endswith(_GOES_ON) and not any(map(_decoded, [begun.rstrip(b","), *first])):
        message = f"{label} begins with a JSON document that goes on over several lines: {named_format('json')}"
        raise InvalidInput("OtherFormat", message)


def refuse_captured_record(label: str, document: bytes) -> None:
    """Refuse a file of documents that begins with a captured record.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    if b'"captureData"' in document and _is_captured(_decoded(document)):
        message = f"{label} has captured records, whose payloads are texts in its documents: {named_format('capture')}"
        raise InvalidInput("OtherFormat", message)


def refuse_other_format(file: SourceFile, declared: str) -> None:
    """Refuse a file that could not be read as the declared format, if it is clear which other one it has.

    Raises
    ------
    InvalidInput
        ``OtherFormat``, and what `SourceFile.blocks` raises.
    """
    text = next(file.blocks(ReadLog(), times=_HEAD_BLOCK), b"")
    _refuse_markup(file.label, text)
    names = _formats_of(text)
    if names and declared not in names:
        message = f"{file.label} seems to be {_NAMES[names[0]]}, and not {_NAMES[declared]}: {named_format(names[0])}"
        raise InvalidInput("OtherFormat", message)


def _refuse_markup(label: str, text: bytes) -> None:
    if markup := _MARKUP.match(text.lstrip()):
        what = "an XML document" if markup[1] else "an HTML page"
        message = f"{label} is {what}, perhaps the error that a server responded with: get the file again"
        raise InvalidInput("OtherFormat", message)


def _formats_of(text: bytes) -> tuple[str, ...]:
    """Return the names of the formats that a text seems to have, the likeliest first; none where that is not clear."""
    begun = text[:_HEAD_BYTES].lstrip()
    lines = [line for line in begun.splitlines()[:_HEAD_LINES] if line.strip()]
    documents = [_decoded(line) for line in lines[:2]]
    if documents and all(isinstance(document, (dict, list)) for document in documents):
        if _is_captured(documents[0]):
            return ("capture",)
        if len(lines) > 1:
            return ("jsonlines",)
        return ("json", "jsonlines") if isinstance(documents[0], list) else ("jsonlines", "json")
    if _DOCUMENT.match(begun) or _ARRAY.match(begun):
        line = lines[0].rstrip()
        goes_on = len(lines) > 1 and line.endswith(_GOES_ON) and not _decoded(line.rstrip(b","))
        return ("json",) if goes_on or (begun.startswith(b"[") and len(text) > _HEAD_BYTES) else ()
    if begun.startswith((b"{", b"[")) or _CONTROL.search(begun):
        return ()
    whole = lines[:-1] if len(text) > _HEAD_BYTES else lines
    return ("csv",) if any(_is_separated(whole, separator) for separator in SEPARATORS) else ()


def _is_separated(lines: Sequence[bytes], separator: str) -> bool:
    """Whether there are several lines with the same number of fields, which is more than one."""
    texts = (line.decode(errors="replace") for line in lines)
    try:
        widths = {len(row) for row in csv.reader(texts, delimiter=separator)}
    except csv.Error:
        return False
    return len(lines) > 1 and len(widths) == 1 and widths != {1}


def _is_captured(document: object) -> bool:
    return isinstance(document, dict) and document.keys() >= _CAPTURED


def _decoded(text: bytes) -> object:
    try:
        return decode(text)
    except Unflattenable:
        return None
