"""Responses of a model as numbers: one row for each row that was sent, one column for each output."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import jmespath
import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.requests import CONTENT_TYPES, CSV, JSON, JSON_LINES
from modelwatch_analyzer.reading.flat_responses import cut
from modelwatch_analyzer.reading.flattening import Unflattenable
from modelwatch_analyzer.reading.payloads import response_rows
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

Response = NDArray[np.float64]
"""The outputs of a model, of shape (rows, outputs); all are finite."""

_LARGEST = 1e100
"""Greater numbers are treated as mistakes; their squares would not be finite."""

Read = Callable[[bytes, int], Response]
"""Reads the body of a response that must have the given number of rows."""


def reader(accept: str, attribute: str | None) -> Read:
    """Choose how responses are read.

    Parameters
    ----------
    accept : str
        Their media type.
    attribute : str, optional
        Where the numbers are: the index of a CSV column, or a JMESPath, in the document or in each line. Without it
        all columns are outputs; in JSON the only value of an object is taken.

    Raises
    ------
    InvalidInput
        ``InvalidAnalysisConfig`` for a media type that is not supported, or an invalid attribute.
    """
    kind = accept.split(";", maxsplit=1)[0].strip().lower()
    if kind == CSV:
        column = _index(attribute)
        return lambda body, rows: _numbers(_csv(_text(body), rows, column), rows)
    if kind not in (JSON, JSON_LINES):
        raise InvalidInput("InvalidAnalysisConfig", f"accept_type: must be one of {', '.join(CONTENT_TYPES)}")
    find = _finder(attribute)
    if kind == JSON:
        return lambda body, rows: _numbers(_rows_of(find(_json(body)), rows), rows)
    return lambda body, rows: _numbers([find(_json(line)) for line in body.splitlines() if line.strip()], rows)


def _csv(text: str, rows: int, column: int | None) -> list[list[Any]]:
    try:
        found = response_rows(text, rows)
    except Unflattenable:
        raise _not_numbers() from None
    if column is None:
        return [list(chain.from_iterable(cell if isinstance(cell, list) else [cell] for cell in row)) for row in found]
    if any(len(row) <= column for row in found):
        raise InvalidInput(
            "ModelResponseNotNumbers", f"the model's response has no column {column}: correct label or probability"
        )
    return [row[column] if isinstance(row[column], list) else [row[column]] for row in found]


def _index(attribute: str | None) -> int | None:
    if attribute is not None and not attribute.isdecimal():
        raise InvalidInput(
            "InvalidAnalysisConfig", "label/probability: must be the index of a column, because responses are CSV"
        )
    return None if attribute is None else int(attribute)


def _finder(attribute: str | None) -> Callable[[object], object]:
    if attribute is None:
        return _only_value
    try:
        path = jmespath.compile(attribute)
    except jmespath.exceptions.JMESPathError:
        raise InvalidInput(
            "InvalidAnalysisConfig", "label/probability: must be a JMESPath, because responses are JSON"
        ) from None

    def find(document: object) -> object:
        try:
            found = path.search(document)
        except jmespath.exceptions.JMESPathError:  # a function of it does not take what is there
            raise _not_numbers() from None
        if found is None or found == []:
            message = f"the model's response has no value at {attribute!r}: correct label or probability"
            raise InvalidInput("ModelResponseNotNumbers", message)
        return found

    return find


def _only_value(document: object) -> object:
    while isinstance(document, dict) and len(document) == 1:
        (document,) = document.values()
    return document


def _rows_of(found: object, rows: int) -> list[object]:
    if not isinstance(found, list):
        return [found]
    entries = [_only_value(entry) for entry in found]
    if len(entries) != rows and not any(isinstance(entry, dict | list) for entry in entries):
        parts = cut([entries], rows)
        return parts if len(parts) == rows else entries
    return entries


def _numbers(found: Sequence[object], rows: int) -> Response:
    if len(found) != rows:
        sent = f"the model returned {count_text(len(found), 'row')} for a request of {count_text(rows, 'row')}"
        raise InvalidInput("ModelResponseRowsDiffer", f"{sent}: it must return exactly one for each")
    try:
        response = np.array([row if isinstance(row, list) else [row] for row in found], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # an integer beyond all floats
        raise _not_numbers() from None
    if response.ndim != 2 or response.shape[1] == 0 or not (np.abs(response) <= _LARGEST).all():
        raise _not_numbers()
    return response


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _not_numbers() from None


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        message = "the model's response is not of the accept_type that the configuration names"
        raise InvalidInput("ModelResponseNotNumbers", message) from None


def _not_numbers() -> InvalidInput:
    message = "the model's response does not have one finite number, or equally long lists of them, for each row: name "
    return InvalidInput("ModelResponseNotNumbers", f"{message}them with label or probability, or let it return scores")
