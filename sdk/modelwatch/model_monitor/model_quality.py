"""Monitors of model quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from modelwatch.arguments import choice, given, instance, required
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.files import Constraints, Statistics
from modelwatch.model_monitor.inputs import EndpointInput, MonitoringOutput
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.schedule_parameters import PROBLEM_TYPES, ScheduleOptions

_ATTRIBUTES = (
    "problem_type",
    "inference_attribute",
    "probability_attribute",
    "ground_truth_attribute",
    "probability_threshold_attribute",
)


class ModelQualityMonitor(ModelMonitor):
    """Watches how good a model's predictions are, by labels that come later.

    The parameters are those of ``ModelMonitor``.
    """

    _monitoring_type = "ModelQuality"

    def create_monitoring_schedule(  # type: ignore[override] # the labels and the problem type come before the output
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        ground_truth_input: str | None = None,
        problem_type: str | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        statistics: Statistics | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool = True,
        **options: Unpack[ScheduleOptions],
    ) -> dict[str, Any]:
        """Create a schedule of model quality; see ``ModelMonitor.create_monitoring_schedule``.

        Parameters
        ----------
        ground_truth_input : str
            The S3 URI below which labels are collected.
        problem_type : {"BinaryClassification", "MulticlassClassification", "Regression"}
            What the model does.
        """
        method = "create_monitoring_schedule"
        required(method, ground_truth_input=ground_truth_input, problem_type=problem_type)
        return self._create(
            monitor_schedule_name,
            endpoint_input=endpoint_input,
            ground_truth_input=ground_truth_input,
            problem_type=problem_type,
            output=output,
            statistics=statistics,
            constraints=constraints,
            schedule_cron_expression=schedule_cron_expression,
            enable_cloudwatch_metrics=enable_cloudwatch_metrics,
            **options,
        )

    def suggest_baseline(  # type: ignore[override] # more is needed before the output
        self,
        baseline_dataset: str,
        dataset_format: dict[str, Any],
        problem_type: str | None = None,
        inference_attribute: str | None = None,
        probability_attribute: str | None = None,
        ground_truth_attribute: str | None = None,
        output_s3_uri: str | None = None,
        wait: bool = True,
        logs: bool = True,
        *,
        probability_threshold_attribute: float | None = None,
        post_analytics_processor_script: str | None = None,
        job_name: str | None = None,
        analysis_config: Mapping[str, Any] | None = None,
    ) -> BaseliningJob:
        """Make statistics.json and constraints.json of labelled predictions; see ``ModelMonitor.suggest_baseline``.

        Parameters
        ----------
        problem_type : {"BinaryClassification", "MulticlassClassification", "Regression"}
            What the model does.
        inference_attribute, probability_attribute, ground_truth_attribute : str
            The columns of predictions, of their probabilities and of labels. Of the first two one is enough for a
            binary classification.
        probability_threshold_attribute : float, optional
            A probability above it predicts the positive class.
        post_analytics_processor_script : str, optional
            As in ``DefaultModelMonitor.suggest_baseline``.
        analysis_config : mapping, optional
            These parameters in one, by their names, in place of giving each.
        """
        named = given(
            problem_type=problem_type,
            inference_attribute=inference_attribute,
            probability_attribute=probability_attribute,
            ground_truth_attribute=ground_truth_attribute,
            probability_threshold_attribute=probability_threshold_attribute,
        )
        config = dict(instance("analysis_config", {} if analysis_config is None else analysis_config, Mapping))
        if unknown := sorted(config.keys() - set(_ATTRIBUTES)):
            raise ValueError(f"analysis_config has {', '.join(unknown)}, and may have {', '.join(_ATTRIBUTES)}")
        if twice := sorted(config.keys() & named.keys()):
            raise ValueError(f"give {' and '.join(twice)} once, as an argument or in analysis_config")
        parameters = named | config
        names = ("problem_type", "ground_truth_attribute")
        required("suggest_baseline", **{name: parameters.get(name) for name in names})
        choice("problem_type", parameters["problem_type"], PROBLEM_TYPES)
        if not {"inference_attribute", "probability_attribute"} & parameters.keys():
            raise ValueError("suggest_baseline needs inference_attribute or probability_attribute: what was predicted?")
        return self._suggest(
            baseline_dataset,
            dataset_format,
            output_s3_uri,
            wait,
            logs,
            job_name,
            scripts=given(post_analytics_processor=post_analytics_processor_script),
            **parameters,
        )
