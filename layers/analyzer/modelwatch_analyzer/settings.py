"""What one analysis is asked to do, in the words of SageMaker's container environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from modelwatch_core.domain.documents import NonEmpty, Owned, UtcDatetime, iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType


class AnalysisType(StrEnum):
    """The kinds of monitor, as ``analysis_type`` names them."""

    DATA_QUALITY = "DATA_QUALITY"
    MODEL_QUALITY = "MODEL_QUALITY"
    MODEL_BIAS = "MODEL_BIAS"
    MODEL_EXPLAINABILITY = "MODEL_EXPLAINABILITY"


class Switch(StrEnum):
    """SageMaker's on and off."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class CategoricalDriftMethod(StrEnum):
    """How drift of a categorical feature is measured."""

    L_INFINITY = "LInfinity"
    CHI_SQUARED = "ChiSquared"


class DatasetFormat(Owned):
    """The format of the dataset: its name, and the options that the reader of that format understands.

    Attributes
    ----------
    name : str
        ``csv`` or ``sagemakerCaptureJson``; ``modelwatch_analyzer.reading`` has the list.
    options : dict of str to object
        For instance ``{"header": True}``; checked by the reader.
    """

    name: NonEmpty = "csv"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_sagemaker(cls, value: object) -> object:
        """Read ``{"csv": {"header": true}}``, as an object or as the JSON text that the environment holds."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise ValueError('is not JSON; expected for instance {"csv": {"header": true}}') from error
        if not isinstance(value, Mapping):
            raise ValueError('must be an object such as {"csv": {"header": true}}')  # noqa: TRY004 (pydantic reports it)
        if set(value) <= {"name", "options"}:
            return value
        if len(value) != 1:
            raise ValueError(f"must name exactly one format, not {len(value)}")
        ((name, options),) = value.items()
        return {"name": name, "options": options or {}}


class AnalysisSettings(Owned):
    """Everything an analysis is told. Fields are named as SageMaker's container environment names them.

    Attributes
    ----------
    dataset_source : Path
        A file, or a folder that is read with all its subfolders.
    dataset_format : DatasetFormat
        SageMaker's JSON, ``{"csv": {"header": true, "output_columns_position": "START"}}`` or
        ``{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}``.
    output_path : Path
        The folder that the reports are written to; made if it does not exist.
    baseline_constraints, baseline_statistics : Path, optional
        With constraints the dataset is checked against them; without them a baseline is made from it. Without
        statistics a check looks at no drift.
    start_time, end_time : datetime, optional
        The window ``[start_time, end_time)`` of captured records, UTC.
    publish_cloudwatch_metrics : Switch
        Whether CloudWatch metric lines are written.
    cloudwatch_metrics_directory : Path, optional
        Where to; ``output_path`` if not given.
    output_message_file : Path, optional
        The file for the exit message.
    categorical_drift_method : CategoricalDriftMethod, optional
        What a baseline suggests for categorical features.
    features_attribute, inference_attribute, probability_attribute : str, optional
        JMESPaths of a model's features, its inference and its probabilities in JSON payloads and JSON records. For
        captured payloads of CSV the latter two may be the index of a column of the answer.
    ground_truth_attribute : str, optional
        Where the labels lie: the name or index of a column, or a JMESPath.
    exclude_features_attribute : str, optional
        Names of columns to leave out, separated by commas.
    problem_type : ProblemType, optional
        What a model does whose quality is monitored.
    probability_threshold_attribute : float, optional
        A probability above it predicts the positive class.
    ground_truth_source : Path, optional
        Labels, in files of their own, that are merged with the captured predictions.
    merged_output_path : Path, optional
        The folder that the merged records are written to; ``merge`` in the output folder if not given.
    analysis_config : Path, optional
        SageMaker's ``analysis_config.json`` of bias and explainability.
    model_url : str, optional
        The model that is explained, behind an HTTP server with SageMaker's ``/invocations``.
    model_endpoint_name : str, optional
        The same, behind a live SageMaker endpoint. Without either, the analysis configuration names the model.
    model_artifact : Path, optional
        The same, as a file of trees that is loaded in process.
    allow_pickle : bool
        Whether that file may be a pickle, which runs whatever code is in it.
    earlier_results : Path, optional
        A folder with the results of earlier executions, for the stability of attributions.
    previous_results : Path, optional
        The folder with the reports of an earlier run of the same window; what a re-run changed is told.
    bootstrap_replicates : int
        How many resamples a confidence interval is made of.
    confidence_level : float
        Of such an interval, in (0, 1).
    seed : int
        Of everything that is drawn at random.
    record_preprocessor_script, post_analytics_processor_script : Path, optional
        Python files with a function ``preprocess_handler`` or ``postprocess_handler``; they run in processes of their
        own, see ``modelwatch_analyzer.scripts``.
    """

    dataset_source: Path
    dataset_format: DatasetFormat = Field(default_factory=DatasetFormat)
    output_path: Path
    analysis_type: AnalysisType = AnalysisType.DATA_QUALITY
    baseline_constraints: Path | None = None
    baseline_statistics: Path | None = None
    start_time: UtcDatetime | None = None
    end_time: UtcDatetime | None = None
    publish_cloudwatch_metrics: Switch = Switch.DISABLED
    cloudwatch_metrics_directory: Path | None = None
    output_message_file: Path | None = None
    sagemaker_endpoint_name: str | None = None
    sagemaker_monitoring_schedule_name: str | None = None
    categorical_drift_method: CategoricalDriftMethod | None = None
    features_attribute: NonEmpty | None = None
    inference_attribute: NonEmpty | None = None
    probability_attribute: NonEmpty | None = None
    ground_truth_attribute: NonEmpty | None = None
    exclude_features_attribute: NonEmpty | None = None
    problem_type: ProblemType | None = None
    probability_threshold_attribute: float | None = Field(default=None, allow_inf_nan=False)
    ground_truth_source: Path | None = None
    merged_output_path: Path | None = None
    analysis_config: Path | None = None
    model_url: NonEmpty | None = None
    model_endpoint_name: NonEmpty | None = None
    model_artifact: Path | None = None
    allow_pickle: bool = False
    earlier_results: Path | None = None
    previous_results: Path | None = None
    bootstrap_replicates: int = Field(default=1000, ge=100, le=100_000)
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)
    record_preprocessor_script: Path | None = None
    post_analytics_processor_script: Path | None = None

    @field_validator("start_time", "end_time", mode="before")
    @classmethod
    def _iso_8601_only(cls, value: object) -> object:
        """Refuse bare numbers: ISO 8601 is what SageMaker writes, and ``2026`` is no moment."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value))
        except ValueError as error:
            raise ValueError("is not an ISO 8601 moment such as 2026-11-26T03:00:00Z") from error

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.baseline_statistics is not None and self.baseline_constraints is None:
            raise ValueError("baseline_statistics without baseline_constraints: a check needs the constraints")
        if self.start_time is not None and self.end_time is not None and self.start_time >= self.end_time:
            raise ValueError("start_time must lie before end_time")
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a container's environment.

        Variables of other names are not ours and are passed over; empty ones count as not set.

        Parameters
        ----------
        environment : Mapping of str to str
            For instance ``os.environ``.

        Raises
        ------
        InvalidInput
            ``InvalidSettings``, naming the variable.
        """
        return cls.of(**{name: environment[name] for name in cls.model_fields if environment.get(name)})

    @property
    def for_scripts(self) -> dict[str, str]:
        """What a user's script finds in its environment."""
        names = ("dataset_source", "output_path", "analysis_type", "sagemaker_endpoint_name")
        told = {name: getattr(self, name) for name in (*names, "sagemaker_monitoring_schedule_name")}
        told |= {name: iso_utc(moment) for name in ("start_time", "end_time") if (moment := getattr(self, name))}
        return {name: str(value) for name, value in told.items() if value is not None}

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Make settings from values; what is wrong is told as ``InvalidInput`` rather than as pydantic tells it.

        Raises
        ------
        InvalidInput
            ``InvalidSettings``, naming each field that is wrong.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise invalid_settings(error) from None


def invalid_settings(error: ValidationError, *within: str) -> InvalidInput:
    """Tell what pydantic found wrong with settings, each with its place."""
    told = []
    for detail in error.errors():
        place = ".".join(str(part) for part in (*within, *detail["loc"]))
        message = detail["msg"].removeprefix("Value error, ")
        told.append(f"{place}: {message}" if place else message)
    return InvalidInput("InvalidSettings", "; ".join(told))
