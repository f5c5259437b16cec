"""The second half of docs/tutorials: each kind of monitor on an endpoint, against the app in the local stack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from modelwatch.model_monitor import MonitoringExecution
from tests.documents import python_blocks, run
from tests.sdk.specified_app import SpecifiedApp, running

pytestmark = pytest.mark.slow

KINDS = {
    "data-quality": ("DefaultModelMonitor", "constraints.json"),
    "model-quality": ("ModelQualityMonitor", "constraints.json"),
    "bias": ("ModelBiasMonitor", "analysis.json"),
    "explainability": ("ModelExplainabilityMonitor", "analysis.json"),
}


@pytest.fixture(scope="module")
def app() -> Iterator[SpecifiedApp]:
    with running() as specified:
        yield specified


@pytest.mark.parametrize("kind", KINDS)
def test_a_tutorial_ends_with_a_schedule_that_has_its_baseline(
    kind: str, app: SpecifiedApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    run(f"docs/tutorials/{kind}.md", names)
    monitor, (class_name, file_name) = names["monitor"], KINDS[kind]
    assert type(monitor).__name__ == class_name
    schedule = monitor.describe_schedule()
    assert schedule["MonitoringScheduleName"] == f"tutorial-{kind}"
    assert schedule["MonitoringScheduleStatus"] == "Scheduled"
    assert monitor.latest_baselining_job.constraints_uri == f"s3://my-bucket/tutorial/{kind}/{file_name}"
    baseline = schedule["Modelwatch"]["baseline"]
    assert baseline["constraints_s3_uri"] == f"s3://my-bucket/tutorial/{kind}/{file_name}"


def answer_pings(handler: BaseHTTPRequestHandler) -> None:
    """Answer as a container does before SageMaker sends it requests."""
    handler.send_response(200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_the_schedule_of_explainability_finds_a_changed_model_and_nothing_on_a_day_like_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    run("docs/tutorials/explainability.md", names, until="S3Uploader")
    names["Model"].do_GET = answer_pings
    with running() as app:
        app.stack.serve_model("my-model", names["url"])
        exec(python_blocks("docs/tutorials/explainability.md")[-1], names)
        runtime = app.stack.client("sagemaker-runtime")

        def pass_a_day() -> MonitoringExecution:
            for row in names["features"](120).rows():
                runtime.invoke_endpoint(
                    EndpointName="my-endpoint", Body=",".join(map(str, row)).encode(), ContentType="text/csv"
                )
            app.stack.advance_to((app.stack.now + timedelta(days=1)).replace(hour=1))
            return names["monitor"].latest_monitoring_job

        fine = pass_a_day()
        assert fine.describe()["MonitoringExecutionStatus"] == "Completed"
        names["weights"][:] = [1.0, 0.5, 0.0]
        (violation,) = pass_a_day().constraint_violations().body_dict["violations"]
        assert violation["constraint_check_type"] == "feature_attribution_drift_check"
