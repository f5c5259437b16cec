"""Reading JSON documents that people may have edited: what is wrong with one is told with its place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from modelwatch_core.domain.errors import InvalidInput

_MOST_MISTAKES = 3

_Model = TypeVar("_Model", bound=BaseModel)


def read_document(model: type[_Model], path: Path, code: str) -> _Model:
    """Read a file.

    Parameters
    ----------
    code : str
        Of the error.

    Raises
    ------
    InvalidInput
        Naming the file, and the places of the first three mistakes.
    """
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InvalidInput(code, f"{path} cannot be read: {error.strerror}") from None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False, include_context=False)
        told = (f"{_place(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in mistakes)
        raise InvalidInput(code, f"{path.name}: {'; '.join(list(told)[:_MOST_MISTAKES])}") from None


def _place(location: Iterable[int | str]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".") or "the file"
