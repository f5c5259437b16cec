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
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.profile.lexical import ColumnType, infer_type
from modelwatch_analyzer.reading.csv_structure import Structure, after, bits_of, count, counts_before, positions
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import LONGEST_RECORD

NOT_UTF_8 = "not UTF-8: save it as UTF-8"
TOO_LONG = f"longer than {LONGEST_RECORD >> 20} MiB, perhaps because of a quote that is not closed"
"""The reason why a record that does not end is left out."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK, _DOT = ord(" "), ord(".")
_FEW = 100


@dataclass(frozen=True, eq=False)
class Block:
    r"""Complete records of simple structure: only ``\n`` ends them, no line is blank, all quotes are balanced.

    Attributes
    ----------
    rows, separators : int
        The numbers of records, and of separators between fields.
    quoted : bool
        Whether there are quotes.
    consumed, lines : int
        The numbers of bytes and of physical lines of the original text.
    """

    body: bytes
    separator: str
    rows: int
    separators: int
    quoted: bool
    consumed: int
    lines: int

    @classmethod
    def of(cls, body: bytes, structure: Structure, separator: str, *, consumed: int, lines: int) -> Block:
        """Return a block whose structure is known already."""
        rows = count(structure.line_feeds) + (not body.endswith(b"\n") if body else 0)
        quoted = bool(structure.quotes.any())
        block = cls(body, separator, rows, count(structure.separators), quoted, consumed, lines)
        block.__dict__["structure"] = structure
        return block

    @cached_property
    def structure(self) -> Structure:
        """The structure of the body, which few texts need that have neither quotes nor blanks."""
        return Structure.of(self.body, ord(self.separator))


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
    structure = Structure.of(text, ord(separator))
    if last and count(structure.quotes) % 2:
        return None
    end = len(text) if last else structure.end_of_lines
    structure = structure.until(end)
    if not structure.is_balanced or structure.inside_returns.any():
        return None
    body = text[:end]
    if structure.returns.any():
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        structure = Structure.of(body, ord(separator))
    lines = count(structure.line_feeds) + count(structure.inside_feeds) + (bool(body) and not body.endswith(b"\n"))
    blank = structure.line_feeds & after(structure.line_feeds)
    if blank.any():
        body = np.delete(np.frombuffer(body, np.uint8), positions(blank)).tobytes()
        structure = Structure.of(body, ord(separator))
    if body.endswith(separator.encode()) and last:
        body += b"\n"  # polars overlooks an extra field where the text ends with its separator
        structure = Structure.of(body, ord(separator))
    return Block.of(body, structure, separator, consumed=end, lines=lines)


def parse_block(block: Block, columns: Sequence[str], plan: Plan) -> pl.DataFrame | None:
    """Parse the records of a block into the columns that the plan wants.

    Returns
    -------
    polars.DataFrame or None
        Columns as in `Dataset.batches`; None if a record may be malformed, which the fallback path finds out.
    """
    rows = block.rows
    if block.separators != rows * (len(columns) - 1) or not _is_utf8(block.body):
        return None
    if rows == 0:
        return text_frame([], columns, plan)
    dtypes = {column: plan.dtypes.get(column, pl.String()) for column in columns}
    as_text: dict[str, pl.DataType] = dict.fromkeys(columns, pl.String())
    if any(dtype != pl.String() for dtype in dtypes.values()) and not _would_be_trimmed(block):
        frame = _read_csv(block, rows, dtypes)
        if frame is not None:
            return _doubtful_numbers_as_text(frame[:, plan.columns_among(columns)], block, as_text, plan)
    frame = _read_csv(block, rows, as_text)
    if frame is not None:
        frame = frame[:, plan.columns_among(columns)]  # `select` would interpret names such as ^a.*$ as patterns
        _plan_unparsable_as_text(frame, plan)
    return frame


def set_aside(
    text: bytes, columns: int, separator: str = ",", structure: Structure | None = None
) -> tuple[Block, list[Record]] | None:
    r"""Return the records that have as many fields as there are columns, and apart from them the malformed ones.

    Parameters
    ----------
    text : bytes
        It starts and ends with a record.
    structure : Structure, optional
        The structure of the text, if it is known and the text has no ``\r``.

    Returns
    -------
    (Block, list of Record) or None
        None if the structure of the text is not simple.
    """
    if structure is None:
        if b"\r" in text:
            if b'"' in text:
                return None
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        structure = Structure.of(text, ord(separator))
        if not structure.is_balanced:
            return None
    ends = structure.lines()
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate([[0], ends[:-1] + 1])
    fields = np.diff(counts_before(structure.separators, ends), prepend=0) + 1
    blank = starts == ends
    well_formed = (fields == columns) & ~blank
    well_formed[_undecodable(text, ends)] = False
    feeds = structure.inside_feeds
    inside_feeds = np.diff(counts_before(feeds, ends), prepend=0) if feeds.any() else np.zeros_like(fields)
    lines = np.arange(ends.size) + np.cumsum(inside_feeds) - inside_feeds
    malformed = []
    for index in np.flatnonzero(~well_formed & ~blank):
        (record,) = parse_records(text[starts[index] : ends[index] + 1], last=True, separator=separator)
        malformed.append(record._replace(line=int(lines[index])))
    firsts = np.flatnonzero(well_formed & ~np.concatenate([[False], well_formed[:-1]]))
    lasts = np.flatnonzero(well_formed & ~np.append(well_formed[1:], False))
    whole = memoryview(text)
    runs = [whole[start:end] for start, end in zip(starts[firsts].tolist(), (ends[lasts] + 1).tolist(), strict=True)]
    if runs and runs[-1][-1] == ord(separator):
        runs.append(memoryview(b"\n"))  # polars overlooks an extra field where the text ends with its separator
    body, rows = b"".join(runs), int(np.count_nonzero(well_formed))
    kept_lines = rows + int(inside_feeds[well_formed].sum())
    return Block(body, separator, rows, rows * (columns - 1), b'"' in body, len(body), kept_lines), malformed


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
            if b'\\"' in text[start : line_reader.offset]:
                reason += ": a quote inside a field is doubled, a backslash does not escape it"
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
            yield Record(line, None, NOT_UTF_8, line_reader.offset, line_reader.line)
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


def _undecodable(text: bytes, ends: NDArray[np.intp]) -> list[int]:
    """Return which records, of which each ends at an offset, are not UTF-8."""
    found: list[int] = []
    start = 0
    while not text.isascii():
        try:
            text[start:].decode()
        except UnicodeDecodeError as error:
            found.append(int(np.searchsorted(ends, start + error.start)))
            start = int(ends[found[-1]]) + 1
        else:
            break
    return found


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
    if b"\t" in block.body and (block.separator != "\t" or block.quoted):
        return True
    if b" " not in block.body:
        return False
    structure = block.structure
    (blanks,) = bits_of(block.body, [_BLANK])
    first = after(structure.separators | structure.line_feeds) | after(structure.quotes, start=False)
    text = np.frombuffer(block.body, np.uint8)
    behind = text[np.minimum(positions(blanks & first) + 1, text.size - 1)]
    return not bool((((behind >= ord("0")) & (behind <= ord("9"))) | (behind == _DOT)).all())


def _read_csv(
    block: Block, rows: int, schema: dict[str, pl.DataType], *, first: int | None = None
) -> pl.DataFrame | None:
    """Parse all records, or the first ones; None if that is not possible, or gives another number of rows."""
    try:
        quote = '"' if block.quoted else None
        frame = pl.read_csv(
            block.body, has_header=False, schema=schema, quote_char=quote, separator=block.separator, n_rows=first
        )
    except pl.exceptions.PolarsError:
        return None
    frame = frame if first is None else frame.head(first)
    if frame.height != rows:
        return None
    return _empty_as_null(frame) if block.quoted and block.structure.has_doubled_quotes else frame


def _doubtful_numbers_as_text(
    frame: pl.DataFrame, block: Block, as_text: dict[str, pl.DataType], plan: Plan
) -> pl.DataFrame | None:
    """Return as text the Float64 columns with NaN or infinities, or without a value that is spelled as a fraction."""
    columns = frame.iter_columns()
    names = [each.name for each in columns if each.dtype == pl.Float64 and not _is_clear(each)]
    if not names:
        return frame
    unclear = frame[names]
    floats = pl.col(pl.Float64)
    fraction = (floats != floats.floor()).any()
    certain = unclear.select((floats.is_finite().all() & fraction) | floats.is_null().all())
    uncertain = [column.name for column in certain.iter_columns() if not column.item()]
    if not uncertain:
        return frame
    text = frame
    for rows in sorted({min(_FEW, frame.height), frame.height}):  # by few rows most columns of 1.0, 2.0, ... are known
        read = _read_csv(block, rows, as_text, first=rows)
        if read is None:
            return None
        text, uncertain = read, [name for name in uncertain if not _is_fractional(frame[name], read[name])]
        if not uncertain:
            return frame
    for column in uncertain:
        plan.read_as_text(column)
    return frame.with_columns(text[uncertain])


def _is_clear(column: pl.Series) -> bool:
    """Return whether a column of floats certainly is one: a sum may be infinite of finite values, never the reverse."""
    first = column.head(_FEW).to_numpy()
    return math.isfinite(column.sum()) and bool((np.floor(first) < first).any())


def _is_fractional(column: pl.Series, text: pl.Series) -> bool:
    """Return whether values are finite, and some of them, as text, are numbers with a fraction among them."""
    column, text = column.alias("value"), text.alias("value")  # polars takes a name ^a.*$ for a pattern
    return bool(column.is_finite().all()) and infer_type(text.drop_nulls()) is ColumnType.FRACTIONAL


def _plan_unparsable_as_text(frame: pl.DataFrame, plan: Plan) -> None:
    """Plan as text the columns with values that cannot be parsed as numbers: more such values will follow."""
    for column in frame.iter_columns():
        if column.cast(plan.dtypes[column.name], strict=False).null_count() > column.null_count():
            plan.read_as_text(column.name)


def _empty_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).replace("", None))
