"""``json``: files of one JSON document a line, or of one array of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import AliasChoices, Field

from modelwatch_analyzer.reading.attributes import Attribute, Attributes
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, Role, Roles, column_of
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_analyzer.reading.payloads import quick_columns, rows_of_one_shape
from modelwatch_analyzer.reading.rows import Line, Row, RowFiles, Shapes, lines_in, rows_of
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

_QUOTE, _BACKSLASH, _COMMA = (ord(character) for character in '"\\,')
_BLANK = b" \t\r\n"
_DOCUMENTS_AT_ONCE = 2000
_SNIFFED_DOCUMENTS = 1000
_QUICK = msgspec.json.Decoder()
_SCALARS = frozenset({int, float, str, bool, type(None)})


class JsonOptions(Owned):
    """SageMaker's options of ``json``.

    Attributes
    ----------
    lines : bool
        Whether each line is a document of its own. Otherwise a file is one array, whose elements are the documents,
        or one object. The batch transform input of SageMaker's API spells it ``line``.
    """

    lines: bool = Field(default=True, validation_alias=AliasChoices("lines", "line"))


Documents = Callable[[ReadLog], Iterator[Line]]
"""Reads the documents from their start; what is left out goes to the log."""


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """A `Table` of JSON documents; runs of one shape are parsed column by column, others record by record.

    Attributes
    ----------
    found : mapping of Role to tuple of str, optional
        Which columns each JMESPath has found; None where the documents are read whole.
    """

    documents: Documents
    attributes: Attributes
    table: RowFiles
    found: Roles | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All that any record has; see `open_rows`."""
        return self.table.columns

    @property
    def named(self) -> bool:
        """Whether records are objects."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all documents in their order; see `Dataset.batches`."""
        parts = list(self._parts())
        wanted = plan.among(self.columns)
        for run in _runs(self.documents(log)):
            quick = quick_columns([document.text for document in run], parts, plan)
            if quick:
                frame = pl.DataFrame(quick[0])
            else:
                rows = (row for document in run for row in rows_of(document, self.attributes, log))
                frame = self.table.frame(rows, wanted, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def _parts(self) -> Iterator[tuple[Attribute | None, dict[int | str, str]]]:
        """Yield the attributes with the columns that each finds, by their names or places in what it finds."""
        found: list[tuple[Attribute | None, tuple[str, ...]]] = [(None, self.columns)]
        if self.found is not None:
            found = [(self.attributes.given[role], columns) for role, columns in self.found.items()]
        for attribute, columns in found:
            yield attribute, dict(zip(columns if self.named else count(), columns, strict=False))


def open_json(files: Sequence[SourceFile], options: JsonOptions, asked: Mapping[Role, str]) -> JsonFiles:
    """Open files of JSON, as `open_documents` does."""
    return open_documents(partial(json_documents, files, options), asked)


def open_documents(documents: Documents, asked: Mapping[Role, str]) -> JsonFiles:
    """Open documents of JSON; `modelwatch_analyzer.reading.flattening` says how documents become rows.

    Documents are read whole if no attributes are asked for, or if each names a column of the first 1,000 documents
    and none is for features. Otherwise the attributes are JMESPaths, and what they find is read.

    Raises
    ------
    InvalidInput
        ``InvalidAttribute``, and what `open_rows` and `SourceFile.blocks` raise.
    """
    log, shapes = ReadLog(), Shapes()
    attributes = Attributes() if _name_columns(asked, documents) else Attributes.of(**dict(asked))
    for run in _runs(documents(log)):
        alike = rows_of_one_shape([document.text for document in run], list(attributes.given.values()) or [None])
        first = next(rows_of(run[0], attributes, ReadLog()), None) if alike else None
        if alike and first:
            log.read += alike
            shapes.see(first, alike)
        else:
            _see_each(run, attributes, shapes, log)
    log.require_records()

    def rows(log: ReadLog) -> Iterator[Row]:
        for document in documents(log):
            yield from rows_of(document, attributes, log)

    found = shapes.roles(tuple(attributes.given)) if attributes.given else None
    return JsonFiles(documents, attributes, shapes.table(rows), found)


def _see_each(run: list[Line], attributes: Attributes, shapes: Shapes, log: ReadLog) -> None:
    for document in run:
        parsed = None if attributes.given else _flat(document)
        if parsed:
            log.read += 1
            shapes.see_object(parsed, document.file, document.line)
            continue
        for row in rows_of(document, attributes, log):
            log.read += 1
            shapes.see(row)


def _name_columns(asked: Mapping[Role, str], documents: Documents) -> bool:
    if not asked or Role.FEATURES in asked:
        return not asked
    log, shapes = ReadLog(), Shapes()
    try:
        for document in islice(documents(log), _SNIFFED_DOCUMENTS):
            for row in rows_of(document, Attributes(), log):
                shapes.see(row)
    except InvalidInput:  # too many columns, if documents are read whole
        return False
    columns = shapes.columns
    return all(column_of(columns, name) for name in asked.values())


def _flat(document: Line) -> dict[str, Any] | None:
    """Parse a document that is an object of nothing but values, quicker than by the rule; None if it is another."""
    try:
        parsed = _QUICK.decode(document.text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    plain = type(parsed) is dict and _SCALARS.issuperset(map(type, parsed.values())) and all(map(str.strip, parsed))
    return parsed if plain else None


def _runs(documents: Iterator[Line]) -> Iterator[list[Line]]:
    while run := list(islice(documents, _DOCUMENTS_AT_ONCE)):
        yield run


def json_documents(files: Sequence[SourceFile], options: JsonOptions, log: ReadLog) -> Iterator[Line]:
    """Yield the files' documents, each with the line on which it starts."""
    for file in files:
        log.objects += 1
        log.bytes += file.size
        if not options.lines:
            yield from _elements(file, log)
            continue
        for first_line, block in line_blocks(file, log):
            yield from lines_in(file.label, first_line, block)


def _elements(file: SourceFile, log: ReadLog) -> Iterator[Line]:
    """Yield the elements of a file that is one array, or what it is instead as one document.

    Memory is bounded by the longest element.
    """
    blocks = chain(file.blocks(log), [b""])
    text, line = b"", 1
    for block in blocks:
        blanks = len(block) - len(block.lstrip(_BLANK))
        line += block.count(b"\n", 0, blanks)
        text = block[blanks:]
        if text:
            break
    if text.startswith(b"["):
        yield from _array(file, text[1:], line, blocks, log)
    elif text:
        text = _rest(text, blocks)
        if len(text) > LONGEST_RECORD:
            log.leave_out(file.label, line, f"longer than {LONGEST_RECORD >> 20} MiB")
        else:
            yield Line(file.label, line, text)


def _array(file: SourceFile, text: bytes, line: int, blocks: Iterator[bytes], log: ReadLog) -> Iterator[Line]:
    first = True
    for block in chain([text], blocks):
        text = block if block is text else text + block
        ends, closed = _element_ends(text)
        start = 0
        for end in ends:
            element = text[start:end]
            content = element.lstrip(_BLANK)
            if content or not (first and closed):
                yield Line(file.label, line + element.count(b"\n", 0, len(element) - len(content)), element)
            line += element.count(b"\n")
            start, first = end + 1, False
        if closed:
            if not text.startswith(b"]", start - 1) or _rest(text[start:].lstrip(_BLANK), blocks).strip(_BLANK):
                log.leave_out(file.label, line, "something else follows the array")
            return
        text = text[start:]
        if len(text) > LONGEST_RECORD:
            reason = f"an element is longer than {LONGEST_RECORD >> 20} MiB; it and what follows were not read"
            log.leave_out(file.label, line, reason)
            return
    log.leave_out(file.label, line, "the array breaks off")


def _rest(text: bytes, blocks: Iterator[bytes]) -> bytes:
    """Read on to the end, or until it is too much for a record."""
    pieces, size = [text], len(text)
    for block in blocks:
        pieces.append(block)
        size += len(block)
        if size > LONGEST_RECORD:
            break
    return b"".join(pieces)


def _element_ends(content: bytes) -> tuple[list[int], bool]:
    """Find where the elements of an array end: the offsets behind them, and whether the last one closes the array."""
    text = np.frombuffer(content, np.uint8)
    quotes = text == _QUOTE
    if b"\\" in content:
        quotes &= ~_escaped(text)
    outside = ~np.logical_xor.accumulate(quotes)
    opening = ((text == ord("[")) | (text == ord("{"))) & outside
    closing = ((text == ord("]")) | (text == ord("}"))) & outside
    depth = np.cumsum(opening.astype(np.int8) - closing.astype(np.int8), dtype=np.int32)
    ends = np.flatnonzero(((text == _COMMA) & outside & (depth == 0)) | (depth < 0))
    closed = np.flatnonzero(depth[ends] < 0)
    return (ends[: closed[0] + 1] if closed.size else ends).tolist(), bool(closed.size)


def _escaped(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mark the bytes behind an odd number of backslashes."""
    backslashes = text == _BACKSLASH
    places = np.arange(text.size, dtype=np.int32)
    before_run = np.maximum.accumulate(np.where(backslashes, -1, places))
    odd = backslashes & ((places - before_run) % 2 == 1)
    return np.concatenate([[False], odd[:-1]])
