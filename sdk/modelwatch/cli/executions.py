"""``modelwatch executions``: what schedules did, and what was found."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from modelwatch.app_client import AppClient
from modelwatch.arguments import given
from modelwatch.cli.app_options import AppOptions, ScheduleName, complete_schedule_name
from modelwatch.cli.failures import UNUSABLE, print_json
from modelwatch.cli.kind_commands import VIOLATIONS_FOUND
from modelwatch.cli.list_options import EndpointName, PageOptions, SortOrder
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import TIME, AsJson, examples, output_path
from modelwatch.cli.responses import Record, cost_text, print_record, print_response, time_text
from modelwatch.cli.result import VIOLATION_COLUMNS, violation_rows
from modelwatch.model_monitor.execution import ENDED_WELL, OPEN_STATUSES, MonitoringExecution, execution_key
from modelwatch.model_monitor.progress import wait_for
from modelwatch.printing import make_console, print_table, printable
from modelwatch_core.domain.constraint_violations import read_violation
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_HELP = (
    "Show what schedules did and found. Without --scheduled-time, or --start and --end, commands use the execution of"
    " the latest window."
)
_EXIT_CODES = "Exit code 0: no violations. 1: violations. 2: it failed, was stopped, or something could not be used."

Status = Literal["Pending", "InProgress", "Completed", "CompletedWithViolations", "Failed", "Stopped"]
ScheduledTime = Annotated[
    datetime | None, typer.Option(**TIME, help="The execution due at this time; ISO 8601, UTC without an offset.")
]

group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Which:
    """Options that name an execution of a schedule."""

    scheduled_time: ScheduledTime = None
    start: Annotated[
        datetime | None,
        typer.Option(
            **TIME,
            help="The execution, or one-off run, whose window starts at this time; needs --end.",
        ),
    ] = None
    end: Annotated[datetime | None, typer.Option(**TIME, help="The end of that window.")] = None

    def record(self, app: AppClient, name: str, options: AppOptions) -> dict[str, Any]:
        """Return the last attempt of what was due at a time, or of a window; of the latest window if none is given.

        Raises
        ------
        InvalidInput
            ``ExecutionNotFound``, or ``RecordUnreadable`` where the latest one cannot be read.
        """
        if (self.start is None) != (self.end is None) or (self.start and self.scheduled_time):
            raise typer.BadParameter("give --scheduled-time, or --start and --end, or none of them.")
        if self.start and self.end:
            window = {"start": iso_utc(self.start), "end": iso_utc(self.end)}
            found = _last_attempt(app, name, after=self.end, is_wanted=lambda each: each["window"] == window)
            which = f" of the window {window['start']} to {window['end']}"
        elif self.scheduled_time:
            due = iso_utc(self.scheduled_time)
            found = _last_attempt(
                app,
                name,
                after=self.scheduled_time,
                before=self.scheduled_time,
                is_wanted=lambda each: not each.get("one_off"),
            )
            which = f" that was due at {due}"
        else:
            schedule = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
            found, which = schedule.get("last_monitoring_execution"), ""
        if found is None:
            message = f"{name} has no execution{which}; see {options.command(f'executions list {name}')}"
            raise InvalidInput("ExecutionNotFound", message)
        if reason := found.get("unreadable"):
            raise InvalidInput("RecordUnreadable", str(reason).removeprefix("RecordUnreadable: "))
        return found


def _last_attempt(
    app: AppClient,
    name: str,
    *,
    after: datetime,
    before: datetime | None = None,
    is_wanted: Callable[[Record], bool],
) -> dict[str, Any] | None:
    """Return the execution that was created last of those that were due within two times, both inclusive."""
    second = timedelta(seconds=1)
    wanted = given(
        scheduled_time_after=(after - second).isoformat(),
        scheduled_time_before=(before + second).isoformat() if before else None,
    )
    records = app.pages(
        "ListMonitoringExecutions",
        "executions",
        monitoring_schedule_name=name,
        sort_by="CreationTime",
        sort_order="Descending",
        **wanted,
    )
    return next((record for record in records if "window" in record and is_wanted(record)), None)


def _one_off_window(record: Record) -> str | None:
    return window_text(record) if record.get("one_off") else None


def window_text(record: Record) -> str:
    """Return the window of an execution for people."""
    window = record["window"]
    return f"{time_text(window['start'])} to {time_text(window['end'])}"


_COLUMNS = {
    "schedule": lambda each: each["monitoring_schedule_name"],
    "scheduled (UTC)": lambda each: time_text(each["scheduled_time"]),
    "one-off run over (UTC)": _one_off_window,
    "attempt": lambda each: each["attempt"],
    "status": lambda each: each["monitoring_execution_status"],
    "violations": lambda each: (each.get("outcome") or {}).get("violation_count"),
    "cost (USD)": lambda each: cost_text(each.get("cost")),
    "reason": lambda each: (each.get("outcome") or {}).get("failure_reason"),
}


@group.command("list", epilog=examples("modelwatch executions list hourly --status-equals CompletedWithViolations"))
@takes_option_groups
def list_executions(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only those of this schedule.", autocompletion=complete_schedule_name),
    ] = None,
    status_equals: Annotated[Status | None, typer.Option(help="Only those with this status.")] = None,
    endpoint_name: EndpointName = None,
    scheduled_time_after: Annotated[
        datetime | None, typer.Option(**TIME, help="Only those due after this time; ISO 8601, UTC without an offset.")
    ] = None,
    scheduled_time_before: Annotated[
        datetime | None, typer.Option(**TIME, help="Only those due before this time.")
    ] = None,
    sort_by: Annotated[
        Literal["ScheduledTime", "CreationTime", "Status"], typer.Option(help="What to sort by.")
    ] = "ScheduledTime",
    sort_order: SortOrder = None,
    *,
    page: PageOptions,
    options: AppOptions,
) -> None:
    """List executions of a schedule, or of all, the newest first."""
    page.show(
        options,
        "ListMonitoringExecutions",
        "executions",
        _COLUMNS,
        monitoring_schedule_name=name,
        status_equals=status_equals,
        endpoint_name=endpoint_name,
        scheduled_time_after=scheduled_time_after and scheduled_time_after.isoformat(),
        scheduled_time_before=scheduled_time_before and scheduled_time_before.isoformat(),
        sort_by=sort_by,
        sort_order=sort_order,
    )


@group.command(epilog=examples("modelwatch executions describe hourly --scheduled-time 2026-01-31T09:00Z"))
@takes_option_groups
def describe(name: ScheduleName, which: Which, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Show an execution."""
    with options.app() as app:
        record = which.record(app, name, options)
    print_record(record, _facts, as_json=as_json)


@group.command(
    epilog=examples("modelwatch executions wait hourly"),
    help=f"Wait for the end of an execution.\n\n{_EXIT_CODES}",
)
@takes_option_groups
def wait(name: ScheduleName, which: Which, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Wait for the end of an execution."""
    with options.app(doing=None) as app:
        record = wait_for_end(app, which.record(app, name, options), show=not as_json)
    if as_json:
        print_json(record)
    raise typer.Exit(exit_code(record))


@group.command(epilog=examples("modelwatch executions stop hourly"))
@takes_option_groups
def stop(name: ScheduleName, which: Which, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Stop an execution, and the analysis that it runs."""
    with options.app() as app:
        record = which.record(app, name, options)
        response = app.manage("StopMonitoringExecution", **execution_key(record))
    print_response(
        response, [f"The execution of {name}, {time_text(response['scheduled_time'])}, is stopped."], as_json=as_json
    )


REPORT_EXAMPLE = examples(
    "modelwatch executions report hourly --open",
    "modelwatch executions report hourly --scheduled-time 2026-01-31T09:00Z --output report.html",
    "modelwatch executions report hourly --start 2026-01-30 --end 2026-01-31",
)


@group.command(
    epilog=REPORT_EXAMPLE, help=f"Show what an execution found, and save or open its report.\n\n{_EXIT_CODES}"
)
@takes_option_groups
def report(
    name: ScheduleName,
    which: Which,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=output_path, help="Save report.html as this file, which must not exist."),
    ] = None,
    opens: Annotated[
        bool, typer.Option("--open", help="Open report.html in the browser; without --output, from a temporary folder.")
    ] = False,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Show what an execution found, and save or open its report."""
    if output and output.exists():
        raise InvalidInput("OutputExists", f"--output: {output} exists; name a new file")
    with options.app("Reading the report") as app:
        record = which.record(app, name, options)
        execution = MonitoringExecution(app, record)
        ended_well = record["monitoring_execution_status"] in ENDED_WELL
        violations = execution.constraint_violations() if ended_well else None
        saved = _saved_report(execution, output) if output or opens else None
    if opens and saved:
        webbrowser.open(saved.resolve().as_uri())
    looked_at = (record.get("outcome") or {}).get("violation_count") is not None
    found = [*violations] if violations else []
    _print_report(record, found if found or looked_at else None, saved, as_json=as_json)
    raise typer.Exit(exit_code(record))


def wait_for_end(app: AppClient, record: Record, *, show: bool) -> dict[str, Any]:
    """Wait for the end of an execution and return its record then, with a line for each change of its status."""
    execution, seen = MonitoringExecution(app, record), dict(record)

    def ask() -> tuple[str, bool]:
        seen.update(execution.record())
        return status_text(seen), seen["monitoring_execution_status"] not in OPEN_STATUSES

    wait_for(f"{record['monitoring_schedule_name']}, {time_text(record['scheduled_time'])}", ask, show=show)
    return seen


def status_text(record: Record) -> str:
    """Return how an execution stands, in plain English."""
    status, outcome = record["monitoring_execution_status"], record.get("outcome") or {}
    count = outcome.get("violation_count")
    match status:
        case "Completed":
            return "completed, nothing was compared" if count is None else "completed, no violations"
        case "CompletedWithViolations":
            return f"completed, {count_text(count, 'violation')}" if count else "completed with violations"
        case "Failed" | "Stopped":
            return f"{status.lower()}: {outcome.get('failure_reason') or 'no reason is known'}"
        case _:
            return {"Pending": "waiting", "InProgress": "running"}.get(status, "stopping")


def exit_code(record: Record) -> int:
    """Return the exit code of a command about an execution, as that of ``modelwatch check``."""
    return {"Completed": 0, "CompletedWithViolations": VIOLATIONS_FOUND}.get(
        record["monitoring_execution_status"], UNUSABLE
    )


def _saved_report(execution: MonitoringExecution, output: Path | None) -> Path:
    import tempfile

    content = execution.report()
    path = output or Path(tempfile.mkdtemp(prefix="modelwatch-")) / "report.html"
    path.write_bytes(content)
    return path


def _print_report(
    record: Record, violations: list[dict[str, Any]] | None, saved: Path | None, *, as_json: bool
) -> None:
    if as_json:
        print_json({"execution": record, "violations": violations, "report": str(saved) if saved else None})
        return
    entries = enumerate(violations or (), start=1)
    console, found = make_console(), [read_violation(entry, place) for place, entry in entries]
    name, time = record["monitoring_schedule_name"], time_text(record["scheduled_time"])
    if found:
        console.print(f"{name}, {time}: {count_text(len(found), 'violation')}.")
    elif violations is None:
        console.print(printable(f"{name}, {time}: {status_text(record)}"))
    elif record["monitoring_execution_status"] != "CompletedWithViolations":
        console.print(f"{name}, {time}: no violations.")
    else:  # as a user's own container may say without a report
        said = (record.get("outcome") or {}).get("exit_message") or ""
        console.print(f"{name}, {time}: violations, which no report lists. {printable(said)}")
    if found:
        print_table(console, VIOLATION_COLUMNS, violation_rows(found))
    console.print(f"Report: {saved or record['output_s3_uri'] + '/report.html'}")


def _facts(record: Record) -> dict[str, Any]:
    outcome = record.get("outcome") or {}
    return {
        "Schedule": record["monitoring_schedule_name"],
        "Scheduled (UTC)": time_text(record["scheduled_time"]),
        "Window (UTC)": window_text(record) + (", a one-off run" if record.get("one_off") else ""),
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
