"""Windows of bias and explainability under other constraints, through the API; files are in a folder in place of S3."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwatch.model_monitor import ModelBiasMonitor, ModelExplainabilityMonitor
from modelwatch.s3 import S3Downloader
from tests.bias.conftest import Workbench
from tests.explainability.conftest import Explaining, explaining, server
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

__all__ = ["explaining", "server"]  # fixtures

SPAN = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIG: dict[str, Any] = {
    "label": "y",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
}


def app_over(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> FakeApp:
    """Return an app with a schedule, whose execution of 9 h has its reports in the folder ``check``."""

    def read(s3_uri: str, _app: Any) -> bytes:
        return (folder / s3_uri.removeprefix("s3://my-bucket/")).read_bytes()

    monkeypatch.setattr(S3Downloader, "read_bytes", read)
    monkeypatch.setattr(S3Downloader, "read_file", lambda s3_uri, *_, **__: read(s3_uri, None).decode())
    record = execution(9, "CompletedWithViolations", monitoring_type=kind, output_s3_uri="s3://my-bucket/check")
    return FakeApp(
        DescribeMonitoringSchedule=SCHEDULE | {"monitoring_type": kind} | parameters,
        ListMonitoringExecutions={"executions": [record]},
    )


@pytest.mark.parametrize("given", [CONFIG, "s3://my-bucket/check_config.json"])
def test_a_range_of_a_bias_metric_is_tried_on_a_past_window(tmp_path, monkeypatch, given):
    bench = Workbench(tmp_path)
    rows = ["f,1"] * 60 + ["f,0"] * 40 + ["m,1"] * 50 + ["m,0"] * 50
    bench.baseline("\n".join(["sex,y", *rows]), CONFIG)
    bench.check("\n".join(["sex,y", *["f,0"] * 90, *["f,1"] * 10, *["m,1"] * 90, *["m,0"] * 10]), CONFIG)
    monitor = ModelBiasMonitor(sagemaker_session=app_over(tmp_path, "ModelBias", monkeypatch, analysis_config=given))
    monitor.monitoring_schedule_name = "hourly"
    dpl = ("DPL of sex = f", "bias_drift_check")
    (same,) = monitor.replay(str(tmp_path / "baseline/analysis.json"), *SPAN)
    assert dpl in same.before
    assert set(same.before) == set(same.after)
    changed = bench.report("baseline")
    (group,) = changed["pre_training_bias_metrics"]["facets"]["sex"]
    for metric in group["metrics"]:
        metric["range"] = [None, None] if metric["name"] == "DPL" else metric.get("range")
    (tuned,) = monitor.replay(str(bench.write(changed, "tuned.json")), *SPAN)
    assert set(same.after) - set(tuned.after) == {dpl}
    assert tuned.unknown == ()


def test_a_threshold_of_attributions_is_tried_on_a_past_window(explaining: Explaining, monkeypatch):
    data = explaining.write(np.random.default_rng(7).normal(size=(150, 3)).round(3))
    explaining.baseline(data)
    explaining.server.function = lambda given: given @ np.arange(1.0, 4.0)
    explaining.check(data)
    app = app_over(explaining.folder, "ModelExplainability", monkeypatch)
    monitor = ModelExplainabilityMonitor(sagemaker_session=app)
    monitor.monitoring_schedule_name = "hourly"
    drift = ("shap of label0", "feature_attribution_drift_check")
    document = explaining.read("baseline/analysis.json")
    for threshold, after in ((0.9, (drift,)), (0.1, ())):
        document["monitoring_config"]["feature_attribution_drift_threshold"] = threshold
        (explaining.folder / "tuned.json").write_text(json.dumps(document))
        (window,) = monitor.replay(str(explaining.folder / "tuned.json"), *SPAN)
        assert (window.before, window.after, window.unknown) == ((drift,), after, ())
