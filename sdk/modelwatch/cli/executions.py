"""``modelwatch executions``: what schedules did, and what was found."""

from __future__ import annotations

import webbrowser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from modelwatch.app_client import AppClient
from modelwatch.arguments import given
from modelwatch.cli.answers import Record, cost_text, print_answer, print_record, print_records, time_text
from modelwatch.cli.app_options import AppOptions, ScheduleName, complete_schedule_name
from modelwatch.cli.failures import UNUSABLE, print_json
from modelwatch.cli.kind_commands import VIOLATIONS_FOUND
from modelwatch.cli.list_options import EndpointName, MaxResults, NextToken, SortOrder
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples, parse_time
from modelwatch.cli.result import VIOLATION_COLUMNS, violation_rows
from modelwatch.model_monitor.execution import OPEN_STATUSES, MonitoringExecution
from modelwatch.model_monitor.progress import wait_for
from modelwatch.printing import make_console, print_table
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_HELP = "See what schedules did and found. Without --scheduled-time the latest execution is meant."
_EXIT_CODES = "Exit code 0: no violations. 1: violations. 2: it failed, was stopped, or something could not be used."

Status = Literal["Pending", "InProgress", "Completed", "CompletedWithViolations", "Failed", "Stopped"]
ScheduledTime = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_time, metavar="TIME", help="The execution that was due then: ISO 8601; without an offset UTC."
    ),
]

app = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)

_COLUMNS = {
    "schedule": lambda each: each["monitoring_schedule_name"],
    "scheduled (UTC)": lambda each: time_text(each["scheduled_time"]),
    "attempt": lambda each: each["attempt"],
    "status": lambda each: each["monitoring_execution_status"],
    "violations": lambda each: (each.get("outcome") or {}).get("violation_count"),
    "cost (USD)": lambda each: cost_text(each.get("cost")),
    "reason": lambda each: (each.get("outcome") or {}).get("failure_reason"),
}


@app.callback()
def _group() -> None:
    """See what schedules did and found."""


@app.command("list", epilog=examples("modelwatch executions list hourly --status-equals CompletedWithViolations"))
@takes_option_groups
def list_executions(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only those of this schedule.", autocompletion=complete_schedule_name),
    ] = None,
    status_equals: Annotated[Status | None, typer.Option(help="Only those of a status.")] = None,
    endpoint_name: EndpointName = None,
    scheduled_time_after: ScheduledTime = None,
    scheduled_time_before: ScheduledTime = None,
    sort_by: Annotated[
        Literal["ScheduledTime", "CreationTime", "Status"], typer.Option(help="The order.")
    ] = "ScheduledTime",
    sort_order: SortOrder = None,
    max_results: MaxResults = 100,
    next_token: NextToken = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """List executions of a schedule, or of all, the newest first."""
    wanted = given(
        monitoring_schedule_name=name,
        status_equals=status_equals,
        endpoint_name=endpoint_name,
        scheduled_time_after=scheduled_time_after and scheduled_time_after.isoformat(),
        scheduled_time_before=scheduled_time_before and scheduled_time_before.isoformat(),
        sort_by=sort_by,
        sort_order=sort_order,
        max_results=max_results,
        next_token=next_token,
    )
    with options.app() as found:
        answer = found.manage("ListMonitoringExecutions", **wanted)
    print_records(answer, "executions", _COLUMNS, as_json=as_json)


@app.command(epilog=examples("modelwatch executions describe hourly --scheduled-time 2026-01-31T09:00Z"))
@takes_option_groups
def describe(
    name: ScheduleName, scheduled_time: ScheduledTime = None, as_json: AsJson = False, *, options: AppOptions
) -> None:
    """Show an execution."""
    with options.app() as found:
        record = execution_record(found, name, scheduled_time)
    print_record(record, _facts, as_json=as_json)


@app.command(
    epilog=examples("modelwatch executions wait hourly"),
    help=f"Wait for the end of an execution.\n\n{_EXIT_CODES}",
)
@takes_option_groups
def wait(
    name: ScheduleName, scheduled_time: ScheduledTime = None, as_json: AsJson = False, *, options: AppOptions
) -> None:
    """Wait for the end of an execution."""
    with options.app(doing=None) as found:
        record = wait_for_end(found, execution_record(found, name, scheduled_time), show=not as_json)
    if as_json:
        print_json(record)
    raise typer.Exit(exit_code(record))


@app.command(epilog=examples("modelwatch executions stop hourly"))
@takes_option_groups
def stop(
    name: ScheduleName, scheduled_time: ScheduledTime = None, as_json: AsJson = False, *, options: AppOptions
) -> None:
    """Stop an execution, and the analysis that it runs."""
    with options.app() as found:
        record = execution_record(found, name, scheduled_time)
        answer = found.manage("StopMonitoringExecution", **_key(record))
    print_answer(
        answer, [f"The execution of {name}, {time_text(answer['scheduled_time'])}, is stopped."], as_json=as_json
    )


REPORT_EXAMPLE = examples(
    "modelwatch executions report hourly --open",
    "modelwatch executions report hourly --scheduled-time 2026-01-31T09:00Z --output report.html",
)


@app.command(epilog=REPORT_EXAMPLE, help=f"Show what an execution found, and save or open its report.\n\n{_EXIT_CODES}")
@takes_option_groups
def report(
    name: ScheduleName,
    scheduled_time: ScheduledTime = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save report.html as this file, which must be new.")
    ] = None,
    opens: Annotated[
        bool, typer.Option("--open", help="Open report.html in the browser; without --output from a temporary folder.")
    ] = False,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Show what an execution found, and save or open its report."""
    if output and output.exists():
        raise InvalidInput("OutputExists", f"--output: {output} exists; name a new file")
    with options.app("Reading the report") as found:
        record = execution_record(found, name, scheduled_time)
        violations = MonitoringExecution(found, record).constraint_violations()
        saved = _saved_report(found, record, output) if output or opens else None
    if opens and saved:
        webbrowser.open(saved.resolve().as_uri())
    _print_report(record, [*violations] if violations else [], saved, as_json=as_json)
    raise typer.Exit(exit_code(record))


def execution_record(app: AppClient, name: str, scheduled_time: datetime | None) -> dict[str, Any]:
    """Return an execution of a schedule: the last attempt of what was due at a time, or the latest of all.

    Raises
    ------
    InvalidInput
        ``ExecutionNotFound``.
    """
    wanted: dict[str, Any] = {"sort_by": "CreationTime", "sort_order": "Descending"}
    if scheduled_time is not None:
        after, before = scheduled_time - timedelta(seconds=1), scheduled_time + timedelta(seconds=1)
        wanted |= {"scheduled_time_after": after.isoformat(), "scheduled_time_before": before.isoformat()}
    records = app.pages("ListMonitoringExecutions", "executions", monitoring_schedule_name=name, **wanted)
    found = next((record for record in records if "window" in record), None)
    if found is None:
        when = f" that was due at {scheduled_time.isoformat()}" if scheduled_time else ""
        message = f"{name} has no execution{when}; see modelwatch executions list {name}"
        raise InvalidInput("ExecutionNotFound", message)
    return found


def wait_for_end(app: AppClient, record: Record, *, show: bool) -> dict[str, Any]:
    """Wait for the end of an execution and return its record then, with a line for each change of its status."""
    execution, seen = MonitoringExecution(app, record), dict(record)

    def ask() -> tuple[str, bool]:
        seen.update(execution.describe()["Modelwatch"])
        return status_text(seen), seen["monitoring_execution_status"] not in OPEN_STATUSES

    wait_for(f"{record['monitoring_schedule_name']}, {time_text(record['scheduled_time'])}", ask, show=show)
    return seen


def status_text(record: Record) -> str:
    """Return how an execution stands, in plain English."""
    status, outcome = record["monitoring_execution_status"], record.get("outcome") or {}
    match status:
        case "Completed":
            return "completed, no violations" if record.get("compares", True) else "completed"
        case "CompletedWithViolations":
            return f"completed, {count_text(outcome.get('violation_count') or 0, 'violation')}"
        case "Failed" | "Stopped":
            return f"{status.lower()}: {outcome.get('failure_reason') or 'no reason is known'}"
        case _:
            return {"Pending": "waiting", "InProgress": "running"}.get(status, "stopping")


def exit_code(record: Record) -> int:
    """Return the exit code of a command about an execution, as that of ``modelwatch check``."""
    return {"Completed": 0, "CompletedWithViolations": VIOLATIONS_FOUND}.get(
        record["monitoring_execution_status"], UNUSABLE
    )


def _key(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in ("monitoring_schedule_name", "schedule_id", "window", "attempt")}


def _saved_report(app: AppClient, record: Record, output: Path | None) -> Path:
    import tempfile

    from modelwatch.s3 import S3Downloader

    path = output or Path(tempfile.mkdtemp(prefix="modelwatch-")) / "report.html"
    path.write_bytes(S3Downloader.read_bytes(f"{record['output_s3_uri']}/report.html", app))
    return path


def _print_report(record: Record, violations: list[dict[str, Any]], saved: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"execution": record, "violations": violations, "report": str(saved) if saved else None})
        return
    console, found = make_console(), [ConstraintViolation.model_validate(each) for each in violations]
    name, time = record["monitoring_schedule_name"], time_text(record["scheduled_time"])
    console.print(f"{name}, {time}: {count_text(len(found), 'violation') if found else 'no violations'}.")
    if found:
        print_table(console, VIOLATION_COLUMNS, violation_rows(found))
    console.print(f"Report: {saved or record['output_s3_uri'] + '/report.html'}")


def _facts(record: Record) -> dict[str, Any]:
    outcome, window = record.get("outcome") or {}, record["window"]
    return {
        "Schedule": record["monitoring_schedule_name"],
        "Scheduled (UTC)": time_text(record["scheduled_time"]),
        "Window (UTC)": f"{time_text(window['start'])} to {time_text(window['end'])}",
        "Attempt": record["attempt"],
        "Status": record["monitoring_execution_status"],
        "Violations": outcome.get("violation_count"),
        "Rows": (outcome.get("records") or {}).get("read"),
        "Reason": outcome.get("failure_reason"),
        "Cost (USD, estimated)": cost_text(record.get("cost")),
        "Warnings": "; ".join(outcome.get("warnings") or ()),
        "Results": record["output_s3_uri"],
        "Log": (record.get("run") or {}).get("log_location"),
        "Processing job": record.get("processing_job_name"),
    }
