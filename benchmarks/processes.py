"""Measure commands as whole processes, so that imports and reading count too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent

_STARTER = """
import os, sys, time
start = time.perf_counter()
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
with open(int(sys.argv[1]), "w") as numbers:
    print(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss, file=numbers)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process starts each command: on Linux the peak memory of one includes that of the process that started it."""


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
    reader, writer = os.pipe()
    measured = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STARTER, str(writer), command.interpreter, *command.arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=(writer,),
        check=False,
    )
    os.close(writer)
    with open(reader) as numbers:  # noqa: PTH123 - a pipe has no path
        used = numbers.read().split()
    if measured.returncode:
        sys.exit(f"{' '.join(command.arguments)} ended with exit code {measured.returncode}; nothing was measured.")
    cpu, wall, peak = map(float, used)
    return Usage(cpu, wall, int(peak) * (1 if sys.platform == "darwin" else 1024), measured.stdout.strip())


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
