"""What a re-run of a window reports as changed since the previous attempt."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from modelwatch_analyzer.data_quality import changes
from modelwatch_core.domain.analysis import AnalysisSummary
from tests.data_quality.conftest import Workbench, table


def rerun(workbench: Workbench, before: str, now: str, **settings: object) -> AnalysisSummary:
    """Check data against a baseline of itself, and then other data as a re-run of the same window."""
    workbench.baseline(before)
    workbench.check(before, output_path=workbench.folder / "previous", publish_cloudwatch_metrics="Enabled")
    return workbench.check(now, previous_attempt_results=workbench.folder / "previous", **settings)


def test_nothing_is_reported_where_nothing_changed(workbench: Workbench) -> None:
    data = table({"a": [1, 2, 3], "s": ["x", "y", None]})
    assert rerun(workbench, data, data).changes == ()


def test_rows_types_completeness_drift_and_violations_are_compared(workbench: Workbench) -> None:
    before = table({"a": [1, 2, 3, 4], "b": [1, 1, 1, 1], "s": ["x", "x", "x", "y"]})
    now = table({"a": [1, 2, 3, 4, 5], "b": [1.5, 1, 1, 1, 1], "s": ["x", "x", "x", "y", None]})
    summary = rerun(workbench, before, now)
    assert summary.changes == (
        "rows: 4 before, 5 now",
        "type of b: Integral before, Fractional now",
        "completeness of s: 1.0 before, 0.8 now",
        "new violation: b data_type_check",
        "new violation: s completeness_check",
    )
    assert "completeness of s: 1.0 before, 0.8 now" in (workbench.folder / "check/report.html").read_text()
    assert workbench.read("check/analysis_summary.json")["changes"] == list(summary.changes)


def test_drift_is_compared_by_its_published_metric(workbench: Workbench) -> None:
    before, now = ["x"] * 300 + ["y"] * 300, ["x"] * 500 + ["y"] * 100
    data, moved = table({"s": before}), table({"s": now})
    summary = rerun(workbench, data, moved)
    (drift,) = (change for change in summary.changes if change.startswith("drift of "))
    (now,) = re.fullmatch(r"drift of s: 0\.0 before, (0\.\d+) now", drift).groups()
    assert float(now) == pytest.approx(1 / 3 - 1.8 * math.sqrt(1200 / 360_000), rel=1e-14)  # less what chance explains
    assert "new violation: s baseline_drift_check" in summary.changes
    (workbench.folder / "previous/cloudwatch_metrics.jsonl").write_text("")
    again = workbench.check(moved, previous_attempt_results=workbench.folder / "previous")
    assert again.changes == ("new violation: s baseline_drift_check",)


def test_a_file_of_metric_lines_that_others_wrote_is_read_as_far_as_it_goes(workbench: Workbench) -> None:
    data = table({"a": [1, 2, 3]})
    rerun(workbench, data, data)
    lines = ["", "[]", "1", "{", '{"MetricName": 1, "Value": 1}', '{"MetricName": "feature_baseline_drift_a"}']
    drift = json.dumps({"MetricName": "feature_baseline_drift_a", "Value": 0.5})
    (workbench.folder / "previous/cloudwatch_metrics.jsonl").write_text("\n".join([*lines, drift]))
    again = workbench.check(data, previous_attempt_results=workbench.folder / "previous")
    assert again.changes == ("drift of a: 0.5 before, 0.0 now",)


def test_columns_that_came_or_went_are_reported(workbench: Workbench) -> None:
    summary = rerun(workbench, table({"a": [1], "b": [1]}), table({"a": [1], "c": [1]}))
    assert "feature c: not in the data before" in summary.changes
    assert "feature b: not in the data now" in summary.changes


def test_of_many_features_that_changed_the_first_are_described_and_the_others_counted(workbench: Workbench) -> None:
    columns = {f"f{i}": [1, 2] for i in range(changes.MOST_FEATURES + 7)}
    now = {name: [1, None] for name in columns} | {"f0": [1, 2]}
    found = rerun(workbench, table(columns), table(now)).changes
    described = [change for change in found if change.startswith("completeness of ")]
    assert described[0] == "completeness of f1: 1.0 before, 0.5 now"
    assert len(described) == changes.MOST_FEATURES
    assert "and 6 more features changed" in found


def test_reports_of_another_kind_or_damaged_ones_are_said_not_to_be_compared(
    workbench: Workbench, tmp_path: Path
) -> None:
    data = table({"a": [1, 2]})
    rerun(workbench, data, data)
    for content in ("{", '{"dataset": {"item_count": 1}, "regression_metrics": {}}'):
        (tmp_path / "previous/statistics.json").write_text(content)
        again = workbench.check(data, previous_attempt_results=tmp_path / "previous")
        assert again.changes == (
            "features are not compared: the previous attempt's statistics.json is not of data quality",
        )


def test_an_empty_folder_is_no_previous_attempt(workbench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    data = table({"a": [1, 2]})
    workbench.baseline(data)
    assert workbench.check(data, previous_attempt_results=tmp_path / "empty").changes == ()
