"""Datasets of all formats, which are read block by block into columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.batch_transform import (
    BatchTransformFiles,
    BatchTransformOptions,
    open_batch_transform,
    transformed_lines,
)
from modelwatch_analyzer.reading.capture import CaptureFiles, open_records
from modelwatch_analyzer.reading.capture_options import CaptureOptions
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.csv_files import CsvOptions, csv_lines, open_csv
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Dataset, Role, Table, TableWithRoles
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.json_files import JsonFiles, JsonOptions, json_documents, open_json
from modelwatch_analyzer.reading.list_columns import open_list_columns
from modelwatch_analyzer.reading.memory_frames import DATA_FRAME, FrameOptions, MemoryFrame, open_frame
from modelwatch_analyzer.reading.parquet_files import ParquetFiles, ParquetOptions, open_parquet
from modelwatch_analyzer.reading.preprocessed import Lines, captured_lines, open_preprocessed
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_analyzer.reading.value_spelling import ValueSpelling
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput

_Options = TypeVar("_Options", bound=BaseModel)

Opener = Callable[[AnalysisSettings, Expected | None], Table]

FORMATS: Mapping[str, Opener] = {
    "batchTransform": lambda settings, expected: open_batch_transform(
        settings.dataset_source,
        dataset_options(settings, BatchTransformOptions),
        RecordTimes.of(settings),
        _attributes(settings),
        expected,
        ValueSpelling.of(settings),
    ),
    "csv": lambda settings, expected: open_csv(
        settings.dataset_source, dataset_options(settings, CsvOptions), expected, ValueSpelling.of(settings)
    ),
    DATA_FRAME: lambda settings, _: open_frame(dataset_options(settings, FrameOptions), ValueSpelling.of(settings)),
    "json": lambda settings, _: open_json(
        source_files(settings.dataset_source),
        dataset_options(settings, JsonOptions),
        _attributes(settings),
        ValueSpelling.of(settings),
    ),
    "parquet": lambda settings, _: _open_parquet(settings),
    "sagemakerCaptureJson": lambda settings, _: _open_records(settings, _captured_records(settings)),
}
"""The function that opens a dataset, by SageMaker's name of its format."""

LINE_READERS: Mapping[str, Callable[[AnalysisSettings], Lines]] = {
    "batchTransform": lambda settings: _transformed_lines(settings, dataset_options(settings, BatchTransformOptions)),
    "csv": lambda settings: partial(
        csv_lines, source_files(settings.dataset_source), header=dataset_options(settings, CsvOptions).header
    ),
    "json": lambda settings: partial(
        json_documents, source_files(settings.dataset_source), dataset_options(settings, JsonOptions)
    ),
    "sagemakerCaptureJson": lambda settings: partial(captured_lines, _captured_records(settings)),
}
"""The functions that read the lines of text for a record preprocessor, by format; not all formats have lines."""


def open_dataset(settings: AnalysisSettings, expected: Expected | None = None) -> Dataset:
    """Open the dataset that the settings name, through their record preprocessor if there is one.

    Parameters
    ----------
    settings : AnalysisSettings
        Where it is, and in which format.
    expected : Expected, optional
        What a baseline says about the columns of files of CSV.

    Raises
    ------
    InvalidInput
        ``UnsupportedFormat``, ``PreprocessorNotApplicable`` where the format has no lines of text,
        ``InvalidSettings`` for options that the format does not have, and what the reader of the format raises.
    """
    opener = _open_preprocessed if settings.record_preprocessor_script else FORMATS.get(settings.dataset_format.name)
    if opener is None:
        message = f"there is no reader for the format {settings.dataset_format.name!r}; the formats are " + ", ".join(
            name for name in FORMATS if name != DATA_FRAME
        )
        raise InvalidInput("UnsupportedFormat", message)
    return _with_roles(settings, opener(settings, expected))


def open_captured(settings: AnalysisSettings, captured: CapturedRecords) -> Dataset:
    """Open captured records in the same way as `open_dataset` opens the dataset that the settings name.

    Raises
    ------
    InvalidInput
        Like `open_dataset`.
    """
    script = settings.record_preprocessor_script
    if script is None:
        return _open_records(settings, captured)
    lines, spelling = partial(captured_lines, captured), ValueSpelling.of(settings)
    table = open_preprocessed(lines, script, settings.script_environment, spelling, captured=True)
    return _with_roles(settings, table)


def _with_roles(settings: AnalysisSettings, table: Table) -> Dataset:
    if isinstance(table, CaptureFiles):
        return table
    exclusions = Attributes.of(exclude_features=settings.exclude_features_attribute)
    columns = exclusions.remaining(table.columns, table.input_columns)
    if not columns:
        raise InvalidInput("NoColumns", "exclude_features_attribute leaves no column")
    attributes = _attributes(settings)
    selected = table.selected_roles if isinstance(table, JsonFiles | BatchTransformFiles) else None
    if selected is None and not settings.record_preprocessor_script:  # a script would run once more only to look
        texts = table.texts if isinstance(table, ParquetFiles | MemoryFrame) else table.columns
        if lists := open_list_columns(table, texts, attributes):
            return TableWithRoles(lists, lists.columns_of(columns), attributes, lists.roles(attributes))
    return TableWithRoles(table, columns, attributes, selected)


def _open_preprocessed(settings: AnalysisSettings, _: Expected | None) -> Table:
    name, script = settings.dataset_format.name, settings.record_preprocessor_script
    reader = LINE_READERS.get(name)
    if reader is None or script is None:
        message = f"a record preprocessor reads lines of text, which {name!r} does not have; it can be used with "
        raise InvalidInput("PreprocessorNotApplicable", message + ", ".join(LINE_READERS))
    captured = name == "sagemakerCaptureJson"
    spelling = ValueSpelling.of(settings)
    return open_preprocessed(reader(settings), script, settings.script_environment, spelling, captured=captured)


def _open_parquet(settings: AnalysisSettings) -> Table:
    dataset_options(settings, ParquetOptions)  # there are none, and others are refused
    return open_parquet(source_files(settings.dataset_source), ValueSpelling.of(settings))


def _captured_records(settings: AnalysisSettings) -> CapturedRecords:
    return CapturedRecords(source_files(settings.dataset_source), RecordTimes.of(settings))


def _open_records(settings: AnalysisSettings, captured: CapturedRecords) -> CaptureFiles:
    attributes = Attributes.of(**_attributes(settings), exclude_features=settings.exclude_features_attribute)
    captured = replace(captured, spelling=ValueSpelling.of(settings))
    return open_records(captured, dataset_options(settings, CaptureOptions), attributes)


def _transformed_lines(settings: AnalysisSettings, options: BatchTransformOptions) -> Lines:
    return transformed_lines(settings.dataset_source, options, RecordTimes.of(settings))


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
