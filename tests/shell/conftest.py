"""The command with an app in place of the deployed one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.commands import app as command
from tests.shell.fake_app import FakeApp

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command against an app, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELWATCH_TRACEBACK", raising=False)

    def ran(app: FakeApp, *arguments: str) -> Result:
        monkeypatch.setattr(AppOptions, "client", lambda _options: app)
        return CliRunner().invoke(command, arguments)

    return ran
