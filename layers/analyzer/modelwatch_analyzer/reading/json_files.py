"""``json``: files of one JSON document a line, or of one array of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, Field

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_analyzer.reading.rows import Line, Row, RowFiles, lines_in, open_rows, rows_of
from modelwatch_core.domain.documents import Owned

_QUOTE, _BACKSLASH, _COMMA = (ord(character) for character in '"\\,')
_BLANK = b" \t\r\n"


class JsonOptions(Owned):
    """SageMaker's options of ``json``.

    Attributes
    ----------
    lines : bool
        Whether each line is a document of its own. Otherwise a file is one array, whose elements are the documents,
        or one object. The batch transform input of SageMaker's API spells it ``line``.
    """

    lines: bool = Field(default=True, validation_alias=AliasChoices("lines", "line"))


def open_json(files: Sequence[SourceFile], options: JsonOptions, attributes: Attributes) -> RowFiles:
    """Open files of JSON; `modelwatch_analyzer.reading.flattening` says how documents become rows.

    Raises
    ------
    InvalidInput
        What `open_rows` and `SourceFile.blocks` raise.
    """

    def rows(log: ReadLog) -> Iterator[Row]:
        for document in json_documents(files, options, log):
            yield from rows_of(document, attributes, log)

    return open_rows(rows)


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
