"""The whole demo, on the local stack."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from modelwatch.cli.commands import app
from modelwatch.demo.hours import DRIFT, HOURS, Expectation, Hour
from modelwatch.demo.monitors import BRANCHES, BRANCHES_DATA_QUALITY, DECIDED_AFTER, MONITORS
from modelwatch.demo.results_folder import ResultsFolder
from modelwatch.demo.scenario import RECIPIENT, _Demo, run
from modelwatch.demo.timeline import Timeline
from modelwatch.demo.verdict import rerun_name
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from tests.repository import HANGS_AFTER

PRINTED = re.compile(
    r"^ {7}(mortgage-\S+-(?:quality|bias|explainability))(?: of hour \d+)?((?:, again)?): (\w+)", re.MULTILINE
)
MODELWATCH = [sys.executable, "-c", "from modelwatch.cli import main; main()"]


def inference_ids(folder: Path, key: str) -> list[str]:
    lines = [line for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted(json.loads(line)["eventMetadata"][key] for line in lines)


def _schedule_of(mail: email.message.EmailMessage) -> str:
    return str(mail.get_content()).partition("Schedule:  ")[2].split()[0]


@pytest.mark.long_setup
def test_the_demo_catches_every_failure_mails_it_once_and_stays_quiet_otherwise(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*MODELWATCH, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_AFTER, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "\x1b" not in ended.stdout
    printed_statuses = [(name + repeated, status) for name, repeated, status in PRINTED.findall(ended.stdout)]
    due = [
        (number, m.name, h.expectation(m)) for number, h in enumerate(HOURS, 1) for m in MONITORS if m.is_due(number)
    ]
    due += [(n, rerun_name(h.rerun.monitor.name), h.rerun.expectation) for n, h in enumerate(HOURS, 1) if h.rerun]
    due.sort(key=lambda each: each[0])
    assert printed_statuses == [(name, expectation.status) for _, name, expectation in due]

    for number, name, expectation in due:
        folder = tmp_path / f"modelwatch-demo/hour-{number}/{name.replace(', ', '-')}"
        if expectation.failure:
            left = {path.name for path in folder.iterdir()} if folder.exists() else set()
            assert left <= {"analysis_ended.json"}
            continue
        assert (folder / "report.html").stat().st_size > 0
        report = ConstraintViolations.model_validate_json((folder / "constraint_violations.json").read_bytes())
        named = {(violation.subject, violation.constraint_check_type) for violation in report.violations}
        assert expectation.causes <= named <= expectation.causes | expectation.consequences

    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((tmp_path / "modelwatch-demo/mails").iterdir())
    ]
    mailed = [(name.removesuffix(", again"), expectation) for _, name, expectation in due if expectation.mails]
    over = [mail for mail in mails if ": recovered from " in mail["Subject"]]
    bad_before = {name: False for _, name, _ in due}
    recoveries = []
    for _, name, expectation in due:
        recoveries += [name] if bad_before[name] and not expectation.mails else []
        bad_before[name] = bool(expectation.mails)
    assert sorted(_schedule_of(mail) for mail in over) == sorted(recoveries)
    mails = [mail for mail in mails if mail not in over]
    assert [mail["To"] for mail in mails] == [RECIPIENT] * len(mailed)
    for what in ("begins", "lasts", "is over"):
        assert f"\nAn alert {what}: Modelwatch: " in ended.stdout
    for name, expectation in mailed:
        about = [mail.get_content() for mail in mails if f"Schedule:  {name} " in mail.get_content()]
        assert len(about) == sum(other == name for other, _ in mailed)
        wanted = [subject for subject, _ in expectation.causes] + [expectation.failure] * bool(expectation.failure)
        assert any(all(f"- {each}: " in mail or f"\n{each}: " in mail for each in wanted) for mail in about), about

    for number in range(1, len(HOURS) + 1):
        arrived = [n for n, hour in enumerate(HOURS, start=1) if n + DECIDED_AFTER + hour.labels_late == number]
        folders = [tmp_path / f"modelwatch-demo/hour-{n}/captures" for n in arrived]
        asked = sorted(chain.from_iterable(inference_ids(folder, "inferenceId") for folder in folders))
        assert inference_ids(tmp_path / f"modelwatch-demo/hour-{number}/labels", "eventId") == asked

    printed = ended.stdout[ended.stdout.index("\nFiles\n") :].split("\n\n")[0].replace("\\\n", " ")
    files, checks = printed.split("Check hours again, without the app")
    listed = [line.split()[0] for line in files.splitlines()[2:]]
    assert listed
    assert [name for name in listed if not (tmp_path / name).exists()] == []
    for command, first in zip(
        checks.splitlines()[1:],
        ("hour-6/mortgage-approval-data-quality", "hour-7/mortgage-approval-model-quality-again"),
        strict=True,
    ):
        repeated = subprocess.run([*MODELWATCH, *command.split()[1:]], cwd=tmp_path, timeout=HANGS_AFTER, check=False)
        assert repeated.returncode == 1
        report = "constraint_violations.json"
        assert (tmp_path / command.split()[-1] / report).read_text() == (
            tmp_path / "modelwatch-demo" / first / report
        ).read_text()


@pytest.mark.long_setup
def test_an_expectation_that_is_not_met_is_named_and_so_is_an_endpoint_that_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_one(demo: _Demo) -> None:
        demo._stack.client("sagemaker").create_endpoint(EndpointName="left-over", EndpointConfigName=BRANCHES.name)

    monkeypatch.setattr(_Demo, "save_mails", leave_one)
    monitor = BRANCHES_DATA_QUALITY.name
    hour = Hour("nothing happens", expectations={monitor: Expectation(causes=frozenset({("appinc", DRIFT)}))})
    failed = run(
        ResultsFolder(tmp_path / "demo"),
        Timeline(Console(file=io.StringIO())),
        now=datetime(2026, 3, 1, 0, 3, tzinfo=UTC),
        hours=[hour],
    )
    assert failed == [
        f"hour 1 (nothing happens), {monitor}: {what}"
        for what in (
            "the execution should be CompletedWithViolations, it is Completed",
            "baseline_drift_check of appinc should have failed, it did not",
            "mails expected: 1, mails received: 0",
        )
    ] + ["no endpoint should remain, left-over does"]


def test_a_demo_with_a_failed_expectation_exits_1_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwatch.demo.scenario.run", lambda *_, **__: ["hour 4 (x): nothing was found"])
    result = CliRunner().invoke(app, ["demo", "--output", str(tmp_path / "demo")])
    assert result.exit_code == 1
    assert "Expectation failed: hour 4 (x): nothing was found" in result.stdout


@pytest.mark.long_setup
def test_a_signal_ends_the_demo_and_leaves_nothing_in_the_temporary_folder(tmp_path: Path) -> None:
    """One signal: tests/cli/test_signals.py has each that ends a command."""
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
            process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=HANGS_AFTER)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("modelwatch: Interrupted: ")
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_not_ours_stops_the_demo_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    result = CliRunner().invoke(app, ["demo", "--output", str(tmp_path)])
    assert result.exit_code == 2
    assert "FolderNotOurs" in result.stderr
    assert (tmp_path / "thesis.tex").exists()
