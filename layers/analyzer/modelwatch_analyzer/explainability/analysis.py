"""The explainability monitor: which features drive the model, and whether that is other than in the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.answers import reader
from modelwatch_analyzer.explainability.artifact import PICKLES, explain_trees, load_trees
from modelwatch_analyzer.explainability.attribution import AGGREGATIONS, consistency, interval, replicates, stability
from modelwatch_analyzer.explainability.background import clustered_background, given_background, table_of
from modelwatch_analyzer.explainability.checks import LabelDrift, compare, violations_of
from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.explainability.documents import (
    ANALYSIS,
    BASELINE_ROWS,
    CONSTRAINTS,
    LOCAL_VALUES,
    VIOLATIONS,
    Analysis,
    Background,
    Explanations,
    LabelExplanation,
    MonitoringConfig,
    RunDetails,
    earlier_analyses,
)
from modelwatch_analyzer.explainability.explainers import design
from modelwatch_analyzer.explainability.game import Game, Limits
from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.explainability.metrics import metric_lines
from modelwatch_analyzer.explainability.presentation import drift_document, write_report
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_analyzer.explainability.sampling import SampledRows, sample
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Dataset, Plan, ReadLog, Role
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference
from modelwatch_core.domain.monitor_kinds.explainability import ExplainabilitySettings
from modelwatch_core.domain.outcome import RecordCounts

_FEW_ROWS = 100
_MOST_CELLS = 1 << 24
_MOST_TREE_PAIRS = 1_000_000
"""Pairs of an explained and a background row that trees are walked for: a minute or two for a few hundred trees."""

_CLUSTERED_ROWS = 10_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Task:
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
class _Explanation:
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


def run(settings: ExplainabilitySettings, host: Host) -> Findings:
    """Explain a model on a dataset: a baseline, or a check against the one that the settings name.

    Both write ``analysis.json``. A baseline writes the same as ``constraints.json``, as the API document names it; a
    check writes ``constraint_violations.json``.

    Parameters
    ----------
    host : Host
        Brings SageMaker's models, and is told of progress.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the dataset, the configuration, the baseline or the model.
    """
    config = ExplainabilityConfig.read(settings.analysis_config)
    baseline = Analysis.read(settings.baseline_constraints) if settings.baseline_constraints else None
    seed = settings.seed if config.shap.seed is None else config.shap.seed
    if baseline is not None:
        _refuse_incomparable(config, baseline)
    dataset, log = open_dataset(settings), ReadLog()
    columns, features = _features(dataset, config)
    rows = sample(_cells(dataset, columns, features, log), _most_rows(settings, config, len(features)), seed)
    log.require_records()
    background = _background(host, config, baseline, rows, features, seed)
    task = _Task(settings, config, host, features, rows, background, seed)
    explanation = _explained(task)
    return _findings(task, explanation, baseline, log.counts())


def numeric_columns(table: pl.DataFrame) -> list[bool]:
    """Tell which columns of spelled cells are numbers wherever they hold anything."""
    parsed = table.cast(pl.Float64, strict=False)
    return [bool((table[name].is_null() | parsed[name].is_finite().fill_null(False)).all()) for name in table.columns]


def _refuse_incomparable(config: ExplainabilityConfig, baseline: Analysis) -> None:
    made = baseline.run_details
    asked = config.shap
    if made is not None and (made.agg_method, made.use_logit) != (asked.agg_method, asked.use_logit):
        message = f"the baseline was made with agg_method {made.agg_method} and use_logit {made.use_logit}, and the "
        message += f"configuration says {asked.agg_method} and {asked.use_logit}: make it anew, or mend either"
        raise InvalidInput("ExplanationsNotComparable", message)


def _features(dataset: Dataset, config: ExplainabilityConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the dataset's columns that the model takes, in its order, and what they are called."""
    label = config.label
    found = dataset.roles.get(Role.FEATURES, dataset.input_columns)
    names = config.headers or dataset.columns
    if isinstance(label, int) and 0 <= label < len(names):
        label = names[label]
    wanted = tuple(name for name in config.headers if name != label)
    if not wanted:
        columns = tuple(name for name in found if name != label)
        if not columns:
            raise InvalidInput("FeaturesNotFound", "the dataset has no column that is a feature: name some by headers")
        return columns, columns
    if set(wanted) <= set(dataset.columns):
        return wanted, wanted
    if dataset.named or len(found) not in (len(wanted), len(config.headers)):
        lacking = [name for name in wanted if name not in dataset.columns]
        message = (
            f"headers name {len(wanted)} features, and the dataset has no column {', '.join(lacking[:10])}; it has "
        )
        raise InvalidInput("FeaturesNotFound", f"{message}{len(found)}: {', '.join(found[:10])}")
    by_position = dict(zip(wanted if len(found) == len(wanted) else config.headers, found, strict=True))
    return tuple(by_position[name] for name in wanted), wanted


def _cells(dataset: Dataset, columns: Sequence[str], features: Sequence[str], log: ReadLog) -> Iterator[pl.DataFrame]:
    """Read the features as they are spelled."""
    names = dict(zip(columns, features, strict=True))
    for batch in dataset.batches(Plan(dict.fromkeys(columns, pl.String())), log):
        yield batch.select([pl.col(column).cast(pl.String).alias(name) for column, name in names.items()])


def _most_rows(settings: ExplainabilitySettings, config: ExplainabilityConfig, features: int) -> int:
    """Bound the rows worth keeping: each of their cells takes two bytes of a request at least."""
    shap = config.shap
    if settings.model_artifact is not None:
        return max(1, min(_MOST_TREE_PAIRS, _MOST_CELLS // features))
    if shap.explainer == "tree":
        raise InvalidInput("ModelNotGiven", "the explainer 'tree' needs the model's own file: give model_artifact")
    coalitions = len(design(shap.explainer, features, shap.num_samples, 0).coalitions)
    rows = shap.max_model_calls * shap.max_payload_bytes // (2 * features * (coalitions + 1))
    return max(1, min(rows, _MOST_CELLS // features))


def _background(
    host: Host,
    config: ExplainabilityConfig,
    baseline: Analysis | None,
    rows: SampledRows,
    features: tuple[str, ...],
    seed: int,
) -> pl.DataFrame:
    """Return the rows to compare with: given, else the baseline's own, else made of the dataset."""
    given = given_background(config.shap, host.read, features)
    if given is not None:
        return given
    made = baseline.run_details.background if baseline and baseline.run_details else None
    if made is not None and made.features == features:
        return table_of(made.rows, features)
    clustered = rows.rows.head(_CLUSTERED_ROWS)
    return clustered_background(clustered, numeric_columns(clustered), config.shap.num_clusters, seed)


def _explained(task: _Task) -> _Explanation:
    artifact, asked = task.settings.model_artifact, task.config.shap.explainer
    if artifact is None:
        return _by_asking(task)
    if asked not in ("auto", "tree"):
        raise InvalidInput(
            "InvalidAnalysisConfig", f"methods.shap.explainer: {asked!r} asks a model, model_artifact is a file"
        )
    model = load_trees(artifact, allow_pickle=task.settings.allow_pickle)
    rows = task.rows.rows.head(max(1, _MOST_TREE_PAIRS // task.background.height))
    values, expected = explain_trees(model, rows, task.background, use_logit=task.config.shap.use_logit)
    return _Explanation(values, expected, "tree")


def _by_asking(task: _Task) -> _Explanation:
    shap, predictor = task.config.shap, task.config.predictor
    request = RequestFormat.of(predictor, task.features, shap.max_records_per_call)
    accept = predictor.accept_type or predictor.content_type
    game = Game(
        task.rows.rows,
        task.background,
        task.numeric,
        request,
        reader(accept, predictor.output_attribute),
        Limits(shap.max_model_calls, shap.max_parallel_calls, shap.max_payload_bytes),
        accept,
    )
    chosen = design(shap.explainer, len(task.features), shap.num_samples, task.seed)
    plan = game.plan(chosen)
    task.host.announce(
        f"explaining {plan.rows:,} of {task.rows.of:,} rows by {chosen.explainer} SHAP: {plan.scored:,} rows to score "
        f"in at most {plan.calls:,} of {shap.max_model_calls:,} model calls"
    )
    with _opened(task) as model:
        played = game.play(chosen, plan, model, task.host.progress, use_logit=shap.use_logit)
    coalitions = len(chosen.coalitions)
    return _Explanation(played.values, played.expected, chosen.explainer, coalitions, played.calls, plan.scored)


def _opened(task: _Task) -> AbstractContextManager[Model]:
    settings, predictor = task.settings, task.config.predictor
    url = settings.model_url or (None if settings.model_endpoint_name else predictor.model_url)
    if url:
        parallel = task.config.shap.max_parallel_calls
        return nullcontext(HttpModel(url, timeout=predictor.timeout_seconds, connections=parallel))
    if settings.model_endpoint_name:
        told = {"target_model": predictor.target_model, "custom_attributes": predictor.custom_attributes}
        return task.host.model(ModelReference(endpoint_name=settings.model_endpoint_name, **told))
    reference = predictor.reference
    if reference is None and settings.sagemaker_endpoint_name:
        reference = ModelReference(endpoint_name=settings.sagemaker_endpoint_name)
    if reference is None:
        message = "no model is named: give predictor.model_name or endpoint_name in the configuration, or model_url"
        raise InvalidInput("ModelNotGiven", message)
    return task.host.model(reference)


def _findings(task: _Task, explanation: _Explanation, baseline: Analysis | None, records: RecordCounts) -> Findings:
    settings = task.settings
    labels = _labels(task.config.predictor.label_headers, explanation.values.shape[1])
    samples = {
        label: replicates(
            explanation.values[:, output], task.config.shap.agg_method, settings.bootstrap_replicates, task.seed
        )
        for output, label in enumerate(labels)
    }
    found = {
        label: _label(task, explanation.values[:, output], float(explanation.expected[output]), samples[label])
        for output, label in enumerate(labels)
    }
    drifts = _drifts(task, found, samples, baseline, explanation.values) if baseline else {}
    violations = tuple(violation for drift in drifts.values() for violation in violations_of(drift))
    warnings = [
        *_run_warnings(task, explanation),
        *(
            f"no feature has any attribution to {label}: the model answers the same to all that it was asked"
            for label, each in found.items()
            if not any(each.global_shap_values.values())
        ),
        *(told for drift in drifts.values() for told in _drift_warnings(drift)),
    ]
    found = {
        label: each.model_copy(update={"attribution_drift": drift_document(drifts[label])}) if label in drifts else each
        for label, each in found.items()
    }
    analysis = Analysis(
        explanations=Explanations(kernel_shap=found),
        monitoring_config=baseline.monitoring_config if baseline else MonitoringConfig(),
        run_details=_details(task, explanation),
    )
    documents = {ANALYSIS: to_json(analysis)}
    if baseline is None:
        documents[CONSTRAINTS] = documents[ANALYSIS]
    else:
        documents[VIOLATIONS] = {"version": "1.0", **to_json(ConstraintViolations(violations=violations))}
    return Findings(
        records=records,
        warnings=tuple(warnings),
        notes=(_note(task, explanation),),
        violations=violations,
        documents=documents,
        metrics=list(metric_lines(settings, found)),
        tables=_tables(task, explanation, labels),
        write_report=partial(write_report, settings, analysis, baseline, drifts, violations),
        changes=tuple(_changes(settings.previous_attempt_results, found, drifts)),
    )


def _labels(headers: Sequence[str], outputs: int) -> list[str]:
    if headers and len(headers) != outputs:
        message = f"label_headers names {len(headers)} outputs, and the model answers {outputs} numbers a row: mend "
        raise InvalidInput("LabelHeadersDiffer", f"{message}either, or name the numbers by label or probability")
    return list(headers) or [f"label{index}" for index in range(outputs)]


def _label(
    task: _Task, values: NDArray[np.float64], expected: float, samples: NDArray[np.float64] | Undefined
) -> LabelExplanation:
    attributions = AGGREGATIONS[task.config.shap.agg_method](values)
    level = task.settings.confidence_level
    spread = None
    if not isinstance(samples, Undefined):
        spread = {name: interval(samples[:, i], level) for i, name in enumerate(task.features)}
    alike = consistency(values)
    return LabelExplanation(
        global_shap_values=dict(zip(task.features, attributions.tolist(), strict=True)),
        expected_value=expected,
        confidence_intervals=spread,
        explanation_consistency=None if isinstance(alike, Undefined) else alike,
    )


def _drifts(
    task: _Task,
    found: Mapping[str, LabelExplanation],
    samples: Mapping[str, NDArray[np.float64] | Undefined],
    baseline: Analysis,
    values: NDArray[np.float64],
) -> dict[str, LabelDrift]:
    then = _matched(list(found), baseline)
    earlier = [
        _matched(list(found), analysis) for analysis in earlier_analyses(task.settings.earlier_executions_results)
    ]
    drifts = {}
    for output, (label, explanation) in enumerate(found.items()):
        now = explanation.global_shap_values
        known = [
            each[label].global_shap_values for each in earlier if each[label].global_shap_values.keys() == now.keys()
        ]
        drifts[label] = compare(
            label,
            now,
            samples[label],
            then[label],
            baseline.monitoring_config,
            level=task.settings.confidence_level,
            stability=stability(np.array([*now.values()]), [np.array([each[name] for name in now]) for each in known]),
            consistency=consistency(values[:, output]),
        )
    return drifts


def _matched(labels: list[str], analysis: Analysis) -> dict[str, LabelExplanation]:
    """Find each label in a file, by name or else by position: the first party has named them by values of the data."""
    if set(labels) <= set(analysis.labels):
        return {label: analysis.labels[label] for label in labels}
    if len(labels) != len(analysis.labels):
        message = f"the model has {len(labels)} outputs, and the baseline explains {len(analysis.labels)}: make it anew"
        raise InvalidInput("ExplanationsNotComparable", message)
    return dict(zip(labels, analysis.labels.values(), strict=True))


def _note(task: _Task, explanation: _Explanation) -> str:
    if explanation.explainer == "tree":
        return "SHAP values by tree (shap.TreeExplainer, interventional) from the model's file, without model calls"
    return (
        f"SHAP values by {explanation.explainer}, {explanation.coalitions:,} coalitions a row: {explanation.calls:,} "
        f"of at most {task.config.shap.max_model_calls:,} model calls, {explanation.scored:,} rows scored"
    )


def _run_warnings(task: _Task, explanation: _Explanation) -> Iterator[str]:
    rows, samples = len(explanation.values), task.config.shap.num_samples
    artifact = task.settings.model_artifact
    if artifact is not None and artifact.suffix.lower() in PICKLES:
        yield "the model was loaded from a pickle, which runs whatever code is in it: allow_pickle is on"
    if samples is not None and explanation.coalitions > samples:
        yield f"num_samples is {samples:,}; {explanation.coalitions:,} coalitions were needed"
    if rows < task.rows.of:
        why = "more would take too long" if explanation.explainer == "tree" else "max_model_calls reaches no further"
        yield f"{rows:,} of {task.rows.of:,} rows were explained, drawn with seed {task.seed}: {why}"
    if rows < _FEW_ROWS:
        few = f"rows explained: {rows:,}; with fewer than {_FEW_ROWS}, "
        yield f"{few}the order of features is chance to a good part"


def _drift_warnings(drift: LabelDrift) -> Iterator[str]:
    """Name what moved most where there is drift, and say what could not be measured."""
    if not isinstance(drift.ndcg, Undefined) and drift.ndcg < drift.config.feature_attribution_drift_threshold:
        shares = [
            (moved.share_change, name, moved)
            for name, moved in drift.changes.items()
            if not isinstance(moved.share_change, Undefined)
        ]
        told = (
            f"{name!r} (rank {moved.baseline_rank} to {moved.rank}, {100 * share:+.1f} percentage points of all)"
            for share, name, moved in sorted(shares, key=lambda each: -abs(each[0]))[:_NAMED]
        )
        if shares:
            yield f"the attributions of {drift.label} moved most for {', '.join(told)}"
    if isinstance(drift.ndcg, Undefined):
        yield f"feature attribution drift of {drift.label} was not measured: {drift.ndcg.reason}"
    config = drift.config
    for name, value, limit in (
        ("attribution stability", drift.stability, config.min_attribution_stability),
        ("explanation consistency", drift.consistency, config.min_explanation_consistency),
    ):
        if isinstance(value, Undefined) and limit is not None:
            yield f"{name} of {drift.label} was not checked: {value.reason}"


def _details(task: _Task, explanation: _Explanation) -> RunDetails:
    shap, background = task.config.shap, task.background
    return RunDetails(
        explainer=explanation.explainer,
        coalitions=explanation.coalitions,
        rows_explained=len(explanation.values),
        rows_in_dataset=task.rows.of,
        background_rows=background.height,
        model_calls=explanation.calls,
        max_model_calls=shap.max_model_calls,
        rows_scored=explanation.scored,
        agg_method=shap.agg_method,
        use_logit=shap.use_logit,
        seed=task.seed,
        background=Background(features=task.features, rows=tuple(background.rows())) if shap.baseline is None else None,
    )


def _tables(task: _Task, explanation: _Explanation, labels: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return the values of each row, in the order of the dataset, and the rows that they compare with."""
    tables = {BASELINE_ROWS: task.background}
    if task.config.shap.save_local_shap_values:
        order = np.argsort(task.rows.places[: len(explanation.values)])
        tables[LOCAL_VALUES] = pl.DataFrame(
            {
                f"{name}_{label}": explanation.values[order, output, feature]
                for output, label in enumerate(labels)
                for feature, name in enumerate(task.features)
            }
        )
    return tables


def _changes(
    previous: Path | None, found: Mapping[str, LabelExplanation], drifts: Mapping[str, LabelDrift]
) -> Iterator[str]:
    """Tell what is other than in an earlier run of the same window."""
    if previous is None or not (previous / ANALYSIS).exists():
        return
    try:
        then = _matched(list(found), Analysis.read(previous / ANALYSIS))
    except InvalidInput:
        yield f"feature attributions are not compared: the earlier {ANALYSIS} cannot be understood, or has other labels"
        return
    for label, drift in drifts.items():
        was, now = (then[label].attribution_drift or {}).get("ndcg"), drift.ndcg
        now_told = None if isinstance(now, Undefined) else now
        if was != now_told:
            yield f"feature attribution drift of {label} was {was}, and is {now_told}"
