"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.errors import ModelwatchError

Examined = TypeVar("Examined")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes
    ----------
    code : str
        Stable; docs/errors.md lists it.
    message, fix : str
        What is wrong and where, and what to do.
    serious : bool
        Whether something does not work because of it; otherwise it is a note.
    """

    code: str
    message: str
    fix: str
    serious: bool = True


@dataclass(frozen=True, slots=True)
class Check(Generic[Examined]):
    """A group of questions about one thing.

    Attributes
    ----------
    name : str
        The thing.
    problems : callable
        Yields what is wrong with it.
    """

    name: str
    problems: Callable[[Examined], Iterable[Problem]]


def examine(checks: Iterable[Check[Examined]], examined: Examined) -> Iterator[tuple[str, list[Problem]]]:
    """Yield the name of each check with what it found; one that cannot be made is a problem too."""
    for check in checks:
        try:
            with aws_errors(f"checking {check.name}"):
                found = list(check.problems(examined))
        except ModelwatchError as error:
            found = [Problem(error.code, error.message, "allow the call, and run the command again")]
        yield check.name, found
