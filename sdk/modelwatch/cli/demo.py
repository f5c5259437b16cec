"""``modelwatch demo``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.printing import a_console, printable

DEMO_EXAMPLE = """\b
Example:
  modelwatch demo"""
NOT_AS_PROMISED = 1
"""Exit code of a demo in which something did not come as it should."""


def demo(
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="Folder for reports and mails; an earlier demo's is replaced."),
    ] = Path("modelwatch-demo"),
) -> None:
    """See a model watched on real data, on this machine: no account, no Docker.

    Deploys template.yaml to a local stack, serves a model of mortgage decisions, replays hours of traffic, some of
    them broken as happens in life, and shows what the monitor says.

    Exit code 0: everything came as it should. 1: something did not; it is named.
    """
    from modelwatch.demo.results_folder import ResultsFolder
    from modelwatch.demo.scenario import run
    from modelwatch.demo.timeline import Timeline

    console = a_console()
    started = time.monotonic()
    folder = ResultsFolder(output)
    failed = run(folder, Timeline(console), now=datetime.now(UTC))
    console.print(f"\nReports, mails, captures and the baseline lie in {printable(str(output.absolute()))}")
    seconds = time.monotonic() - started
    if failed:
        for what in failed:
            console.print(f"Not as promised: {printable(what)}", style="red")
        raise typer.Exit(NOT_AS_PROMISED)
    console.print(f"Everything came as it should, in {seconds:.0f} s.", style="green")
