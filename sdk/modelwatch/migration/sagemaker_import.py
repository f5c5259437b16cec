"""Makes the monitoring schedules of SageMaker in the app; SageMaker's own, and their files, stay as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from modelwatch.app_client import AppClient
from modelwatch.arguments import given
from modelwatch.migration.sagemaker_definitions import (
    Document,
    Translation,
    definition_inside,
    monitoring_type_of,
    named_definition,
    translated,
)
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import monitor_kind
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from modelwatch_core.domain.sagemaker_api.requests import BaselineConfig

_DESCRIBE = {
    "DataQuality": "describe_data_quality_job_definition",
    "ModelQuality": "describe_model_quality_job_definition",
    "ModelBias": "describe_model_bias_job_definition",
    "ModelExplainability": "describe_model_explainability_job_definition",
}


_GONE = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")
"""What SageMaker returns about what a schedule names and is no longer there."""


class Result(StrEnum):
    """What became of a schedule."""

    CREATED = "Created"
    WOULD_BE_CREATED = "WouldBeCreated"
    EXISTS = "Exists"
    NOT_CREATED = "NotCreated"


@dataclass(frozen=True, slots=True)
class Imported:
    """A schedule of SageMaker, and what became of it.

    Attributes
    ----------
    notes : tuple of str
        What has no counterpart here, or another one.
    reason : str, optional
        Why it was not created.
    parameters : dict
        Those of ``CreateMonitoringSchedule`` of the app.
    """

    name: str
    result: Result
    monitoring_type: str | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SageMakerImport:
    """Reads schedules through SageMaker's API and makes them in the app.

    Parameters
    ----------
    app : AppClient
    sagemaker
        A boto3 client of SageMaker.
    output_s3_uri : str, optional
        Where results go in place of where SageMaker writes them.
    """

    app: AppClient
    sagemaker: Any
    output_s3_uri: str | None = None

    def __call__(self, *, dry_run: bool) -> Iterator[Imported]:
        """Make each schedule that the app has none of that name for, and yield what became of it.

        Parameters
        ----------
        dry_run : bool
            Whether nothing is made, and it is only said what would be; the app checks each all the same.
        """
        pages = self.app.pages("ListMonitoringSchedules", "schedules")
        existing = [each.get("monitoring_schedule_name") for each in pages]
        there = len(existing)
        for page in self.sagemaker.get_paginator("list_monitoring_schedules").paginate():
            for summary in page["MonitoringScheduleSummaries"]:
                name = str(summary["MonitoringScheduleName"])
                if name in existing:
                    yield Imported(name, Result.EXISTS, summary.get("MonitoringType"))
                else:
                    imported = self._imported(name, there, dry_run=dry_run)
                    there += imported.result is not Result.NOT_CREATED
                    yield imported

    def _imported(self, name: str, there: int, *, dry_run: bool) -> Imported:
        from botocore.exceptions import ClientError

        try:
            schedule = self.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
            translation = self._translated(schedule)
        except InvalidInput as error:  # SageMaker has a form of it that is not known here
            return Imported(name, Result.NOT_CREATED, reason=str(error))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            said = f"{error.operation_name}: {error.response['Error']['Message']}"
            return Imported(name, Result.NOT_CREATED, reason=said)
        known = Imported(
            name,
            Result.WOULD_BE_CREATED,
            translation.parameters["monitoring_type"],
            translation.notes,
            parameters=translation.parameters,
        )
        if reason := _why_not(translation.parameters):
            return replace(known, result=Result.NOT_CREATED, reason=reason)
        # In one step: a schedule that is stopped at SageMaker must not run here because an import died between two.
        stopped = {"monitoring_schedule_status": "Stopped"} if schedule["MonitoringScheduleStatus"] == "Stopped" else {}
        return self._created(known, stopped, there, dry_run=dry_run)

    def _created(self, known: Imported, more: Mapping[str, str], there: int, *, dry_run: bool) -> Imported:
        from botocore.exceptions import ClientError

        try:
            asked = {**(known.parameters or {}), **more, **({"dry_run": True} if dry_run else {})}
            response = self.app.manage("CreateMonitoringSchedule", **asked)
        except ValueError as error:
            return replace(known, result=Result.NOT_CREATED, reason=str(error))
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] not in ("ResourceInUse", "ResourceLimitExceeded", "ConflictException"):
                raise
            return replace(known, result=Result.NOT_CREATED, reason=details["Message"])
        if not dry_run:
            return replace(known, result=Result.CREATED)
        if there >= response.get("most_schedules", sys.maxsize):  # an app of an earlier version does not say it
            reason = f"there would be more than {there} schedules: raise the deployment's parameter MostSchedules"
            return replace(known, result=Result.NOT_CREATED, reason=reason)
        return known

    def _translated(self, schedule: Document) -> Translation:
        config, kind = schedule["MonitoringScheduleConfig"], monitoring_type_of(schedule)
        if inside := config.get("MonitoringJobDefinition"):
            definition = definition_inside(inside)
        else:
            name = config["MonitoringJobDefinitionName"]
            definition = named_definition(kind, getattr(self.sagemaker, _DESCRIBE[kind])(JobDefinitionName=name))
        baseline = self._baseline(definition.baseline_config, kind)
        found = translated(schedule, definition, baseline, self._tags(schedule["MonitoringScheduleArn"]))
        alerting = self._alerting(schedule["MonitoringScheduleName"])
        parameters = found.parameters | given(output_s3_uri=self.output_s3_uri, alerting=alerting)
        return Translation(parameters, found.notes)

    def _baseline(self, config: BaselineConfig | None, kind: str) -> dict[str, str]:
        """Return the files of a baseline; those of one that is named by its job alone are asked for."""
        if config is None:
            return {}
        if config.baselining_job_name is None or config.constraints_resource:
            return config.files
        job = self.sagemaker.describe_processing_job(ProcessingJobName=config.baselining_job_name)
        outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", ())
        if not outputs or "S3Output" not in outputs[0]:
            raise InvalidInput(
                "BaselineNotFound", f"the job {config.baselining_job_name} stored its output nowhere in S3"
            )
        folder = outputs[0]["S3Output"]["S3Uri"].rstrip("/")
        return {name: f"{folder}/{file}" for name, file in monitor_kind(kind).baseline_files.items()}

    def _tags(self, arn: str) -> dict[str, str]:
        pages = self.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", ())}

    def _alerting(self, name: str) -> Document | None:
        """Return for how many of how many bad executions its alert waits; None where it waits for one of one."""
        pages = self.sagemaker.get_paginator("list_monitoring_alerts").paginate(MonitoringScheduleName=name)
        for page in pages:
            for alert in page.get("MonitoringAlertSummaries", ()):
                due, of = alert["DatapointsToAlert"], alert["EvaluationPeriod"]
                if of > 1:
                    return {"violations": {"datapoints_to_alert": due, "evaluation_period": of}}
        return None


def _why_not(parameters: Mapping[str, Any]) -> str | None:
    """Return why the app would refuse parameters, as far as they say it themselves."""
    if parameters["schedule_expression"] == "NOW":
        return "it runs once, and has run"
    try:
        parsed(ScheduleRequest, dict(parameters))
    except InvalidInput as error:
        return str(error)
    return None
