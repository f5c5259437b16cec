"""Monitors of data quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from modelwatch.arguments import given
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.files import Constraints, Statistics
from modelwatch.model_monitor.inputs import EndpointInput, MonitoringOutput
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.monitoring_config import DataQualityMonitoringConfig, monitoring_config_document
from modelwatch.model_monitor.schedule_parameters import ScheduleOptions

_MEASURES = ("comparison_method", "categorical_drift_method")
"""What the environment of an analysis sets; everything else of a monitoring configuration is in the constraints."""


class DefaultModelMonitor(ModelMonitor):
    """Watches the quality of data: types, completeness, columns, and how far distributions have moved.

    The parameters are those of ``ModelMonitor``.

    Examples
    --------
    >>> monitor = DefaultModelMonitor(role="arn:aws:iam::123456789012:role/monitoring")
    >>> monitor.monitoring_type()
    'DataQuality'
    """

    def create_monitoring_schedule(  # type: ignore[override] # statistics come before constraints
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        output: MonitoringOutput | None = None,
        statistics: Statistics | str | None = None,
        constraints: Constraints | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool = True,
        data_quality_monitoring_config: DataQualityMonitoringConfig | dict[str, Any] | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> dict[str, Any]:
        """Create a schedule of data quality; see ``ModelMonitor.create_monitoring_schedule``.

        Parameters
        ----------
        data_quality_monitoring_config : DataQualityMonitoringConfig or dict, optional
            How distributions are compared, in place of what the constraints say. Where it says more than the measures
            of distance, the constraints are copied with it to ``model-monitor/input/`` in the results bucket, and the
            copy is used.
        """
        if data_quality_monitoring_config is not None:
            job = self.latest_baselining_job
            if constraints is None and statistics is None and job is not None:
                constraints, statistics = job.constraints_uri, job.statistics_uri
            constraints = self._configured(constraints, data_quality_monitoring_config)
        return self._create(
            monitor_schedule_name,
            endpoint_input=endpoint_input,
            output=output,
            statistics=statistics,
            constraints=constraints,
            schedule_cron_expression=schedule_cron_expression,
            enable_cloudwatch_metrics=enable_cloudwatch_metrics,
            **options,
        )

    def update_monitoring_schedule(
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        *arguments: Any,
        data_quality_monitoring_config: DataQualityMonitoringConfig | dict[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Change what is given of a schedule; see ``ModelMonitor.update_monitoring_schedule``.

        Parameters
        ----------
        data_quality_monitoring_config : DataQualityMonitoringConfig or dict, optional
            As in ``create_monitoring_schedule``, with the constraints that the schedule has if none are given.
        """
        if data_quality_monitoring_config is not None:
            if constraints is None:
                baseline = self._schedule(self._named(monitor_schedule_name)).get("baseline") or {}
                constraints = baseline.get("constraints_s3_uri")
            constraints = self._configured(constraints, data_quality_monitoring_config)
        return super().update_monitoring_schedule(
            monitor_schedule_name, endpoint_input, output, constraints, *arguments, **changes
        )

    def suggest_baseline(
        self,
        baseline_dataset: str,
        dataset_format: dict[str, Any],
        output_s3_uri: str | None = None,
        wait: bool = True,
        logs: bool = True,
        *,
        record_preprocessor_script: str | None = None,
        post_analytics_processor_script: str | None = None,
        job_name: str | None = None,
        monitoring_config_override: DataQualityMonitoringConfig | dict[str, Any] | None = None,
        time_zone: str | None = None,
    ) -> BaseliningJob:
        """Make statistics.json and constraints.json; see ``ModelMonitor.suggest_baseline``.

        Parameters
        ----------
        record_preprocessor_script, post_analytics_processor_script : str, optional
            Scripts of your own: S3 URIs, or files on this machine, which are uploaded.
        monitoring_config_override : DataQualityMonitoringConfig or dict, optional
            How distributions will be compared. What it says besides the measures of distance is written into the
            constraints at the end, which needs ``wait``.
        time_zone : str, optional
            The time zone of the hours and days that a baseline of captures distinguishes, such as ``Europe/Berlin``;
            UTC by default. Schedules with the baseline use it.
        """
        override = {} if monitoring_config_override is None else monitoring_config_document(monitoring_config_override)
        comparison = override.get("distribution_constraints", {})
        rest = override.keys() - {"distribution_constraints"} or comparison.keys() - set(_MEASURES)
        if rest and not wait:
            raise ValueError(
                "monitoring_config_override is written into the constraints at the end: it needs wait=True"
            )
        job = self._suggest(
            baseline_dataset,
            dataset_format,
            output_s3_uri,
            wait,
            logs,
            job_name,
            environment={name: str(comparison[name]) for name in _MEASURES if name in comparison}
            | given(time_zone=time_zone),
            scripts=given(
                record_preprocessor=record_preprocessor_script,
                post_analytics_processor=post_analytics_processor_script,
            ),
        )
        if rest:
            constraints = job.suggested_constraints()
            constraints.body_dict = _merged(constraints.body_dict, override)
            constraints.save()
        return job

    def _configured(
        self, constraints: Constraints | str | None, config: DataQualityMonitoringConfig | dict[str, Any]
    ) -> Constraints:
        """Return constraints with another configuration, which are in no file yet."""
        document = monitoring_config_document(config)
        if constraints is None:
            raise ValueError("data_quality_monitoring_config changes constraints, and none are given")
        if isinstance(constraints, str):
            constraints = Constraints.from_s3_uri(constraints, sagemaker_session=self._app)
        return Constraints(_merged(constraints.body_dict, document), sagemaker_session=self._app)


def _merged(constraints: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return constraints whose monitoring configuration is changed in the parts that are given."""
    now = constraints.get("monitoring_config") or {}
    comparison = (now.get("distribution_constraints") or {}) | config.get("distribution_constraints", {})
    changed = {**now, **config} | ({"distribution_constraints": comparison} if comparison else {})
    return {**constraints, "monitoring_config": changed}
