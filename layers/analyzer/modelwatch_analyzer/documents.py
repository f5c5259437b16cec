"""SageMaker's files of a baseline and of a check, and reading JSON documents that users may have edited.

A document that decides something is validated: `read_document`. Of one that is only shown, what is not as expected
counts as absent: `find`, `number`, `mapping` and `sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, ItemsView, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput

STATISTICS_FILE = "statistics.json"
"""What data quality and model quality measured."""

ANALYSIS_FILE = "analysis.json"
"""What bias and explainability measured."""

CONSTRAINTS_FILE = "constraints.json"
"""What a baseline suggests; a check reads it."""

VIOLATIONS_FILE = "constraint_violations.json"
"""What a check found."""

VIOLATIONS_COPY = "violations.json"
"""A copy of the violations, under the other name by which the Python API lists them among the results."""

_MOST_MISTAKES = 3

_Model = TypeVar("_Model", bound=BaseModel)


def constraints_file(names: Collection[str]) -> str:
    """Return which of the files of a baseline a check compares with: of bias and explainability their analysis."""
    return ANALYSIS_FILE if ANALYSIS_FILE in names else CONSTRAINTS_FILE


class Deferred(Mapping[str, Any]):
    """An object of a document that is made each time that it is looked into, and never held.

    Parameters
    ----------
    make : callable
        Returns it, as JSON types.
    """

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self.make = make

    def __getitem__(self, key: str) -> Any:
        return self.make()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.make())

    def __len__(self) -> int:
        return len(self.make())

    def items(self) -> ItemsView[str, Any]:
        """Return all of it, made once."""
        return self.make().items()


class EditedDocument(BaseModel):
    """A document, or a part of one, that is read tolerantly of keys and strictly of types."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False, populate_by_name=True)


class ConstraintsPart(EditedDocument):
    """A part of ``constraints.json``; unknown keys are kept, so that a warning can name them."""

    model_config = ConfigDict(extra="allow")

    def unknown_keys(self) -> Iterator[str]:
        """Yield the keys that have no meaning where they are, those of nested parts last."""
        yield from self.model_extra or ()
        for name in type(self).model_fields:
            for part in _parts_in(getattr(self, name)):
                yield from part.unknown_keys()


def _parts_in(value: object) -> Iterator[ConstraintsPart]:
    if isinstance(value, ConstraintsPart):
        yield value
    elif isinstance(value, tuple | Mapping):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _parts_in(each)


def read_document(model: type[_Model], path: Path, code: str) -> _Model:
    """Read and validate a JSON file.

    Parameters
    ----------
    code : str
        The code of the error if it cannot be read.

    Raises
    ------
    InvalidInput
        With the given code, naming the file and the locations of its first three mistakes.
    """
    return parsed_document(model, document_content(path, code), path.name, code)


def document_content(path: Path, code: str) -> bytes:
    """Return the content of a file; see `read_document`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(code, f"{path} cannot be read: {error.strerror}") from None


def parsed_document(model: type[_Model], content: bytes, name: str, code: str) -> _Model:
    """Validate the content of a JSON file; see `read_document`."""
    try:
        return model.model_validate_json(content.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        mistakes = validation_message(error, limit=_MOST_MISTAKES)
        raise InvalidInput(code, f"{name}: {mistakes}") from None


def find(document: object, *path: str) -> object:
    """Return what is at the path, or None."""
    for name in path:
        if type(document) is not dict and not isinstance(document, Mapping):  # the second takes ten times as long
            return None
        document = document.get(name)
    return document


def number(document: object, *path: str) -> float | None:
    """Return the finite number at the path, or None."""
    value = find(document, *path)
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def mapping(document: object, *path: str) -> Mapping[str, Any]:
    """Return the object at the path, or an empty one."""
    value = find(document, *path)
    return value if isinstance(value, Mapping) else {}


def sequence(document: object, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list at the path, or none."""
    value = find(document, *path)
    return (
        [item for item in value if type(item) is dict or isinstance(item, Mapping)]
        if isinstance(value, list | tuple)
        else []
    )
