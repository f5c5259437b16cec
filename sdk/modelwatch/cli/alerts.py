"""``modelwatch alerts``: how the alerts of schedules stand, what they were, and when people hear of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from modelwatch.cli.app_options import AppOptions, ScheduleName, complete_schedule_name
from modelwatch.cli.list_options import PageOptions, SortOrder
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import TIME, AsJson, examples
from modelwatch.cli.responses import Record, print_records, print_response, time_text
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.number_text import count_text

AlertStatus = Literal["InAlert", "OK"]

group = typer.Typer(
    no_args_is_help=True,
    help="Show the alerts of schedules, and change when messages are sent.",
    rich_markup_mode=None,
)


def _on_while(alert: Record) -> str:
    if alert["monitoring_alert_name"] == AlertName.NOT_FIRED:
        return "the schedule does not fire"
    bad = alert["datapoints_to_alert"]
    return f"{bad} of {count_text(alert['evaluation_period'], 'execution')} {'is' if bad == 1 else 'are'} bad"


_COLUMNS = {
    "alert": lambda each: each["monitoring_alert_name"],
    "status": lambda each: each["alert_status"],
    "since (UTC)": lambda each: time_text(each["since"]),
    "severity": lambda each: each["severity"],
    "on while": _on_while,
    "muted until (UTC)": lambda each: time_text(each["muted_until"]),
}
_HISTORY_COLUMNS = {
    "schedule": lambda each: each["monitoring_schedule_name"],
    "alert": lambda each: each["alert_name"],
    "status": lambda each: each["alert_status"],
    "severity": lambda each: each["severity"],
    "changed (UTC)": lambda each: time_text(each["creation_time"]),
    "by the window (UTC)": lambda each: time_text(each["window"]["start"]),
}


@group.command("list", epilog=examples("modelwatch alerts list hourly"))
@takes_option_groups
def list_alerts(name: ScheduleName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """List the alerts of a schedule."""
    with options.app() as app:
        response = app.manage("ListMonitoringAlerts", monitoring_schedule_name=name)
    print_records(response, "alerts", _COLUMNS, as_json=as_json)


@group.command(epilog=examples("modelwatch alerts history hourly --status-equals InAlert"))
@takes_option_groups
def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only those of this schedule.", autocompletion=complete_schedule_name),
    ] = None,
    alert: Annotated[
        str | None, typer.Option(metavar="ALERT", help="Only changes of this alert, for instance violations.")
    ] = None,
    status_equals: Annotated[AlertStatus | None, typer.Option(help="Only changes to this status.")] = None,
    sort_by: Annotated[Literal["CreationTime", "Status"], typer.Option(help="What to sort by.")] = "CreationTime",
    sort_order: SortOrder = None,
    *,
    page: PageOptions,
    options: AppOptions,
) -> None:
    """List the changes of alerts of a schedule, or of all, the newest first."""
    page.show(
        options,
        "ListMonitoringAlertHistory",
        "alert_history",
        _HISTORY_COLUMNS,
        monitoring_schedule_name=name,
        monitoring_alert_name=alert,
        status_equals=status_equals,
        sort_by=sort_by,
        sort_order=sort_order,
    )


@group.command(
    epilog=examples("modelwatch alerts update hourly violations --datapoints-to-alert 2 --evaluation-period 3")
)
@takes_option_groups
def update(
    name: ScheduleName,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="violations, failed-executions or no-data.")],
    datapoints_to_alert: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="How many executions must be bad.")
    ],
    evaluation_period: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="How many of the latest executions count.")
    ],
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Change when an alert is on, from the next execution on."""
    numbers: dict[str, Any] = {
        "datapoints_to_alert": datapoints_to_alert,
        "evaluation_period": evaluation_period,
    }
    with options.app() as app:
        response = app.manage(
            "UpdateMonitoringAlert", monitoring_schedule_name=name, monitoring_alert_name=alert, **numbers
        )
    said = f"{alert} of {name} is on while {datapoints_to_alert} of {evaluation_period} executions are bad."
    print_response(response, [said], as_json=as_json)


@group.command(epilog=examples("modelwatch alerts mute hourly --until 2026-12-24T18:00Z"))
@takes_option_groups
def mute(
    name: ScheduleName,
    until: Annotated[
        datetime,
        typer.Option(**TIME, help="The end of the mute; ISO 8601, UTC without an offset."),
    ],
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Send nothing about a schedule until a time. The first execution after it reports the alerts that are still on."""
    with options.app() as app:
        response = app.manage("MuteMonitoringAlerts", monitoring_schedule_name=name, until=until.isoformat())
    print_response(response, [f"{name} is muted until {time_text(response['muted_until'])} UTC."], as_json=as_json)


@group.command(epilog=examples("modelwatch alerts unmute hourly"))
@takes_option_groups
def unmute(name: ScheduleName, as_json: AsJson = False, *, options: AppOptions) -> None:
    """Send messages about a schedule again."""
    with options.app() as app:
        response = app.manage("MuteMonitoringAlerts", monitoring_schedule_name=name, until=None)
    print_response(response, [f"{name} is no longer muted."], as_json=as_json)
