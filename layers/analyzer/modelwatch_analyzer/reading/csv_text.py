r"""Comma-separated text to columns: a fast path for what is plain, a careful one for everything else.

Both read the same language, RFC 4180 as far as it goes:

- Records end with ``\n``, ``\r\n`` or ``\r``, fields with a comma. Lines without any character are passed over.
- A field that starts with a quote ends with one; a quote within is doubled. Commas and line ends within are content.
  A quote inside a field that does not start with one is content as well.
- An empty field is a missing value, quoted or not.
- A record is malformed that has another number of fields than the columns, is not UTF-8, is longer than
  `LONGEST_RECORD`, goes on after a closing quote, or opens a quote that is not closed. Of the last three, the physical
  line at which it starts is left out, and reading goes on at the next one.

The fast path takes whole blocks and hands over to the careful path whenever it is not certain that both agree.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import LONGEST_RECORD

TOO_LONG = f"longer than {LONGEST_RECORD >> 20} MiB, perhaps for a quote that is not closed"
"""Why a record is left out that does not end."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_QUOTE, _COMMA, _LF, _CR, _BLANK, _DOT = (ord(character) for character in '",\n\r .')


@dataclass(frozen=True, slots=True)
class Block:
    r"""Whole records whose structure is plain: only ``\n`` ends them, no line is blank, all quotes are in order."""

    body: bytes
    rows: int
    separators: int
    quoted: bool
    consumed: int
    """Bytes of the original text."""
    lines: int
    """Physical lines of the original text."""


class Record(NamedTuple):
    """One record as the careful path finds it."""

    line: int
    """Of the first physical line, counted from 0 at the start of the text."""
    fields: list[str] | None
    """Empty for a blank line; None if the record is malformed, and then `reason` says why."""
    reason: str
    end: int
    """Offset of the first byte behind it."""
    end_line: int


def plain_block(text: bytes, *, last: bool) -> Block | None:
    """Take the longest run of whole records off the start of a text.

    Parameters
    ----------
    text : bytes
        Starts where a record starts.
    last : bool
        Whether the text ends where the data ends; otherwise its last record may be incomplete and is not taken.

    Returns
    -------
    Block or None
        None if the structure is not plain enough to be sure of. ``consumed`` is 0 if no whole record is there yet.
    """
    if b'"' in text:
        return _quoted_block(np.frombuffer(text, np.uint8), last=last)
    end = len(text) if last else _line_end(text)
    body = text[:end]
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line_ends = np.flatnonzero(np.frombuffer(body, np.uint8) == _LF)
    unfinished = bool(body) and not body.endswith(b"\n")
    lines = rows = line_ends.size + unfinished
    blank = int(np.count_nonzero(np.diff(line_ends, prepend=-1) == 1))
    if blank:
        body = re.sub(rb"\n+", b"\n", body).removeprefix(b"\n")
        rows -= blank
    if body.endswith(b",") and last:
        body += b"\n"  # polars overlooks a field too many where a text ends with its comma
    separators = int(np.count_nonzero(np.frombuffer(body, np.uint8) == _COMMA))
    return Block(body, rows, separators, quoted=False, consumed=end, lines=lines)


def parse_block(block: Block, columns: Sequence[str], plan: Plan) -> pl.DataFrame | None:
    """Parse plain records into the columns that the plan wants.

    Returns
    -------
    polars.DataFrame or None
        Columns as `Dataset.batches` promises; None if a record may be malformed, for the careful path to tell which.
    """
    if block.separators != block.rows * (len(columns) - 1) or not _is_utf8(block.body):
        return None
    if block.rows == 0:
        return text_frame([], columns, plan)
    dtypes = {column: plan.dtypes.get(column, pl.String()) for column in columns}
    as_text: dict[str, pl.DataType] = dict.fromkeys(columns, pl.String())
    if any(dtype != pl.String() for dtype in dtypes.values()) and not _would_be_trimmed(block):
        frame = _read(block, dtypes)
        if frame is not None:
            return _with_certain_numbers(frame[:, plan.among(columns)], block, as_text, plan)
    frame = _read(block, as_text)
    if frame is not None:
        frame = frame[:, plan.among(columns)]  # `select` would take names such as ^a.*$ for patterns
        _read_refused_as_text(frame, plan)
    return frame


def careful_records(text: bytes, *, last: bool) -> Iterator[Record]:
    """Read a text record by record, good ones and malformed ones.

    Parameters and the place to stop are those of `plain_block`; the last record's ``end`` tells what was consumed.
    """
    csv.field_size_limit(2**31 - 1)  # records are bounded below
    feed = _Feed(text, len(text) if last else _line_end(text))
    reader = csv.reader(feed, strict=True)
    while feed.offset < feed.end:
        start, line = feed.offset, feed.line
        feed.undecodable = feed.exhausted = False
        fields, reason, end = None, "", len(text)
        try:
            fields = next(reader)
        except csv.Error:
            if feed.exhausted and not last and len(text) - start <= LONGEST_RECORD:
                return
            reason = "a quote is opened and not closed" if feed.exhausted else "text follows a closing quote"
        if not feed.exhausted:
            end = feed.offset
        if end - start > LONGEST_RECORD:
            reason = TOO_LONG
        if reason:
            feed.offset, feed.line = start, line
            next(feed)
            reader = csv.reader(feed, strict=True)
            yield Record(line, None, reason, feed.offset, feed.line)
        elif feed.undecodable:
            yield Record(line, None, "not UTF-8", feed.offset, feed.line)
        else:
            yield Record(line, fields, "", feed.offset, feed.line)


def text_frame(rows: list[list[str]], columns: Sequence[str], plan: Plan) -> pl.DataFrame:
    """Put rows that were read carefully into the columns that the plan wants, all as text."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")
    return _empty_as_null(frame[:, plan.among(columns)])


class _Feed:
    """Physical lines for `csv.reader`, one at a time, which can be wound back."""

    def __init__(self, text: bytes, end: int) -> None:
        self._text = text
        self.end = end
        self.offset = 0
        self.line = 0
        self.exhausted = False
        self.undecodable = False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.offset >= self.end:
            self.exhausted = True
            raise StopIteration
        found = _LINE_END.search(self._text, self.offset, self.end)
        start, self.offset = self.offset, found.end() if found else self.end
        self.line += 1
        line = self._text[start : self.offset]
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.undecodable = True
            return line.decode(errors="replace")


def _line_end(text: bytes) -> int:
    r"""Return the offset behind the last line end; a ``\r`` at the very end may be half of one."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, -1)) + 1


def _quoted_block(text: NDArray[np.uint8], *, last: bool) -> Block | None:
    """Find the records of a text with quotes; None unless every quote opens, doubles or closes where it may."""
    quotes = text == _QUOTE
    outside = ~np.logical_xor.accumulate(quotes)
    ends = np.flatnonzero(((text == _LF) | (text == _CR)) & outside)
    if not last and ends.size and text[-1] == _CR and ends[-1] == text.size - 1:
        ends = ends[:-1]
    if last and not outside[-1]:
        return None
    end = text.size if last else int(ends[-1]) + 1 if ends.size else 0
    places = np.flatnonzero(quotes[:end])
    if not _in_order(text[:end], places):
        return None
    text, outside = text[:end], outside[:end]
    if (text == _CR).any():
        text, outside = _line_feeds_only(text, outside)
        if (text == _CR).any():
            return None
    line_ends = (text == _LF) & outside
    lines = int(np.count_nonzero(text == _LF)) + (end > 0 and text[-1] != _LF)
    blank = line_ends & np.concatenate([[True], line_ends[:-1]])
    if blank.any():
        text, outside, line_ends = text[~blank], outside[~blank], line_ends[~blank]
    rows = int(np.count_nonzero(line_ends)) + (text.size > 0 and not line_ends[-1])
    separators = int(np.count_nonzero((text == _COMMA) & outside))
    return Block(text.tobytes(), rows, separators, quoted=True, consumed=end, lines=lines)


def _in_order(text: NDArray[np.uint8], quotes: NDArray[np.intp]) -> bool:
    opening, closing = quotes[::2], quotes[1::2]
    if opening.size != closing.size:
        return False
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < text.size - 1] + 1]
    boundaries = np.array([_COMMA, _LF, _CR, _QUOTE], np.uint8)
    return bool(np.isin(before, boundaries).all() and np.isin(after, boundaries).all())


def _line_feeds_only(
    text: NDArray[np.uint8], outside: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    returns = (text == _CR) & outside
    halves = returns & (np.append(text[1:], 0) == _LF)
    return np.where(returns, np.uint8(_LF), text)[~halves], outside[~halves]


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _would_be_trimmed(block: Block) -> bool:
    """Tell whether polars' parser for numbers might skip blanks that the grammar does not allow.

    It skips all blanks and tabs before a number, and takes a field of nothing else for missing. The grammar allows
    one blank before a digit or a point.
    """
    if b"\t" in block.body or b"\r" in block.body:
        return True
    if b" " not in block.body:
        return False
    text = np.frombuffer(block.body, np.uint8)
    blanks = np.flatnonzero(text == _BLANK)
    before = np.where(blanks > 0, text[blanks - 1], _LF)
    boundary = (before == _COMMA) | (before == _LF)
    if block.quoted:
        within = np.searchsorted(np.flatnonzero(text == _QUOTE), blanks) % 2 == 1
        boundary = (boundary & ~within) | (before == _QUOTE)
    after = text[np.minimum(blanks[boundary] + 1, text.size - 1)]
    return not bool((((after >= ord("0")) & (after <= ord("9"))) | (after == _DOT)).all())


def _read(block: Block, schema: dict[str, pl.DataType]) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(block.body, has_header=False, schema=schema, quote_char='"' if block.quoted else None)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != block.rows:
        return None
    return _empty_as_null(frame) if block.quoted else frame


def _with_certain_numbers(
    frame: pl.DataFrame, block: Block, as_text: dict[str, pl.DataType], plan: Plan
) -> pl.DataFrame | None:
    """Hand over as text the Float64 columns that hold NaN or infinities, or nothing but whole numbers."""
    floats = pl.col(pl.Float64)
    certain = frame.select((floats.is_finite().all() & (floats != floats.floor()).any()) | floats.is_null().all())
    uncertain = [column.name for column in certain.iter_columns() if not column.item()]
    if not uncertain:
        return frame
    for column in uncertain:
        plan.read_as_text(column)
    text = _read(block, as_text)
    return None if text is None else frame.with_columns(text[uncertain])


def _read_refused_as_text(frame: pl.DataFrame, plan: Plan) -> None:
    """Plan as text the columns that hold what the parser for numbers refuses: others of their kind will follow."""
    for column in frame.iter_columns():
        if column.cast(plan.dtypes[column.name], strict=False).null_count() > column.null_count():
            plan.read_as_text(column.name)


def _empty_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).replace("", None))
