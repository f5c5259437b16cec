"""The options that say which data is read and how, the same for every kind of monitor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from modelwatch.cli.options import TIME, existing_path
from modelwatch_core.domain.batch_manifest import LONGEST_TRANSFORM_JOB
from modelwatch_core.domain.dataset_formats import REQUEST, RESPONSE, TRANSFORM_OUTPUT, Separator
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput

_HOUR = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]*$")


class FileFormatName(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonlines"
    PARQUET = "parquet"


class DatasetFormatName(StrEnum):
    """How the data is written."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonlines"
    PARQUET = "parquet"
    CAPTURE = "capture"
    BATCH_TRANSFORM = "batch-transform"

    @property
    def has_times(self) -> bool:
        """Whether records have a time."""
        return self in (DatasetFormatName.CAPTURE, DatasetFormatName.BATCH_TRANSFORM)


class TransformSide(StrEnum):
    """What of a batch transform job is read."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadOptions:
    """Which captured records are read, and what of them."""

    start: Annotated[
        datetime | None,
        typer.Option(
            **TIME,
            help="For capture and batch-transform: only records from this time on; ISO 8601, UTC without an offset.",
        ),
    ] = None
    end: Annotated[
        datetime | None, typer.Option(**TIME, help="For capture and batch-transform: only records before this time.")
    ] = None
    features_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH", help="Where the features are in JSON, such as instances[*].x.")
    ] = None
    inference_attribute: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH|INDEX|NAME",
            help="Where the prediction is: in JSON a JMESPath; in an endpoint's CSV response the index of its column, "
            "from 0; in a file with named columns its name.",
        ),
    ] = None
    probability_attribute: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH|INDEX|NAME",
            help="Where the probability is, given likewise; for several classes a list, such as 1,2,3 or no,yes.",
        ),
    ] = None
    exclude_features_attribute: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Columns to leave out, separated by commas.")
    ] = None
    decimal: Annotated[
        Literal[",", "."] | None,
        typer.Option(
            metavar="CHARACTER",
            help="The decimal mark of numbers that people have formatted: ',' for 1.234,50 €, '.' for $1,234.50 or "
            "12.5 %.",
        ),
    ] = None
    missing_values: Annotated[
        str | None,
        typer.Option(
            metavar="TEXTS", help="Texts that mean a missing value, separated by commas, or usual for the common ones."
        ),
    ] = None
    trim_blanks: Annotated[bool, typer.Option("--trim-blanks", help="Remove blanks around values.")] = False
    record_preprocessor: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A Python file: preprocess_handler(record) returns rows as dicts."),
    ] = None


def _separator(text: str) -> str:
    if text not in (*get_args(Separator), "tab", r"\t"):
        raise typer.BadParameter(f"{text!r} is not one of ',', ';', '|' and tab.")
    return text


FieldSeparator = Annotated[
    str,
    typer.Option(
        metavar="CHARACTER", parser=_separator, help="The separator of fields in a CSV file: ',', ';', '|' or tab."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOptions(PayloadOptions):
    """Which dataset is read, and how."""

    dataset_format: Annotated[
        DatasetFormatName,
        typer.Option(
            help="csv, parquet; json: one array of records, or one object; jsonlines: one JSON document a line; "
            "capture: what a SageMaker endpoint captured; batch-transform: a folder of what a transform job captured. "
            "All but Parquet may be compressed with gzip.",
        ),
    ]
    header: Annotated[
        bool,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line of a CSV file names the columns. Without names they are _c0, _c1, ...; "
            "a header in captured CSV payloads is recognized, and reported.",
        ),
    ] = True
    separator: FieldSeparator = ","
    post_analytics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Python file: postprocess_handler() runs after the analysis.")
    ] = None
    transform_format: Annotated[
        FileFormatName, typer.Option(help="For batch-transform: the format of the job's objects.")
    ] = FileFormatName.CSV
    transform_side: Annotated[
        TransformSide, typer.Option(help="For batch-transform: read the job's input or its output.")
    ] = TransformSide.INPUT

    def settings(self, captured_sides: Sequence[str] = (REQUEST, RESPONSE)) -> dict[str, Any]:
        """Return the settings of an analysis that were given.

        Parameters
        ----------
        captured_sides : sequence of str
            What the kind of monitor reads of a captured record. A side that it does not need may be an image.

        Raises
        ------
        InvalidInput
            ``WindowNotApplicable``, ``WindowEmpty``, ``FileNotFound``.
        """
        fields: dict[str, Any] = {
            "dataset_format": self._sagemaker_format(captured_sides),
            "features_attribute": self.features_attribute,
            "inference_attribute": self.inference_attribute,
            "probability_attribute": self.probability_attribute,
            "exclude_features_attribute": self.exclude_features_attribute,
            "decimal": self.decimal,
            "missing_values": [word for word in (self.missing_values or "").split(",") if word.strip()],
            "trim_blanks": self.trim_blanks,
            **self._window(),
        }
        if self.record_preprocessor:
            fields["record_preprocessor_script"] = existing_path(self.record_preprocessor, "--record-preprocessor")
        if self.post_analytics:
            fields["post_analytics_processor_script"] = existing_path(self.post_analytics, "--post-analytics")
        return {name: value for name, value in fields.items() if value}

    def may_be_in_window(self, key: str) -> bool:
        """Return whether an object can have records of the window, by the hour that its folders name.

        Transform jobs that started before the window may have rows in it.
        """
        found = _HOUR.search(key)
        if found is None or not self.dataset_format.has_times:
            return True
        try:
            hour = datetime.strptime("".join(found.groups()), "%Y%m%d%H").replace(tzinfo=UTC)
        except ValueError:
            return True
        reach = (
            LONGEST_TRANSFORM_JOB if self.dataset_format is DatasetFormatName.BATCH_TRANSFORM else timedelta(hours=1)
        )
        return (not self.start or self.start < hour + reach) and (not self.end or hour < self.end)

    def _sagemaker_format(self, captured_sides: Sequence[str]) -> dict[str, Any]:
        match self.dataset_format:
            case DatasetFormatName.CAPTURE:
                return {"sagemakerCaptureJson": {"captureIndexNames": [*captured_sides, TRANSFORM_OUTPUT]}}
            case DatasetFormatName.BATCH_TRANSFORM:
                side = self.transform_side.value
                return {"batchTransform": {"side": side, **self._sagemaker_file_format(self.transform_format.value)}}
            case file_format:
                return self._sagemaker_file_format(file_format.value)

    def _sagemaker_file_format(self, name: str) -> dict[str, Any]:
        formats: dict[str, dict[str, Any]] = {
            "csv": {
                "csv": {
                    "header": self.header,
                    "output_columns_position": "START",
                    **({} if self.separator == "," else {"separator": self.separator}),
                }
            },
            "json": {"json": {"lines": False}},
            "jsonlines": {"json": {"lines": True}},
            "parquet": {"parquet": {}},
        }
        return formats[name]

    def _window(self) -> dict[str, datetime | None]:
        if self.start is None and self.end is None:
            return {}
        if not self.dataset_format.has_times:
            message = "--start and --end select records of capture or batch-transform: leave them out."
            raise InvalidInput("WindowNotApplicable", message)
        if self.start and self.end and self.start >= self.end:
            message = f"--start {iso_utc(self.start)} is not before --end {iso_utc(self.end)}: change either."
            raise InvalidInput("WindowEmpty", message)
        return {"start_time": self.start, "end_time": self.end}
