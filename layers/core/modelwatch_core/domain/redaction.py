"""Messages of models, cut and without row values, so that they may be shown."""

from __future__ import annotations

import re

LONGEST_MESSAGE = 200

_WORD = re.compile(r"[\w.+-]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_ENDS = ".-"


def redacted_message(message: str, body: bytes) -> str:
    """Return a model's message about a request, cut, and without anything that the request held.

    Left out are all words that occur in the request, numbers that are equal to one of it, and all numbers that are
    not integers, for a model may have rounded them.
    """
    sent = {word.strip(_ENDS).lower() for word in _WORD.findall(body.decode(errors="replace"))} - {""}
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

    kept = _WORD.sub(redacted, " ".join(message.split()))
    return kept if len(kept) <= LONGEST_MESSAGE else f"{kept[: LONGEST_MESSAGE - 1]}…"


def _number(word: str) -> float | None:
    return float(word) if _NUMBER.fullmatch(word) else None
