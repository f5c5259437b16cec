"""The documentation names what there is."""

from __future__ import annotations

import ast
import re

from tests.repository import ROOT

RAISED = {"InvalidInput", "NotReady", "Upstream", "LocalStackError", "ModelwatchError", "Problem"}
SOURCES = [path for folder in ("layers", "sdk") for path in (ROOT / folder).rglob("*.py")]


def codes_raised() -> set[str]:
    calls = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in RAISED
        if call.args and isinstance(call.args[0], ast.Constant)
    }


def codes_documented() -> set[str]:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    return {code.strip() for row in rows for code in row.split(",")} - {"code", "---"}


def test_every_error_code_is_documented():
    assert codes_raised() - codes_documented() == set()


def test_every_documented_error_code_can_be_met():
    words = {word for path in SOURCES for word in re.findall(r"\w+", path.read_text())}
    assert codes_documented() - words == set()


def test_every_dependency_says_what_it_is_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {re.split(r"[\[<>=~ ]", line)[0] for line in [*project["dependencies"], *extras]} - {"modelwatch"}
    documented = (ROOT / "docs/dependencies.md").read_text()
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", documented)} == set()


def test_no_document_points_at_a_file_that_is_not_there():
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} points at {target}"
