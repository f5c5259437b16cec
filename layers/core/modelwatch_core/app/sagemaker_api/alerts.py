"""Monitoring alerts and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwatch_core.app.sagemaker_api.operation import App, Operation, page_of
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_api.requests import AlertsWanted, ApiAlertUpdate
from modelwatch_core.domain.sagemaker_api.responses import arn, moment


def _list(app: App, asked: AlertsWanted) -> dict[str, Any]:
    if asked.monitoring_schedule_name is None:
        raise InvalidInput("InvalidParameter", "MonitoringScheduleName: needed to list alerts")
    wanted = asked.model_dump(include={"monitoring_schedule_name", "max_results", "next_token"})
    response = app.manage("ListMonitoringAlerts", **wanted)
    return page_of(response, "alerts", _summary, name="MonitoringAlertSummaries")


def _summary(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MonitoringAlertName": alert["monitoring_alert_name"],
        "CreationTime": moment(alert["creation_time"]),
        "LastModifiedTime": moment(alert["last_modified_time"]),
        "AlertStatus": alert["alert_status"],
        "DatapointsToAlert": alert["datapoints_to_alert"],
        "EvaluationPeriod": alert["evaluation_period"],
        "Actions": {"ModelDashboardIndicator": {"Enabled": alert["model_dashboard_indicator"]}},
    }


def _list_history(app: App, asked: AlertsWanted) -> dict[str, Any]:
    response = app.manage("ListMonitoringAlertHistory", **asked.model_dump(mode="json"))
    return page_of(response, "alert_history", _change, name="MonitoringAlertHistory")


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MonitoringScheduleName": change["monitoring_schedule_name"],
        "MonitoringAlertName": change["alert_name"],
        "CreationTime": moment(change["creation_time"]),
        "AlertStatus": change["alert_status"],
    }


def _update(app: App, asked: ApiAlertUpdate) -> dict[str, Any]:
    app.manage("UpdateMonitoringAlert", **asked.model_dump(mode="json"))
    return {
        "MonitoringScheduleArn": arn(app.arns, "monitoring-schedule", asked.monitoring_schedule_name),
        "MonitoringAlertName": asked.monitoring_alert_name,
    }


ALERT_OPERATIONS: Mapping[str, Operation] = {
    "ListMonitoringAlerts": Operation(AlertsWanted, _list),
    "ListMonitoringAlertHistory": Operation(AlertsWanted, _list_history),
    "UpdateMonitoringAlert": Operation(ApiAlertUpdate, _update),
}
