"""docs/local-stack.md, "From a laptop to the first alert", word for word but for the port."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("documented_path")]

COMMANDS = str(Path(sys.executable).parent)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[list[str]], subprocess.Popen[str]]]:
    """Start processes in a folder and with a state folder of their own, and end them in the end."""
    variables = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PATH": f"{COMMANDS}:{os.environ['PATH']}"}
    started = []

    def run(arguments: list[str], **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments, cwd=tmp_path, env=variables | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in reversed(started):
        process.terminate()
        process.communicate(timeout=30)


def test_the_documented_path_ends_in_an_alert(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    page = (ROOT / "docs/local-stack.md").read_text().replace("8080", port)
    path = page.partition("## From a laptop to the first alert")[2].partition("\n## ")[0]
    server, first_alert = re.findall(r"```python\n(.+?)```", path, re.DOTALL)
    up, advance = (
        shlex.split(block.replace("\\\n", " ")) for block in re.findall(r"```\n(modelwatch .+?)```", path, re.DOTALL)
    )
    (tmp_path / "server.py").write_text(server)
    (tmp_path / "first_alert.py").write_text(first_alert)

    start([sys.executable, "server.py"])
    stack = start(up)
    exported: dict[str, str] = {}
    for line in stack.stdout or ():
        exported |= dict(re.findall(r"(AWS_\w+)=(\S+)", line))
        if "AWS_SECRET_ACCESS_KEY" in exported:
            break
    made = start([sys.executable, "first_alert.py"], **exported)
    assert made.communicate(timeout=240) == ("", "")
    moved = start(advance)
    printed, error = moved.communicate(timeout=240)
    assert error == ""
    assert "hourly: CompletedWithViolations" in printed
    assert "income: baseline drift check. Drift distance of " in printed
    assert "mail to me@example.com" in printed
    mails = [mail.read_text() for mail in (tmp_path / "mails").iterdir()]
    assert any("Modelwatch: 2 violations in hourly" in mail for mail in mails)
