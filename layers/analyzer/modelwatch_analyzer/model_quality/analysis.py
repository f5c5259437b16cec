"""The model quality monitor: a baseline from labelled predictions, or labelled predictions checked against one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from modelwatch_analyzer.distances.distribution_constraints import SUGGESTED_DISTRIBUTION, chosen_methods
from modelwatch_analyzer.documents import CONSTRAINTS_FILE, STATISTICS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.ground_truth import LabelledDataset, open_labelled_dataset
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.model_quality.baseline_quality import BaselineQuality, read_baseline_quality
from modelwatch_analyzer.model_quality.changes import changes_since
from modelwatch_analyzer.model_quality.check import MetricsCheck, check, never_violated, undefined_in_baseline
from modelwatch_analyzer.model_quality.cloudwatch import metrics_of
from modelwatch_analyzer.model_quality.columns import Columns, columns_of
from modelwatch_analyzer.model_quality.distributions import Distributions, read_distributions, unseen_classes
from modelwatch_analyzer.model_quality.documents import (
    SECTIONS,
    QualityConstraints,
    confidence_of,
    constraints_document,
    read_constraints,
    statistics_document,
    suggested_constraints,
)
from modelwatch_analyzer.model_quality.drift import DriftCheck, check_distributions
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS, problem_type_of
from modelwatch_analyzer.model_quality.learnt import learnt
from modelwatch_analyzer.model_quality.metric import LEAST_FOR_DEVIATION, Metric
from modelwatch_analyzer.model_quality.quality import Evaluation, Quality
from modelwatch_analyzer.model_quality.replay import replay
from modelwatch_analyzer.model_quality.report import report_of
from modelwatch_analyzer.parts import FIRST, Gather, Place, Reading
from modelwatch_analyzer.reading.dataset import Arrivals, parts_of
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings, ThresholdRule
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import RecordCounts


def run(settings: ModelQualitySettings, host: Host) -> Findings:
    """Make a baseline, or check labelled predictions against the one that the settings name.

    Raises
    ------
    InvalidInput
        ``ProblemTypeNotGiven``; whatever is wrong with the dataset, its labels, or the baseline's files.
    """
    problem_type = problem_type_of(settings)
    constraints, methods = None, chosen_methods(settings)
    if settings.baseline_constraints is not None:
        constraints = read_constraints(settings.baseline_constraints, problem_type)
    baseline = _baseline_distributions(settings, problem_type)
    measured = _measured(settings, problem_type, host.gather)
    quality, registry = measured.quality, measured.registry
    result, drift = MetricsCheck(), DriftCheck()
    documents: dict[str, Any] = {}
    if constraints is None:
        of_metrics = suggested_constraints(quality, problem_type, settings.threshold_rule)
        distribution = SUGGESTED_DISTRIBUTION.overlaid(methods)
        documents[CONSTRAINTS_FILE] = constraints_document(of_metrics, distribution, problem_type)
        result.warnings.extend(undefined_in_baseline(quality.metrics, registry))
    else:
        of_metrics = constraints.metrics
        rates, share = constraints.rates, settings.share_of_month
        result = check(quality.metrics, of_metrics, registry, rates, share, exact=_is_exact(settings))
        drift = check_distributions(quality.distributions, baseline, constraints.of_distributions(methods))
    unseen = tuple(unseen_classes(baseline or {}, quality.distributions))
    if settings.report_values is Switch.DISABLED:
        quality = replace(quality, distributions=_without_values(quality.distributions))
        baseline = _without_values(baseline or {})
    documents = {STATISTICS_FILE: statistics_document(settings, quality, problem_type)} | documents
    return Findings(
        records=measured.records,
        warnings=(
            *measured.labelled.warnings,
            *quality.warnings,
            *_remarks(settings, quality),
            *result.warnings,
            *never_violated(of_metrics, registry),
            *_about_keys(constraints),
            *drift.warnings,
            *unseen,
        ),
        violations=(*result.violations, *drift.violations),
        documents=documents,
        metrics=tuple(metrics_of(quality.metrics, drift.drifts)),
        report=report_of(
            quality,
            constraints.metrics if constraints else {},
            result.violated,
            baseline,
            drift.drifts,
            _baseline_quality(settings, problem_type),
        ),
        ground_truth=measured.labelled.counts,
    )


def _without_values(distributions: Distributions) -> Distributions:
    return {name: feature.without_values() for name, feature in distributions.items()}


class _Measured(NamedTuple):
    quality: Quality
    registry: tuple[Metric[Any], ...]
    labelled: LabelledDataset
    records: RecordCounts


def _measured(settings: ModelQualitySettings, problem_type: ProblemType, gather: Gather) -> _Measured:
    labelled = open_labelled_dataset(settings)
    start = partial(_evaluation, problem_type, columns_of(settings, labelled.dataset))
    counted = gather(
        Reading(start, start(FIRST).plan().dtypes, arrivals=Arrivals(requests=True)), parts_of(labelled.dataset)
    )
    evaluation, log = counted.accumulator, counted.log
    log.require_records()
    registry = tuple(evaluation.metrics())
    quality = evaluation.finish(confidence_of(settings, estimates=not _is_exact(settings)))
    return _Measured(quality, registry, labelled, log.counts())


def _evaluation(problem_type: ProblemType, columns: Columns, _: Place) -> Evaluation:
    return EVALUATIONS[problem_type](columns)


def _is_exact(settings: ModelQualitySettings) -> bool:
    return settings.threshold_rule is ThresholdRule.EXACT


def _baseline_distributions(settings: ModelQualitySettings, problem_type: ProblemType) -> Distributions | None:
    path = settings.baseline_statistics
    return read_distributions(path, problem_type, f"{SECTIONS[problem_type]}_metrics") if path else None


def _baseline_quality(settings: ModelQualitySettings, problem_type: ProblemType) -> BaselineQuality | None:
    path = settings.baseline_statistics
    return read_baseline_quality(path, f"{SECTIONS[problem_type]}_metrics") if path else None


def _about_keys(constraints: QualityConstraints | None) -> Iterator[str]:
    if constraints is not None and constraints.unknown:
        names = listed(list(dict.fromkeys(constraints.unknown)))
        yield f"the constraints file has keys without a meaning there, which were ignored: {names}"


def _remarks(settings: ModelQualitySettings, quality: Quality) -> Iterator[str]:
    if quality.rows < LEAST_FOR_DEVIATION:
        yield (
            f"the metrics are of {count_text(quality.rows, 'row')}: with fewer than {LEAST_FOR_DEVIATION} there are no "
            "standard deviations, and intervals are wide"
        )
    if remark := quality.remark_on_requests():
        yield remark
    if settings.inference_attribute and settings.probability_threshold_attribute is not None:
        yield "probability_threshold_attribute is not used, since inference_attribute says what was predicted"


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, learnt=learnt, replay=replay)
