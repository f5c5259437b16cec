"""Alerts of schedules, with the names and fields of SageMaker's Python SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from modelwatch.model_monitor.alert_actions import ModelDashboardIndicatorAction


@dataclass(frozen=True)
class MonitoringAlertSummary:
    """How an alert stands.

    Attributes
    ----------
    alert_name : str
        ``violations``, ``failed-executions``, ``no-data`` or ``not-fired``.
    creation_time, last_modified_time : datetime
        When its schedule was made, and when the alert itself last changed.
    alert_status : str
        ``InAlert`` or ``OK``.
    data_points_to_alert, evaluation_period : int
        It is on while so many of so many of the latest executions are bad.
    actions : dict
        ``model_dashboard_indicator``: whether the app's own dashboard shows the schedule's state.
    """

    alert_name: str
    creation_time: datetime
    last_modified_time: datetime
    alert_status: str
    data_points_to_alert: int
    evaluation_period: int
    actions: dict[str, ModelDashboardIndicatorAction]

    @classmethod
    def of(cls, alert: Mapping[str, Any]) -> Self:
        """Return an alert that the app listed."""
        indicator = ModelDashboardIndicatorAction(enabled=alert["model_dashboard_indicator"])
        return cls(
            alert_name=alert["monitoring_alert_name"],
            creation_time=datetime.fromisoformat(alert["creation_time"]),
            last_modified_time=datetime.fromisoformat(alert["last_modified_time"]),
            alert_status=alert["alert_status"],
            data_points_to_alert=alert["datapoints_to_alert"],
            evaluation_period=alert["evaluation_period"],
            actions={"model_dashboard_indicator": indicator},
        )


@dataclass(frozen=True)
class MonitoringAlertHistorySummary:
    """A change of the state of an alert.

    Attributes
    ----------
    alert_name : str
        See ``MonitoringAlertSummary``.
    creation_time : datetime
        When it changed.
    alert_status : str
        The state after it: ``InAlert`` or ``OK``.
    """

    alert_name: str
    creation_time: datetime
    alert_status: str

    @classmethod
    def of(cls, change: Mapping[str, Any]) -> Self:
        """Return a change that the app listed."""
        return cls(change["alert_name"], datetime.fromisoformat(change["creation_time"]), change["alert_status"])
