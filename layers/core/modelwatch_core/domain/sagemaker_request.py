"""What SageMaker's API sent for a schedule, which its record keeps as ``sagemaker_request``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sent_config(request: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the ``MonitoringScheduleConfig`` that was sent, if SageMaker's API made the schedule."""
    return dict(request["MonitoringScheduleConfig"]) if request else None


def definition_name(request: Mapping[str, Any] | None) -> str | None:
    """Return the name of the job definition that the schedule was made with, if it was."""
    return (sent_config(request) or {}).get("MonitoringJobDefinitionName")
