"""The options of a kind of monitor, as its descriptor describes them, in the form that the CLI library takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from modelwatch.cli.option_groups import keyword_parameter
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import CHECK_ONLY, ShellOption, Verb

_SIMPLE_TYPES = (str, int, float, bool)


def kind_options(kind: MonitorKind, verb: Verb) -> list[ShellOption]:
    """Return the options that a command of a kind has, beside those that concern every analysis."""
    constraints = ShellOption(
        field="baseline_constraints",
        name="--constraints",
        metavar="FILE|S3URI",
        help=kind.shell.constraints,
        required=True,
        verbs=CHECK_ONLY,
    )
    return [option for option in (*kind.shell.options, constraints) if verb in option.verbs]


def is_path(kind: MonitorKind, option: ShellOption) -> bool:
    """Return whether the value of an option is a path or an S3 URI."""
    return _value_type(kind.settings.model_fields[option.field]) is Path


def is_of_the_model(option: ShellOption) -> bool:
    """Return whether an option says what the columns and the model are: a check needs it as its baseline did."""
    names_a_model = option.field in ("model_url", "model_endpoint_name", "model_artifact")
    return option.required or names_a_model or option.field.endswith("_attribute")


def option_parameters(kind: MonitorKind, verb: Verb) -> Iterator[inspect.Parameter]:
    """Yield the parameters that a command has for the options of a kind.

    Raises
    ------
    TypeError
        For a setting whose type has no form on a command line.
    """
    for option in kind_options(kind, verb):
        field = kind.settings.model_fields[option.field]
        minimum, maximum = _limits(field)
        choices = _choices(option)
        meanings = ", ".join(f"{name} ({meaning})" for name, meaning in choices.items())
        text = f"{option.help} {meanings}." if choices else option.help
        declared = typer.Option(option.option, metavar=option.metavar, help=text, min=minimum, max=maximum)
        shell_type: Any = StrEnum(option.field, {name: name for name in choices}) if choices else None
        shell_type = shell_type or _shell_type(option, field)
        if option.required:
            yield keyword_parameter(option.field, Annotated[shell_type, declared])
        else:
            default = field.get_default(call_default_factory=True)
            optional_type = shell_type if default is not None else shell_type | None
            yield keyword_parameter(option.field, Annotated[optional_type, declared], default)


def _choices(option: ShellOption) -> Mapping[str, str]:
    """Return the values that an option can have, with their meanings; none where its type says it all."""
    if option.choices is None:
        return {}
    module, _, function = option.choices.partition(":")
    choices: Mapping[str, str] = getattr(import_module(module), function)()
    return choices


def _shell_type(option: ShellOption, field: FieldInfo) -> Any:
    """Return the type that the CLI library is to read: that of the setting, and text for paths, which may be URIs."""
    value_type = _value_type(field)
    if value_type is Path:
        return str
    if value_type in _SIMPLE_TYPES or (isinstance(value_type, type) and issubclass(value_type, Enum)):
        return value_type
    raise TypeError(f"{option.option}: a setting of type {field.annotation} has no form on a command line")


def _value_type(field: FieldInfo) -> Any:
    """Return the type of a setting without the None of an optional one and without its constraints."""
    value_type: Any = field.annotation
    if get_origin(value_type) in (Union, UnionType):
        members = [member for member in get_args(value_type) if member is not type(None)]
        value_type = members[0] if len(members) == 1 else value_type
    return get_args(value_type)[0] if get_origin(value_type) is Annotated else value_type


def _limits(field: FieldInfo) -> tuple[Any, Any]:
    minimum = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    maximum = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    return minimum, maximum
