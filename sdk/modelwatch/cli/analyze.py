"""The analysis contract as a plain command, for any host that can set an environment."""

from __future__ import annotations

import os

import typer

from modelwatch.cli.failures import print_failure
from modelwatch.cli.models import open_endpoint, read_object
from modelwatch_core.domain.analysis import AnalysisStatus
from modelwatch_core.domain.errors import ModelwatchError

ANALYZE_EXAMPLE = """\b
Example:
  dataset_source=train.csv dataset_format='{"csv":{"header":true}}' output_path=out modelwatch analyze"""
FAILED = 1
"""SageMaker's contract: a processing job failed if its container's exit code is not 0."""


def analyze() -> None:
    """Run the analysis that the environment describes, as SageMaker describes it to a monitoring container.

    Exit code 0 unless the analysis failed; violations are no failure.
    """
    from modelwatch_analyzer.analysis import analyze as run
    from modelwatch_analyzer.host import Host
    from modelwatch_analyzer.settings import AnalysisSettings

    host = Host(model=open_endpoint, read=read_object, announce=typer.echo)
    try:
        summary = run(AnalysisSettings.from_environment(os.environ), host)
    except ModelwatchError as wrong:
        print_failure(wrong.code, wrong.message, as_json=False)
        raise typer.Exit(FAILED) from None
    typer.echo(summary.exit_message)
    if summary.status is AnalysisStatus.FAILED:
        raise typer.Exit(FAILED)
