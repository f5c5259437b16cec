from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelwatch.cli.commands import app

_INPUTS = Path(__file__).parent / "inputs"


@dataclass(frozen=True)
class Printed:
    """What a command printed, with one blank wherever a line may be broken."""

    exit_code: int
    text: str


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder, as somebody at a terminal does."""

    folder: Path

    def __call__(self, line: str) -> Printed:
        words = shlex.split(line)
        again = ["--overwrite"] if "--output" in words else []  # these cases repeat commands
        result = CliRunner().invoke(app, [*words, *again])
        return Printed(result.exit_code, " ".join(result.output.split()))

    def write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def violations(self, folder: str) -> list[dict[str, Any]]:
        violations: list[dict[str, Any]] = self.read(f"{folder}/constraint_violations.json")["violations"]
        return violations


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def case(shell: Shell) -> Callable[[str], Shell]:
    """Return a function that gives a shell in a folder that holds the inputs of a case."""

    def enter(name: str) -> Shell:
        shutil.copytree(_INPUTS / name, shell.folder, dirs_exist_ok=True)
        return shell

    return enter
