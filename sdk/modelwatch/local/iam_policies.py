"""Whether IAM policies allow something.

The rules are those of the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements": an explicit Deny
wins, else one Allow is enough, else nothing is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Permission:
    """What a request needs to be allowed.

    Attributes
    ----------
    action : str
        For example ``s3:PutObject``.
    resource : str
        An ARN; ``*`` for an action that knows no resources.
    context : Mapping
        The values of the condition keys that the request has, by key in lower case.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as an error message names it."""
        context = "".join(f", {key} = {', '.join(values)}" for key, values in self.context.items())
        return f"{self.action} on {self.resource}{context}"


class UnknownCondition(Exception):
    """A policy has a condition operator that is not known here."""


def allows(statements: Iterable[Statement], permission: Permission, *, principal: str | None = None) -> bool:
    """Return whether statements allow something together.

    Parameters
    ----------
    principal : str, optional
        For the policy of a resource: the ARN of the role, or the name of the service, that asks.

    Raises
    ------
    UnknownCondition
        For an operator that cannot be evaluated, in a statement about the same action and resource.
    """
    effects = {
        statement["Effect"]
        for statement in statements
        if _names(statement, principal) and _applies(statement, permission)
    }
    return "Allow" in effects and "Deny" not in effects


def _names(statement: Statement, principal: str | None) -> bool:
    named = statement.get("Principal", {})
    listed = [named] if isinstance(named, str) else [each for values in named.values() for each in _texts(values)]
    return principal is None or "*" in listed or principal in listed


def _applies(statement: Statement, permission: Permission) -> bool:
    for element, value, ignores_case in (("Action", permission.action, True), ("Resource", permission.resource, False)):
        if element in statement and not _matches_any(statement[element], value, ignores_case=ignores_case):
            return False
        excluded = statement.get(f"Not{element}")
        if excluded is not None and _matches_any(excluded, value, ignores_case=ignores_case):
            return False
    return all(
        _holds(operator, values, permission.context.get(key.lower()))
        for operator, of_key in statement.get("Condition", {}).items()
        for key, values in of_key.items()
    )


def _holds(operator: str, values: object, found: Sequence[str] | None) -> bool:
    """Evaluate one condition; several values of it are alternatives."""
    quantifier, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated = "Not" in name
    compare = _OPERATORS.get(name.replace("Not", ""))
    if compare is None:
        raise UnknownCondition(f"the condition operator {operator} is not known to the local stack")
    if not found:
        return optional or negated or quantifier == "ForAllValues"
    matched = [any(compare(wanted, each) for wanted in _texts(values)) != negated for each in found]
    return any(matched) if quantifier == "ForAnyValue" else all(matched)


def _matches_any(patterns: object, value: str, *, ignores_case: bool) -> bool:
    return any(_pattern(pattern, ignores_case=ignores_case).fullmatch(value) for pattern in _texts(patterns))


_WILDCARDS = {"*": ".*", "?": "."}
_LITERALS = {"${*}": "*", "${?}": "?", "${$}": "$"}
_PARTS = re.compile(r"(\$\{[*?$]\}|[*?])")


@cache
def _pattern(text: str, *, ignores_case: bool = False) -> re.Pattern[str]:
    """Compile a text in which ``*`` is any text, ``?`` any character, and ``${*}`` the character itself."""
    parts = (_WILDCARDS.get(part) or re.escape(_LITERALS.get(part, part)) for part in _PARTS.split(text))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignores_case else 0))


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list | tuple) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in listed]


def _is_like(wanted: str, found: str) -> bool:
    return _pattern(wanted).fullmatch(found) is not None


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringEqualsIgnoreCase": lambda wanted, found: wanted.lower() == found.lower(),
    "StringLike": _is_like,
    "ArnEquals": _is_like,
    "ArnLike": _is_like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}
