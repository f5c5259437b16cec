"""``batchTransform``: the data that batch transform jobs captured, found by the manifests that they wrote.

A dataset is a folder with a copy of what SageMaker's data capture of batch transform writes: in ``input`` and
``output``, manifests in folders ``yyyy/mm/dd/hh`` of the hour in which the job started. A manifest names objects in
S3; ``s3://bucket/key`` is searched at ``objects/bucket/key``, ``bucket/key`` and ``key`` in the folder.

With ``GenerateInferenceId`` an output has the id and the time of each inference, in the last two columns of
comma-separated text and in fields of JSON. They are not features; the time says which rows are in the window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal, Self

import msgspec
import polars as pl
from pydantic import Field, model_validator

from modelwatch_analyzer.reading.csv_files import CsvOptions, csv_lines, open_csv_files
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, Role, Roles, Table
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.json_files import Documents, JsonFiles, JsonOptions, json_documents, open_documents
from modelwatch_analyzer.reading.parquet_files import ParquetOptions, open_parquet
from modelwatch_analyzer.reading.rows import Line
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

ID_FIELD, TIME_FIELD = "SageMakerInferenceId", "SageMakerInferenceTime"
OBJECTS = "objects"
"""The folder into which a host downloads the objects that the manifests name."""

_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]*$")
UUID_PATTERN = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_INFERENCE_TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$"
_MAX_MANIFEST_BYTES = 64 << 20


class BatchTransformOptions(Owned):
    """Which side of a transform job is read, and the format of its objects, which is exactly one.

    Attributes
    ----------
    side : {"input", "output"}
        The records that the job read, or what it wrote. An output that was joined with the input has both.
    """

    side: Literal["input", "output"] = "input"
    csv: CsvOptions | None = None
    json_format: JsonOptions | None = Field(default=None, alias="json")
    parquet: ParquetOptions | None = None

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if sum(options is not None for options in (self.csv, self.json_format, self.parquet)) != 1:
            raise ValueError('must name one of csv, json and parquet, for instance {"csv": {"header": false}}')
        return self


@dataclass(frozen=True, slots=True)
class BatchTransformFiles:
    """A `Table` of the rows in ``[start, end)``, without the columns of inference id and time."""

    table: Table
    time_column: str
    columns: tuple[str, ...]
    start: datetime | None
    end: datetime | None

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
        for batch in self.table.batches(plan_with_time, log):
            plan.dtypes.update({name: plan_with_time.dtypes[name] for name in plan.dtypes})
            kept = batch.filter(in_window(batch[self.time_column], self.start, self.end, log))
            log.read -= batch.height - kept.height
            if kept.height:
                yield kept.drop(self.time_column)


def open_batch_transform(
    source: Path,
    options: BatchTransformOptions,
    start: datetime | None,
    end: datetime | None,
    attributes: Mapping[Role, str],
    expected: Expected | None = None,
) -> Table:
    """Open the objects of the transform jobs that started in ``[start, end)``, rounded to hours.

    Raises
    ------
    InvalidInput
        ``NoData`` where no job started, ``InvalidManifest``, ``ObjectNotFetched``, and what the reader of the
        objects' format raises.
    """
    files = transformed_files(source, options, start, end)
    if options.csv:
        table: Table = open_csv_files(files, options.csv, expected)
        if len(table.columns) > 2 and ends_with_inference(table):
            return BatchTransformFiles(table, table.columns[-1], table.columns[:-2], start, end)
        return table
    if options.json_format:
        documents = partial(json_documents, files, options.json_format)
        # What JMESPaths select has no time column, so that the rows cannot be filtered by it later.
        table = open_documents(
            partial(_documents_in_window, documents, start, end) if attributes else documents, attributes
        )
    else:
        table = open_parquet(files, ParquetOptions())
    if TIME_FIELD not in table.columns:
        return table
    columns = tuple(name for name in table.columns if name not in (ID_FIELD, TIME_FIELD))
    return BatchTransformFiles(table, TIME_FIELD, columns, start, end)


class _InferenceTime(msgspec.Struct):
    SageMakerInferenceTime: datetime | None = None


_TIME_DECODER = msgspec.json.Decoder(_InferenceTime)


def _documents_in_window(
    documents: Documents, start: datetime | None, end: datetime | None, log: ReadLog
) -> Iterator[Line]:
    """Yield the documents whose time is in the window, and those without a time."""
    for document in documents(log):
        try:
            time = _TIME_DECODER.decode(document.text).SageMakerInferenceTime
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            time = None  # if the document is malformed, its reader reports that
        time = time.replace(tzinfo=UTC) if time and not time.tzinfo else time
        if time and ((start and time < start) or (end and time >= end)):
            log.out_of_window += 1
        else:
            yield document


def in_window(column: pl.Series, start: datetime | None, end: datetime | None, log: ReadLog) -> pl.Series:
    """Return which inference times are in ``[start, end)``; log those that are not."""
    times = column.str.strptime(pl.Datetime("us", "UTC"), "%+", strict=False)
    for _ in range(times.null_count()):
        log.leave_out(column.name, None, "a row without an inference time, so it belongs to no window")
    inside = times.is_not_null()
    if start:
        inside &= (times >= start).fill_null(value=False)
    if end:
        inside &= (times < end).fill_null(value=False)
    log.out_of_window += len(times) - int(inside.sum()) - times.null_count()
    return inside


def transformed_lines(files: tuple[SourceFile, ...], options: BatchTransformOptions, log: ReadLog) -> Iterator[Line]:
    """Yield the records of the objects as lines of text.

    Raises
    ------
    InvalidInput
        ``PreprocessorNotApplicable`` for Parquet.
    """
    if options.csv:
        return csv_lines(files, log, header=options.csv.header)
    if options.json_format:
        return json_documents(files, options.json_format, log)
    raise InvalidInput(
        "PreprocessorNotApplicable", "a record preprocessor reads lines of text, which Parquet does not have"
    )


def transformed_files(
    source: Path, options: BatchTransformOptions, start: datetime | None, end: datetime | None
) -> tuple[SourceFile, ...]:
    """Return the objects that the manifests of a window's hours name, each once, in the order of the manifests."""
    return tuple(chain.from_iterable(transformed_by_hour(source, options, start, end).values()))


def transformed_by_hour(
    source: Path, options: BatchTransformOptions, start: datetime | None, end: datetime | None
) -> dict[str, tuple[SourceFile, ...]]:
    """Return the objects of `transformed_files` by the hour folder ``yyyy/mm/dd/hh`` of their manifest.

    Objects whose manifest is in no such folder have the folder ``""``.

    Raises
    ------
    InvalidInput
        ``NoData``, ``InvalidManifest`` or ``ObjectNotFetched``.
    """
    folder = source / options.side
    if not folder.is_dir():
        message = f"{source.name} has no folder {options.side!r} of capture manifests; was data capture on for the job?"
        raise InvalidInput("NoData", message)
    manifests = [manifest for manifest in source_files(folder) if _covers(manifest, start, end)]
    if not manifests:
        raise InvalidInput("NoData", f"no transform job with data capture started in the window ({options.side})")
    hours: dict[str, tuple[SourceFile, ...]] = {}
    seen: set[str] = set()
    for manifest in manifests:
        hour = _HOUR.search(manifest.label)
        name = "/".join(hour.groups()) if hour else ""
        unseen = {file.label: file for file in _objects_named_by(manifest, source) if file.label not in seen}
        hours[name] = (*hours.get(name, ()), *unseen.values())
        seen.update(unseen)
    if not seen:
        raise InvalidInput("NoData", f"the manifests of the window name no objects ({options.side})")
    return hours


def _covers(manifest: SourceFile, start: datetime | None, end: datetime | None) -> bool:
    hour = _HOUR.search(manifest.label)
    if hour is None:
        return True
    try:
        started = datetime(*map(int, hour.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return True
    return (start is None or start < started + timedelta(hours=1)) and (end is None or started < end)


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
                return SourceFile(candidate, key)
    message = f"{manifest.label} names {uri}, and there is no file {OBJECTS}/{path}: was it deleted, or not copied?"
    raise InvalidInput("ObjectNotFetched", message)


def ends_with_inference(table: Table) -> bool:
    """Return whether the last two columns have inference ids and times, by the first rows."""
    inference_id, time = table.columns[-2:]
    batches = table.batches(Plan({inference_id: pl.String(), time: pl.String()}), ReadLog())
    first = next(batches, pl.DataFrame(schema={inference_id: pl.String(), time: pl.String()}))
    return first.height > 0 and bool(
        first[inference_id].str.contains(UUID_PATTERN).all() and first[time].str.contains(_INFERENCE_TIME_PATTERN).all()
    )
