"""What ``modelwatch executions`` and ``baselines`` print, and the exit codes that CI sees."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelwatch.model_monitor import ConstraintViolations, progress
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from tests.shell.conftest import Run
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

NOW = {"monitoring_execution_status": "InProgress", "outcome": None}
FOUND = {"outcome": {"violation_count": 2}}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(progress, "_LONGEST_PAUSE", 0.0)


def page(*executions: dict[str, Any]) -> dict[str, Any]:
    return {"executions": list(executions), "next_token": None}


def latest(execution: dict[str, Any] | None) -> dict[str, Any]:
    return SCHEDULE | {"last_monitoring_execution": execution}


@pytest.mark.parametrize(
    ("ended", "code", "line"),
    [
        (execution(9), 0, "hourly, 2026-11-20 09:00: completed, no violations"),
        (execution(9, "CompletedWithViolations", **FOUND), 1, "hourly, 2026-11-20 09:00: completed, 2 violations"),
        (
            execution(9, "Failed", outcome={"failure_reason": "NoData: nothing was captured"}),
            2,
            "hourly, 2026-11-20 09:00: failed: NoData: nothing was captured",
        ),
    ],
)
def test_wait_shows_each_change_and_ends_as_a_check_does(run: Run, ended: dict[str, Any], code: int, line: str):
    running = execution(9) | NOW
    app = FakeApp(
        DescribeMonitoringSchedule=latest(running),
        ListMonitoringExecutions=[page(running), page(running), page(ended)],
    )
    result = run(app, "executions", "wait", "hourly")
    assert result.exit_code == code, result.stderr
    assert result.stdout.splitlines() == ["hourly, 2026-11-20 09:00: running", line]


def test_wait_with_json_prints_the_record_alone(run: Run):
    app = FakeApp(DescribeMonitoringSchedule=latest(execution(9)), ListMonitoringExecutions=page(execution(9)))
    assert json.loads(run(app, "executions", "wait", "hourly", "--json").stdout) == execution(9)


def test_every_status_of_an_execution_has_words(run: Run):
    from modelwatch.cli.executions import status_text

    texts = {status: status_text(execution(9, status, outcome={"violation_count": 1})) for status in ExecutionStatus}
    assert len(set(texts.values())) == len(ExecutionStatus)
    assert status_text(execution(9, outcome={"violation_count": None})) == "completed, nothing was compared"


def test_an_execution_is_found_by_its_scheduled_time(run: Run):
    one_off = execution(9, one_off=True, window={"start": "2026-11-19T00:00:00Z", "end": "2026-11-20T09:00:00Z"})
    app = FakeApp(ListMonitoringExecutions=page(one_off, execution(9, attempt=2), execution(9)))
    shown = run(app, "executions", "describe", "hourly", "--scheduled-time", "2026-11-20T09:00Z", "--json")
    assert json.loads(shown.stdout)["attempt"] == 2
    asked = app.parameters("ListMonitoringExecutions")
    assert asked["scheduled_time_after"] == "2026-11-20T08:59:59+00:00"
    assert asked["scheduled_time_before"] == "2026-11-20T09:00:01+00:00"


def test_a_one_off_run_is_found_by_its_window_and_told_apart_in_the_list(run: Run):
    window = {"start": "2026-11-19T00:00:00Z", "end": "2026-11-20T09:00:00Z"}
    one_off = execution(9, one_off=True, window=window)
    app = FakeApp(ListMonitoringExecutions=page(execution(9), one_off))
    named = ("--start", "2026-11-19", "--end", "2026-11-20T09:00Z")
    shown = run(app, "executions", "describe", "hourly", *named, "--json")
    assert json.loads(shown.stdout) == one_off
    assert app.parameters("ListMonitoringExecutions")["scheduled_time_after"] == "2026-11-20T08:59:59+00:00"
    listed = run(app, "executions", "list", "hourly").stdout.splitlines()
    assert ["2026-11-19 00:00 to 2026-11-20 09:00" in line for line in listed[-2:]] == [False, True]


def test_a_list_has_no_column_that_is_empty_on_the_whole_page(run: Run):
    one_off = execution(9, one_off=True, window={"start": "2026-11-19T00:00:00Z", "end": "2026-11-20T09:00:00Z"})
    for records, number in (([execution(9)], 0), ([execution(9), one_off], 1)):
        listed = run(FakeApp(ListMonitoringExecutions=page(*records)), "executions", "list").stdout
        assert listed.count("one-off run over") == number


def test_the_latest_execution_is_that_which_schedules_describe_shows(run: Run):
    app = FakeApp(DescribeMonitoringSchedule=latest(execution(9)))
    assert json.loads(run(app, "executions", "describe", "hourly", "--json").stdout) == execution(9)
    unreadable = FakeApp(DescribeMonitoringSchedule=latest({"unreadable": "RecordUnreadable: a later version"}))
    assert run(unreadable, "executions", "wait", "hourly").stderr == "modelwatch: RecordUnreadable: a later version\n"


def test_violations_that_nobody_looked_for_are_not_shown_as_none(run: Run, monkeypatch: pytest.MonkeyPatch):
    unknown = {"violation_count": None, "failure_reason": "NoData: nothing was captured"}
    failed = execution(8, "Failed", outcome=unknown)
    listed = run(FakeApp(ListMonitoringExecutions=page(execution(9), failed)), "executions", "list")
    assert [line.split()[4] for line in listed.stdout.splitlines()[1:]] == ["Completed", "Failed"]
    assert [line.split()[5] for line in listed.stdout.splitlines()[1:]] == ["0", "-"]
    described = run(FakeApp(DescribeMonitoringSchedule=latest(failed)), "executions", "describe", "hourly")
    assert "Violations" not in described.stdout
    nothing = ConstraintViolations({"violations": []})
    monkeypatch.setattr(ConstraintViolations, "from_s3_uri", lambda *_: nothing)
    without = execution(9, outcome={"violation_count": None})
    for record, violations, text in (
        (execution(9), [], "no violations."),
        (failed, None, "failed: NoData: nothing was captured"),
        (without, None, "completed, nothing was compared"),
    ):
        app = FakeApp(DescribeMonitoringSchedule=latest(record))
        assert json.loads(run(app, "executions", "report", "hourly", "--json").stdout)["violations"] == violations
        assert f": {text}\n" in run(app, "executions", "report", "hourly").stdout


@pytest.mark.parametrize("named", [("--start", "2026-11-19"), ("--start", "1", "--end", "2", "--scheduled-time", "3")])
def test_half_a_window_names_no_execution(run: Run, named: tuple[str, ...]):
    assert run(FakeApp(), "executions", "describe", "hourly", *named).exit_code == 2


def test_an_execution_that_does_not_exist_is_refused(run: Run):
    ended = run(FakeApp(DescribeMonitoringSchedule=latest(None)), "executions", "describe", "hourly")
    assert ended.exit_code == 2
    assert ended.stderr.startswith("modelwatch: ExecutionNotFound: hourly has no execution; see modelwatch executions")


def test_a_report_is_not_saved_over_a_file(run: Run):
    Path("report.html").write_text("mine")
    ended = run(FakeApp(), "executions", "report", "hourly", "--output", "report.html")
    assert (ended.exit_code, ended.stderr.split(": ")[1]) == (2, "OutputExists")
    assert Path("report.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("listed", "printed"),
    [
        ([{"feature_name": "income", "constraint_check_type": "own_check", "description": "it is negative"}], "income"),
        (["income is negative"], "Entry 1 of the report is not in the form of a violation"),
        ([], "violations, which no report lists. CompletedWithViolations: see the log"),
    ],
)
def test_the_report_of_a_users_container_is_shown_whatever_it_is_called(
    run: Run, monkeypatch: pytest.MonkeyPatch, listed: list[Any], printed: str
):
    found = execution(
        9,
        "CompletedWithViolations",
        outcome={"violation_count": len(listed), "exit_message": "CompletedWithViolations: see the log"},
        violation_report_uri="s3://results/out/violations.json",
    )
    read: list[str] = []

    def from_s3_uri(uri: str, *_: Any) -> ConstraintViolations:
        read.append(uri)
        return ConstraintViolations({"violations": listed})

    monkeypatch.setattr(ConstraintViolations, "from_s3_uri", from_s3_uri)
    shown = run(FakeApp(DescribeMonitoringSchedule=latest(found)), "executions", "report", "hourly")
    assert [uri.rpartition("/")[2] for uri in read] == ["violations.json"]
    assert (shown.exit_code, printed in shown.stdout, "no violations" in shown.stdout) == (1, True, False)


class StoredApp(FakeApp):
    """The app, and S3 with files of an age."""

    def __init__(self, shown: dict[str, Any], seconds_after: int) -> None:
        super().__init__(
            DescribeMonitoringSchedule=latest(shown), ListMonitoringExecutions=page(shown), StopMonitoringExecution={}
        )
        created = datetime.fromisoformat(shown["creation_time"])
        self.written = created + timedelta(seconds=seconds_after)

    def client(self, service: str) -> Any:
        assert service == "s3"
        return SimpleNamespace(
            head_object=lambda **_: {"LastModified": self.written},
            get_object=lambda **_: {"Body": BytesIO(b"<html>")},
        )


@pytest.mark.parametrize("monitoring_type", ["Custom", "DataQuality"])
@pytest.mark.parametrize(
    ("status", "attempt", "seconds_after", "is_shown"),
    [
        ("Completed", 1, -9, True),  # by whatever clock
        ("Completed", 2, -9, False),
        ("Completed", 2, 0, True),
        ("InProgress", 2, -9, False),
        ("Failed", 2, -9, False),
        ("Failed", 2, 0, False),  # written in the same second
        ("Stopped", 2, 9, False),
    ],
)
def test_what_an_earlier_attempt_left_is_not_shown_as_that_of_a_later_one(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    monitoring_type: str,
    status: str,
    attempt: int,
    seconds_after: int,
    is_shown: bool,
):
    violation = {"feature_name": "income", "constraint_check_type": "own_check", "description": "it is negative"}
    earlier = ConstraintViolations({"violations": [violation]})
    monkeypatch.setattr(ConstraintViolations, "from_s3_uri", lambda *_: earlier)
    again = execution(9, status, attempt=attempt, monitoring_type=monitoring_type)
    app = StoredApp(again, seconds_after)
    shown = run(app, "executions", "report", "hourly")
    assert ("income" in shown.stdout, shown.exit_code) == (is_shown, 0 if status == "Completed" else 2)
    saved = run(app, "executions", "report", "hourly", "--output", "report.html")
    assert (saved.exit_code == 0, Path("report.html").exists()) == (is_shown, is_shown)
    if not is_shown:
        assert f"it is {status}" in saved.stderr


def test_where_nothing_was_compared_no_violations_are_shown_that_another_schedule_of_the_name_left(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    violation = {"feature_name": "income", "constraint_check_type": "own_check", "description": "it is negative"}
    monkeypatch.setattr(
        ConstraintViolations, "from_s3_uri", lambda *_: ConstraintViolations({"violations": [violation]})
    )
    shown = run(StoredApp(execution(9, outcome={"violation_count": None}), 0), "executions", "report", "hourly")
    assert "hourly, 2026-11-20 09:00: completed, nothing was compared\n" in shown.stdout
    assert "income" not in shown.stdout


JOB = {
    "baselining_job_name": "loans",
    "monitoring_type": "ModelQuality",
    "status": "InProgress",
    "output_s3_uri": "s3://my-bucket/baselining/loans",
    "creation_time": "2026-11-20T08:00:00Z",
    "last_modified_time": "2026-11-20T08:00:00Z",
    "outcome": None,
}


def described(monkeypatch: pytest.MonkeyPatch, *records: dict[str, Any]) -> FakeApp:
    monkeypatch.setattr("modelwatch.model_monitor.baselining.baselining_job", lambda _app, job: {"Modelwatch": job})
    return FakeApp(CreateBaseliningJob=records[0], DescribeBaseliningJob=list(records))


def test_a_baseline_is_created_and_says_what_comes_next(run: Run, monkeypatch: pytest.MonkeyPatch):
    made = JOB | {"status": "Completed", "outcome": {"records": {"read": 1200}}}
    app = described(monkeypatch, JOB, made)
    ended = run(
        app,
        *("baselines", "create", "loans", "--baseline-dataset", "s3://my-bucket/train.csv", "--separator", ";"),
        *("--monitoring-type", "ModelQuality", "--problem-type", "Regression", "--wait"),
    )
    assert ended.exit_code == 0, ended.stderr
    asked = app.parameters("CreateBaseliningJob")
    assert asked["dataset_format"] == {"csv": {"header": True, "output_columns_position": "START", "separator": ";"}}
    assert (asked["problem_type"], asked["baseline_dataset_s3_uri"]) == ("Regression", "s3://my-bucket/train.csv")
    assert "made from 1,200 rows: s3://my-bucket/baselining/loans" in ended.stdout
    assert "--baselining-job-name loans --monitoring-type ModelQuality" in ended.stdout


def test_a_baseline_of_captures_is_given_the_time_zone_of_its_hours(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    document = tmp_path / "more.json"
    document.write_text('{"environment": {"time_zone": "UTC", "comparison_method": "Calibrated"}}')
    app = described(monkeypatch, JOB)
    ended = run(
        app,
        *("baselines", "create", "loans", "--data", "s3://my-bucket/captures/my-endpoint"),
        *("--dataset-format", "capture", "--time-zone", "Asia/Kathmandu", "--from-file", str(document)),
    )
    assert ended.exit_code == 0, ended.stderr
    asked = app.parameters("CreateBaseliningJob")
    assert asked["dataset_format"] == {"sagemakerCaptureJson": {}}
    assert asked["environment"] == {"time_zone": "Asia/Kathmandu", "comparison_method": "Calibrated"}
    run(app, "baselines", "create", "loans", "--data", "s3://my-bucket/train.csv")
    assert "environment" not in app.parameters("CreateBaseliningJob")


def test_waiting_for_a_baseline_that_fails_ends_with_its_reason(run: Run, monkeypatch: pytest.MonkeyPatch):
    failed = JOB | {"status": "Failed", "outcome": {"failure_reason": "NoRows: the file is empty"}}
    ended = run(described(monkeypatch, JOB, failed), "baselines", "wait", "loans")
    assert ended.exit_code == 2
    assert ended.stdout == "loans: failed: NoRows: the file is empty\n"


def test_the_help_of_a_list_says_from_when_to_when_it_lists(run: Run):
    shown = " ".join(run(FakeApp(), "executions", "list", "--help").stdout.split())
    assert "--scheduled-time-after TIME Only those due after this time" in shown
    assert "--scheduled-time-before TIME Only those due before this time" in shown
