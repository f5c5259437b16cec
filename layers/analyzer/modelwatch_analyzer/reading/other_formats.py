"""Files that are certainly of another format than they were said to be, and would be read as nonsense."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwatch_analyzer.reading.flattening import Unflattenable, decode
from modelwatch_core.domain.errors import InvalidInput

_HEAD_BYTES = 1 << 16
_DOCUMENT = re.compile(rb'(?:\[\s*+)?+\{\s*+"[^"\n]++"\s*+:')
"""How an array of objects, or an object, begins; unquoted JSON may also be the first of several fields."""
_CAPTURED = {"captureData", "eventMetadata"}


def refuse_documents(label: str, text: bytes) -> None:
    """Refuse a file of comma-separated text that begins with a JSON document.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    if not _DOCUMENT.match(text[:_HEAD_BYTES].lstrip()):
        return
    line, end, _ = text.lstrip().partition(b"\n")
    line = line.rstrip()
    document = _decoded(line)
    goes_on = line.endswith((b"{", b"[", b",")) or (not end and len(text) > _HEAD_BYTES)
    if document is None and not goes_on:
        return  # other fields come after it
    name = "json"
    if isinstance(document, dict):
        name = "capture" if _is_captured(document) else "jsonlines"
    raise InvalidInput("OtherFormat", f"{label} is JSON, and not comma-separated text: name the format {name}")


def refuse_document_over_lines(label: str, first: Sequence[bytes]) -> None:
    """Refuse a file said to have a document on each line if its first ones are lines of one document.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    begun = first[0].rstrip() if first else b""
    if begun.endswith((b"{", b"[", b",")) and not any(map(_decoded, [begun.rstrip(b","), *first])):
        message = f"{label} begins with a JSON document that goes on over several lines: name the format json"
        raise InvalidInput("OtherFormat", message)


def refuse_captured_record(label: str, document: bytes) -> None:
    """Refuse a file of documents that begins with a captured record.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    if b'"captureData"' in document and _is_captured(_decoded(document)):
        message = f"{label} has captured records, whose payloads are texts in its documents: name the format capture"
        raise InvalidInput("OtherFormat", message)


def _is_captured(document: object) -> bool:
    return isinstance(document, dict) and document.keys() >= _CAPTURED


def _decoded(text: bytes) -> object:
    try:
        return decode(text)
    except Unflattenable:
        return None
