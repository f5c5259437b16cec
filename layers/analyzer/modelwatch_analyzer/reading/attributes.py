"""Which parts of a payload are read: SageMaker's attributes, JMESPaths or indices of columns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, Self

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from modelwatch_analyzer.reading.dataset import Role
from modelwatch_analyzer.reading.find_columns import existing, listed
from modelwatch_analyzer.reading.flattening import Unflattenable, records_of, with_numbers, with_spelling
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_SYNTAX = frozenset("[]{}()*|&\"'`@")
_PROJECTIONS = {"projection", "value_projection", "filter_projection", "flatten"}
_COMPUTING = ("function_expression", "comparator")
_CHAINS = ("subexpression", "pipe")
"""Expressions whose result is that of their last part."""
_OF_RESPONSES = ("inference_attribute", "probability_attribute")
_JOINED_RESPONSE = "SageMakerOutput"
"""Where a transform job writes the model's response that it joins with the input."""


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
    places : tuple of int or str
        The positions of columns, from 0, or the names of several columns; empty for a JMESPath.
    path : jmespath.parser.ParsedResult, optional
        The compiled JMESPath; None if there are places.
    many : bool
        Whether the path is a projection such as ``predictions[*].score``, which finds one value per row. A list that
        another path finds is one row, unless it is a list of lists or of objects.
    simple_path : SimplePath, optional
        The path's names, if it is as simple as most paths are.
    computes : bool
        Whether the path calls a function or compares values, for which numbers must be numbers.
    """

    name: str
    places: tuple[int | str, ...]
    path: ParsedResult | None
    many: bool
    simple_path: SimplePath | None = None
    computes: bool = False

    @classmethod
    def of(cls, name: str, expression: str) -> Self:
        """Parse an attribute as the settings give it.

        Raises
        ------
        InvalidInput
            ``InvalidAttribute`` if it is neither indices or names of columns nor a JMESPath.
        """
        parts = listed(expression)
        places = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
        if all(isinstance(place, int) for place in places):
            return cls(name, places, None, many=False)
        try:
            path = jmespath.compile(expression.strip())
        except JMESPathError:
            if len(parts) > 1 and not _SYNTAX.intersection(expression):
                return cls(name, places, None, many=False)
            message = (
                f"{name} is neither the index of a column, nor several indices or names separated by commas, nor a"
                " JMESPath such as predictions[*].score"
            )
            raise InvalidInput("InvalidAttribute", message) from None
        parsed = path.parsed
        return cls(name, (), path, _is_projection(parsed), _simple_path(parsed), _computes(parsed))

    @property
    def by_position(self) -> bool:
        """Whether it gives nothing but indices of columns."""
        return bool(self.places) and all(isinstance(place, int) for place in self.places)

    def records(self, document: Any) -> list[Any]:
        """Return the records, objects or lists, that the attribute finds in a JSON document.

        Raises
        ------
        Unflattenable
            If nothing is found.
        """
        if self.path is None:
            return list(map(self.select, records_of(document)))
        found = self._search(self.path, document)
        joined = self.name in _OF_RESPONSES and isinstance(document, dict) and _JOINED_RESPONSE in document
        if joined and found in (None, []):
            found = self._search(self.path, document[_JOINED_RESPONSE])
        if found is None or found == []:
            raise Unflattenable(f"{self.name} finds nothing in the payload")
        if self.many and isinstance(found, list):
            return [record if isinstance(record, dict | list) else [record] for record in found]
        return records_of(found)

    def _search(self, path: ParsedResult, document: Any) -> Any:
        # jmespath has TypeError where text is compared with a number.
        with suppress(JMESPathError, TypeError, ArithmeticError, RecursionError):
            found = path.search(with_numbers(document) if self.computes else document)
            if isinstance(found, dict | list | str | int | float | None):
                return with_spelling(found) if self.computes else found
        raise Unflattenable(f"{self.name} cannot be applied to the payload")

    def records_in_row(self, row: Any) -> list[Any]:
        """Return the records that the attribute finds in a row of comma-separated text.

        Raises
        ------
        Unflattenable
            If nothing is found.
        """
        if self.path is None:
            return [self.select(row)]
        try:
            return self.records(row)
        except Unflattenable:
            hint = "give the index of a column" if isinstance(row, list) else "give the name of a column"
            raise Unflattenable(f"{self.name} is a JMESPath, but the payload is CSV: {hint}") from None

    def select(self, record: Any) -> Any:
        """Return the values at the places of the attribute in a record, a list or an object.

        Raises
        ------
        Unflattenable
            If there are none.
        """
        if isinstance(record, list):
            return [self._at(record, place) for place in self.places]
        names = list(record)
        selected = {}
        for place in self.places:
            if isinstance(place, int) and type(record) is dict:
                raise Unflattenable(f"{self.name} is an index, but the payload is an object: give a JMESPath")
            if place not in record if isinstance(place, str) else place >= len(names):
                raise Unflattenable(f"{self.name} names a column that the payload does not have: {place}")
            name = place if isinstance(place, str) else names[place]
            selected[name] = record[name]
        return selected

    def _at(self, record: list[Any], place: int | str) -> Any:
        if isinstance(place, str):
            raise Unflattenable(f"{self.name} gives names, but the payload has none: give indices of columns")
        if place >= len(record):
            lists = [str(index) for index, value in enumerate(record) if isinstance(value, list)]
            hint = f"; {' and '.join(lists)} gives a whole list" if lists else ""
            raise Unflattenable(
                f"{self.name} is {place}, but the payload has {count_text(len(record), 'column')}{hint}"
            )
        return record[place]


def _is_projection(expression: dict[str, Any]) -> bool:
    expression_type = expression["type"]
    if expression_type in _CHAINS:
        return _is_projection(expression["children"][-1])
    return expression_type in _PROJECTIONS


def _computes(expression: dict[str, Any]) -> bool:
    parts = (part for part in expression["children"] if isinstance(part, dict))  # a slice has numbers
    return expression["type"] in _COMPUTING or any(map(_computes, parts))


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
        parts = list(map(_names, expression["children"]))  # of a.b.c there are three
        return None if None in parts else tuple(chain.from_iterable(filter(None, parts)))
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
        return cls(**parsed, excluded=tuple(filter(None, listed(exclude_features or ""))))

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
                message += f"; {existing(columns, name)}"
                if any(name in map(str.strip, column.split(",")) for column in columns):
                    message += ". Give a name with a comma, or with blanks around it, in double quotes"
                raise InvalidInput("UnknownColumn", message)
        return tuple(name for name in columns if name not in excluded)

    def no_columns(self) -> InvalidInput:
        """Return the error that no column remains."""
        excluded = "exclude_features_attribute leaves no column: exclude fewer"
        why = excluded if self.excluded else "no record has a field"
        return InvalidInput("NoColumns", why)
