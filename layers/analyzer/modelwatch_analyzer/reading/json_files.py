"""``json``: files with one JSON document per line, or with one array of documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.reading.attributes import Attribute, Attributes
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.data_frames import fields_with_records, may_be_table, rows_of_file
from modelwatch_analyzer.reading.dataset import Plan, Role, Roles
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile, line_blocks
from modelwatch_analyzer.reading.find_columns import find_columns
from modelwatch_analyzer.reading.other_formats import refuse_captured_record, refuse_document_over_lines
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.respelled import Respelling
from modelwatch_analyzer.reading.rows import Line, Row, RowFiles, Shapes, lines_in, rows_of
from modelwatch_analyzer.reading.uniform_documents import count_uniform_rows, parse_uniform_documents
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, ValueSpelling
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.dataset_formats import JsonOptions, named_format
from modelwatch_core.domain.errors import InvalidInput

_QUOTE, _BACKSLASH, _COMMA = (ord(character) for character in '"\\,')
_BLANK = b" \t\r\n"
_DOCUMENTS_PER_CHUNK = 2000
_SAMPLED_DOCUMENTS = 1000
_TABLE = (
    "a file of JSON is one object with the values of each column, or with an object for each row number: it was read "
    "as a table. If it is one record, write it in an array, in the format json"
)
_ONE_RECORD = (
    "the file of JSON is one object, and was read as one record: if it is a table, write a record on each line "
    "(pandas: orient='records', lines=True)"
)
_RECORDS_IN = (
    "the file of JSON is one object, and was read as one record, but the objects in {} may be the records: give "
    "--features-attribute with the name of the field"
)
_FAST_DECODER = msgspec.json.Decoder()
_SCALARS = frozenset({int, float, str, bool, type(None)})


Documents = Callable[[ReadLog], Iterator[Line]]
"""Reads the documents from the first one on; logs what is left out."""


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """A `Table` of JSON documents; chunks of the same shape are parsed column by column, others record by record.

    Attributes
    ----------
    selected_roles : mapping of Role to tuple of str, optional
        The columns that each JMESPath selects; None if everything in the documents is read.
    """

    documents: Documents
    attributes: Attributes
    table: RowFiles
    selected_roles: Roles | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that any record has; see `open_rows`."""
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
        selections = list(self._selections())
        columns = plan.columns_among(self.columns)
        for chunk in _chunks(self.documents(log)):
            uniform = parse_uniform_documents([document.text for document in chunk], selections, plan)
            if uniform:
                frame = pl.DataFrame(uniform.columns)
            else:
                rows = (row for document in chunk for row in rows_of(document, self.attributes, log))
                frame = self.table.frame(rows, columns, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def _selections(self) -> Iterator[tuple[Attribute | None, dict[int | str, str]]]:
        """Yield the attributes, with the columns that each selects by their names or positions in the selection."""
        selected: list[tuple[Attribute | None, tuple[str, ...]]] = [(None, self.columns)]
        if self.selected_roles is not None:
            selected = [(self.attributes.given[role], columns) for role, columns in self.selected_roles.items()]
        for attribute, columns in selected:
            yield attribute, dict(zip(columns if self.named else count(), columns, strict=False))


def open_json(
    files: Sequence[SourceFile],
    options: JsonOptions,
    attributes: Mapping[Role, str],
    spelling: ValueSpelling = AS_WRITTEN,
    expected: Expected | None = None,
) -> JsonFiles:
    """Open files of JSON, like `open_documents`; a file may be a table, unless the attributes are JMESPaths."""
    documents = respelled_documents(partial(json_documents, files, options, tables=True), spelling)
    if attributes and not _name_columns(attributes, documents):
        documents = respelled_documents(partial(json_documents, files, options), spelling)
    return open_documents(documents, attributes, expected)


def respelled_documents(documents: Documents, spelling: ValueSpelling) -> Documents:
    """Return a reader of the same documents whose texts are spelled as the first party would."""

    def respelled(log: ReadLog) -> Iterator[Line]:
        respelling = Respelling(spelling)
        yield from respelling.documents(documents(log))
        log.remarks += respelling.remarks()

    return respelled if spelling else documents


def open_documents(documents: Documents, requested: Mapping[Role, str], expected: Expected | None = None) -> JsonFiles:
    """Open JSON documents; `modelwatch_analyzer.reading.flattening` says how documents become rows.

    Everything in the documents is read if no attributes are requested, or if each one names a column of the first
    1,000 documents and none is for features. Otherwise the attributes are JMESPaths, and only what they select is read.

    Raises
    ------
    InvalidInput
        ``InvalidAttribute``, ``OtherFormat``, and what `open_rows` and `SourceFile.blocks` raise.
    """
    log, shapes = ReadLog(), Shapes()
    attributes = Attributes() if _name_columns(requested, documents) else Attributes.of(**dict(requested))
    for chunk in _chunks(documents(log)):
        if not requested and not log.read:
            refuse_captured_record(chunk[0].file, chunk[0].text)
        count = count_uniform_rows([document.text for document in chunk], list(attributes.given.values()) or [None])
        first = next(rows_of(chunk[0], attributes, ReadLog()), None) if count else None
        if count and first:
            log.read += count
            shapes.add(first, count)
        else:
            _add_one_by_one(chunk, attributes, shapes, log)
    log.require_records()

    def rows(log: ReadLog) -> Iterator[Row]:
        for document in documents(log):
            yield from rows_of(document, attributes, log)

    shapes = shapes.completed(rows, expected)
    selected = shapes.roles(tuple(attributes.given)) if attributes.given else None
    return JsonFiles(documents, attributes, shapes.table(rows), selected)


def _add_one_by_one(chunk: list[Line], attributes: Attributes, shapes: Shapes, log: ReadLog) -> None:
    for document in chunk:
        parsed = None if attributes.given else _parse_flat(document)
        if parsed:
            log.read += 1
            shapes.add_object(parsed, document.file, document.line)
            continue
        for row in rows_of(document, attributes, log):
            log.read += 1
            shapes.add(row)


def _name_columns(attributes: Mapping[Role, str], documents: Documents) -> bool:
    if not attributes or Role.FEATURES in attributes:
        return not attributes
    log, shapes = ReadLog(), Shapes()
    try:
        for document in islice(documents(log), _SAMPLED_DOCUMENTS):
            for row in rows_of(document, Attributes(), log):
                shapes.add(row)
    except InvalidInput:  # too many columns, if everything in the documents is read
        return False
    columns = shapes.columns
    return all(find_columns(columns, name) for name in attributes.values())


def _parse_flat(document: Line) -> dict[str, Any] | None:
    """Parse an object without nested ones faster than by the general rule; None for any other document."""
    try:
        parsed = _FAST_DECODER.decode(document.text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    flat = type(parsed) is dict and _SCALARS.issuperset(map(type, parsed.values())) and all(map(str.strip, parsed))
    return parsed if flat else None


def _chunks(documents: Iterator[Line]) -> Iterator[list[Line]]:
    while chunk := list(islice(documents, _DOCUMENTS_PER_CHUNK)):
        yield chunk


def json_documents(
    files: Sequence[SourceFile], options: JsonOptions, log: ReadLog, *, tables: bool = False
) -> Iterator[Line]:
    """Yield the documents in the files, each with the line on which it starts.

    Parameters
    ----------
    tables : bool
        Whether the rows of a table are yielded instead of the table, where it is the only document of its file.
    """
    for file in files:
        log.count_file(file.label, file.size)
        if options.lines:
            documents = _documents_on_lines(file, log)
            yield from _rows_of_tables(documents, log, alone=len(files) == 1) if tables else documents
        else:
            yield from _elements(file, log, alone=len(files) == 1 if tables else None)


def _documents_on_lines(file: SourceFile, log: ReadLog) -> Iterator[Line]:
    lines = chain.from_iterable(lines_in(file.label, number, block) for number, block in line_blocks(file, log))
    first = list(islice(lines, 2))
    refuse_document_over_lines(file.label, [line.text for line in first])
    yield from chain(first, lines)


def _rows_of_tables(documents: Iterator[Line], log: ReadLog, *, alone: bool) -> Iterator[Line]:
    first = list(islice(documents, 2))
    rows = rows_of_file(first[0].text, alone=alone) if len(first) == 1 else None
    if rows is not None:
        (table,) = first
        _remark(log, _TABLE)
        yield from (table._replace(text=row) for row in rows)
        return
    if alone and len(first) == 1:
        if fields := fields_with_records(first[0].text):
            _remark(log, _RECORDS_IN.format(enumerated(list(map(repr, fields)))))
        elif may_be_table(first[0].text):
            _remark(log, _ONE_RECORD)
    yield from chain(first, documents)


def _remark(log: ReadLog, remark: str) -> None:
    if remark not in log.remarks:
        log.remarks.append(remark)


_NEXT_LINE = re.compile(rb"\}[ \t\r]*\n\s*\{")
"""Matches JSON Lines, and no JSON document: there, a comma is between objects, and strings hold no line ends."""
_JSON_LINES = f"there is a document on each line: {named_format('jsonlines')}"


def _elements(file: SourceFile, log: ReadLog, *, alone: bool | None) -> Iterator[Line]:
    """Yield the elements of a file that is one array; anything else is yielded as one document.

    Memory is bounded by the longest element.

    Parameters
    ----------
    alone : bool, optional
        Whether there is no other file; None if tables are not looked for.
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
        text = _read_rest(text, blocks)
        if len(text) > LONGEST_RECORD:
            log.leave_out(file.label, line, f"longer than {LONGEST_RECORD >> 20} MiB")
            return
        if _NEXT_LINE.search(text) and text.partition(b"\n")[0].rstrip().endswith(b"}"):
            _remark(log, _JSON_LINES)
        documents = iter([Line(file.label, line, text)])
        yield from documents if alone is None else _rows_of_tables(documents, log, alone=alone)


def _array(file: SourceFile, text: bytes, line: int, blocks: Iterator[bytes], log: ReadLog) -> Iterator[Line]:
    first, holds_documents = True, False
    for block in chain([text], blocks):
        text = block if block is text else text + block
        ends, closed = _element_ends(text)
        start = 0
        for end in ends:
            element = text[start:end]
            content = element.lstrip(_BLANK)
            holds_documents |= content.startswith((b"{", b"["))
            if content or not (first and closed):
                yield Line(file.label, line + element.count(b"\n", 0, len(element) - len(content)), element)
            line += element.count(b"\n")
            start, first = end + 1, False
        if closed:
            rest = _read_rest(text[start:].lstrip(_BLANK), blocks).strip(_BLANK)
            if text.startswith(b"]", start - 1) and rest.startswith(b"["):
                if not holds_documents:  # but values, as the rows of a table
                    raise InvalidInput("OtherFormat", f"{file.label}: {_JSON_LINES}")
                _remark(log, _JSON_LINES)
            if not text.startswith(b"]", start - 1) or rest:
                log.leave_out(file.label, line, "the array is followed by something else")
            return
        text = text[start:]
        if len(text) > LONGEST_RECORD:
            reason = f"an element is longer than {LONGEST_RECORD >> 20} MiB; it and everything after it were not read"
            log.leave_out(file.label, line, reason)
            return
    log.leave_out(file.label, line, "the array is truncated")


def _read_rest(text: bytes, blocks: Iterator[bytes]) -> bytes:
    """Read to the end, or until the text is too long for a record."""
    pieces, size = [text], len(text)
    for block in blocks:
        pieces.append(block)
        size += len(block)
        if size > LONGEST_RECORD:
            break
    return b"".join(pieces)


def _element_ends(content: bytes) -> tuple[list[int], bool]:
    """Return the offsets after the elements of an array, and whether the array is closed after the last one."""
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
    """Mark the bytes after an odd number of backslashes."""
    backslashes = text == _BACKSLASH
    positions = np.arange(text.size, dtype=np.int32)
    before_run = np.maximum.accumulate(np.where(backslashes, -1, positions))
    odd = backslashes & ((positions - before_run) % 2 == 1)
    return np.concatenate([[False], odd[:-1]])
