"""Bias on local paths or S3: how a model treats groups of people, and whether that got worse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated

import typer

from modelwatch.cli.answer import AsJson, Output, answer
from modelwatch.cli.dataset import DatasetFlags, at_hand
from modelwatch.cli.flags import takes_flags
from modelwatch.cli.intervals import Backfill, IntervalFlags
from modelwatch.cli.labels import LabelFlags

NAME = "bias"
BASELINE_EXAMPLE = """\b
Example:
  modelwatch baseline bias --dataset train.csv --dataset-format csv --analysis-config analysis_config.json \\
      --inference-attribute prediction --output baseline"""
CHECK_EXAMPLE = """\b
Example:
  modelwatch check bias --data captures --dataset-format capture --analysis-config analysis_config.json \\
      --ground-truth labels --constraints baseline/analysis.json --output report"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasFlags(IntervalFlags):
    """What is analysed, and how sure it is told."""

    analysis_config: Annotated[
        str,
        typer.Option(
            metavar="FILE|S3URI",
            help="SageMaker's analysis_config.json: label, label_values_or_threshold, facet, group_variable, headers.",
        ),
    ]
    probability_threshold_attribute: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="A probability above it predicts 1, or else the positive label; 0.5 by default."
        ),
    ] = None

    @contextmanager
    def environment(self) -> Iterator[dict[str, str]]:
        """Write them as SageMaker's container environment, with the configuration at hand.

        Raises
        ------
        InvalidInput
            What `at_hand` raises.
        """
        told = self.settings
        if self.probability_threshold_attribute is not None:
            told["probability_threshold_attribute"] = str(self.probability_threshold_attribute)
        with at_hand(self.analysis_config, "--analysis-config") as config:
            yield {"analysis_type": "MODEL_BIAS", "analysis_config": str(config), **told}


@contextmanager
def _environment(
    source: str, option: str, flags: DatasetFlags, labels: LabelFlags, bias: BiasFlags
) -> Iterator[dict[str, str]]:
    told = flags.environment()
    # The configuration may name the label, and merged captures need no name for it.
    asked = labels.ground_truth is not None or labels.ground_truth_attribute is not None
    named: AbstractContextManager[dict[str, str]] = labels.environment() if asked else nullcontext({})
    with (
        named as of_labels,
        bias.environment() as of_bias,
        at_hand(source, option, flags.covers) as dataset,
    ):
        yield {"dataset_source": str(dataset), **told, **of_labels, **of_bias}


@takes_flags
def baseline(
    dataset: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="Training data with labels: a file, or a folder; here or in S3.")
    ],
    flags: DatasetFlags,
    labels: LabelFlags,
    bias: BiasFlags,
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Measure bias in training data: analysis.json, which later data should not be worse than.

    Labels alone give the pre-training metrics; with --inference-attribute or --probability-attribute there are the
    post-training ones too.
    """
    with _environment(dataset, "--dataset", flags, labels, bias) as environment:
        answer(environment, output, as_json=as_json)


@takes_flags
def check(
    data: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="Predictions: a file, or a folder of files; here or in S3.")
    ],
    flags: DatasetFlags,
    labels: LabelFlags,
    bias: BiasFlags,
    constraints: Annotated[
        str, typer.Option(metavar="FILE|S3URI", help="analysis.json of the baseline, maybe edited.")
    ],
    output: Output,
    backfill: Backfill = False,
    as_json: AsJson = False,
) -> None:
    """Check a model's bias against its baseline, with labels in the data or in files of their own.

    Exit code 0: no violations. 1: violations. 2: something could not be used.
    """
    with (
        _environment(data, "--data", flags, labels, bias) as environment,
        at_hand(constraints, "--constraints") as constraints_file,
    ):
        earlier = {"previous_results": str(output)} if backfill else {}
        answer({**environment, "baseline_constraints": str(constraints_file), **earlier}, output, as_json=as_json)
