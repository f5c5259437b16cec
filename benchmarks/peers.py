"""Baseline and check of a table with 30 columns, and what users would pick instead, on the same rows in one run."""

from __future__ import annotations

import argparse
import os
import subprocess
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.data_quality import make_tables
from benchmarks.processes import ROOT, Command, Usage, interleaved, measure, python, spread, terminal
from benchmarks.targets import Target, say

ENVIRONMENTS = ROOT / ".venv-peers"
_JOBS = ROOT / "benchmarks" / "peer_jobs"


@dataclass(frozen=True)
class Peer:
    """A tool in an environment of its own.

    Attributes
    ----------
    requirements : tuple of str
        For pip. The newest releases of some do not import beside the newest of what they need, hence the limits.
    imports : str
        What is timed as its import.
    describes_only : bool
        Whether it does not compare the tables, so that it is a floor and no competitor.
    """

    name: str
    requirements: tuple[str, ...]
    imports: str
    describes_only: bool = False

    @property
    def interpreter(self) -> Path:
        """The Python of its environment."""
        return ENVIRONMENTS / self.name / "bin" / "python"

    def command(self, *arguments: str) -> Command:
        """Return a command of its interpreter, which sees no package and no setting of this checkout."""
        return Command(arguments, {"PYTHONPATH": "", "NPY_DISABLE_CPU_FEATURES": ""}, str(self.interpreter))


PEERS = (
    Peer("evidently", ("evidently==0.7.23", "pandas<3", "pyarrow"), "evidently.presets"),
    Peer("whylogs", ("whylogs[viz]==1.6.4", "numpy<2", "pandas<3", "pyarrow<18"), "whylogs"),
    Peer("nannyml", ("nannyml==0.13.1", "statsmodels", "pyarrow"), "nannyml"),
    Peer(
        "deepchecks",
        ("deepchecks==0.19.1", "numpy<2", "pandas<3", "scikit-learn<1.6", "pyarrow<18", "setuptools<81"),
        "deepchecks.tabular",
    ),
    Peer("duckdb", ("duckdb==2.0.0",), "duckdb", describes_only=True),
    Peer("polars", ("polars==2.1.0",), "polars", describes_only=True),
)
OURS = "modelwatch"
_OUR_PACKAGE = Peer(OURS, (f"modelwatch[sdk] @ {ROOT.as_uri()}",), OURS)
"""What a user installs for these two analyses; only its size is measured. Ours runs as this checkout is installed."""
_FEW_ROWS = 600
_OF_THE_BEST, _OF_EVIDENTLY, _MOST_MEMORY = 1 / 6, 1 / 50, 300e6


def run(options: argparse.Namespace) -> None:
    """Install the peers, measure all, and print the table and what it says of the targets."""
    console = terminal()
    peers = [peer for peer in PEERS if options.peers is None or peer.name in options.peers]
    installed = [peer for peer in peers if _is_installed(peer, console) and _runs(peer, console)]
    commands = {peer.name: peer.command("-P", *_job_of(peer.name, options.rows)) for peer in installed}
    ours = python("-P", *_job_of(OURS, options.rows))
    usages = interleaved({OURS: ours, **commands}, options.repetitions)
    imports = {peer.name: measure(peer.command("-c", f"import {peer.imports}")) for peer in installed}
    imports[OURS] = measure(python("-c", "import modelwatch_analyzer.analysis"))
    # Alone, ours is compared with nothing, and needs no package index.
    with_size = [*installed, *([_OUR_PACKAGE] if installed and _is_installed(_OUR_PACKAGE, console) else ())]
    sizes = {peer.name: _megabytes(ENVIRONMENTS / peer.name) for peer in with_size}
    console.print(_table(options, usages, imports, sizes))
    for target in targets_of(usages, installed):
        say(console, target.found, is_met=target.is_met)


def _is_installed(peer: Peer, console: Console) -> bool:
    """Install a peer once; return whether it could be, and say so where it could not."""
    done = ENVIRONMENTS / peer.name / "installed"
    wanted = "\n".join(peer.requirements)
    if not done.exists() or done.read_text() != wanted:
        where = f"{escape(' '.join(peer.requirements))} into {done.parent.relative_to(ROOT)}"
        console.print(f"Installing {where} (once) ...")
        venv.create(done.parent, with_pip=True, clear=True)
        pip = (str(peer.interpreter), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *peer.requirements)
        if subprocess.run(pip, check=False).returncode:
            console.print(f"{peer.name} could not be installed, and is left out")
            return False
        done.write_text(wanted)
    return True


def _runs(peer: Peer, console: Console) -> bool:
    """Return whether a peer does its job on few rows, and say so where it does not."""
    command = peer.command("-P", *_job_of(peer.name, _FEW_ROWS))
    tried = subprocess.run(
        [command.interpreter, *command.arguments],
        env={**os.environ, **command.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        why = (tried.stderr.strip().splitlines() or ["it says nothing"])[-1]
        console.print(f"{peer.name} does not run on {_FEW_ROWS} rows, and is left out: {escape(why)}")
    return not tried.returncode


def _job_of(name: str, rows: int) -> tuple[str, ...]:
    tables = make_tables(rows)
    return str(_JOBS / f"{name}.py"), *(str(tables / f"{side}.parquet") for side in ("baseline", "current"))


def _megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def _table(
    options: argparse.Namespace,
    usages: Mapping[str, list[Usage]],
    imports: Mapping[str, Usage],
    sizes: Mapping[str, float],
) -> Table:
    title = f"baseline and check of {options.rows:,} x 30 Parquet, min / median of {options.repetitions}"
    table = Table(title=title)
    table.add_column("", no_wrap=True)
    headings = ("CPU s", "CPU as a ratio to ours", "wall s", "peak RSS MB", "import CPU s", "installed MB", "flags")
    for heading in headings:
        table.add_column(heading, justify="right")
    ours = usages[OURS]
    for name, measured in usages.items():
        table.add_row(
            f"{name} {_version(name)}",
            spread([usage.cpu for usage in measured]),
            spread([usage.cpu / own.cpu for usage, own in zip(measured, ours, strict=True)]),
            spread([usage.wall for usage in measured]),
            f"{max(usage.peak_rss for usage in measured) / 1e6:,.0f}",
            f"{imports[name].cpu:.1f}",
            f"{sizes[name]:,.0f}" if name in sizes else "-",
            measured[-1].output.splitlines()[-1],
        )
    return table


def _version(name: str) -> str:
    pinned = next((peer.requirements[0].partition("==")[2] for peer in PEERS if peer.name == name), None)
    return pinned or version(OURS)


def targets_of(usages: Mapping[str, list[Usage]], peers: list[Peer]) -> list[Target]:
    """Return each target.

    Parameters
    ----------
    usages : mapping of str to list of Usage
        Of each tool, and of ours.
    peers : list of Peer
        Those that were measured.
    """
    cpu = {name: median(usage.cpu for usage in measured) for name, measured in usages.items()}
    memory = {name: max(usage.peak_rss for usage in measured) for name, measured in usages.items()}
    rivals = [peer.name for peer in peers if not peer.describes_only]
    found = []
    if rivals:
        best = min(rivals, key=cpu.__getitem__)
        found.append(_target(f"of the CPU of the best peer, {best},", cpu[OURS] / cpu[best], _OF_THE_BEST))
    if "evidently" in cpu:
        found.append(_target("of the CPU of evidently", cpu[OURS] / cpu["evidently"], _OF_EVIDENTLY))
    others = [memory[peer.name] for peer in peers]
    found.append(
        Target(f"peak memory {memory[OURS] / 1e6:.0f} MB (target below 300)", is_met=memory[OURS] < _MOST_MEMORY)
    )
    if others:
        least = f"least of the peers {min(others) / 1e6:.0f} MB (target: ours is below it)"
        found.append(Target(least, is_met=memory[OURS] < min(others)))
    return found


def _target(of_what: str, found: float, most: float) -> Target:
    return Target(f"{found:.3f} {of_what} (target at most {most:.3f})", is_met=found <= most)
