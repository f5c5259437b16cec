"""Monitors of bias."""

from __future__ import annotations

from typing import Any, Unpack

from modelwatch.arguments import given, instance, required
from modelwatch.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig
from modelwatch.model_monitor.analysis_config import (
    AnalysisConfig,
    BiasAnalysisConfig,
    analysis_config_document,
    data_config_alone,
    refuse_order_of_v2,
)
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.files import Constraints, Statistics
from modelwatch.model_monitor.inputs import EndpointInput, MonitoringOutput
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.schedule_parameters import ScheduleOptions


class ModelBiasMonitor(ModelMonitor):
    """Watches how a model treats groups.

    The parameters are those of ``ModelMonitor``.
    """

    _monitoring_type = "ModelBias"

    def create_monitoring_schedule(  # type: ignore[override] # the configuration comes before the output
        self,
        monitor_schedule_name: str | None = None,
        endpoint_input: EndpointInput | str | None = None,
        ground_truth_input: str | None = None,
        analysis_config: AnalysisConfig | None = None,
        output: MonitoringOutput | None = None,
        constraints: Constraints | str | None = None,
        schedule_cron_expression: str | None = None,
        enable_cloudwatch_metrics: bool = True,
        *,
        statistics: Statistics | str | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> dict[str, Any]:
        """Create a schedule of bias; see ``ModelMonitor.create_monitoring_schedule``.

        Parameters
        ----------
        ground_truth_input : str, optional
            The S3 URI below which labels are collected; without it the metrics that need no labels are computed.
        analysis_config : BiasAnalysisConfig, dict or str
            The outcome and the groups: also ``analysis_config.json`` itself, or its S3 URI. If it is not given, that of
            the latest ``suggest_baseline`` of this object.
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
            ground_truth_input=ground_truth_input,
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
        bias_config: BiasConfig | None = None,
        model_config: ModelConfig | None = None,
        model_predicted_label_config: ModelPredictedLabelConfig | None = None,
        kms_key: str | None = None,
    ) -> BaseliningJob:
        """Make analysis.json of a dataset with labels, predictions or both; see ``ModelMonitor.suggest_baseline``.

        Parameters
        ----------
        analysis_config : BiasAnalysisConfig, dict or str
            The outcome and the groups.
        data_config, bias_config, model_predicted_label_config
            The same as in SageMaker's SDK v2, in place of the first four arguments.
        model_config : ModelConfig, optional
            Taken because SageMaker's SDK v2 needs it. The model is not asked: predictions are read from the column of
            the dataset that ``predicted_label`` of ``data_config`` names. What the configuration of predicted labels
            names is in the model's responses, as in SDK v2, and schedules of this object read it there. Only where
            dataset and responses are no JSON, a name there is that of a column too: responses in CSV have none.
        kms_key : str, optional
            Taken as ``output_kms_key`` of the job: hosts that run jobs use it.
        """
        refuse_order_of_v2(baseline_dataset)
        parameters: dict[str, Any] = {}
        of_responses: dict[str, Any] = {}
        if data_config is not None:
            data = data_config_alone(data_config, baseline_dataset, dataset_format, analysis_config, output_s3_uri)
            required("suggest_baseline", bias_config=bias_config)
            instance("bias_config", bias_config, BiasConfig)
            baseline_dataset, dataset_format, output_s3_uri = (
                data.s3_data_input_path,
                data.dataset_format,
                data.s3_output_path,
            )
            analysis_config = BiasAnalysisConfig(bias_config)._to_dict() | data.get_config()  # noqa: SLF001 - as SageMaker's SDK names it
            parameters, of_responses = _places(model_predicted_label_config, data, model_config)
        elif bias_config is not None or model_config is not None or model_predicted_label_config is not None:
            raise ValueError("bias_config, model_config and model_predicted_label_config go with data_config")
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
            **parameters,
        )
        self._latest_config, self._attributes_of_baseline = analysis_config, of_responses
        return job

    _latest_config: AnalysisConfig | None = None


def _places(
    predicted: ModelPredictedLabelConfig | None, data: DataConfig, model: ModelConfig | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return where predictions are in the dataset, and where schedules find them in the model's responses.

    SageMaker asks the model, and means its responses. These have no names in CSV: a name is that of a column.
    """
    if predicted is None:
        predicted = ModelPredictedLabelConfig()
    instance("model_predicted_label_config", predicted, ModelPredictedLabelConfig)
    threshold = given(probability_threshold_attribute=predicted.probability_threshold)
    places = given(inference_attribute=predicted.label, probability_attribute=predicted.probability)
    texts = {name: str(place) for name, place in places.items()}
    if model is None:
        return texts | threshold, threshold | given(features_attribute=data.features)
    instance("model_config", model, ModelConfig)
    have_names = not data.is_table or "json" in (model.accept_type or model.content_type or "")
    responses = {name: place for name, place in texts.items() if have_names or place.isdecimal()}
    columns = {name: place for name, place in texts.items() if name not in responses}
    return columns | threshold, responses | threshold | given(features_attribute=data.features)
