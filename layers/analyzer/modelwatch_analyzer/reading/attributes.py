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
_CHAINS = ("subexpression", "pipe")
"""Expressions whose result is that of their second part."""


class SimplePath(NamedTuple):
    """A JMESPath of nothing but names and at most one ``[*]``, such as ``a.b[*].c``.

    Attributes
    ----------
    container : tuple of str
        The names before ``[*]``, or all names.
    element : tuple of str, optional
        The names behind ``[*]``; None without a ``[*]``.
    """

    container: tuple[str, ...]
    element: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, which says where some columns are in a payload.

    Attributes
    ----------
    name : str
        SageMaker's name of the attribute, for messages.
    index : int, optional
        The position of a column, from 0.
    path : jmespath.parser.ParsedResult, optional
        The compiled JMESPath; None if there is an index.
    many : bool
        Whether the path is a projection such as ``predictions[*].score``, which finds one value per row. A list that
        another path finds is one row, unless it is a list of lists or of objects.
    simple_path : SimplePath, optional
        The path's names, if it is as simple as most paths are.
    """

    name: str
    index: int | None
    path: ParsedResult | None
    many: bool
    simple_path: SimplePath | None = None

    @classmethod
    def of(cls, name: str, expression: str) -> Self:
        """Parse an attribute as the settings give it.

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
        return cls(name, None, path, _is_projection(path.parsed), _simple_path(path.parsed))

    def records(self, document: Any) -> list[Any]:
        """Return the records, objects or lists, that the attribute finds in a JSON document.

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
            raise Unflattenable(f"{self.name} cannot be applied to the payload") from None
        if found is None or found == []:
            raise Unflattenable(f"{self.name} finds nothing in the payload")
        if self.many and isinstance(found, list):
            return [record if isinstance(record, dict | list) else [record] for record in found]
        return records_of(found)

    def field(self, fields: list[str]) -> str:
        """Return the field that the attribute selects in a row of comma-separated text.

        Raises
        ------
        Unflattenable
            If there is none.
        """
        if self.index is None:
            raise Unflattenable(f"{self.name} is a JMESPath but the payload is CSV: give the index of a column")
        return str(self._at(fields))

    def _at(self, record: dict[str, Any] | list[Any]) -> Any:
        if self.index is None or not isinstance(record, list):
            raise Unflattenable(f"{self.name} is an index but the payload is an object: give a JMESPath")
        if self.index >= len(record):
            raise Unflattenable(f"{self.name} is {self.index}, but the payload has {len(record)} columns")
        return record[self.index]


def _is_projection(expression: dict[str, Any]) -> bool:
    expression_type = expression["type"]
    if expression_type in _CHAINS:
        return _is_projection(expression["children"][1])
    return expression_type in _PROJECTIONS


def _simple_path(expression: dict[str, Any]) -> SimplePath | None:
    if expression["type"] != "projection":
        names = _names(expression)
        return None if names is None else SimplePath(names, None)
    container, element = map(_names, expression["children"])
    return None if container is None or element is None else SimplePath(container, element)


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
    """SageMaker's attributes of a monitor's input; without any for a side, all of its payload is read.

    Attributes
    ----------
    features, inference, probability, ground_truth : Attribute, optional
        Where the features are in the request, the predicted value and the probability in the response, and the label
        in the ground truth.
    excluded : tuple of str
        Columns that are not analysed: names, or indices of columns of the requests.
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
        """Parse the attributes as the settings give them.

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
        parsed = {role: Attribute.of(f"{role}_attribute", text) for role, text in given.items() if text}
        excluded = (name.strip() for name in (exclude_features or "").split(","))
        return cls(**parsed, excluded=tuple(name for name in excluded if name))

    @property
    def given(self) -> dict[Role, Attribute]:
        """The attributes that are not None, in the order of their columns."""
        order = (Role.INFERENCE, Role.PROBABILITY, Role.FEATURES, Role.GROUND_TRUTH)
        return {role: attribute for role in order if (attribute := getattr(self, role))}

    def remaining(self, columns: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns that are not excluded.

        Raises
        ------
        InvalidInput
            ``UnknownColumn`` for an excluded column that does not exist.
        """
        excluded = set()
        for name in self.excluded:
            if name in columns:
                excluded.add(name)
            elif name.isdecimal() and int(name) < len(inputs):
                excluded.add(inputs[int(name)])
            else:
                message = f"exclude_features_attribute names {name!r}, but the dataset has no such column"
                raise InvalidInput("UnknownColumn", message)
        return tuple(name for name in columns if name not in excluded)
