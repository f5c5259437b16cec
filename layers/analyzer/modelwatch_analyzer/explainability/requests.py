r"""Rows of features as the bodies of requests: CSV, JSON Lines, or JSON by templates.

The templates are SageMaker Clarify's. For ``application/jsonlines`` `content_template` makes the line of a row, for
instance ``{"features":$features}``. For ``application/json`` `record_template` makes the piece of a row, and
`content_template` the document around all of them, ``{"instances":$records}``, or around one, ``{"x":$record}``.
Placeholders of a row: ``$features`` (a list), ``$features_kvp`` (an object by name), ``$feature_names`` (a list), and
``${name}`` for one feature.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import polars as pl

from modelwatch_analyzer.explainability.config import Predictor
from modelwatch_core.domain.errors import InvalidInput

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
CONTENT_TYPES = (CSV, JSON, JSON_LINES)

TRUTH_WORDS = {spelled: word for word in ("true", "false") for spelled in (word, word.title(), word.upper())}
"""How files spell true and false: as JSON, pandas and spreadsheets do."""

_JSON_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_PLACEHOLDER = re.compile(r"\$(features_kvp|features|feature_names|\{[^}]*\})")


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """How rows become the body of a request.

    Attributes
    ----------
    pieces : tuple of str or int
        The text of one row: literal text, and the indices of the features whose cells are between.
    head, separator, tail : str
        What is before, between and after the rows.
    most_rows : int, optional
        The most rows of a body.
    """

    content_type: str
    pieces: tuple[str | int, ...]
    head: str = ""
    separator: str = "\n"
    tail: str = "\n"
    most_rows: int | None = None

    @classmethod
    def of(cls, predictor: Predictor, features: Sequence[str], most_rows: int | None = None) -> RequestFormat:
        """Choose the format that the predictor's content type and templates ask for.

        Raises
        ------
        InvalidInput
            ``InvalidAnalysisConfig``, naming the template.
        """
        kind = predictor.content_type.split(";")[0].strip().lower()
        if kind == CSV:
            return cls(predictor.content_type, _between(",", range(len(features))), most_rows=most_rows)
        if kind == JSON_LINES:
            row = _row(predictor.content_template, "content_template", features)
            return cls(predictor.content_type, row, most_rows=most_rows)
        if kind == JSON:
            template = predictor.content_template or ""
            found = re.findall(r"\$records?\b", template)
            if len(found) != 1:
                raise _invalid("content_template", 'must hold $records or $record once, like {"instances":$records}')
            head, tail = template.split(found[0])
            one = found[0] == "$record"
            return cls(
                predictor.content_type,
                _row(predictor.record_template, "record_template", features),
                head if one else f"{head}[",
                ",",
                tail if one else f"]{tail}",
                1 if one else most_rows,
            )
        raise _invalid("content_type", f"must be one of {', '.join(CONTENT_TYPES)}")

    def cells(self, column: pl.Series, *, numeric: bool) -> pl.Series:
        """Write the cells of a feature as they are in a request: text as text, and the numbers of `numeric` as numbers.

        A number that JSON spells otherwise, like .5, is spelled so; true and false are JSON's.
        """
        if self.content_type.startswith(CSV):
            special = column.str.contains('[",\r\n]')
            quoted = '"' + column.str.replace_all('"', '""', literal=True) + '"'
            return column.zip_with(~special.fill_null(False), quoted).fill_null("")
        if numeric:
            spelled = column.map_elements(_json_number, return_dtype=pl.String)
            return column.zip_with(column.str.contains(_JSON_NUMBER).fill_null(False), spelled).fill_null("null")
        return column.map_elements(json.dumps, return_dtype=pl.String).fill_null("null")

    def rows(self, columns: Sequence[pl.Series]) -> pl.Series:
        """Write rows from the cells of their columns."""
        frame = pl.DataFrame({str(index): column for index, column in enumerate(columns)})
        parts = [pl.col(str(piece)) if isinstance(piece, int) else pl.lit(piece) for piece in self.pieces]
        return frame.select(pl.concat_str(parts).alias("row"))["row"]

    def body(self, rows: pl.Series) -> bytes:
        """Put rows together as the body of one request."""
        return f"{self.head}{rows.str.join(self.separator)[0]}{self.tail}".encode()

    @property
    def literal_bytes(self) -> int:
        """The bytes of a row besides its cells, with the separator."""
        literals = "".join(piece for piece in self.pieces if isinstance(piece, str))
        return len(literals.encode()) + len(self.separator.encode())

    @property
    def envelope_bytes(self) -> int:
        """The bytes of a body besides its rows."""
        return len((self.head + self.tail).encode())


def parse_rows(text: str, mime_type: str, features: Sequence[str]) -> list[list[object]]:
    """Read baseline rows that are given as text, by SageMaker's media types.

    Raises
    ------
    InvalidInput
        ``InvalidAnalysisConfig`` for another media type, or text that is not of it.
    """
    kind = mime_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == CSV:
        return [list(row) for row in csv.reader(io.StringIO(text)) if row]
    if kind not in (JSON_LINES, JSON):
        raise _invalid("baseline", f"the mime_type must be one of {', '.join(CONTENT_TYPES)}")
    documents = [text] if kind == JSON else [line for line in text.split("\n") if line.strip()]
    try:
        parsed = [json.loads(document, parse_constant=_no_number) for document in documents]
    except (ValueError, RecursionError):
        raise _invalid("baseline", f"is not of the media type {kind}") from None
    found = parsed[0] if kind == JSON else parsed
    return [_record(row, features) for row in (found if isinstance(found, list) else [found])]


def _record(row: object, features: Sequence[str]) -> list[object]:
    """Take the values out of a record: a list, an object by feature, or an object that holds just a list."""
    if isinstance(row, dict):
        if set(features) <= set(row):
            return [row[name] for name in features]
        if len(row) == 1:
            return _record(next(iter(row.values())), features)
    if not isinstance(row, list) or any(isinstance(value, list | dict) for value in row):
        raise _invalid("baseline", "a record must be a list of values, or an object with each feature")
    return row


def _no_number(constant: str) -> float:
    raise ValueError(constant)  # NaN and the infinities, which JSON does not know


def _row(template: str | None, name: str, features: Sequence[str]) -> tuple[str | int, ...]:
    if not template:
        raise _invalid(name, 'is needed for this content_type, for instance {"features":$features}')
    pieces: list[str | int] = []
    last = 0
    for found in _PLACEHOLDER.finditer(template):
        pieces += [template[last : found.start()], *_placed(found[1], name, features)]
        last = found.end()
    pieces.append(template[last:])
    if not any(isinstance(piece, int) for piece in pieces):
        raise _invalid(name, "must hold $features, $features_kvp or ${name of a feature}")
    return tuple(piece for piece in pieces if piece != "")


def _placed(placeholder: str, name: str, features: Sequence[str]) -> tuple[str | int, ...]:
    numbers = range(len(features))
    match placeholder:
        case "features":
            return ("[", *_between(",", numbers), "]")
        case "features_kvp":
            pairs = (piece for i in numbers for piece in (f"{',' if i else ''}{json.dumps(features[i])}:", i))
            return ("{", *pairs, "}")
        case "feature_names":
            return (json.dumps(list(features)),)
    if placeholder[1:-1] not in features:
        raise _invalid(name, f"has {placeholder[1:-1]!r}, which is not a feature")
    return (list(features).index(placeholder[1:-1]),)


def _between(separator: str, numbers: Sequence[int]) -> tuple[str | int, ...]:
    return tuple(piece for i in numbers for piece in ((separator, i) if i else (i,)))


def _json_number(text: str) -> str:
    """Spell a number, true or false as JSON does; else text, which a check may have where the baseline has numbers."""
    if text in TRUTH_WORDS:
        return TRUTH_WORDS[text]
    try:
        number = float(text)
        if isfinite(number):
            return str(int(text)) if _WHOLE.fullmatch(text) else repr(number)
    except ValueError:
        pass
    return json.dumps(text)


def _invalid(place: str, message: str) -> InvalidInput:
    return InvalidInput("InvalidAnalysisConfig", f"{place}: {message}")
