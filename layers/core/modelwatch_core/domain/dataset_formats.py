"""The formats of datasets and their options, so that a request for none of them is refused when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError, model_validator

from modelwatch_core.domain.documents import Owned, validation_message
from modelwatch_core.domain.errors import InvalidInput

Separator = Literal[",", ";", "\t", "|"]

CaptureSide = Literal["endpointInput", "endpointOutput", "batchTransformOutput", "groundTruthData"]
"""SageMaker's names of what a captured record may hold."""

REQUEST: CaptureSide = "endpointInput"
RESPONSE: CaptureSide = "endpointOutput"
TRANSFORM_OUTPUT: CaptureSide = "batchTransformOutput"
GROUND_TRUTH: CaptureSide = "groundTruthData"


def _tab(separator: object) -> object:
    return "\t" if separator in ("tab", r"\t") else separator


class CsvOptions(Owned):
    r"""SageMaker's options of ``csv``.

    Attributes
    ----------
    header : bool
        Whether the first record of each file has the names of the columns.
    separator : {",", ";", "\\t", "|"}
        What is between two fields; ``tab`` is a tab too. SageMaker's documentation has the option with the comma only.
    output_columns_position : {"START", "END"}
        Has no effect: the order of the columns is that of the file.
    """

    header: bool = True
    separator: Annotated[Separator, BeforeValidator(_tab)] = ","
    output_columns_position: Literal["START", "END"] = "START"


class JsonOptions(Owned):
    """SageMaker's options of ``json``.

    Attributes
    ----------
    lines : bool
        Whether each line is a document. Otherwise a file is one array, whose elements are the documents, or one
        object. In the batch transform input of SageMaker's API the option is called ``line``.
    """

    lines: bool = Field(default=True, validation_alias=AliasChoices("lines", "line"))


class ParquetOptions(Owned):
    """There are no options."""


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


class CaptureOptions(Owned):
    """SageMaker's options of ``sagemakerCaptureJson``.

    Attributes
    ----------
    capture_index_names : tuple of str
        Which of request, response, batch transform output and ground truth are read. Ground truth is also read if
        there is an attribute for it.
    output_columns_position : {"START", "END"}
        Whether the response's columns come before those of the request, as in SageMaker's own container, or after.
        Ground truth comes last.
    """

    capture_index_names: tuple[CaptureSide, ...] = Field(
        default=(REQUEST, RESPONSE, TRANSFORM_OUTPUT),
        alias="captureIndexNames",
        min_length=1,
        max_length=4,
    )
    output_columns_position: Literal["START", "END"] = "START"


OPTIONS: Mapping[str, type[Owned]] = MappingProxyType(
    {
        "batchTransform": BatchTransformOptions,
        "csv": CsvOptions,
        "json": JsonOptions,
        "parquet": ParquetOptions,
        "sagemakerCaptureJson": CaptureOptions,
    }
)
"""The options of each format, by SageMaker's name of it."""


_OF_DATASET_TYPES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "text/csv": ("csv", {}),
        "application/jsonlines": ("json", {"lines": True}),
        "application/json": ("json", {"lines": False}),
        "application/x-parquet": ("parquet", {}),
    }
)
DATASET_TYPES = tuple(_OF_DATASET_TYPES)
"""SageMaker Clarify's names of formats."""


def format_of_dataset_type(dataset_type: str, *, headers: bool) -> dict[str, dict[str, Any]]:
    """Return the format of a dataset that SageMaker Clarify has another name for.

    Parameters
    ----------
    dataset_type : str
        One of ``DATASET_TYPES``.
    headers : bool
        Whether names of its columns are given besides: they are given for files that have none.
    """
    name, options = _OF_DATASET_TYPES[dataset_type]
    return {name: {"header": not headers} if name == "csv" else dict(options)}


def refuse_unknown_format(document: Mapping[str, Any]) -> None:
    """Refuse a format that nobody reads, such as ``{"cvs": {}}``, and options that it does not have.

    Raises
    ------
    InvalidInput
        ``UnsupportedFormat`` or ``InvalidSettings``.
    """
    if len(document) != 1:
        message = f'dataset_format: must name exactly one format, for instance {{"csv": {{}}}}, not {len(document)}'
        raise InvalidInput("InvalidSettings", message)
    ((name, options),) = document.items()
    if name not in OPTIONS:
        raise unsupported(name)
    try:
        OPTIONS[name].model_validate({} if options is None else options)
    except ValidationError as error:
        message = validation_message(error, location_prefix=f"dataset_format.{name}")
        raise InvalidInput("InvalidSettings", message) from None


def unsupported(name: str) -> InvalidInput:
    """Return the refusal of a format that nobody reads."""
    message = f"there is no reader for the format {name!r}; the formats are {', '.join(OPTIONS)}"
    return InvalidInput("UnsupportedFormat", message)


def named_format(name: str) -> str:
    """Return what helps where a dataset has another format than it was said to have."""
    return f"name the format {name} in dataset_format"
