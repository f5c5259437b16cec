"""The demo whole, on the local stack."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from modelwatch.cli.commands import app
from modelwatch.demo.hours import DRIFT, HOURS, Hour, as_usual
from modelwatch.demo.results_folder import ResultsFolder
from modelwatch.demo.scenario import RECIPIENT, run
from modelwatch.demo.timeline import Timeline

MODELWATCH = [sys.executable, "-c", "from modelwatch.cli import main; main()"]


@pytest.mark.xdist_group("local_stack")
def test_the_demo_catches_every_failure_mails_it_once_and_stays_quiet_otherwise(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*MODELWATCH, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "\x1b" not in ended.stdout
    statuses = [line.split()[1].rstrip(",") for line in ended.stdout.splitlines() if "       execution: " in line]
    assert statuses == [hour.status for hour in HOURS]

    for number, hour in enumerate(HOURS, start=1):
        folder = tmp_path / f"modelwatch-demo/hour-{number}"
        assert (folder / "report.html").stat().st_size > 0
        violations = json.loads((folder / "constraint_violations.json").read_text())["violations"]
        named = {(violation["feature_name"], violation["constraint_check_type"]) for violation in violations}
        assert hour.causes <= named <= hour.causes | hour.consequences

    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((tmp_path / "modelwatch-demo/mails").iterdir())
    ]
    broken = [hour for hour in HOURS if hour.causes]
    assert [mail["To"] for mail in mails] == [RECIPIENT] * len(broken)
    for mail, hour in zip(mails, broken, strict=True):
        assert all(feature in mail.get_content() for feature, _ in hour.causes)

    check_it_printed = ended.stdout[ended.stdout.index("  modelwatch check") :].split("\n\n")[0].replace("\\\n", " ")
    again = subprocess.run([*MODELWATCH, *check_it_printed.split()[1:]], cwd=tmp_path, timeout=60, check=False)
    assert again.returncode == 1
    report = "constraint_violations.json"
    assert (tmp_path / "report" / report).read_text() == (tmp_path / "modelwatch-demo/hour-4" / report).read_text()


@pytest.mark.xdist_group("local_stack")
def test_a_promise_that_is_not_kept_is_named(tmp_path: Path) -> None:
    promised = Hour("nothing happens", as_usual, causes=frozenset({("appinc", DRIFT)}))
    failed = run(
        ResultsFolder(tmp_path / "demo"),
        Timeline(Console(file=io.StringIO())),
        now=datetime(2026, 3, 1, 0, 3, tzinfo=UTC),
        hours=[promised],
    )
    assert failed == [
        "hour 1 (nothing happens): the execution was to end CompletedWithViolations, it is Completed",
        "hour 1 (nothing happens): baseline_drift_check of appinc was to fail, it did not",
        "hour 1 (nothing happens): mails to arrive: 1, mails that did: 0",
    ]


def test_a_demo_that_is_not_as_promised_exits_1_and_says_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwatch.demo.scenario.run", lambda *_, **__: ["hour 4 (x): nothing was found"])
    result = CliRunner().invoke(app, ["demo", "--output", str(tmp_path / "demo")])
    assert result.exit_code == 1
    assert "Not as promised: hour 4 (x): nothing was found" in result.stdout


@pytest.mark.xdist_group("local_stack")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_leaves_nothing_in_the_temporary_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [*MODELWATCH, "demo"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("template.yaml deployed" in line for line in process.stdout)
        assert list(temporary.iterdir())
        for _ in range(3):  # further signals must not cut the cleaning up short
            process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("modelwatch: Interrupted: ")
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_not_ours_stops_the_demo_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    result = CliRunner().invoke(app, ["demo", "--output", str(tmp_path)])
    assert result.exit_code == 2
    assert "FolderNotOurs" in result.stderr
    assert (tmp_path / "thesis.tex").exists()
