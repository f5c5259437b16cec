r"""Comma-separated text to columns: a fast path for simple text, a fallback path for everything else.

Both read the same language, an extension of RFC 4180:

- Records end with ``\n``, ``\r\n`` or ``\r``, fields with the separator, by default a comma. Empty lines are skipped.
- A field that starts with a quote ends with one; quotes inside it are doubled. Commas and line ends inside it are
  content. So are quotes inside a field that does not start with one.
- An empty field is a missing value, quoted or not.
- A record is malformed if its number of fields differs from that of the columns, if it is not UTF-8, is longer than
  `LONGEST_RECORD`, continues after a closing quote, or opens a quote that is not closed. In the last three cases only
  the physical line at which it starts is left out, and reading continues at the next line.

The fast path parses many records at once, and leaves a block to the fallback path, which parses record by record,
whenever the two might disagree.
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

TOO_LONG = f"longer than {LONGEST_RECORD >> 20} MiB, perhaps because of a quote that is not closed"
"""The reason why a record that does not end is left out."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_QUOTE, _LF, _CR, _BLANK, _DOT = (ord(character) for character in '"\n\r .')


@dataclass(frozen=True, slots=True)
class Block:
    r"""Complete records of simple structure: only ``\n`` ends them, no line is blank, all quotes are balanced."""

    body: bytes
    rows: int
    separators: int
    quoted: bool
    consumed: int
    """The number of bytes of the original text."""
    lines: int
    """The number of physical lines of the original text."""
    separator: str


class Record(NamedTuple):
    """One record, as the fallback path parses it."""

    line: int
    """The number of its first physical line, from 0 at the start of the text."""
    fields: list[str] | None
    """Empty for a blank line; None if the record is malformed, for which `reason` is the reason."""
    reason: str
    end: int
    """The offset of the first byte after it."""
    end_line: int


def plain_block(text: bytes, *, last: bool, separator: str = ",") -> Block | None:
    """Return the longest run of complete records at the start of a text.

    Parameters
    ----------
    text : bytes
        It starts with a record.
    last : bool
        Whether the text ends where the data ends; if not, its last record may be incomplete and is not included.
    separator : str
        One ASCII character.

    Returns
    -------
    Block or None
        None if the structure is not simple. ``consumed`` is 0 if there is no complete record yet.
    """
    if b'"' in text:
        return _quoted_block(np.frombuffer(text, np.uint8), separator, last=last)
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
    if body.endswith(separator.encode()) and last:
        body += b"\n"  # polars overlooks an extra field where the text ends with its separator
    separators = int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord(separator)))
    return Block(body, rows, separators, quoted=False, consumed=end, lines=lines, separator=separator)


def parse_block(block: Block, columns: Sequence[str], plan: Plan) -> pl.DataFrame | None:
    """Parse the records of a block into the columns that the plan wants.

    Returns
    -------
    polars.DataFrame or None
        Columns as in `Dataset.batches`; None if a record may be malformed, which the fallback path finds out.
    """
    if block.separators != block.rows * (len(columns) - 1) or not _is_utf8(block.body):
        return None
    if block.rows == 0:
        return text_frame([], columns, plan)
    dtypes = {column: plan.dtypes.get(column, pl.String()) for column in columns}
    as_text: dict[str, pl.DataType] = dict.fromkeys(columns, pl.String())
    if any(dtype != pl.String() for dtype in dtypes.values()) and not _would_be_trimmed(block):
        frame = _read_csv(block, dtypes)
        if frame is not None:
            return _doubtful_numbers_as_text(frame[:, plan.columns_among(columns)], block, as_text, plan)
    frame = _read_csv(block, as_text)
    if frame is not None:
        frame = frame[:, plan.columns_among(columns)]  # `select` would interpret names such as ^a.*$ as patterns
        _plan_unparsable_as_text(frame, plan)
    return frame


def parse_records(text: bytes, *, last: bool, separator: str = ",") -> Iterator[Record]:
    """Parse a text record by record, yielding valid and malformed ones.

    The parameters, and where it stops, are those of `plain_block`; the ``end`` of the last record is what was consumed.
    """
    csv.field_size_limit(2**31 - 1)  # records are bounded below
    line_reader = _LineReader(text, len(text) if last else _line_end(text))
    reader = csv.reader(line_reader, strict=True, delimiter=separator)
    while line_reader.offset < line_reader.end:
        start, line = line_reader.offset, line_reader.line
        line_reader.undecodable = line_reader.exhausted = False
        fields, reason, end = None, "", len(text)
        try:
            fields = next(reader)
        except csv.Error:
            if line_reader.exhausted and not last and len(text) - start <= LONGEST_RECORD:
                return
            reason = "a quote is opened and not closed" if line_reader.exhausted else "text follows a closing quote"
        if not line_reader.exhausted:
            end = line_reader.offset
        if end - start > LONGEST_RECORD:
            reason = TOO_LONG
        if reason:
            line_reader.offset, line_reader.line = start, line
            next(line_reader)
            reader = csv.reader(line_reader, strict=True, delimiter=separator)
            yield Record(line, None, reason, line_reader.offset, line_reader.line)
        elif line_reader.undecodable:
            yield Record(line, None, "not UTF-8", line_reader.offset, line_reader.line)
        else:
            yield Record(line, fields, "", line_reader.offset, line_reader.line)


def text_frame(rows: list[list[str]], columns: Sequence[str], plan: Plan) -> pl.DataFrame:
    """Return rows of the fallback path as the columns that the plan wants, all as text."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")
    return _empty_as_null(frame[:, plan.columns_among(columns)])


class _LineReader:
    """Gives `csv.reader` one physical line at a time, and can be rewound."""

    def __init__(self, text: bytes, end: int) -> None:
        self._text = text
        self.end = end
        self.offset = 0
        self.line = 0
        self.exhausted = False
        self.undecodable = False

    def __iter__(self) -> _LineReader:
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
    r"""Return the offset after the last line end; a ``\r`` at the very end may be half of one."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, -1)) + 1


def _quoted_block(text: NDArray[np.uint8], separator: str, *, last: bool) -> Block | None:
    """Find the records of a text with quotes; None unless every quote opens, doubles or closes where it is allowed."""
    quotes = text == _QUOTE
    outside = ~np.logical_xor.accumulate(quotes)
    ends = np.flatnonzero(((text == _LF) | (text == _CR)) & outside)
    if not last and ends.size and text[-1] == _CR and ends[-1] == text.size - 1:
        ends = ends[:-1]
    if last and not outside[-1]:
        return None
    end = text.size if last else int(ends[-1]) + 1 if ends.size else 0
    positions = np.flatnonzero(quotes[:end])
    if not _are_balanced(text[:end], positions, separator):
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
    separators = int(np.count_nonzero((text == ord(separator)) & outside))
    return Block(text.tobytes(), rows, separators, quoted=True, consumed=end, lines=lines, separator=separator)


def _are_balanced(text: NDArray[np.uint8], quotes: NDArray[np.intp], separator: str) -> bool:
    opening, closing = quotes[::2], quotes[1::2]
    if opening.size != closing.size:
        return False
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < text.size - 1] + 1]
    boundaries = np.array([ord(separator), _LF, _CR, _QUOTE], np.uint8)
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
    """Return whether polars' parser of numbers might skip blanks that the grammar does not allow.

    It skips all blanks and tabs before a number, and treats a field of nothing else as missing. The grammar allows
    one blank before a digit or a decimal point.
    """
    tabs = b"\t" in block.body and (block.separator != "\t" or block.quoted)
    if tabs or b"\r" in block.body:
        return True
    if b" " not in block.body:
        return False
    text = np.frombuffer(block.body, np.uint8)
    blanks = np.flatnonzero(text == _BLANK)
    before = np.where(blanks > 0, text[blanks - 1], _LF)
    boundary = (before == ord(block.separator)) | (before == _LF)
    if block.quoted:
        inside_quotes = np.searchsorted(np.flatnonzero(text == _QUOTE), blanks) % 2 == 1
        boundary = (boundary & ~inside_quotes) | (before == _QUOTE)
    after = text[np.minimum(blanks[boundary] + 1, text.size - 1)]
    return not bool((((after >= ord("0")) & (after <= ord("9"))) | (after == _DOT)).all())


def _read_csv(block: Block, schema: dict[str, pl.DataType]) -> pl.DataFrame | None:
    try:
        quote = '"' if block.quoted else None
        frame = pl.read_csv(block.body, has_header=False, schema=schema, quote_char=quote, separator=block.separator)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != block.rows:
        return None
    return _empty_as_null(frame) if block.quoted else frame


def _doubtful_numbers_as_text(
    frame: pl.DataFrame, block: Block, as_text: dict[str, pl.DataType], plan: Plan
) -> pl.DataFrame | None:
    """Return as text the Float64 columns that contain NaN or infinities, or nothing but integers."""
    floats = pl.col(pl.Float64)
    certain = frame.select((floats.is_finite().all() & (floats != floats.floor()).any()) | floats.is_null().all())
    uncertain = [column.name for column in certain.iter_columns() if not column.item()]
    if not uncertain:
        return frame
    for column in uncertain:
        plan.read_as_text(column)
    text = _read_csv(block, as_text)
    return None if text is None else frame.with_columns(text[uncertain])


def _plan_unparsable_as_text(frame: pl.DataFrame, plan: Plan) -> None:
    """Plan as text the columns with values that cannot be parsed as numbers: more such values will follow."""
    for column in frame.iter_columns():
        if column.cast(plan.dtypes[column.name], strict=False).null_count() > column.null_count():
            plan.read_as_text(column.name)


def _empty_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).replace("", None))
