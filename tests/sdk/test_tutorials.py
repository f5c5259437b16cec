"""The second half of docs/tutorials: each kind of monitor on an endpoint, against the app in the local stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import run
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
