"""``parquet``: files of typed columns, read in batches of rows.

`modelwatch_analyzer.reading.typed_columns` says what becomes of the types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import polars as pl
from polars.exceptions import PanicException, PolarsError

from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Plan, TableOfParts, TableOfPieces, TypedTable
from modelwatch_analyzer.reading.files import PIECE_ROWS, SourceFile, cuts_of, in_parts
from modelwatch_analyzer.reading.other_formats import refuse_other_format
from modelwatch_analyzer.reading.parquet_footer import repeated_names, row_groups
from modelwatch_analyzer.reading.parquet_process import (
    Collect,
    CollectRows,
    ParquetProcess,
    Unreadable,
    parquet_process,
)
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.typed_columns import TypedColumns, columns_of, typed_columns, without_infinities
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, OtherSpellings, ValueSpelling
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.errors import InvalidInput

_MAGIC = b"PAR1"
_INDEX = re.compile(r"__index_level_\d+__")
"""The name under which pandas stores the index of a frame, if that has no name of its own."""
_INDEX_LEFT_OUT = "the index of a pandas frame is stored with the columns, and was left out: it is not a feature"
_TABLE_LOGS = {"_delta_log": "Delta Lake", ".hoodie": "Apache Hudi"}
"""Folders that say which files beside them a table consists of, and whose they are."""
_BATCH_CELLS = 1 << 20
_SLICE_CELLS = 1 << 22
"""How many cells are decoded at once, in whole row groups if these are not larger."""
_SHORT = 4_096
"""A batch of fewer rows takes as long as one of this many, so batches of wide tables have this many rows, up to
`_SLICE_CELLS` cells. Two of them are decoded at once, because for each slice polars decodes again what is before it."""

_PIECE_CELLS = 1 << 24
"""The fewest cells in a piece; see `modelwatch_analyzer.reading.files.cuts_of`."""


@dataclass(frozen=True, slots=True)
class _ParquetFile:
    """A file, or a piece of one: its rows from one to before another."""

    file: SourceFile
    content: TypedColumns
    groups: tuple[int, ...]
    start: int
    stop: int

    def slices(self, rows: int) -> Iterator[tuple[int, int]]:
        """Yield the rows of the whole file in slices of at most so many, with as few row groups in two as possible."""
        start = stop = 0
        for group in self.groups:
            if stop > start and stop - start + group > rows:
                yield start, stop
                start = stop
            stop += group
            for _ in range(start + rows, stop, rows):
                yield start, start + rows
                start += rows
        if stop > start:
            yield start, stop


@dataclass(frozen=True, slots=True)
class ParquetFiles(TableOfParts, TableOfPieces, TypedTable):
    """A `Table` of Parquet files. Elements that the lists of a file do not have are missing values."""

    files: tuple[_ParquetFile, ...]
    columns: tuple[str, ...]
    named: bool = True
    spelling: ValueSpelling = AS_WRITTEN
    process: ParquetProcess = field(default_factory=ParquetProcess, repr=False, compare=False)
    remarks: tuple[str, ...] = ()

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold text in any file."""
        found = {name for file in self.files for name in file.content.texts}
        return tuple(name for name in self.columns if name in found)

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order, in batches of rows; see `Dataset.batches`."""
        names = plan.columns_among(self.columns)
        others = OtherSpellings()
        with parquet_process(self.process) as collect:
            for source in self.files:
                if not source.start:
                    log.count_file(source.file.label, source.file.size)
                columns = source.content.expressions(names, plan)
                scan = _scan(source.file).select(columns)
                rows = source.start
                with _readable(source.file):
                    for batch in _batches(collect, scan, source, len(names)) if names else ():
                        log.read += batch.height
                        spelled = source.content.spelled(batch, self.spelling, others, source.file.label, rows)
                        yield without_infinities(spelled, plan)
                        rows += batch.height
        log.remarks += [*self.remarks, *others.remarks(self.spelling.decimal)]

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The files."""
        return tuple(file.file for file in self.files)

    def parts(self) -> Iterator[ParquetFiles]:
        """Yield tables of some of the files each; see `modelwatch_analyzer.parts`."""
        for files in in_parts(self.files, lambda file: file.file):
            yield replace(self, files=files, process=self.process if files == self.files else ParquetProcess())

    def pieces(self) -> Iterator[ParquetFiles]:
        """Yield tables of some of the rows each; see `modelwatch_analyzer.parts`.

        Where values have a spelling of their own, remarks count those of all rows: they are read in one piece.
        """
        rows = sum(file.content.rows for file in self.files)
        cuts = [] if self.spelling else cuts_of(rows, max(PIECE_ROWS, _PIECE_CELLS // len(self.columns)))
        start, group = 0, list[_ParquetFile]()
        for file in self.files:
            rest = file
            for cut in cuts:
                if start + rest.start < cut <= start + file.stop:
                    yield replace(self, files=(*group, replace(rest, stop=cut - start)))
                    group, rest = [], replace(rest, start=cut - start)
            if rest.start < rest.stop or not file.stop:
                group.append(rest)
            start += file.stop
        if group:
            yield replace(self, files=tuple(group))

    def beginning(self) -> ParquetFiles:
        """Return a table of the first rows."""
        first = next((file for file in self.files if file.start < file.stop), self.files[0])
        rows = max(1, _BATCH_CELLS // len(self.columns))
        return replace(self, files=(replace(first, stop=min(first.stop, first.start + rows)),))


def open_parquet(
    files: Sequence[SourceFile],
    spelling: ValueSpelling = AS_WRITTEN,
    expected: Expected | None = None,
) -> ParquetFiles:
    """Open Parquet files.

    Parameters
    ----------
    expected : Expected, optional
        What a baseline knows of the columns; an index of pandas is a column only if it is among them.

    Raises
    ------
    InvalidInput
        ``NotParquet`` for a file of another format or a damaged one, ``HeadersDiffer``, ``TooManyColumns``,
        ``EmptyDataset`` if there are no columns, ``DuplicateColumn``, ``BlankColumnName``.
    """
    opened = list[_ParquetFile]()
    process = ParquetProcess()
    with parquet_process(process) as collect:
        for file in files:
            _require_parquet(file)
            with _readable(file):
                opened.append(_open_file(collect, file))
            others = opened[-1].content.top_level_columns ^ opened[0].content.top_level_columns
            if differing := sorted(name for name in others if not _INDEX.fullmatch(name)):
                unlike = enumerated(list(map(repr, differing)))
                message = f"{file.label} and {files[0].label} have different columns ({unlike})"
                raise InvalidInput("HeadersDiffer", f"{message}: give all files the same columns")
        columns = columns_of([file.content for file in opened], expected)
    if not columns:
        raise InvalidInput("EmptyDataset", f"{files[0].label} has no columns")
    known = expected.names if expected else ()
    kept = tuple(name for name in columns if not _INDEX.fullmatch(name) or name in known) or columns
    remarks = [] if len(kept) == len(columns) else [_INDEX_LEFT_OUT]
    remarks += _of_table_logs(files)
    return ParquetFiles(tuple(opened), kept, spelling=spelling, process=process, remarks=tuple(remarks))


def _of_table_logs(files: Sequence[SourceFile]) -> Iterator[str]:
    """Yield what users should know of folders in which rows are deleted without their files."""
    folders = {folder for file in files for folder in file.path.parents[: file.label.count("/") + 1]}
    for log, owner in _TABLE_LOGS.items():
        if any((folder / log).is_dir() for folder in folders):
            yield (
                f"the folder is a table of {owner} ({log}): all of its Parquet files were read, also rows that were "
                f"deleted, or that other files have replaced. Read the table with {owner}, and give a copy of its rows"
            )


def _open_file(collect: Collect, file: SourceFile) -> _ParquetFile:
    try:
        content = typed_columns(collect, _scan(file), file.label)
    except Unreadable:
        for name, numbers in repeated_names(file.path):
            message = f"{file.label}: columns {', '.join(map(str, numbers))} are all named {name!r}; rename them"
            raise InvalidInput("DuplicateColumn", message) from None
        raise
    groups = row_groups(file.path)
    return _ParquetFile(file, content, groups if sum(groups) == content.rows else (content.rows,), 0, content.rows)


def _scan(file: SourceFile) -> pl.LazyFrame:
    return pl.scan_parquet(file.path.absolute(), glob=False)  # the process may have been started in another folder


def _require_parquet(file: SourceFile) -> None:
    try:
        with file.path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
            stream.seek(-min(file.size, len(_MAGIC)), 2)
            foot = stream.read()
    except OSError as error:
        raise InvalidInput("UnreadableFile", f"{file.label} cannot be read: {error.strerror}") from None
    if (head, foot) != (_MAGIC, _MAGIC):
        if head != _MAGIC:
            refuse_other_format(file, "parquet")
        message = f"{file.label} is not a Parquet file, or only a part of one: write it again, or name its format"
        raise InvalidInput("NotParquet", message)


@contextmanager
def _readable(file: SourceFile) -> Iterator[None]:
    try:
        yield
    except (PolarsError, PanicException, OSError, Unreadable):
        message = (
            f"{file.label} is damaged, or has columns of a type that cannot be read: write it again, decimals of more "
            "than 38 digits as decimals of fewer or as doubles, and list views as lists"
        )
        raise InvalidInput("NotParquet", message) from None


def _batches(collect: CollectRows, scan: pl.LazyFrame, source: _ParquetFile, width: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a scan in their order, slice by slice."""
    most = max(1, _BATCH_CELLS // width, min(_SHORT, _SLICE_CELLS // width))
    rows = max(_SLICE_CELLS // width, 2 * most)
    for start, stop in source.slices(rows):
        first, last = max(start, source.start), min(stop, source.stop)
        missing = max(last - first, 0)
        query = scan.slice(start, stop - start)
        for batch in collect(query, most, start=first - start, stop=last - start) if missing else ():
            missing -= batch.height
            yield batch
        if missing:  # polars does not report some kinds of damage
            raise Unreadable
