"""What the tutorial of explainability promises of what comes after it, against the app in the local stack."""

from __future__ import annotations

from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from modelwatch.model_monitor import MonitoringExecution
from tests.documents import python_blocks, run
from tests.sdk.specified_app import running

pytestmark = pytest.mark.slow


def respond_to_pings(handler: BaseHTTPRequestHandler) -> None:
    """Respond as a container does before SageMaker sends it requests."""
    handler.send_response(200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_the_schedule_of_explainability_finds_a_changed_model_and_nothing_in_an_hour_like_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    run("docs/tutorials/explainability.md", names, until="S3Uploader")
    names["Model"].do_GET = respond_to_pings
    with running() as app:
        app.stack.serve_model("my-model", names["url"])
        made = python_blocks("docs/tutorials/explainability.md")[-1]
        assert "daily()" in made
        exec(made.replace("daily()", "hourly()"), names)  # a day takes the stack 24 times as long
        runtime = app.stack.client("sagemaker-runtime")

        def pass_an_hour() -> MonitoringExecution:
            for row in names["features"](120).rows():
                runtime.invoke_endpoint(
                    EndpointName="my-endpoint", Body=",".join(map(str, row)).encode(), ContentType="text/csv"
                )
            app.stack.advance_to((app.stack.now + timedelta(hours=1)).replace(minute=20))
            return names["monitor"].latest_monitoring_job

        fine = pass_an_hour()
        assert fine.describe()["MonitoringExecutionStatus"] == "Completed"
        names["weights"][:] = [1.0, 0.5, 0.0]
        (violation,) = pass_an_hour().constraint_violations().body_dict["violations"]
        assert violation["constraint_check_type"] == "feature_attribution_drift_check"
