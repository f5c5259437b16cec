"""``modelwatch schedules``: the monitoring schedules of the app."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from modelwatch.arguments import given
from modelwatch.cli.app_options import AppOptions, ScheduleName
from modelwatch.cli.list_options import EndpointName, NameContains, PageOptions, SortOrder
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.cli.parameter_files import FromFile, read_parameters
from modelwatch.cli.past_windows import BACKFILL_EXAMPLE, REPLAY_EXAMPLE, RUN_EXAMPLE, backfill, replay, run
from modelwatch.cli.responses import Record, cost_text, print_record, print_response, text_of, time_text
from modelwatch.cli.schedule_options import KindOfMonitor, ScheduleOptions

group = typer.Typer(
    no_args_is_help=True, help="Create, change, run and list monitoring schedules of the app.", rich_markup_mode=None
)


def _watched(schedule: Record) -> str:
    endpoint, transform = schedule.get("endpoint_input"), schedule.get("batch_transform_input")
    return str(endpoint["endpoint_name"] if endpoint else (transform or {})["data_captured_destination_s3_uri"])


_COLUMNS = {
    "schedule": lambda each: each["monitoring_schedule_name"],
    "kind": lambda each: each["monitoring_type"],
    "status": lambda each: each["monitoring_schedule_status"],
    "due (UTC)": lambda each: each["schedule_expression"],
    "watches": _watched,
    "changed": lambda each: time_text(each["last_modified_time"]),
}
_VERSION_COLUMNS = {
    "version": lambda each: each["version"],
    "changed": lambda each: time_text(each["last_modified_time"]),
    "status": lambda each: each["monitoring_schedule_status"],
    "due (UTC)": lambda each: each["schedule_expression"],
    "watches": _watched,
    "constraints": lambda each: (each.get("baseline") or {}).get("constraints_s3_uri"),
}


@group.command("list", epilog=examples("modelwatch schedules list --endpoint-name my-endpoint"))
@takes_option_groups
def list_schedules(
    name_contains: NameContains = None,
    endpoint_name: EndpointName = None,
    monitoring_type_equals: KindOfMonitor = None,
    status_equals: Annotated[
        Literal["Scheduled", "Stopped"] | None, typer.Option(help="Only those with this status.")
    ] = None,
    sort_by: Annotated[Literal["Name", "CreationTime", "Status"], typer.Option(help="What to sort by.")] = "Name",
    sort_order: SortOrder = None,
    *,
    page: PageOptions,
    options: AppOptions,
) -> None:
    """List schedules."""
    page.show(
        options,
        "ListMonitoringSchedules",
        "schedules",
        _COLUMNS,
        name_contains=name_contains,
        endpoint_name=endpoint_name,
        monitoring_type_equals=monitoring_type_equals,
        status_equals=status_equals,
        sort_by=sort_by,
        sort_order=sort_order,
    )


@group.command(epilog=examples("modelwatch schedules describe hourly"))
@takes_option_groups
def describe(
    name: ScheduleName,
    version: Annotated[int | None, typer.Option(min=1, help="Show it as it was in this version.")] = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Show a schedule with its latest execution."""
    with options.app() as app:
        response = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name, **given(version=version))
    print_record(response, _facts, as_json=as_json)


CREATE_EXAMPLE = examples(
    "modelwatch schedules create hourly --endpoint-name my-endpoint --schedule-expression 'cron(0 * ? * * *)'\n"
    "--baselining-job-name my-baseline",
    "modelwatch schedules create hourly --from-file schedule.yaml",
)


@group.command(epilog=CREATE_EXAMPLE)
@takes_option_groups
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the new schedule.")],
    schedule: ScheduleOptions,
    from_file: FromFile = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Create a schedule, which starts at once."""
    document = read_parameters(from_file)
    with options.app() as app:
        parameters = schedule.parameters(app, document) | {"monitoring_schedule_name": name}
        response = app.manage("CreateMonitoringSchedule", **parameters)
    done = "could be created, but was not: dry_run is given" if parameters.get("dry_run") else "is created"
    _print_changed(response, f"{name} {done}", as_json=as_json)


UPDATE_EXAMPLE = examples("modelwatch schedules update hourly --constraints s3://my-bucket/tuned/constraints.json")


@group.command(epilog=UPDATE_EXAMPLE)
@takes_option_groups
def update(
    name: ScheduleName,
    schedule: ScheduleOptions,
    from_file: FromFile = None,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Change what is given of a schedule, and nothing else. In a file, null takes a parameter back to its default."""
    document = read_parameters(from_file)
    with options.app() as app:
        changes = schedule.changes(app, name, document)
        if not changes:
            raise typer.BadParameter("give what to change, or --from-file.")
        response = app.manage("UpdateMonitoringSchedule", **changes | {"monitoring_schedule_name": name})
    _print_changed(response, f"{name} is changed, version {response['version']}", as_json=as_json)


@group.command(epilog=examples("modelwatch schedules start hourly"))
@takes_option_groups
def start(name: ScheduleName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Let a schedule fire again that was stopped."""
    with options.app() as app:
        response = app.manage("StartMonitoringSchedule", monitoring_schedule_name=name)
    _print_changed(response, f"{name} is started", as_json=as_json)


@group.command(epilog=examples("modelwatch schedules stop hourly"))
@takes_option_groups
def stop(name: ScheduleName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Stop a schedule: it does not fire until it is started again."""
    with options.app() as app:
        response = app.manage("StopMonitoringSchedule", monitoring_schedule_name=name)
    again = options.command(f"schedules start {name}")
    print_response(response, [f"{name} is stopped. Start it again: {again}"], as_json=as_json)


@group.command(epilog=examples("modelwatch schedules delete hourly"))
@takes_option_groups
def delete(name: ScheduleName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Delete a schedule and stop what it has running; its results are kept."""
    with options.app() as app:
        response = app.manage("DeleteMonitoringSchedule", monitoring_schedule_name=name)
    print_response(response, [f"{name} is deleted; its executions and results are kept."], as_json=as_json)


@group.command(epilog=examples("modelwatch schedules versions hourly"))
@takes_option_groups
def versions(
    name: ScheduleName,
    schedule_id: Annotated[str | None, typer.Option(help="Finds the versions of a schedule that was deleted.")] = None,
    *,
    page: PageOptions,
    options: AppOptions,
) -> None:
    """List the versions of a schedule, the newest first."""
    named = {"monitoring_schedule_name": name, "schedule_id": schedule_id}
    page.show(options, "ListMonitoringScheduleVersions", "versions", _VERSION_COLUMNS, **named)


group.command(epilog=RUN_EXAMPLE)(run)
group.command(epilog=BACKFILL_EXAMPLE)(backfill)
group.command(epilog=REPLAY_EXAMPLE)(replay)


def _print_changed(response: Record, what: str, *, as_json: bool) -> None:
    due = f"It is due by {response['schedule_expression']}, UTC; results go to {response['output_s3_uri']}."
    notes = (f"Note: {each}." for each in response.get("warnings", ()))
    print_response(response, [f"{what}. {due}", *notes], as_json=as_json)


def _facts(schedule: Record) -> dict[str, Any]:
    baseline, latest = schedule.get("baseline") or {}, schedule.get("last_monitoring_execution")
    without = "none" if schedule.get("image_uri") else "none: executions find no violations"
    return {
        "Schedule": f"{schedule['monitoring_schedule_name']}, version {schedule['version']}",
        "Kind": schedule["monitoring_type"],
        "Status": schedule["monitoring_schedule_status"],
        "Due (UTC)": schedule["schedule_expression"],
        "Watches": _watched(schedule),
        "Captures": (schedule.get("endpoint_input") or {}).get("data_captured_destination_s3_uri"),
        "Problem type": schedule.get("problem_type"),
        "Labels": schedule.get("ground_truth_input"),
        "Constraints": baseline.get("constraints_s3_uri", without),
        "Statistics": baseline.get("statistics_s3_uri"),
        "Results": schedule["output_s3_uri"],
        "Created": time_text(schedule["creation_time"]),
        "Changed": time_text(schedule["last_modified_time"]),
        "Cost so far (USD, estimated)": cost_text(schedule.get("cost")),
        "Latest execution": _latest(latest),
        "Its reason": ((latest or {}).get("outcome") or {}).get("failure_reason"),
    }


def _latest(execution: Record | None) -> str | None:
    if not execution:
        return None
    if reason := execution.get("unreadable"):
        return f"unreadable: {reason}"
    time = time_text(execution["scheduled_time"])
    found = (execution.get("outcome") or {}).get("violation_count")
    return f"{time}, {execution['monitoring_execution_status']}" + (f", violations: {text_of(found)}" if found else "")
