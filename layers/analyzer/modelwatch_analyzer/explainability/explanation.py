"""SHAP values of a sample of rows: by a file of trees, or by calling a model on coalitions of features."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.answers import reader
from modelwatch_analyzer.explainability.artifact import explain_trees, load_trees
from modelwatch_analyzer.explainability.coalitional_game import CoalitionalGame, RequestLimits
from modelwatch_analyzer.explainability.columns import numeric_columns
from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.explainability.explainers import design
from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_analyzer.explainability.sampling import SampledRows
from modelwatch_analyzer.host import Host
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference
from modelwatch_core.domain.monitor_kinds.explainability import ExplainabilitySettings

_MOST_CELLS = 1 << 24
_MOST_TREE_PAIRS = 1_000_000
"""Pairs of an explained and a background row for which trees are evaluated: minutes for a few hundred trees."""


@dataclass(frozen=True, slots=True)
class ExplanationTask:
    """Everything that an explainer may need.

    Attributes
    ----------
    features : tuple of str
        Names, in the order of the model.
    """

    settings: ExplainabilitySettings
    config: ExplainabilityConfig
    host: Host
    features: tuple[str, ...]
    rows: SampledRows
    background: pl.DataFrame
    seed: int

    @property
    def numeric(self) -> list[bool]:
        """Which features are numbers, in the rows and the background alike."""
        both = pl.concat([self.rows.rows, self.background])
        return numeric_columns(both)


@dataclass(frozen=True, slots=True)
class Explanation:
    """SHAP values.

    Attributes
    ----------
    values : array, shape (rows, outputs, features)
    expected : array, shape (outputs,)
    """

    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    explainer: str
    coalitions: int = 0
    calls: int = 0
    scored: int = 0
    rounded: int = 0


def most_rows(settings: ExplainabilitySettings, config: ExplainabilityConfig, features: int) -> int:
    """Return the most rows that can be explained: each of their cells takes at least two bytes of a request."""
    shap = config.shap
    if settings.model_artifact is not None:
        return max(1, min(_MOST_TREE_PAIRS, _MOST_CELLS // features))
    if shap.explainer == "tree":
        raise InvalidInput("ModelNotGiven", "the explainer 'tree' needs the model's file: give model_artifact")
    coalitions = len(design(shap.explainer, features, shap.num_samples, 0).coalitions)
    rows = shap.max_model_calls * shap.max_payload_bytes // (2 * features * (coalitions + 1))
    return max(1, min(rows, _MOST_CELLS // features))


def explain(task: ExplanationTask) -> Explanation:
    """Compute SHAP values.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the model, its file or its answers.
    """
    artifact, explainer = task.settings.model_artifact, task.config.shap.explainer
    if artifact is None:
        return _by_model_calls(task)
    if explainer not in ("auto", "tree"):
        raise InvalidInput(
            "InvalidAnalysisConfig",
            f"methods.shap.explainer: {explainer!r} calls a model, and model_artifact is a file: remove one of them",
        )
    model = load_trees(artifact, allow_pickle=task.settings.allow_pickle and task.host.pickles)
    rows = task.rows.rows.head(max(1, _MOST_TREE_PAIRS // task.background.height))
    values, expected = explain_trees(model, rows, task.background, use_logit=task.config.shap.use_logit)
    return Explanation(values, expected, "tree")


def _by_model_calls(task: ExplanationTask) -> Explanation:
    shap, predictor = task.config.shap, task.config.predictor
    request = RequestFormat.of(predictor, task.features, shap.max_records_per_call)
    accept = predictor.accept_type or predictor.content_type
    game = CoalitionalGame(
        task.rows.rows,
        task.background,
        task.numeric,
        request,
        reader(accept, predictor.output_attribute),
        RequestLimits(shap.max_model_calls, shap.max_parallel_calls, shap.max_payload_bytes),
        accept,
    )
    chosen = design(shap.explainer, len(task.features), shap.num_samples, task.seed)
    plan = game.plan(chosen)
    task.host.announce(
        f"explaining {plan.rows:,} of {task.rows.of:,} rows by {chosen.explainer} SHAP: {plan.scored:,} rows to score "
        f"in at most {plan.calls:,} of {shap.max_model_calls:,} model calls"
    )
    with _opened(task) as model:
        shap_values = game.evaluate(chosen, plan, model, task.host.progress, use_logit=shap.use_logit)
    coalitions = len(chosen.coalitions)
    values, calls, rounded = shap_values.values, shap_values.calls, shap_values.rounded
    return Explanation(values, shap_values.expected, chosen.explainer, coalitions, calls, plan.scored, rounded)


def _opened(task: ExplanationTask) -> AbstractContextManager[Model]:
    settings, predictor = task.settings, task.config.predictor
    url = settings.model_url or (None if settings.model_endpoint_name else predictor.model_url)
    if url:
        parallel = task.config.shap.max_parallel_calls
        internal = task.host.internal_models
        return nullcontext(HttpModel(url, timeout=predictor.timeout_seconds, connections=parallel, internal=internal))
    if settings.model_endpoint_name:
        options = {"target_model": predictor.target_model, "custom_attributes": predictor.custom_attributes}
        return task.host.model(ModelReference(endpoint_name=settings.model_endpoint_name, **options))
    reference = predictor.reference
    if reference is None and settings.sagemaker_endpoint_name:
        reference = ModelReference(endpoint_name=settings.sagemaker_endpoint_name)
    if reference is None:
        message = "no model is given: set predictor.model_name or endpoint_name in the configuration, or model_url"
        raise InvalidInput("ModelNotGiven", message)
    return task.host.model(reference)
