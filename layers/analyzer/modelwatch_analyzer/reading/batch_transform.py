"""``batchTransform``: the data that batch transform jobs captured, found by the manifests that they wrote.

A dataset is a folder with a copy of what SageMaker's data capture of batch transform writes: in ``input`` and
``output``, manifests in folders ``yyyy/mm/dd/hh`` of the hour in which the job started. A manifest names objects in
S3; ``s3://bucket/key`` is searched at ``objects/bucket/key``, ``bucket/key`` and ``key`` in the folder.

With ``GenerateInferenceId`` an output has the id and the time of each inference, in the last two columns of
comma-separated text and in fields of JSON. They are not features; the time says which rows are in the window.

Every row belongs to exactly one of consecutive windows: one with a time to the window of its time, also if its job
started in an earlier hour, up to `LONGEST_TRANSFORM_JOB` before; one without to the window in which the hour of its
manifest starts. Rows that belong to an earlier window are late, and read, if their manifest was not there yet when that
window was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path

import msgspec
import polars as pl

from modelwatch_analyzer.reading.csv_files import CsvFiles, csv_lines, open_csv_files
from modelwatch_analyzer.reading.csv_form import INFERENCE_TIME_PATTERN, UUID_PATTERN, Expected
from modelwatch_analyzer.reading.dataset import Plan, Role, Roles, Table
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.json_files import (
    Documents,
    JsonFiles,
    json_documents,
    open_documents,
    respelled_documents,
)
from modelwatch_analyzer.reading.other_formats import refuse_other_format
from modelwatch_analyzer.reading.parquet_files import ParquetFiles, open_parquet
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_analyzer.reading.rows import Line
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, ValueSpelling
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.batch_manifest import LONGEST_TRANSFORM_JOB, manifest_objects
from modelwatch_core.domain.dataset_formats import BatchTransformOptions, JsonOptions
from modelwatch_core.domain.errors import InvalidInput

ID_FIELD, TIME_FIELD = "SageMakerInferenceId", "SageMakerInferenceTime"
OBJECTS = "objects"
"""The folder into which a host downloads the objects that the manifests name."""

_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]*$")
_INFERENCE = re.compile(rf',"?{UUID_PATTERN[1:-1]}"?,"?({INFERENCE_TIME_PATTERN[1:-1]})"?\s*$'.encode())
"""The inference id and time at the end of a line of comma-separated text."""
_SIDES = ("input", "output")
_MAX_MANIFEST_BYTES = 64 << 20
_FIRST_DOCUMENTS = 100


@dataclass(frozen=True, slots=True)
class BatchTransformFiles:
    """A `Table` of the rows of certain times, without the columns of inference id and time.

    Attributes
    ----------
    by_times : tuple
        The times that are read, and the part of the table of which they are read.
    """

    table: Table
    time_column: str
    columns: tuple[str, ...]
    by_times: tuple[tuple[RecordTimes, Table], ...]

    @property
    def named(self) -> bool:
        """Like the objects."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    @property
    def selected_roles(self) -> Roles | None:
        """Like the objects."""
        return self.table.selected_roles if isinstance(self.table, JsonFiles) else None

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all objects in their order; see `Dataset.batches`."""
        plan_with_time = Plan({**plan.dtypes, self.time_column: pl.String()})
        for times, part in self.by_times:
            for batch in part.batches(plan_with_time, log):
                plan.dtypes.update({name: plan_with_time.dtypes[name] for name in plan.dtypes})
                kept = batch.filter(times.among(batch[self.time_column], log))
                log.read -= batch.height - kept.height
                if kept.height:
                    yield kept.drop(self.time_column)


def open_batch_transform(
    source: Path,
    options: BatchTransformOptions,
    times: RecordTimes,
    attributes: Mapping[Role, str],
    expected: Expected | None = None,
    spelling: ValueSpelling = AS_WRITTEN,
) -> Table:
    """Open the rows that transform jobs captured at certain times; the module docstring has the rule.

    Raises
    ------
    InvalidInput
        ``NoData`` where there is no job, ``InvalidManifest``, ``ObjectNotFetched``, and what the reader of the objects'
        format raises.
    """
    hours = transformed_by_hour(source, options, times)
    files = tuple(chain.from_iterable(hours.values()))
    if options.csv:
        table: CsvFiles | JsonFiles | ParquetFiles = open_csv_files(files, options.csv, expected, spelling)
        if len(table.columns) > 2 and ends_with_inference(table):
            return BatchTransformFiles(
                table, table.columns[-1], table.columns[:-2], _parts(table, files, times, options.json_format, spelling)
            )
        return table
    if options.json_format:
        documents = respelled_documents(partial(json_documents, files, options.json_format), spelling)
        if attributes:  # what JMESPaths select has no time column, so that the rows cannot be filtered by it later
            documents = partial(_lines_at, documents, _time_of_document, earlier_files(hours, times), files, times)
        table = open_documents(documents, attributes, expected)
    else:
        table = open_parquet(files, spelling, expected)
    if TIME_FIELD not in table.columns:
        return table
    columns = tuple(name for name in table.columns if name not in (ID_FIELD, TIME_FIELD))
    return BatchTransformFiles(table, TIME_FIELD, columns, _parts(table, files, times, options.json_format, spelling))


def _parts(
    table: CsvFiles | JsonFiles | ParquetFiles,
    files: tuple[SourceFile, ...],
    times: RecordTimes,
    options: JsonOptions | None,
    spelling: ValueSpelling,
) -> tuple[tuple[RecordTimes, Table], ...]:
    """Return the parts of a table of which the same times are read, with these times."""
    groups = tuple(times.groups(files))
    if len(groups) == 1:
        return ((groups[0][0], table),)
    return tuple((of_group, _part(table, group, options, spelling)) for of_group, group in groups)


def _part(
    table: CsvFiles | JsonFiles | ParquetFiles,
    files: tuple[SourceFile, ...],
    options: JsonOptions | None,
    spelling: ValueSpelling,
) -> Table:
    if options and isinstance(table, JsonFiles):
        return replace(table, documents=respelled_documents(partial(json_documents, files, options), spelling))
    labels = {file.label for file in files}
    if isinstance(table, CsvFiles):
        return replace(table, files=tuple(each for each in table.files if each.file.label in labels))
    if isinstance(table, ParquetFiles):
        return replace(table, files=tuple(each for each in table.files if each.file.label in labels))
    raise AssertionError("JSON has options")


class _InferenceTime(msgspec.Struct):
    SageMakerInferenceTime: datetime | None = None


_TIME_DECODER = msgspec.json.Decoder(_InferenceTime)


def _lines_at(
    lines: Documents,
    time_of: Callable[[Line], datetime | None],
    earlier: frozenset[str],
    files: Sequence[SourceFile],
    times: RecordTimes,
    log: ReadLog,
) -> Iterator[Line]:
    """Yield the records whose time is read, and those without a time of jobs that started in the window or are late."""
    of_file = {file.label: times.of_file(file) for file in files}
    for line in lines(log):
        time, read = time_of(line), of_file[line.file]
        if time is None:
            if line.file not in earlier:
                yield line
        elif read.first <= time < read.last:
            log.count_late(read.earlier([time]))
            yield line
        else:
            log.count_out_of_window(1, read.window)


def _time_of_document(document: Line) -> datetime | None:
    try:
        time = _TIME_DECODER.decode(document.text).SageMakerInferenceTime
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # if the document is malformed, its reader reports that
    return time.replace(tzinfo=UTC) if time and not time.tzinfo else time


def _time_of_text(line: Line) -> datetime | None:
    found = _INFERENCE.search(line.text)
    try:
        return datetime.fromisoformat(found[1].decode()) if found else None
    except ValueError:
        return None


def earlier_files(hours: Mapping[str, tuple[SourceFile, ...]], times: RecordTimes) -> frozenset[str]:
    """Return the labels of the objects of jobs that started before the window and are not late."""
    start = times.start
    return frozenset(
        file.label
        for hour, files in hours.items()
        if hour and start and _hour(hour) < start
        for file in files
        if not times.is_late(file)
    )


def transformed_lines(source: Path, options: BatchTransformOptions, times: RecordTimes) -> Documents:
    """Return a reader of the records of the window as lines of text.

    Raises
    ------
    InvalidInput
        ``PreprocessorNotApplicable`` for Parquet, and what `transformed_by_hour` raises.
    """
    hours = transformed_by_hour(source, options, times)
    files, earlier = tuple(chain.from_iterable(hours.values())), earlier_files(hours, times)
    if options.csv:
        lines = partial(csv_lines, files, header=options.csv.header)
        return partial(_lines_at, lines, _time_of_text, earlier, files, times)
    if options.json_format:
        documents = partial(json_documents, files, options.json_format)
        return partial(_lines_at, documents, _time_of_document, earlier, files, times)
    raise InvalidInput(
        "PreprocessorNotApplicable", "a record preprocessor reads lines of text, which Parquet does not have"
    )


def transformed_by_hour(
    source: Path, options: BatchTransformOptions, times: RecordTimes
) -> dict[str, tuple[SourceFile, ...]]:
    """Return the objects that may have rows of a window, each once, by the hour folder ``yyyy/mm/dd/hh`` of a manifest.

    Objects whose manifest is in no such folder have the folder ``""``. Of the jobs that started before the window, only
    objects whose rows have a time are returned, unless their manifest is late.

    Raises
    ------
    InvalidInput
        ``NoData``, ``InvalidManifest`` or ``ObjectNotFetched``.
    """
    folder = source / options.side
    if not folder.is_dir():
        if source.exists() and not any((source / side).is_dir() for side in _SIDES):
            refuse_other_format(source_files(source)[0], "batch-transform")
        message = f"{source.name} has no folder {options.side!r} of capture manifests; was data capture on for the job?"
        raise InvalidInput("NoData", message)
    hours: dict[str, tuple[SourceFile, ...]] = {}
    seen: set[str] = set()
    found = False
    for manifest in source_files(folder):
        started = _started(manifest)
        if started and not may_have_rows(started, times.start, times.end):
            continue
        earlier = started is not None and times.start is not None and started < times.start
        earlier = earlier and not times.is_late(manifest)
        unseen = {file.label: file for file in _objects_named_by(manifest, source) if file.label not in seen}
        files = tuple(file for file in unseen.values() if not earlier or _has_times(file, options))
        if files or not earlier:
            found = True
            name = started.strftime(s3_layout.HOUR_FOLDER) if started else ""
            hours[name] = (*hours.get(name, ()), *files)
        seen.update(unseen)
    if not found:
        raise InvalidInput("NoData", f"no transform job with data capture has rows in the window ({options.side})")
    if not any(hours.values()):
        raise InvalidInput("NoData", f"the manifests of the window name no objects ({options.side})")
    return hours


def may_have_rows(started: datetime, start: datetime | None, end: datetime | None) -> bool:
    """Return whether a job whose manifest is in the folder of an hour can have rows of ``[start, end)``."""
    return (start is None or start - LONGEST_TRANSFORM_JOB <= started) and (end is None or started < end)


def _started(manifest: SourceFile) -> datetime | None:
    """Return the hour whose folder a manifest is in; None if it is in none."""
    hour = _HOUR.search(manifest.label)
    try:
        return datetime(*map(int, hour.groups()), tzinfo=UTC) if hour else None  # type: ignore[arg-type, misc]  # the pattern has four numbers
    except ValueError:
        return None


def _hour(folder: str) -> datetime:
    return datetime.strptime(folder, s3_layout.HOUR_FOLDER).replace(tzinfo=UTC)


def _has_times(file: SourceFile, options: BatchTransformOptions) -> bool:
    """Return whether the rows of an object have an inference time, by the first ones."""
    try:
        if options.csv:
            table = open_csv_files((file,), options.csv)
            return TIME_FIELD in table.columns or (len(table.columns) > 2 and ends_with_inference(table))
        if options.json_format:
            documents = islice(json_documents((file,), options.json_format, ReadLog()), _FIRST_DOCUMENTS)
            return any(_time_of_document(document) for document in documents)
        return TIME_FIELD in open_parquet((file,)).columns
    except InvalidInput:
        return True  # the reader of the window's rows reports what is wrong with it


def _objects_named_by(manifest: SourceFile, source: Path) -> Iterator[SourceFile]:
    if manifest.size > _MAX_MANIFEST_BYTES:
        raise InvalidInput(
            "InvalidManifest",
            f"{manifest.label} has more than {_MAX_MANIFEST_BYTES:,} bytes, which is too long for a manifest",
        )
    for uri in manifest_objects(manifest.path.read_bytes(), manifest.label):
        yield _local_copy(uri, manifest, source)


def _local_copy(uri: str, manifest: SourceFile, source: Path) -> SourceFile:
    bucket, key = s3_layout.split(uri)
    path = f"{bucket}/{key}"
    if not {"..", ".", ""} & {*path.split("/")}:
        for candidate in (source / OBJECTS / path, source / path, source / key):
            if candidate.is_file():
                return SourceFile(candidate, key, manifest.modified)
    message = f"{manifest.label} names {uri}, and there is no file {OBJECTS}/{path}: was it deleted, or not copied?"
    raise InvalidInput("ObjectNotFetched", message)


def ends_with_inference(table: Table) -> bool:
    """Return whether the last two columns have inference ids and times, by the first rows."""
    inference_id, time = table.columns[-2:]
    batches = table.batches(Plan({inference_id: pl.String(), time: pl.String()}), ReadLog())
    first = next(batches, pl.DataFrame(schema={inference_id: pl.String(), time: pl.String()}))
    return first.height > 0 and bool(
        first[inference_id].str.contains(UUID_PATTERN).all() and first[time].str.contains(INFERENCE_TIME_PATTERN).all()
    )
