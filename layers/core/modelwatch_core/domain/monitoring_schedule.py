"""What is watched, against what, and when."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    Field,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import Alerting
from modelwatch_core.domain.analysis_settings import MONTH
from modelwatch_core.domain.dataset_parts import read_as_a_whole
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri, SageMakerName, UtcDatetime, validation_message
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.hosts import Demand, Resources
from modelwatch_core.domain.monitor_kinds import (
    DATA_QUALITY,
    MonitoringType,
    MonitorKind,
    ProblemType,
    monitor_kind,
    refuse_unfit,
)
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.sagemaker_request import definition_name
from modelwatch_core.domain.watched_endpoint import WatchedEndpoint
from modelwatch_core.domain.windows import ScheduleExpression, Window


class ScheduleStatus(StrEnum):
    """SageMaker's statuses."""

    SCHEDULED = "Scheduled"
    STOPPED = "Stopped"


def _duration_text(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"PT{seconds // 3600}H{seconds % 3600 // 60}M{seconds % 60}S"


def _offset_text(offset: timedelta) -> str:
    return f"-{_duration_text(-offset)}"


def _read_offset(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise ValueError("is not a negative ISO 8601 duration, such as -PT2H for two hours before") from None


Offset = Annotated[
    timedelta,
    Field(le=timedelta(0)),
    WrapValidator(_read_offset),
    PlainSerializer(_offset_text, return_type=str, when_used="json"),
]
"""How far before the scheduled time something is: an ISO 8601 duration with a minus, for instance ``-PT7H``."""


class RecordAttributes(Owned):
    """Which part of a record is what; the names are SageMaker's.

    Attributes
    ----------
    features_attribute, inference_attribute, probability_attribute : str, optional
        JMESPath expressions for JSON, column indices for payloads without names, column names for data that has them.
    probability_threshold_attribute : float, optional
        A probability above it predicts the positive class.
    exclude_features_attribute : str, optional
        Names of features to leave out, with commas.
    """

    features_attribute: NonEmpty | None = None
    inference_attribute: NonEmpty | None = None
    probability_attribute: NonEmpty | None = None
    probability_threshold_attribute: Annotated[float, Field(allow_inf_nan=False)] | None = None
    exclude_features_attribute: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    @property
    def attributes(self) -> dict[str, str | float]:
        """The attributes that are given, by name."""
        given = {name: getattr(self, name) for name in RecordAttributes.model_fields}
        return {name: value for name, value in given.items() if value is not None}


class CapturedInput(RecordAttributes):
    """What is watched, and how it is read.

    Attributes
    ----------
    start_time_offset, end_time_offset : timedelta, optional
        Move the window before the scheduled time, ``[scheduled + start, scheduled + end)``.
    """

    format_name: ClassVar[str]
    """SageMaker's name of the format of what is captured."""

    start_time_offset: Offset | None = None
    end_time_offset: Offset | None = None


class EndpointInput(CapturedInput):
    """The captures of an endpoint.

    Attributes
    ----------
    variant_name : str, optional
        The one variant to watch, below its folder; all that captured, if not given.
    data_captured_destination_s3_uri : str, optional
        Where it captures; looked up at the endpoint when the schedule is created, if not given.
    capture_lateness_minutes : int
        How long after its time a record may have been written, into the folder of that later hour, and reach S3.
    """

    format_name: ClassVar[str] = "sagemakerCaptureJson"

    endpoint_name: SageMakerName
    variant_name: SageMakerName | None = None
    data_captured_destination_s3_uri: S3Uri | None = None
    capture_lateness_minutes: int = Field(default=60, ge=0, le=24 * 60)

    @property
    def lateness(self) -> timedelta:
        """How far before a window late records may be."""
        return timedelta(minutes=self.capture_lateness_minutes)


class BatchTransformInput(CapturedInput):
    """The captures of batch transform jobs.

    Attributes
    ----------
    data_captured_destination_s3_uri : str
        ``DestinationS3Uri`` of the jobs' data capture, below which ``input/`` and ``output/`` hold manifests.
    dataset_format : dict
        The format of what the manifests point at, for instance ``{"csv": {"header": true}}``.
    check_when_written : bool
        Whether each transform job that captures there is checked as soon as it is completed, as a one-off run. The
        clock of the schedule goes on, and looks at all that its windows hold.
    """

    format_name: ClassVar[str] = "batchTransform"

    data_captured_destination_s3_uri: S3Uri
    dataset_format: dict[str, Any]
    check_when_written: bool = False

    @property
    def lateness(self) -> timedelta:
        """How far before a window late rows may be that get labels: a job writes its manifest at its end."""
        return timedelta(days=1)


class Scripts(Owned):
    """Scripts of the user's own that run before and after an analysis, by SageMaker's contract for them."""

    record_preprocessor_source_uri: S3Uri | None = None
    post_analytics_processor_source_uri: S3Uri | None = None

    @property
    def sources(self) -> dict[str, str]:
        """The S3 URI of each script that is given, by its name in the analyzer's settings."""
        given = {
            "record_preprocessor_script": self.record_preprocessor_source_uri,
            "post_analytics_processor_script": self.post_analytics_processor_source_uri,
        }
        return {name: uri for name, uri in given.items() if uri}


class MonitorParameters(Scripts):
    """What some kinds of monitor need to know, of a schedule as of a baseline.

    Attributes
    ----------
    problem_type : ProblemType, optional
        What the model does whose quality is monitored.
    ground_truth_attribute : str, optional
        Where in a record, or in a label's JSON, the label is.
    analysis_config : dict or str, optional
        SageMaker's ``analysis_config.json`` of bias and explainability, or the S3 URI of one.
    environment : dict of str to str
        Further settings of the analysis, by their names in a container's environment, and variables of the user's own.
    resources : Resources, optional
        What the analysis should run on.
    image_uri : str, optional
        The container image that analyses a custom kind of monitor.
    processing : ProcessingParameters, optional
        How a processing job would run the analysis: kept and shown, and used by hosts that run jobs.
    sagemaker_request : dict, optional
        What a client of SageMaker's API sent, whose Describe gives it back: ``CreateProcessingJob``, or the
        ``MonitoringScheduleConfig`` of a schedule and ``image_uri``.
    """

    problem_type: ProblemType | None = None
    ground_truth_attribute: NonEmpty | None = None
    analysis_config: dict[str, Any] | S3Uri | None = None
    environment: dict[str, str] = Field(default_factory=dict, max_length=50)
    resources: Resources | None = None
    image_uri: NonEmpty | None = None
    processing: ProcessingParameters | None = None
    sagemaker_request: dict[str, Any] | None = None


class Baseline(Owned):
    """The files that current data is compared with: at least one of the two.

    Attributes
    ----------
    constraints_s3_uri : str, optional
        What data should satisfy. Without it nothing is compared, whatever the statistics.
    statistics_s3_uri : str, optional
        The distributions that drift is measured from. Bias and explainability, whose ``analysis.json`` holds both,
        keep and show it, and use it for nothing.
    """

    constraints_s3_uri: S3Uri | None = None
    statistics_s3_uri: S3Uri | None = None

    @model_validator(mode="after")
    def _names_a_file(self) -> Self:
        if not self.uris:
            raise ValueError("give constraints_s3_uri, statistics_s3_uri or both; or no baseline at all")
        return self

    @property
    def uris(self) -> tuple[str, ...]:
        """The S3 URI of each file that is given."""
        return tuple(filter(None, (self.constraints_s3_uri, self.statistics_s3_uri)))


_NOTHING_TO_COMPARE_WITH = (
    "there are no constraints to compare with (baseline.constraints_s3_uri): executions describe their windows in"
    " statistics and a report, and find no violations"
)


class ScheduleRequest(MonitorParameters):
    """What a user asks for; see ``MonitoringSchedule`` for what is kept.

    Attributes
    ----------
    baseline : Baseline, optional
        What data is compared with. Without constraints each execution describes its window, and finds no violations.
    ground_truth_input : str, optional
        The S3 URI below which labels are collected, in folders ``yyyy/mm/dd/hh`` or directly.
    publish_cloudwatch_metrics, publish_feature_metrics : bool
        Whether metrics of the monitored data or model are published, and also those of single features, groups and
        labels: CloudWatch charges for each.
    start_delay_minutes : int
        How long after its scheduled time an execution starts: captures reach S3 some minutes late.
    start_within_minutes : int
        How many minutes later still it may start, so that schedules of the same hour do not all start in one second.
    alert_targets : tuple of AlertTargetReference
        Who is notified; the deployment's topic if none are given.
    alerting : Alerting
        When they are notified, and how serious it is.
    model_dashboard_indicator : bool
        Whether the dashboard shows its state.
    data_analysis_start_time, data_analysis_end_time : str, optional
        The window of a schedule that was asked for with ``NOW``: durations from its run, or moments. Its expression is
        kept as that of the minute of its run.
    """

    monitoring_schedule_name: SageMakerName
    monitoring_type: MonitoringType = DATA_QUALITY.monitoring_type
    schedule_expression: str
    endpoint_input: EndpointInput | None = None
    batch_transform_input: BatchTransformInput | None = None
    baseline: Baseline | None = None
    ground_truth_input: S3Uri | None = None
    output_s3_uri: S3Uri | None = None
    publish_cloudwatch_metrics: bool = True
    publish_feature_metrics: bool = False
    start_delay_minutes: int = Field(default=5, ge=0, le=59)
    start_within_minutes: int = Field(default=5, ge=0, le=60)
    alert_targets: tuple[AlertTargetReference, ...] = Field(default=(), max_length=20)
    alerting: Alerting = Alerting()
    model_dashboard_indicator: bool = True
    data_analysis_start_time: NonEmpty | None = None
    data_analysis_end_time: NonEmpty | None = None

    @field_validator("schedule_expression")
    @classmethod
    def _is_an_expression(cls, text: str) -> str:
        return ScheduleExpression(text).text

    @model_validator(mode="after")
    def _watches_one_thing(self) -> Self:
        if (self.endpoint_input is None) == (self.batch_transform_input is None):
            raise ValueError("give either endpoint_input or batch_transform_input")
        return self

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        refuse_unfit(self.monitoring_type, self.kind.schedule_parameters, dict(self))
        return self

    @model_validator(mode="after")
    def _its_windows_start_before_they_end(self) -> Self:
        start, end = self.captured_input.start_time_offset, self.captured_input.end_time_offset or timedelta(0)
        if start is not None and start >= end:
            message = f"start_time_offset: {_offset_text(start)} is not before the end of the window, "
            raise ValueError(f"{message}{_offset_text(end)}; give one further back")
        try:
            self.window(self.expression.example_due_time)
        except InvalidInput as error:
            raise ValueError(error.message) from None
        return self

    def refuse_windows_that_may_be_empty(self) -> None:
        """Refuse a window that ends further back than the time since the one before it may be.

        This is no part of reading a schedule, so that one that was accepted earlier can be read and changed.

        Raises
        ------
        InvalidInput
            ``InvalidParameter``.
        """
        start, end = self.captured_input.start_time_offset, self.captured_input.end_time_offset
        if start is not None or not end:
            return
        shortest = self.expression.shortest_interval()
        if shortest is not None and -end >= shortest:
            raise InvalidInput(
                "InvalidParameter",
                f"end_time_offset: {self.schedule_expression} may be due again after {_duration_text(shortest)},"
                f" and then a window that ends {_duration_text(-end)} earlier is empty; give a"
                " start_time_offset too, or an end less far back",
            )

    @property
    def warnings(self) -> list[str]:
        """What whoever makes the schedule should know, a sentence each."""
        finds_nothing = not self.compares and self.kind.analysis is not None  # a user's own container may need none
        return [*self._overlaps(), *([_NOTHING_TO_COMPARE_WITH] if finds_nothing else [])]

    @property
    def compares(self) -> bool:
        """Whether there are constraints to compare with; without them executions find no violations."""
        return self.baseline is not None and self.baseline.constraints_s3_uri is not None

    def _overlaps(self) -> list[str]:
        expression = self.expression
        window, shortest = self.window(expression.example_due_time), expression.shortest_interval()
        width = window.end - window.start
        if shortest is None or width <= shortest or not self._has_offsets:
            return []
        several = (
            f"start_time_offset and end_time_offset make windows of {_duration_text(width)}, and"
            f" {self.schedule_expression} may be due again after {_duration_text(shortest)}: a record is then"
            " analysed in several windows"
        )
        return [several]

    @property
    def expression(self) -> ScheduleExpression:
        """The parsed schedule expression."""
        return ScheduleExpression(self.schedule_expression)

    @property
    def kind(self) -> MonitorKind:
        """The kind of monitor."""
        return monitor_kind(self.monitoring_type)

    @property
    def demand(self) -> Demand:
        """What its analyses need of their host, whatever a window holds."""
        whole = read_as_a_whole(
            self.kind,
            self.captured_input.format_name,
            preprocessed=self.record_preprocessor_source_uri is not None,
            merged=self.ground_truth_input is not None,
        )
        return Demand(input_bytes=0, needs_image=self.image_uri is not None, read_as_a_whole=whole)

    @property
    def looks_per_month(self) -> int | None:
        """How many windows there are in 30 days at most, where their length does not say: by the shortest interval.

        That is so of windows that overlap or have gaps, and of batches that are checked when they are written: those
        are taken to come every hour.
        """
        batches = self.batch_transform_input
        if batches is not None and batches.check_when_written:
            return MONTH // timedelta(hours=1)
        shortest = self.expression.shortest_interval()
        return math.ceil(MONTH / shortest) if self._has_offsets and shortest is not None else None

    @property
    def _has_offsets(self) -> bool:
        watched = self.captured_input
        return watched.start_time_offset is not None or watched.end_time_offset is not None

    @property
    def captured_input(self) -> EndpointInput | BatchTransformInput:
        """What is watched."""
        watched = self.endpoint_input or self.batch_transform_input
        if watched is None:
            raise AssertionError("a schedule without input was accepted")
        return watched

    @property
    def parameters_that_are_settings(self) -> dict[str, str | float]:
        """What is given and has the name of a setting."""
        truth = self.ground_truth_attribute
        return self.captured_input.attributes | ({"ground_truth_attribute": truth} if truth else {})

    @property
    def endpoint_name(self) -> str | None:
        """The endpoint that is watched, if it is one."""
        return self.endpoint_input.endpoint_name if self.endpoint_input else None

    @property
    def watched(self) -> str:
        """What is watched: an endpoint's name, or the S3 URI of a folder of captures without a slash at its end."""
        if self.batch_transform_input:
            return self.batch_transform_input.data_captured_destination_s3_uri.rstrip("/")
        return self.endpoint_name or ""

    @property
    def tags(self) -> dict[str, str]:
        """The tags that it was given."""
        return self.processing.tags if self.processing else {}

    @property
    def job_definition_name(self) -> str | None:
        """The job definition of SageMaker's API that it was made with, if it was."""
        return definition_name(self.sagemaker_request)

    def window(self, scheduled_time: datetime) -> Window:
        """Return what the execution of a scheduled time looks at: by default, everything since the one before it.

        Raises
        ------
        InvalidInput
            ``NotAScheduledTime``, or ``WindowEmpty`` where the offsets leave no window.
        """
        window = self.expression.window(scheduled_time)
        start, end = self.captured_input.start_time_offset, self.captured_input.end_time_offset
        try:
            return Window(
                start=window.start if start is None else scheduled_time + start,
                end=window.end if end is None else scheduled_time + end,
            )
        except ValidationError as error:
            wrong = validation_message(error)
        except OverflowError:
            wrong = "a window starts and ends in the years 1 to 9999"
        raise InvalidInput("WindowEmpty", f"start_time_offset and end_time_offset: {wrong}; correct them")

    def scheduled_time_of(self, window: Window) -> datetime | None:
        """Return the scheduled time whose window this is, or None where it is that of none."""
        scheduled_time = window.end - (self.captured_input.end_time_offset or timedelta(0))
        try:
            return scheduled_time if self.window(scheduled_time) == window else None
        except InvalidInput:
            return None


class MonitoringSchedule(ScheduleRequest):
    """A schedule as it is kept.

    Attributes
    ----------
    schedule_id : str
        Its identity, made when it is created: a schedule that is created again under the same name has another one.
    active_since : datetime, optional
        Since when it fires as it does: its creation, last change or last start. What was due before is not made up.
    definition_changed, covered_until : datetime, optional
        When the definition was last replaced, and where the last window before that ended: the first window after it
        begins there, unless offsets say otherwise.
    watched_endpoint : WatchedEndpoint, optional
        Its endpoint when SageMaker last reported a change of it; None before that.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    schedule_id: NonEmpty
    output_s3_uri: S3Uri
    monitoring_schedule_status: ScheduleStatus = ScheduleStatus.SCHEDULED
    creation_time: UtcDatetime
    last_modified_time: UtcDatetime
    active_since: UtcDatetime | None = None
    definition_changed: UtcDatetime | None = None
    covered_until: UtcDatetime | None = None
    watched_endpoint: WatchedEndpoint | None = None
    version: int = 1

    def status_at(self, now: datetime) -> ScheduleStatus:
        """Return its status: one that is never due again is stopped, whoever stopped it."""
        return self.monitoring_schedule_status if self.expression.is_due_after(now) else ScheduleStatus.STOPPED

    def switched(self, status: ScheduleStatus, *, now: datetime, watched_endpoint: WatchedEndpoint | None) -> Self:
        """Return its next version with a status; one that starts now makes up nothing that was due before."""
        changes = {
            "monitoring_schedule_status": status,
            "last_modified_time": now,
            "active_since": self.active_since if status is self.monitoring_schedule_status else now,
            "watched_endpoint": watched_endpoint,
            "version": self.version + 1,
        }
        return self.model_copy(update=changes)

    @property
    def begins(self) -> datetime:
        """Since when it fires as it does."""
        return self.active_since or self.creation_time

    def overdue_at(self, fired: datetime) -> datetime | None:
        """Return when it has not fired in time, if it fired last for a moment; None if nobody wants to know."""
        hours = self.alerting.not_fired_after_hours
        is_on = self.monitoring_schedule_status is ScheduleStatus.SCHEDULED
        if hours is None or not is_on or not self.expression.is_due_after(fired):
            return None
        wait = timedelta(minutes=self.start_delay_minutes + self.start_within_minutes, hours=hours)
        return self.expression.after(fired) + wait

    def window(self, scheduled_time: datetime) -> Window:
        """Return what the execution of a scheduled time looks at: by default, everything since the one before it.

        The first window after a change of the definition begins where the last one before it ended, so that nothing is
        looked at twice or never.

        Raises
        ------
        InvalidInput
            ``NotAScheduledTime``, or ``WindowEmpty`` where the offsets leave no window.
        """
        window = super().window(scheduled_time)
        changed, covered = self.definition_changed, self.covered_until
        if changed is None or covered is None or self._has_offsets or not covered < window.end:
            return window
        before, delay = self.expression.before(scheduled_time), timedelta(minutes=self.start_delay_minutes)
        is_first = before + delay < changed <= scheduled_time + delay
        return Window(start=covered, end=window.end) if is_first else window

    def due_before(self, scheduled_time: datetime, after: datetime) -> Iterator[datetime]:
        """Yield the times at which it was due before a scheduled time and after a moment, the latest first."""
        moment = self.expression.last_due(scheduled_time)
        while moment is not None and moment > after:
            yield moment
            moment = self.expression.last_due(moment)
