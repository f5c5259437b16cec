"""What constraints would have found in a window that has been analysed, by the statistics that it has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Finding = tuple[str, str]
"""What is violated, as people name it, and the ``constraint_check_type``."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What constraints would have found.

    Attributes
    ----------
    violations : tuple of (str, str)
        In the order of a report.
    unknown : tuple of (str, str)
        Those that only the rows can decide.
    """

    violations: tuple[Finding, ...]
    unknown: tuple[Finding, ...]


ReplayWindow = Callable[[Path], Replay]
"""Checks a window against those constraints, by the file that its execution has left."""
