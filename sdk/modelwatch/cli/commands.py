"""The command tree. A new kind of monitor is a new file beside ``data_quality`` and its name in ``MONITORS``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from modelwatch.cli import bias, capture, data_quality, explainability, local, model_quality
from modelwatch.cli.analyze import ANALYZE_EXAMPLE, analyze
from modelwatch.cli.demo import DEMO_EXAMPLE, demo
from modelwatch.cli.failures import UNUSABLE, OneLineFailures

MONITORS = (data_quality, model_quality, bias, explainability)

# Plain help: it is read in pipes and logs too, and examples in it can be copied.
app = typer.Typer(cls=OneLineFailures, pretty_exceptions_enable=False, rich_markup_mode=None)
baselines = typer.Typer(rich_markup_mode=None)
checks = typer.Typer(rich_markup_mode=None)

app.add_typer(baselines, name="baseline", help="Describe training data, so that later data can be checked against it.")
app.add_typer(
    checks, name="check", help="Check data against a baseline. Exit code 0: fine, 1: violations, 2: unusable."
)
app.add_typer(capture.app, name="capture", no_args_is_help=False)
app.add_typer(local.app, name="local", no_args_is_help=False)
app.command("demo", epilog=DEMO_EXAMPLE)(demo)
app.command("analyze", epilog=ANALYZE_EXAMPLE)(analyze)
for monitor in MONITORS:
    baselines.command(monitor.NAME, epilog=monitor.BASELINE_EXAMPLE)(monitor.baseline)
    checks.command(monitor.NAME, epilog=monitor.CHECK_EXAMPLE)(monitor.check)


@app.callback(invoke_without_command=True)
def modelwatch(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Watch models: data quality and drift, on files here or on endpoints in AWS."""
    if show_version:
        typer.echo(f"modelwatch {version('modelwatch')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UNUSABLE)
