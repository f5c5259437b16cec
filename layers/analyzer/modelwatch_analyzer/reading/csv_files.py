"""``csv``: files of comma-separated text, with or without a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import polars as pl

from modelwatch_analyzer.reading.csv_text import TOO_LONG, Record, parse_block, parse_records, plain_block, text_frame
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, positional_names
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile, source_files
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_analyzer.reading.rows import Line, lines_in
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

_SAMPLED_RECORDS = 1000
_MAX_NAMED_COLUMNS = 20
_LINE_END = re.compile(rb"[\r\n]")
_FALLBACK_BYTES = 1 << 20
"""About how much text is read record by record before the fast path is tried again."""


class CsvOptions(Owned):
    """SageMaker's options of ``csv``.

    Attributes
    ----------
    header : bool
        Whether the first record of each file has the names of the columns.
    separator : {","}
        The only one; the option exists because SageMaker's documentation has it.
    output_columns_position : {"START", "END"}
        Has no effect: the order of the columns is that of the file.
    """

    header: bool = True
    separator: Literal[","] = ","
    output_columns_position: Literal["START", "END"] = "START"


@dataclass(frozen=True, slots=True)
class _CsvFile:
    """A file, its columns in their own order, and where its rows start."""

    file: SourceFile
    columns: tuple[str, ...]
    offset: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """A `Table` of one or more files of comma-separated text."""

    files: tuple[_CsvFile, ...]
    columns: tuple[str, ...]
    named: bool

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns: a plain file does not distinguish inputs from outputs."""
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order; see `Dataset.batches`."""
        for file in self.files:
            log.objects += 1
            log.bytes += file.file.size
            yield from _read_file(file, plan, log)


def open_csv(source: Path, options: CsvOptions) -> CsvFiles:
    """Open a file, or all files of a folder, like `open_csv_files`."""
    return open_csv_files(source_files(source), options)


def open_csv_files(sources: Sequence[SourceFile], options: CsvOptions) -> CsvFiles:
    """Open files of comma-separated text.

    Without a header, the number of columns is the most frequent one among the first records.

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, ``NoData``, ``EmptyDataset``, ``AllMalformed``, ``MalformedHeader``,
        ``BlankColumnName``, ``DuplicateColumn``, ``HeadersDiffer``, ``NotUtf8``, ``DecompressedTooLarge`` or
        ``UnreadableFile``.
    """
    log = ReadLog()
    if options.header:
        files = tuple(_with_header(file, head[0]) for file in sources if (head := _head(file, 1, log)))
    else:
        heads = (_head(file, _SAMPLED_RECORDS, log) for file in sources)
        columns = next((positional_names(_usual_width(head)) for head in heads if head), ())
        files = tuple(_CsvFile(file, columns) for file in sources) if columns else ()
    if not files:
        if log.malformed:
            log.require_records()
        raise InvalidInput("EmptyDataset", f"{sources[0].path} is empty: give a dataset with at least one row")
    for file in files:
        if set(file.columns) != set(files[0].columns):
            message = (
                f"{file.file.label} and {files[0].file.label} have different columns: give all files the same header"
            )
            raise InvalidInput("HeadersDiffer", message)
    return CsvFiles(files, files[0].columns, named=options.header)


def csv_lines(files: Sequence[SourceFile], log: ReadLog, *, header: bool) -> Iterator[Line]:
    """Yield the lines of the files without headers and blank lines; quotes have no meaning here."""
    for file in files:
        log.objects += 1
        log.bytes += file.size
        lines = chain.from_iterable(lines_in(file.label, number, block) for number, block in line_blocks(file, log))
        yield from islice(lines, 1 if header else 0, None)


def _head(file: SourceFile, count: int, log: ReadLog) -> list[Record]:
    """Return the first records of a file, including malformed ones but not blank lines."""
    text, offset, line = b"", 0, 0
    for block in chain(file.blocks(log), [b""]):
        text += block
        blank = len(text) - len(text.lstrip(b"\r\n"))
        blank -= text.endswith(b"\r", 0, blank)  # a return may be half of a line end
        line += text.count(b"\n", 0, blank) + text.count(b"\r", 0, blank) - text.count(b"\r\n", 0, blank)
        text, offset = text[blank:], offset + blank
        complete = not block or len(text) > LONGEST_RECORD
        records = (record for record in parse_records(text, last=complete) if record.fields != [])
        head = list(islice(records, count))
        if head or complete:
            return [
                record._replace(line=line + record.line, end=offset + record.end, end_line=line + record.end_line)
                for record in head
            ]
    return []


def _usual_width(head: list[Record]) -> int:
    widths = Counter(len(record.fields) for record in head if record.fields)
    return widths.most_common(1)[0][0] if widths else 1


def _with_header(file: SourceFile, header: Record) -> _CsvFile:
    location = f"{file.label}:{header.line + 1}"
    if header.fields is None:
        code = "NotUtf8" if header.reason == "not UTF-8" else "MalformedHeader"
        raise InvalidInput(code, f"{location}: the header cannot be read: {header.reason}")
    for number, name in enumerate(header.fields, start=1):
        if not name.strip():
            message = f"{location}: column {number} has no name; name it, or set header to false if the file has none"
            raise InvalidInput("BlankColumnName", message)
    times = Counter(header.fields)
    if repeated := [str(number) for number, name in enumerate(header.fields, start=1) if times[name] > 1]:
        # Numbers, not names: if the first row was mistaken for a header, the names are values.
        numbers = ", ".join(repeated[:_MAX_NAMED_COLUMNS]) + (" and more" if len(repeated) > _MAX_NAMED_COLUMNS else "")
        message = f"{location}: columns {numbers} share names; rename them, or set header to false if the file has none"
        raise InvalidInput("DuplicateColumn", message)
    return _CsvFile(file, tuple(header.fields), header.end, header.end_line + 1)


def _read_file(source: _CsvFile, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
    """Read one file; every line ends up in a batch or in the log, or is blank."""
    text, line, in_long_line = b"", source.line, False
    for block in chain(source.file.blocks(log, source.offset), [b""]):
        if in_long_line:
            end = _LINE_END.search(block)
            in_long_line = end is None and block != b""
            text = block[end.start() :] if end else b""
        else:
            text += block
        consumed = -1
        while text and consumed:
            frame, consumed, lines = _take_records(text, source, plan, log, line, last=not block)
            text, line = text[consumed:], line + lines
            log.read += frame.height
            if frame.height:
                yield frame
        if len(text) > LONGEST_RECORD:
            log.leave_out(source.file.label, line, TOO_LONG)
            in_long_line = not text.endswith(b"\r")  # a return may end the line, so it is kept for the next block
            text = b"" if in_long_line else b"\r"


def _take_records(
    text: bytes, source: _CsvFile, plan: Plan, log: ReadLog, line: int, *, last: bool
) -> tuple[pl.DataFrame, int, int]:
    """Parse records at the start of a text; return them, and the number of bytes and of lines that they span."""
    block = plain_block(text, last=last) if len(text) <= LONGEST_RECORD else None
    if block is not None:
        frame = parse_block(block, source.columns, plan)
        if frame is not None:
            return frame, block.consumed, block.lines
        text, last = text[: block.consumed], True
    rows: list[list[str]] = []
    consumed = lines = 0
    for record in parse_records(text, last=last):
        consumed, lines = record.end, record.end_line
        if record.fields is None:
            log.leave_out(source.file.label, line + record.line, record.reason)
        elif len(record.fields) == len(source.columns):
            rows.append(record.fields)
        elif record.fields:
            reason = f"{len(record.fields)} fields instead of {len(source.columns)}"
            log.leave_out(source.file.label, line + record.line, reason)
        if consumed > _FALLBACK_BYTES:
            break
    return text_frame(rows, source.columns, plan), consumed, lines
