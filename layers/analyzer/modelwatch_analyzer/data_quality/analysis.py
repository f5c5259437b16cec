"""The data quality monitor: a baseline from a dataset, or a dataset checked against one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from modelwatch_analyzer.calibrated.cells import freeze
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.calibrated.tables import MAY_BE_CHANGE
from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.data_quality.alignment import align, expected_columns, left_features
from modelwatch_analyzer.data_quality.baseline import suggest_constraints
from modelwatch_analyzer.data_quality.calibration import (
    evidence_on,
    judge,
    level_of,
    promise_of,
    window_times,
)
from modelwatch_analyzer.data_quality.changes import changes_since
from modelwatch_analyzer.data_quality.check import check, expected_types, known_categories
from modelwatch_analyzer.data_quality.cloudwatch import metrics_of, shadowed_metrics
from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.data_quality.learnt import learnt
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig, configs_of
from modelwatch_analyzer.data_quality.order import better_order
from modelwatch_analyzer.data_quality.replay import replay
from modelwatch_analyzer.data_quality.report import report_body
from modelwatch_analyzer.data_quality.series import earlier_watch, watched
from modelwatch_analyzer.data_quality.unwatched import unwatched, why_text
from modelwatch_analyzer.distances import ROBUST, SIMPLE
from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints, chosen_methods
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.documents import CONSTRAINTS_FILE, STATISTICS_FILE
from modelwatch_analyzer.feature_statistics import InferredType
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.parts import Gather
from modelwatch_analyzer.profile.table import ColumnProfile, profile_dataset
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE, DataQualitySettings
from modelwatch_core.domain.number_text import count_text

_FEW_BASELINE_ROWS = 100
_FEW_CURRENT_ROWS = 500
_NO_TIMES = (
    "the baseline is seasonal, but neither records nor the window of a schedule say when the rows came: they were "
    "compared with all hours of the baseline together"
)


def run(settings: DataQualitySettings, host: Host) -> Findings:
    """Make a baseline, or check a dataset against the one that the settings name.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the dataset or the baseline's files.
    """
    methods = chosen_methods(settings)
    if settings.baseline_constraints is None:
        return _baseline(open_dataset(settings), methods, settings.propose_changes, host.gather)
    constraints = Constraints.read(settings.baseline_constraints).with_methods(methods)
    statistics = Statistics.read(settings.baseline_statistics) if settings.baseline_statistics else None
    dataset = open_dataset(settings, expected_columns(constraints, statistics))
    return _check(dataset, constraints, statistics, settings, host.gather)


def _baseline(dataset: Dataset, methods: DistributionConstraints, window_rows: int | None, gather: Gather) -> Findings:
    rows = SampledRows()
    profile = profile_dataset(dataset, sample=rows, gather=gather)
    statistics = Statistics.of(profile, dict(zip(dataset.columns, dataset.columns, strict=True)))
    constraints = suggest_constraints(profile, methods, window_rows)
    configs = configs_of(constraints.layers())
    if any(configs[feature.name].is_calibrated(feature.inferred_type) for feature in constraints.features):
        frozen = freeze(rows, {feature.name: feature.inferred_type.is_numeric for feature in statistics.features})
        statistics = statistics.with_calibration(frozen)
    warnings = [*unwatched(statistics.named()), *_sums_beyond(statistics)]
    if profile.records.read < _FEW_BASELINE_ROWS:
        few = f"the baseline has {count_text(profile.records.read, 'row')}: with fewer than {_FEW_BASELINE_ROWS}, what"
        warnings.insert(0, f"{few} it suggests may well be due to chance")
    document = statistics.to_document()
    return Findings(
        records=profile.records,
        warnings=tuple(warnings),
        documents={STATISTICS_FILE: document, CONSTRAINTS_FILE: to_json(constraints)},
        metrics=_metrics(profile.columns, {}, {}),
        report=report_body(document, None, {}, (), profile.records),
    )


def _check(
    dataset: Dataset,
    constraints: Constraints,
    baseline: Statistics | None,
    settings: DataQualitySettings,
    gather: Gather,
) -> Findings:
    left = left_features(dataset, [feature.name for feature in constraints.features])
    constraints = constraints.model_copy(
        update={"features": tuple(feature for feature in constraints.features if feature.name in left)}
    )
    alignment = align(dataset, left)
    configs = configs_of(constraints.layers())
    calibrated = any(configs[feature.name].is_calibrated(feature.inferred_type) for feature in constraints.features)
    rows = SampledRows() if calibrated and baseline else None
    profile = profile_dataset(
        dataset,
        columns=alignment.columns,
        expected=expected_types(constraints, alignment),
        known=known_categories(constraints, baseline, alignment),
        sample=rows,
        gather=gather,
    )
    general, share = EffectiveConfig.of([constraints.monitoring_config]), settings.share_of_month
    evidence, judged, series, times = {}, {}, {}, None
    if rows and baseline:
        times = window_times(settings, rows)
        evidence = evidence_on(constraints, configs, alignment, baseline, rows, times)
        level = level_of(general, share, seasonal=baseline.seasonal)
        judged = judge(constraints, configs, baseline, evidence, level, promise_of(general, share))
        if share is not None:
            earlier = earlier_watch(settings.earlier_executions_results)
            watch, judged = watched(judged, earlier, constraints, configs, alignment, baseline, evidence, rows, share)
            series = {SERIES_FILE: to_json(watch)}
    result = check(profile, alignment, constraints, baseline, judged)
    names = {column: column for column in alignment.columns}
    names |= {column: feature for feature, column in alignment.features.items()}
    statistics = Statistics.of(profile, names).with_evidence(evidence, share)
    empty = [name for name, feature in statistics.named().items() if feature.inferred_type is InferredType.UNKNOWN]
    order = better_order(profile, alignment, constraints, baseline.named() if baseline else {}, dataset.input_columns)
    warnings = [
        *([order] if order else []),
        *result.warnings,
        *([_NO_TIMES] if baseline and baseline.seasonal and rows and times is None else []),
        *([f"there is no value in {listed(empty)}"] if empty else []),
        *(f"{name!r}: {each.remark}" for name, each in evidence.items() if MAY_BE_CHANGE in each.remark),
        *_numbers_no_more(statistics, constraints),
        *_sums_beyond(statistics),
    ]
    by_distance = any(drift.measure in (SIMPLE, ROBUST) for drift in result.drifts.values())
    if by_distance and profile.records.read < _FEW_CURRENT_ROWS:
        few = f"the dataset has {count_text(profile.records.read, 'row')}: with fewer than {_FEW_CURRENT_ROWS}, Simple"
        warnings.insert(0, f"{few} distances are noisy, and Robust ones overlook small drifts")
    columns = {names[column]: seen for column, seen in profile.columns.items()}
    warnings.extend(shadowed_metrics(columns, result.drifts))
    violations = tuple(result.violations)
    if settings.report_values is Switch.DISABLED:
        statistics, baseline = statistics.without_values(), baseline and baseline.without_values()
    document, baseline_document = statistics.to_document(), baseline.to_document() if baseline else None
    return Findings(
        records=profile.records,
        warnings=tuple(warnings),
        violations=violations,
        documents={STATISTICS_FILE: document} | series,
        metrics=_metrics(columns, result.configs, result.drifts),
        report=report_body(document, baseline_document, result.drifts, violations, profile.records),
    )


def _metrics(
    columns: Mapping[str, ColumnProfile], configs: Mapping[str, EffectiveConfig], drifts: Mapping[str, Drift]
) -> tuple[MetricDatum, ...]:
    completeness = {name: column.completeness for name, column in columns.items()}
    moments = {name: column.numbers.moments for name, column in columns.items() if column.numbers is not None}
    return tuple(metrics_of(completeness, moments, configs, drifts))


def _numbers_no_more(statistics: Statistics, constraints: Constraints) -> Iterator[str]:
    """Yield why columns that the baseline has as numbers are text now."""
    now = statistics.named()
    for feature in constraints.features:
        if feature.inferred_type.is_numeric and feature.name in now:
            cause = why_text(now[feature.name], in_baseline=False)
            if cause:
                yield f"{feature.name!r} is now {cause}"


def _sums_beyond(statistics: Statistics) -> Iterator[str]:
    sums = {
        feature.name: feature.numerical_statistics.sum
        for feature in statistics.features
        if feature.numerical_statistics
    }
    beyond = [name for name, total in sums.items() if total is not None and abs(total) == sys.float_info.max]
    if beyond:
        yield f"the sum of {listed(beyond)} is beyond the greatest double, which is written instead"


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, learnt=learnt, replay=replay)
