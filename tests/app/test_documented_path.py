"""README.md, from a laptop to the first alert, word for word but for the port; then the pages that go on from there.

A folder with a blank in its name is the stranger's.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents import blocks, commands, python_blocks

pytestmark = [pytest.mark.slow, pytest.mark.long_setup]

COMMANDS = str(Path(sys.executable).parent)
HANGS_AFTER = 240
README = "README.md"
FOUND_NOTHING = "docs/first-schedule-found-nothing.md"
TUNING = "docs/tuning-thresholds.md"
REMOVING = "docs/removing.md"
TUNED = """
from modelwatch.s3 import S3Downloader, S3Uploader

constraints = S3Downloader.read_file("s3://my-data/baseline/constraints.json")
S3Uploader.upload_string_as_file_body(constraints, "s3://my-data/tuned/constraints.json")
"""
"""Stands for the AWS CLI, which is not installed with the tests."""


@dataclass
class Stranger:
    """Who reads README.md, in a folder of their own.

    Attributes
    ----------
    folder : Path
        Where their files are.
    start : callable
        Starts a process in that folder.
    environment : dict
        What `modelwatch local up` said to export.
    """

    folder: Path
    start: Callable[..., subprocess.Popen[str]]
    environment: Mapping[str, str]

    def python(self, name: str, text: str) -> str:
        """Save a file and run it; it must end well and complain of nothing."""
        (self.folder / name).write_text(text)
        return self.ended(self.start([sys.executable, name], **self.environment))

    def shell(self, line: str, exit_code: int = 0) -> str:
        """Run a command and return what it printed."""
        return self.ended(self.start(shlex.split(line, comments=True), **self.environment), exit_code)

    def failing(self, line: str) -> str:
        """Run a command that cannot do what is asked, and return all that it printed."""
        process = self.start(shlex.split(line), **self.environment)
        printed = "".join(process.communicate(timeout=HANGS_AFTER))
        assert process.returncode == 2, printed
        return printed

    def ended(self, process: subprocess.Popen[str], exit_code: int = 0) -> str:
        printed, error = process.communicate(timeout=HANGS_AFTER)
        assert (process.returncode, error) == (exit_code, ""), printed
        return printed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a stranger")


@pytest.fixture(scope="module")
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes in the folder and with a state folder of their own, and end them in the end."""
    variables = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PATH": f"{COMMANDS}:{os.environ['PATH']}"}
    started = []

    def run(arguments: list[str], **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments, cwd=folder, env=variables | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in reversed(started):
        process.terminate()
        process.communicate(timeout=30)


def containing(word: str) -> str:
    (found,) = (text for text in python_blocks(README) if word in text)
    return found


@pytest.fixture(scope="module")
def stranger(folder: Path, start: Callable[..., subprocess.Popen[str]]) -> Stranger:
    """Return somebody who has followed the path up to the endpoint."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    (folder / "server.py").write_text(containing("HTTPServer").replace("8080", port))
    start([sys.executable, "server.py"])
    (up,) = (line for line in commands(README) if line.startswith("modelwatch local up"))
    stack = start(shlex.split(up.replace("8080", port)))
    exported: dict[str, str] = {}
    for line in stack.stdout or ():
        exported |= dict(re.findall(r"(AWS_\w+)=(\S+)", line))
        if "AWS_SECRET_ACCESS_KEY" in exported:
            break
    stranger = Stranger(folder, start, exported)
    assert stranger.python("endpoint.py", containing("create_endpoint_config")) == ""
    return stranger


@pytest.fixture(scope="module")
def alerted(stranger: Stranger) -> str:
    """Return what the clock printed, once both monitors and the requests are there."""
    path = blocks(README, "sh", below="From a laptop to the first alert")
    _, made, moved = (text.splitlines() for _, text in path)
    capture, baseline, schedule = made
    assert "my-endpoint" in stranger.shell(capture)
    printed = stranger.shell(baseline)
    assert printed.splitlines()[-3].startswith("The baseline first was made from 1,000 rows: s3://")
    assert "hourly is created." in stranger.shell(schedule)
    in_python = stranger.python("monitor.py", containing("suggest_baseline"))
    assert re.fullmatch(
        r"(endpoint my-endpoint: Updating\n)?endpoint my-endpoint: InService\n"
        r"(baseline \S+: InProgress\n)?baseline \S+: Completed\n",
        in_python,
    )
    assert stranger.python("traffic.py", containing("invoke_endpoint")) == ""
    advance, listed = moved
    printed = stranger.shell(advance)
    assert "CompletedWithViolations" in stranger.shell(listed)
    return printed


def test_the_path_ends_in_an_alert_by_the_shell_and_by_python(alerted: str, stranger: Stranger) -> None:
    assert "hourly: CompletedWithViolations" in alerted
    assert "hourly-python: CompletedWithViolations" in alerted
    assert "income: baseline drift check. " in alerted
    assert re.search(r"of the rows moved to .*, threshold [12] %", alerted)
    assert "mail to me@example.com" in alerted
    mails = [mail.read_text() for mail in (stranger.folder / "mails").iterdir()]
    assert any("Modelwatch: 2 violations in hourly at" in mail for mail in mails)
    listed = stranger.python("found.py", containing("list_executions")).splitlines()
    assert len([line for line in listed if line.endswith(" CompletedWithViolations")]) == 1
    assert {line.split()[0] for line in listed if "baseline_drift_check" in line} == {"score", "income"}


def test_the_commands_of_the_pages_that_go_on_from_there_run(alerted: str, stranger: Stranger) -> None:
    """In the order of the pages; the doctor, and what an endpoint captures, have tests of their own."""
    schedule, listed, execution, run, report, inspect = (
        line for line in commands(FOUND_NOTHING) if not line.startswith("modelwatch doctor")
    )
    assert "Latest execution" in stranger.shell(schedule)
    assert "CompletedWithViolations" in stranger.shell(listed)
    assert "CompletedWithViolations" in stranger.shell(f"{execution} --scheduled-time {_scheduled(alerted)}")
    # By the machine's clock the hour before was due last, when there was no traffic, or that of the alert.
    assert re.search("NoData|WindowTaken", stranger.failing(run))
    assert "2 violations" in stranger.shell(f"{report} --scheduled-time {_scheduled(alerted)}", exit_code=1)
    assert "300" in stranger.shell(inspect)

    stranger.python("tuned.py", TUNED)
    _replay, update, versions = commands(TUNING)
    assert "hourly" in stranger.shell(update)
    assert len(stranger.shell(versions).splitlines()) == 4  # a header, and versions: made, its endpoint noted, tuned

    stop, delete, disable, list_all = commands(REMOVING)
    assert "hourly" in stranger.shell(stop)
    assert "hourly" in stranger.shell(delete)
    assert "my-endpoint" in stranger.shell(disable)
    assert stranger.shell(list_all).count("my-endpoint") == 1


def _scheduled(alerted: str) -> str:
    """Return when the execution that alerted was due: the end of its window."""
    (end,) = set(re.findall(r"CompletedWithViolations, \S+ to (\S+)", alerted))
    return end
