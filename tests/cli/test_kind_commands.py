"""The commands of a kind of monitor come from its descriptor, and so do those of a kind that is registered later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app
from modelwatch.cli.kind_options import kind_options, option_parameters
from modelwatch_analyzer.distances import MEASURES
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import CHECK_ONLY, Shell, ShellOption, Verb
from tests.additions.toy_monitor import ROW_COUNT, RowCountSettings

Run = Callable[..., Result]
WITH_ANALYSIS = [kind for kind in KINDS.values() if kind.analysis]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("verb", Verb)
def test_a_command_without_a_kind_lists_the_kinds_with_a_line_each(run: Run, verb: Verb) -> None:
    result = run(verb)
    assert (result.exit_code, result.stderr) == (2, "")
    assert result.stdout == run(verb, "--help").stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for kind in WITH_ANALYSIS:
        assert f"{kind.command_name} {kind.shell.watches}" in lines
    assert "custom" not in result.stdout


def test_a_misspelt_kind_is_suggested(run: Run) -> None:
    assert "Did you mean 'model-quality'" in run("check", "modelquality").stderr


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("kind", WITH_ANALYSIS, ids=lambda kind: kind.command_name)
def test_the_help_of_every_kind_has_its_options_and_an_example_if_it_has_one_of_its_own_options(
    run: Run, verb: Verb, kind: MonitorKind
) -> None:
    help_text = run(verb, kind.command_name, "--help").stdout
    options = kind_options(kind, verb)
    assert len(list(option_parameters(kind, verb))) == len(options)
    for option in options:
        assert f"\n  {option.option} " in help_text
    texts = kind.shell.command(verb)
    if not texts.example:
        assert "Example:" not in help_text
        return
    example = help_text[help_text.index("Example:") :]
    assert f"modelwatch {verb} {kind.command_name} " in example
    given = {word for word in example.split() if word.startswith("--")}
    assert {word for word in given if not re.search(rf"\n  {word}[ ,]", help_text)} == set()
    assert {option.option for option in options if option.required} <= given


class ToySettings(RowCountSettings):
    """Settings of every form that a command line has, and of one that it has not."""

    allow_list: Path | None = None
    nested: dict[str, str] | None = None


LEAST_ROWS = ShellOption(field="least_rows", metavar="N", help="Fewer are a violation.", verbs=CHECK_ONLY)
ALLOW_LIST = ShellOption(field="allow_list", metavar="FILE|S3URI", help="Names.")


CAPTURED = {"captureData": {"endpointOutput": {"data": "0.5", "encoding": "CSV"}}, "eventMetadata": {"eventId": "1"}}


def write_captures(number: int) -> None:
    Path("captures.jsonl").write_text("\n".join([json.dumps(CAPTURED)] * number))


def toy(*options: ShellOption) -> MonitorKind:
    return replace(ROW_COUNT, settings=ToySettings, shell=Shell(options=options))


def test_a_kind_that_is_registered_at_run_time_has_its_commands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "RowCount", toy(LEAST_ROWS, ALLOW_LIST))
    write_captures(3)
    assert "\n  row-count " in run("check", "--help").stdout
    assert "--least-rows N" in run("check", "row-count", "--help").stdout
    assert "--least-rows" not in run("baseline", "row-count", "--help").stdout

    data = ("captures.jsonl", "--dataset-format", "capture", "--output")
    made = run("baseline", "row-count", "--data", *data, "baseline")
    assert made.exit_code == 0, made.stderr
    check = ("check", "row-count", "--data", *data, "report", "--constraints", "baseline/constraints.json")
    assert run(*check).exit_code == 0
    check = (*check, "--overwrite")
    found = run(*check, "--least-rows", "4", "--json")
    assert (found.exit_code, json.loads(found.stdout)["violations"]) == (1, 1)
    assert run(*check, "--least-rows", "many").exit_code == 2
    missing = run(*check, "--allow-list", "nowhere.txt")
    assert (missing.exit_code, "FileNotFound: --allow-list" in missing.stderr) == (2, True)
    write_captures(4)
    assert json.loads(run(*check, "--backfill", "--json").stdout)["changes"][0] == "rows: 3 before, 4 now"


def test_a_kind_that_says_nothing_of_the_shell_has_commands_all_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "RowCount", ROW_COUNT)
    write_captures(1)
    data = ("captures.jsonl", "--dataset-format", "capture", "--output")
    assert run("baseline", "row-count", "--data", *data, "baseline").exit_code == 0
    constraints = ("--constraints", "baseline/constraints.json")
    assert run("check", "row-count", "--data", *data, "report", *constraints).exit_code == 0


def test_an_option_of_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="ToySettings has no limits, which its shell options set"):
        toy(ShellOption(field="limits", help="No such setting."))


def test_a_setting_whose_type_has_no_form_on_a_command_line_cannot_be_an_option() -> None:
    with pytest.raises(TypeError, match="--nested"):
        list(option_parameters(toy(ShellOption(field="nested", help="A document.")), Verb.CHECK))


@pytest.mark.slow
def test_the_data_of_every_path_among_the_options_can_be_in_s3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setitem(KINDS, "RowCount", toy(ALLOW_LIST))
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="data.csv", Body=b"a\n1\n")
        data = ("s3://bucket/data.csv", "--dataset-format", "csv", "--output", "baseline")
        made = run("baseline", "row-count", "--data", *data, "--allow-list", "s3://bucket/data.csv")
        assert made.exit_code == 0, made.stderr
        gone = run("baseline", "row-count", "--data", *data, "--allow-list", "s3://bucket/gone")
        assert "FileNotFound: --allow-list" in gone.stderr


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("kind", ["data-quality", "model-quality"])
def test_drift_measures_are_those_of_the_registry_and_each_is_named_in_the_help(
    run: Run, verb: Verb, kind: str
) -> None:
    text = "".join(run(verb, kind, "--help").stdout.split())  # lines are broken at hyphens too
    numbers = text[text.index("--comparison-method") : text.index("--categorical-drift-method")]
    categories = text[text.index("--categorical-drift-method") :]
    for name, measure in MEASURES.items():
        named = f"{name}({measure.title})".replace(" ", "")
        assert (named in numbers) == (measure.numerical is not None)
        assert (named in categories) == (measure.categorical is not None)


def test_an_unknown_drift_measure_is_refused_with_those_that_there_are(run: Run) -> None:
    files = ["--data", "a.csv", "--dataset-format", "csv", "--output", "out"]
    refused = run("baseline", "data-quality", *files, "--comparison-method", "ChiSquared")
    assert refused.exit_code == 2
    assert "'ChiSquared' is not one of 'Calibrated', 'Simple', 'Robust', 'KLDivergence'" in refused.stderr
