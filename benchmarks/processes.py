"""Measure commands as whole processes, so that imports and reading count too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
_MEASURED_PROCESS = str(ROOT / "benchmarks" / "measured_process.py")


@dataclass(frozen=True)
class Usage:
    """What one process used.

    Attributes
    ----------
    cpu, wall : float
        Seconds; cpu is user and system time of all threads.
    peak_rss : int
        Bytes.
    output : str
        What it printed.
    """

    cpu: float
    wall: float
    peak_rss: int
    output: str


@dataclass(frozen=True)
class Command:
    """A process to measure: arguments of an interpreter, and variables added to its environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    interpreter: str = sys.executable


def python(*arguments: str, **environment: str) -> Command:
    """Return a command of this interpreter, which can import what this checkout has."""
    return Command(arguments, {"PYTHONPATH": str(ROOT), **environment})


def measure(command: Command) -> Usage:
    """Run a command to its end.

    Raises
    ------
    SystemExit
        If it fails; its own words are on the screen by then.
    """
    environment = {**os.environ, **command.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has byte code, and so have its templates
    with NamedTemporaryFile() as usage:
        starts = (sys.executable, "-S", _MEASURED_PROCESS, usage.name, command.interpreter, *command.arguments)
        output = subprocess.run(starts, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        cpu, wall, peak, exit_code = json.loads(Path(usage.name).read_bytes())
    if exit_code:
        sys.exit(f"{' '.join(command.arguments)} ended with exit code {exit_code}; nothing was measured.")
    return Usage(cpu, wall, peak, output.strip())


def interleaved(commands: Mapping[str, Command], repetitions: int) -> dict[str, list[Usage]]:
    """Run all commands in turn, several times, so that a slow moment of the machine hits each alike."""
    found: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(repetitions):
        for name, command in commands.items():
            found[name].append(measure(command))
    return found


def spread(values: Sequence[float]) -> str:
    """Write the smallest and the median of repeated measurements."""
    return f"{min(values):.2f} / {median(values):.2f}"


def terminal() -> Console:
    """Return where to print: as wide as the terminal, and wide enough for every table where there is none."""
    return Console(width=None if sys.stdout.isatty() else 110)
