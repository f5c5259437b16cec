"""The settings of one analysis: a common part, and a part for each kind of monitor.

Fields are named as SageMaker's container environment names them. `settings_environment` converts to and from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from modelwatch_core.domain.documents import ExactUtcDatetime, NonEmpty, Owned, SageMakerName, iso_utc
from modelwatch_core.domain.drift_methods import known_categorical_drift_method, known_comparison_method

CONTRACT_ROOT = Path("/opt/ml/processing")
"""Where SageMaker puts inputs and outputs in a container; a host without such a folder maps it to another one."""

MONTH = timedelta(days=30)
"""The span for which the rate of false alarms of a schedule's windows is promised."""


class Switch(StrEnum):
    """SageMaker's on and off."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class DatasetFormat(Owned):
    """The format of the dataset: its name, and the options that the reader of that format takes.

    Attributes
    ----------
    name : str
        ``csv`` or ``sagemakerCaptureJson``; ``modelwatch_analyzer.reading`` has the list.
    options : dict of str to object
        For instance ``{"header": True}``; checked by the reader.
    """

    name: NonEmpty
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_sagemaker(cls, value: object) -> object:
        """Read ``{"csv": {"header": true}}``, as an object or as the JSON text that the environment holds."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise ValueError('is not JSON; expected for instance {"csv": {"header": true}}') from error
        if not isinstance(value, Mapping):
            raise ValueError('must be an object such as {"csv": {"header": true}}')  # noqa: TRY004 (pydantic reports it)
        if "name" in value and set(value) <= {"name", "options"}:
            return value
        if len(value) != 1:
            raise ValueError(f"must name exactly one format, not {len(value)}")
        ((name, options),) = value.items()
        return {"name": name, "options": {} if options is None else options}

    @property
    def sagemaker_document(self) -> dict[str, Any]:
        """The format as SageMaker writes it: ``{"csv": {"header": true}}``."""
        return {self.name: self.options}


class AnalysisSettings(Owned):
    """What every kind of analysis is given.

    An empty text is refused as the value of any setting; in an environment, an empty variable counts as not set.

    Attributes
    ----------
    analysis_type : str
        The kind of monitor, as SageMaker's container environment names it: ``DATA_QUALITY``.
    dataset_source : Path
        A file, or a folder that is read with all its subfolders.
    dataset_format : DatasetFormat
        SageMaker's JSON, ``{"csv": {"header": true, "output_columns_position": "START"}}`` or
        ``{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}``.
    output_path : Path
        The folder that the reports are written to; made if it does not exist.
    baseline_constraints, baseline_statistics : Path, optional
        With constraints the dataset is checked against them; without them a baseline is made from it. Without
        statistics a check measures no drift.
    start_time, end_time : datetime, optional
        The window ``[start_time, end_time)`` of captured records, UTC.
    late_since : datetime, optional
        When the window before was read: records before ``start_time`` in files that were modified since are late, and
        read too. Without it they are left out.
    publish_cloudwatch_metrics : Switch
        Whether CloudWatch metric lines are written.
    cloudwatch_metrics_directory : Path, optional
        The folder for them; ``output_path`` if not given.
    report_values : Switch
        Whether the reports of a check show values of single rows: categories and their counts, extremes, quantiles,
        histograms, and the rows and values of explanations. A baseline needs them.
    output_message_file : Path, optional
        The file for the exit message.
    sagemaker_endpoint_name, sagemaker_monitoring_schedule_name : str, optional
        What is monitored, and by which schedule.
    features_attribute, inference_attribute, probability_attribute : str, optional
        JMESPaths of a model's features, its inference and its probabilities in JSON payloads and JSON records. For
        captured CSV payloads the latter two may be the index of a column of the response.
    ground_truth_attribute : str, optional
        Where the labels are: the name or index of a column, or a JMESPath.
    exclude_features_attribute : str, optional
        Names of columns to leave out, separated by commas.
    probability_threshold_attribute : float, optional
        A probability above it predicts the positive class.
    decimal : {".", ","}, optional
        The decimal mark of numbers as people write them. With it, numbers with separators of thousands, a currency, a
        per cent sign or brackets around are read: ``1.234,50 €`` or ``$1,234.50``.
    missing_values : tuple of str
        What means a missing value besides an empty one, in any case, for instance ``NA``; ``usual`` are the usual
        words. In an environment they are separated by commas.
    trim_blanks : bool
        Whether blanks around a value do not belong to it.
    previous_attempt_results : Path, optional
        The folder with the reports of the previous attempt at the same window; what changed since is reported.
    earlier_scores : Path, optional
        What the executions of the windows before measured (``EarlierScores``), for the report.
    record_preprocessor_script, post_analytics_processor_script : Path, optional
        Python files with a function ``preprocess_handler`` or ``postprocess_handler``; they run in processes of their
        own, see ``modelwatch_analyzer.scripts``.
    looks_per_month : int, optional
        How many windows of this series there are in 30 days: a check then has its part of the rate of false alarms
        per month. Executions of a schedule have it by the length of their window.
    user_environment : dict of str to str
        Variables that are not settings: for the user's own scripts and containers.
    """

    explains_a_model: ClassVar[bool] = False
    """Whether the kind explains a model, which these settings, a configuration or what is watched may name."""

    analysis_type: NonEmpty
    dataset_source: Path
    dataset_format: DatasetFormat = DatasetFormat(name="csv")
    output_path: Path
    baseline_constraints: Path | None = None
    baseline_statistics: Path | None = None
    start_time: ExactUtcDatetime | None = None
    end_time: ExactUtcDatetime | None = None
    late_since: ExactUtcDatetime | None = None
    publish_cloudwatch_metrics: Switch = Switch.DISABLED
    cloudwatch_metrics_directory: Path | None = None
    report_values: Switch = Switch.ENABLED
    output_message_file: Path | None = None
    sagemaker_endpoint_name: SageMakerName | None = None
    sagemaker_monitoring_schedule_name: SageMakerName | None = None
    features_attribute: NonEmpty | None = None
    inference_attribute: NonEmpty | None = None
    probability_attribute: NonEmpty | None = None
    ground_truth_attribute: NonEmpty | None = None
    exclude_features_attribute: NonEmpty | None = None
    probability_threshold_attribute: float | None = Field(default=None, ge=0, le=1)
    decimal: Literal[".", ","] | None = None
    missing_values: tuple[NonEmpty, ...] = ()
    trim_blanks: bool = False
    previous_attempt_results: Path | None = None
    earlier_scores: Path | None = None
    record_preprocessor_script: Path | None = None
    post_analytics_processor_script: Path | None = None
    looks_per_month: int | None = Field(default=None, ge=1, le=10_000_000)
    user_environment: dict[str, str] = Field(default_factory=dict)

    @field_validator("missing_values", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Split words at commas, as an environment holds them."""
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise ValueError("must be texts, in an environment separated by commas: NA,nan")
        stripped = tuple(word.strip() for word in words)
        if any("," in word or not word for word in stripped):
            raise ValueError("must be texts without a comma, none of them empty: an empty value is missing anyway")
        return stripped

    @field_validator("start_time", "end_time", "late_since", mode="before")
    @classmethod
    def _iso_8601_only(cls, value: object) -> object:
        """Refuse bare numbers: SageMaker writes ISO 8601, and ``2026`` is not a moment."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value))
        except ValueError as error:
            raise ValueError("is not an ISO 8601 moment such as 2026-11-26T03:00:00Z") from error

    @field_validator("*", mode="before")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        """Refuse empty texts, which an environment could not hold: an empty variable is one that is not set."""
        if isinstance(value, str) and not value:
            raise ValueError("must not be empty; leave it out")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.baseline_statistics is not None and self.baseline_constraints is None:
            raise ValueError("baseline_statistics without baseline_constraints: a check needs the constraints")
        if self.start_time is not None and self.end_time is not None and self.start_time >= self.end_time:
            raise ValueError("start_time must be before end_time")
        return self

    @property
    def names_a_model(self) -> bool:
        """Whether these settings name the model that is explained: they come before its configuration."""
        return False

    @property
    def explained_endpoint(self) -> str | None:
        """The endpoint of that model, if they name one."""
        return None

    @property
    def share_of_month(self) -> float | None:
        """How much of a month the window of a series is; None for a check of its own."""
        if self.looks_per_month is not None:
            return 1 / self.looks_per_month
        scheduled = self.sagemaker_monitoring_schedule_name is not None
        if not scheduled or self.start_time is None or self.end_time is None:
            return None
        return min(1.0, (self.end_time - self.start_time) / MONTH)

    @property
    def script_environment(self) -> dict[str, str]:
        """What a user's script finds in its environment: the user's own variables, and what is analysed."""
        names = ("dataset_source", "output_path", "analysis_type", "sagemaker_endpoint_name")
        fields = {name: getattr(self, name) for name in (*names, "sagemaker_monitoring_schedule_name")}
        fields |= {name: iso_utc(moment) for name in ("start_time", "end_time") if (moment := getattr(self, name))}
        return self.user_environment | {name: str(value) for name, value in fields.items() if value is not None}

    def relocated(self, root: Path) -> Self:
        """Return the settings of a host that keeps the folders of the container contract below another root."""
        moved: dict[str, object] = {
            name: root / value.relative_to(CONTRACT_ROOT)
            for name, value in self
            if isinstance(value, Path) and value.is_relative_to(CONTRACT_ROOT)
        }
        moved["user_environment"] = {
            name: value.replace(f"{CONTRACT_ROOT}/", f"{root}/", 1) if value.startswith(f"{CONTRACT_ROOT}/") else value
            for name, value in self.user_environment.items()
        }
        return self.model_copy(update=moved)


class DriftSettings(AnalysisSettings):
    """The part of kinds that measure how far distributions have moved from a baseline.

    Attributes
    ----------
    comparison_method, categorical_drift_method : str, optional
        Names of drift measures, of numbers and of categories. A baseline suggests them; a check uses them instead of
        those that its constraints name for all features.
    """

    comparison_method: Annotated[NonEmpty, AfterValidator(known_comparison_method)] | None = None
    categorical_drift_method: Annotated[NonEmpty, AfterValidator(known_categorical_drift_method)] | None = None


class IntervalSettings(AnalysisSettings):
    """The part of kinds that compute confidence intervals by the bootstrap.

    Attributes
    ----------
    bootstrap_replicates : int
        How many resamples a confidence interval is made of.
    confidence_level : float
        The confidence level of the interval, in (0, 1).
    seed : int
        The seed of everything that is drawn at random.
    """

    bootstrap_replicates: int = Field(default=1000, ge=100, le=100_000)
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)


class GroundTruthSettings(AnalysisSettings):
    """The part of kinds that merge predictions with labels.

    Attributes
    ----------
    ground_truth_source : Path, optional
        Labels, in files of their own, that are merged with the captured predictions.
    merged_output_path : Path, optional
        The folder that the merged records are written to; ``merge`` in the output folder if not given.
    ground_truth_time_tolerance : float
        How many seconds the time of a label without an id may differ from that of its prediction.
    """

    ground_truth_source: Path | None = None
    merged_output_path: Path | None = None
    ground_truth_time_tolerance: float = Field(default=0.0, ge=0, le=86_400)


class ConfiguredSettings(AnalysisSettings):
    """The part of kinds that are configured by a document of SageMaker Clarify.

    Attributes
    ----------
    analysis_config : Path, optional
        SageMaker's ``analysis_config.json``.
    """

    analysis_config: Path | None = None
