"""Predictions to be merged with labels: captured records, or outputs of transform jobs in the form of such records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import msgspec
import polars as pl

from modelwatch_analyzer.ground_truth.label_files import times_to_keys
from modelwatch_analyzer.reading.batch_transform import (
    ID_FIELD,
    TIME_FIELD,
    ends_with_inference,
    transformed_by_hour,
)
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.csv_files import open_csv_files
from modelwatch_analyzer.reading.dataset import Plan, Table
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.json_files import json_documents
from modelwatch_analyzer.reading.parquet_files import open_parquet
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_analyzer.reading.rows import Line
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, BatchTransformOptions, JsonOptions
from modelwatch_core.domain.errors import InvalidInput

_DOCUMENTS_PER_CHUNK = 8192
_FIELDS = (ID_FIELD, TIME_FIELD)


class PredictionBlock(NamedTuple):
    """Consecutive predictions of one hour folder.

    Attributes
    ----------
    folder : str
        The folder of their merged records, such as ``{endpoint}/{variant}/yyyy/mm/dd/hh``.
    lines : sequence of bytes
        The captured records, each an object in JSON without ground truth.
    inference_ids, event_ids : polars.Series of String
        Null if there is none.
    times : callable
        Returns the time of each prediction, in microseconds since 1970.
    """

    folder: str
    lines: Sequence[bytes]
    inference_ids: pl.Series
    event_ids: pl.Series
    times: Callable[[], pl.Series]


class Predictions(Protocol):
    """The predictions of a window."""

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders of merged records, including those without predictions."""

    def blocks(self, log: ReadLog) -> Iterator[PredictionBlock]:
        """Read the predictions folder by folder; memory is bounded by the size of a block."""
        ...


@dataclass(frozen=True, slots=True)
class CapturedPredictions:
    """`Predictions` written by an endpoint's data capture, or by an earlier merge, with the folders of the captures."""

    files: tuple[SourceFile, ...]
    times: RecordTimes

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of captures, relative to the dataset."""
        return tuple(dict.fromkeys(map(_folder, self.files)))

    def blocks(self, log: ReadLog) -> Iterator[PredictionBlock]:
        """Read the captures."""
        files = tuple(sorted(self.files, key=lambda file: (_folder(file), file.label)))
        for block in CapturedRecords(files, self.times).blocks(log):
            lines = block.lines
            if any(block.payloads(GROUND_TRUTH)):
                lines = list(map(_without_ground_truth, lines))
            yield PredictionBlock(
                _folder(block.file),
                lines,
                block.inference_ids,
                block.event_ids,
                lambda block=block: times_to_keys([record.time for record in block.records]),  # type: ignore[misc]  # a default binds the block
            )


def _folder(file: SourceFile) -> str:
    return PurePosixPath(file.label).parent.as_posix()


def _without_ground_truth(line: bytes) -> bytes:
    record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    record.pop("groundTruthData", None)
    return msgspec.json.encode(record)


@dataclass(frozen=True, slots=True)
class TransformedPredictions:
    """`Predictions` written by transform jobs with ``GenerateInferenceId``; folders are the hours of their manifests.

    Each row of comma-separated text, and each JSON document, becomes the ``batchTransformOutput`` of a record, without
    inference id and time, which become ``eventId`` and ``inferenceTime``.

    Attributes
    ----------
    root : str
        The parent of the hour folders: the schedule's name.
    """

    hours: dict[str, tuple[SourceFile, ...]]
    options: BatchTransformOptions
    root: str
    times: RecordTimes

    @classmethod
    def of(cls, source: Path, options: BatchTransformOptions, root: str, times: RecordTimes) -> TransformedPredictions:
        """Find the objects that the output manifests of a window name.

        Raises
        ------
        InvalidInput
            Like `transformed_by_hour`.
        """
        found = transformed_by_hour(source, options, times)
        first = times.start.astimezone(UTC).strftime(s3_layout.HOUR_FOLDER) if times.start else ""
        hours: dict[str, tuple[SourceFile, ...]] = {}
        for hour, files in found.items():
            folder = PurePosixPath(root, max(hour, first) if hour else "").as_posix()
            hours[folder] = (*hours.get(folder, ()), *files)
        return cls(hours, options, root, times)

    @property
    def folders(self) -> tuple[str, ...]:
        """``{schedule}/yyyy/mm/dd/hh`` for each hour in which a job started, or the window if that is later."""
        return tuple(self.hours)

    def blocks(self, log: ReadLog) -> Iterator[PredictionBlock]:
        """Read the objects, hour by hour.

        Raises
        ------
        InvalidInput
            ``NoInferenceIds``, and what the reader of the format raises.
        """
        for folder, files in self.hours.items():
            for times, group in self.times.groups(files):
                if self.options.json_format:
                    yield from self._documents(folder, group, times, self.options.json_format, log)
                else:
                    yield from self._rows(folder, group, times, log)

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns of comma-separated text or Parquet, without inference id and time."""
        return self._table(next(files for files in self.hours.values() if files))[1]

    def _table(self, files: tuple[SourceFile, ...]) -> tuple[Table, tuple[str, ...], str, str]:
        table: Table
        table = open_csv_files(files, self.options.csv) if self.options.csv else open_parquet(files)
        if ID_FIELD in table.columns:
            inference_id, time = ID_FIELD, TIME_FIELD
        elif self.options.csv and len(table.columns) > 2 and ends_with_inference(table):
            inference_id, time = table.columns[-2:]
        else:
            raise _no_ids(files)
        return table, tuple(name for name in table.columns if name not in (inference_id, time)), inference_id, time

    def _rows(
        self, folder: str, files: tuple[SourceFile, ...], times: RecordTimes, log: ReadLog
    ) -> Iterator[PredictionBlock]:
        table, columns, inference_id, time = self._table(files)
        text = pl.concat_str([_field(pl.nth(position)) for position in range(len(columns))], separator=",")
        selected = (*columns, inference_id, *([time] if time in table.columns else []))
        for batch in table.batches(Plan(dict.fromkeys(selected, pl.String())), log):
            kept = batch
            if time in batch.columns:
                kept = batch.filter(times.among(batch[time], log))
            data = kept[:, list(columns)].select(text).to_series().to_list()
            moments = kept[time].to_list() if time in kept.columns else [None] * kept.height
            yield _block(folder, "CSV", data, kept[inference_id].to_list(), moments)

    def _documents(
        self, folder: str, files: tuple[SourceFile, ...], times: RecordTimes, options: JsonOptions, log: ReadLog
    ) -> Iterator[PredictionBlock]:
        documents = json_documents(files, options, log)
        schema = {"data": pl.String(), ID_FIELD: pl.String(), TIME_FIELD: pl.String()}
        while chunk := list(islice(documents, _DOCUMENTS_PER_CHUNK)):
            records = pl.DataFrame(
                [record for line in chunk if (record := _split_document(line, log))], schema, orient="row"
            )
            if records.height and records[ID_FIELD].is_null().all():
                raise _no_ids(files)
            if records[TIME_FIELD].is_not_null().any():
                records = records.filter(times.among(records[TIME_FIELD], log))
            yield _block(folder, "JSON", *(column.to_list() for column in records))


def _no_ids(files: tuple[SourceFile, ...]) -> InvalidInput:
    message = (
        f"{files[0].label} has no inference ids, which are needed to match labels: create the transform job with"
        " GenerateInferenceId in its DataCaptureConfig"
    )
    return InvalidInput("NoInferenceIds", message)


def _split_document(document: Line, log: ReadLog) -> tuple[str, str | None, str | None] | None:
    """Return a document without inference id and time, the id, and the time; None if it is malformed."""
    try:
        fields = msgspec.json.decode(document.text, type=dict[str, msgspec.Raw])
        inference_id, time = (msgspec.json.decode(fields.pop(name, b"null"), type=str | None) for name in _FIELDS)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        log.leave_out(document.file, document.line, "not a JSON object with a string as inference id")
        return None
    return msgspec.json.encode(fields).decode(), inference_id, time


def _field(value: pl.Expr) -> pl.Expr:
    """Return a value as a field of comma-separated text, with quotes if necessary."""
    quoted = pl.concat_str([pl.lit('"'), value.str.replace_all('"', '""', literal=True), pl.lit('"')])
    return pl.when(value.str.contains('[,"\r\n]')).then(quoted).otherwise(value).fill_null("")


def _block(
    folder: str, encoding: str, data: list[str], ids: list[str | None], times: list[str | None]
) -> PredictionBlock:
    lines = [
        msgspec.json.encode(
            {
                "captureData": {"batchTransformOutput": {"data": text, "encoding": encoding, "mode": "OUTPUT"}},
                "eventMetadata": {"eventId": event} | ({"inferenceTime": time} if time else {}),
                "eventVersion": "0",
            }
        )
        for text, event, time in zip(data, ids, times, strict=True)
    ]
    times_made = pl.Series(times, dtype=pl.String).str.strptime(pl.Datetime("us", "UTC"), "%+", strict=False)
    no_ids = pl.Series([None] * len(ids), dtype=pl.String)
    return PredictionBlock(folder, lines, no_ids, pl.Series(ids, dtype=pl.String), times_made.to_physical)
