"""The documentation names what there is."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from modelwatch.cli.commands import app
from tests.documents import blocks, commands, words_of_sentences
from tests.repository import HANGS_AFTER, ROOT

MOST_WORDS = 25
"""The most words in a sentence of README.md."""

PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))]
RUN_BY = {
    "README.md": ["tests/app/test_documented_path.py", "tests/notebook/test_documents.py"],
    "docs/notebook.md": ["tests/notebook/test_documents.py"],
    "docs/sagemaker-sdk.md": ["tests/sagemaker_sdk/walk.py"],
    "docs/tuning-thresholds.md": ["tests/notebook/test_documents.py", "tests/app/test_documented_path.py"],
    "docs/first-schedule-found-nothing.md": ["tests/app/test_documented_path.py"],
    "docs/removing.md": ["tests/app/test_documented_path.py"],
    **{
        f"docs/tutorials/{kind}.md": ["tests/notebook/test_documents.py", "tests/sdk/test_tutorials.py"]
        for kind in ("data-quality", "model-quality", "bias", "explainability")
    },
}
"""The tests that run the examples of a page. Commands of other pages are only understood."""

MKDOCS = ROOT / ".venv-docs/bin/mkdocs"

RAISED = {"InvalidInput", "NotReady", "Upstream", "LocalStackError", "ModelwatchError", "Problem"}
RETURNED = {"Refusal", "NoHost"}
SOURCES = [path for folder in ("layers", "sdk") for path in (ROOT / folder).rglob("*.py")]


def codes_raised() -> set[str]:
    calls = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    named = [call for call in calls if isinstance(call.func, ast.Name)]
    codes = [call.args[0] for call in named if call.func.id in RAISED and call.args]
    codes += [each.value for call in named if call.func.id in RETURNED for each in call.keywords if each.arg == "code"]
    return {code.value for code in codes if isinstance(code, ast.Constant)}


def codes_documented() -> set[str]:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    return {code.strip() for row in rows for code in row.split(",")} - {"code", "---"}


def test_every_error_code_is_documented():
    assert codes_raised() - codes_documented() == set()


def test_every_documented_error_code_can_be_met():
    words = {word for path in SOURCES for word in re.findall(r"\w+", path.read_text())}
    assert codes_documented() - words == set()


def test_the_architecture_lists_each_package_that_there_is_and_no_other():
    listed, root = dict[str, set[str]](), ""
    for line in blocks("docs/architecture.md")[0][1].splitlines():
        if not line.startswith(" "):
            root = line.split()[0]
        elif named := re.match(r"  ((?:[\w/]+/ +)+)\S", line):
            listed.setdefault(root, set()).update(named[1].split())
    modules = {
        "functions/": "*/*.py",
        "layers/core/modelwatch_core/": "*/**/*.py",
        "layers/analyzer/modelwatch_analyzer/": "*/*.py",
        "sdk/modelwatch/": "*/*.py",
    }
    assert listed == {
        root: {f"{path.parent.relative_to(ROOT / root).as_posix()}/" for path in (ROOT / root).glob(pattern)}
        for root, pattern in modules.items()
    }


def test_every_dependency_says_what_it_is_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {re.split(r"[\[<>=~ ]", line)[0] for line in [*project["dependencies"], *extras]} - {"modelwatch"}
    documented = (ROOT / "docs/dependencies.md").read_text()
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", documented)} == set()


def test_the_readme_has_short_sentences():
    long = [sentence for sentence, words in words_of_sentences("README.md") if words > MOST_WORDS]
    assert long == []


def test_each_page_with_python_is_run_by_a_test_that_names_it():
    with_python = {page for page in PAGES if any(language == "python" for language, _ in blocks(page))}
    assert with_python - RUN_BY.keys() == set()
    for page, tests in RUN_BY.items():
        for test in tests:
            text = (ROOT / test).read_text()
            assert page in text or f"{page.rpartition('/')[0]}/{{kind}}.md" in text, f"{test} does not run {page}"


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_shell_understands_each_command_of_a_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for line in commands(page):
        context = typer.main.get_command(app).make_context("modelwatch", shlex.split(line, comments=True)[1:])
        while hasattr(context.command, "resolve_command"):
            rest = [*context._protected_args, *context.args]
            name, command, arguments = context.command.resolve_command(context, rest)
            context = command.make_context(name, arguments, parent=context)


def test_the_first_deployment_takes_at_most_ten_lines_and_names_parameters_of_the_template():
    newcomer, activated, deployed = (
        blocks("README.md", "sh", below=heading)[number][1].splitlines()
        for heading, number in (("Start", 0), ("Start", 1), ("Your first alert in AWS", 0))
    )
    assert [line.partition("#")[0].strip() for line in newcomer] == ["make demo", "make test"]
    assert len([newcomer[0], *activated, *deployed]) <= 10  # the first installs everything
    given = {word.partition("=")[0] for word in shlex.split(deployed[1]) if "=" in word}
    assert given == {"NotificationEmail", "MonitoredBuckets", "OutputBuckets"}
    template = (ROOT / "template.yaml").read_text().partition("Conditions:")[0]
    assert given - set(re.findall(r"^  (\w+):$", template, re.MULTILINE)) == set()
    assert '[prod.global.parameters]\nstack_name = "modelwatch"\n' in (ROOT / "samconfig.toml").read_text()


def test_the_site_leads_to_every_page():
    def pages(entries: object) -> list[str]:
        match entries:
            case str(page):
                return [page]
            case dict():
                return [page for part in entries.values() for page in pages(part)]
            case list():
                return [page for part in entries for page in pages(part)]
        raise TypeError(entries)

    led_to = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert len(led_to) == len(set(led_to))
    written = {page.removeprefix("docs/") for page in PAGES if "/decisions/" not in page} - {"README.md"}
    top = {"index.md", "decisions/index.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    assert set(led_to) == written | top


@pytest.mark.slow
def test_the_site_is_built_strictly_and_asks_no_other_machine(tmp_path: Path):
    if not MKDOCS.exists():
        pytest.skip("MkDocs is not installed: make docs installs it")
    nowhere = {f"{name}_proxy": "http://127.0.0.1:9" for name in ("http", "https", "all")}
    built = subprocess.run(
        [MKDOCS.with_name("python"), "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=HANGS_AFTER,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    pages = list(tmp_path.rglob("*.html"))
    assert pages
    for page in pages:
        assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?https?:", page.read_text()) == [], page
    monitors = (tmp_path / "reference/monitors/index.html").read_text()
    assert "create_monitoring_schedule" in monitors
    assert "Source code in" in monitors


def test_no_document_points_at_a_file_that_is_not_there():
    targets = [
        (document, target)
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text())
    ]
    assert targets
    for document, target in targets:
        assert (document.parent / target).exists(), f"{document.name} points at {target}"
