"""``modelwatch demo``."""

from __future__ import annotations

import shlex
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.signals import stopped_by_signals
from modelwatch.printing import a_console, printable

DEMO_EXAMPLE = """\b
Example:
  modelwatch demo"""
LOOK_CLOSER = """
Files
  {0}/hour-6/mortgage-approval-data-quality/report.html   what a monitor says of an hour
  {0}/hour-4/captures/mortgage-approval   what an endpoint captured in that hour
  {0}/hour-7/labels/mortgage-approval   what was learnt in that hour about earlier ones
  {0}/mails/1.eml   a mail; there is one each time that a monitor finds something, or cannot look
Check hours again, without the app
  modelwatch check data-quality --data {0}/hour-6/captures/mortgage-approval --dataset-format capture \\
      --statistics {0}/data-quality-baseline/statistics.json \\
      --constraints {0}/data-quality-baseline/constraints.json --output report-6
  modelwatch check model-quality --data {0}/hour-4/captures/mortgage-approval --dataset-format capture \\
      --problem-type BinaryClassification --probability-attribute 0 --probability-threshold-attribute 0.5 \\
      --ground-truth {0}/hour-7/labels/mortgage-approval \\
      --constraints {0}/model-quality-baseline/constraints.json --output report-4
"""
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
    started = time.monotonic()
    from modelwatch.demo.results_folder import ResultsFolder
    from modelwatch.demo.scenario import run
    from modelwatch.demo.timeline import Timeline

    console = a_console()
    folder = ResultsFolder(output)
    with stopped_by_signals():
        failed = run(folder, Timeline(console), now=datetime.now(UTC))
    if failed:
        console.print(f"\nWhat there is lies in {printable(str(output))}")
        for what in failed:
            console.print(f"Not as promised: {printable(what)}", style="red")
        raise typer.Exit(NOT_AS_PROMISED)
    console.print(LOOK_CLOSER.format(shlex.quote(printable(str(output)))))
    console.print(f"Everything came as it should, in {time.monotonic() - started:.0f} s", style="green")
