"""Lists in brackets in comma-separated text: what a server that responds with ``str(list)`` makes of its numbers.

Tuples, NumPy's arrays and numbers, and PyTorch's tensors are read like lists and numbers, dicts like objects.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from modelwatch_analyzer.reading.flattening import DEEPEST, Unflattenable, decode

_BLANKS = re.compile(r"\s*")
_BARE = re.compile(r'[^,\n\[\]"]*')
_SCALAR = re.compile(
    r"""(?P<number>[+-]?(?:(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+|inf(?:inity)?|nan)(?=[\s,\]]))"""
    r"""|(?P<truth>(?:true|false)(?=[\s,\]]))"""
    r"""|(?P<missing>(?:None|null)(?=[\s,\]]))|'(?P<single>[^'\n\\]*)'|"(?P<double>[^"\n\\]*)\"""",
    re.IGNORECASE,
)
_NUMPY = r"(?:\b(?:np|numpy|torch)\.)?"
_CALLS = (
    (re.compile(rf"{_NUMPY}\b(?:float|int|uint|bool_?|tensor)\d*\(([^()\[\],]*)\)"), r"\1"),
    (re.compile(rf"{_NUMPY}\b(?:array|tensor)\((\[[^()]*\])(?:,\s*\w+=[^,()\[\]]+)*\)"), r"\1"),
    (re.compile(rf"{_NUMPY}\bstr_\(('[^'\n()]*')\)"), r"\1"),
    (re.compile(r"\bDecimal\('([^'\n()]*)'\)"), r"\1"),
)
"""What Python prints around numbers, lists and texts, each with what is left of it."""

_TUPLE = re.compile(r"""(?<!')\(((?:[-+.\deE\s,\[\]]|'[^'\n()]*'|"[^"\n()]*"|None|nan|inf|True|False)*+)\)""")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d*)?")
"""Not a tuple, but a number that brackets make negative."""

_OTHER_FORMS = re.compile(rf"""(?:^|[,"])[ \t]*\(|{"|".join(call.pattern for call, _ in _CALLS)}""", re.MULTILINE)
_NUMPY_TRUTH = re.compile(r"\b(?:np|numpy)\.(True|False)_?\b")


def may_hold_other_forms(text: str) -> bool:
    """Return whether a text with parentheses may hold tuples, arrays or tensors; quick, and rarely wrong."""
    return _OTHER_FORMS.search(text) is not None


_DICT = re.compile(r"[\[\s]*+\{\s*+'")
_PYTHON_TOKEN = re.compile(r"""'(?P<quoted>[^'\n\\]*+)'|"(?:[^"\n\\]|\\.)*+"|\b(?:True|False|None)\b""")
_JSON_WORDS = {"True": "true", "False": "false", "None": "null"}


class _NotBracketed(Exception):
    """The text is not made of lists."""


def bracketed_documents(text: str) -> list[Any] | None:
    """Return the documents in a text with lists in brackets, one for each line, as JSON of the same would have them.

    A line that is one list is that list: a row, or rows if its elements are lists. Lists next to each other,
    ``[0.1, 0.9], [0.7, 0.3]``, are rows; next to other fields, ``1, [0.1, 0.9]``, they are part of their row. Elements
    are numbers or quoted text, separated by commas or, as NumPy prints them, by blanks.

    Returns
    -------
    list or None
        None if there is no list, or if the text also has brackets that do not belong to one.
    """
    text = _as_lists(text)
    if "[" not in text:
        return None
    try:
        lines = _document(text) or _lines(text)
    except _NotBracketed:
        return None
    if not any(isinstance(field, list) for fields in lines for field in fields):
        return None
    return [fields[0] if len(fields) == 1 and isinstance(fields[0], list) else fields for fields in lines]


def bracketed_numbers(field: str) -> list[Any] | None:
    """Return the list of numbers that a field is, such as ``[0.1, 0.9]``; None if it is anything else."""
    return None if any(quote in field for quote in "'\"") else bracketed_values(field)


def bracketed_values(field: str) -> list[Any] | None:
    """Return the list of numbers or texts that a field is; None if it is anything else."""
    field = _as_lists(field)
    if not (field.startswith("[") and field.endswith("]")):
        return None
    try:
        values, end = _list(field, 0, 1)
    except _NotBracketed:
        return None
    return None if end < len(field) or not values else values


def json_of_dicts(text: str) -> str | None:
    """Return as JSON the dicts, or lists of dicts, that Python prints as a text; None if it holds no quoted name."""
    if not _DICT.match(text):
        return None
    return _PYTHON_TOKEN.sub(_json_token, _as_lists(text))


def _json_token(found: re.Match[str]) -> str:
    if found["quoted"] is not None:
        return json.dumps(found["quoted"])
    return _JSON_WORDS.get(found[0], found[0])


def _as_lists(text: str) -> str:
    """Return text with lists and numbers in the place of what Python prints for other sequences and numbers."""
    text = _NUMPY_TRUTH.sub(r"\1", text)
    for _ in range(DEEPEST):
        if "(" not in text:
            break
        before = text
        for call, inner in _CALLS:
            text = call.sub(inner, text)
        text = _TUPLE.sub(_list_of, text)
        if text == before:
            break
    return text


def _list_of(found: re.Match[str]) -> str:
    inside = found[1]
    is_tuple = "," in inside and not _THOUSANDS.fullmatch(inside)
    return f"[{inside.rstrip(', ')}]" if is_tuple else found[0]


def _document(text: str) -> list[list[Any]] | None:
    """Return the only line of a text that is a list in JSON; None for any other."""
    if text.lstrip().startswith("["):
        with suppress(Unflattenable):
            return [[decode(json_of_dicts(text) or text)]]
    return None


def _lines(text: str) -> list[list[Any]]:
    lines: list[list[Any]] = []
    fields: list[Any] = []
    field: Any
    at, text = 0, text.rstrip()
    while True:
        while at < len(text) and text[at] in " \t\r":
            at += 1
        if text.startswith("[", at):
            field, at = _list(text, at, 1)
            while at < len(text) and text[at] in " \t\r":
                at += 1
        else:
            found = _BARE.match(text, at)
            field, at = (found.group().strip() or None, found.end()) if found else (None, at)
        fields.append(field)
        if at >= len(text) or text[at] == "\n":
            if fields != [None]:
                lines.append(fields)
            fields = []
        elif text[at] != ",":
            raise _NotBracketed
        if at >= len(text):
            return lines
        at += 1


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    """Return the list that starts at an offset, and the offset after it."""
    if depth > DEEPEST:
        raise _NotBracketed
    values: list[Any] = []
    at = _after_blanks(text, at + 1)
    while not text.startswith("]", at):
        if text.startswith("[", at):
            value, at = _list(text, at, depth + 1)
            values.append(value)
        else:
            found = _SCALAR.match(text, at)
            if found is None:
                raise _NotBracketed
            truth = found["truth"] and found["truth"].lower()
            values.append(found["number"] or truth or found["single"] or found["double"])
            at = found.end()
        at = _after_blanks(text, at)
        if text.startswith(",", at):
            at = _after_blanks(text, at + 1)
            if text.startswith((",", "]"), at):
                raise _NotBracketed
    return values, at + 1


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at
