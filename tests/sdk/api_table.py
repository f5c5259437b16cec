"""Compares every name and argument of the specification with what there is, as a table for docs/compatibility.

``python -m tests.sdk.api_table`` writes it into the page.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from modelwatch import model_monitor
from tests.repository import ROOT
from tests.sdk.api_document import CLASSES, CODE

PAGE = ROOT / "docs" / "compatibility" / "python-api.md"
_HEADING = re.compile(r"^ {4}([A-Z][A-Za-z ]+):$", re.MULTILINE)
_METHOD = re.compile(r"^ {8}(\w+)\(([^)]*)\)", re.MULTILINE)
_MEMBER = re.compile(r"^ {8}(\w+): (.+)$", re.MULTILINE)
_DEFAULT = re.compile(r"\(default: (.+?)\)")
_UNDEFINED = object()
_THEIRS = "sagemaker.core"


class Row(NamedTuple):
    """One name of the specification."""

    owner: str
    name: str
    state: str


def _sections(source: str) -> dict[str, str]:
    """Return the sections of a class's docstring by their headings."""
    parts = _HEADING.split(source)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _arguments(signature: str) -> Iterator[tuple[str, object]]:
    """Yield the arguments of a signature as the specification writes it, in order, with their defaults."""
    for argument in " ".join(signature.split()).split(", "):
        name, _, default = argument.partition("=")
        if name:
            yield name, ast.literal_eval(default) if default else _UNDEFINED


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _state(parameters: Mapping[str, inspect.Parameter], name: str, default: object, position: int | None) -> str:
    """Return how an argument is here."""
    if name not in parameters:
        return "missing"
    found, remarks = parameters[name], []
    if found.kind is inspect.Parameter.KEYWORD_ONLY:
        remarks.append("by keyword")
    elif position is not None and list(parameters).index(name) != position:
        remarks.append("at another place")
    here = list(found.default) if isinstance(found.default, tuple) else found.default
    if default is not _UNDEFINED and here != default:
        remarks.append(f"its default is {here!r}, not {default!r}")
    return "; ".join(["yes", *remarks])


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    found = inspect.signature(function).parameters
    return {name: each for name, each in found.items() if name != "self"}


def _methods(owner: type, section: str) -> Iterator[Row]:
    for name, signature in _METHOD.findall(section):
        if not hasattr(owner, name):
            yield Row(owner.__name__, f"{name}()", "missing")
            continue
        yield Row(owner.__name__, f"{name}()", "yes")
        parameters = _parameters(getattr(owner, name))
        for position, (argument, default) in enumerate(_arguments(signature)):
            yield Row(owner.__name__, f"{name}({argument})", _state(parameters, argument, default, position))


def _made_with(owner: type, section: str, methods: str) -> Iterator[Row]:
    parameters = _parameters(owner)
    for position, (name, text) in enumerate(_MEMBER.findall(section)):
        default = _DEFAULT.search(text)
        state = _state(parameters, name, _literal(default[1]) if default else _UNDEFINED, position)
        if state == "missing" and name in methods:
            state = "yes; an argument of the methods above"
        yield Row(owner.__name__, name, state)


def _used_in_code() -> Iterator[Row]:
    """Yield what the specification's code imports and describes nowhere, with each argument that it is given."""
    imported: dict[str, str] = {}
    used: dict[tuple[str, str], Any] = {}
    for block in CODE.values():
        nodes = list(ast.walk(ast.parse(block)))
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_THEIRS)]
        imported |= {
            each.name: str(node.module).replace(_THEIRS, "modelwatch") for node in froms for each in node.names
        }
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            owner, _, method = ast.unparse(call.func).partition(".")
            if owner in imported and owner not in CLASSES:
                used[owner, method] = {
                    **used.get((owner, method), {}),
                    **{str(each.arg): None for each in call.keywords},
                }
    for (owner, method), arguments in used.items():
        there = getattr(import_module(imported[owner]), owner, None)
        called = getattr(there, method, None) if method else there
        if method:
            yield Row(owner, f"{method}()", "missing" if called is None else "yes")
        parameters = _parameters(called) if called else {}
        for name in arguments:
            yield Row(owner, f"{method}({name})" if method else name, _state(parameters, name, _UNDEFINED, None))


def rows() -> list[Row]:
    """Return a row for each name of the specification, in its order."""
    found: list[Row] = []
    for name, source in CLASSES.items():
        owner, sections = getattr(model_monitor, name), _sections(source)
        methods = sections.get("Methods", "") + sections.get("Class Methods", "")
        found += _methods(owner, methods)
        found += _made_with(owner, sections.get("Parameters", ""), methods)
        attributes = [attribute for attribute, _ in _MEMBER.findall(sections.get("Attributes", ""))]
        found += [Row(name, each, "yes" if hasattr(owner, each) else "missing") for each in attributes]
    return [*found, *_used_in_code()]


def table() -> str:
    """Return the rows in Markdown."""
    lines = ["| class | name | exists |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.owner} | `{row.name}` | {row.state} |" for row in rows())]) + "\n"


def page_with_table(page: str) -> str:
    """Return the page with the table at its end renewed."""
    head, mark, _ = page.partition("| class | name | exists |")
    if not mark:
        raise ValueError(f"{PAGE} has no table to renew")
    return head + table()


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
