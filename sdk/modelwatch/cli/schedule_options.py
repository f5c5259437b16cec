"""The options of ``modelwatch schedules create`` and ``update``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from modelwatch.app_client import AppClient
from modelwatch.arguments import given
from modelwatch.cli.parameter_files import overlaid
from modelwatch_core.domain.monitor_kinds import KINDS

KindOfMonitor = Annotated[
    str | None,
    typer.Option(metavar="KIND", help=f"A kind of monitor: {', '.join(KINDS)}.", autocompletion=lambda: [*KINDS]),
]
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression"]

_OF_INPUT = (
    "features_attribute",
    "inference_attribute",
    "probability_attribute",
    "probability_threshold_attribute",
    "exclude_features_attribute",
    "start_time_offset",
    "end_time_offset",
)
_PARTS = ("endpoint_input", "batch_transform_input", "baseline")
_CAPTURES = "data_captured_destination_s3_uri"
_AS_THEY_ARE = (
    "monitoring_type",
    "schedule_expression",
    "output_s3_uri",
    "problem_type",
    "ground_truth_input",
    "ground_truth_attribute",
    "analysis_config",
    "data_analysis_start_time",
    "data_analysis_end_time",
    "publish_cloudwatch_metrics",
    "publish_feature_metrics",
    "model_dashboard_indicator",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeOptions:
    """Which part of a record is what."""

    features_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH", help="Where the features are in JSON.")
    ] = None
    inference_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH|INDEX", help="Where the prediction is.")
    ] = None
    probability_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH|INDEX", help="Where the probability is.")
    ] = None
    probability_threshold_attribute: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="A probability above it predicts the positive class.")
    ] = None
    exclude_features_attribute: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Features to leave out, separated by commas.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions(AttributeOptions):
    """What some kinds of monitor need."""

    problem_type: Annotated[Problem | None, typer.Option(help="What the model predicts; for model quality.")] = None
    ground_truth_attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where the label is in a record, or in a label's JSON.")
    ] = None
    analysis_config: Annotated[
        str | None, typer.Option(metavar="S3URI", help="The analysis_config.json of a bias or explainability monitor.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions(ModelOptions):
    """The usual parameters of a schedule; ``--from-file`` takes all of them."""

    monitoring_type: KindOfMonitor = None
    schedule_expression: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION", help="When it is due, in UTC: 'cron(0 * ? * * *)' is hourly; NOW runs it once."
        ),
    ] = None
    endpoint_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The endpoint; its data capture must be enabled.")
    ] = None
    variant_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The only variant to watch; all by default.")
    ] = None
    baselining_job_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare with the baseline that this baselining job made.")
    ] = None
    constraints: Annotated[
        str | None,
        typer.Option(
            metavar="S3URI", help="The baseline's constraints.json; analysis.json for bias or explainability."
        ),
    ] = None
    statistics: Annotated[str | None, typer.Option(metavar="S3URI", help="The baseline's statistics.json.")] = None
    ground_truth_input: Annotated[
        str | None, typer.Option(metavar="S3URI", help="The folder to which labels are uploaded.")
    ] = None
    output_s3_uri: Annotated[
        str | None, typer.Option(metavar="S3URI", help="The folder for results; one in the results bucket by default.")
    ] = None
    start_time_offset: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="When a window starts, relative to the scheduled time: -PT2H."),
    ] = None
    end_time_offset: Annotated[
        str | None, typer.Option(metavar="DURATION", help="When a window ends, relative to the scheduled time: -PT1H.")
    ] = None
    data_analysis_start_time: Annotated[
        str | None, typer.Option(metavar="DURATION", help="The start of the window of a schedule that runs NOW: -PT1H.")
    ] = None
    data_analysis_end_time: Annotated[
        str | None, typer.Option(metavar="DURATION", help="The end of that window: -PT0H.")
    ] = None
    publish_cloudwatch_metrics: Annotated[
        bool | None, typer.Option(help="Whether to publish metrics to CloudWatch; yes by default.")
    ] = None
    publish_feature_metrics: Annotated[
        bool | None,
        typer.Option(
            help="Whether to publish metrics of each feature too, for which CloudWatch charges; no by default."
        ),
    ] = None
    model_dashboard_indicator: Annotated[
        bool | None, typer.Option(help="Whether the dashboard shows the schedule's state; yes by default.")
    ] = None

    def parameters(self, app: AppClient, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document of parameters, with the app's names, and over it what was given as options."""
        attributes = given(**{name: getattr(self, name) for name in _OF_INPUT})
        endpoint = given(endpoint_name=self.endpoint_name, variant_name=self.variant_name)
        watched = "endpoint_input" if endpoint or not document.get("batch_transform_input") else "batch_transform_input"
        options = given(
            **{name: getattr(self, name) for name in _AS_THEY_ARE},
            **{watched: endpoint | attributes or None},
            baseline=self._baseline(app) or None,
        )
        return overlaid(document, options)

    def changes(self, app: AppClient, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return what is to be changed of a schedule: the parts that are replaced as a whole with what they keep."""
        if not self._has_parts:
            return self.parameters(app, document)
        now = app.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
        kept = {part: now[part] for part in _PARTS if now.get(part)}
        watched = kept.get("endpoint_input") or {}
        if self.endpoint_name and self.endpoint_name == watched.get("endpoint_name"):
            # The app looks up where it captures by now.
            kept["endpoint_input"] = {name: value for name, value in watched.items() if name != _CAPTURES}
        elif self.endpoint_name:
            kept |= {"endpoint_input": None, "batch_transform_input": None}
        changes = self.parameters(app, kept | document)
        return {part: value for part, value in changes.items() if part not in now or value != now[part]}

    @property
    def _has_parts(self) -> bool:
        baseline = (self.baselining_job_name, self.constraints, self.statistics)
        names = ("endpoint_name", "variant_name", *_OF_INPUT)
        return any(value is not None for value in (*baseline, *(getattr(self, name) for name in names)))

    def _baseline(self, app: AppClient) -> dict[str, str]:
        files: dict[str, str | None] = {"constraints_s3_uri": self.constraints, "statistics_s3_uri": self.statistics}
        if self.baselining_job_name:
            from modelwatch.model_monitor.baselining import BaseliningJob

            job = BaseliningJob(app, app.manage("DescribeBaseliningJob", baselining_job_name=self.baselining_job_name))
            made = {"constraints_s3_uri": job.constraints_uri, "statistics_s3_uri": job.statistics_uri}
            files = made | given(**files)
        return given(**files)
