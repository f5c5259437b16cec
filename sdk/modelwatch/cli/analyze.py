"""The analysis contract as a plain command, for any host that can set an environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

from modelwatch.cli.failures import print_failure
from modelwatch.cli.models import this_machine
from modelwatch.cli.options import examples
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.settings_environment import settings_from_environment

EXAMPLE = examples(
    """dataset_source=train.csv dataset_format='{"csv":{"header":true}}' output_path=out modelwatch analyze"""
)
FAILED = 1
"""SageMaker's contract: a processing job failed if its container's exit code is not 0."""
JOB_CONFIG = Path("/opt/ml/config/processingjobconfig.json")
"""Where SageMaker describes a processing job to its container."""


def analyze() -> None:
    """Run the analysis that the environment describes, as SageMaker describes it to a monitoring container.

    Exit code 0 unless the analysis failed; violations are no failure.
    """
    from modelwatch_analyzer.analysis import analyze as run

    try:
        settings = settings_from_environment(os.environ, user_names=_user_variables(JOB_CONFIG))
        summary = run(settings, this_machine(typer.echo))
    except ModelwatchError as error:
        print_failure(error.code, error.message, as_json=False)
        raise typer.Exit(FAILED) from None
    typer.echo(summary.exit_message)
    if summary.status is OutcomeStatus.FAILED:
        raise typer.Exit(FAILED)


def _user_variables(job_config: Path) -> frozenset[str]:
    """Return the names of the variables that were set for the job; all others are the host's, credentials among them.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``.
    """
    try:
        environment = json.loads(job_config.read_bytes()).get("Environment") or {}
        return frozenset(environment.keys())
    except FileNotFoundError:
        return frozenset()
    except (ValueError, AttributeError, RecursionError):
        message = f"{job_config} is not SageMaker's description of a processing job: remove or replace the file"
        raise InvalidInput("InvalidSettings", message) from None
