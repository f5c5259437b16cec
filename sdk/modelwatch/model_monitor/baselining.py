"""One baseline that was requested."""

from __future__ import annotations

import sys
from typing import Any

from modelwatch.app_client import AppClient
from modelwatch.model_monitor.execution import File
from modelwatch.model_monitor.files import Constraints, ModelMonitoringFile, Statistics
from modelwatch.model_monitor.inputs import MonitoringOutput
from modelwatch.model_monitor.progress import wait_for
from modelwatch_core.domain.sagemaker_api.responses import Record, baselining_job

CLARIFY_FILE = "analysis.json"
"""The file that holds a baseline of bias or explainability, in place of statistics.json and constraints.json."""

CLARIFY_KINDS = frozenset({"ModelBias", "ModelExplainability"})


class _Summary(ModelMonitoringFile):
    file_name = "analysis_summary.json"


class BaseliningJob:
    """One baseline that was requested; it is made in the background.

    Parameters
    ----------
    app : AppClient
    record : mapping
        The app's record of it.
    """

    def __init__(self, app: AppClient, record: Record) -> None:
        self._app, self._record = app, record

    @property
    def job_name(self) -> str:
        """Its name."""
        return str(self._record["baselining_job_name"])

    @property
    def constraints_uri(self) -> str:
        """The S3 URI of the constraints that it makes."""
        return self._uri(CLARIFY_FILE if self._is_clarify else Constraints.file_name)

    @property
    def statistics_uri(self) -> str | None:
        """The S3 URI of the statistics that it makes; None for bias and explainability."""
        return None if self._is_clarify else self._uri(Statistics.file_name)

    @property
    def outputs(self) -> list[MonitoringOutput]:
        """Where its results go: one folder, as ``destination``."""
        return [MonitoringOutput(destination=str(self._record["output_s3_uri"]))]

    def describe(self) -> dict[str, Any]:
        """Ask the app, and return it as SageMaker's ``DescribeProcessingJob`` does."""
        self._record = self._app.manage("DescribeBaseliningJob", baselining_job_name=self.job_name)
        return baselining_job(self._app.sagemaker_arns, self._record)

    def wait(self, logs: bool = True) -> None:
        """Wait until it has ended.

        Parameters
        ----------
        logs : bool
            Whether a line is printed at each change of its status, and for each of its warnings.

        Raises
        ------
        RuntimeError
            Where it failed or was stopped, with the reason.
        """
        wait_for(f"baseline {self.job_name}", self._status, show=logs)
        if self._record["status"] != "Completed":
            raise RuntimeError(f"baseline {self.job_name}: {self._status_text()}")
        if logs:
            sys.stdout.writelines(f"Warning: {warning}\n" for warning in self.warnings())

    def warnings(self) -> list[str]:
        """Return what a person should know of the baseline that it made, a sentence each.

        They are in ``analysis_summary.json``, because they may quote values of rows. The app's record has their number
        alone, which is returned to whoever may not read the results.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if self._record["status"] == "InProgress":  # when it was last asked
            self.describe()
        noted = (self._record.get("outcome") or {}).get("warnings") or []
        if not noted:
            return []
        try:
            summary = _Summary.from_s3_uri(self._uri(_Summary.file_name), sagemaker_session=self._app)
        except (BotoCoreError, ClientError, ValueError):
            return list(noted)
        return list(map(str, summary.body_dict.get("warnings") or noted))

    def stop(self) -> None:
        """Stop it."""
        self._app.manage("StopBaseliningJob", baselining_job_name=self.job_name)

    def baseline_statistics(self, file_name: str | None = None, kms_key: str | None = None) -> Statistics:
        """Return the statistics that it made.

        Parameters
        ----------
        file_name : str, optional
            The name that a container of your own gave them.
        kms_key : str, optional
            The key that ``save`` of what is returned encrypts with; S3 decrypts what is read.

        Raises
        ------
        NotImplementedError
            For bias and explainability, whose ``analysis.json`` holds both; ``suggested_constraints`` returns it.
        ValueError
            Where it has not made them yet, or failed: its status, with the reason.
        """
        if self.statistics_uri is None:
            raise NotImplementedError(f"{self.job_name} has no statistics; suggested_constraints() has analysis.json")
        return self._file(Statistics, self._uri(file_name) if file_name else self.statistics_uri, kms_key)

    def suggested_constraints(self, file_name: str | None = None, kms_key: str | None = None) -> Constraints:
        """Return the constraints that it suggests; of bias and explainability, ``analysis.json``.

        Parameters
        ----------
        file_name, kms_key : str, optional
            See ``baseline_statistics``.

        Raises
        ------
        ValueError
            See ``baseline_statistics``.
        """
        return self._file(Constraints, self._uri(file_name) if file_name else self.constraints_uri, kms_key)

    def _file(self, kind: type[File], uri: str, kms_key: str | None) -> File:
        from botocore.exceptions import ClientError

        try:
            return kind.from_s3_uri(uri, kms_key, self._app)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
        status, ended = self._status()
        advice = "" if ended else ". Wait for its end: latest_baselining_job.wait()"
        raise ValueError(f"there is no {uri}: the baseline {self.job_name} is {status}{advice}")

    def _status(self) -> tuple[str, bool]:
        self.describe()
        return self._status_text(), self._record["status"] not in ("InProgress", "Stopping")

    def _status_text(self) -> str:
        status, outcome = str(self._record["status"]), self._record.get("outcome") or {}
        reason = outcome.get("failure_reason") or outcome.get("exit_message")
        return f"{status}: {reason}" if reason and status != "Completed" else status

    @property
    def _is_clarify(self) -> bool:
        return self._record["monitoring_type"] in CLARIFY_KINDS

    def _uri(self, name: str) -> str:
        return f"{self._record['output_s3_uri']}/{name}"
