"""``modelwatch import``: monitors that exist elsewhere, made in the app."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.failures import UNUSABLE, print_json
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.cli.responses import print_lines
from modelwatch.migration.sagemaker_import import Imported, Result, SageMakerImport
from modelwatch.printing import make_console, print_table
from modelwatch_core.domain.number_text import count_text

group = typer.Typer(
    no_args_is_help=True, help="Create monitors that exist elsewhere in the app.", rich_markup_mode=None
)

_WORDS = {
    Result.CREATED: "created",
    Result.WOULD_BE_CREATED: "would be created",
    Result.EXISTS: "exists, left as it is",
    Result.NOT_CREATED: "not created",
}


@group.command(
    epilog=examples("modelwatch import sagemaker --dry-run --region eu-central-1", "modelwatch import sagemaker")
)
@takes_option_groups
def sagemaker(
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Create nothing; print what would be created, and what has no counterpart."),
    ] = False,
    output_s3_uri: Annotated[
        str | None,
        typer.Option(metavar="S3URI", help="The folder for results; by default the one that SageMaker writes to."),
    ] = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Create SageMaker's monitoring schedules in the app. Baselines, results and SageMaker's schedules stay.

    Schedules whose name exists in the app are left as they are. Exit code 2 if one cannot be created.
    """
    with options.app("Reading SageMaker's schedules") as app:
        imports = list(SageMakerImport(app, app.client("sagemaker"), output_s3_uri)(dry_run=dry_run))
    if as_json:
        print_json({"schedules": [asdict(each) for each in imports]})
    else:
        _print(imports)
    if any(each.result is Result.NOT_CREATED for each in imports):
        raise typer.Exit(UNUSABLE)


def _print(imports: list[Imported]) -> None:
    if not imports:
        print_lines(["SageMaker has no monitoring schedules here."])
        return
    rows = [
        (each.name, each.monitoring_type or "", _WORDS[each.result], each.reason or "; ".join(each.notes))
        for each in imports
    ]
    print_table(make_console(), ("schedule", "kind", "result", "what differs, or why not"), rows)
    made = sum(each.result is Result.CREATED for each in imports)
    if made:
        go_on = "SageMaker's own go on until you stop them: aws sagemaker stop-monitoring-schedule"
        print_lines([f"{count_text(made, 'schedule')} created. {go_on} --monitoring-schedule-name NAME"])
