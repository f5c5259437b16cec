"""Datasets of all formats, read block by block into columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture import CaptureOptions, open_capture
from modelwatch_analyzer.reading.csv_files import CsvOptions, open_csv
from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.json_files import JsonOptions, open_json
from modelwatch_analyzer.reading.parquet_files import ParquetOptions, open_parquet
from modelwatch_analyzer.settings import AnalysisSettings, invalid_settings
from modelwatch_core.domain.errors import InvalidInput

_Options = TypeVar("_Options", bound=BaseModel)

FORMATS: Mapping[str, Callable[[AnalysisSettings], Dataset]] = {
    "csv": lambda settings: open_csv(settings.dataset_source, _options(settings, CsvOptions)),
    "json": lambda settings: open_json(
        source_files(settings.dataset_source), _options(settings, JsonOptions), _attributes(settings)
    ),
    "parquet": lambda settings: open_parquet(source_files(settings.dataset_source), _options(settings, ParquetOptions)),
    "sagemakerCaptureJson": lambda settings: open_capture(
        settings.dataset_source,
        _options(settings, CaptureOptions),
        settings.start_time,
        settings.end_time,
        _attributes(settings),
    ),
}
"""How a dataset is opened, by SageMaker's name of its format."""


def open_dataset(settings: AnalysisSettings) -> Dataset:
    """Open the dataset that the settings name.

    Raises
    ------
    InvalidInput
        ``UnsupportedFormat``, ``InvalidSettings`` for options that the format does not have, or what the format's
        own reader refuses.
    """
    opened_by = FORMATS.get(settings.dataset_format.name)
    if opened_by is None:
        message = f"there is no reader for the format {settings.dataset_format.name!r}; there is {', '.join(FORMATS)}"
        raise InvalidInput("UnsupportedFormat", message)
    return opened_by(settings)


def _attributes(settings: AnalysisSettings) -> Attributes:
    return Attributes.of(
        settings.features_attribute,
        settings.inference_attribute,
        settings.probability_attribute,
        settings.exclude_features_attribute,
    )


def _options(settings: AnalysisSettings, model: type[_Options]) -> _Options:
    try:
        return model.model_validate(settings.dataset_format.options)
    except ValidationError as error:
        raise invalid_settings(error, "dataset_format", settings.dataset_format.name) from None
