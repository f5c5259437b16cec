"""The kind of monitor that watches types, completeness, domains and distributions of all columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from modelwatch_core.domain.analysis_settings import DriftSettings
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import (
    BASELINE_ONLY,
    CHECK_ONLY,
    DRIFT_OPTIONS,
    LOOKS_OPTION,
    STATISTICS_OPTION,
    Shell,
    ShellCommand,
    ShellOption,
)
from modelwatch_core.domain.time_zones import TimeZoneName


class DataQualitySettings(DriftSettings):
    """What an analysis of data quality is given.

    Attributes
    ----------
    propose_changes : int, optional
        How many rows a window will have; a baseline then proposes how far mean, standard deviation and quantiles may
        change by chance in windows of that size.
    earlier_executions_results : Path, optional
        A folder with the results of executions of earlier windows, with which this one is judged together.
    time_zone : str, optional
        The zone by whose clocks a baseline counts the hours and days of its seasons; UTC if not given. A check uses
        that of its baseline.
    """

    analysis_type: Literal["DATA_QUALITY"] = "DATA_QUALITY"
    propose_changes: int | None = Field(default=None, ge=1)
    earlier_executions_results: Path | None = None
    time_zone: TimeZoneName | None = None


SERIES_FILE = "window_series.json"
"""The file that an execution leaves for the next: the state of the tests over several windows."""


METRICS_OF_ALL_FEATURES = ("feature_baseline_drift_distance", "feature_baseline_drift_p_value")


def _is_metric_of_a_feature(name: str, _dimensions: Collection[str]) -> bool:
    return name.startswith("feature_") and name not in METRICS_OF_ALL_FEATURES


DATA_QUALITY = MonitorKind(
    monitoring_type="DataQuality",
    title="Data quality",
    settings=DataQualitySettings,
    analysis="modelwatch_analyzer.data_quality.analysis",
    metric_namespace="data-metrics",
    in_parts=True,
    constraint_sections=frozenset({"features"}),
    earlier_report=SERIES_FILE,
    earlier_reports=1,  # each has what all before it came to
    is_metric_of_a_part=_is_metric_of_a_feature,
    checks=frozenset(
        {
            "data_type_check",
            "completeness_check",
            "is_non_negative_check",
            "categorical_values_check",
            "statistics_change_check",
            "baseline_drift_check",
            "missing_column_check",
            "extra_column_check",
        }
    ),
    shell=Shell(
        watches="Types, completeness, domains and drift of every column.",
        baseline=ShellCommand(
            help="Describe training data: statistics.json, and constraints.json that later data should satisfy.",
            details="If the model's traffic will be checked and has no column names, put the model's output first "
            "and then its features: that is the order of captured records.",
            data="A file, or a folder of files, of training data; local or in S3.",
            example="--data train.csv --dataset-format csv --output baseline",
        ),
        check=ShellCommand(
            help="Check data against a baseline: types, completeness, domains, drift, columns that are missing or new.",
            data="A file, or a folder of files, to check; local or in S3.",
            example="--data today.csv --dataset-format csv --output report --statistics baseline/statistics.json "
            "--constraints baseline/constraints.json",
        ),
        options=(
            replace(STATISTICS_OPTION, required=True),
            *DRIFT_OPTIONS,
            ShellOption(
                field="propose_changes",
                metavar="ROWS",
                help="Also propose how far mean, standard deviation and quantiles may change by chance (max_changes in "
                "constraints.json), for windows with this many rows.",
                verbs=BASELINE_ONLY,
            ),
            ShellOption(
                field="time_zone",
                metavar="ZONE",
                help="The time zone of the hours and days that a seasonal baseline distinguishes, such as "
                "Europe/Berlin; UTC by default. Checks use that of their baseline.",
                verbs=BASELINE_ONLY,
            ),
            LOOKS_OPTION,
            ShellOption(
                field="earlier_executions_results",
                name="--earlier-results",
                metavar="DIR|S3URI",
                help="Results of earlier windows of the series, to find small changes that last: the last "
                "window_series.json in it is read, by the order of paths. Needs --looks-per-month.",
                verbs=CHECK_ONLY,
            ),
        ),
    ),
)
