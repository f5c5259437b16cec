"""Runs an analysis on this machine for a command, and shows how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from modelwatch.cli.aws_session import OF_THE_ENVIRONMENT, AwsOptions
from modelwatch.cli.models import this_machine
from modelwatch.printing import make_console, printable
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings

if TYPE_CHECKING:
    from modelwatch_analyzer.analysis import Examined
    from modelwatch_analyzer.host import Host

_Result = TypeVar("_Result")


def analyze_locally(
    settings: AnalysisSettings, *, as_json: bool, aws: AwsOptions = OF_THE_ENVIRONMENT
) -> AnalysisSummary:
    """Run an analysis that may ask SageMaker's endpoints and read from S3, and write its reports.

    What a model will be asked is printed on stderr before the first request, and the expected time after it. Progress
    is shown on a terminal only, and never beside JSON.

    Raises
    ------
    InvalidInput
        If settings or data cannot be used.
    """
    from modelwatch_analyzer.analysis import analyze

    return _with_progress(lambda host: analyze(settings, host), as_json=as_json, aws=aws)


def examine_locally(settings: AnalysisSettings) -> Examined:
    """Run an analysis like `analyze_locally`, and write nothing."""
    from modelwatch_analyzer.analysis import examine

    return _with_progress(lambda host: examine(settings, host), as_json=False, aws=OF_THE_ENVIRONMENT)


def _with_progress(run: Callable[[Host], _Result], *, as_json: bool, aws: AwsOptions) -> _Result:
    def announce(message: str) -> None:
        make_console(stderr=True).print(printable(f"{message[:1].upper()}{message[1:]}."))

    host = this_machine(announce, aws)
    if as_json or not make_console(stderr=True).is_terminal:
        return run(host)
    return _with_bar(run, host)


def _with_bar(run: Callable[[Host], _Result], host: Host) -> _Result:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[calls]}"),
        TimeElapsedColumn(),
        TextColumn("elapsed"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=make_console(stderr=True), transient=True) as bar:
        task = bar.add_task("Analysing", total=None, calls="", left="")

        def announce(message: str) -> None:
            bar.console.print(printable(f"{message[:1].upper()}{message[1:]}."))
            bar.update(task, description="Calling the model")

        def show_calls(done: int, planned: int) -> None:
            bar.update(task, completed=done, total=planned, calls=f"{done}/{planned}", left="left")

        return run(replace(host, announce=announce, progress=show_calls))
