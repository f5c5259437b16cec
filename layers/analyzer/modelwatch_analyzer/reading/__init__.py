"""Datasets of all formats, which are read block by block into columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from pydantic import BaseModel, ValidationError

from modelwatch_analyzer.reading.dataset import DATA_FRAME, Dataset, Role, Table, TableWithRoles
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.dataset_formats import (
    BatchTransformOptions,
    CaptureOptions,
    CsvOptions,
    JsonOptions,
    ParquetOptions,
    unsupported,
)
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:  # each format is imported when a dataset has it
    from modelwatch_analyzer.reading.capture import CaptureFiles
    from modelwatch_analyzer.reading.capture_records import CapturedRecords
    from modelwatch_analyzer.reading.csv_form import Expected
    from modelwatch_analyzer.reading.preprocessed import Lines
    from modelwatch_analyzer.reading.value_spelling import ValueSpelling

_Options = TypeVar("_Options", bound=BaseModel)


def _open_batch_transform(settings: AnalysisSettings, expected: Expected | None) -> Table:
    from modelwatch_analyzer.reading.batch_transform import open_batch_transform
    from modelwatch_analyzer.reading.record_times import RecordTimes

    options = dataset_options(settings, BatchTransformOptions)
    times, attributes = RecordTimes.of(settings), _attributes(settings)
    return open_batch_transform(settings.dataset_source, options, times, attributes, expected, _spelling(settings))


def _open_csv(settings: AnalysisSettings, expected: Expected | None) -> Table:
    from modelwatch_analyzer.reading.csv_files import open_csv

    return open_csv(settings.dataset_source, dataset_options(settings, CsvOptions), expected, _spelling(settings))


def _open_frame(settings: AnalysisSettings, expected: Expected | None) -> Table:
    from modelwatch_analyzer.reading.memory_frames import FrameOptions, open_frame

    return open_frame(dataset_options(settings, FrameOptions), _spelling(settings), expected)


def _open_json(settings: AnalysisSettings, expected: Expected | None) -> Table:
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.json_files import open_json

    files, options = source_files(settings.dataset_source), dataset_options(settings, JsonOptions)
    return open_json(files, options, _attributes(settings), _spelling(settings), expected)


def _open_parquet(settings: AnalysisSettings, expected: Expected | None) -> Table:
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.parquet_files import open_parquet

    dataset_options(settings, ParquetOptions)  # there are none, and others are refused
    return open_parquet(source_files(settings.dataset_source), _spelling(settings), expected)


def _open_capture(settings: AnalysisSettings, expected: Expected | None) -> Table:
    return _open_records(settings, _captured_records(settings), expected)


Opener = Callable[[AnalysisSettings, "Expected | None"], Table]

FORMATS: Mapping[str, Opener] = {
    "batchTransform": _open_batch_transform,
    "csv": _open_csv,
    DATA_FRAME: _open_frame,
    "json": _open_json,
    "parquet": _open_parquet,
    "sagemakerCaptureJson": _open_capture,
}
"""The function that opens a dataset, by SageMaker's name of its format."""


def _transformed_lines(settings: AnalysisSettings) -> Lines:
    from modelwatch_analyzer.reading.batch_transform import transformed_lines
    from modelwatch_analyzer.reading.record_times import RecordTimes

    options = dataset_options(settings, BatchTransformOptions)
    return transformed_lines(settings.dataset_source, options, RecordTimes.of(settings))


def _csv_lines(settings: AnalysisSettings) -> Lines:
    from modelwatch_analyzer.reading.csv_files import csv_lines
    from modelwatch_analyzer.reading.files import source_files

    header = dataset_options(settings, CsvOptions).header
    return partial(csv_lines, source_files(settings.dataset_source), header=header)


def _json_documents(settings: AnalysisSettings) -> Lines:
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.json_files import json_documents

    return partial(json_documents, source_files(settings.dataset_source), dataset_options(settings, JsonOptions))


def _captured_lines(settings: AnalysisSettings) -> Lines:
    from modelwatch_analyzer.reading.preprocessed import captured_lines

    return partial(captured_lines, _captured_records(settings))


LINE_READERS: Mapping[str, Callable[[AnalysisSettings], Lines]] = {
    "batchTransform": _transformed_lines,
    "csv": _csv_lines,
    "json": _json_documents,
    "sagemakerCaptureJson": _captured_lines,
}
"""The functions that read the lines of text for a record preprocessor, by format; not all formats have lines."""


def open_dataset(settings: AnalysisSettings, expected: Expected | None = None) -> Dataset:
    """Open the dataset that the settings name, through their record preprocessor if there is one.

    Parameters
    ----------
    settings : AnalysisSettings
        Where it is, and in which format.
    expected : Expected, optional
        What a baseline says about the columns of files.

    Raises
    ------
    InvalidInput
        ``UnsupportedFormat``, ``OtherFormat``, ``PreprocessorNotApplicable`` where the format has no lines of text,
        ``InvalidSettings`` for options that the format does not have, and what the reader of the format raises.
    """
    opener = _open_preprocessed if settings.record_preprocessor_script else FORMATS.get(settings.dataset_format.name)
    if opener is None:
        raise unsupported(settings.dataset_format.name)
    try:
        table = opener(settings, expected)
    except InvalidInput as error:
        if error.code == "AllMalformed":
            _refuse_other_format(settings)
        raise
    return _with_roles(settings, table)


def _refuse_other_format(settings: AnalysisSettings) -> None:
    """Refuse a dataset of which nothing could be read, if it is clear which other format its first file has."""
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.other_formats import refuse_other_format

    declared = {"sagemakerCaptureJson": "capture", "csv": "csv"}.get(settings.dataset_format.name)
    if settings.dataset_format.name == "json":
        declared = "jsonlines" if dataset_options(settings, JsonOptions).lines else "json"
    if declared and (files := source_files(settings.dataset_source)):
        refuse_other_format(files[0], declared)


def open_captured(settings: AnalysisSettings, captured: CapturedRecords) -> Dataset:
    """Open captured records in the same way as `open_dataset` opens the dataset that the settings name.

    Raises
    ------
    InvalidInput
        Like `open_dataset`.
    """
    from modelwatch_analyzer.reading.preprocessed import captured_lines, open_preprocessed

    script = settings.record_preprocessor_script
    if script is None:
        return _open_records(settings, captured)
    lines, spelling = partial(captured_lines, captured), _spelling(settings)
    table = open_preprocessed(lines, script, settings.script_environment, spelling, captured=True)
    return _with_roles(settings, table)


def _with_roles(settings: AnalysisSettings, table: Table) -> Dataset:
    from modelwatch_analyzer.reading.attributes import Attributes
    from modelwatch_analyzer.reading.list_columns import open_list_columns

    if _has_roles(table):
        return table
    exclusions = Attributes.of(exclude_features=settings.exclude_features_attribute)
    columns = exclusions.remaining(table.columns, table.input_columns)
    if not columns:
        raise exclusions.no_columns()
    attributes = _attributes(settings)
    selected = getattr(table, "selected_roles", None)  # of tables whose columns JMESPaths may select
    if selected is None and not settings.record_preprocessor_script:  # a script would run once more only to look
        texts = getattr(table, "texts", table.columns)  # tables of typed columns know which ones hold text
        if lists := open_list_columns(table, texts, attributes):
            return TableWithRoles(lists, lists.columns_of(columns), attributes, lists.roles(attributes))
    return TableWithRoles(table, columns, attributes, selected)


def _has_roles(table: Table) -> TypeGuard[Dataset]:
    return hasattr(table, "roles")


def _open_preprocessed(settings: AnalysisSettings, expected: Expected | None) -> Table:
    name, script = settings.dataset_format.name, settings.record_preprocessor_script
    reader = LINE_READERS.get(name)
    if reader is None or script is None:
        message = f"a record preprocessor reads lines of text, which {name!r} does not have; it can be used with "
        raise InvalidInput("PreprocessorNotApplicable", message + ", ".join(LINE_READERS))
    from modelwatch_analyzer.reading.preprocessed import open_preprocessed

    captured = name == "sagemakerCaptureJson"
    lines, spelling = reader(settings), _spelling(settings)
    return open_preprocessed(lines, script, settings.script_environment, spelling, expected, captured=captured)


def _captured_records(settings: AnalysisSettings) -> CapturedRecords:
    from modelwatch_analyzer.reading.capture_records import CapturedRecords
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.record_times import RecordTimes

    return CapturedRecords(source_files(settings.dataset_source), RecordTimes.of(settings))


def _open_records(
    settings: AnalysisSettings, captured: CapturedRecords, expected: Expected | None = None
) -> CaptureFiles:
    from modelwatch_analyzer.reading.attributes import Attributes
    from modelwatch_analyzer.reading.capture import open_records

    attributes = Attributes.of(**_attributes(settings), exclude_features=settings.exclude_features_attribute)
    captured = replace(captured, spelling=_spelling(settings))
    return open_records(captured, dataset_options(settings, CaptureOptions), attributes, expected)


def _spelling(settings: AnalysisSettings) -> ValueSpelling:
    from modelwatch_analyzer.reading.value_spelling import ValueSpelling

    return ValueSpelling.of(settings)


def _attributes(settings: AnalysisSettings) -> dict[Role, str]:
    return {role: text for role in Role if (text := getattr(settings, f"{role}_attribute"))}


def dataset_options(settings: AnalysisSettings, model: type[_Options]) -> _Options:
    """Return the options of the dataset's format, validated by a model.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``.
    """
    try:
        return model.model_validate(settings.dataset_format.options)
    except ValidationError as error:
        location = f"dataset_format.{settings.dataset_format.name}"
        raise InvalidInput("InvalidSettings", validation_message(error, location_prefix=location)) from None
