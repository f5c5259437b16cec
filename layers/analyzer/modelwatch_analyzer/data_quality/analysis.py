"""The data quality monitor: a baseline from a dataset, or a dataset checked against one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwatch_analyzer.calibrated.cells import freeze
from modelwatch_analyzer.calibrated.evidence import Found
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.calibrated.watch import Watch
from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.data_quality.alignment import Alignment, align, expected_columns, left_features
from modelwatch_analyzer.data_quality.baseline import suggest_constraints
from modelwatch_analyzer.data_quality.calibration import CalibratedComparison, Judged, window_times
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
from modelwatch_analyzer.data_quality.warnings import another_time_zone, warnings_of_baseline, warnings_of_check
from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints, chosen_methods
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.documents import CONSTRAINTS_FILE, STATISTICS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.parts import Gather
from modelwatch_analyzer.profile.table import ColumnProfile, profile_dataset
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE, DataQualitySettings

_NO_TIMES = (
    "the baseline is seasonal, but neither the records nor the window of a schedule say when the rows were captured: "
    "they were compared with all hours of the baseline together"
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
        return _baseline(open_dataset(settings), methods, settings, host.gather)
    constraints = Constraints.read(settings.baseline_constraints).with_methods(methods)
    statistics = Statistics.read(settings.baseline_statistics) if settings.baseline_statistics else None
    dataset = open_dataset(settings, expected_columns(constraints, statistics))
    return _check(dataset, constraints, statistics, settings, host.gather)


def _baseline(
    dataset: Dataset, methods: DistributionConstraints, settings: DataQualitySettings, gather: Gather
) -> Findings:
    rows = SampledRows(settings.time_zone)
    profile = profile_dataset(dataset, sample=rows, gather=gather)
    statistics = Statistics.of(profile, dict(zip(dataset.columns, dataset.columns, strict=True)))
    constraints = suggest_constraints(profile, methods, settings.propose_changes)
    if _is_calibrated(constraints, configs_of(constraints.layers())):
        frozen = freeze(rows, {feature.name: feature.inferred_type.is_numeric for feature in statistics.features})
        statistics = statistics.with_calibration(frozen)
    document = statistics.to_document()
    return Findings(
        records=profile.records,
        warnings=tuple(warnings_of_baseline(statistics, profile.records.read, settings.time_zone)),
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
    configs, share = configs_of(constraints.layers()), settings.share_of_month
    rows = SampledRows(baseline.time_zone) if baseline and _is_calibrated(constraints, configs) else None
    profile = profile_dataset(
        dataset,
        columns=alignment.columns,
        expected=expected_types(constraints, alignment),
        known=known_categories(constraints, baseline, alignment),
        sample=rows,
        gather=gather,
    )
    calibrated = _Calibrated()
    if rows and baseline:
        comparison = CalibratedComparison(constraints, configs, baseline, share)
        calibrated = _calibrated(comparison, alignment, rows, settings)
    result = check(profile, alignment, constraints, configs, baseline, calibrated.judged)
    names = {column: column for column in alignment.columns}
    names |= {column: feature for feature, column in alignment.features.items()}
    columns = {names[column]: seen for column, seen in profile.columns.items()}
    statistics = Statistics.of(profile, names).with_evidence(calibrated.found, share)
    order = better_order(profile, alignment, constraints, baseline.named() if baseline else {}, dataset.input_columns)
    warnings = (
        *([order] if order else []),
        *warnings_of_check(result, profile, alignment, constraints, baseline, statistics, calibrated.found),
        *([_NO_TIMES] if calibrated.lacks_times else []),
        *another_time_zone(baseline, settings.time_zone),
        *shadowed_metrics(columns, result.drifts),
    )
    violations = tuple(result.violations)
    if settings.report_values is Switch.DISABLED:
        statistics, baseline = statistics.without_values(), baseline and baseline.without_values()
    document, baseline_document = statistics.to_document(), baseline.to_document() if baseline else None
    series = {} if calibrated.watch is None else {SERIES_FILE: to_json(calibrated.watch)}
    return Findings(
        records=profile.records,
        warnings=warnings,
        violations=violations,
        documents={STATISTICS_FILE: document} | series,
        metrics=_metrics(columns, configs, result.drifts),
        report=report_body(document, baseline_document, result.drifts, violations, profile.records),
    )


def _is_calibrated(constraints: Constraints, configs: Mapping[str, EffectiveConfig]) -> bool:
    return any(configs[feature.name].is_calibrated(feature.inferred_type) for feature in constraints.features)


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """What the Calibrated comparison found and judged, and leaves for the next window of a schedule."""

    found: Mapping[str, Found] = field(default_factory=dict)
    judged: Mapping[str, Judged] = field(default_factory=dict)
    watch: Watch | None = None
    lacks_times: bool = False


def _calibrated(
    comparison: CalibratedComparison, alignment: Alignment, rows: SampledRows, settings: DataQualitySettings
) -> _Calibrated:
    times = window_times(settings, rows)
    found = comparison.test(alignment, rows, times)
    judged, watch = comparison.judge(found), None
    if comparison.share is not None:
        earlier = earlier_watch(settings.earlier_executions_results)
        start, end = settings.start_time, settings.end_time
        span = None if start is None or end is None else (start, end)
        watch, judged = watched(comparison, comparison.share, span, judged, earlier, alignment, found, rows)
    return _Calibrated(found, judged, watch, lacks_times=comparison.baseline.seasonal and times is None)


def _metrics(
    columns: Mapping[str, ColumnProfile], configs: Mapping[str, EffectiveConfig], drifts: Mapping[str, Drift]
) -> tuple[MetricDatum, ...]:
    completeness = {name: column.completeness for name, column in columns.items()}
    moments = {name: column.numbers.moments for name, column in columns.items() if column.numbers is not None}
    return tuple(metrics_of(completeness, moments, configs, drifts))


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, learnt=learnt, replay=replay)
