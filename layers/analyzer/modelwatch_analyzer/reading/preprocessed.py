"""Records that a user's script makes rows of, whatever their format."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from modelwatch_analyzer.reading.capture import CapturedRecords
from modelwatch_analyzer.reading.dataset import ReadLog, positional_names
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten
from modelwatch_analyzer.reading.rows import Line, Row, RowFiles, open_rows
from modelwatch_analyzer.scripts.process import ScriptProcess, preprocess, running
from modelwatch_core.domain.errors import InvalidInput

_CHUNK_RECORDS = 500
_CHUNK_BYTES = 1 << 20

MOST_BYTES = 8 << 30
"""More than so many bytes of rows, as JSON in a temporary file, are refused."""

Lines = Callable[[ReadLog], Iterator[Line]]
"""Reads the texts of the records from their start; what is left out goes to the log."""


def captured_lines(captured: CapturedRecords, log: ReadLog) -> Iterator[Line]:
    """Yield captured records as they stand in their files."""
    for block in captured.blocks(log):
        for number, text in zip(block.numbers, block.lines, strict=True):
            yield Line(block.file.label, number, text)


def open_preprocessed(lines: Lines, script: Path, settings: Mapping[str, str], *, captured: bool) -> RowFiles:
    """Hand every record to a record preprocessor once, keep the rows in a temporary file, and open that.

    Names that are whole numbers, all of them, are positions: SageMaker's documents have a preprocessor name columns
    ``str(index).zfill(20)`` where it knows no names.

    Parameters
    ----------
    captured : bool
        Whether the texts are captured records, which the script gets taken apart.

    Raises
    ------
    InvalidInput
        ``PreprocessorFailed``, ``PreprocessorTimedOut``, ``PreprocessedTooLarge``, ``ScriptNotFound``, and what the
        reader and `open_rows` raise.
    """
    log = ReadLog()
    descriptor, name = tempfile.mkstemp(prefix="preprocessed-", suffix=".jsonl")
    try:
        with os.fdopen(descriptor, "wb") as spool, running(script, settings) as process:
            for chunk in _chunks(lines(log)):
                for line, rows in _preprocessed(process, chunk, log, captured=captured):
                    spool.writelines(json.dumps([line.file, line.line, row]).encode() + b"\n" for row in rows)
                    log.dropped += not rows
                _require_at_most(MOST_BYTES, spool.tell())
        dataset = _by_position(open_rows(_spooled(Path(name), log)))
    except BaseException:
        Path(name).unlink()
        raise
    weakref.finalize(dataset, os.unlink, name)
    return dataset


def _require_at_most(most: int, size: int) -> None:
    if size > most:
        message = f"the rows of the record preprocessor are more than {most:,} bytes: let it return fewer rows or "
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
    good: list[Line] = []
    texts: list[str] = []
    for line in chunk:
        try:
            texts.append(line.text.decode().removesuffix("\r"))
            good.append(line)
        except UnicodeDecodeError:
            log.leave_out(line.file, line.line, "not UTF-8")
    if good:
        yield from zip(good, preprocess(process, texts, captured=captured), strict=True)


def _spooled(path: Path, before: ReadLog) -> Callable[[ReadLog], Iterator[Row]]:
    def rows(log: ReadLog) -> Iterator[Row]:
        log.include(before)
        with path.open("rb") as spool:
            for text in spool:
                try:
                    file, line, row = decode(text)
                    yield Row(file, line, flatten(row))
                except Unflattenable as error:
                    log.leave_out(path.name, None, f"a row of the record preprocessor: {error}")

    return rows


def _by_position(dataset: RowFiles) -> RowFiles:
    if not all(name.isdecimal() for name in dataset.columns):
        return dataset
    order = sorted(dataset.columns)
    named = dataset.rows

    def rows(log: ReadLog) -> Iterator[Row]:
        for row in named(log):
            values = row.values if isinstance(row.values, dict) else {}
            yield row._replace(values=[values.get(name) for name in order])

    return RowFiles(rows, positional_names(len(order)), named=False)
