"""The life of a monitor by the shell alone, against the app in the local stack."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app as command
from modelwatch.s3 import S3Downloader
from tests.repository import ROOT
from tests.sdk.specified_app import START, SpecifiedApp, running

pytestmark = pytest.mark.slow

HOURLY = "cron(0 * ? * * *)"


@pytest.fixture(scope="module")
def app() -> Iterator[SpecifiedApp]:
    with running() as specified:
        yield specified


def shell(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--local"])


def documented(beginning: str) -> Result:
    """Run the first command of docs/shell.md that begins so."""
    lines = (ROOT / "docs/shell.md").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"modelwatch {beginning}"))
    return shell(*shlex.split(line)[1:])


def read(*arguments: str) -> Any:
    ended = shell(*arguments, "--json")
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def hourly(app: SpecifiedApp) -> Callable[..., Any]:
    """A schedule that has run for two hours, the second of them with a fault; returns what a command prints."""
    made = documented("baselines create")
    assert "made from 500 rows" in made.stdout, made.stderr
    created = documented("schedules create")
    assert created.exit_code == 0, created.stderr
    for hour, factor in ((0, 1.0), (1, 3.0)):
        app.capture("my-endpoint", START.replace(minute=0) + timedelta(hours=hour), income_factor=factor)
    app.stack.advance_to(START + timedelta(hours=1, minutes=45))
    return read


def test_schedules_and_baselines_are_listed_and_described(hourly: Callable[..., Any]):
    (schedule,) = hourly("schedules", "list", "--name-contains", "HOUR")["schedules"]
    assert schedule["baseline"]["constraints_s3_uri"].endswith("/loans/constraints.json")
    assert [each["baselining_job_name"] for each in hourly("baselines", "list")["baselining_jobs"]] == ["loans"]
    shown = shell("schedules", "describe", "hourly").stdout
    assert re.search(r"Latest execution +2026-11-20 ", shown)


def test_executions_are_listed_and_a_finished_one_needs_no_waiting(hourly: Callable[..., Any]):
    completed = hourly("executions", "list", "hourly", "--status-equals", "Completed")["executions"]
    time = next(each["scheduled_time"] for each in completed if not each["one_off"])
    waited = shell("executions", "wait", "hourly", "--scheduled-time", time)
    assert (waited.exit_code, waited.stdout) == (0, "hourly, 2026-11-20 09:00: completed, no violations\n")
    second = ("--scheduled-time", "2026-11-20T10:00Z")
    assert shell("executions", "wait", "hourly", *second).exit_code == 1
    refused = shell("executions", "stop", "hourly", *second)
    assert (refused.exit_code, refused.stderr.split(": ")[1]) == (2, "ExecutionEnded")


def test_a_report_says_what_was_found_in_plain_english(hourly: Callable[..., Any], tmp_path: Path):
    path, second = tmp_path / "report.html", ("--scheduled-time", "2026-11-20T10:00Z")
    ended = shell("executions", "report", "hourly", *second, "--output", str(path))
    assert ended.exit_code == 1, ended.stderr
    assert "hourly, 2026-11-20 10:00: 1 violation." in ended.stdout
    assert "of the rows moved to lower or higher values, threshold 2 %" in " ".join(ended.stdout.split())
    assert path.read_text().startswith("<!doctype html>")
    document = json.loads(shell("executions", "report", "hourly", *second, "--json").stdout)
    assert [each["constraint_check_type"] for each in document["violations"]] == ["baseline_drift_check"]


def test_changed_constraints_are_replayed_and_windows_analysed_again(
    hourly: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Income of the second hour is three times that of the baseline: minimums of 1 let any change pass."""
    schedule = hourly("schedules", "describe", "hourly")
    tuned = json.loads(S3Downloader.read_file(schedule["baseline"]["constraints_s3_uri"]))
    tuned["monitoring_config"]["distribution_constraints"] |= {"minimum_effect": 1.0, "minimum_share": 1.0}
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps(tuned))
    past = ("--start", "2026-11-20T09:00Z", "--end", "2026-11-20T11:00Z")
    monkeypatch.chdir(tmp_path)
    replayed = documented("schedules replay")
    assert replayed.exit_code == 0, replayed.stderr
    assert "Windows with violations: 1 then, 0 with the new file, of 2." in replayed.stdout
    good, bad = hourly("schedules", "replay", "hourly", "--constraints", str(path), *past)["windows"]
    assert (good["before"], good["after"], good["unknown"]) == ([], [], [])
    assert bad["before"] == [{"feature_name": "income", "constraint_check_type": "baseline_drift_check"}]
    assert bad["after"] == []

    again = documented("schedules backfill")
    assert again.exit_code == 1, again.stderr
    assert again.stdout.splitlines() == [
        "hourly, 2026-11-20 09:00: completed, no violations",
        "hourly, 2026-11-20 10:00: completed, 1 violation",
    ]
    attempts = [each["attempt"] for each in hourly("executions", "list", "hourly")["executions"]]
    assert sorted(attempts)[-2:] == [2, 2]


def test_a_schedule_runs_now_over_any_window(hourly: Callable[..., Any]):
    taken = shell("schedules", "run", "hourly", "--scheduled-time", "2026-11-20T09:00Z")
    assert (taken.exit_code, taken.stderr.split(": ")[1]) == (2, "WindowTaken")
    ran = shell("schedules", "run", "hourly", "--start", "2026-11-20T08:00Z", "--end", "2026-11-20T08:30Z", "--wait")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "hourly, 2026-11-20 08:30: completed, no violations")


def test_a_schedule_is_changed_stopped_started_and_its_versions_are_kept(hourly: Callable[..., Any], app: SpecifiedApp):
    where = ("--endpoint-name", "my-endpoint", "--schedule-expression", HOURLY)
    assert shell("schedules", "create", "passing", *where).exit_code == 0
    again = shell("schedules", "create", "passing", *where)
    assert (again.exit_code, again.stderr.split(": ")[1]) == (2, "ScheduleExists")
    changed = hourly("schedules", "update", "passing", "--inference-attribute", "0")
    assert changed["endpoint_input"]["data_captured_destination_s3_uri"] == "s3://my-bucket/data-capture"
    assert hourly("schedules", "stop", "passing")["monitoring_schedule_status"] == "Stopped"
    assert hourly("schedules", "start", "passing")["monitoring_schedule_status"] == "Scheduled"
    versions = hourly("schedules", "versions", "passing")["versions"]
    assert [each["version"] for each in versions] == [4, 3, 2, 1]
    assert hourly("schedules", "delete", "passing") == {}
    gone = shell("schedules", "describe", "passing")
    assert (gone.exit_code, gone.stderr) == (
        2,
        "modelwatch: ScheduleNotFound: there is no monitoring schedule passing\n",
    )
