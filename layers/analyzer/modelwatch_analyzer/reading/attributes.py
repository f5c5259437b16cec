"""Which parts of a payload are read: SageMaker's attributes, JMESPaths or indices of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from modelwatch_analyzer.reading.dataset import Role
from modelwatch_analyzer.reading.flattening import Unflattenable, records_of
from modelwatch_core.domain.errors import InvalidInput

_PROJECTIONS = {"projection", "value_projection", "filter_projection", "flatten"}
_LAST_OF = ("subexpression", "pipe")
"""Expressions whose result is that of their second part."""


class Steps(NamedTuple):
    """A JMESPath of names alone and at most one ``[*]``: names that lead to a thing, then names in each of its parts.

    Without a ``[*]``, `each` is None.
    """

    to: tuple[str, ...]
    each: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: where in a payload some columns lie.

    Attributes
    ----------
    name : str
        SageMaker's name of the attribute, for messages.
    index : int, optional
        Of a column that is known by its position, from 0.
    path : jmespath.parser.ParsedResult, optional
        The compiled JMESPath; there if the index is not.
    many : bool
        Whether the path is a projection such as ``predictions[*].score``, which finds one thing a row. A list that
        another path finds is one row, unless it is a list of lists or of objects.
    steps : Steps, optional
        What the path is, if it is as simple as most are.
    """

    name: str
    index: int | None
    path: ParsedResult | None
    many: bool
    steps: Steps | None = None

    @classmethod
    def of(cls, name: str, expression: str) -> Self:
        """Read an attribute as it is given.

        Raises
        ------
        InvalidInput
            ``InvalidAttribute`` if it is neither an index nor a JMESPath.
        """
        expression = expression.strip()
        if expression.isascii() and expression.isdigit():
            return cls(name, int(expression), None, many=False)
        try:
            path = jmespath.compile(expression)
        except JMESPathError:
            message = f"{name} is neither the index of a column nor a JMESPath such as predictions[*].score"
            raise InvalidInput("InvalidAttribute", message) from None
        return cls(name, None, path, _projects(path.parsed), _steps(path.parsed))

    def records(self, document: Any) -> list[Any]:
        """Return the records that are found in a JSON document, objects or lists.

        Raises
        ------
        Unflattenable
            If nothing is found.
        """
        if self.path is None:
            return [[self._at(record)] for record in records_of(document)]
        try:
            found = self.path.search(document)
        except JMESPathError:
            raise Unflattenable(f"{self.name} does not fit the payload") from None
        if found is None or found == []:
            raise Unflattenable(f"{self.name} finds nothing in the payload")
        if self.many and isinstance(found, list):
            return [record if isinstance(record, dict | list) else [record] for record in found]
        return records_of(found)

    def field(self, fields: list[str]) -> str:
        """Return the field of a row of comma-separated text.

        Raises
        ------
        Unflattenable
            If there is none.
        """
        if self.index is None:
            raise Unflattenable(f"{self.name} is a JMESPath and the payload is CSV: give the index of a column")
        return str(self._at(fields))

    def _at(self, record: dict[str, Any] | list[Any]) -> Any:
        if self.index is None or not isinstance(record, list):
            raise Unflattenable(f"{self.name} is an index and the payload is an object: give a JMESPath")
        if self.index >= len(record):
            raise Unflattenable(f"{self.name} is {self.index}, the payload has {len(record)} columns")
        return record[self.index]


def _projects(expression: dict[str, Any]) -> bool:
    kind = expression["type"]
    if kind in _LAST_OF:
        return _projects(expression["children"][1])
    return kind in _PROJECTIONS


def _steps(expression: dict[str, Any]) -> Steps | None:
    if expression["type"] != "projection":
        to = _names(expression)
        return None if to is None else Steps(to, None)
    to, each = map(_names, expression["children"])
    return None if to is None or each is None else Steps(to, each)


def _names(expression: dict[str, Any]) -> tuple[str, ...] | None:
    if expression["type"] == "identity":
        return ()
    if expression["type"] == "field":
        return (expression["value"],)
    if expression["type"] == "subexpression":
        first, second = map(_names, expression["children"])
        return None if first is None or second is None else first + second
    return None


@dataclass(frozen=True, slots=True)
class Attributes:
    """SageMaker's attributes of a monitor's input; where one is not given, the whole payload is read.

    Attributes
    ----------
    features, inference, probability, ground_truth : Attribute, optional
        Where features lie in the request, predicted value and probability in the answer, and the label in what was
        merged with them.
    excluded : tuple of str
        Columns that are not analysed: names, or indices among the columns of the requests.
    """

    features: Attribute | None = None
    inference: Attribute | None = None
    probability: Attribute | None = None
    ground_truth: Attribute | None = None
    excluded: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        features: str | None = None,
        inference: str | None = None,
        probability: str | None = None,
        exclude_features: str | None = None,
        ground_truth: str | None = None,
    ) -> Self:
        """Read the attributes as settings hold them.

        Raises
        ------
        InvalidInput
            ``InvalidAttribute``.
        """
        given = {
            Role.INFERENCE: inference,
            Role.PROBABILITY: probability,
            Role.FEATURES: features,
            Role.GROUND_TRUTH: ground_truth,
        }
        read = {role: Attribute.of(f"{role}_attribute", text) for role, text in given.items() if text}
        excluded = (name.strip() for name in (exclude_features or "").split(","))
        return cls(**read, excluded=tuple(name for name in excluded if name))

    @property
    def given(self) -> dict[Role, Attribute]:
        """The attributes that there are, in the order of their columns."""
        order = (Role.INFERENCE, Role.PROBABILITY, Role.FEATURES, Role.GROUND_TRUTH)
        return {role: attribute for role in order if (attribute := getattr(self, role))}

    def left(self, columns: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns that are not excluded.

        Raises
        ------
        InvalidInput
            ``UnknownColumn`` for an excluded column that is not there.
        """
        gone = set()
        for name in self.excluded:
            if name in columns:
                gone.add(name)
            elif name.isdecimal() and int(name) < len(inputs):
                gone.add(inputs[int(name)])
            else:
                message = f"exclude_features_attribute names {name!r}, and the dataset has no such column"
                raise InvalidInput("UnknownColumn", message)
        return tuple(name for name in columns if name not in gone)
