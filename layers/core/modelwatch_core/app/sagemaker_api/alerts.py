"""Monitoring alerts. The app keeps none: it sends an alert, and publishes an event of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwatch_core.app.sagemaker_api.operation import App, Operation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_api.requests import AlertsWanted, AlertUpdate


def _list(app: App, asked: AlertsWanted) -> dict[str, Any]:
    if asked.monitoring_schedule_name is not None:
        app.monitors.lists.schedule(asked.monitoring_schedule_name)
    return {"MonitoringAlertSummaries": []}


def _list_history(app: App, asked: AlertsWanted) -> dict[str, Any]:
    if asked.monitoring_schedule_name is not None:
        app.monitors.lists.schedule(asked.monitoring_schedule_name)
    return {"MonitoringAlertHistory": []}


def _update(_: App, asked: AlertUpdate) -> dict[str, Any]:
    message = (
        f"{asked.monitoring_schedule_name} has no alert {asked.monitoring_alert_name}: every execution with violations"
        " alerts the schedule's targets (alert_targets)"
    )
    raise InvalidInput("InvalidParameter", message)


ALERT_OPERATIONS: Mapping[str, Operation] = {
    "ListMonitoringAlerts": Operation(AlertsWanted, _list),
    "ListMonitoringAlertHistory": Operation(AlertsWanted, _list_history),
    "UpdateMonitoringAlert": Operation(AlertUpdate, _update),
}
