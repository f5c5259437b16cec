"""``--from-file``: the parameters of an operation in a JSON or YAML document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Annotated, Any

import typer

from modelwatch.cli.options import existing_path
from modelwatch_core.domain.errors import InvalidInput

FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from-file",
        metavar="FILE",
        help="A JSON or YAML document of all parameters, with the app's names; options of the command come before it.",
    ),
]


def read_parameters(path: Path | None) -> dict[str, Any]:
    """Return the parameters of a document; none without one.

    Raises
    ------
    InvalidInput
        ``FileNotFound``, ``NotUtf8`` or ``InvalidParameter``, naming the place.
    """
    if path is None:
        return {}
    try:
        text = existing_path(path, "--from-file").read_text(encoding="utf-8-sig")  # as Windows writes it
    except UnicodeDecodeError:
        raise InvalidInput("NotUtf8", f"--from-file: {path} is not UTF-8; save it as UTF-8") from None
    try:
        document = _json(text, path) if path.suffix == ".json" else _yaml(text, path)
        values = dict(_values(document))
    except (RecursionError, ValueError, KeyError, AttributeError):  # of YAML's own tags, and of what holds itself
        message = (
            f"--from-file: {path} holds a value that JSON does not have, or is nested too deeply; write plain values"
        )
        raise InvalidInput("InvalidParameter", message) from None
    if not isinstance(document, dict):
        raise InvalidInput("InvalidParameter", f"--from-file: {path} must be one object of names and values")
    for place, value in values.items():
        if not isinstance(value, _OF_JSON) or (isinstance(value, float) and not isfinite(value)):
            message = f"--from-file: {path}: {place}: {value} is not a JSON value; give a number, or a text in quotes"
            raise InvalidInput("InvalidParameter", message)
    return document


_OF_JSON = (str, int, float, bool, NoneType)


def _values(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a document holds that is neither an object nor a list, each with its place."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _values(each, f"{place}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _values(each, f"{place}[{number}]")
    else:
        yield place, value


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput("InvalidParameter", f"--from-file: {path} is not JSON: {error}") from None


def _yaml(text: str, path: Path) -> Any:
    import yaml  # type: ignore[import-untyped]  # yaml has no types

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # so its loader is of any type
        """Reads dates and times as the texts that they are: the app takes ISO 8601."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # the library's own name, which it reads from the class
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidInput("InvalidParameter", f"--from-file: {path} is not YAML{place}: {reason}") from None


def overlaid(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with those that options gave; of a part with names of its own, only the names given.

    Examples
    --------
    >>> overlaid({"baseline": {"a": 1}, "x": 1}, {"baseline": {"b": 2}, "x": 2})
    {'baseline': {'a': 1, 'b': 2}, 'x': 2}
    """
    parts = {
        name: document[name] | value
        for name, value in given.items()
        if isinstance(value, dict) and isinstance(document.get(name), dict)
    }
    return {**document, **given, **parts}
