"""Data quality on local paths or S3, for a notebook or CI: suggest a baseline, check data against one."""

from __future__ import annotations

from typing import Annotated

import typer

from modelwatch.cli.answer import AsJson, Output, answer
from modelwatch.cli.dataset import DatasetFlags, at_hand
from modelwatch.cli.flags import takes_flags

NAME = "data-quality"
BASELINE_EXAMPLE = """\b
Example:
  modelwatch baseline data-quality --dataset train.csv --dataset-format csv --output baseline"""
CHECK_EXAMPLE = """\b
Example:
  modelwatch check data-quality --data today.csv --dataset-format csv --output report \\
      --statistics baseline/statistics.json --constraints baseline/constraints.json"""


@takes_flags
def baseline(
    dataset: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="A file, or a folder of files, of training data; here or in S3.")
    ],
    flags: DatasetFlags,
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Describe training data: statistics.json, and constraints.json that later data should keep to.

    If the model's traffic will be checked and has no names, put the model's output first and then its features: that
    is the order of captured records.
    """
    environment = flags.environment()
    with at_hand(dataset, "--dataset", flags.covers) as source:
        answer({"dataset_source": str(source), **environment}, output, as_json=as_json)


@takes_flags
def check(
    data: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="A file, or a folder of files, to check; here or in S3.")
    ],
    flags: DatasetFlags,
    statistics: Annotated[str, typer.Option(metavar="FILE|S3URI", help="statistics.json of the baseline.")],
    constraints: Annotated[
        str, typer.Option(metavar="FILE|S3URI", help="constraints.json of the baseline, maybe edited.")
    ],
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Check data against a baseline: types, completeness, domains, drift, columns that are missing or new.

    Exit code 0: no violations. 1: violations. 2: something could not be used.
    """
    with (
        at_hand(data, "--data", flags.covers) as source,
        at_hand(statistics, "--statistics") as statistics_file,
        at_hand(constraints, "--constraints") as constraints_file,
    ):
        environment = {
            "dataset_source": str(source),
            "baseline_statistics": str(statistics_file),
            "baseline_constraints": str(constraints_file),
            **flags.environment(),
        }
        answer(environment, output, as_json=as_json)
