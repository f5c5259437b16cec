"""The one tree of errors. Each carries a stable code; docs/errors.md lists them all."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any


class ModelwatchError(Exception):
    """Something that went wrong and that a person or a retry can fix.

    Parameters
    ----------
    code : str
        A stable CamelCase word that scripts may match on.
    message : str
        What is wrong, where, and how to fix it. Never holds row values.
    examples : str
        A few values from the data that show it. They are for the terminal of whoever has the data, and for nothing that
        is stored or sent.
    """

    def __init__(self, code: str, message: str, *, examples: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.examples = examples

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process of ours raise the same error."""
        return _made_again, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InvalidInput(ModelwatchError):
    """The input must be changed by a person; a retry cannot help."""


class NotReady(ModelwatchError):
    """Not possible yet; the same call may succeed later."""


class Upstream(ModelwatchError):
    """A service returned an error; a retry may help."""


def _made_again(kind: type[ModelwatchError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> ModelwatchError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


def place_of(error: BaseException) -> str:
    """Return where in the code an exception was raised, and nothing of its text, which may hold values of a row."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return ", ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def unforeseen(error: BaseException) -> Upstream:
    """Return what may be said of an error of the analyzer that was not foreseen.

    Its text may hold values of rows, which must reach no log, no trace, no event and no mail.
    """
    return Upstream("AnalyzerError", f"{type(error).__name__} at {place_of(error)}")
