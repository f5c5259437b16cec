"""One run of a schedule."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TypeVar

from modelwatch.app_client import AppClient, app_client
from modelwatch.arguments import LONGEST_RUN_IN_SECONDS, integer
from modelwatch.execution_records import execution_record
from modelwatch.model_monitor.files import ConstraintViolations, ModelMonitoringFile, Statistics
from modelwatch.model_monitor.inputs import MonitoringOutput
from modelwatch.model_monitor.progress import wait_for
from modelwatch.s3 import S3Downloader
from modelwatch_core.domain.sagemaker_api.responses import (
    Record,
    execution_summary,
    moment,
    processing_job_arn,
    processing_job_status,
)

File = TypeVar("File", bound=ModelMonitoringFile)
Content = TypeVar("Content")

OPEN_STATUSES = frozenset({"Pending", "InProgress", "Stopping"})
"""The statuses of an execution that has not ended."""

ENDED_WELL = frozenset({"Completed", "CompletedWithViolations"})
"""The statuses of an execution whose analysis came to its end."""


def execution_key(record: Record) -> dict[str, Any]:
    """Return what identifies an execution, as the app's operations take it."""
    return {name: record[name] for name in ("monitoring_schedule_name", "schedule_id", "window", "attempt")}


class MonitoringExecution(dict[str, Any]):
    """One run of a schedule: a dict as SageMaker's ``ListMonitoringExecutions`` has it, with attributes and methods.

    The attributes are those of the last time that the app was asked; ``describe`` and ``wait`` ask again.

    Parameters
    ----------
    app : AppClient
    record : mapping
        The app's record of it.
    """

    def __init__(self, app: AppClient, record: Record) -> None:
        super().__init__(execution_summary(app.sagemaker_arns, record))
        self._app, self._record = app, record

    @classmethod
    def from_processing_arn(cls, sagemaker_session: Any, processing_job_arn: str) -> Self:
        """Return the execution that an ARN of ``ListMonitoringExecutions`` names.

        Parameters
        ----------
        sagemaker_session
            See ``modelwatch.app_client.app_client``.
        processing_job_arn : str
            Its ``ProcessingJobArn``.

        Raises
        ------
        ValueError
            Where the app has no such execution.
        """
        app = app_client(sagemaker_session)
        return cls(app, execution_record(app, processing_job_arn))

    @property
    def monitoring_schedule_name(self) -> str:
        """The schedule that it is of."""
        return str(self._record["monitoring_schedule_name"])

    @property
    def monitoring_execution_status(self) -> str:
        """``Pending``, ``InProgress``, ``Completed``, ``CompletedWithViolations``, ``Failed`` or ``Stopped``."""
        return str(self._record["monitoring_execution_status"])

    @property
    def scheduled_time(self) -> datetime:
        """When it was due; the end of its window for a run that was requested."""
        return moment(self._record["scheduled_time"])

    @property
    def creation_time(self) -> datetime:
        """When it was planned."""
        return moment(self._record["creation_time"])

    @property
    def last_modified_time(self) -> datetime:
        """When its record was last changed."""
        return moment(self._record["last_modified_time"])

    @property
    def processing_job_arn(self) -> str:
        """Its identity in the form of a processing job's ARN; ``S3Downloader`` finds its results by it."""
        return processing_job_arn(self._app.sagemaker_arns, self._record)

    @property
    def endpoint_name(self) -> str | None:
        """The endpoint, if one is watched."""
        return self._record.get("endpoint_name")

    @property
    def failure_reason(self) -> str | None:
        """Why it failed or was stopped: a code, what went wrong, and what to do."""
        return (self._record.get("outcome") or {}).get("failure_reason")

    @property
    def exit_message(self) -> str | None:
        """What its analysis said at its end."""
        return (self._record.get("outcome") or {}).get("exit_message")

    @property
    def violation_report_uri(self) -> str | None:
        """The S3 URI of its report of violations, where it compared with constraints."""
        return self._record.get("violation_report_uri")

    @property
    def output(self) -> MonitoringOutput:
        """Where its results are: ``destination`` is the folder of this execution."""
        return MonitoringOutput(destination=str(self._record["output_s3_uri"]))

    def record(self) -> dict[str, Any]:
        """Ask the app, and return its own record of the execution."""
        self._refresh()
        return dict(self._record)

    def describe(self) -> dict[str, Any]:
        """Ask the app, and return the execution.

        Returns
        -------
        dict
            The summary; what SageMaker's ``DescribeProcessingJob`` says of its job's name, status, end, inputs and
            results; and the app's own record as ``Modelwatch``.
        """
        record = self.record()
        name = self.processing_job_arn.rpartition("/")[2]
        described = self._app.sagemaker("DescribeProcessingJob", {"ProcessingJobName": name})["response"]
        job = {
            "ProcessingJobName": name,
            "ProcessingJobStatus": processing_job_status(self._record),
            "ProcessingInputs": described["ProcessingInputs"],
        }
        location = {"S3Uri": self._record["output_s3_uri"], "LocalPath": self.output.source}
        outputs = {"Outputs": [{"OutputName": "monitoring_output", "S3Output": location}]}
        more = {"ExitMessage": self.exit_message, "ViolationReportUri": self.violation_report_uri}
        known = {name: value for name, value in more.items() if value is not None}
        return dict(self) | job | {"ProcessingOutputConfig": outputs} | known | {"Modelwatch": record}

    def wait(self, logs: bool = True, timeout_in_seconds: int = LONGEST_RUN_IN_SECONDS) -> None:
        """Wait until it has ended.

        Parameters
        ----------
        logs : bool
            Whether a line is printed at each change of its status. The log itself is printed by ``print_logs``.
        timeout_in_seconds : int
            How long to wait, 1 to 86,400: a day, which no run takes longer than.

        Raises
        ------
        botocore.exceptions.WaiterError
            Where it failed or was stopped, with the reason, or has not ended in time; it goes on then.
        """
        most = integer("timeout_in_seconds", timeout_in_seconds, 1, LONGEST_RUN_IN_SECONDS)
        try:
            wait_for(f"execution of {self.monitoring_schedule_name}", self._status, show=logs, most_seconds=most)
        except TimeoutError as error:
            raise self._waiter_error(str(error)) from None
        if self.monitoring_execution_status not in ENDED_WELL:
            raise self._waiter_error(f"{self.monitoring_execution_status}: {self.failure_reason}")

    def print_logs(self) -> None:
        """Print what its run has written to its log group so far, the earliest line first.

        Raises
        ------
        ValueError
            Where it has not been started, so that there is no log yet.
        """
        self._refresh()
        run = self._record.get("run") or {}
        location = run.get("log_location")
        if not location:
            raise ValueError(
                f"the execution of {self.monitoring_schedule_name} has no log:"
                f" it is {self.monitoring_execution_status}. {self.failure_reason or 'Wait for its start.'}"
            )
        pages = self._app.client("logs").get_paginator("filter_log_events")
        wanted = {"logGroupName": location.partition(" ")[0]} | _lines_of(run, self.creation_time)
        lines = [event["message"].rstrip() for page in pages.paginate(**wanted) for event in page["events"]]
        sys.stdout.write("\n".join(lines or [f"{location} has no lines yet"]) + "\n")

    def stop(self) -> None:
        """Stop it, and the analysis that it runs.

        Raises
        ------
        ValueError
            ``ExecutionEnded``.
        """
        self._app.manage("StopMonitoringExecution", **execution_key(self._record))
        self._refresh()

    def statistics(self, file_name: str = Statistics.file_name, kms_key: str | None = None) -> Statistics | None:
        """Return the statistics of its window; None where its kind of monitor writes none.

        Parameters
        ----------
        file_name : str
            The name that its container gave them.
        kms_key : str, optional
            The key that ``save`` of what is returned encrypts with; S3 decrypts what is read.

        Raises
        ------
        ValueError
            Where it has not ended well.
        """
        return self._file(Statistics, file_name, kms_key)

    def constraint_violations(
        self, file_name: str = ConstraintViolations.file_name, kms_key: str | None = None
    ) -> ConstraintViolations | None:
        """Return what it found; None where its schedule has no constraints, or its container reported nothing.

        See ``statistics``.
        """
        self._refuse_without_results(file_name)
        reported, outcome = self.violation_report_uri, self._record.get("outcome") or {}
        if file_name == ConstraintViolations.file_name:
            if reported is None and outcome.get("violation_count") is None:
                return None  # what its folder may hold is of another schedule that had its name
            file_name = reported.rpartition("/")[2] if reported else file_name  # a user's own container chooses it
        return self._file(ConstraintViolations, file_name, kms_key)

    def report(self) -> bytes:
        """Return its report, ``report.html``.

        Raises
        ------
        ValueError
            Where there is none, because it has not ended well, or its container writes none.
        """
        content = self._read("report.html", lambda uri: S3Downloader.read_bytes(uri, self._app))
        if content is None:
            raise self._no_file("report.html")
        return content

    def _file(self, kind: type[File], file_name: str, kms_key: str | None) -> File | None:
        return self._read(file_name, lambda uri: kind.from_s3_uri(uri, kms_key, self._app))

    def _read(self, file_name: str, read: Callable[[str], Content]) -> Content | None:
        """Return what is read of a file of its results; None where it ended well and has no such file."""
        from botocore.exceptions import ClientError

        self._refuse_without_results(file_name)
        uri = f"{self._record['output_s3_uri']}/{file_name}"
        try:
            return None if self._is_of_an_earlier_attempt(uri) else read(uri)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            return None

    def _refuse_without_results(self, file_name: str) -> None:
        """Refuse to read what is not all, or of an earlier attempt, as what its folder holds before a good end."""
        if self.monitoring_execution_status in OPEN_STATUSES:
            self._refresh()
        if self.monitoring_execution_status not in ENDED_WELL:
            raise self._no_file(file_name)

    def _is_of_an_earlier_attempt(self, uri: str) -> bool:
        """Whether a file in its folder is older than it is.

        All attempts at a window share the folder. What an earlier one wrote is there until it is replaced, which a
        user's own container need not do.
        """
        if self._record["attempt"] == 1:
            return False
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        written = self._app.client("s3").head_object(Bucket=bucket, Key=key)["LastModified"]
        return bool(written < self.creation_time.replace(microsecond=0))  # S3 gives whole seconds

    def _no_file(self, file_name: str) -> ValueError:
        status = self.monitoring_execution_status
        advice = "Its container writes none." if status in ENDED_WELL else self.failure_reason or "Wait for its end."
        return ValueError(
            f"the execution of {self.monitoring_schedule_name} has no {file_name}: it is {status}. {advice}"
        )

    def _status(self) -> tuple[str, bool]:
        self._refresh()
        status = self.monitoring_execution_status
        message = self.failure_reason or self.exit_message
        return (f"{status}: {message}" if message else status), status not in OPEN_STATUSES

    def _waiter_error(self, reason: str) -> Exception:
        from botocore.exceptions import WaiterError

        last: Any = dict(self)
        return WaiterError(name="MonitoringExecution", reason=reason, last_response=last)

    def _refresh(self) -> None:
        named = {name: self._record[name] for name in ("monitoring_schedule_name", "schedule_id")}
        key = execution_key(self._record)
        for record in self._app.pages("ListMonitoringExecutions", "executions", **named):
            if all(record.get(name) == value for name, value in key.items()):
                self._record = record
                self.clear()
                self.update(execution_summary(self._app.sagemaker_arns, record))
                return
        name = self.monitoring_schedule_name
        raise ValueError(f"ExecutionNotFound: the app no longer has a record of this execution of {name}")


def _lines_of(run: Record, since: datetime) -> dict[str, Any]:
    """Return by what the lines of a run are found: a processing job has streams; Lambda's lines name their request."""
    if run["host"] == "sagemaker":
        return {"logStreamNamePrefix": f"{run['run_id']}/"}
    return {"filterPattern": f'"{run["run_id"]}"', "startTime": int(since.timestamp() * 1000)}
