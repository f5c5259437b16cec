"""The data quality monitor: a baseline from a dataset, or a dataset checked against one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from modelwatch_analyzer.data_quality.alignment import align, left_features
from modelwatch_analyzer.data_quality.baseline import suggest_constraints
from modelwatch_analyzer.data_quality.check import check, expected_types, known_categories, listed
from modelwatch_analyzer.data_quality.documents import Constraints, InferredType, Statistics
from modelwatch_analyzer.data_quality.metrics import metric_lines
from modelwatch_analyzer.data_quality.statistics import statistics_of
from modelwatch_analyzer.distances.linf import CategoricalDriftMethod
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.profile.table import profile_dataset
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_analyzer.report import Drift, facts_of, title_of, write_data_quality_report
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.data_quality import DataQualitySettings

_FEW_BASELINE_ROWS = 100
_FEW_CURRENT_ROWS = 500


def run(settings: DataQualitySettings, _host: Host) -> Findings:
    """Make a baseline, or check a dataset against the one that the settings name.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the dataset or the baseline's files.
    """
    dataset = open_dataset(settings)
    if settings.baseline_constraints is None:
        return _baseline(settings, dataset)
    constraints = Constraints.read(settings.baseline_constraints)
    statistics = Statistics.read(settings.baseline_statistics) if settings.baseline_statistics else None
    return _check(settings, dataset, constraints, statistics)


def _baseline(settings: DataQualitySettings, dataset: Dataset) -> Findings:
    profile = profile_dataset(dataset)
    statistics = statistics_of(profile, dict(zip(dataset.columns, dataset.columns, strict=True)))
    constraints = suggest_constraints(profile, _drift_method(settings))
    warnings = list(_statistics_warnings(statistics))
    if profile.records.read < _FEW_BASELINE_ROWS:
        few = f"the baseline has {profile.records.read} rows: with fewer than {_FEW_BASELINE_ROWS}, what it suggests "
        warnings.insert(0, few + "is chance to a good part")
    document = to_json(statistics)
    return Findings(
        records=profile.records,
        warnings=tuple(warnings),
        violations=(),
        documents={"statistics.json": document, "constraints.json": to_json(constraints)},
        metrics=list(metric_lines(settings, profile.columns, {}, {})),
        write_report=partial(_write_report, settings, document, None, {}),
    )


def _drift_method(settings: DataQualitySettings) -> CategoricalDriftMethod | None:
    method = settings.categorical_drift_method
    if method is not None and method not in set(CategoricalDriftMethod):
        known = ", ".join(CategoricalDriftMethod)
        raise InvalidInput("InvalidSettings", f"categorical_drift_method: must be one of {known}")
    return None if method is None else CategoricalDriftMethod(method)


def _check(
    settings: DataQualitySettings, dataset: Dataset, constraints: Constraints, baseline: Statistics | None
) -> Findings:
    left = left_features(dataset, [feature.name for feature in constraints.features])
    constraints = constraints.model_copy(
        update={"features": tuple(feature for feature in constraints.features if feature.name in left)}
    )
    alignment = align(dataset, left)
    profile = profile_dataset(
        dataset,
        columns=alignment.columns,
        expected=expected_types(constraints, alignment),
        known=known_categories(constraints, baseline, alignment),
    )
    result = check(profile, alignment, constraints, baseline)
    names = {column: column for column in alignment.columns}
    names |= {column: feature for feature, column in alignment.features.items()}
    statistics = statistics_of(profile, names)
    warnings = [*result.warnings, *_statistics_warnings(statistics)]
    if profile.records.read < _FEW_CURRENT_ROWS:
        few = f"the dataset has {profile.records.read} rows: with fewer than {_FEW_CURRENT_ROWS}, Simple distances are "
        warnings.insert(0, few + "noisy, and Robust ones overlook small drifts")
    document = to_json(statistics)
    columns = {names[column]: seen for column, seen in profile.columns.items()}
    violations = tuple(result.violations)
    return Findings(
        records=profile.records,
        warnings=tuple(warnings),
        violations=violations,
        documents={
            "statistics.json": document,
            "constraint_violations.json": to_json(ConstraintViolations(violations=violations)),
        },
        metrics=list(metric_lines(settings, columns, result.configs, result.drifts)),
        write_report=partial(_write_report, settings, document, baseline, result.drifts),
    )


def _statistics_warnings(statistics: Statistics) -> Iterator[str]:
    empty = [feature.name for feature in statistics.features if feature.inferred_type is InferredType.UNKNOWN]
    if empty:
        yield f"no value at all in {listed(empty)}"
    sums = {
        feature.name: feature.numerical_statistics.sum
        for feature in statistics.features
        if feature.numerical_statistics
    }
    vast = [name for name, total in sums.items() if total is not None and abs(total) == sys.float_info.max]
    if vast:
        yield f"the sum of {listed(vast)} is beyond the greatest double, which stands for it"


def _write_report(
    settings: DataQualitySettings,
    statistics: Mapping[str, Any],
    baseline: Statistics | None,
    drifts: Mapping[str, Drift],
    path: Path,
    summary: AnalysisSummary,
) -> None:
    write_data_quality_report(
        path,
        title=title_of("Data quality", settings),
        summary=summary,
        facts=facts_of(settings),
        statistics=statistics,
        baseline_statistics=to_json(baseline) if baseline else None,
        drifts=drifts,
    )
