"""The analysis configurations of bias and explainability monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwatch.arguments import given, instance, listed, required, s3_uri
from modelwatch.clarify import BiasConfig, DataConfig, ModelConfig, SHAPConfig


class BiasAnalysisConfig:
    """What bias is measured of: the positive outcome, the groups, and the columns that hold them.

    Parameters
    ----------
    label_values_or_threshold : list, or BiasConfig
        The positive values of the label, or the threshold above which it is positive. A ``BiasConfig`` in its place,
        as in SageMaker's SDK v2, gives the first three at once.
    facet_name : str, int or list
        The columns of the groups.
    facet_values_or_threshold : list, optional
        The values of the group that may be at a disadvantage.
    predicted_label_name : str, optional
        The column of predictions.
    group_name : str, optional
        The column of the groups that conditional metrics condition on.
    headers : sequence of str, optional
        Names of the columns of data that has none.
    label : str, optional
        The column of labels. Without labels the metrics that need none are computed.
    bias_config : BiasConfig, optional
        The same as a ``BiasConfig`` in the first place.
    """

    def __init__(
        self,
        label_values_or_threshold: Sequence[Any] | BiasConfig | None = None,
        facet_name: str | int | Sequence[str | int] | None = None,
        facet_values_or_threshold: Sequence[Any] | None = None,
        predicted_label_name: str | None = None,
        *,
        group_name: str | None = None,
        headers: Sequence[str] | None = None,
        label: str | None = None,
        bias_config: BiasConfig | None = None,
    ) -> None:
        if isinstance(label_values_or_threshold, BiasConfig):
            label_values_or_threshold, bias_config = None, label_values_or_threshold
        parts = given(label_values_or_threshold=label_values_or_threshold, facet_name=facet_name)
        parts |= given(facet_values_or_threshold=facet_values_or_threshold, group_name=group_name)
        if bias_config is None:
            required("BiasAnalysisConfig", label_values_or_threshold=label_values_or_threshold, facet_name=facet_name)
            bias_config = BiasConfig(**parts)
        elif parts:
            raise ValueError(f"give bias_config or {' and '.join(parts)}, not both")
        self.predicted_label_name = predicted_label_name
        self.label = label
        self._config = instance("bias_config", bias_config, BiasConfig).get_config() | given(
            headers=None if headers is None else listed("headers", headers),
            label=label,
            predicted_label_name=predicted_label_name,
        )

    def _to_dict(self) -> dict[str, Any]:
        return dict(self._config)


class ExplainabilityAnalysisConfig:
    """What is explained, and how.

    Parameters
    ----------
    explainability_config : SHAPConfig
        How attributions are computed.
    model_config : ModelConfig or dict
        The model. A dict has the names of ``predictor`` in ``analysis_config.json``: ``model_name``,
        ``instance_type``, ``initial_instance_count``, ``content_type``, ``accept_type`` ...
    headers : sequence of str, optional
        Names of the features, for data that has none.
    label_headers : sequence of str, optional
        Names of the model's outputs.
    """

    predicted_label_name = None

    def __init__(
        self,
        explainability_config: SHAPConfig,
        model_config: ModelConfig | Mapping[str, Any],
        headers: Sequence[str] | None = None,
        label_headers: Sequence[str] | None = None,
    ) -> None:
        shap = instance("explainability_config", explainability_config, SHAPConfig)
        if isinstance(model_config, ModelConfig):
            predictor = model_config.get_predictor_config()
        else:
            predictor = dict(instance("model_config", model_config, Mapping))
        predictor |= given(label_headers=None if label_headers is None else listed("label_headers", label_headers))
        self._config = {"methods": shap.get_explainability_config(), "predictor": predictor}
        self._config |= given(headers=None if headers is None else listed("headers", headers))

    def _to_dict(self) -> dict[str, Any]:
        return dict(self._config)


AnalysisConfig = BiasAnalysisConfig | ExplainabilityAnalysisConfig | Mapping[str, Any] | str


_CLASSES = {"ModelBias": BiasAnalysisConfig, "ModelExplainability": ExplainabilityAnalysisConfig}


def refuse_order_of_v2(baseline_dataset: object) -> None:
    """Refuse the first argument of ``suggest_baseline`` in SageMaker's SDK v2, which has no dataset there.

    Raises
    ------
    TypeError
    """
    if isinstance(baseline_dataset, DataConfig):
        raise TypeError("the first argument is baseline_dataset; give configurations by keyword, data_config=...")


def data_config_alone(data_config: DataConfig, *replaced: object) -> DataConfig:
    """Return the ``data_config`` of ``suggest_baseline``, which stands in place of its first four arguments.

    Raises
    ------
    TypeError, ValueError
        Where it is none, or one of the four is given too.
    """
    if any(each is not None for each in replaced):
        raise ValueError("give data_config, or baseline_dataset, dataset_format, analysis_config, output_s3_uri")
    data: DataConfig = instance("data_config", data_config, DataConfig)
    return data


def analysis_config_document(config: AnalysisConfig, monitoring_type: str) -> dict[str, Any] | str:
    """Return a configuration as the app takes it: a document, or the S3 URI of one.

    Raises
    ------
    TypeError, ValueError
        Where it is a configuration of another kind of monitor, or no S3 URI.
    """
    if isinstance(config, str):
        return s3_uri("analysis_config", config)
    if isinstance(config, Mapping):
        return dict(config)
    document: dict[str, Any] = instance("analysis_config", config, _CLASSES.get(monitoring_type, dict))._to_dict()  # noqa: SLF001 - as SageMaker's SDK names it
    return document
