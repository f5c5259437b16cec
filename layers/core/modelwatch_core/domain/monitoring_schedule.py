"""What is watched, against what, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, UtcDatetime
from modelwatch_core.domain.windows import ScheduleExpression

ScheduleName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
"""SageMaker's rule for the name of a monitoring schedule."""


class MonitoringType(StrEnum):
    """SageMaker's kinds of monitor that are built."""

    DATA_QUALITY = "DataQuality"

    @property
    def analysis_type(self) -> str:
        """The word for this kind in the container's environment."""
        return {MonitoringType.DATA_QUALITY: "DATA_QUALITY"}[self]


class ScheduleStatus(StrEnum):
    """SageMaker's words."""

    SCHEDULED = "Scheduled"
    STOPPED = "Stopped"


class EndpointInput(Owned):
    """The endpoint that is watched. What is not given is looked up at the endpoint when the schedule is created."""

    endpoint_name: NonEmpty
    variant_name: NonEmpty = "AllTraffic"
    data_captured_destination_s3_uri: S3Uri | None = None


class Baseline(Owned):
    """The files that current data is compared with."""

    constraints_s3_uri: S3Uri
    statistics_s3_uri: S3Uri | None = None


class ScheduleRequest(Owned):
    """What a user asks for; see ``MonitoringSchedule`` for what is kept."""

    monitoring_schedule_name: ScheduleName
    monitoring_type: MonitoringType = MonitoringType.DATA_QUALITY
    schedule_expression: str
    endpoint_input: EndpointInput
    baseline: Baseline
    output_s3_uri: S3Uri | None = None
    publish_cloudwatch_metrics: bool = True
    start_delay_minutes: int = Field(default=5, ge=0, le=59)

    @field_validator("schedule_expression")
    @classmethod
    def _is_an_expression(cls, text: str) -> str:
        return ScheduleExpression(text).text


class MonitoringSchedule(ScheduleRequest):
    """A schedule as it is kept.

    Attributes
    ----------
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    output_s3_uri: S3Uri
    monitoring_schedule_status: ScheduleStatus = ScheduleStatus.SCHEDULED
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    version: int = 1

    @property
    def expression(self) -> ScheduleExpression:
        """The parsed schedule expression."""
        return ScheduleExpression(self.schedule_expression)
