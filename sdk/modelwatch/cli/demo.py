"""``modelwatch demo``."""

from __future__ import annotations

import shlex
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.options import examples, output_path
from modelwatch.cli.signals import stopped_by_signals
from modelwatch.printing import make_console, printable

EXAMPLE = examples("modelwatch demo")
NEXT_STEPS = """
Files
  {0}/pages/dashboard/index.html   all monitors at a glance, the history of each, and their reports
  {0}/hour-6/mortgage-approval-data-quality/report.html   the report of a monitor about an hour
  {0}/hour-4/captures/mortgage-approval   what an endpoint captured in an hour
  {0}/hour-7/labels/mortgage-approval   the labels of earlier hours that arrived in an hour
  {0}/mails/1.eml   a mail; one is sent when an alert begins, lasts or is over
Check hours again, without the app
  modelwatch check data-quality --data {0}/hour-6/captures/mortgage-approval --dataset-format capture \\
      --statistics {0}/data-quality-baseline/statistics.json \\
      --constraints {0}/data-quality-baseline/constraints.json --looks-per-month 720 --output report-6
  modelwatch check model-quality --data {0}/hour-4/captures/mortgage-approval --dataset-format capture \\
      --problem-type BinaryClassification --probability-attribute 0 --probability-threshold-attribute 0.5 \\
      --ground-truth {0}/hour-7/labels/mortgage-approval \\
      --statistics {0}/model-quality-baseline/statistics.json \\
      --constraints {0}/model-quality-baseline/constraints.json --output report-4
"""
EXPECTATION_FAILED = 1
"""Exit code of a demo in which an expectation failed."""


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="DIR",
            parser=output_path,
            help="Folder for reports and mails; that of an earlier demo is replaced.",
        ),
    ] = Path("modelwatch-demo"),
) -> None:
    """Watch a model on real data, on this machine: no AWS account, no Docker.

    Deploys template.yaml to a local stack, serves a model of mortgage decisions, replays hours of traffic, some of
    them with realistic faults, and shows what the monitors report.

    Exit code 0: every expectation was met. 1: some were not; they are listed.
    """
    started = time.monotonic()
    from modelwatch.demo.results_folder import ResultsFolder
    from modelwatch.demo.scenario import run
    from modelwatch.demo.timeline import Timeline

    console = make_console()
    folder = ResultsFolder(output)
    with stopped_by_signals():
        failed = run(folder, Timeline(console), now=datetime.now(UTC))
    if failed:
        console.print(f"\nResults so far are in {printable(str(output))}")
        for expectation in failed:
            console.print(f"Expectation failed: {printable(expectation)}", style="red")
        raise typer.Exit(EXPECTATION_FAILED)
    console.print(NEXT_STEPS.format(shlex.quote(printable(str(output)))))
    console.print(f"Every expectation was met, in {time.monotonic() - started:.0f} s", style="green")
