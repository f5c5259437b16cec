"""The entry point of the analyzer's image for processing jobs, by the contract of SageMaker's monitoring schedules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer_container import job
from modelwatch_analyzer.workers import WorkerKilled
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.processing_job import REQUEST_FILE, JobRequest, PlacedObject
from modelwatch_core.domain.settings_environment import analysis_settings

ROWS = "age,kind\n" + "".join(f"{20 + i % 40},{'ab'[i % 2]}\n" for i in range(200))


@pytest.fixture
def opt_ml(tmp_path: Path) -> Path:
    """A folder that stands for ``/opt/ml``, as SageMaker makes it for a job."""
    folder = tmp_path / "opt" / "ml"
    for name in ("config", "output", "processing/input", "processing/output", "processing/baseline"):
        (folder / name).mkdir(parents=True)
    return folder


def contract(opt_ml: Path, **changes: str) -> dict[str, str]:
    """The environment that a monitoring schedule gives its container: "Container contract inputs" in SageMaker's guide,
    with what a container finds in every environment."""
    processing = opt_ml / "processing"
    return {
        "PATH": "/usr/bin",
        "HOME": "/root",
        "AWS_REGION": "us-east-1",
        "dataset_source": str(processing / "input"),
        "dataset_format": json.dumps({"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}),
        "output_path": str(processing / "output"),
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": "loans",
        "sagemaker_monitoring_schedule_name": "hourly",
        "sagemaker_endpoint_datacapture_prefix": "s3://captures/live",
        "metric_time": "2026-11-22T09:00:00Z",
        "start_time": "2026-11-22T09:00:00Z",
        "end_time": "2026-11-22T10:00:00Z",
        "baseline_constraints": str(processing / "baseline/constraints.json"),
        "baseline_statistics": str(processing / "baseline/statistics.json"),
        **changes,
    }


def configured(opt_ml: Path, environment: dict[str, str]) -> None:
    """Write the file that says what the job was created with."""
    given = {name: value for name, value in environment.items() if not name.isupper() or name.startswith("USER_")}
    (opt_ml / "config/processingjobconfig.json").write_text(json.dumps({"Environment": given}))


def captured(opt_ml: Path, age: int) -> None:
    lines = [
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "text/csv",
                    "mode": "INPUT",
                    "data": f"{age + i % 40},{'ab'[i % 2]}",
                    "encoding": "CSV",
                }
            },
            "eventMetadata": {"eventId": f"{i}", "inferenceTime": "2026-11-22T09:30:00Z"},
            "eventVersion": "0",
        }
        for i in range(200)
    ]
    folder = opt_ml / "processing/input/loans/AllTraffic/2026/11/22/09"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))


@pytest.fixture
def baseline(opt_ml: Path) -> None:
    """Make a baseline as a baselining job of SageMaker's does: the same image without constraints."""
    data = opt_ml / "processing/input/data.csv"
    data.write_text(ROWS)
    environment = {
        "dataset_source": str(data.parent),
        "dataset_format": json.dumps({"csv": {"header": True, "output_columns_position": "START"}}),
        "output_path": str(opt_ml / "processing/output"),
        "publish_cloudwatch_metrics": "Disabled",
    }
    configured(opt_ml, environment)
    assert job.main(environment) == 0
    for name in ("statistics.json", "constraints.json"):
        (opt_ml / "processing/output" / name).rename(opt_ml / "processing/baseline" / name)
    data.unlink()


@pytest.mark.usefixtures("baseline")
def test_the_image_takes_the_place_of_sagemakers_in_a_monitoring_schedule(opt_ml):
    captured(opt_ml, age=2000)
    environment = contract(opt_ml, USER_SETTING="kept for scripts")
    configured(opt_ml, environment)
    assert job.main(environment) == 0
    report = json.loads((opt_ml / "processing/output/constraint_violations.json").read_text())
    assert {each["feature_name"] for each in report["violations"]} == {"age"}
    message = (opt_ml / "output/message").read_text()
    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    metrics = (opt_ml / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    assert {"feature_baseline_drift_age"} <= {json.loads(line)["MetricName"] for line in metrics}
    assert (opt_ml / "processing/output/statistics.json").is_file()


@pytest.mark.usefixtures("baseline")
def test_without_the_jobs_config_the_machines_own_variables_are_ignored(opt_ml):
    captured(opt_ml, age=20)
    (opt_ml / "config/processingjobconfig.json").unlink()
    assert job.main(contract(opt_ml)) == 0
    assert (opt_ml / "output/message").read_text().startswith("Completed: ")


def test_a_schedule_of_sagemakers_own_loads_no_pickle_and_calls_no_internal_address(opt_ml, monkeypatch):
    hosts = []

    def refuse(_, host):
        hosts.append(host)
        raise InvalidInput("DatasetEmpty", "nothing is analysed here")

    monkeypatch.setattr(job, "analyze", refuse)
    job.main(contract(opt_ml))
    (host,) = hosts
    assert not host.allows_pickles
    assert not host.allows_address("169.254.169.254")
    assert host.allows_address("10.0.0.7")


def test_what_a_person_must_fix_is_the_exit_message_of_a_job_that_fails(opt_ml):
    environment = contract(opt_ml, dataset_format='{"cvs": {}}')
    assert job.main(environment) == 1
    assert (opt_ml / "output/message").read_text().startswith("Failed: ")


def test_names_from_the_data_cannot_forge_lines_of_a_jobs_log(opt_ml, monkeypatch, caplog):
    def refuse(*_):
        raise InvalidInput("ColumnMissing", "there is no column a\nINFO all is well\x1b[2J")

    monkeypatch.setattr(job, "analyze", refuse)
    assert job.main(contract(opt_ml)) == 1
    assert caplog.messages[-1] == "Failed: ColumnMissing: there is no column a?INFO all is well?[2J"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "Failed: HostExhausted: the analysis ran out of memory; a larger host may have enough"),
        (WorkerKilled("WorkerEnded", "a process was killed"), "Failed: HostExhausted: the analysis ran out of memory"),
        (ValueError("jane@example.com"), "Failed: AnalyzerError: ValueError at "),
    ],
)
def test_an_unforeseen_error_ends_in_an_exit_message_without_the_values_of_rows(opt_ml, monkeypatch, error, message):
    def broken(*_):
        raise error

    monkeypatch.setattr(job, "analyze", broken)
    assert job.main(contract(opt_ml)) == 1
    written = (opt_ml / "output/message").read_text()
    assert written.startswith(message)
    assert "jane" not in written


def test_a_request_of_the_app_finds_each_object_in_its_places_with_the_time_at_which_it_was_modified(
    opt_ml, monkeypatch
):
    processing = opt_ml / "processing"
    (processing / "objects/0/live").mkdir(parents=True)
    (processing / "objects/0/live/a.csv").write_text(ROWS)
    modified = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    request = AnalysisRequest(
        subject="baseline/first",
        settings=analysis_settings(
            dataset_source="/opt/ml/processing/input",
            dataset_format={"csv": {"header": True}},
            output_path="/opt/ml/processing/output",
        ),
        inputs=(),
        files={"config/a.json": "{}"},
        output_s3_uri="s3://results/baselining/first",
        host="sagemaker",
        host_reason="lambda takes 10 bytes of input",
        job_name="first",
    )
    places = ("input/one/a.csv", "input/two/b.csv")
    placed = tuple(PlacedObject(downloaded="objects/0/live/a.csv", path=path, modified=modified) for path in places)
    file = processing / "request" / REQUEST_FILE.name
    file.parent.mkdir()
    file.write_text(JobRequest(request=request, objects=placed).model_dump_json())
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert job.main({"modelwatch_request": str(file)}) == 0
    assert [(processing / path).stat().st_mtime for path in places] == [modified.timestamp()] * 2
    statistics = json.loads((processing / "output/statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 400
    ended = json.loads((processing / "output/analysis_ended.json").read_text())
    assert (ended["subject"], ended["run"]["run_id"], ended["outcome"]["records"]["read"]) == (
        "baseline/first",
        "first",
        400,
    )
    assert "lambda takes 10 bytes of input" in (processing / "output/report.html").read_text()


def test_a_job_that_is_stopped_ends_at_once_with_the_script_that_it_runs(opt_ml):
    (opt_ml / "processing/input/data.csv").write_text(ROWS)
    script = opt_ml / "processing/preprocess.py"
    handler = "def preprocess_handler(line):\n    print('script', os.getpid())\n    time.sleep(30)\n"
    script.write_text(f"import os, time\n{handler}")
    environment = {
        "dataset_source": str(opt_ml / "processing/input"),
        "dataset_format": json.dumps({"csv": {"header": True}}),
        "output_path": str(opt_ml / "processing/output"),
        "record_preprocessor_script": str(script),
    }
    configured(opt_ml, environment)
    command, outside = [sys.executable, job.__file__], os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=outside | environment, stderr=subprocess.PIPE, text=True) as running:
        started = next(line for line in running.stderr or () if line.startswith("script "))
        running.send_signal(signal.SIGTERM)
    assert running.returncode == 128 + signal.SIGTERM  # no signal would end the first process of a container
    assert not Path("/proc", started.split()[1]).exists()
