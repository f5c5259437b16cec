"""The arguments of schedules as the app takes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict
from uuid import uuid4

from modelwatch.app_client import AppClient
from modelwatch.arguments import choice, flag, given, instance, listed, s3_uri, text, time_text
from modelwatch.model_monitor.alert_actions import ModelDashboardIndicatorAction, MonitoringAlertActions
from modelwatch.model_monitor.analysis_config import AnalysisConfig, analysis_config_document
from modelwatch.model_monitor.baselining import CLARIFY_FILE, CLARIFY_KINDS
from modelwatch.model_monitor.files import Constraints, ModelMonitoringFile, Statistics
from modelwatch.model_monitor.inputs import BatchTransformInput, EndpointInput, MonitoringOutput
from modelwatch.s3 import S3Uploader

_FILES = {"constraints": Constraints, "statistics": Statistics}
PROBLEM_TYPES = ("BinaryClassification", "MulticlassClassification", "Regression")


class ScheduleOptions(TypedDict, total=False):
    """What every kind of schedule takes besides, by keyword only.

    Attributes
    ----------
    batch_transform_input : BatchTransformInput
        The captures of transform jobs, in place of ``endpoint_input``.
    output_s3_uri : str
        Where results go, in place of ``output``, as in SageMaker's SDK v2.
    alert_actions : MonitoringAlertActions
        Who is notified, in place of the deployment's own topic.
    record_preprocessor_script, post_analytics_processor_script : str
        Scripts of your own: S3 URIs, or files on this machine, which are uploaded.
    data_analysis_start_time, data_analysis_end_time : datetime or str
        The window of a schedule that runs once (``CronExpressionGenerator.now()``): moments, or ISO 8601 durations
        before the moment at which it runs, ``-PT1H``.
    """

    batch_transform_input: BatchTransformInput | None
    output_s3_uri: str | None
    alert_actions: MonitoringAlertActions | None
    record_preprocessor_script: str | None
    post_analytics_processor_script: str | None
    data_analysis_start_time: datetime | str | None
    data_analysis_end_time: datetime | str | None


@dataclass(frozen=True)
class Files:
    """Where files go that a schedule or a baselining job is given.

    Parameters
    ----------
    app : AppClient
    name : str
        The name of the schedule or job.
    monitoring_type : str
    """

    app: AppClient
    name: str
    monitoring_type: str

    def uploaded(self, argument: str, place: str) -> str:
        """Return the S3 URI of a file, after its upload where it is on this machine."""
        if text(argument, place).startswith("s3://"):
            return s3_uri(argument, place)
        path = Path(place.removeprefix("file://"))
        if not path.is_file():
            raise ValueError(f"{argument}: {place!r} is neither an S3 URI nor a file on this machine")
        return S3Uploader.upload(path, self._new_folder(), sagemaker_session=self.app)

    def baseline_file(self, argument: str, given_file: str | ModelMonitoringFile) -> str:
        """Return the S3 URI of a file of a baseline, after its upload where it is in memory alone.

        Baselines of bias and explainability are ``analysis.json``. Where a file of another name is named that is not
        there, and this one is in its folder, it is meant: ``constraints.json`` is what other kinds have.
        """
        if isinstance(given_file, str):
            uri = s3_uri(argument, given_file)
        else:
            document = instance(argument, given_file, _FILES[argument])
            if document.file_s3_uri and document.is_changed:
                raise ValueError(
                    f"{argument} was changed after it was read from {document.file_s3_uri}, which the schedule would"
                    " use: call its save() to overwrite that file, or save() with the URI of another folder"
                )
            uri = document.file_s3_uri or document.save(self._new_folder())
        if self.monitoring_type not in CLARIFY_KINDS or self._exists(uri):
            return uri
        analysis = f"{uri.rpartition('/')[0]}/{CLARIFY_FILE}"
        return analysis if self._exists(analysis) else uri

    def _new_folder(self) -> str:
        """Return a folder that nothing refers to: a request that is refused must not change what a schedule reads."""
        return f"{self.app.results}/model-monitor/input/{self.name}/{uuid4()}"

    def _exists(self, uri: str) -> bool:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        found = self.app.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
        return any(each["Key"] == key for each in found)


def schedule_parameters(
    files: Files,
    *,
    endpoint_input: EndpointInput | str | None = None,
    batch_transform_input: BatchTransformInput | None = None,
    output: MonitoringOutput | None = None,
    output_s3_uri: str | None = None,
    constraints: Constraints | str | None = None,
    statistics: Statistics | str | None = None,
    schedule_cron_expression: str | None = None,
    enable_cloudwatch_metrics: bool | None = None,
    ground_truth_input: str | None = None,
    problem_type: str | None = None,
    analysis_config: AnalysisConfig | None = None,
    record_preprocessor_script: str | None = None,
    post_analytics_processor_script: str | None = None,
    alert_actions: MonitoringAlertActions | None = None,
    data_analysis_start_time: datetime | str | None = None,
    data_analysis_end_time: datetime | str | None = None,
    arguments: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what is given with the app's names; see the methods of monitors for the arguments.

    Raises
    ------
    TypeError, ValueError
        Where an argument cannot be right.
    """
    if output is not None and output_s3_uri is not None:
        raise ValueError("give either output or output_s3_uri")
    if endpoint_input is not None and batch_transform_input is not None:
        raise ValueError("give either endpoint_input or batch_transform_input")
    watched = watched_input(endpoint_input, batch_transform_input)
    destination = instance("output", output, MonitoringOutput).destination if output is not None else output_s3_uri
    baseline = {
        f"{name}_s3_uri": files.baseline_file(name, value)
        for name, value in (("constraints", constraints), ("statistics", statistics))
        if value is not None
    }
    scripts = {
        "record_preprocessor": record_preprocessor_script,
        "post_analytics_processor": post_analytics_processor_script,
    }
    processing = (
        (watched.processing if watched else {})
        | (output.processing if output else {})
        | given(arguments=None if arguments is None else listed("arguments", arguments))
    )
    return given(
        **_input_part(watched),
        output_s3_uri=None if destination is None else s3_uri("output_s3_uri", destination),
        baseline=baseline or None,
        schedule_expression=_expression(schedule_cron_expression, data_analysis_start_time, data_analysis_end_time),
        data_analysis_start_time=time_text("data_analysis_start_time", data_analysis_start_time),
        data_analysis_end_time=time_text("data_analysis_end_time", data_analysis_end_time),
        publish_cloudwatch_metrics=None
        if enable_cloudwatch_metrics is None
        else flag("enable_cloudwatch_metrics", enable_cloudwatch_metrics),
        ground_truth_input=None if ground_truth_input is None else s3_uri("ground_truth_input", ground_truth_input),
        problem_type=None if problem_type is None else choice("problem_type", problem_type, PROBLEM_TYPES),
        analysis_config=None
        if analysis_config is None
        else analysis_config_document(analysis_config, files.monitoring_type),
        alert_targets=None
        if alert_actions is None
        else instance("alert_actions", alert_actions, MonitoringAlertActions).targets,
        model_dashboard_indicator=_indicator(alert_actions),
        processing=processing or None,
        **{
            f"{name}_source_uri": files.uploaded(f"{name}_script", place)
            for name, place in scripts.items()
            if place is not None
        },
    )


_ARGUMENTS = frozenset(inspect.signature(schedule_parameters).parameters) - {"files"}


def refuse_unknown(method: str, names: Iterable[str]) -> None:
    """Refuse arguments of a method of monitors that no schedule has, in Python's own words."""
    for name in names:
        if name not in _ARGUMENTS:
            raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")


def _indicator(actions: MonitoringAlertActions | None) -> bool | None:
    wanted = actions.model_dashboard_indicator if actions else None
    if wanted is None:
        return None
    return bool(instance("model_dashboard_indicator", wanted, ModelDashboardIndicatorAction).enabled)


def watched_input(
    endpoint_input: EndpointInput | str | None = None, batch_transform_input: BatchTransformInput | None = None
) -> EndpointInput | BatchTransformInput | None:
    """Return which of the two is given; an endpoint may be given by its name.

    Raises
    ------
    TypeError
        Where it is something else.
    """
    if isinstance(endpoint_input, str):
        return EndpointInput(endpoint_input)
    if isinstance(endpoint_input, BatchTransformInput):
        raise TypeError("endpoint_input is a BatchTransformInput; give it by keyword, batch_transform_input=...")
    for name, given_input, its_class in (
        ("endpoint_input", endpoint_input, EndpointInput),
        ("batch_transform_input", batch_transform_input, BatchTransformInput),
    ):
        if given_input is not None:
            return instance(name, given_input, its_class)  # type: ignore[no-any-return]  # the class given
    return None


def _input_part(watched: EndpointInput | BatchTransformInput | None) -> dict[str, Any]:
    if watched is None:
        return {}
    name = "endpoint_input" if isinstance(watched, EndpointInput) else "batch_transform_input"
    return {name: watched.as_app_reads_it()}


def _expression(expression: str | None, start: datetime | str | None, end: datetime | str | None) -> str | None:
    if expression == "NOW" and (start is None or end is None):
        raise ValueError("a schedule that runs NOW needs data_analysis_start_time and data_analysis_end_time")
    if expression != "NOW" and (start is not None or end is not None):
        raise ValueError("data_analysis_start_time and data_analysis_end_time are for a schedule that runs NOW")
    return None if expression is None else text("schedule_cron_expression", expression)
