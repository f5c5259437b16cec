"""``--from-file``: the parameters of an operation in a JSON or YAML document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
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
        ``FileNotFound`` or ``InvalidParameter``, naming the place.
    """
    if path is None:
        return {}
    text = existing_path(path, "--from-file").read_text(encoding="utf-8")
    document = _json(text, path) if path.suffix == ".json" else _yaml(text, path)
    if not isinstance(document, dict):
        raise InvalidInput("InvalidParameter", f"--from-file: {path} must be one object of names and values")
    return document


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput("InvalidParameter", f"--from-file: {path} is not JSON: {error}") from None


def _yaml(text: str, path: Path) -> Any:
    import yaml  # type: ignore[import-untyped]  # yaml has no types

    try:
        return yaml.safe_load(text)
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
