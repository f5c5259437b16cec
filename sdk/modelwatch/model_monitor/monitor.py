"""Monitors: what makes baselines and schedules, and looks at what they found."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Self

from modelwatch.arguments import (
    LONGEST_RUN_IN_SECONDS,
    flag,
    given,
    instance,
    integer,
    listed,
    required,
    s3_uri,
    sagemaker_name,
    text,
    time_text,
)
from modelwatch.model_monitor.alerts import MonitoringAlertHistorySummary, MonitoringAlertSummary
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.cron import CronExpressionGenerator
from modelwatch.model_monitor.dataset_format import as_app_reads_it
from modelwatch.model_monitor.files import Constraints, Statistics
from modelwatch.model_monitor.inputs import BatchTransformInput, EndpointInput, MonitoringOutput
from modelwatch.model_monitor.network_config import NetworkConfig
from modelwatch.model_monitor.schedule_executions import ScheduleExecutions
from modelwatch.model_monitor.schedule_parameters import Files, refuse_unknown, schedule_parameters, watched_input
from modelwatch_core.domain.sagemaker_api.responses import arn, schedule_description

logger = logging.getLogger(__name__)


class ModelMonitor(ScheduleExecutions):
    """Makes baselines and schedules, and looks at what their executions found.

    Without ``image_uri`` it monitors data quality; with one, executions run a container of your own, on hosts that run
    containers.

    Parameters
    ----------
    role : str
        The ARN of a role, or its name. Hosts that run jobs use it; the app's Lambda host has a role of its own, and
        keeps and shows this one. The same holds for the parameters up to ``max_runtime_in_seconds``, for ``tags`` and
        for ``network_config``.
    instance_count, instance_type, volume_size_in_gb, volume_kms_key, output_kms_key
        What a job runs on, and the keys of its disk and of what it writes.
    max_runtime_in_seconds : int, optional
        How long a job may run, a day at most.
    base_job_name : str, optional
        What the names of baselining jobs and schedules begin with that are given no name.
    sagemaker_session : optional
        Which app is used; see ``modelwatch.app_client.app_client``.
    env : dict of str to str, optional
        Further settings of the analysis, and variables of your own scripts and containers.
    tags : list of {"Key": ..., "Value": ...} or of SageMaker's ``Tag``, or dict, optional
    network_config : NetworkConfig, optional
    image_uri : str, optional
        The image of a container that analyses in place of Modelwatch, by SageMaker's container contract.
    entrypoint : sequence of str, optional
        What this container is started with.

    Raises
    ------
    TypeError, ValueError
        Where an argument cannot be right.
    """

    image_uri: str | None = None
    entrypoint: Sequence[str] | None = None
    _monitoring_type: ClassVar[str] = "DataQuality"
    _attributes_of_baseline: Mapping[str, Any] = MappingProxyType({})
    """What the latest baseline says of requests and responses; it holds for schedules whose input does not say it."""

    def __init__(
        self,
        role: str | None = None,
        instance_count: int = 1,
        instance_type: str = "ml.m5.xlarge",
        volume_size_in_gb: int = 30,
        volume_kms_key: str | None = None,
        output_kms_key: str | None = None,
        max_runtime_in_seconds: int | None = 3600,
        base_job_name: str | None = None,
        sagemaker_session: Any = None,
        env: Mapping[str, str] | None = None,
        tags: Sequence[Any] | Mapping[str, str] | None = None,
        network_config: NetworkConfig | None = None,
        *,
        image_uri: str | None = None,
        entrypoint: Sequence[str] | None = None,
    ) -> None:
        self.role = None if role is None else text("role", role)
        self.instance_count = integer("instance_count", instance_count, 1, 100)
        self.instance_type = text("instance_type", instance_type)
        self.volume_size_in_gb = integer("volume_size_in_gb", volume_size_in_gb, 1, 16_384)
        self.volume_kms_key, self.output_kms_key = volume_kms_key, output_kms_key
        if max_runtime_in_seconds is not None:
            integer("max_runtime_in_seconds", max_runtime_in_seconds, 1, LONGEST_RUN_IN_SECONDS)
        self.max_runtime_in_seconds = max_runtime_in_seconds
        self.base_job_name = None if base_job_name is None else sagemaker_name("base_job_name", base_job_name)
        self.env = dict(instance("env", env or {}, Mapping))
        self.tags = _tags(tags)
        self.network_config = network_config
        if network_config is not None:
            instance("network_config", network_config, NetworkConfig)
        self.image_uri = None if image_uri is None else text("image_uri", image_uri)
        self.entrypoint = None if entrypoint is None else listed("entrypoint", entrypoint)
        super().__init__(sagemaker_session)
        self.latest_baselining_job: BaseliningJob | None = None

    def monitoring_type(self) -> str:
        """Return the kind of monitor: ``DataQuality``, ``ModelQuality``, or ``Custom`` with an image."""
        return "Custom" if self.image_uri else self._monitoring_type

    # Schedules.

    def create_monitoring_schedule(
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        statistics: Statistics | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool = True,
        *,
        arguments: Sequence[str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Create a schedule, which starts at once.

        Parameters
        ----------
        monitor_schedule_name : str, optional
            Its name; made from ``base_job_name`` and the time if not given.
        endpoint_input : EndpointInput or str
            The endpoint, or its name alone. Either this or ``batch_transform_input``.
        output : MonitoringOutput, optional
            Where results go; by default below ``monitoring/`` in the results bucket.
        constraints, statistics : str, Constraints or Statistics, optional
            The baseline, as S3 URIs or as read. Without either, that of the latest ``suggest_baseline`` of this object;
            if there is none, executions describe their windows and find no violations.
        schedule_cron_expression : str, optional
            When it runs, UTC; daily at midnight if not given. ``CronExpressionGenerator.now()`` runs it once.
        enable_cloudwatch_metrics : bool
            Whether metrics are published to CloudWatch.
        arguments : sequence of str, optional
            What a container of your own is started with.
        **options
            See ``ScheduleOptions``: ``batch_transform_input``, ``alert_actions`` and more.

        Returns
        -------
        dict
            ``MonitoringScheduleArn``, and ``Warnings`` where there are some.

        Raises
        ------
        ValueError
            Where something is wrong with what is given: an endpoint that does not exist or captures nothing, files that
            are not there, a folder that may not be written to.
        TypeError
            Where an argument has a wrong type, or none of these names.
        botocore.exceptions.ClientError
            ``ResourceInUse`` where the name is taken, ``ResourceLimitExceeded``, and others of AWS.
        """
        return self._create(
            monitor_schedule_name,
            endpoint_input=endpoint_input,
            output=output,
            constraints=constraints,
            statistics=statistics,
            schedule_cron_expression=schedule_cron_expression,
            enable_cloudwatch_metrics=enable_cloudwatch_metrics,
            arguments=arguments,
            **options,
        )

    def update_monitoring_schedule(
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        statistics: Statistics | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Change what is given of a schedule, and nothing else; the next execution is the first with it.

        Parameters
        ----------
        monitor_schedule_name : str, optional
            The schedule; that which this object made or is attached to if not given.
        endpoint_input, output, constraints, statistics, schedule_cron_expression, enable_cloudwatch_metrics
            As in ``create_monitoring_schedule``.
        **changes
            What ``create_monitoring_schedule`` of this kind of monitor takes, and the parameters of the monitor itself:
            ``role``, ``instance_count``, ``instance_type``, ``volume_size_in_gb``, ``volume_kms_key``,
            ``output_kms_key``, ``max_runtime_in_seconds``, ``env``, ``tags``, ``network_config``, ``image_uri``,
            ``entrypoint``, which then are those of this object too.

        Returns
        -------
        dict
            ``MonitoringScheduleArn``, and ``Warnings`` where there are some.

        Raises
        ------
        ValueError, TypeError, botocore.exceptions.ClientError
            As ``create_monitoring_schedule``; ``ResourceNotFound`` where there is no such schedule.
        """
        refuse_unknown("update_monitoring_schedule", changes.keys() - set(_OWN_PARAMETERS))
        name = self._named(monitor_schedule_name)
        changed = {name: value for name, value in changes.items() if value is not None}
        own = {part: changed.pop(part) for part in _OWN_PARAMETERS if part in changed}
        parameters = schedule_parameters(
            Files(self._app, name, self.monitoring_type()),
            endpoint_input=endpoint_input,
            output=output,
            constraints=constraints,
            statistics=statistics,
            schedule_cron_expression=schedule_cron_expression,
            enable_cloudwatch_metrics=enable_cloudwatch_metrics,
            **changed,
        )
        checked = ModelMonitor(sagemaker_session=self.sagemaker_session, **own)  # with the checks of its making
        if own:
            names = {"role_arn" if part == "role" else part for part in own}
            processing = {part: value for part, value in checked._processing().items() if part in names}
            parameters["processing"] = processing | parameters.get("processing", {})
            parameters |= given(image_uri=own.get("image_uri"), environment=checked.env if "env" in own else None)
        if not parameters:
            raise ValueError("update_monitoring_schedule was given nothing to change")
        changes = self._completed(name, parameters)
        response = self._app.manage("UpdateMonitoringSchedule", monitoring_schedule_name=name, **changes)
        for part in own:  # once the app has taken them
            setattr(self, part, getattr(checked, part))
        return self._response(response)

    def delete_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Delete a schedule and stop what it has running; its results are kept.

        Parameters
        ----------
        monitor_schedule_name : str, optional
            The schedule; if not given, the one that this object made or is attached to.

        Raises
        ------
        botocore.exceptions.ClientError
            ``ResourceNotFound`` where there is no such schedule.
        """
        name = self._named(monitor_schedule_name)
        self._app.manage("DeleteMonitoringSchedule", monitoring_schedule_name=name)
        if name == self.monitoring_schedule_name:
            self.monitoring_schedule_name = None

    def start_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Let a schedule fire again that was stopped; for its name see ``delete_monitoring_schedule``."""
        self._app.manage("StartMonitoringSchedule", monitoring_schedule_name=self._named(monitor_schedule_name))

    def stop_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Let a schedule fire no more until it is started; for its name see ``delete_monitoring_schedule``."""
        self._app.manage("StopMonitoringSchedule", monitoring_schedule_name=self._named(monitor_schedule_name))

    def describe_schedule(self, monitor_schedule_name: str | None = None) -> dict[str, Any]:
        """Return a schedule as SageMaker's ``DescribeMonitoringSchedule`` does.

        Parameters
        ----------
        monitor_schedule_name : str, optional
            The schedule; if not given, the one that this object made or is attached to.

        Returns
        -------
        dict
            In SageMaker's shape; ``Modelwatch`` has the app's own record of it.
        """
        schedule = self._schedule(self._named(monitor_schedule_name))
        return schedule_description(self._app.sagemaker_arns, schedule)

    def list_monitoring_alerts(
        self, next_token: str | None = None, max_results: int | None = 10
    ) -> tuple[list[MonitoringAlertSummary], str | None]:
        """Return the alerts of the schedule, and the token of the next page; None where there is none.

        Parameters
        ----------
        next_token : str, optional
            The token that came with the page before.
        max_results : int, optional
            From 1 to 100.
        """
        response = self._app.manage(
            "ListMonitoringAlerts",
            **given(monitoring_schedule_name=self._named(None), next_token=next_token, max_results=max_results),
        )
        return [MonitoringAlertSummary.of(each) for each in response["alerts"]], response["next_token"]

    def update_monitoring_alert(
        self, monitoring_alert_name: str, data_points_to_alert: int | None, evaluation_period: int | None
    ) -> None:
        """Change when an alert is on: while so many of so many of the latest executions are bad.

        Parameters
        ----------
        monitoring_alert_name : str
            ``violations``, ``failed-executions`` or ``no-data``.
        data_points_to_alert, evaluation_period : int
            Both from 1 to 100.
        """
        self._app.manage(
            "UpdateMonitoringAlert",
            monitoring_schedule_name=self._named(None),
            monitoring_alert_name=text("monitoring_alert_name", monitoring_alert_name),
            datapoints_to_alert=integer("data_points_to_alert", data_points_to_alert, 1, 100),
            evaluation_period=integer("evaluation_period", evaluation_period, 1, 100),
        )

    def list_monitoring_alert_history(
        self,
        monitoring_alert_name: str | None = None,
        sort_by: str | None = "CreationTime",
        sort_order: str | None = "Descending",
        next_token: str | None = None,
        max_results: int | None = 10,
        creation_time_before: datetime | str | None = None,
        creation_time_after: datetime | str | None = None,
        status_equals: str | None = None,
    ) -> tuple[list[MonitoringAlertHistorySummary], str | None]:
        """Return the changes of the schedule's alerts, and the token of the next page.

        Parameters
        ----------
        monitoring_alert_name : str, optional
            The name of one alert; the history of all alerts if not given.
        sort_by, sort_order : str, optional
            ``CreationTime`` or ``Status``; ``Ascending`` or ``Descending``.
        next_token : str, optional
        max_results : int, optional
        creation_time_before, creation_time_after : datetime or str, optional
            Inclusive; a datetime is UTC where it has no time zone, a text is ISO 8601.
        status_equals : str, optional
            ``InAlert`` or ``OK``.
        """
        response = self._app.manage(
            "ListMonitoringAlertHistory",
            **given(
                monitoring_schedule_name=self._named(None),
                monitoring_alert_name=monitoring_alert_name,
                sort_by=sort_by,
                sort_order=sort_order,
                next_token=next_token,
                max_results=max_results,
                creation_time_before=time_text("creation_time_before", creation_time_before),
                creation_time_after=time_text("creation_time_after", creation_time_after),
                status_equals=status_equals,
            ),
        )
        changes = [
            MonitoringAlertHistorySummary.of(each) for each in response["alert_history"] if "unreadable" not in each
        ]
        return changes, response["next_token"]

    @classmethod
    def attach(cls, monitor_schedule_name: str, sagemaker_session: Any = None) -> Self:
        """Return a monitor of a schedule that exists.

        Parameters
        ----------
        monitor_schedule_name : str
        sagemaker_session : optional
            See ``modelwatch.app_client.app_client``.

        Raises
        ------
        TypeError
            Where the schedule is of another kind of monitor.
        botocore.exceptions.ClientError
            ``ResourceNotFound`` where there is none.
        """
        monitor = cls(sagemaker_session=sagemaker_session)
        schedule = monitor._schedule(sagemaker_name("monitor_schedule_name", monitor_schedule_name))
        monitor.image_uri = schedule.get("image_uri")
        if monitor.monitoring_type() != schedule["monitoring_type"]:
            kind = schedule["monitoring_type"]
            raise TypeError(f"{monitor_schedule_name} is a schedule of {kind}, not of {monitor.monitoring_type()}")
        processing = schedule.get("processing") or {}
        monitor.role, monitor.env = processing.get("role_arn"), dict(schedule.get("environment") or {})
        monitor.entrypoint, monitor.tags = processing.get("entrypoint"), dict(processing.get("tags") or {})
        monitor.network_config = NetworkConfig.from_request_dict(processing.get("network_config"))
        for name in _RESOURCES:
            setattr(monitor, name, processing.get(name, getattr(monitor, name)))
        monitor.monitoring_schedule_name = monitor_schedule_name
        return monitor

    # Baselines.

    def suggest_baseline(
        self,
        baseline_dataset: str,
        dataset_format: dict[str, Any],
        output_s3_uri: str | None = None,
        wait: bool = True,
        logs: bool = True,
        *,
        job_name: str | None = None,
    ) -> BaseliningJob:
        """Make statistics and constraints of a dataset; ``latest_baselining_job`` is the job too.

        Parameters
        ----------
        baseline_dataset : str
            The S3 URI of a file or folder, or the path of a file on this machine, which is uploaded.
        dataset_format : dict
            Its format: ``{"csv": {"header": True}}``; see ``DatasetFormat``.
        output_s3_uri : str, optional
            The folder for the results; by default below ``baselining/`` in the results bucket.
        wait : bool
            Whether to wait for the end.
        logs : bool
            Whether a line is printed at each change of the job's status while waiting.
        job_name : str, optional
            The job's name; made from ``base_job_name`` and the time if not given.

        Returns
        -------
        BaseliningJob
            The job.

        Raises
        ------
        ValueError
            Where something is wrong with what is given: a format, a dataset that is not there or too large, a folder
            that may not be written to.
        RuntimeError
            Where the baseline failed, with the reason; only if ``wait``.
        botocore.exceptions.ClientError
            ``ResourceInUse`` where the name is taken, and others of AWS.
        """
        return self._suggest(baseline_dataset, dataset_format, output_s3_uri, wait, logs, job_name)

    def run_baseline(
        self,
        baseline_inputs: Sequence[Any],
        output: Any,
        arguments: Sequence[str] | None = None,
        wait: bool = True,
        logs: bool = True,
        job_name: str | None = None,
        *,
        dataset_format: dict[str, Any] | None = None,
    ) -> BaseliningJob:
        """Make a baseline with the container of ``image_uri``, or with Modelwatch's own analysis if there is none.

        Parameters
        ----------
        baseline_inputs : sequence
            The dataset: one S3 URI, path, or object with an attribute ``source``, as SageMaker's ``ProcessingInput``.
        output : MonitoringOutput or ProcessingOutput
            Where the results go; SageMaker's ``ProcessingOutput`` says it too.
        arguments : sequence of str, optional
            What the container is started with.
        wait, logs, job_name
            As in ``suggest_baseline``.
        dataset_format : dict, optional
            The format of the dataset; CSV with a header if not given.
        """
        if len(baseline_inputs) != 1:
            raise ValueError(f"baseline_inputs must name one dataset, not {len(baseline_inputs)}")
        source = getattr(baseline_inputs[0], "source", baseline_inputs[0])
        if all(hasattr(output, name) for name in ("source", "destination", "s3_upload_mode")):
            output = MonitoringOutput(output.source, output.destination, output.s3_upload_mode)
        processing = instance("output", output, MonitoringOutput).processing | given(
            arguments=None if arguments is None else listed("arguments", arguments)
        )
        return self._suggest(
            source,
            {"csv": {"header": True}} if dataset_format is None else dataset_format,
            output.destination,
            wait,
            logs,
            job_name,
            processing=processing,
        )

    @property
    def latest_baselining_job_name(self) -> str | None:
        """The name of the latest baselining job of this object, or None."""
        return None if self.latest_baselining_job is None else self.latest_baselining_job.job_name

    def baseline_statistics(self, file_name: str | None = None) -> Statistics:
        """Return the statistics of the latest baseline of this object; see ``BaseliningJob``.

        Parameters
        ----------
        file_name : str, optional
            The name that a container of your own gave them.
        """
        return self._baselining_job().baseline_statistics(file_name)

    def suggested_constraints(self, file_name: str | None = None) -> Constraints:
        """Return the constraints that the latest baseline of this object suggests; see ``BaseliningJob``.

        Parameters
        ----------
        file_name : str, optional
            See ``baseline_statistics``.
        """
        return self._baselining_job().suggested_constraints(file_name)

    def describe_latest_baselining_job(self) -> dict[str, Any]:
        """Return the latest baselining job of this object as SageMaker's ``DescribeProcessingJob`` does."""
        return self._baselining_job().describe()

    # What kinds of monitor build upon.

    def _create(self, name: str | None, **arguments: Any) -> dict[str, Any]:
        refuse_unknown("create_monitoring_schedule", arguments)
        if isinstance(name, EndpointInput | BatchTransformInput):
            raise TypeError("the first argument is monitor_schedule_name; give inputs by keyword, endpoint_input=...")
        name = self._new_name("monitoring-schedule") if name is None else name
        sagemaker_name("monitor_schedule_name", name)
        endpoint, transform = arguments.get("endpoint_input"), arguments.get("batch_transform_input")
        if (endpoint is None) == (transform is None):
            raise ValueError("give either endpoint_input or batch_transform_input")
        if arguments.get("schedule_cron_expression") is None:
            arguments["schedule_cron_expression"] = CronExpressionGenerator.daily()
        for argument in _INPUTS:
            if (watched := watched_input(**{argument: arguments.get(argument)})) is not None:
                arguments[argument] = watched.with_defaults(self._attributes_of_baseline)
        job, constraints = self.latest_baselining_job, arguments.get("constraints")
        own = job and (constraints is None or getattr(constraints, "file_s3_uri", constraints) == job.constraints_uri)
        if job and own and arguments.get("statistics") is None:
            arguments |= {"constraints": constraints or job.constraints_uri, "statistics": job.statistics_uri}
        parameters = schedule_parameters(Files(self._app, name, self.monitoring_type()), **arguments)
        parameters["processing"] = self._processing() | parameters.get("processing", {})
        response = self._app.manage(
            "CreateMonitoringSchedule",
            monitoring_schedule_name=name,
            monitoring_type=self.monitoring_type(),
            environment=self.env,
            **given(image_uri=self.image_uri),
            **parameters,
        )
        self.monitoring_schedule_name = name
        return self._response(response)

    def _suggest(
        self,
        dataset: str | None,
        dataset_format: object,
        output_s3_uri: str | None,
        wait: bool,
        logs: bool,
        job_name: str | None,
        *,
        environment: Mapping[str, str] | None = None,
        processing: Mapping[str, Any] | None = None,
        scripts: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> BaseliningJob:
        required("suggest_baseline", baseline_dataset=dataset, dataset_format=dataset_format)
        flag("wait", wait)
        flag("logs", logs)
        name = self._new_name("baseline-suggestion-job") if job_name is None else sagemaker_name("job_name", job_name)
        files = Files(self._app, name, self.monitoring_type())
        request = {
            "baselining_job_name": name,
            "monitoring_type": self.monitoring_type(),
            "baseline_dataset_s3_uri": files.uploaded("baseline_dataset", text("baseline_dataset", dataset)),
            "dataset_format": as_app_reads_it(dataset_format),
            "environment": self.env | dict(environment or {}),
            "processing": self._processing() | dict(processing or {}),
        } | given(
            output_s3_uri=None if output_s3_uri is None else s3_uri("output_s3_uri", output_s3_uri),
            image_uri=self.image_uri,
            **{
                f"{each}_source_uri": files.uploaded(f"{each}_script", place) for each, place in (scripts or {}).items()
            },
            **parameters,
        )
        self.latest_baselining_job = BaseliningJob(self._app, self._app.create_baseline(request))
        if wait:
            self.latest_baselining_job.wait(logs)
        return self.latest_baselining_job

    def _processing(self) -> dict[str, Any]:
        """Return how a job would run, with the app's names."""
        network = self.network_config
        return given(
            role_arn=self._role_arn(),
            **{name: getattr(self, name) for name in _RESOURCES},
            tags=self.tags,
            network_config=None if network is None else network._to_request_dict(),  # noqa: SLF001 - as SageMaker's SDK names it
            entrypoint=self.entrypoint,
        )

    def _role_arn(self) -> str | None:
        """Return the ARN of the role; that of a name is asked for, as SageMaker's SDK does."""
        if self.role is None or "/" in self.role:
            return self.role
        return str(self._app.client("iam").get_role(RoleName=self.role)["Role"]["Arn"])

    def _completed(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Return changes with the rest of the parts that the app replaces as a whole."""
        now = self._schedule(name)
        parts = [part for part in ("baseline", "processing") if part in changes]
        replaced = {other: None for one, other in (_INPUTS, _INPUTS[::-1]) if one in changes}
        return changes | {part: (now.get(part) or {}) | changes[part] for part in parts} | replaced

    def _new_name(self, base: str) -> str:
        return f"{(self.base_job_name or base)[:36]}-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S-%f}"[:63]

    def _baselining_job(self) -> BaseliningJob:
        if self.latest_baselining_job is None:
            raise ValueError("this monitor has no baseline yet; call suggest_baseline")
        return self.latest_baselining_job

    def _response(self, schedule: Mapping[str, Any]) -> dict[str, Any]:
        for warning in schedule.get("warnings", ()):
            logger.warning("%s: %s", schedule["monitoring_schedule_name"], warning)
        name = arn(self._app.sagemaker_arns, "monitoring-schedule", schedule["monitoring_schedule_name"])
        return {"MonitoringScheduleArn": name} | given(Warnings=schedule.get("warnings") or None)


_RESOURCES = (
    "instance_count",
    "instance_type",
    "volume_size_in_gb",
    "volume_kms_key",
    "output_kms_key",
    "max_runtime_in_seconds",
)
_INPUTS = ("endpoint_input", "batch_transform_input")
_OWN_PARAMETERS = ("role", *_RESOURCES, "env", "tags", "network_config", "image_uri", "entrypoint")


def _tags(tags: Sequence[Any] | Mapping[str, str] | None) -> dict[str, str]:
    """Return tags as a dict, from one or from SageMaker's list."""
    if tags is None or isinstance(tags, Mapping):
        return dict(tags or {})
    try:
        # SageMaker's SDK v3 has a class for them
        return dict((tag["Key"], tag["Value"]) if isinstance(tag, Mapping) else (tag.key, tag.value) for tag in tags)
    except (AttributeError, KeyError):
        raise ValueError('tags must be a list of {"Key": ..., "Value": ...}, or a dict') from None
