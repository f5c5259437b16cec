"""The explainability monitor: which features drive the model, and whether that has changed since the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl

from modelwatch_analyzer.configured_dataset import as_configured, features_key, naming_keys
from modelwatch_analyzer.documents import ANALYSIS_FILE, CONSTRAINTS_FILE
from modelwatch_analyzer.explainability.attribution import replicates
from modelwatch_analyzer.explainability.background import clustered_background, given_background, table_of
from modelwatch_analyzer.explainability.changes import changes_since
from modelwatch_analyzer.explainability.checks import violations_of
from modelwatch_analyzer.explainability.cloudwatch import metrics_of
from modelwatch_analyzer.explainability.columns import CAPTURED, cells_of, features_of, numeric_columns, text_features
from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.explainability.documents import (
    BASELINE_ROWS,
    LOCAL_VALUES,
    SUGGESTED,
    Analysis,
    Background,
    Explanations,
    RunDetails,
)
from modelwatch_analyzer.explainability.drift import drift_document
from modelwatch_analyzer.explainability.explanation import (
    Explanation,
    ExplanationTask,
    explain,
    limited,
    most_rows,
    row_limit,
)
from modelwatch_analyzer.explainability.labels import drifts_of, explanation_of, label_names, remarks_on_order
from modelwatch_analyzer.explainability.learnt import learnt
from modelwatch_analyzer.explainability.replay import replay
from modelwatch_analyzer.explainability.report import report_of
from modelwatch_analyzer.explainability.resampled_background import resample_background
from modelwatch_analyzer.explainability.sampling import SampledRows, sample
from modelwatch_analyzer.explainability.warnings import sample_notes, warnings_of
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.responses_first import remarks_on_numbers
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.explainability import ExplainabilitySettings
from modelwatch_core.domain.outcome import RecordCounts

_CLUSTERED_ROWS = 10_000
_OF_FEATURES = (
    "FeatureNotNumeric",
    "ModelFailed",
    "ModelRefused",
    "ModelResponseNotNumbers",
    "ModelResponseRowsDiffer",
    "ShapBaselineColumnsDiffer",
)
"""Errors that may be due to the columns that were taken for features."""


def run(settings: ExplainabilitySettings, host: Host) -> Findings:
    """Explain a model on a dataset: a baseline, or a check against the one that the settings name.

    Both write ``analysis.json``. A baseline writes the same as ``constraints.json``, as the API document names it; a
    check writes ``constraint_violations.json``.

    Parameters
    ----------
    host : Host
        Gives access to SageMaker's models, and receives progress.

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
    settings, config = _of_requests(as_configured(settings, config.features, config.headers), config)
    with naming_keys(features_key(settings, config.features)):
        dataset, log = open_dataset(settings), ReadLog()
        columns, features = features_of(dataset, config, settings, log, baseline)
        rows = sample(cells_of(dataset, columns, features, log), most_rows(settings, config, len(features)), seed)
        log.require_records()
    log.remarks += remarks_on_numbers(dataset, [*config.headers, *(column for _, column in config.no_features)])
    with _naming_what_differs(features, baseline, log.remarks):
        background = _background(host, config, baseline, rows, features, seed)
    explained = limited(rows, row_limit(settings, config))
    made = baseline.run_details if baseline else None
    text = text_features(pl.concat([explained.rows, background]), made)
    task = ExplanationTask(settings, config, host, features, explained, background, text, seed)
    with _naming_what_differs(features, baseline, log.remarks):
        explanation = explain(task)
    return _findings(task, explanation, baseline, log.counts())


def _of_requests(
    settings: ExplainabilitySettings, config: ExplainabilityConfig
) -> tuple[ExplainabilitySettings, ExplainabilityConfig]:
    """Return settings and configuration for requests, of which attributes of responses say nothing.

    In schedules of SageMaker they say where the model, when it is asked, has its score.
    """
    form = settings.dataset_format
    if form.name not in CAPTURED or form.options.get("side") == "output":
        return settings, config
    predictor = config.predictor
    if predictor.output_attribute is None:
        places = {"label": settings.inference_attribute, "probability": settings.probability_attribute}
        predictor = predictor.model_copy(update=places)
    read = settings.model_copy(update={"inference_attribute": None, "probability_attribute": None})
    return read, config.model_copy(update={"predictor": predictor})


def _refuse_incomparable(config: ExplainabilityConfig, baseline: Analysis) -> None:
    if not any(value for each in baseline.labels.values() for value in each.global_shap_values.values()):
        message = "no feature has any attribution in the baseline, so nothing can be compared with it: make it again "
        raise InvalidInput("ExplanationsNotComparable", f"{message}from rows for which the model's output differs")
    made, requested = baseline.run_details, config.shap
    if made is not None and not made.measures_as(requested):
        message = f"the baseline was made with agg_method {made.agg_method} and use_logit {made.use_logit}, but the "
        message += (
            f"configuration has {requested.agg_method} and {requested.use_logit}: make the baseline again, or correct "
            "the configuration"
        )
        raise InvalidInput("ExplanationsNotComparable", message)


@contextmanager
def _naming_what_differs(features: Sequence[str], baseline: Analysis | None, remarks: Sequence[str]) -> Iterator[None]:
    """Say in errors that may be due to the features how they differ from the baseline's, and what is remarkable."""
    try:
        yield
    except InvalidInput as error:
        if error.code not in _OF_FEATURES:
            raise
        then = baseline.features if baseline else features
        lacking = [name for name in then if name not in features]
        new = [name for name in features if name not in then]
        others = [f"the dataset lacks {listed(lacking)}, which the baseline explains"] if lacking else []
        others += [f"the baseline does not have {listed(new)}"] if new else []
        raise InvalidInput(error.code, "; ".join((error.message, *others, *remarks)), examples=error.examples) from None


def _background(
    host: Host,
    config: ExplainabilityConfig,
    baseline: Analysis | None,
    rows: SampledRows,
    features: tuple[str, ...],
    seed: int,
) -> pl.DataFrame:
    """Return the background rows: given, else those of the baseline, else made from the dataset."""
    given = given_background(config.shap, host.read_object, features)
    if given is not None:
        return given
    made = baseline.run_details.background if baseline and baseline.run_details else None
    if made is not None and made.features == features:
        return table_of(made.rows, features)
    clustered = rows.rows.head(_CLUSTERED_ROWS)
    return clustered_background(clustered, numeric_columns(clustered), config.shap.num_clusters, seed)


def _findings(
    task: ExplanationTask, explanation: Explanation, baseline: Analysis | None, records: RecordCounts
) -> Findings:
    labels = label_names(task.config.predictor.label_headers, explanation.values.shape[1])
    method, number = task.config.shap.agg_method, task.settings.bootstrap_replicates
    samples = {
        label: replicates(explanation.values[:, output], method, number, task.seed)
        for output, label in enumerate(labels)
    }
    resampled = resample_background(explanation.reweighted, task.background.height, method, task.seed)
    found = {
        label: explanation_of(
            task,
            explanation.values[:, output],
            float(explanation.expected[output]),
            samples[label],
            resampled if isinstance(resampled, Undefined) else resampled[output],
        )
        for output, label in enumerate(labels)
    }
    drifts = drifts_of(task, found, samples, baseline, explanation.values) if baseline else {}
    violations = tuple(violation for drift in drifts.values() for violation in violations_of(drift))
    order = remarks_on_order(labels, baseline) if baseline else ()
    warnings = (*order, *warnings_of(task, explanation, found, drifts))
    found |= {
        label: found[label].model_copy(update={"attribution_drift": drift_document(drift)})
        for label, drift in drifts.items()
    }
    analysis = Analysis(
        explanations=Explanations(kernel_shap=found),
        monitoring_config=baseline.monitoring_config if baseline else SUGGESTED,
        run_details=_details(task, explanation),
    )
    documents: dict[str, Any] = {ANALYSIS_FILE: to_json(analysis)}
    if baseline is None:
        documents[CONSTRAINTS_FILE] = documents[ANALYSIS_FILE]
    return Findings(
        records=records,
        warnings=warnings,
        notes=(_note(task, explanation), *sample_notes(task, len(explanation.values), found)),
        violations=violations,
        violations_version="1.0",
        documents=documents,
        metrics=tuple(metrics_of(found, drifts, [] if isinstance(resampled, Undefined) else resampled)),
        tables=_tables(task, explanation, labels),
        report=report_of(analysis, baseline, drifts, violations, records),
    )


def _note(task: ExplanationTask, explanation: Explanation) -> str:
    if explanation.explainer == "tree":
        return "SHAP values by tree (shap.TreeExplainer, interventional) from the model's file, without model calls"
    return (
        f"SHAP values by {explanation.explainer}, {explanation.coalitions:,} coalitions a row: {explanation.calls:,} "
        f"of at most {task.config.shap.max_model_calls:,} model calls, {explanation.scored:,} rows scored"
    )


def _details(task: ExplanationTask, explanation: Explanation) -> RunDetails:
    shap, background = task.config.shap, task.background
    shows_background = shap.baseline is None and task.settings.report_values is Switch.ENABLED
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
        max_explained_rows=task.max_explained_rows,
        features=task.features,
        text_features=task.text_features,
        background=Background(features=task.features, rows=tuple(background.rows())) if shows_background else None,
    )


def _tables(task: ExplanationTask, explanation: Explanation, labels: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return the values of each row, in the order of the dataset, and the rows that they compare with."""
    if task.settings.report_values is Switch.DISABLED:
        return {}
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


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, learnt=learnt, replay=replay)
