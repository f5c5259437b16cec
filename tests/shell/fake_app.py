"""An app that gives prepared responses and notes what it was asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from modelwatch.app_client import AppClient

SCHEDULE = {
    "monitoring_schedule_name": "hourly",
    "schedule_id": "hourly-1",
    "monitoring_type": "DataQuality",
    "monitoring_schedule_status": "Scheduled",
    "schedule_expression": "cron(0 * ? * * *)",
    "start_delay_minutes": 5,
    "endpoint_input": {
        "endpoint_name": "my-endpoint",
        "inference_attribute": "0",
        "data_captured_destination_s3_uri": "s3://my-bucket/capture/my-endpoint",
    },
    "batch_transform_input": None,
    "baseline": {
        "constraints_s3_uri": "s3://my-bucket/constraints.json",
        "statistics_s3_uri": "s3://my-bucket/statistics.json",
    },
    "output_s3_uri": "s3://my-bucket/results",
    "creation_time": "2026-11-20T08:00:00Z",
    "last_modified_time": "2026-11-20T08:00:00Z",
    "version": 1,
    "warnings": [],
}


def execution(hour: int, status: str = "Completed", **parts: Any) -> dict[str, Any]:
    """Return the record of an execution of ``hourly``."""
    return {
        "monitoring_schedule_name": "hourly",
        "schedule_id": "hourly-1",
        "monitoring_type": "DataQuality",
        "endpoint_name": "my-endpoint",
        "scheduled_time": f"2026-11-20T{hour:02}:00:00Z",
        "window": {"start": f"2026-11-20T{hour - 1:02}:00:00Z", "end": f"2026-11-20T{hour:02}:00:00Z"},
        "attempt": 1,
        "monitoring_execution_status": status,
        "output_s3_uri": f"s3://my-bucket/results/my-endpoint/hourly/2026/11/20/{hour:02}",
        "creation_time": f"2026-11-20T{hour:02}:05:00Z",
        "last_modified_time": f"2026-11-20T{hour:02}:06:00Z",
        "processing_job_arn": f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/hourly-{hour:02}",
        "outcome": {"violation_count": 0},
    } | parts


class FakeApp(AppClient):
    """Parameters are responses by operation: a document, an exception to raise, or a list of them in turn."""

    def __init__(self, **responses: Any) -> None:
        self.responses = responses
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

    @property
    def sagemaker_arns(self) -> str:
        return "arn:aws:sagemaker:us-east-1:123456789012"

    def manage(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._respond(operation, parameters)

    def create_baseline(self, request: Any) -> dict[str, Any]:
        return self._respond("CreateBaseliningJob", request)

    def launch(self, request: Any) -> dict[str, Any]:
        return self._respond("LaunchExecution", request)

    def _respond(self, operation: str, parameters: Any) -> dict[str, Any]:
        self.asked.append((operation, dict(parameters)))
        response = self.responses[operation]
        if isinstance(response, list):
            response = response.pop(0)
        if isinstance(response, Exception):
            raise response
        document: dict[str, Any] = response
        return document

    def parameters(self, operation: str) -> dict[str, Any]:
        """Return what the operation was asked with, the last time."""
        return [parameters for name, parameters in self.asked if name == operation][-1]
