"""The command tree. Each command is imported when it is called, so that ``--help`` and completion are quick.

A new kind of monitor has its commands without a change here, see ``kind_commands``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import DefaultPlaceholder

from modelwatch.cli.failures import UNUSABLE, OneLineFailures


@dataclass(frozen=True, slots=True)
class Deferred:
    """A command, or a group of commands, that is not imported yet.

    Attributes
    ----------
    home : str
        ``module:name`` of a function, or of a Typer application. The module's ``EXAMPLE`` is shown below the help.
    help : str
        What it does, in one line; the first sentence of its own help.
    """

    home: str
    help: str


COMMANDS = {
    "demo": Deferred(
        "modelwatch.cli.demo:demo", "Watch a model on real data, on this machine: no AWS account, no Docker."
    ),
    "analyze": Deferred(
        "modelwatch.cli.analyze:analyze",
        "Run the analysis that the environment describes, as SageMaker describes it to a monitoring container.",
    ),
    "doctor": Deferred(
        "modelwatch.cli.doctor:doctor", "Check a deployment, or this machine, with calls that only read."
    ),
    "baseline": Deferred(
        "modelwatch.cli.kind_commands:baselines",
        "Describe training data, so that later data can be checked against it.",
    ),
    "check": Deferred("modelwatch.cli.kind_commands:checks", "Check data against a baseline."),
    "power": Deferred(
        "modelwatch.cli.power:power",
        "Show the smallest changes that the Calibrated comparison finds in 80 % of windows, by feature.",
    ),
    "schedules": Deferred(
        "modelwatch.cli.schedules:group", "Create, change, run and list monitoring schedules of the app."
    ),
    "executions": Deferred("modelwatch.cli.executions:group", "Show what schedules did and found."),
    "alerts": Deferred(
        "modelwatch.cli.alerts:group", "Show the alerts of schedules, and change when messages are sent."
    ),
    "baselines": Deferred("modelwatch.cli.baselining_jobs:group", "Make baselines with the app."),
    "capture": Deferred(
        "modelwatch.cli.capture:group", "Switch an endpoint's data capture on or off, and inspect what it captured."
    ),
    "import": Deferred("modelwatch.cli.import_sagemaker:group", "Create monitors that exist elsewhere in the app."),
    "local": Deferred("modelwatch.cli.local:group", "Run the app on this machine, without an AWS account."),
}
"""Every command, in the order of the help."""


class Commands(OneLineFailures):
    """The top of the command tree."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the library's signature)
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002 (the library's)
        """Import a command."""
        return _imported(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return a command; a message about a misspelt name suggests one of the keys of ``commands``."""
        self.commands = cast("Any", COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (the library's signature)
        """Write what the commands do."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


class Group(TyperGroup):
    """Commands of one subject: each is listed with its whole sentence, which the library would cut."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what the commands do."""
        listed = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(_WHOLE)) for name, command in listed if command is not None]
            )


_WHOLE = 1000


@cache
def _imported(name: str) -> TyperCommand:
    module_name, _, attribute = COMMANDS[name].home.partition(":")
    module = import_module(module_name)
    command = getattr(module, attribute)
    around = typer.Typer(rich_markup_mode=None, callback=_nothing)
    if isinstance(command, typer.Typer):
        group = Group if isinstance(command.info.cls, DefaultPlaceholder) else command.info.cls
        around.add_typer(command, name=name, no_args_is_help=False, cls=group)
    else:
        around.command(name, epilog=module.EXAMPLE)(command)
    return cast("TyperCommand", cast("TyperGroup", typer.main.get_command(around)).commands[name])


def _nothing() -> None:
    """Make a group of an application that has only one command."""


# Plain help: it is read in pipes and logs too, and examples in it can be copied.
app = typer.Typer(cls=Commands, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def modelwatch(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Watch models: data quality and drift, on files here or on endpoints in AWS."""
    if show_version:
        from importlib.metadata import version  # it parses mails, which takes its time

        typer.echo(f"modelwatch {version('modelwatch')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UNUSABLE)
