"""Monitoring alerts and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwatch_core.app.sagemaker_api.operation import App, Operation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_api.answers import arn, given, moment
from modelwatch_core.domain.sagemaker_api.requests import AlertsWanted, ApiAlertUpdate


def _list(app: App, asked: AlertsWanted) -> dict[str, Any]:
    if asked.monitoring_schedule_name is None:
        raise InvalidInput("InvalidParameter", "MonitoringScheduleName: needed to list alerts")
    wanted = asked.model_dump(include={"monitoring_schedule_name", "max_results", "next_token"})
    answer = app.manage("ListMonitoringAlerts", **wanted)
    summaries = [
        {
            "MonitoringAlertName": each["monitoring_alert_name"],
            "CreationTime": moment(each["creation_time"]),
            "LastModifiedTime": moment(each["last_modified_time"]),
            "AlertStatus": each["alert_status"],
            "DatapointsToAlert": each["datapoints_to_alert"],
            "EvaluationPeriod": each["evaluation_period"],
            "Actions": {"ModelDashboardIndicator": {"Enabled": each["model_dashboard_indicator"]}},
        }
        for each in answer["alerts"]
    ]
    return given(MonitoringAlertSummaries=summaries, NextToken=answer["next_token"])


def _list_history(app: App, asked: AlertsWanted) -> dict[str, Any]:
    answer = app.manage("ListMonitoringAlertHistory", **asked.model_dump(mode="json"))
    history = [
        {
            "MonitoringScheduleName": each["monitoring_schedule_name"],
            "MonitoringAlertName": each["alert_name"],
            "CreationTime": moment(each["creation_time"]),
            "AlertStatus": each["alert_status"],
        }
        for each in answer["alert_history"]
        if "unreadable" not in each
    ]
    return given(MonitoringAlertHistory=history, NextToken=answer["next_token"])


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
