"""``modelwatch capture``: a look at what was captured, before it is monitored."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.aws_session import AwsOptions
from modelwatch.cli.capture_switch import DISABLE_EXAMPLE, ENABLE_EXAMPLE, disable, enable
from modelwatch.cli.dataset import DatasetFormatName, DatasetOptions, PayloadOptions
from modelwatch.cli.failures import UNUSABLE, print_json
from modelwatch.cli.local_copy import local_copy
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.cli.result import record_counts_lines
from modelwatch.printing import make_console, print_table, printable
from modelwatch_core.domain.settings_environment import analysis_settings

if TYPE_CHECKING:
    from modelwatch_analyzer.inspection import CaptureInspection

INSPECT_EXAMPLE = examples(
    "modelwatch capture inspect s3://bucket/capture/my-endpoint/AllTraffic/2026/01/31/\n"
    "--features-attribute 'instances[*].features' --inference-attribute 'predictions[*].score'"
)

_MAX_COLUMNS = 100

group = typer.Typer(
    no_args_is_help=True,
    help="Switch an endpoint's data capture on or off, and inspect what it captured.",
    rich_markup_mode=None,
)
group.command("enable", epilog=ENABLE_EXAMPLE)(enable)
group.command("disable", epilog=DISABLE_EXAMPLE)(disable)


@group.command(epilog=INSPECT_EXAMPLE)
@takes_option_groups
def inspect(
    uri: Annotated[
        str,
        typer.Argument(metavar="PATH|S3URI", help="A file of captured records, or a folder of them; local or in S3."),
    ],
    payloads: PayloadOptions,
    rows: Annotated[int, typer.Option(metavar="N", min=0, max=1000, help="The number of rows to show.")] = 5,
    as_json: AsJson = False,
    *,
    aws: AwsOptions,
) -> None:
    """Show the content of captures: hours, records, encodings, the columns as they would be read, and the first rows.

    This prints captured values, which no other command does. The exit code is 2 if the records cannot be read.
    """
    options = DatasetOptions(dataset_format=DatasetFormatName.CAPTURE, **asdict(payloads))
    settings = options.settings()
    with local_copy(uri, "PATH", options.may_be_in_window, aws) as source:
        from modelwatch_analyzer.inspection import inspect_capture

        inspection = inspect_capture(analysis_settings(**settings, dataset_source=source, output_path=Path()), rows)
    if as_json:
        print_json(asdict(inspection) | {"records": inspection.records.model_dump(mode="json")})
    else:
        _print(inspection)
    if inspection.problem:
        raise typer.Exit(UNUSABLE)


def _print(inspection: CaptureInspection) -> None:
    console = make_console()
    for line in record_counts_lines(inspection.records):
        console.print(line)
    for header, counts in ((("hour", "records"), inspection.hours), (("payloads", "number"), inspection.encodings)):
        if counts:
            console.print()
            print_table(console, header, [(name, f"{count:,}") for name, count in counts.items()])
    console.print()
    if inspection.problem:
        console.print(f"These captures cannot be read with these options: {printable(inspection.problem)}", style="red")
        if inspection.payloads:
            console.print("The first record contains:")
            print_table(console, ("side", "payload"), list(inspection.payloads.items()))
        return
    for warning in inspection.warnings:
        console.print(f"Warning: {printable(warning)}", style="yellow")
    naming = "names from the payloads" if inspection.named else "without names: known by position"
    console.print(f"Columns as they would be read ({naming}), with the first values:")
    print_table(
        console,
        ("column", "type", *(f"row {number + 1}" for number in range(len(inspection.rows)))),
        [
            (name, kind, *("" if row[index] is None else str(row[index]) for row in inspection.rows))
            for index, (name, kind) in enumerate(islice(inspection.columns.items(), _MAX_COLUMNS))
        ],
    )
    if len(inspection.columns) > _MAX_COLUMNS:
        more = f"and {len(inspection.columns) - _MAX_COLUMNS:,} more columns, which --json lists. "
        console.print(more + "If rows have become columns, say where a row is: --features-attribute 'instances[*]'")
