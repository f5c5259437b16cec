"""``batchTransform``: what a batch transform job captured, by the manifests that it wrote.

A dataset is a folder with a copy of what SageMaker's data capture of batch transform writes: below ``input`` and
``output`` manifests in folders ``yyyy/mm/dd/hh``, the hour in which the job started. A manifest names objects in S3.
``s3://bucket/key`` is looked for in ``objects/bucket/key``, ``bucket/key`` and ``key`` below the folder.

With ``GenerateInferenceId`` an output carries the id and the time of each inference, as its last two columns in
comma-separated text and as fields in JSON. They are no features; the time says which rows lie in the window.
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
"""The folder that a host fetches the objects to which manifests name."""

_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]*$")
_ID = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$"
_MAX_MANIFEST_BYTES = 64 << 20


class BatchTransformOptions(Owned):
    """What of a transform job is read, and in which format its objects are: exactly one.

    Attributes
    ----------
    side : {"input", "output"}
        The records that the job was given, or what it wrote. An output that was joined with its input holds both.
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
    times: str
    left: tuple[str, ...]
    start: datetime | None
    end: datetime | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the objects, but for inference id and time."""
        return self.left

    @property
    def named(self) -> bool:
        """As the objects."""
        return self.table.named

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.left

    @property
    def found(self) -> Roles | None:
        """As the objects."""
        return self.table.found if isinstance(self.table, JsonFiles) else None

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all objects in their order; see `Dataset.batches`."""
        wanted = Plan({**plan.dtypes, self.times: pl.String()})
        for batch in self.table.batches(wanted, log):
            plan.dtypes.update({name: wanted.dtypes[name] for name in plan.dtypes})
            kept = batch.filter(in_window(batch[self.times], self.start, self.end, log))
            log.read -= batch.height - kept.height
            if kept.height:
                yield kept.drop(self.times)


def open_batch_transform(
    source: Path,
    options: BatchTransformOptions,
    start: datetime | None,
    end: datetime | None,
    asked: Mapping[Role, str],
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
        table: Table = open_csv_files(files, options.csv)
        if len(table.columns) > 2 and ends_with_inference(table):
            return BatchTransformFiles(table, table.columns[-1], table.columns[:-2], start, end)
        return table
    if options.json_format:
        documents = partial(json_documents, files, options.json_format)
        # What JMESPaths find is without the time, and the rows of names and indices are looked at below.
        table = open_documents(partial(_documents_in_window, documents, start, end) if asked else documents, asked)
    else:
        table = open_parquet(files, ParquetOptions())
    if TIME_FIELD not in table.columns:
        return table
    left = tuple(name for name in table.columns if name not in (ID_FIELD, TIME_FIELD))
    return BatchTransformFiles(table, TIME_FIELD, left, start, end)


class _Timed(msgspec.Struct):
    SageMakerInferenceTime: datetime | None = None


_TIMED = msgspec.json.Decoder(_Timed)


def _documents_in_window(
    documents: Documents, start: datetime | None, end: datetime | None, log: ReadLog
) -> Iterator[Line]:
    """Yield the documents whose own time lies in the window, and those that have none."""
    for document in documents(log):
        try:
            time = _TIMED.decode(document.text).SageMakerInferenceTime
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            time = None  # which the reader of the documents tells
        time = time.replace(tzinfo=UTC) if time and not time.tzinfo else time
        if time and ((start and time < start) or (end and time >= end)):
            log.out_of_window += 1
        else:
            yield document


def in_window(spelled: pl.Series, start: datetime | None, end: datetime | None, log: ReadLog) -> pl.Series:
    """Tell which inference times lie in ``[start, end)``; log those that do not."""
    times = spelled.str.strptime(pl.Datetime("us", "UTC"), "%+", strict=False)
    for _ in range(times.null_count()):
        log.leave_out(spelled.name, None, "a row without an inference time belongs to no window")
    inside = times.is_not_null()
    if start:
        inside &= (times >= start).fill_null(value=False)
    if end:
        inside &= (times < end).fill_null(value=False)
    log.out_of_window += len(times) - int(inside.sum()) - times.null_count()
    return inside


def transformed_lines(files: tuple[SourceFile, ...], options: BatchTransformOptions, log: ReadLog) -> Iterator[Line]:
    """Yield the texts of the objects' records.

    Raises
    ------
    InvalidInput
        ``PreprocessorNotApplicable`` for Parquet.
    """
    if options.csv:
        return csv_lines(files, log, header=options.csv.header)
    if options.json_format:
        return json_documents(files, options.json_format, log)
    raise InvalidInput("PreprocessorNotApplicable", "a record preprocessor reads lines of text; Parquet has none")


def transformed_files(
    source: Path, options: BatchTransformOptions, start: datetime | None, end: datetime | None
) -> tuple[SourceFile, ...]:
    """Return the objects that the manifests of a window's hours name, each once, in the manifests' order."""
    return tuple(chain.from_iterable(transformed_by_hour(source, options, start, end).values()))


def transformed_by_hour(
    source: Path, options: BatchTransformOptions, start: datetime | None, end: datetime | None
) -> dict[str, tuple[SourceFile, ...]]:
    """Return the objects of a window by the hour folder ``yyyy/mm/dd/hh`` of their manifest, as `transformed_files`.

    Those whose manifest lies in no such folder have the folder ``""``.

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
    known: set[str] = set()
    for manifest in manifests:
        hour = _HOUR.search(manifest.label)
        name = "/".join(hour.groups()) if hour else ""
        fresh = {file.label: file for file in _objects_named_by(manifest, source) if file.label not in known}
        hours[name] = (*hours.get(name, ()), *fresh.values())
        known.update(fresh)
    if not known:
        raise InvalidInput("NoData", f"the manifests of the window name no objects ({options.side})")
    return hours


def _covers(manifest: SourceFile, start: datetime | None, end: datetime | None) -> bool:
    hour = _HOUR.search(manifest.label)
    if hour is None:
        return True
    try:
        begun = datetime(*map(int, hour.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return True
    return (start is None or start < begun + timedelta(hours=1)) and (end is None or begun < end)


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
    """Tell whether the last two columns hold ids and times, by the first rows."""
    identity, time = table.columns[-2:]
    batches = table.batches(Plan({identity: pl.String(), time: pl.String()}), ReadLog())
    first = next(batches, pl.DataFrame(schema={identity: pl.String(), time: pl.String()}))
    return first.height > 0 and bool(first[identity].str.contains(_ID).all() and first[time].str.contains(_TIME).all())
