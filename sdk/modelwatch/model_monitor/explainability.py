"""Monitors of explainability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from modelwatch.arguments import given, instance, required
from modelwatch.clarify import DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
from modelwatch.model_monitor.analysis_config import (
    AnalysisConfig,
    ExplainabilityAnalysisConfig,
    analysis_config_document,
    data_config_alone,
    refuse_order_of_v2,
)
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.files import Constraints, Statistics
from modelwatch.model_monitor.inputs import EndpointInput, MonitoringOutput
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.schedule_parameters import ScheduleOptions


class ModelExplainabilityMonitor(ModelMonitor):
    """Watches which features drive a model's predictions.

    The parameters are those of ``ModelMonitor``.
    """

    _monitoring_type = "ModelExplainability"

    def create_monitoring_schedule(  # type: ignore[override] # the configuration comes before the output
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        analysis_config: AnalysisConfig | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool = True,
        *,
        statistics: Statistics | str | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> dict[str, Any]:
        """Create a schedule of explainability; see ``ModelMonitor.create_monitoring_schedule``.

        Parameters
        ----------
        analysis_config : ExplainabilityAnalysisConfig, dict or str
            The model and the explainer: also ``analysis_config.json`` itself, or its S3 URI. If it is not given, that
            of the latest ``suggest_baseline`` of this object.
        constraints : str, optional
            The baseline's ``analysis.json``. Another name in its folder means it too where there is no such file.
        statistics : str, optional
            Kept, shown by describe, and used for nothing: ``analysis.json`` holds both.
        """
        analysis_config = self._latest_config if analysis_config is None else analysis_config
        required("create_monitoring_schedule", analysis_config=analysis_config)
        return self._create(
            monitor_schedule_name,
            endpoint_input=endpoint_input,
            analysis_config=analysis_config,
            output=output,
            constraints=constraints,
            statistics=statistics,
            schedule_cron_expression=schedule_cron_expression,
            enable_cloudwatch_metrics=enable_cloudwatch_metrics,
            **options,
        )

    def suggest_baseline(  # type: ignore[override] # the configuration comes before the output
        self,
        baseline_dataset: str | None = None,
        dataset_format: dict[str, Any] | None = None,
        analysis_config: AnalysisConfig | None = None,
        output_s3_uri: str | None = None,
        wait: bool = True,
        logs: bool = True,
        *,
        job_name: str | None = None,
        data_config: DataConfig | None = None,
        explainability_config: SHAPConfig | None = None,
        model_config: ModelConfig | None = None,
        model_scores: ModelPredictedLabelConfig | str | int | None = None,
        kms_key: str | None = None,
    ) -> BaseliningJob:
        """Make analysis.json: what drives the model on a dataset; see ``ModelMonitor.suggest_baseline``.

        Parameters
        ----------
        analysis_config : ExplainabilityAnalysisConfig, dict or str
            The model and the explainer.
        data_config, explainability_config, model_config
            The same as in SageMaker's SDK v2, in place of the first four arguments.
        model_scores : ModelPredictedLabelConfig, str or int, optional
            Where the score is in what the model returns, with ``data_config``.
        kms_key : str, optional
            Taken as ``output_kms_key`` of the job: hosts that run jobs use it.
        """
        refuse_order_of_v2(baseline_dataset)
        of_requests: dict[str, Any] = {}
        if data_config is not None:
            data = data_config_alone(data_config, baseline_dataset, dataset_format, analysis_config, output_s3_uri)
            baseline_dataset, dataset_format, output_s3_uri = (
                data.s3_data_input_path,
                data.dataset_format,
                data.s3_output_path,
            )
            of_requests = given(features_attribute=data.features)
            analysis_config = _config_of_v2(data, explainability_config, model_config, model_scores)
        elif explainability_config is not None or model_config is not None or model_scores is not None:
            raise ValueError("explainability_config, model_config and model_scores go with data_config")
        required("suggest_baseline", analysis_config=analysis_config)
        job = self._suggest(
            baseline_dataset,
            dataset_format,
            output_s3_uri,
            wait,
            logs,
            job_name,
            analysis_config=analysis_config_document(
                analysis_config,  # type: ignore[arg-type]  # its type says which
                self.monitoring_type(),
            ),
            processing=given(output_kms_key=kms_key),
        )
        self._latest_config, self._attributes_of_baseline = analysis_config, of_requests
        return job

    _latest_config: AnalysisConfig | None = None


def _config_of_v2(
    data: DataConfig,
    shap: SHAPConfig | None,
    model: ModelConfig | None,
    scores: ModelPredictedLabelConfig | str | int | None,
) -> dict[str, Any]:
    """Return ``analysis_config.json`` of the arguments of SageMaker's SDK v2."""
    required("suggest_baseline", explainability_config=shap, model_config=model)
    headers: Sequence[str] | None = None
    if isinstance(scores, ModelPredictedLabelConfig):
        headers = scores.label_headers
        scores = scores.label if scores.probability is None else scores.probability
    config = ExplainabilityAnalysisConfig(
        instance("explainability_config", shap, SHAPConfig),
        instance("model_config", model, ModelConfig),
        label_headers=headers,
    )
    document = config._to_dict()  # noqa: SLF001 - as SageMaker's SDK names it
    return document | {"predictor": given(**document["predictor"], label=scores)} | data.get_config()
