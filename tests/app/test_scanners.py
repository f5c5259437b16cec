"""Suppressed findings say why, and are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import scanners
from tests.scanners import SCANNERS, unexplained

MYPY, CHECKOV, LICENCES, RUFF = (
    next(scanner for scanner in SCANNERS if scanner.name.startswith(name))
    for name in ("mypy", "checkov", "pip-licenses", "ruff")
)


@pytest.mark.parametrize(
    ("scanner", "name", "text", "count", "places"),
    [
        (RUFF, "a.py", "x = 1  # noqa: E731\n", 1, ["a.py:1"]),
        (RUFF, "a.py", "x = 1  # noqa: E731, S101 - one line is enough\n", 1, []),
        (RUFF, "a.py", "# One line is enough.\nx = 1  # noqa: E731\n", 1, []),
        (RUFF, "p.toml", 'ignore = [\n  "S311", # nothing draws keys\n  "S101",\n]\n"S102",\n', 2, ["p.toml:3"]),
        (MYPY, "a.py", "x = 1  # type: ignore[arg-type]\n", 1, ["a.py:1"]),
        (MYPY, "a.py", "x = 1\n", 0, []),
        (CHECKOV, "t.yaml", "  # checkov:skip=CKV_AWS_18:\n  # checkov:skip=CKV_AWS_19: trails do\n", 2, ["t.yaml:1"]),
        (LICENCES, "p.toml", 'ignore-packages = [\n  "a", # Apache-2.0\n  "b",\n]\n  "c",\n', 2, ["p.toml:3"]),
    ],
)
def test_a_suppression_without_a_reason_is_found(tmp_path, monkeypatch, scanner, name, text, count, places):
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(scanners, "ROOT", tmp_path)
    assert unexplained(scanner, [Path(name)]) == (count, places)
