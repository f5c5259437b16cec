"""``modelwatch schedules run``, ``backfill`` and ``replay``: windows that are over."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

import typer

from modelwatch.cli.app_options import AppOptions, ScheduleName
from modelwatch.cli.executions import exit_code, status_text, wait_for_end, window_text
from modelwatch.cli.failures import print_json
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import TIME, AsJson, examples
from modelwatch.cli.responses import Record, print_lines, time_text
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch.model_monitor.execution_requests import backfill_requests, one_after_another, span
from modelwatch.model_monitor.replay import Finding, ReplayedWindow, replayed_windows
from modelwatch.model_monitor.schedule_executions import ScheduleExecutions
from modelwatch.printing import make_console, print_table

RUN_EXAMPLE = examples(
    "modelwatch schedules run hourly --wait",
    "modelwatch schedules run hourly --start 2026-01-30 --end 2026-01-31",
)
BACKFILL_EXAMPLE = examples("modelwatch schedules backfill hourly --start 2026-01-30 --end 2026-01-31")
REPLAY_EXAMPLE = examples(
    "modelwatch schedules replay hourly --constraints tuned/constraints.json --start 2026-01-01 --end 2026-02-01"
)

Start = Annotated[datetime, typer.Option(**TIME, help="The first scheduled time; ISO 8601, UTC without an offset.")]
End = Annotated[datetime, typer.Option(**TIME, help="Only windows that were due before this time.")]
_NOT_LOOKED_AT = "-"


@takes_option_groups
def run(
    name: ScheduleName,
    scheduled_time: Annotated[
        datetime | None,
        typer.Option(**TIME, help="The window that was due at this time; by default the one that was due last."),
    ] = None,
    start: Annotated[
        datetime | None, typer.Option(**TIME, help="The start of the window of a one-off run; needs --end.")
    ] = None,
    end: Annotated[datetime | None, typer.Option(**TIME, help="The end of that window.")] = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Analyse the window again if it was analysed before.")
    ] = False,
    waits: Annotated[
        bool, typer.Option("--wait", help="Wait until it has ended; the exit code is that of executions wait.")
    ] = False,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Run a schedule now: over the window that was due last, or over any other."""
    with options.app(doing=None) as app:
        execution = ScheduleExecutions(app).run(start, end, name, backfill, scheduled_time)
        record = execution.record()
        if waits:
            record = wait_for_end(app, record, show=not as_json)
    if as_json:
        print_json(record)
    elif not waits:
        window = record["window"]
        waiting = options.command(f"executions wait {name} --start {window['start']} --end {window['end']}")
        print_lines([f"{name} runs over {window_text(record)}. Wait for it: {waiting}"])
    if waits:
        raise typer.Exit(exit_code(record))


@takes_option_groups
def backfill(
    name: ScheduleName,
    start: Start,
    end: End,
    max_parallel: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=16,
            help="How many to request at once; one runs, and the next may start up to five minutes after it has ended.",
        ),
    ] = 1,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Analyse past windows again, one after another, and replace their results.

    An execution is requested when an earlier one has ended, so that Ctrl-C leaves only those that are under way.

    Exit code 0: no violations. 1: violations. 2: one failed, or something could not be used.
    """
    with options.app(doing=None) as app:
        schedule = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
        requests = backfill_requests(schedule, *span(start, end))

        def ended(execution: MonitoringExecution) -> Record:
            record = wait_for_end(app, execution.record(), show=False)
            if not as_json:
                print_lines([f"{name}, {time_text(record['scheduled_time'])}: {status_text(record)}"])
            return record

        records = list(one_after_another(app, requests, max_parallel, ended))
    if as_json:
        print_json({"executions": records})
    elif not records:
        print_lines([f"{name} was not due from {start:%Y-%m-%d %H:%M} on and before {end:%Y-%m-%d %H:%M}."])
    raise typer.Exit(max(map(exit_code, records), default=0))


@takes_option_groups
def replay(
    name: ScheduleName,
    constraints: Annotated[
        str, typer.Option(metavar="FILE|S3URI", help="The edited constraints.json or analysis.json.")
    ],
    start: Start,
    end: End,
    statistics: Annotated[
        str | None,
        typer.Option(metavar="FILE|S3URI", help="The baseline's statistics.json; that of the schedule by default."),
    ] = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Show what changed constraints would have found in past windows. Nothing is written.

    The statistics that executions have left are checked, not the rows. Checks that only the rows decide are counted in
    the last column; modelwatch check reads the rows.
    """
    with options.app("Reading past windows") as app:
        schedule = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
        windows = list(replayed_windows(app, schedule, constraints, *span(start, end), statistics))
    if as_json:
        print_json({"windows": [_document(window) for window in windows]})
    else:
        _print(name, windows)


def _document(window: ReplayedWindow) -> dict[str, Any]:
    return {
        "scheduled_time": window.execution.scheduled_time.isoformat(),
        "monitoring_execution_status": window.execution.monitoring_execution_status,
        **{part: _entries(found) for part, found in _parts(window).items()},
    }


def _parts(window: ReplayedWindow) -> dict[str, tuple[Finding, ...] | None]:
    return {"before": window.before, "after": window.after, "unknown": window.unknown}


def _entries(found: tuple[Finding, ...] | None) -> list[dict[str, str]] | None:
    if found is None:
        return None
    return [{"feature_name": feature, "constraint_check_type": check} for feature, check in found]


def _print(name: str, windows: list[ReplayedWindow]) -> None:
    if not windows:
        print_lines([f"{name} has no executions of that time."])
        return
    console = make_console()
    header = ("scheduled (UTC)", "status", "violations then", "with the new file", "new", "gone", "undecided")
    print_table(console, header, map(_row, windows))
    looked_at = [window for window in windows if window.after is not None]
    then, now = (sum(bool(getattr(each, part)) for each in looked_at) for part in ("before", "after"))
    console.print(f"Windows with violations: {then} then, {now} with the new file, of {len(looked_at)}.")
    if unknown := sum(window.before is None for window in looked_at):
        console.print(f"Windows in which nothing was compared then: {unknown}.")
    if undecided := Counter(check for window in windows for _, check in window.unknown):
        counted = ", ".join(f"{check} {number:,}" for check, number in sorted(undecided.items()))
        console.print(f"Undecided without the rows: {counted}.")


def _row(window: ReplayedWindow) -> tuple[str, ...]:
    time = time_text(window.execution.scheduled_time.isoformat())
    status = window.execution.monitoring_execution_status
    before, after, undecided = window.before, window.after, {*window.unknown}
    if after is None:
        return (time, status, *[_NOT_LOOKED_AT] * 5)
    new, gone = (None, None) if before is None else ({*after} - {*before}, {*before} - {*after} - undecided)
    columns = (before, after, new, gone, window.unknown)
    return (time, status, *(_NOT_LOOKED_AT if each is None else f"{len(each):,}" for each in columns))
