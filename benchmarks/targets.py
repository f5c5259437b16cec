"""The targets of benchmarks: each is said where it is measured, and all of a run in a table at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Target(NamedTuple):
    """What was found of a target, with the target itself, and whether it was met."""

    found: str
    is_met: bool

    @property
    def verdict(self) -> str:
        """The word for whether it was met."""
        return "met" if self.is_met else "MISSED"


_SAID: list[Target] = []


def say(console: Console, found: str, *, is_met: bool) -> None:
    """Print what was found of a target, and whether it was met."""
    target = Target(found, is_met)
    console.print(f"{escape(found)}: {target.verdict}")
    _SAID.append(target)


def said() -> Sequence[Target]:
    """Return the targets that this process has said, in their order."""
    return tuple(_SAID)


def table_of(targets: Sequence[tuple[str, Target]]) -> Table:
    """Return a table of targets, each with the name of its benchmark."""
    met = sum(target.is_met for _, target in targets)
    table = Table(title=f"targets: {met} of {len(targets)} met")
    for heading in ("benchmark", "found", ""):
        table.add_column(heading)
    for name, target in targets:
        table.add_row(name, escape(target.found), target.verdict)
    return table
