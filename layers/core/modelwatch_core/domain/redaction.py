"""Messages of models, cut and without row values, so that they may be shown.

A model may quote what it was sent. What is known of the request decides how much of its message can be kept:
`redacted_message` knows the body of the one request that failed, `strictly_redacted_message` the cells of all rows
that may be in any request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

LONGEST_MESSAGE = 200
LONGEST_READ = 10_000
"""The most characters of a message that `strictly_redacted_message` looks at."""

_TOKEN = re.compile(r"[\w.+-]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_ENDS = ".-"

_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"\w+$")
_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`")
_ANY_NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?")
_REMOVED = "\0"
_REMOVED_RUN = re.compile(r"\0(?:\W{0,3}\0)*")


def redacted_message(message: str, body: bytes) -> str:
    """Return a model's message about a request, cut, and without anything that the request held.

    Left out are all words that occur in the request, numbers that are equal to one of it, and all numbers that are
    not integers, for a model may have rounded them.
    """
    sent = {word.strip(_ENDS).lower() for word in _TOKEN.findall(body.decode(errors="replace"))} - {""}
    numbers = {number for word in sent if (number := _number(word)) is not None}

    def is_value(word: str, *, cut_off: bool) -> bool:
        number = _number(word)
        if number is not None:
            return number in numbers or not _INTEGER.fullmatch(word)
        return word in sent or (cut_off and any(other.startswith(word) for other in sent))

    def redacted(match: re.Match[str]) -> str:
        word = match[0].strip(_ENDS)
        hidden = word and is_value(word.lower(), cut_off=match[0].endswith(".."))
        return match[0].replace(word, "…") if hidden else match[0]

    kept = _TOKEN.sub(redacted, " ".join(message.split()))
    return kept if len(kept) <= LONGEST_MESSAGE else f"{kept[: LONGEST_MESSAGE - 1]}…"


def strictly_redacted_message(message: str, cells: Iterable[str]) -> str:
    """Return a model's message, cut, and without anything that may be a value of a row.

    Left out are all numbers, everything that is quoted, and all words that occur in a cell.

    Parameters
    ----------
    cells : iterable of str
        All that may have been sent to the model.
    """
    # A cell may come back as it was sent in JSON, with its escapes.
    known = {word.lower() for cell in cells for text in (cell, json.dumps(cell)) for word in _WORD.findall(text)}
    if len(message) > LONGEST_READ:
        message = _LAST_WORD.sub("", message[:LONGEST_READ])  # half a word would not be known
    kept = _ANY_NUMBER.sub("#", _QUOTED.sub("'...'", message))
    kept = _WORD.sub(lambda word: _REMOVED if word[0].lower() in known else word[0], kept)
    kept = " ".join(_REMOVED_RUN.sub("...", kept).split())
    return kept if len(kept) <= LONGEST_MESSAGE else f"{kept[:LONGEST_MESSAGE]}..."


def _number(word: str) -> float | None:
    return float(word) if _NUMBER.fullmatch(word) else None
