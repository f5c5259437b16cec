"""``csv``: files of text with fields separated by commas, or as an option says, with or without a header."""

from __future__ import annotations

import codecs
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import polars as pl

from modelwatch_analyzer.reading.csv_cuts import cuts_in
from modelwatch_analyzer.reading.csv_form import (
    HEADER,
    NO_HEADER,
    SEPARATORS,
    Expected,
    better_separator,
    cannot_be_row,
    ends_with_inference,
    looks_like_header,
    looks_like_row,
    separator_option,
    unread_form,
)
from modelwatch_analyzer.reading.csv_text import (
    NOT_UTF_8,
    TOO_LONG,
    Record,
    parse_block,
    parse_records,
    plain_block,
    set_aside,
    text_frame,
)
from modelwatch_analyzer.reading.dataset import Plan, TableOfParts, TableOfPieces
from modelwatch_analyzer.reading.files import (
    BLOCK_BYTES,
    LONGEST_RECORD,
    PIECE_BYTES,
    SourceFile,
    cuts_of,
    first_characters,
    in_parts,
    least_bytes,
    line_blocks,
    source_files,
)
from modelwatch_analyzer.reading.find_columns import positional_names
from modelwatch_analyzer.reading.other_formats import refuse_documents
from modelwatch_analyzer.reading.payloads import without_mark
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.rows import Line, lines_in
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, OtherSpellings, ValueSpelling
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.dataset_formats import CsvOptions, Separator
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_SAMPLED_RECORDS = 1000
_COMPARED_RECORDS = 100
_MAX_NAMED_COLUMNS = 20
_LINE_END = re.compile(rb"[\r\n]")
_FALLBACK_BYTES = 1 << 20
"""About how many bytes are read record by record before the fast path is tried again."""
_BYTES_PER_COLUMN = 28 << 10
"""How many bytes are read at once for each column: about 2,000 values."""
_SHORT_BLOCK = 1 / 8
"""The share of a block that is read at once for a caller that looks at the first rows only."""
_MOST_BLOCKS = 3
"""The most blocks that are read at once: text longer than `LONGEST_RECORD` is not parsed as a whole."""


@dataclass(frozen=True, slots=True)
class _CsvFile:
    """A file, or a piece of one: its columns in their own order, where its rows start and, unless at its end, stop.

    Attributes
    ----------
    line : int
        The number of the first line; of a piece that is not the first one, 0: see `ReadLog.next_line`.
    header : tuple of bytes
        How its header may begin where it comes again, as in a file that was joined of several; none if it may be a row.
    """

    file: SourceFile
    columns: tuple[str, ...]
    offset: int = 0
    line: int = 1
    stop: int | None = None
    header: tuple[bytes, ...] = ()

    def repeats_header(self, text: bytes) -> bool:
        """Return whether a line of a text that starts with a record may be the header."""
        if not self.header:
            return False
        firsts = first_characters(text)  # to search a text for a short header would take as long as parsing it
        return any(
            header[0] in firsts and (text.startswith(header) or b"\n" + header in text or b"\r" + header in text)
            for header in self.header
        )

    def is_header(self, fields: list[str]) -> bool:
        """Return whether a record is the header again, and not a row."""
        first, *others = self.columns
        return bool(self.header) and without_mark(fields[0]) == first and fields[1:] == others

    @property
    def is_continued(self) -> bool:
        """Whether it is a piece that is not the first one."""
        return self.line == 0

    @property
    def extent(self) -> float:
        """About how many bytes it has."""
        return (self.file.text_size if self.stop is None else self.stop) - self.offset

    def pieces(self, wanted: Sequence[int], separator: str) -> Iterator[_CsvFile]:
        """Yield the pieces between offsets, or between the ends of records behind them."""
        rest = self
        for cut in cuts_in(self.file, self.offset, wanted, separator) if wanted else ():
            yield replace(rest, stop=cut)
            rest = replace(self, offset=cut, line=0)
        yield rest


@dataclass(frozen=True, slots=True)
class CsvFiles(TableOfParts, TableOfPieces):
    """A `Table` of one or more files of comma-separated text."""

    files: tuple[_CsvFile, ...]
    columns: tuple[str, ...]
    named: bool
    separator: Separator = ","
    spelling: ValueSpelling = AS_WRITTEN
    remarks: tuple[str, ...] = ()

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns: a plain file does not distinguish inputs from outputs."""
        return self.columns

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order; see `Dataset.batches`."""
        log.remarks += self.remarks
        if self.spelling:  # a parser of numbers would take 1.234 for a fraction
            for name in plan.columns_among(self.columns):
                plan.read_as_text(name)
        others = OtherSpellings()
        for file in self.files:
            if not file.is_continued:
                log.count_file(file.file.label, file.file.size)
            rows = 0
            for frame in _read_file(file, self.separator, plan, log):
                yield self.spelling.plain_frame(frame, others, file.file.label, rows) if self.spelling else frame
                rows += frame.height
        log.remarks += others.remarks(self.spelling.decimal)

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The files."""
        return tuple(file.file for file in self.files)

    @property
    def extent(self) -> float:
        """About how many bytes there are."""
        return sum(file.extent for file in self.files)

    def parts(self) -> Iterator[CsvFiles]:
        """Yield tables of some of the files each; see `modelwatch_analyzer.parts`."""
        for files in in_parts(self.files, lambda file: file.file):
            yield replace(self, files=files)

    def pieces(self) -> Iterator[CsvFiles]:
        """Yield tables of some of the rows each; see `modelwatch_analyzer.parts`.

        Where values have a spelling of their own, remarks count the rows of a file: they are read in one piece.
        """
        sizes = [file.file.size for file in self.files]
        least = least_bytes(PIECE_BYTES, len(self.columns))
        cuts, start, group = [] if self.spelling else cuts_of(sum(sizes), least), 0, list[_CsvFile]()
        for file, size in zip(self.files, sizes, strict=True):
            among = [cut - start for cut in cuts if start < cut <= start + size]
            is_cut = size >= least and among and not file.file.is_compressed
            *before, last = file.pieces(among if is_cut else (), self.separator)
            for piece in before:
                yield replace(self, files=(*group, piece))
                group = []
            group.append(last)
            if among and not is_cut:
                yield replace(self, files=tuple(group))
                group = []
            start += size
        if group:
            yield replace(self, files=tuple(group))


def open_csv(
    source: Path,
    options: CsvOptions,
    expected: Expected | None = None,
    spelling: ValueSpelling = AS_WRITTEN,
) -> CsvFiles:
    """Open a file, or all files of a folder, like `open_csv_files`."""
    return open_csv_files(source_files(source), options, expected, spelling)


def open_csv_files(
    sources: Sequence[SourceFile],
    options: CsvOptions,
    expected: Expected | None = None,
    spelling: ValueSpelling = AS_WRITTEN,
) -> CsvFiles:
    """Open files of comma-separated text.

    Without a header, the number of columns is the most frequent one among the first records.

    Parameters
    ----------
    expected : Expected, optional
        What a baseline says about the columns. Files whose separator or header it makes certain are read by that, and
        not by the options; the remarks say so. So are outputs of transform jobs that have inference ids and times.
    spelling : ValueSpelling
        How values are spelled.

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, ``NoData``, ``EmptyDataset``, ``AllMalformed``, ``MalformedHeader``,
        ``BlankColumnName``, ``DuplicateColumn``, ``HeadersDiffer``, ``NotUtf8``, ``DecompressedTooLarge`` or
        ``UnreadableFile``.
    """
    log = ReadLog()
    opening = _Opening(options, expected, log)
    files = opening.open(sources)
    if not files:
        if log.malformed:
            log.require_records()
        raise InvalidInput("EmptyDataset", f"{sources[0].path} is empty: give a dataset with at least one row")
    for file in files:
        if set(file.columns) != set(files[0].columns):
            message = f"{file.file.label} and {files[0].file.label} have different columns"
            same = f"give all files the same header, or {NO_HEADER} if they have none"
            fixes = "; ".join([same, *opening.remarks])
            raise InvalidInput("HeadersDiffer", f"{message}: {fixes}")
    return CsvFiles(files, files[0].columns, opening.named, opening.separator, spelling, tuple(opening.remarks))


_FOR_EXCEL = (
    "the first line of {} is for Excel, and holds only the separator: remove it, and give the separator with "
    "--separator"
)


_SEPARATOR_AT_ENDS = "each row of {} ends with a separator, but the header does not: remove it"
_ROW_NAMES = (
    "each row of {} has one field more than the header has names, as R writes row names: name their column too, or "
    "leave them out (row.names = FALSE)"
)


class _Opening:
    """Finds the columns of files, and what is remarkable about their form, by the first records of the first file."""

    def __init__(self, options: CsvOptions, expected: Expected | None, log: ReadLog) -> None:
        self.separator: Separator = options.separator
        self.named = options.header
        self.remarks: list[str] = []
        self._header = options.header
        self._sampled = _COMPARED_RECORDS if options.header else _SAMPLED_RECORDS
        self._expected = expected
        self._log = log

    def open(self, sources: Sequence[SourceFile]) -> tuple[_CsvFile, ...]:
        """Return the files that are not empty."""
        sampled = ((file, _head(file, self._sampled, self._log, self.separator)) for file in sources)
        first, sample = next(((file, head) for file, head in sampled if head), (None, []))
        if first is None:
            return ()
        refuse_documents(first.label, next(first.blocks(ReadLog(), times=_SHORT_BLOCK), b""), self.separator)
        sample = self._separated(first, sample)
        if self._header and ends_with_inference(sample[0].fields or []):
            self._header = self.named = False
            self.remarks.append(
                f"the first line of {first.label} ends with an inference id and a time, as rows of transform jobs do: "
                f"it was read as a row; give {NO_HEADER}"
            )
        return self._with_headers(sources, first, sample) if self._header else self._headless(sources, first, sample)

    def _separated(self, first: SourceFile, sample: list[Record]) -> list[Record]:
        """Return the first records, by another separator than the options' if the baseline makes it certain."""
        records = [record.fields or [] for record in sample[:_COMPARED_RECORDS]]
        other = better_separator(
            self.separator, records, lambda other: _fields(_head(first, _COMPARED_RECORDS, ReadLog(), other))
        )
        if other is None:
            if form := unread_form(records):
                self.remarks.append(
                    f"each line of {first.label} has {form}, it seems, and was read as one column: write commas "
                    "between the fields of all columns"
                )
            return sample
        message = f"the fields of {first.label}"
        separated = _head(first, self._sampled, ReadLog(), other)
        if self._expected and separated[0].fields and self._expected.is_header(separated[0].fields):
            self.separator = other
            self.remarks.append(
                f"{message} are separated by {SEPARATORS[other]}, as the baseline's names show, and were read so: give "
                f"{separator_option(other)}"
            )
            return separated
        self.remarks.append(
            f"{message} seem to be separated by {SEPARATORS[other]}, but were read as separated by "
            f"{SEPARATORS[self.separator]}: give {separator_option(other)}"
        )
        return sample

    def _with_headers(
        self, sources: Sequence[SourceFile], first: SourceFile, sample: list[Record]
    ) -> tuple[_CsvFile, ...]:
        files, rows = [], []
        no_row = cannot_be_row(sample[0].fields or [], _fields(sample[1:]))
        for file in sources:
            head = sample if file is first else _head(file, 1, self._log, self.separator)
            fields = head[0].fields if head else None
            if self._expected and fields and self._expected.is_row(fields):
                rows.append(file.label)
                files.append(_CsvFile(file, self._expected.names))
            elif head:
                if fields and fields[0].lower().startswith("sep="):
                    self.remarks.append(_FOR_EXCEL.format(file.label))
                elif file is first and fields and not self.remarks:
                    self._doubt_header(file, fields, _fields(sample[1:]))
                made = _with_header(file, head[0], self.remarks)
                files.append(replace(made, header=_beginnings(made.columns, self.separator)) if no_row else made)
        if rows:
            self.remarks.append(
                f"the first line of {enumerated(rows)} has values of the baseline's columns, not their names: it was "
                f"read as a row, and the columns by position; give {NO_HEADER}"
            )
        return tuple(files)

    def _doubt_header(self, file: SourceFile, header: list[str], rows: list[list[str]]) -> None:
        rows = [fields for fields in rows if fields != header]
        if rows and len(header) <= len(rows[0]) and looks_like_header(rows[0], rows[1:]):
            self.remarks.append(
                f"the line below the first one of {file.label} looks like names of columns: if the first one is a "
                "title or a comment, remove it"
            )
        elif rows and all(len(fields) == len(header) + 1 for fields in rows):
            if not any(fields[-1] for fields in rows):
                self.remarks.append(_SEPARATOR_AT_ENDS.format(file.label))
            elif len({fields[0] for fields in rows}) == len(rows):
                self.remarks.append(_ROW_NAMES.format(file.label))
        elif looks_like_row(header, rows):
            self.remarks.append(
                f"the first line of {file.label} looks like data, not like names of columns: if it is, give {NO_HEADER}"
            )

    def _headless(self, sources: Sequence[SourceFile], first: SourceFile, sample: list[Record]) -> tuple[_CsvFile, ...]:
        columns = positional_names(_usual_width(sample))
        if self._expected:
            heads = {file: sample if file is first else _head(file, 1, ReadLog(), self.separator) for file in sources}
            headers = {
                file: head[0]
                for file, head in heads.items()
                if head and head[0].fields and self._expected.is_header(head[0].fields)
            }
            if headers:
                self.named = True
                columns = tuple(next(iter(headers.values())).fields or ())
                labels = enumerated([file.label for file in headers])
                self.remarks.append(
                    f"the first line of {labels} has the baseline's names: it was read as a header; give {HEADER}"
                )
                return tuple(
                    _with_header(file, headers[file], ()) if file in headers else _CsvFile(file, columns)
                    for file in sources
                )
        fields = sample[0].fields
        if fields and not self.remarks and looks_like_header(fields, _fields(sample[1:_COMPARED_RECORDS])):
            self.remarks.append(
                f"the first line of {first.label} looks like names of columns, but was read as a row: if it has the "
                f"names, give {HEADER}"
            )
        return tuple(_CsvFile(file, columns) for file in sources)


def _fields(records: Sequence[Record]) -> list[list[str]]:
    return [record.fields for record in records if record.fields]


def csv_lines(files: Sequence[SourceFile], log: ReadLog, *, header: bool) -> Iterator[Line]:
    """Yield the lines of the files without headers and blank lines; quotes have no meaning here."""
    for file in files:
        log.count_file(file.label, file.size)
        blocks = line_blocks(file, log, _with_line_feeds(file.blocks(log)))
        lines = chain.from_iterable(lines_in(file.label, number, block) for number, block in blocks)
        yield from islice(lines, 1 if header else 0, None)


def _with_line_feeds(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a file with line feeds, also where its lines end with carriage returns alone."""
    first = next(blocks, b"")
    returns = b"\r" in first and b"\n" not in first
    for block in chain([first], blocks):
        yield block.replace(b"\r", b"\n") if returns else block


def _head(file: SourceFile, count: int, log: ReadLog, separator: str) -> list[Record]:
    """Return the first records of a file, including malformed ones but not blank lines."""
    text, offset, line = b"", 0, 0
    for block in chain(file.blocks(log), [b""]):
        text += block
        blank = len(text) - len(text.lstrip(b"\r\n"))
        blank -= text.endswith(b"\r", 0, blank)  # a return may be half of a line end
        line += text.count(b"\n", 0, blank) + text.count(b"\r", 0, blank) - text.count(b"\r\n", 0, blank)
        text, offset = text[blank:], offset + blank
        complete = not block or len(text) > LONGEST_RECORD
        records = (record for record in parse_records(text, last=complete, separator=separator) if record.fields != [])
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


def _with_header(file: SourceFile, header: Record, remarks: Sequence[str]) -> _CsvFile:
    location = f"{file.label}:{header.line + 1}"
    if header.fields is None:
        message = f"{location}: the header cannot be read: {'; '.join([header.reason, *remarks])}"
        if header.reason == NOT_UTF_8:
            raise InvalidInput("NotUtf8", f"{message}, or name its format if that is not CSV")
        raise InvalidInput("MalformedHeader", message)
    for number, name in enumerate(header.fields, start=1):
        if not name.strip():
            message = f"{location}: column {number} has no name; name it, or give {NO_HEADER} if the file has no names"
            index = " (pandas does not write its unnamed index with index=False)" if number == 1 else ""
            last = " (if each line ends with a separator, remove it)" if number == len(header.fields) > 1 else ""
            raise InvalidInput("BlankColumnName", "; ".join([message + index + last, *remarks]))
    times = Counter(header.fields)
    if repeated := [str(number) for number, name in enumerate(header.fields, start=1) if times[name] > 1]:
        # Numbers, not names: if the first row was mistaken for a header, the names are values.
        numbers = ", ".join(repeated[:_MAX_NAMED_COLUMNS]) + (" and more" if len(repeated) > _MAX_NAMED_COLUMNS else "")
        message = (
            f"{location}: columns {numbers} have the same names; rename them, or give {NO_HEADER} if the file has none"
        )
        raise InvalidInput("DuplicateColumn", message)
    names = tuple(map(sys.intern, header.fields))  # which many small files would hold once more each
    return _CsvFile(file, names, header.end, header.end_line + 1)


def _beginnings(names: tuple[str, ...], separator: str) -> tuple[bytes, ...]:
    """Return how a header may begin in files: with quotes around its first name or not, or with a byte order mark."""
    end = separator if len(names) > 1 else ""
    doubled = names[0].replace('"', '""')
    plain, quoted = f"{names[0]}{end}".encode(), f'"{doubled}"{end}'.encode()
    return plain, quoted, codecs.BOM_UTF8 + plain


def _read_file(source: _CsvFile, separator: str, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
    """Read one file; every line ends up in a batch or in the log, or is blank."""
    text, line, in_long_line = b"", source.line, False
    times = _SHORT_BLOCK if plan.short else _blocks_at_once(source)
    blocks = source.file.blocks(log, source.offset, source.stop, times=times)
    for block in chain(blocks, [b""]):
        if in_long_line:
            end = _LINE_END.search(block)
            in_long_line = end is None and block != b""
            text = block[end.start() :] if end else b""
        else:
            text += block
        consumed = -1
        while text and consumed:
            frame, consumed, lines = _take_records(text, source, separator, plan, log, line, last=not block)
            text, line = text[consumed:], line + lines
            log.read += frame.height
            if frame.height:
                yield frame
        if len(text) > LONGEST_RECORD:
            log.leave_out(source.file.label, line, TOO_LONG, in_piece=source.is_continued)
            in_long_line = not text.endswith(b"\r")  # a return may end the line, so it is kept for the next block
            text = b"" if in_long_line else b"\r"
    log.next_line = line


def _blocks_at_once(source: _CsvFile) -> int:
    """Return how many blocks to read at once: the number of rows makes up for the work for each column."""
    return min(max(1, len(source.columns) * _BYTES_PER_COLUMN // BLOCK_BYTES), _MOST_BLOCKS)


def _take_records(
    text: bytes, source: _CsvFile, separator: str, plan: Plan, log: ReadLog, line: int, *, last: bool
) -> tuple[pl.DataFrame, int, int]:
    """Parse records at the start of a text; return them, and the number of bytes and of lines that they span."""
    one_by_one = len(text) > LONGEST_RECORD or source.repeats_header(text)
    block = None if one_by_one else plain_block(text, last=last, separator=separator)
    if block is not None:
        # Where there were malformed records are more, and a long one may make up for a short one.
        frame = None if log.malformed else parse_block(block, source.columns, plan)
        if frame is not None:
            return frame, block.consumed, block.lines
        text, last = text[: block.consumed], True
        structure = block.structure if block.body == text else None
        good, bad = set_aside(text, len(source.columns), separator, structure) or (block, [])
        frame = parse_block(good, source.columns, plan)
        if frame is not None:
            for record in bad:
                _leave_out(record, source, line, log)
            return frame, block.consumed, block.lines
    rows: list[list[str]] = []
    consumed = lines = 0
    for record in parse_records(text, last=last, separator=separator):
        consumed, lines = record.end, record.end_line
        if record.fields is not None and len(record.fields) == len(source.columns):
            if source.is_header(record.fields):
                _leave_out(record._replace(reason="the header again"), source, line, log)
            else:
                rows.append(record.fields)
        elif record.fields != []:
            _leave_out(record, source, line, log)
        if consumed > _FALLBACK_BYTES:
            break
    return text_frame(rows, source.columns, plan), consumed, lines


def _leave_out(record: Record, source: _CsvFile, line: int, log: ReadLog) -> None:
    """Count a malformed record of a text that starts at a line."""
    number = len(record.fields or ())
    fields = f"{count_text(number, 'field')} instead of {len(source.columns)}"
    if number > len(source.columns):
        fields += " (a separator within a value needs quotes around the value)"
    log.leave_out(source.file.label, line + record.line, record.reason or fields, in_piece=source.is_continued)
