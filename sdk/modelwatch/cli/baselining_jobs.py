"""``modelwatch baselines``: baselines that the app makes of data in S3."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from modelwatch.app_client import AppClient
from modelwatch.arguments import given
from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.dataset import DatasetFormatName, DatasetOptions, FieldSeparator
from modelwatch.cli.failures import UNUSABLE, print_json
from modelwatch.cli.list_options import NameContains, PageOptions, SortOrder
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.cli.parameter_files import FromFile, overlaid, read_parameters
from modelwatch.cli.responses import Record, print_lines, print_record, print_response, time_text
from modelwatch.cli.schedule_options import KindOfMonitor, ModelOptions
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.dataset_format import DatasetFormat
from modelwatch.model_monitor.progress import wait_for
from modelwatch.model_monitor.schedule_parameters import Files
from modelwatch_core.domain.number_text import count_text

_HELP = "Make baselines with the app. To make one on this machine: modelwatch baseline"

group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)

JobName = Annotated[str, typer.Argument(metavar="NAME", help="The baselining job's name.")]

_COLUMNS = {
    "baseline": lambda each: each["baselining_job_name"],
    "kind": lambda each: each["monitoring_type"],
    "status": lambda each: each["status"],
    "created (UTC)": lambda each: time_text(each["creation_time"]),
    "files": lambda each: each["output_s3_uri"],
    "reason": lambda each: (each.get("outcome") or {}).get("failure_reason"),
}

CREATE_EXAMPLE = examples(
    "modelwatch baselines create loans --baseline-dataset s3://my-bucket/train.csv --wait",
    "modelwatch baselines create quality --baseline-dataset scored.csv --monitoring-type ModelQuality\n"
    "--problem-type Regression --inference-attribute prediction --ground-truth-attribute label",
    "modelwatch baselines create hours --data s3://my-bucket/captures/my-endpoint --dataset-format capture\n"
    "--time-zone Europe/Berlin",
)


@group.command(epilog=CREATE_EXAMPLE)
@takes_option_groups
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the new baselining job.")],
    model: ModelOptions,
    baseline_dataset: Annotated[
        str | None,
        typer.Option(
            "--baseline-dataset",
            "--data",
            metavar="S3URI|PATH",
            help="A file or folder in S3, or a file on this machine, which is uploaded.",
        ),
    ] = None,
    dataset_format: Annotated[
        Literal["csv", "json", "jsonlines", "parquet", "capture"] | None,
        typer.Option(help="The format of the data; csv by default. capture: a folder of what an endpoint captured."),
    ] = None,
    header: Annotated[bool, typer.Option(help="Whether the first line of a CSV file names the columns.")] = True,
    separator: FieldSeparator = ",",
    monitoring_type: KindOfMonitor = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="The time zone of the hours and days that a seasonal baseline distinguishes, such as Europe/Berlin; "
            "UTC by default. Schedules with the baseline use it.",
        ),
    ] = None,
    output_s3_uri: Annotated[
        str | None,
        typer.Option(metavar="S3URI", help="The folder for its files; one in the results bucket by default."),
    ] = None,
    waits: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    from_file: FromFile = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Make statistics and constraints from training data; exit code 2 if that fails."""
    document = read_parameters(from_file)
    form = _sagemaker_format(DatasetFormatName(dataset_format or "csv"), header=header, separator=separator)
    with options.app(doing=None if waits else "Starting the baseline") as app:
        files = Files(app, name, monitoring_type or document.get("monitoring_type", "DataQuality"))
        request = overlaid(
            {"dataset_format": form} | document,
            given(
                baselining_job_name=name,
                monitoring_type=monitoring_type,
                baseline_dataset_s3_uri=baseline_dataset and files.uploaded("baseline_dataset", baseline_dataset),
                dataset_format=form if dataset_format else None,
                output_s3_uri=output_s3_uri,
                environment=given(time_zone=time_zone) or None,
                **{part: getattr(model, part) for part in ModelOptions.__dataclass_fields__},
            ),
        )
        record = app.create_baseline(request)
        if waits:
            record = _ended(app, record, show=not as_json)
    _print_made(record, options, as_json=as_json)


@group.command("list", epilog=examples("modelwatch baselines list --status-equals Completed"))
@takes_option_groups
def list_jobs(
    name_contains: NameContains = None,
    status_equals: Annotated[
        Literal["InProgress", "Completed", "Failed", "Stopped"] | None,
        typer.Option(help="Only those with this status."),
    ] = None,
    sort_order: SortOrder = None,
    *,
    page: PageOptions,
    options: AppOptions,
) -> None:
    """List baselining jobs, the newest first."""
    page.show(
        options,
        "ListBaseliningJobs",
        "baselining_jobs",
        _COLUMNS,
        name_contains=name_contains,
        status_equals=status_equals,
        sort_order=sort_order,
    )


@group.command(epilog=examples("modelwatch baselines describe loans"))
@takes_option_groups
def describe(name: JobName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Show a baselining job."""
    with options.app() as app:
        record = app.manage("DescribeBaseliningJob", baselining_job_name=name)
    print_record(record, _facts, as_json=as_json)


@group.command(epilog=examples("modelwatch baselines wait loans"))
@takes_option_groups
def wait(name: JobName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Wait for the end of a baselining job. Exit code 0: completed, 2: it failed or was stopped."""
    with options.app(doing=None) as app:
        record = app.manage("DescribeBaseliningJob", baselining_job_name=name)
        record = _ended(app, record, show=not as_json)
    _print_made(record, options, as_json=as_json)


@group.command(epilog=examples("modelwatch baselines stop loans"))
@takes_option_groups
def stop(name: JobName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Stop a baselining job, and its run."""
    with options.app() as app:
        record = app.manage("StopBaseliningJob", baselining_job_name=name)
    print_response(record, [f"The baseline {name} is stopped."], as_json=as_json)


def _sagemaker_format(name: DatasetFormatName, *, header: bool, separator: str) -> dict[str, Any]:
    if name is DatasetFormatName.CAPTURE:
        return DatasetFormat.sagemaker_capture_json()  # the kind of monitor says which sides are read
    options = DatasetOptions(dataset_format=name, header=header, separator=separator)
    found: dict[str, Any] = options.settings()["dataset_format"]
    return found


def _ended(app: AppClient, record: Record, *, show: bool) -> dict[str, Any]:
    job, seen = BaseliningJob(app, record), dict(record)

    def ask() -> tuple[str, bool]:
        seen.update(job.describe()["Modelwatch"])
        return _status_text(seen), seen["status"] != "InProgress"

    wait_for(job.job_name, ask, show=show)
    if show and seen["status"] == "Completed":
        print_lines([f"Warning: {warning}" for warning in job.warnings()])
    return seen


def _status_text(record: Record) -> str:
    status = {"InProgress": "is being made", "Completed": "is made"}.get(record["status"], record["status"].lower())
    reason = (record.get("outcome") or {}).get("failure_reason")
    return f"{status}: {reason}" if reason else status


def _print_made(record: Record, options: AppOptions, *, as_json: bool) -> None:
    """Print a job and what to do next; its exit code is that of unusable input if it did not succeed."""
    name = record["baselining_job_name"]
    if as_json:
        print_json(dict(record))
    elif record["status"] == "InProgress":
        print_lines([f"The baseline {name} is being made. Wait for it: {options.command(f'baselines wait {name}')}"])
    elif record["status"] == "Completed":
        rows = ((record.get("outcome") or {}).get("records") or {}).get("read")
        learnt = (
            f"The baseline {name} was made from {count_text(rows, 'row')}" if rows else f"The baseline {name} was made"
        )
        create = f"schedules create NAME --endpoint-name ENDPOINT --baselining-job-name {name}"
        if record["monitoring_type"] != "DataQuality":
            create += f" --monitoring-type {record['monitoring_type']}"
        lines = [f"{learnt}: {record['output_s3_uri']}", f"Watch an endpoint: {options.command(create)} \\"]
        print_lines([*lines, "    --schedule-expression 'cron(0 * ? * * *)'"])
    if record["status"] not in ("InProgress", "Completed"):
        raise typer.Exit(UNUSABLE)


def _facts(record: Record) -> dict[str, Any]:
    outcome = record.get("outcome") or {}
    return {
        "Baseline": record["baselining_job_name"],
        "Kind": record["monitoring_type"],
        "Status": record["status"],
        "Reason": outcome.get("failure_reason"),
        "Data": record["baseline_dataset_s3_uri"],
        "Rows": (outcome.get("records") or {}).get("read"),
        "Files": record["output_s3_uri"],
        "Warnings": "; ".join(outcome.get("warnings") or ()),
        "Created (UTC)": time_text(record["creation_time"]),
        "Changed (UTC)": time_text(record["last_modified_time"]),
        "Log": (record.get("run") or {}).get("log_location"),
    }
