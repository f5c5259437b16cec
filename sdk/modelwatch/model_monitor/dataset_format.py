"""The format of data, in SageMaker's two spellings."""

from __future__ import annotations

from typing import Any

from modelwatch.arguments import choice, flag, instance

DatasetFormatDocument = dict[str, dict[str, Any]]


class DatasetFormat:
    """The format of a baseline's dataset.

    Examples
    --------
    >>> DatasetFormat.csv(header=True)
    {'csv': {'header': True, 'output_columns_position': 'START'}}
    """

    @staticmethod
    def csv(header: bool = True, output_columns_position: str = "START") -> DatasetFormatDocument:
        """Return the format of CSV files.

        Parameters
        ----------
        header : bool
            Whether the first line names the columns.
        output_columns_position : {"START", "END"}
            Where the model's response stands.
        """
        position = choice("output_columns_position", output_columns_position, ("START", "END"))
        return {"csv": {"header": flag("header", header), "output_columns_position": position}}

    @staticmethod
    def json(lines: bool = True) -> DatasetFormatDocument:
        """Return the format of JSON files: a record on each line where ``lines`` is true, or else one array of them."""
        return {"json": {"lines": flag("lines", lines)}}

    @staticmethod
    def sagemaker_capture_json() -> DatasetFormatDocument:
        """Return the format of captures."""
        return {"sagemakerCaptureJson": {}}


class MonitoringDatasetFormat:
    """The format of the data of batch transform jobs.

    Examples
    --------
    >>> MonitoringDatasetFormat.csv(header=False)
    {'Csv': {'Header': False}}
    """

    @staticmethod
    def csv(header: bool = True) -> DatasetFormatDocument:
        """Return the format of CSV files; ``header`` says whether the first line names the columns."""
        return {"Csv": {"Header": flag("header", header)}}

    @staticmethod
    def json(lines: bool = True) -> DatasetFormatDocument:
        """Return the format of JSON files: a record on each line where ``lines`` is true, or else one array of them."""
        return {"Json": {"Line": flag("lines", lines)}}

    @staticmethod
    def parquet() -> DatasetFormatDocument:
        """Return the format of Parquet files."""
        return {"Parquet": {}}


_OPTIONS = {"Header": "header", "Line": "lines"}


def as_app_reads_it(dataset_format: object) -> DatasetFormatDocument:
    """Return a format in either spelling as the app reads it: ``{"csv": {"header": true}}``.

    Raises
    ------
    TypeError, ValueError
        Where it is no object with exactly one format.
    """
    document = instance("dataset_format", dataset_format, dict)
    if len(document) != 1:
        raise ValueError('dataset_format must name exactly one format, for instance {"csv": {"header": True}}')
    ((name, options),) = document.items()
    options = instance(f"dataset_format[{name!r}]", {} if options is None else options, dict)
    lowered = str(name)[:1].lower() + str(name)[1:]
    return {lowered: {_OPTIONS.get(option, option): value for option, value in options.items()}}
