"""Files that are certainly of another format than they were said to be, and would be read as nonsense."""

from __future__ import annotations

import re

from modelwatch_analyzer.reading.flattening import Unflattenable, decode
from modelwatch_core.domain.errors import InvalidInput

_HEAD_BYTES = 1 << 16
_DOCUMENT = re.compile(rb'(?P<array>\[\s*+)?+\{\s*+"[^"\n]++"\s*+:')
"""How an array of objects, or an object, begins; no field of comma-separated text has a bare quote inside."""
_CAPTURED = {"captureData", "eventMetadata"}


def refuse_documents(label: str, text: bytes) -> None:
    """Refuse a file of comma-separated text that begins with a JSON document.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    found = _DOCUMENT.match(text[:_HEAD_BYTES].lstrip())
    if found is None:
        return
    line = text.lstrip().partition(b"\n")[0].rstrip()
    name = "json" if found["array"] or not line.endswith(b"}") else "capture" if _is_captured(line) else "jsonlines"
    raise InvalidInput("OtherFormat", f"{label} is JSON, and not comma-separated text: name the format {name}")


def refuse_captured_record(label: str, document: bytes) -> None:
    """Refuse a file of documents that begins with a captured record.

    Raises
    ------
    InvalidInput
        ``OtherFormat``.
    """
    if _is_captured(document):
        message = f"{label} has captured records, whose payloads are texts in its documents: name the format capture"
        raise InvalidInput("OtherFormat", message)


def _is_captured(document: bytes) -> bool:
    try:
        found = decode(document)
    except Unflattenable:
        return False
    return isinstance(found, dict) and found.keys() >= _CAPTURED
