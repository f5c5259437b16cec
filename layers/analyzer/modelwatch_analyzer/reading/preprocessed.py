"""Records of any format that a user's record preprocessor turns into rows."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.find_columns import positional_names
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.respelled import Respelling
from modelwatch_analyzer.reading.rows import Line, Row, RowFiles, open_rows
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, ValueSpelling
from modelwatch_analyzer.scripts.process import ScriptProcess, preprocess, running_script
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_CHUNK_RECORDS = 500
_CHUNK_BYTES = 1 << 20

_EMPTY = (
    "the record preprocessor returned an empty dict {}, which is a row without any value: return [] to leave a record "
    "out"
)

MAX_BYTES = 8 << 30
"""The size that the rows may have, as JSON in a temporary file."""

Lines = Callable[[ReadLog], Iterator[Line]]
"""Reads the records as text from the first one on; logs what is left out."""


def captured_lines(captured: CapturedRecords, log: ReadLog) -> Iterator[Line]:
    """Yield captured records as they are in their files."""
    for block in captured.blocks(log):
        for number, text in zip(block.numbers, block.lines, strict=True):
            yield Line(block.file.label, number, text)


def open_preprocessed(
    lines: Lines,
    script: Path,
    settings: Mapping[str, str],
    spelling: ValueSpelling = AS_WRITTEN,
    expected: Expected | None = None,
    *,
    captured: bool,
) -> RowFiles:
    """Run a record preprocessor once on every record, keep the rows in a temporary file, and open that.

    If all names are integers, they are positions in the order of their text, as in SageMaker, whose documentation has a
    preprocessor name the columns ``str(index).zfill(20)`` where it knows no names. A remark says if that is not the
    order of the numbers.

    Parameters
    ----------
    spelling : ValueSpelling
        How texts in the rows are spelled.
    expected : Expected, optional
        What a baseline says about the columns.
    captured : bool
        Whether the lines are captured records, which the script receives as objects.

    Raises
    ------
    InvalidInput
        ``PreprocessorFailed``, ``PreprocessorTimedOut``, ``PreprocessedTooLarge``, ``ScriptNotFound``, and what the
        reader and `open_rows` raise.
    """
    log, respelling, empty = ReadLog(), Respelling(spelling), 0
    descriptor, name = tempfile.mkstemp(prefix="preprocessed-", suffix=".jsonl")
    try:
        with os.fdopen(descriptor, "wb") as spool, running_script(script, settings) as process:
            for chunk in _chunks(lines(log)):
                documents: list[Line] = []
                for line, rows in _preprocessed(process, chunk, log, captured=captured):
                    documents += (line._replace(text=json.dumps(row).encode()) for row in rows)
                    log.dropped += not rows
                    empty += rows.count({})
                spool.writelines(map(_spoolable, respelling.documents(iter(documents)) if spelling else documents))
                _check_size(spool.tell())
            log.remarks += respelling.remarks()
        if empty:
            log.remarks.append(_EMPTY.format(count_text(empty, "time")))
        opened = open_rows(_spooled(Path(name), log), expected)
        log.remarks += _misleading_order(opened.columns)
        dataset = _by_position(opened)
    except BaseException:
        Path(name).unlink()
        raise
    weakref.finalize(dataset, os.unlink, name)
    return dataset


def _spoolable(document: Line) -> bytes:
    return b"%s\t%d\t%s\n" % (json.dumps(document.file).encode(), document.line, document.text)


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        message = f"the rows of the record preprocessor have more than {MAX_BYTES:,} bytes: return fewer rows or "
        raise InvalidInput("PreprocessedTooLarge", message + "columns, or drop records")


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.text)
        if len(chunk) == _CHUNK_RECORDS or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _preprocessed(
    process: ScriptProcess, chunk: list[Line], log: ReadLog, *, captured: bool
) -> Iterator[tuple[Line, list[dict[str, object]]]]:
    decoded: list[Line] = []
    texts: list[str] = []
    for line in chunk:
        try:
            texts.append(line.text.decode().removesuffix("\r"))
            decoded.append(line)
        except UnicodeDecodeError:
            log.leave_out(line.file, line.line, "not UTF-8")
    if decoded:
        places = [f"{line.file}:{line.line}" for line in decoded]
        yield from zip(decoded, preprocess(process, texts, captured=captured, places=places), strict=True)


def _spooled(path: Path, preprocessing_log: ReadLog) -> Callable[[ReadLog], Iterator[Row]]:
    def rows(log: ReadLog) -> Iterator[Row]:
        log.include(preprocessing_log)
        with path.open("rb") as spool:
            for text in spool:
                name, number, row = text.split(b"\t", 2)
                file, line = json.loads(name), int(number)
                try:
                    yield Row(file, line, flatten(decode(row)))
                except Unflattenable as error:
                    log.leave_out(file, line, f"a row of the record preprocessor: {error}")

    return rows


def _misleading_order(columns: tuple[str, ...]) -> Iterator[str]:
    """Yield a remark if names are numbers whose order as text, in which they are read, is not that of the numbers."""
    if not _are_positions(columns):
        return
    pairs = zip(sorted(columns), sorted(columns, key=int), strict=True)
    misplaced = next(
        ((place, name) for place, (name, expected) in enumerate(pairs) if int(name) != int(expected)), None
    )
    if misplaced:
        place, name = misplaced
        yield (
            "the record preprocessor names columns by numbers that are not of one width, and they are ordered as text: "
            f"its column {name} is read as _c{place}; name them str(index).zfill(20), or by words"
        )


def _are_positions(columns: tuple[str, ...]) -> bool:
    return all(name.isdecimal() for name in columns)


def _by_position(dataset: RowFiles) -> RowFiles:
    if not _are_positions(dataset.columns):
        return dataset
    order = sorted(dataset.columns)
    named = dataset.rows

    def rows(log: ReadLog) -> Iterator[Row]:
        for row in named(log):
            values = row.values if isinstance(row.values, dict) else {}
            yield row._replace(values=[values.get(name) for name in order])

    return RowFiles(rows, positional_names(len(order)), named=False)
