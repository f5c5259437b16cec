"""SHAP values of a sample of rows: by a file of trees, or by calling a model on coalitions of features."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.artifact import explain_trees, load_trees, reweighted_trees
from modelwatch_analyzer.explainability.coalitional_game import CoalitionalGame, Progress, RequestLimits, RequestPlan
from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.explainability.explainers import design
from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_analyzer.explainability.resampled_background import Reweighted
from modelwatch_analyzer.explainability.responses import reader
from modelwatch_analyzer.explainability.sampling import SampledRows
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import duration_text
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference
from modelwatch_core.domain.monitor_kinds.explainability import ALL_ROWS, ExplainabilitySettings

_MOST_CELLS = 1 << 24
_MOST_TREE_PAIRS = 1_000_000
"""The most pairs of an explained and a background row for which trees are evaluated; a few hundred trees take
minutes."""


def row_limit(settings: ExplainabilitySettings, config: ExplainabilityConfig) -> str:
    """Return the most rows that are explained: the setting's number, or else the configuration's; or ``all``."""
    return settings.max_explained_rows or config.shap.max_explained_rows


@dataclass(frozen=True, slots=True)
class ExplanationTask:
    """Everything that an explainer may need.

    Attributes
    ----------
    features : tuple of str
        Names, in the order of the model.
    text_features : tuple of str
        Those that JSON requests have as text.
    """

    settings: ExplainabilitySettings
    config: ExplainabilityConfig
    host: Host
    features: tuple[str, ...]
    rows: SampledRows
    background: pl.DataFrame
    text_features: tuple[str, ...]
    seed: int

    @property
    def max_explained_rows(self) -> str:
        """A number of rows, or ``all``."""
        return row_limit(self.settings, self.config)


@dataclass(frozen=True, slots=True)
class Explanation:
    """SHAP values of the explained rows, and what they took.

    Attributes
    ----------
    values : array, shape (rows, outputs, features)
    expected : array, shape (outputs,)
        The value of each output for the background alone.
    explainer : str
        ``tree``, or a name of `modelwatch_analyzer.explainability.explainers.DESIGNS`.
    reweighted : callable or Undefined
        Explains the first rows again with other weights of the background rows.
    coalitions : int
        How many were evaluated for each row; 0 where no model was called.
    calls, scored, rounded : int
        See `modelwatch_analyzer.explainability.coalitional_game.ShapValues` and `RequestPlan`.
    """

    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    explainer: str
    reweighted: Reweighted | Undefined
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


def limited(rows: SampledRows, limit: str) -> SampledRows:
    """Return the rows of a sample that ``max_explained_rows`` allows."""
    return rows if limit == ALL_ROWS else rows.head(int(limit))


def explain(task: ExplanationTask) -> Explanation:
    """Compute SHAP values.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the model, its file or its responses.
    """
    artifact, explainer = task.settings.model_artifact, task.config.shap.explainer
    if artifact is None:
        return _by_model_calls(task)
    if explainer not in ("auto", "tree"):
        raise InvalidInput(
            "InvalidAnalysisConfig",
            f"methods.shap.explainer: {explainer!r} calls a model, and model_artifact is a file: remove one of them",
        )
    model = load_trees(artifact, allow_pickle=task.settings.allow_pickle and task.host.allows_pickles)
    rows = task.rows.rows.head(max(1, _MOST_TREE_PAIRS // task.background.height))
    values, expected = explain_trees(model, rows, task.background, use_logit=task.config.shap.use_logit)
    reweighted = reweighted_trees(model, rows, task.background, use_logit=task.config.shap.use_logit)
    return Explanation(values, expected, "tree", reweighted)


def _by_model_calls(task: ExplanationTask) -> Explanation:
    shap, predictor = task.config.shap, task.config.predictor
    request = RequestFormat.of(predictor, task.features, shap.max_records_per_call)
    accept = predictor.accept_type or predictor.content_type
    game = CoalitionalGame(
        task.rows.rows,
        task.background,
        [name not in task.text_features for name in task.features],
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
        found = game.evaluate(chosen, plan, model, _progress(task.host, plan), use_logit=shap.use_logit)
    return Explanation(
        found.values,
        found.expected,
        chosen.explainer,
        found.reweighted,
        len(chosen.coalitions),
        found.calls,
        plan.scored,
        found.rounded,
    )


def _progress(host: Host, plan: RequestPlan) -> Progress:
    """Announce after the first request how long all of them should take; a host may end the analysis after each."""
    started = perf_counter()

    def progress(calls: int, planned: int, scored: int) -> None:
        if calls == 1 < planned:
            seconds = perf_counter() - started
            # Each later request is as long or longer, and a row takes no more time in it.
            all_of_them = duration_text(seconds * plan.scored / scored)
            host.announce(
                f"the first {scored:,} rows were scored in {seconds:.2g} seconds: all {plan.scored:,} should take "
                f"{all_of_them} at most"
            )
        host.progress(calls, planned)

    return progress


def _opened(task: ExplanationTask) -> AbstractContextManager[Model]:
    settings, predictor = task.settings, task.config.predictor
    url = settings.model_url or (None if settings.model_endpoint_name else predictor.model_url)
    if url:
        parallel = task.config.shap.max_parallel_calls
        timeout, allows_address = predictor.timeout_seconds, task.host.allows_address
        return nullcontext(HttpModel(url, timeout=timeout, connections=parallel, allows_address=allows_address))
    if settings.model_endpoint_name:
        options = {"target_model": predictor.target_model, "custom_attributes": predictor.custom_attributes}
        return task.host.open_model(ModelReference(endpoint_name=settings.model_endpoint_name, **options))
    reference = predictor.reference
    if reference is None and settings.sagemaker_endpoint_name:
        reference = ModelReference(endpoint_name=settings.sagemaker_endpoint_name)
    if reference is None:
        message = "no model is given: set predictor.model_name or endpoint_name in the configuration, or model_url"
        raise InvalidInput("ModelNotGiven", message)
    return task.host.open_model(reference)
