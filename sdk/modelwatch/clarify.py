"""The configuration of bias and explainability, with the classes of SageMaker Clarify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwatch.arguments import choice, flag, given, integer, listed, s3_uri, sagemaker_name, text

_AGGREGATIONS = ("mean_abs", "median", "mean_sq")
_MIME_TYPES = ("text/csv", "application/json", "application/jsonlines")
_MOST_SAMPLES = 1_000_000


@dataclass(frozen=True)
class ClarifyShapBaselineConfig:
    """The rows that attributions are measured from.

    Parameters
    ----------
    mime_type : {"text/csv", "application/json", "application/jsonlines"}
    shap_baseline : str
        The rows as text of that type, or the S3 URI of a file of them.
    """

    mime_type: str = "text/csv"
    shap_baseline: str | None = None

    def __post_init__(self) -> None:
        """Refuse a type that is not read, and no rows."""
        choice("mime_type", self.mime_type, _MIME_TYPES)
        text("shap_baseline", self.shap_baseline)

    def _to_dict(self) -> Any:
        rows = str(self.shap_baseline)
        return rows if rows.startswith("s3://") else {"mime_type": self.mime_type, "shap_baseline": rows}


@dataclass(frozen=True)
class SHAPConfig:
    """How attributions are computed: Kernel SHAP.

    Parameters
    ----------
    baseline : ClarifyShapBaselineConfig, list of rows, or S3 URI, optional
        The rows that attributions are measured from; without it they are drawn from the data.
    num_samples : int, optional
        How many coalitions are evaluated for each row.
    agg_method : {"mean_abs", "median", "mean_sq"}
        How the attributions of rows become one of the feature.
    use_logit : bool
        Whether the model's probabilities are explained on the scale of their logits.
    save_local_shap_values : bool
        Whether the attributions of single rows are written too.
    seed : int, optional
        The seed of what is drawn at random.
    num_clusters : int, optional
        Into how many rows the data is condensed where no baseline is given.
    """

    baseline: ClarifyShapBaselineConfig | Sequence[Sequence[Any]] | str | None = None
    num_samples: int | None = None
    agg_method: str = "mean_abs"
    use_logit: bool = False
    save_local_shap_values: bool = True
    seed: int | None = None
    num_clusters: int | None = None

    def __post_init__(self) -> None:
        """Refuse what the analysis would refuse."""
        choice("agg_method", self.agg_method, _AGGREGATIONS)
        flag("use_logit", self.use_logit)
        flag("save_local_shap_values", self.save_local_shap_values)
        if self.num_samples is not None:
            integer("num_samples", self.num_samples, 1, _MOST_SAMPLES)
        if self.baseline is not None and self.num_clusters is not None:
            raise ValueError("give baseline or num_clusters, not both")

    def get_explainability_config(self) -> dict[str, Any]:
        """Return the part ``methods`` of an analysis configuration."""
        rows = self.baseline
        baseline = rows._to_dict() if isinstance(rows, ClarifyShapBaselineConfig) else rows  # noqa: SLF001 - as SageMaker's SDK names it
        others = {name: getattr(self, name) for name in ("num_samples", "agg_method", "use_logit")}
        more = {name: getattr(self, name) for name in ("save_local_shap_values", "seed", "num_clusters")}
        return {"shap": given(baseline=baseline, **others, **more)}


@dataclass(frozen=True)
class ModelConfig:
    """The model that is explained, behind an endpoint that is made for it.

    Parameters
    ----------
    model_name, instance_type, instance_count
        The model in SageMaker, and what its temporary endpoint runs on.
    accept_type, content_type : str, optional
        MIME types of the model's responses and requests.
    content_template, record_template : str, optional
        How requests in JSON are built.
    endpoint_name : str, optional
        A live endpoint, in place of ``model_name``.
    custom_attributes, target_model : str, optional
        Sent with every request, as InvokeEndpoint has them.
    accelerator_type, endpoint_name_prefix : str, optional
        Of the temporary endpoint.
    """

    model_name: str | None = None
    instance_count: int | None = None
    instance_type: str | None = None
    accept_type: str | None = None
    content_type: str | None = None
    content_template: str | None = None
    record_template: str | None = None
    endpoint_name: str | None = None
    custom_attributes: str | None = None
    target_model: str | None = None
    accelerator_type: str | None = None
    endpoint_name_prefix: str | None = None

    def __post_init__(self) -> None:
        """Refuse no model, and two."""
        if (self.model_name is None) == (self.endpoint_name is None):
            raise ValueError("give either model_name or endpoint_name")
        sagemaker_name("model_name or endpoint_name", self.model_name or self.endpoint_name)

    def get_predictor_config(self) -> dict[str, Any]:
        """Return the part ``predictor`` of an analysis configuration."""
        parts = {name: value for name, value in vars(self).items() if name != "instance_count"}
        return given(initial_instance_count=self.instance_count, **parts)


@dataclass(frozen=True)
class ModelPredictedLabelConfig:
    """Where the model's responses are in the data, or in what it returns.

    Parameters
    ----------
    label, probability : str or int, optional
        Column, index or JMESPath of the predicted label and of the probability.
    probability_threshold : float, optional
        A probability above it predicts the positive class.
    label_headers : sequence of str, optional
        Names of the outputs.
    """

    label: str | int | None = None
    probability: str | int | None = None
    probability_threshold: float | None = None
    label_headers: Sequence[str] | None = None


@dataclass(frozen=True)
class BiasConfig:
    """Which outcome is positive, and which groups are compared.

    Parameters
    ----------
    label_values_or_threshold : list
        The positive values of the label, or the threshold above which it is positive.
    facet_name : str, int, or list of them
        The columns of the groups.
    facet_values_or_threshold : list, optional
        The values of the group that may be at a disadvantage, or a threshold; for several facets a list for each.
    group_name : str, optional
        The column of the groups that conditional metrics condition on.
    """

    label_values_or_threshold: Sequence[Any]
    facet_name: str | int | Sequence[str | int]
    facet_values_or_threshold: Sequence[Any] | None = None
    group_name: str | None = None

    def get_config(self) -> dict[str, Any]:
        """Return its part of an analysis configuration.

        Raises
        ------
        TypeError, ValueError
            Where values are no list, or are not given for each facet.
        """
        several = not isinstance(self.facet_name, str | int)
        names: Sequence[Any] = self.facet_name if several else [self.facet_name]  # type: ignore[assignment]  # several: checked above
        values_name, values = "facet_values_or_threshold", self.facet_values_or_threshold
        of_each = [None] * len(names) if values is None else (listed(values_name, values) if several else [values])
        if not names or len(names) != len(of_each):
            raise ValueError("facet_values_or_threshold must have a list for each of facet_name")
        facets = [
            given(name_or_index=name, value_or_threshold=each if each is None else listed(values_name, each))
            for name, each in zip(names, of_each, strict=True)
        ]
        label = listed("label_values_or_threshold", self.label_values_or_threshold)
        return given(label_values_or_threshold=label, facet=facets, group_variable=self.group_name)


@dataclass(frozen=True)
class DataConfig:
    """The dataset of a baseline of bias or explainability.

    Parameters
    ----------
    s3_data_input_path : str
        The dataset: the S3 URI of a file or folder, or the path of a file on this machine, which is uploaded.
    s3_output_path : str
        The folder that ``analysis.json`` goes to.
    label : str or int, optional
        The column of labels, by name or index; in JSON a JMESPath.
    headers : sequence of str, optional
        Names of the columns; a dataset with them has no header of its own, as SageMaker Clarify expects it, or one of
        the same names.
    dataset_type : {"text/csv", "application/jsonlines", "application/json", "application/x-parquet"}
    features : str, optional
        In JSON the JMESPath of the features.
    predicted_label : str or int, optional
        The column of predictions, if the dataset has them.
    excluded_columns : sequence of str or int, optional
        Columns that are no features.
    joinsource : str or int, optional
        The column of an id, which is no feature.
    s3_analysis_config_output_path, s3_compression_type : str, optional
        Taken because SageMaker's SDK v2 takes them, and used for nothing.
    """

    s3_data_input_path: str
    s3_output_path: str
    label: str | int | None = None
    headers: Sequence[str] | None = None
    dataset_type: str = "text/csv"
    features: str | None = None
    predicted_label: str | int | None = None
    excluded_columns: Sequence[str | int] | None = None
    joinsource: str | int | None = None
    s3_analysis_config_output_path: str | None = None
    s3_compression_type: str = "None"

    def __post_init__(self) -> None:
        """Refuse an output that is not in S3, and types that are not read."""
        from modelwatch_core.domain.dataset_formats import DATASET_TYPES

        text("s3_data_input_path", self.s3_data_input_path)
        s3_uri("s3_output_path", self.s3_output_path)
        choice("dataset_type", self.dataset_type, DATASET_TYPES)

    def get_config(self) -> dict[str, Any]:
        """Return its part of an analysis configuration."""
        return given(
            features=self.features,
            headers=None if self.headers is None else listed("headers", self.headers),
            label=self.label,
            predicted_label=self.predicted_label,
            excluded_columns=None
            if self.excluded_columns is None
            else listed("excluded_columns", self.excluded_columns),
            joinsource_name_or_index=self.joinsource,
        )

    @property
    def is_table(self) -> bool:
        """Whether the dataset has columns, and no documents of JSON."""
        return "json" not in self.dataset_type

    @property
    def dataset_format(self) -> dict[str, dict[str, Any]]:
        """The format of the dataset, as ``DatasetFormat`` makes it."""
        from modelwatch_core.domain.dataset_formats import format_of_dataset_type

        return format_of_dataset_type(self.dataset_type, headers=bool(self.headers))
