"""``modelwatch baseline KIND`` and ``modelwatch check KIND``, built from the descriptor of each kind of monitor."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from modelwatch.cli.aws_session import AwsOptions
from modelwatch.cli.dataset import DatasetOptions
from modelwatch.cli.failures import UNUSABLE
from modelwatch.cli.kind_options import is_path, kind_options, option_parameters
from modelwatch.cli.local_analysis import analyze_locally
from modelwatch.cli.local_copy import local_copy
from modelwatch.cli.next_command import check_command
from modelwatch.cli.option_groups import group_parameters, keyword_parameter, take_group, with_parameters
from modelwatch.cli.options import AsJson, Backfill, Output, Overwrite, usable_output
from modelwatch.cli.result import print_learnt, print_result
from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import ShellCommand, Verb
from modelwatch_core.domain.settings_environment import analysis_settings

VIOLATIONS_FOUND = 1
"""Exit code of a check that found violations, for CI."""

_DATA = "--data"
_ALSO = {Verb.BASELINE: ("--dataset",), Verb.CHECK: ()}
"""Further names of the option for data: what it was called before."""
_EXIT_CODES = "Exit code 0: no violations. 1: violations. 2: something could not be used."
_EXAMPLE_WIDTH = 110


class KindGroup(TyperGroup):
    """A command for each kind of monitor with an analysis of ours, whenever it was registered."""

    verb: ClassVar[Verb]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the library's signature)
        """Return the names of the kinds."""
        return _kind_names()

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002 (the library's)
        """Return the command of a kind."""
        return next((_command(self.verb, kind) for kind in _kinds() if kind.command_name == cmd_name), None)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (the library's signature)
        """Write what each kind watches, in a line."""
        with formatter.section("Kinds of monitor"):
            formatter.write_dl([(kind.command_name, kind.shell.watches or kind.title) for kind in _kinds()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of a kind; a message about a misspelt name suggests one of ``commands``."""
        chosen = args[0] if args else None
        kinds = [kind for kind in _kinds() if kind.command_name == chosen] or _kinds()
        self.commands = {kind.command_name: _command(self.verb, kind) for kind in kinds}
        return super().resolve_command(ctx, args)


class BaselineKinds(KindGroup):
    """``modelwatch baseline``."""

    verb = Verb.BASELINE


class CheckKinds(KindGroup):
    """``modelwatch check``."""

    verb = Verb.CHECK


def list_kinds(context: typer.Context) -> None:
    """Show the kinds of monitor if none was chosen."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UNUSABLE)


baselines = typer.Typer(
    cls=BaselineKinds,
    callback=list_kinds,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Describe training data, so that later data can be checked against it.",
)
checks = typer.Typer(
    cls=CheckKinds,
    callback=list_kinds,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Check data against a baseline. Exit code 0: fine, 1: violations, 2: unusable.",
)


def _kinds() -> Iterator[MonitorKind]:
    return (kind for kind in KINDS.values() if kind.analysis is not None)


def _kind_names() -> list[str]:
    return [kind.command_name for kind in _kinds()]


@cache
def _command(verb: Verb, kind: MonitorKind) -> TyperCommand:
    texts = kind.shell.command(verb)
    paragraphs = (texts.help, texts.details, _EXIT_CODES if verb is Verb.CHECK else "")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    register = app.command(kind.command_name, help="\n\n".join(filter(None, paragraphs)), epilog=_epilog(verb, kind))
    register(with_parameters(_function(verb, kind), _parameters(verb, kind, texts)))
    return cast("TyperCommand", typer.main.get_command(app))


def _parameters(verb: Verb, kind: MonitorKind, texts: ShellCommand) -> Iterator[inspect.Parameter]:
    data = typer.Option(_DATA, *_ALSO[verb], metavar="PATH|S3URI", help=texts.data)
    yield keyword_parameter("dataset_source", Annotated[str, data])
    yield from group_parameters(DatasetOptions)
    yield from option_parameters(kind, verb)
    yield keyword_parameter("output", Output)
    yield keyword_parameter("overwrite", Overwrite, default=False)
    if verb is Verb.CHECK:
        yield keyword_parameter("backfill", Backfill, default=False)
    yield keyword_parameter("as_json", AsJson, default=False)
    yield from group_parameters(AwsOptions)


def _function(verb: Verb, kind: MonitorKind) -> Callable[..., None]:
    def run(
        *, dataset_source: str, output: Path, overwrite: bool, as_json: bool, backfill: bool = False, **values: Any
    ) -> None:
        dataset: DatasetOptions = take_group(DatasetOptions, values)
        aws: AwsOptions = take_group(AwsOptions, values)
        fields = {
            "analysis_type": kind.analysis_type,
            **dataset.settings(kind.captured_sides),
            **_given(verb, kind, values),
        }
        kind.shell.refuse(fields)
        with _named_as_typed(_command(verb, kind)), ExitStack() as copies:
            source = local_copy(dataset_source, _DATA, dataset.may_be_in_window, aws)
            fields["dataset_source"] = copies.enter_context(source)
            for option in kind_options(kind, verb):
                if option.field in fields and is_path(kind, option):
                    copy = copies.enter_context(local_copy(fields[option.field], option.option, aws=aws))
                    fields |= dict.fromkeys((option.field, *option.also_sets), copy)
            folder = usable_output(output, overwrite=None if overwrite or backfill else "--overwrite")
            settings = analysis_settings(
                **fields,
                output_path=folder,
                publish_cloudwatch_metrics="Enabled",
                previous_attempt_results=folder if backfill else None,
            )
            summary = analyze_locally(settings, as_json=as_json, aws=aws)
        print_result(summary, folder, as_json=as_json)
        if verb is Verb.BASELINE and not as_json:
            print_learnt(kind, folder, check_command(kind, dataset, aws, values, folder, summary.outputs))
        if summary.violations:
            raise typer.Exit(VIOLATIONS_FOUND)

    return run


@contextmanager
def _named_as_typed(command: TyperCommand) -> Iterator[None]:
    """Name options in errors as they are typed: ``--inference-attribute`` for ``inference_attribute``."""
    typed = {str(option.name): option.opts[0] for option in command.params if "_" in str(option.name)}
    # In quotes it is a value, which may be the name of a column.
    setting = re.compile(rf"(?<![\w'\"./-])({'|'.join(typed)})(?![\w'\"./-])")
    try:
        yield
    except ModelwatchError as error:
        message = setting.sub(lambda found: typed[found[1]], error.message)
        raise type(error)(error.code, message, examples=error.examples) from None


def _given(verb: Verb, kind: MonitorKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that options of a kind were given for; one without a value is not given."""
    return {
        name: values[option.field]
        for option in kind_options(kind, verb)
        for name in (option.field, *option.also_sets)
        if values[option.field] not in (None, "")
    }


def _epilog(verb: Verb, kind: MonitorKind) -> str | None:
    example = kind.shell.command(verb).example
    if not example:
        return None
    lines = [f"  modelwatch {verb} {kind.command_name}"]
    for option in re.split(r" (?=--)", example):
        if len(lines[-1]) + len(option) > _EXAMPLE_WIDTH:
            lines[-1] += " \\"
            lines.append(f"      {option}")
        else:
            lines[-1] += f" {option}"
    return "\n".join(("\b", "Example:", *lines))
