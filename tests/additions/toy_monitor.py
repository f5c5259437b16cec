"""A kind of monitor with an analysis: all of it is this file, and one line in ``KINDS``.

In the product the descriptor is in the core, which has no numeric packages, and the analysis in the analyzer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.replay import Replay, ReplayWindow
from modelwatch_analyzer.report import ReportBody
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.monitor_kinds import MonitorKind


class RowCountSettings(AnalysisSettings):
    """What an analysis of row counts is given."""

    analysis_type: Literal["ROW_COUNT"] = "ROW_COUNT"
    least_rows: int = 1


ROW_COUNT = MonitorKind(
    monitoring_type="RowCount",
    title="Row count",
    settings=RowCountSettings,
    analysis="tests.additions.toy_monitor",
    metric_namespace="row-metrics",
)


def run(settings: RowCountSettings, _host: Host) -> Findings:
    """Count rows, and compare the count with the least that is allowed."""
    dataset, log = open_dataset(settings), ReadLog()
    for _ in dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.String())), log):
        pass
    log.require_records()
    rows = log.counts().read
    too_few = rows < settings.least_rows and settings.baseline_constraints is not None
    violation = ConstraintViolation(
        feature_name="rows", constraint_check_type="row_count_check", description=f"Only {rows} rows"
    )
    return Findings(
        records=log.counts(),
        documents={"statistics.json": {"rows": rows}, "constraints.json": {}},
        report=ReportBody(checks={"row_count_check": "Too few rows"}),
        violations=(violation,) if too_few else (),
        metrics=(MetricDatum("rows", rows),),
    )


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Yield whether there are more or fewer rows."""
    before = json.loads((folder / "statistics.json").read_text())["rows"]
    if before != findings.records.read:
        yield f"rows: {before} before, {findings.records.read} now"


def replay(settings: RowCountSettings, _constraints: Path, _statistics: Path | None) -> ReplayWindow:
    """Return what compares the count of a past window with the least that is allowed now."""

    def replayed(current: Path) -> Replay:
        too_few = json.loads(current.read_text())["rows"] < settings.least_rows
        return Replay((("rows", "row_count_check"),) if too_few else (), ())

    return replayed


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, replay=replay)
