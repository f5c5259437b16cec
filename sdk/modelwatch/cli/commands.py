"""The command tree. A new kind of monitor has its commands without a change here, see ``kind_commands``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from modelwatch.cli import capture, local
from modelwatch.cli.analyze import ANALYZE_EXAMPLE, analyze
from modelwatch.cli.demo import DEMO_EXAMPLE, demo
from modelwatch.cli.doctor import DOCTOR_EXAMPLE, doctor
from modelwatch.cli.failures import UNUSABLE, OneLineFailures
from modelwatch.cli.kind_commands import BaselineKinds, CheckKinds, require_kind

# Plain help: it is read in pipes and logs too, and examples in it can be copied.
app = typer.Typer(cls=OneLineFailures, pretty_exceptions_enable=False, rich_markup_mode=None)
baselines = typer.Typer(
    cls=BaselineKinds,
    callback=require_kind,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Describe training data, so that later data can be checked against it.",
)
checks = typer.Typer(
    cls=CheckKinds,
    callback=require_kind,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Check data against a baseline. Exit code 0: fine, 1: violations, 2: unusable.",
)

app.add_typer(baselines, name="baseline")
app.add_typer(checks, name="check")
app.add_typer(capture.app, name="capture", no_args_is_help=False)
app.add_typer(local.app, name="local", no_args_is_help=False)
app.command("demo", epilog=DEMO_EXAMPLE)(demo)
app.command("analyze", epilog=ANALYZE_EXAMPLE)(analyze)
app.command("doctor", epilog=DOCTOR_EXAMPLE)(doctor)


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
