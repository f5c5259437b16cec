"""Where the metrics of a schedule are in CloudWatch."""

from __future__ import annotations

from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest


def metric_namespace(monitor: MonitoringExecution | ScheduleRequest, prefix: str) -> str:
    """Return the CloudWatch namespace for the metrics of an execution, or of all executions of a schedule.

    With the prefix ``aws/sagemaker`` it is SageMaker's: dashboards on it go on working.
    """
    watched = "Endpoints" if monitor.endpoint_name else "ModelMonitoring"
    return f"{prefix}/{watched}/{monitor.kind.metric_namespace}"
