"""Explainability on local paths or S3: which features drive a model, and whether that changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from modelwatch.cli.answer import AsJson, Output, answer, existing
from modelwatch.cli.dataset import DatasetFlags, at_hand
from modelwatch.cli.flags import takes_flags
from modelwatch.cli.models import open_endpoint, read_object
from modelwatch.printing import a_console, printable
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    from modelwatch_analyzer.host import Host

NAME = "explainability"
BASELINE_EXAMPLE = """\b
Example:
  modelwatch baseline explainability --dataset train.csv --dataset-format csv --output baseline \\
      --analysis-config analysis_config.json --model-url http://127.0.0.1:8080/invocations"""
CHECK_EXAMPLE = """\b
Example:
  modelwatch check explainability --data today.csv --dataset-format csv --output report \\
      --analysis-config analysis_config.json --endpoint my-endpoint --constraints baseline/analysis.json"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlags:
    """Which model is explained, and how."""

    analysis_config: Annotated[
        str,
        typer.Option(
            metavar="FILE|S3URI", help="SageMaker's analysis_config.json: headers, methods.shap and predictor."
        ),
    ]
    model_url: Annotated[
        str | None, typer.Option(metavar="URL", help="An HTTP server with SageMaker's /invocations.")
    ] = None
    endpoint: Annotated[str | None, typer.Option(metavar="NAME", help="A live SageMaker endpoint.")] = None
    model_artifact: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A model of trees as a file: XGBoost's .json or .ubj, LightGBM's .txt."),
    ] = None
    allow_pickle: Annotated[
        bool,
        typer.Option("--allow-pickle", help="Let --model-artifact be a pickle. It runs whatever code is in it."),
    ] = False

    @contextmanager
    def environment(self) -> Iterator[dict[str, str]]:
        """Write them as settings, with what they name at hand.

        Raises
        ------
        InvalidInput
            ``UnusableArguments`` for more than one model; what `at_hand` refuses.
        """
        given = {"--model-url": self.model_url, "--endpoint": self.endpoint, "--model-artifact": self.model_artifact}
        named = [option for option, value in given.items() if value]
        if len(named) > 1:
            raise InvalidInput("UnusableArguments", f"{' and '.join(named)} each name a model: give one of them.")
        with ExitStack() as stack:
            config = stack.enter_context(at_hand(self.analysis_config, "--analysis-config"))
            told = {
                "analysis_type": "MODEL_EXPLAINABILITY",
                "analysis_config": str(config),
                "model_url": self.model_url,
                "model_endpoint_name": self.endpoint,
                "sagemaker_endpoint_name": self.endpoint,
                "model_artifact": str(existing(self.model_artifact, "--model-artifact"))
                if self.model_artifact
                else None,
                "allow_pickle": "true" if self.allow_pickle else None,
            }
            yield {name: value for name, value in told.items() if value}


@takes_flags
def baseline(
    dataset: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="A file, or a folder of files, of training data; here or in S3.")
    ],
    flags: DatasetFlags,
    model: ModelFlags,
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Explain a model on training data: analysis.json, that later explanations are compared with.

    The model is the one that --model-url, --endpoint or --model-artifact names, or else the predictor of the
    configuration. How many requests it will get is told before the first one, and limited by
    methods.shap.max_model_calls of the configuration (100 by default); rows are sampled to fit.
    """
    with at_hand(dataset, "--dataset", flags.covers) as source, model.environment() as told:
        environment = {"dataset_source": str(source), **flags.environment(), **told}
        answer(environment, output, as_json=as_json, host=_host(as_json=as_json))


@takes_flags
def check(
    data: Annotated[
        str, typer.Option(metavar="PATH|S3URI", help="A file, or a folder of files, to explain; here or in S3.")
    ],
    flags: DatasetFlags,
    model: ModelFlags,
    constraints: Annotated[
        str, typer.Option(metavar="FILE|S3URI", help="analysis.json of the baseline, maybe edited.")
    ],
    output: Output,
    earlier_results: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Results of earlier executions, for the stability of attributions."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what drives a model now with a baseline: NDCG, and the change of each feature.

    Exit code 0: no violations. 1: violations. 2: something could not be used.
    """
    with (
        at_hand(data, "--data", flags.covers) as source,
        at_hand(constraints, "--constraints") as constraints_file,
        model.environment() as told,
    ):
        environment = {
            "dataset_source": str(source),
            "baseline_constraints": str(constraints_file),
            **flags.environment(),
            **told,
        }
        if earlier_results:
            environment["earlier_results"] = str(existing(earlier_results, "--earlier-results"))
        answer(environment, output, as_json=as_json, host=_host(as_json=as_json))


@contextmanager
def _host(*, as_json: bool) -> Iterator[Host]:
    """Bring SageMaker's endpoints; tell on stderr what will be asked, and on a terminal how far it is."""
    from modelwatch_analyzer.host import Host

    console = a_console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=None)

        def announce(words: str) -> None:
            bar.console.print(printable(f"{words[:1].upper()}{words[1:]}."))
            bar.update(task, description="Asking the model")

        yield Host(
            model=open_endpoint,
            read=read_object,
            announce=announce,
            progress=lambda done, planned: bar.update(task, completed=done, total=planned),
        )
