"""Windows of model quality under other constraints, through the API; its files are in a folder in place of S3."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from modelwatch.model_monitor import Constraints, ModelQualityMonitor
from modelwatch.s3 import S3Downloader
from tests.model_quality.conftest import Runs
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

SETTINGS = {"problem_type": "BinaryClassification", "inference_attribute": "prediction"}
SPAN = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelQualityMonitor:
    """A monitor whose execution of 9 h found 80 % of predictions right, and whose execution of 10 h failed."""
    runs = Runs(tmp_path)
    good = runs.csv("then.csv", "prediction,label", *["1,1"] * 50, *["0,0"] * 50)
    runs.run(good, "baseline", **SETTINGS)
    now = runs.csv("now.csv", "prediction,label", *["1,1"] * 40, *["0,0"] * 40, *["1,0"] * 10, *["0,1"] * 10)
    files = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    runs.run(now, "execution", **SETTINGS, **files)

    def read(s3_uri: str, _app: Any) -> bytes:
        return (tmp_path / s3_uri.removeprefix("s3://my-bucket/")).read_bytes()

    monkeypatch.setattr(S3Downloader, "read_bytes", read)
    monkeypatch.setattr(S3Downloader, "read_file", lambda s3_uri, *_, **__: read(s3_uri, None).decode())
    place = {"output_s3_uri": "s3://my-bucket/execution"}
    records = [execution(9, "CompletedWithViolations", **place), execution(10, "Failed", **place)]
    schedule = SCHEDULE | {
        "monitoring_type": "ModelQuality",
        "problem_type": "BinaryClassification",
        "environment": {"threshold_rule": "Exact"},
        "baseline": {"statistics_s3_uri": "s3://my-bucket/baseline/statistics.json"},
    }
    app = FakeApp(DescribeMonitoringSchedule=schedule, ListMonitoringExecutions={"executions": records})
    made = ModelQualityMonitor(sagemaker_session=app)
    made.monitoring_schedule_name = "hourly"
    return made


@pytest.mark.parametrize(("threshold", "after"), [(0.9, (("accuracy", "LessThanThreshold"),)), (0.8, ()), (0.7, ())])
def test_a_threshold_of_accuracy_is_tried_on_past_windows(monitor, tmp_path, threshold, after):
    document = json.loads((tmp_path / "baseline/constraints.json").read_text())
    only = {"accuracy": {"threshold": threshold, "comparison_operator": "LessThanThreshold"}}
    changed = Constraints(document | {"binary_classification_constraints": only})
    analysed, failed = monitor.replay(changed, *SPAN)
    assert ("accuracy", "LessThanThreshold") in analysed.before
    assert (analysed.after, analysed.unknown) == (after, ())
    assert (failed.before, failed.after) == (None, None)


def test_constraints_of_another_kind_are_refused_by_what_they_lack(monitor, tmp_path):
    (tmp_path / "other.json").write_text('{"features": []}')
    with pytest.raises(ValueError, match=r"other\.json has no binary_classification_constraints"):
        monitor.replay(str(tmp_path / "other.json"), *SPAN)


def test_a_metric_that_is_broken_is_named_with_its_file(monitor, tmp_path):
    path = tmp_path / "execution/statistics.json"
    document = json.loads(path.read_text())
    document["binary_classification_metrics"]["accuracy"]["value"] = "good"
    path.write_text(json.dumps(document))
    where = r"InvalidStatistics: statistics\.json: binary_classification_metrics\.accuracy: value"
    with pytest.raises(ValueError, match=where):
        monitor.replay(str(tmp_path / "baseline/constraints.json"), *SPAN)
