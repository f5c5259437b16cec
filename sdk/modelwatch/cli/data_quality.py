"""Data quality on local paths, for a notebook or CI: suggest a baseline, check data against one."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.answer import AsJson, Output, a_moment, answer, existing
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput

NAME = "data-quality"
BASELINE_EXAMPLE = """\b
Example:
  modelwatch baseline data-quality --dataset train.csv --dataset-format csv --output baseline"""
CHECK_EXAMPLE = """\b
Example:
  modelwatch check data-quality --data today.csv --dataset-format csv --output report \\
      --statistics baseline/statistics.json --constraints baseline/constraints.json"""


class DatasetFormat(StrEnum):
    """How the data is written."""

    CSV = "csv"
    CAPTURE = "capture"

    def to_sagemaker(self, *, header: bool) -> str:
        """Write it as SageMaker's ``dataset_format`` setting."""
        match self:
            case DatasetFormat.CSV:
                document: dict[str, object] = {"csv": {"header": header, "output_columns_position": "START"}}
            case DatasetFormat.CAPTURE:
                document = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
        return json.dumps(document)


Format = Annotated[
    DatasetFormat,
    typer.Option("--dataset-format", help="csv: CSV files; capture: what a SageMaker endpoint captured (.jsonl)."),
]
Header = Annotated[
    bool,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a CSV file names the columns. Without names they are _c0, _c1, ...; "
        "captured payloads never hold names: their columns are taken by position.",
    ),
]
Moment = Annotated[
    datetime | None,
    typer.Option(parser=a_moment, metavar="TIME", help="For captured records: ISO 8601; UTC unless it says otherwise."),
]


def baseline(
    dataset: Annotated[Path, typer.Option(metavar="PATH", help="A file, or a folder of files, of training data.")],
    dataset_format: Format,
    output: Output,
    header: Header = True,
    as_json: AsJson = False,
) -> None:
    """Describe training data: statistics.json, and constraints.json that later data should keep to.

    If the model's traffic will be checked, put the model's output first and then its features: that is the order
    of captured records.
    """
    environment = {
        "dataset_source": str(existing(dataset, "--dataset")),
        "dataset_format": dataset_format.to_sagemaker(header=header),
    }
    answer(environment, output, as_json=as_json)


def check(
    data: Annotated[Path, typer.Option(metavar="PATH", help="A file, or a folder of files, to check.")],
    dataset_format: Format,
    statistics: Annotated[Path, typer.Option(metavar="FILE", help="statistics.json of the baseline.")],
    constraints: Annotated[Path, typer.Option(metavar="FILE", help="constraints.json of the baseline, maybe edited.")],
    output: Output,
    header: Header = True,
    start: Moment = None,
    end: Moment = None,
    as_json: AsJson = False,
) -> None:
    """Check data against a baseline: types, completeness, domains, drift, columns that are missing or new.

    Exit code 0: no violations. 1: violations. 2: something could not be used.
    """
    environment = {
        "dataset_source": str(existing(data, "--data")),
        "dataset_format": dataset_format.to_sagemaker(header=header),
        "baseline_statistics": str(existing(statistics, "--statistics")),
        "baseline_constraints": str(existing(constraints, "--constraints")),
        **_window(start, end, dataset_format),
    }
    answer(environment, output, as_json=as_json)


def _window(start: datetime | None, end: datetime | None, dataset_format: DatasetFormat) -> dict[str, str]:
    """Write the window ``[start, end)`` as settings."""
    if start is None and end is None:
        return {}
    if dataset_format is not DatasetFormat.CAPTURE:
        raise InvalidInput("WindowNotApplicable", "--start and --end choose among captured records: leave them away.")
    if start and end and start >= end:
        raise InvalidInput("WindowEmpty", f"--start {iso_utc(start)} is not before --end {iso_utc(end)}: mend either.")
    moments = {"start_time": start, "end_time": end}
    return {name: moment.isoformat() for name, moment in moments.items() if moment}
