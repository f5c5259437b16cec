"""The model quality monitor: a baseline from labelled predictions, or labelled predictions checked against one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from modelwatch_analyzer.cloudwatch import metric_line_of
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.ground_truth import open_labelled_dataset
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.model_quality.changes import STATISTICS, changes_since
from modelwatch_analyzer.model_quality.check import CheckResult, camel_case, check, metric_compared
from modelwatch_analyzer.model_quality.documents import (
    Constraint,
    confidence_of,
    read_constraints,
    statistics_document,
    suggested_constraints,
)
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS, Quality, columns_of
from modelwatch_analyzer.model_quality.metric import LEAST_FOR_DEVIATION, Measured
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.report import (
    ConfusionMatrix,
    Curve,
    MetricRow,
    facts_of,
    title_of,
    write_model_quality_report,
)
from modelwatch_analyzer.reruns import VIOLATIONS
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings


def run(settings: ModelQualitySettings, _host: Host) -> Findings:
    """Make a baseline, or check labelled predictions against the one that the settings name.

    Raises
    ------
    InvalidInput
        ``ProblemTypeNotGiven``; whatever is wrong with the dataset, its labels, or the baseline's files.
    """
    problem_type = settings.problem_type
    if problem_type is None:
        message = f"say by problem_type what the model does: {', '.join(ProblemType)}"
        raise InvalidInput("ProblemTypeNotGiven", message)
    constraints = None
    if settings.baseline_constraints is not None:
        constraints = read_constraints(settings.baseline_constraints, problem_type)
    labelled = open_labelled_dataset(settings)
    columns = columns_of(settings, labelled.dataset)
    evaluation = EVALUATIONS[problem_type](columns)
    log = ReadLog()
    for batch in labelled.dataset.batches(evaluation.plan(), log):
        evaluation.update(batch)
    log.require_records()
    quality = evaluation.finish(confidence_of(settings))
    statistics = statistics_document(settings, quality, problem_type)
    result = CheckResult() if constraints is None else check(quality.metrics, constraints)
    documents: dict[str, Any] = {STATISTICS: statistics}
    if constraints is None:
        documents["constraints.json"] = suggested_constraints(quality, problem_type)
    else:
        documents[VIOLATIONS] = to_json(ConstraintViolations(violations=tuple(result.violations)))
    changes: tuple[str, ...] = ()
    if settings.previous_attempt_results is not None:
        changes = tuple(changes_since(settings.previous_attempt_results, statistics, result.violations))
    return Findings(
        records=log.counts(),
        warnings=(*labelled.warnings, *quality.warnings, *_remarks(settings, quality), *result.warnings),
        violations=tuple(result.violations),
        documents=documents,
        metrics=list(_metric_lines(settings, quality.metrics)),
        write_report=partial(_write_report, settings, quality, constraints or {}, result.violated),
        ground_truth=labelled.counts,
        changes=changes,
    )


def _remarks(settings: ModelQualitySettings, quality: Quality) -> Iterator[str]:
    if quality.rows < LEAST_FOR_DEVIATION:
        yield (
            f"{quality.rows} rows were evaluated: with fewer than {LEAST_FOR_DEVIATION} there are no standard "
            "deviations, and intervals are wide"
        )
    if settings.inference_attribute and settings.probability_threshold_attribute is not None:
        yield "probability_threshold_attribute is not used, since inference_attribute says what was predicted"


def _metric_lines(settings: ModelQualitySettings, metrics: Mapping[str, Measured]) -> Iterator[dict[str, Any]]:
    """Yield CloudWatch metrics, named as in ``statistics.json``; what is undefined has none."""
    line = metric_line_of(settings)
    for name, measured in metrics.items():
        if not isinstance(measured.value, Undefined):
            yield line(name, measured.value)


def _write_report(
    settings: ModelQualitySettings,
    quality: Quality,
    constraints: Mapping[str, Constraint],
    violated: set[str],
    path: Path,
    summary: AnalysisSummary,
) -> None:
    compared = {metric_compared(name, constraint): constraint for name, constraint in constraints.items()}
    write_model_quality_report(
        path,
        title=title_of("Model quality", settings),
        summary=summary,
        facts=facts_of(settings) | {"Rows evaluated": f"{quality.rows:,}"},
        metrics=[_row(name, measured, compared.get(name), name in violated) for name, measured in _all(quality)],
        confusion_matrix=_matrix(quality),
        curves=list(_curves(quality)),
    )


def _all(quality: Quality) -> Iterator[tuple[str, Measured]]:
    yield from quality.metrics.items()
    for label, metrics in quality.per_class.items():
        yield from ((f"{name} of {label}", measured) for name, measured in metrics.items())


def _row(name: str, measured: Measured, constraint: Constraint | None, violated: bool) -> MetricRow:
    limit = constraint.limit if constraint else None
    return MetricRow(
        name=camel_case(name),
        value=measured.value,
        standard_deviation=measured.standard_deviation,
        interval=measured.interval,
        baseline=None if isinstance(limit, Undefined) else limit,
        violated=violated,
    )


def _matrix(quality: Quality) -> ConfusionMatrix | None:
    if quality.matrix is None:
        return None
    return ConfusionMatrix(quality.matrix.labels, quality.matrix.dense().tolist())


def _curves(quality: Quality) -> Iterator[Curve]:
    if quality.roc is not None:
        false, true = quality.roc
        yield Curve("ROC curve", "false positive rate", "true positive rate", false, true, diagonal=True)
    if quality.precision_recall is not None:
        precisions, recalls = quality.precision_recall
        yield Curve("Precision and recall", "recall", "precision", recalls, precisions)
    if quality.calibration is not None:
        means, shares = quality.calibration
        yield Curve("Calibration", "mean probability", "share that came true", means, shares, diagonal=True)
