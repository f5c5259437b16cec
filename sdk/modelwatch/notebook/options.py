"""The options of baselines and checks as keywords: those of the shell, named as it names them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from datetime import UTC
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from modelwatch.cli.dataset import DatasetOptions
from modelwatch.cli.kind_options import is_of_the_model, is_path, kind_options
from modelwatch.cli.local_copy import local_copy
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import ShellOption, Verb

_OF_A_BASELINE = ("baseline_constraints", "baseline_statistics")
"""Settings that a check takes from its baseline."""
_OF_FILES = frozenset({"dataset_format", "header", "separator", "transform_format", "transform_side", "start", "end"})
_SHELL_OPTION = re.compile(r"--(no-)?([a-z][a-z-]*[a-z])")
_DATASET = TypeAdapter(DatasetOptions)


def kind_named(name: str) -> MonitorKind:
    """Return a kind of monitor with an analysis by its name on the shell.

    Raises
    ------
    InvalidInput
        ``UnusableArguments``.
    """
    kinds = {kind.command_name: kind for kind in KINDS.values() if kind.analysis is not None}
    if name not in kinds:
        raise InvalidInput("UnusableArguments", f"kind: {name!r} is not one of {', '.join(kinds)}")
    return kinds[name]


def keyword(option: ShellOption) -> str:
    """Return the keyword of a shell option: ``ground_truth`` for ``--ground-truth``."""
    return option.option.removeprefix("--").replace("-", "_")


def refuse_unknown(kind: MonitorKind, verb: Verb, given: Mapping[str, Any], *, in_memory: bool) -> None:
    """Refuse keywords that are no options, those that concern files where there are none, and the lack of needed ones.

    Raises
    ------
    InvalidInput
        ``UnusableArguments``.
    """
    own = {keyword(option): option for option in _kind_options(kind, verb)}
    known = {field.name for field in fields(DatasetOptions)} | own.keys()
    for name in given:
        if name not in known:
            nearest = get_close_matches(name, sorted({"kind", *known}), n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"the options are {', '.join(sorted(known))}"
            raise InvalidInput("UnusableArguments", f"{verb} of {kind.command_name} has no option {name}: {hint}")
        if in_memory and name in _OF_FILES:
            raise InvalidInput("UnusableArguments", f"{name} concerns files, and data is in memory: leave it out")
    for name, option in own.items():
        if option.required and given.get(name) is None:
            raise InvalidInput("UnusableArguments", f"{name} is needed: {option.help}")


def dataset_options(given: Mapping[str, Any]) -> DatasetOptions:
    """Return the options that say how a dataset is read.

    Raises
    ------
    InvalidInput
        ``UnusableArguments``, naming each option that is wrong.
    """
    values = {field.name: given[field.name] for field in fields(DatasetOptions) if given.get(field.name) is not None}
    words = values.get("missing_values")
    if isinstance(words, list | tuple):
        values["missing_values"] = ",".join(map(str, words))
    try:
        options = _DATASET.validate_python(values)
    except ValidationError as error:
        raise InvalidInput("UnusableArguments", validation_message(error)) from None
    times = {name: getattr(options, name) for name in ("start", "end")}
    return replace(
        options, **{name: time.replace(tzinfo=UTC) for name, time in times.items() if time and time.tzinfo is None}
    )


def kind_settings(
    kind: MonitorKind, verb: Verb, given: Mapping[str, Any], copies: ExitStack, scratch: Path
) -> dict[str, Any]:
    """Return the settings that options of a kind stand for, with local copies of what they name.

    A document, such as ``analysis_config``, may be given as a dict.
    """
    settings: dict[str, Any] = {}
    for option in _kind_options(kind, verb):
        name = keyword(option)
        value = given.get(name)
        if value is None:
            continue
        if is_path(kind, option):
            if isinstance(value, Mapping):
                path = scratch / f"{name}.json"
                path.write_text(document_text(name, value), encoding="utf-8")
                value = path
            value = copies.enter_context(local_copy(str(value), name))
        settings |= dict.fromkeys((option.field, *option.also_sets), value)
    return settings


def document_text(name: str, document: Mapping[str, Any], *, allow_nan: bool = True) -> str:
    """Return a document that was given as a dict as JSON.

    Raises
    ------
    InvalidInput
        ``UnusableArguments``.
    """
    try:
        return json.dumps(dict(document), indent=2, allow_nan=allow_nan)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("UnusableArguments", f"{name} cannot be written as JSON: {error}") from None


def has_statistics(kind: MonitorKind) -> bool | None:
    """Return whether a check of a kind reads statistics of its baseline: True where it needs them, None where not."""
    options = (option for option in kind_options(kind, Verb.CHECK) if option.field == "baseline_statistics")
    return next((option.required for option in options), None)


def of_the_model(kind: MonitorKind, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a baseline that its checks take over: what the columns and the model are."""
    names = {keyword(option) for option in _kind_options(kind, Verb.CHECK) if is_of_the_model(option)}
    return {name: value for name, value in given.items() if name in names or name.endswith("_attribute")}


@contextmanager
def named_as_keywords() -> Iterator[None]:
    """Name options in errors as Python does: ``header=False`` for ``--no-header``."""
    try:
        yield
    except ModelwatchError as error:
        message = _SHELL_OPTION.sub(_keyword_of, error.message)
        raise type(error)(error.code, message, examples=error.examples) from None


def _keyword_of(found: re.Match[str]) -> str:
    return found[2].replace("-", "_") + ("=False" if found[1] else "")


def _kind_options(kind: MonitorKind, verb: Verb) -> list[ShellOption]:
    return [option for option in kind_options(kind, verb) if option.field not in _OF_A_BASELINE]
