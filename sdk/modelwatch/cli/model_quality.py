"""Model quality on local paths or S3: how good predictions were, once their labels are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from modelwatch.cli.answer import AsJson, Output, answer
from modelwatch.cli.dataset import DatasetFlags, at_hand
from modelwatch.cli.flags import takes_flags
from modelwatch.cli.intervals import Backfill, IntervalFlags
from modelwatch.cli.labels import LabelFlags
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType

NAME = "model-quality"
BASELINE_EXAMPLE = """\b
Example:
  modelwatch baseline model-quality --dataset validation.csv --dataset-format csv --output baseline \\
      --problem-type BinaryClassification --inference-attribute prediction \\
      --probability-attribute probability --ground-truth-attribute label"""
CHECK_EXAMPLE = """\b
Example:
  modelwatch check model-quality --data captures --dataset-format capture --ground-truth labels --output report \\
      --problem-type BinaryClassification --probability-attribute 0 --probability-threshold-attribute 0.8 \\
      --constraints baseline/constraints.json"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFlags(IntervalFlags):
    """What a model does, and how sure its quality is told."""

    problem_type: Annotated[ProblemType, typer.Option(help="What the model does.")]
    probability_threshold_attribute: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="A probability above it predicts the positive class, where no --inference-attribute says what was "
            "predicted; 0.5 by default.",
        ),
    ] = None

    def environment(self, flags: DatasetFlags) -> dict[str, str]:
        """Write them as SageMaker's container environment.

        Raises
        ------
        InvalidInput
            ``ProbabilityNotGiven`` for a threshold without a probability.
        """
        told = {
            "analysis_type": "MODEL_QUALITY",
            "problem_type": self.problem_type.value,
            **self.settings,
        }
        if self.probability_threshold_attribute is None:
            return told
        if flags.probability_attribute is None:
            message = "--probability-threshold-attribute needs --probability-attribute: which probability is meant?"
            raise InvalidInput("ProbabilityNotGiven", message)
        return told | {"probability_threshold_attribute": str(self.probability_threshold_attribute)}


@contextmanager
def _environment(
    source: str, option: str, flags: DatasetFlags, labels: LabelFlags, problem: ProblemFlags
) -> Iterator[dict[str, str]]:
    told = flags.environment() | problem.environment(flags)
    with labels.environment() as of_labels, at_hand(source, option, flags.covers) as dataset:
        yield {"dataset_source": str(dataset), **told, **of_labels}


@takes_flags
def baseline(
    dataset: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="Predictions with labels: a file, or a folder; here or in S3.")
    ],
    flags: DatasetFlags,
    labels: LabelFlags,
    problem: ProblemFlags,
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Measure a model on labelled data: statistics.json, and constraints.json that later data should keep to."""
    with _environment(dataset, "--dataset", flags, labels, problem) as environment:
        answer(environment, output, as_json=as_json)


@takes_flags
def check(
    data: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="Predictions: a file, or a folder of files; here or in S3.")
    ],
    flags: DatasetFlags,
    labels: LabelFlags,
    problem: ProblemFlags,
    constraints: Annotated[
        str, typer.Option(metavar="FILE|S3URI", help="constraints.json of the baseline, maybe edited.")
    ],
    output: Output,
    backfill: Backfill = False,
    as_json: AsJson = False,
) -> None:
    """Check a model's quality against its baseline, with labels in the data or in files of their own.

    Exit code 0: no violations. 1: violations. 2: something could not be used.
    """
    with (
        _environment(data, "--data", flags, labels, problem) as environment,
        at_hand(constraints, "--constraints") as constraints_file,
    ):
        earlier = {"previous_results": str(output)} if backfill else {}
        answer({**environment, "baseline_constraints": str(constraints_file), **earlier}, output, as_json=as_json)
