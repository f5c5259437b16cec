"""``analysis.json`` of an explainability analysis: SageMaker's file, with what we add under keys of our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from modelwatch_analyzer.documents import ANALYSIS_FILE, read_document
from modelwatch_analyzer.explainability.config import AggregationMethod, ShapConfig
from modelwatch_analyzer.metric_change import Rates

LOCAL_VALUES, BASELINE_ROWS = "explanations_shap/out.csv", "explanations_shap/baseline.csv"

_MOST_EARLIER = 10


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class LabelExplanation(_Document):
    """What drives one output of the model.

    Attributes
    ----------
    global_shap_values : dict of str to float
        The global SHAP value of each feature.
    expected_value : float, optional
        Mean prediction for the background; log-odds with ``use_logit``.
    confidence_intervals : dict of str to (float, float), optional
        The confidence intervals of the global values, our addition.
    standard_errors : dict of str to float, optional
        The standard errors of the global values, our addition.
    explanation_consistency : float, optional
        Ours, see `modelwatch_analyzer.explainability.attribution.consistency`.
    background_resampling : dict, optional
        Ours, see `modelwatch_analyzer.explainability.resampled_background`.
    attribution_drift : dict, optional
        Ours, of a check: what was compared with the baseline and the earlier executions.
    """

    global_shap_values: dict[str, float]
    expected_value: float | None = None
    confidence_intervals: dict[str, Any] | None = None
    standard_errors: dict[str, Annotated[float, Field(ge=0)]] | None = None
    explanation_consistency: float | None = None
    background_resampling: dict[str, Any] | None = None
    attribution_drift: dict[str, Any] | None = None

    @field_validator("global_shap_values")
    @classmethod
    def _some(cls, values: dict[str, float]) -> dict[str, float]:
        if not values:
            raise ValueError("names no feature")
        return values


class Explanations(_Document):
    """By label: ``label0``, ``label1``, or the names that the configuration gives."""

    kernel_shap: dict[str, LabelExplanation] = Field(min_length=1)


class AttributionConstraints(_Document):
    """Ours: what is a violation. A limit that is not there is not checked, but for NDCG's.

    Attributes
    ----------
    feature_attribution_drift_threshold : float
        The least NDCG; SageMaker's 0.90.
    feature_attribution_drift_confidence : float, optional
        The share of executions without a change that are to have no NDCG below it: chance is allowed for. A baseline
        suggests 0.99; without it, as in SageMaker's files, NDCG alone decides.
    monthly_false_alarm_rate : float
        The share of months that may have one, of a schedule without a change.
    max_attribution_change : float, optional
        The most that a feature's share of all attribution may change; the whole confidence interval must be beyond.
    max_rank_change : int, optional
        The most places that a feature may move.
    min_attribution_stability, min_kendall_tau, min_explanation_consistency : float, optional
        See `modelwatch_analyzer.explainability.attribution`.
    """

    model_config = ConfigDict(extra="forbid")

    feature_attribution_drift_threshold: float = Field(default=0.9, ge=0, le=1)
    feature_attribution_drift_confidence: float | None = Field(default=None, ge=0.5, lt=1)
    monthly_false_alarm_rate: float = Field(default=Rates().per_month, gt=0, lt=1)
    max_attribution_change: float | None = Field(default=None, ge=0)
    max_rank_change: int | None = Field(default=None, ge=0)
    min_attribution_stability: float | None = Field(default=None, ge=-1, le=1)
    min_kendall_tau: float | None = Field(default=None, ge=-1, le=1)
    min_explanation_consistency: float | None = Field(default=None, ge=0, le=1)

    @property
    def rates(self) -> Rates:
        """How many false alarms of NDCG there may be."""
        confidence = self.feature_attribution_drift_confidence
        return Rates(0.0 if confidence is None else 1 - confidence, self.monthly_false_alarm_rate)


SUGGESTED = AttributionConstraints(feature_attribution_drift_confidence=0.99)
"""What a baseline suggests."""


class Background(_Document):
    """Baseline rows that were made from the dataset, so that a check compares with the same rows."""

    features: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class RunDetails(_Document):
    """Ours: how the values were found.

    Attributes
    ----------
    explainer : str
        ``exact``, ``kernel``, ``permutation`` or ``tree``.
    coalitions : int
        How many coalitions were evaluated for each row.
    rows_explained, rows_in_dataset : int
        The rows that were explained, and all rows of the window: more if `max_explained_rows` or the budget did not
        suffice.
    max_explained_rows : str
        A number of rows, or ``all``.
    background_rows : int
        How many baseline rows the values compare with.
    model_calls, max_model_calls, rows_scored : int
        Requests without retries, their limit, and the rows in them.
    agg_method, use_logit : AggregationMethod and bool
        As the configuration had them: in which units global attributions are.
    seed : int
        What the sample, the coalitions and the clusters were drawn with.
    features : tuple of str
        The names, in the order of the model; none in files of earlier versions.
    text_features : tuple of str, optional
        Those that JSON requests have as text; not in files of earlier versions.
    background : Background, optional
        Where it was made by clustering.
    """

    explainer: str
    coalitions: int
    rows_explained: int
    rows_in_dataset: int
    background_rows: int
    model_calls: int
    max_model_calls: int
    rows_scored: int
    agg_method: AggregationMethod
    use_logit: bool
    seed: int
    max_explained_rows: str | None = None
    features: tuple[str, ...] = ()
    text_features: tuple[str, ...] | None = None
    background: Background | None = None

    def measures_as(self, shap: ShapConfig) -> bool:
        """Return whether global attributions by another configuration are in the same units."""
        return (self.agg_method, self.use_logit) == (shap.agg_method, shap.use_logit)


class Analysis(_Document):
    """The file as a whole, which is also what a check compares with."""

    version: str = "1.0"
    explanations: Explanations
    monitoring_config: AttributionConstraints = AttributionConstraints()
    run_details: RunDetails | None = None

    @classmethod
    def read(cls, path: Path) -> Analysis:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidConstraints``, naming the place.
        """
        return read_document(cls, path, "InvalidConstraints")

    @property
    def labels(self) -> dict[str, LabelExplanation]:
        """The explanation of each output of the model, by its label."""
        return self.explanations.kernel_shap

    @property
    def features(self) -> tuple[str, ...]:
        """The names, in the order of the model where that is stored."""
        return self.stored_order or tuple(next(iter(self.labels.values())).global_shap_values)

    @property
    def stored_order(self) -> tuple[str, ...]:
        """The names in the order of the model, from a list: the keys of a JSON object may be in any order.

        Empty in SageMaker's files, and where the list lacks an explained feature.
        """
        made = self.run_details
        if made is None:
            return ()
        order = made.features or (made.background.features if made.background else ())
        return order if set(next(iter(self.labels.values())).global_shap_values) <= set(order) else ()


def earlier_analyses(folder: Path | None) -> Mapping[str, Analysis]:
    """Read the analyses of the last executions: the files below a folder whose paths sort last.

    SageMaker's output paths hold year, month, day and hour, so that the order of paths is the order of time.

    Returns
    -------
    mapping of str to Analysis
        The analyses by the path of their folder, the latest last; one whose file is in the folder itself has the
        folder's name.

    Raises
    ------
    InvalidInput
        ``InvalidConstraints``, naming the place.
    """
    if folder is None:
        return {}
    paths = sorted(folder.rglob(ANALYSIS_FILE))[-_MOST_EARLIER:]
    names = [folder.resolve().name if path.parent == folder else str(path.parent.relative_to(folder)) for path in paths]
    return {name: Analysis.read(path) for name, path in zip(names, paths, strict=True)}
