"""Options that commands share, as one dataclass a group."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def takes_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take each group of options as one dataclass; the CLI library needs a parameter for every option.

    A field of such a dataclass is declared as a parameter of a command would be: ``Annotated`` with its option, and a
    default unless the option is required.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(command)
    def with_groups(**values: Any) -> None:
        gathered = {name: take_group(group, values) for name, group in groups.items()}
        command(**values, **gathered)

    return with_parameters(with_groups, _parameters(command, hints, groups))


def group_parameters(group: type[Any]) -> Iterator[inspect.Parameter]:
    """Yield the parameters that a command has for a group of options."""
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield keyword_parameter(field.name, hints[field.name], default)


def take_group(group: type[Any], values: dict[str, Any]) -> Any:
    """Make a group of options from the values of a command, and remove them there."""
    return group(**{field.name: values.pop(field.name) for field in fields(group)})


def keyword_parameter(name: str, annotation: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    """Return a parameter of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def with_parameters(command: Callable[..., None], parameters: Iterable[inspect.Parameter]) -> Callable[..., None]:
    """Give a command that takes any keywords the parameters that the CLI library is to see, required ones first."""
    ordered = sorted(parameters, key=lambda parameter: parameter.default is not parameter.empty)
    vars(command)["__signature__"] = inspect.Signature(ordered)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return command


def _parameters(
    command: Callable[..., None], hints: dict[str, Any], groups: dict[str, Any]
) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            yield from group_parameters(groups[name])
        else:
            yield parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
