"""The deployed app, used as an operator uses it: through its Lambda functions and its buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alert_states import AlertTransition
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.monitoring_execution import MonitoringExecution


class Stack(Protocol):
    """What the demo needs of a running stack."""

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""

    def client(self, service: str) -> Any:
        """Make a boto3 client with an operator's credentials."""


class App:
    """The app of a stack.

    Parameters
    ----------
    stack : Stack
        A stack that template.yaml was deployed to.
    """

    def __init__(self, stack: Stack) -> None:
        self._outputs = stack.outputs
        self._lambda = stack.client("lambda")
        self._s3 = stack.client("s3")

    @property
    def results(self) -> str:
        """S3 URI of the bucket that reports go to."""
        return f"s3://{self._outputs['ResultsBucketName']}"

    def create_baseline(self, request: Mapping[str, Any]) -> None:
        """Request a baseline; it is made in the background."""
        self._invoke("CreateBaselineFunction", request)

    def baselining_job(self, name: str) -> BaseliningJob:
        """Return the record of a baseline."""
        return BaseliningJob.model_validate(self._manage("DescribeBaseliningJob", baselining_job_name=name))

    def create_schedule(self, **parameters: Any) -> None:
        """Create a monitoring schedule, which starts at once."""
        self._manage("CreateMonitoringSchedule", **parameters)

    def run_again(self, schedule: str, scheduled_time: datetime) -> None:
        """Request another analysis of a window; it is made in the background.

        Raises
        ------
        InvalidInput
            With the code of the refusal, if the app refuses.
        """
        request = {
            "monitoring_schedule_name": schedule,
            "scheduled_time": iso_utc(scheduled_time),
            "tick_id": f"{schedule} again at {iso_utc(scheduled_time)}",
            "backfill": True,
        }
        response = self._invoke("LaunchExecutionFunction", request)
        if refusal := response.get("refusal"):
            raise InvalidInput(refusal["code"], refusal["message"])

    def executions(self, schedule: str) -> list[MonitoringExecution]:
        """Return the executions of a schedule, newest first."""
        response = self._manage("ListMonitoringExecutions", monitoring_schedule_name=schedule)
        return [_record(execution) for execution in response["executions"]]

    def alert_changes(self) -> list[AlertTransition]:
        """Return the changes of all alerts, the oldest first."""
        response = self._manage("ListMonitoringAlertHistory", sort_order="Ascending")
        return [AlertTransition.model_validate(change) for change in response["alert_history"]]

    def write(self, s3_uri: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = s3_layout.split(s3_uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def files(self, folder: str, ending: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield the objects in a folder of S3 whose keys have an ending: the path below the folder, and the content."""
        bucket, prefix = s3_layout.split(folder.rstrip("/") + "/")
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for key in (found["Key"] for found in page.get("Contents", ())):
                if key.endswith(ending):
                    content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                    yield key.removeprefix(prefix), content

    def _manage(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._invoke("ManageMonitorsFunction", {"operation": operation, "parameters": parameters})

    def _invoke(self, output: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        response = self._lambda.invoke(FunctionName=self._outputs[output], Payload=json.dumps(payload).encode())
        document: dict[str, Any] = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise Upstream("FunctionFailed", f"{output}: {document.get('errorMessage')}")
        return document


def _record(execution: Mapping[str, Any]) -> MonitoringExecution:
    """Return the record of an execution, without the name that the response adds, and nulls of what is unknown."""
    record = {name: execution[name] for name in MonitoringExecution.model_fields}
    if outcome := record["outcome"]:
        record["outcome"] = {name: value for name, value in outcome.items() if value is not None}
    return MonitoringExecution.model_validate(record)
