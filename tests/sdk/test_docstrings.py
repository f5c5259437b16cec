"""Nothing of the Python API is accepted and ignored without a word."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest

import modelwatch
from modelwatch import model_monitor
from modelwatch.clarify import ClarifyShapBaselineConfig, SHAPConfig
from modelwatch.s3 import S3Downloader, S3Uploader

_SEE = re.compile(r"``(?:(\w+)\.)?(\w+)``")
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _public() -> Iterator[tuple[str, Any]]:
    for module in (model_monitor, modelwatch):
        for name in module.__all__:
            public = getattr(module, name)
            if not (inspect.isclass(public) and issubclass(public, Exception)):
                yield f"{module.__name__}.{name}", public
    for public in (SHAPConfig, ClarifyShapBaselineConfig, S3Downloader, S3Uploader):
        yield public.__name__, public


def _methods(owner: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, _ in inspect.getmembers(owner):
        method = getattr(owner, name)
        is_ours = (getattr(method, "__module__", None) or "").startswith(
            "modelwatch."
        )  # MonitoringExecution is a dict as well
        if is_ours and not name.startswith("_") and callable(method):
            yield name, method


def _parameters(function: Callable[..., Any]) -> list[str]:
    found = inspect.signature(function).parameters.values()
    return [each.name for each in found if each.name != "self" and each.kind not in _VARIABLE]


def _own_text(owner: type, name: str) -> str:
    """Return the docstrings of a method, and of those that it overrides."""
    return "\n".join(inspect.getdoc(getattr(each, name)) or "" for each in owner.__mro__ if name in vars(each))


def _text(owner: type, name: str) -> str:
    """Return the docstrings of a method, of those that it refers to, and of its class."""
    own = _own_text(owner, name)
    referred = [
        _own_text(getattr(model_monitor, other, owner), method)
        for other, method in _SEE.findall(own)
        if hasattr(getattr(model_monitor, other, owner), method)
    ]
    return "\n".join([own, *referred, _class_text(owner)])


def _class_text(owner: type) -> str:
    return "\n".join(f"{each.__doc__}\n{each.__init__.__doc__}" for each in owner.__mro__[:-1])


def _missing(names: list[str], text: str) -> list[str]:
    return [name for name in names if not re.search(rf"\b{name}\b", text)]


@pytest.mark.parametrize(("name", "public"), list(_public()), ids=lambda each: each if isinstance(each, str) else "")
def test_every_argument_is_in_a_docstring(name, public):
    if not inspect.isclass(public):
        assert _missing(_parameters(public), public.__doc__) == []
        return
    assert _missing(_parameters(public), _class_text(public)) == []
    missing = {method: _missing(_parameters(found), _text(public, method)) for method, found in _methods(public)}
    assert {method: names for method, names in missing.items() if names} == {}


@pytest.mark.parametrize(("name", "public"), list(_public()), ids=lambda each: each if isinstance(each, str) else "")
def test_an_argument_that_is_not_read_has_a_sentence_that_says_so(name, public):
    functions = list(_methods(public)) if inspect.isclass(public) else [(name, public)]
    if "__init__" in vars(public) and not is_dataclass(public):  # of a dataclass the arguments are the fields
        functions.append(("__init__", public.__init__))
    for method, function in functions:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        read = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
        for ignored in [each for each in _parameters(function) if each not in read]:
            described = re.search(rf"^ *{ignored} : .*\n.*used for nothing", function.__doc__ or "", re.MULTILINE)
            assert described, f"{method}: {ignored}"
