"""The command as a script sees it: exit codes, one line on stderr, one JSON object on stdout."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import COMMANDS, app
from modelwatch.cli.options import existing_path, usable_output
from modelwatch_core.domain.errors import InvalidInput
from tests.repository import HANGS_AFTER

TRAIN = "age,city\n" + "".join(f"{20 + i % 40},{'ab'[i % 2]}\n" for i in range(200))
OLDER = "age,city\n" + "".join(f"{60 + i % 40},{'ab'[i % 2]}\n" for i in range(600))

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELWATCH_TRACEBACK", raising=False)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def with_baseline(run: Run) -> Run:
    """Run the command in a folder that holds train.csv, older.csv and a baseline of the former."""
    Path("train.csv").write_text(TRAIN)
    Path("older.csv").write_text(OLDER)
    options = ["--dataset-format", "csv", "--output", "baseline", "--comparison-method", "Robust"]
    made = run("baseline", "data-quality", "--data", "train.csv", *options)
    assert made.exit_code == 0, made.stderr
    return run


def check(data: str, *more: str) -> list[str]:
    """Return the arguments of a check of CSV data against the baseline."""
    files = ["--statistics", "baseline/statistics.json", "--constraints", "baseline/constraints.json"]
    return ["check", "data-quality", "--data", data, "--dataset-format", "csv", *files, "--output", "report", *more]


def strict_json(text: str) -> dict[str, object]:
    """Parse exactly one JSON object, refusing NaN and Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    document = json.loads(text, parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def listed(result: Result) -> list[str]:
    """Return the lines of the table of violations."""
    return [line for line in result.stdout.splitlines() if "_check" in line]


USAGE_ERRORS = {
    "no such command": ["chek"],
    "no local command": ["local"],
    "unknown monitor": ["check", "model-magic"],
    "missing options": ["check", "data-quality"],
    "unknown option": ["baseline", "data-quality", "--datset", "x"],
    "option without value": ["baseline", "data-quality", "--data"],
    "unknown format": ["baseline", "data-quality", "--data", "x", "--dataset-format", "xls", "--output", "o"],
    "missing dataset": ["baseline", "data-quality", "--data", "x", "--dataset-format", "csv", "--output", "o"],
    "missing data": check("nothing.csv"),
    "no time": check(".", "--start", "yesterday"),
    "no date": check(".", "--end", "2026-02-30"),
    "window on CSV": check("here.csv", "--start", "2026-01-01", "--end", "2026-01-02"),
}


@pytest.mark.parametrize("arguments", USAGE_ERRORS.values(), ids=USAGE_ERRORS.keys())
def test_what_cannot_be_used_ends_with_code_2_and_one_line(run: Run, arguments: list[str]) -> None:
    for name in ("here.csv", "baseline/statistics.json", "baseline/constraints.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("a\n1\n")
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("modelwatch: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", USAGE_ERRORS.values(), ids=USAGE_ERRORS.keys())
def test_json_holds_for_failures_too(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, "--json")
    assert result.exit_code == 2
    document = strict_json(result.stdout)
    assert document["status"] == "Failed"
    assert set(document["error"]) == {"code", "message"}
    assert result.stderr.count("\n") == 1


def test_a_message_names_the_option_and_the_fix(run: Run) -> None:
    result = run("baseline", "data-quality", "--data", "nowhere.csv", "--dataset-format", "csv", "--output", "out")
    assert "--data: there is nothing at nowhere.csv. Give the path of an existing file." in result.stderr
    result = run("baseline", "data-quality", "--data", "x", "--dataset-format", "xls", "--output", "out")
    assert "'csv', 'json', 'jsonlines', 'parquet', 'capture', 'batch-transform'" in result.stderr
    assert ". See: modelwatch" in result.stderr
    assert "Value error" not in result.stderr
    assert "baseline data-quality --help" in result.stderr


@pytest.mark.parametrize(("start", "end"), [("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-01-01T00:00Z")])
def test_a_window_that_ends_before_it_starts_is_refused(run: Run, start: str, end: str) -> None:
    for name in ("older.csv", "baseline/statistics.json", "baseline/constraints.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    arguments = check("older.csv", "--start", start, "--end", end)
    arguments[arguments.index("csv")] = "capture"
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("modelwatch: WindowEmpty: --start ")


@pytest.mark.parametrize(
    "command",
    [
        check("train.csv", "--output", ""),
        ["demo", "--output", ""],
        ["executions", "report", "hourly", "--output", ""],
        ["local", "up", "--mail-folder", ""],
    ],
    ids=" ".join,
)
def test_an_empty_output_is_not_the_current_folder(run: Run, command: list[str]) -> None:
    refused = run(*command)
    assert refused.exit_code == 2
    assert f"Invalid value for '{command[-2]}': its value is empty; write . for the current folder" in refused.stderr
    assert list(Path().iterdir()) == []


def test_the_package_is_the_command_too() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "modelwatch", "--version"], capture_output=True, text=True, check=True
    )
    assert version("modelwatch") in shown.stdout


def test_an_output_that_is_a_file_is_refused_before_any_work(run: Run) -> None:
    Path("train.csv").write_text(TRAIN)
    Path("out").write_text("mine")
    arguments = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output"]
    assert "OutputNotAFolder" in run(*arguments, "out").stderr
    assert "OutputNotWritable" in run(*arguments, "out/below").stderr
    assert Path("out").read_text() == "mine"
    refused = run(*arguments, "s3://my-data/baseline")
    assert "OutputNotAFolder: --output: results are written on this machine" in refused.stderr
    assert not Path("s3:").exists()


def test_a_baseline_and_a_check_of_the_same_data_pass(with_baseline: Run) -> None:
    result = with_baseline(*check("train.csv"))
    assert result.exit_code == 0, result.stderr
    assert "Read 200 rows" in result.stdout
    assert "\nNo violations.\n" in result.stdout
    files = {path.name for path in Path("report").iterdir()}
    assert {"statistics.json", "constraint_violations.json", "report.html", "analysis_summary.json"} <= files
    assert json.loads(Path("report/constraint_violations.json").read_text())["violations"] == []


def test_violations_end_with_code_1_and_are_listed(with_baseline: Run) -> None:
    result = with_baseline(*check("older.csv"))
    assert result.exit_code == 1
    (line,) = listed(result)
    assert line.split()[:2] == ["age", "baseline_drift_check"]
    assert line.endswith(" is above the threshold 0.1")
    assert "\n1 violation.\n" in result.stdout
    assert not re.search(r"\d\.\d{5}", result.stdout)


def test_json_counts_violations_and_records_and_says_where_the_files_are(with_baseline: Run) -> None:
    with Path("older.csv").open("a") as file:
        file.write("61\n")  # a ragged row
    result = with_baseline(*check("older.csv", "--json"))
    assert result.exit_code == 1
    document = strict_json(result.stdout)
    assert document["status"] == "CompletedWithViolations"
    assert document["violations"] == len(
        json.loads(Path("report/constraint_violations.json").read_text())["violations"]
    )
    assert document["violations"] == 1
    assert (document["records"]["read"], document["records"]["malformed"]) == (600, 1)
    assert document["outputs"]
    assert all(Path(path).is_file() for path in document["outputs"].values())


def test_column_names_are_printed_as_they_are_and_never_obeyed(run: Run) -> None:
    names = ["[bold red]loud[/]", "[/closes nothing]", ":smile:", "a\tb", "\x1b[31mred"]
    Path("train.csv").write_text(",".join(names) + "\n" + "1,1,1,1,1\n" * 200)
    Path("now.csv").write_text(",".join(names) + "\n" + "9,9,9,9,9\n" * 600)
    baseline = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "baseline"]
    assert run(*baseline).exit_code == 0
    result = run(*check("now.csv"))
    assert result.exit_code == 1
    subjects = [line.partition("  ")[0] for line in listed(result)]
    assert subjects == ["[bold red]loud[/]", "[/closes nothing]", ":smile:", "a\\tb", "\\x1b[31mred"]


def test_an_interrupt_ends_with_130_and_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    Path("train.csv").write_text(TRAIN)
    monkeypatch.setattr("modelwatch_analyzer.analysis.analyze", interrupted)
    result = run(
        "baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "o", "--json"
    )
    assert result.exit_code == 130
    assert strict_json(result.stdout)["error"]["code"] == "Interrupted"
    assert result.stderr.count("\n") == 1


def test_a_mistake_of_ours_shows_neither_a_traceback_nor_values(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise ValueError("could not convert 'Jane Doe'")

    Path("train.csv").write_text(TRAIN)
    monkeypatch.setattr("modelwatch_analyzer.analysis.analyze", mistaken)
    result = run("baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "out")
    assert result.exit_code == 2
    assert "InternalError: ValueError at test_command.py:" in result.stderr
    assert "Jane Doe" not in result.output
    assert result.stderr.count("\n") == 1


def test_a_missing_extra_is_named_with_its_fix(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.impute", None)
    monkeypatch.delitem(sys.modules, "modelwatch.demo.scenario", raising=False)
    monkeypatch.delitem(sys.modules, "modelwatch.demo.model", raising=False)
    result = run("demo")
    assert result.exit_code == 2
    assert "MissingExtra: " in result.stderr
    assert "pip install '.[demo]'" in result.stderr
    assert not Path("modelwatch-demo").exists()


def test_the_analysis_contract_runs_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("train.csv").write_text(TRAIN)
    monkeypatch.setenv("dataset_source", "train.csv")
    monkeypatch.setenv("dataset_format", '{"csv": {"header": true}}')
    monkeypatch.setenv("output_path", "out")
    result = run("analyze")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Completed")
    assert Path("out/constraints.json").is_file()


SCRIPT = """import json, os
def postprocess_handler():
    json.dump(dict(os.environ), open("seen.json", "w"))
"""


@pytest.mark.parametrize(
    ("job_config", "seen"),
    [(None, None), ('{"Environment": {"MINE": "1", "dataset_source": "train.csv"}}', "1"), ("{}", None)],
)
def test_scripts_see_the_variables_of_the_job_and_none_of_the_host(
    run: Run, monkeypatch: pytest.MonkeyPatch, job_config: str | None, seen: str | None
) -> None:
    Path("train.csv").write_text(TRAIN)
    Path("after.py").write_text(SCRIPT)
    if job_config is not None:
        Path("processingjobconfig.json").write_text(job_config)
    monkeypatch.setattr("modelwatch.cli.analyze.JOB_CONFIG", Path("processingjobconfig.json"))
    environment = {
        "dataset_source": "train.csv",
        "dataset_format": '{"csv": {"header": true}}',
        "output_path": "out",
        "post_analytics_processor_script": "after.py",
        "MINE": "1",
        "AWS_SECRET_ACCESS_KEY": "secret",  # pragma: allowlist secret (invented)
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = run("analyze")
    assert result.exit_code == 0, result.stderr
    script_environment = json.loads(Path("seen.json").read_text())
    assert script_environment["dataset_source"] == "train.csv"
    assert script_environment.get("MINE") == seen
    assert "secret" not in script_environment.values()


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"Environment": 1}'])
def test_a_description_of_the_job_that_cannot_be_read_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    Path("processingjobconfig.json").write_text(content)
    monkeypatch.setattr("modelwatch.cli.analyze.JOB_CONFIG", Path("processingjobconfig.json"))
    result = run("analyze")
    assert result.exit_code == 1
    assert result.stderr.startswith("modelwatch: InvalidSettings: processingjobconfig.json ")
    assert result.stderr.count("\n") == 1


def test_violations_are_no_failure_of_the_analysis_contract(
    with_baseline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("dataset_source", "older.csv")
    monkeypatch.setenv("dataset_format", '{"csv": {"header": true}}')
    monkeypatch.setenv("baseline_statistics", "baseline/statistics.json")
    monkeypatch.setenv("baseline_constraints", "baseline/constraints.json")
    monkeypatch.setenv("output_path", "out")
    result = with_baseline("analyze")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("CompletedWithViolations")


@pytest.mark.parametrize("environment", [{}, {"dataset_source": "nowhere.csv", "output_path": "out"}])
def test_a_failed_analysis_of_the_contract_exits_1(
    run: Run, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = run("analyze")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_version_and_help_are_printed(run: Run) -> None:
    assert run("--version").stdout == f"modelwatch {version('modelwatch')}\n"
    for command in (["baseline", "data-quality"], ["check", "data-quality"], ["demo"], ["analyze"]):
        result = run(*command, "--help")
        assert result.exit_code == 0
        assert "Example:\n" in result.stdout
        assert f"modelwatch {' '.join(command)}" in result.stdout


def test_the_list_of_commands_says_what_the_help_of_each_says(run: Run) -> None:
    for name, command in COMMANDS.items():
        assert command.help in " ".join(run(name, "--help").stdout.split())


@pytest.mark.parametrize("name", ["schedules", "executions", "baselines", "capture", "local", "alerts"])
def test_the_commands_of_a_subject_are_listed_with_their_whole_sentences(run: Run, name: str) -> None:
    listed = " ".join(run(name, "--help").stdout.partition("Commands:")[2].split())
    assert listed.endswith(".")
    assert "..." not in listed


def test_the_name_that_data_had_in_baselines_still_works(run: Run) -> None:
    Path("train.csv").write_text(TRAIN)
    arguments = ["--dataset", "train.csv", "--dataset-format", "csv", "--output", "out"]
    assert run("baseline", "data-quality", *arguments).exit_code == 0


def test_a_baseline_says_what_it_learnt_and_the_next_command_works_as_it_is_printed(run: Run) -> None:
    Path("my train.csv").write_text(TRAIN.replace(",", ";"))
    Path("older.csv").write_text(OLDER.replace(",", ";"))
    options = ["--dataset-format", "csv", "--separator", ";", "--output", "my baseline"]
    made = run("baseline", "data-quality", "--data", "my train.csv", *options)
    lines = [" ".join(line.split()) for line in made.stdout.splitlines()]
    # age is whole and not negative, city has two values; the limits are those of the data.
    for line in (
        "of type Integral 1",
        "of type String 1",
        "data type check 2 at least 100 %, allowing for chance",
        "completeness check 2 at least 100 %, allowing for chance",
        "non-negative numbers 1",
        "known categories 1 at least 100 %, allowing for chance",
        "drift by Calibrated 2 2 % of the rows; 1 % false alarms",  # numbers and texts, in one line
    ):
        assert lines.count(line) == 1
    command = made.stdout.partition("Next: modelwatch ")[2].replace("NEW_DATA", "older.csv")
    checked = run(*shlex.split(command))
    assert (checked.exit_code, "\n1 violation.\n" in checked.stdout) == (1, True), checked.output


def test_numbers_on_the_screen_have_four_digits_and_all_of_them_in_the_file(with_baseline: Run) -> None:
    (line,) = listed(with_baseline(*check("older.csv")))
    (shown,) = re.findall(r"Drift distance of (\S+) is", line)
    (violation,) = json.loads(Path("report/constraint_violations.json").read_text())["violations"]
    (written,) = re.findall(r"distance: (\S+) exceeds", violation["description"])
    assert shown == f"{float(written):.4g}"
    assert len(written) > len(shown)


def test_results_are_not_overwritten_unless_that_is_asked_for(with_baseline: Run) -> None:
    kept = Path("baseline/statistics.json").read_bytes()
    again = ["baseline", "data-quality", "--data", "older.csv", "--dataset-format", "csv", "--output", "baseline"]
    refused = with_baseline(*again)
    assert (refused.exit_code, "OutputNotEmpty" in refused.stderr) == (2, True)
    assert Path("baseline/statistics.json").read_bytes() == kept
    assert with_baseline(*again, "--overwrite").exit_code == 0
    assert Path("baseline/statistics.json").read_bytes() != kept


def test_help_loads_what_it_needs() -> None:
    code = "import sys, modelwatch.cli.commands; print({'rich', 'pydantic', 'importlib.metadata'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


@pytest.mark.parametrize("command", ["", "check"])
def test_help_loads_no_numeric_package(command: str) -> None:
    code = (
        "import sys, modelwatch.cli.commands as commands; from typer.testing import CliRunner;"
        f"assert 'Options' in CliRunner().invoke(commands.app, {command.split()}).stdout;"
        "print({'numpy', 'polars', 'boto3', 'moto', 'sklearn'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def modelwatch(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the real command as a process of its own."""
    command = [sys.executable, "-c", "from modelwatch.cli import main; main()", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=HANGS_AFTER, check=False, **options)


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_violation_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    baseline = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "out"]
    for more in (["--overwrite"], ["--overwrite", "--json"]):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            ended = modelwatch(*baseline, *more, stdout=writer, cwd=tmp_path)
        finally:
            os.close(writer)
        assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_disk_below_the_output_is_one_line_and_no_violation(
    tmp_path: Path, more: list[str], unbuffered: str
) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    baseline = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "out"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        ended = modelwatch(*baseline, *more, stdout=full, cwd=tmp_path, env=environment)
    assert (ended.returncode, ended.stderr) == (2, "modelwatch: UnusableFile: No space left on device\n")
    unheard = shlex.join([sys.executable, "-c", "from modelwatch.cli import main; main()", *baseline, *more])
    ended = subprocess.run(f"{unheard} >/dev/full 2>&1", shell=True, cwd=tmp_path, env=environment, check=False)
    assert ended.returncode == 2


def test_an_empty_path_is_not_the_current_folder(run: Run) -> None:
    Path("train.csv").write_text(TRAIN)
    result = run("baseline", "data-quality", "--data", "", "--dataset-format", "csv", "--output", "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("modelwatch: FileNotFound: --data: the path is empty")


def test_what_may_not_be_read_is_not_called_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    Path("train.csv").write_text(TRAIN)
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(InvalidInput, match=r"UnreadableFile: --data: train\.csv cannot be read: Permission denied"):
        existing_path(Path("train.csv"), "--data")


def test_commands_at_the_same_time_may_have_one_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        folders = set(threads.map(lambda _: usable_output(tmp_path, overwrite="--overwrite"), range(2_000)))
    assert folders == {tmp_path}


def test_a_question_in_a_usage_error_ends_without_a_full_stop(run: Run) -> None:
    assert "Did you mean 'baseline', 'baselines'? See: modelwatch --help\n" in run("baselin").stderr


@pytest.mark.slow
def test_a_terminal_shows_how_long_an_analysis_takes_and_no_rest_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    baseline = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "out"]
    terminal = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "120"}
    ended = modelwatch(*baseline, stdout=subprocess.DEVNULL, cwd=tmp_path, env=terminal)
    assert ended.returncode == 0
    assert "elapsed" in ended.stderr
    assert "left" not in ended.stderr


@pytest.mark.slow
def test_closed_streams_change_no_exit_code_and_make_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    baseline = ["baseline", "data-quality", "--data", "train.csv", "--dataset-format", "csv", "--output", "out"]
    for closed, arguments, code in ((">&-", baseline, 0), (">&- 2>&-", ["baseline", "data-quality"], 2)):
        command = shlex.join([sys.executable, "-c", "from modelwatch.cli import main; main()", *arguments])
        ended = subprocess.run(
            f"{command} {closed}",
            shell=True,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANGS_AFTER,
            check=False,
        )
        assert ended.returncode == code
        assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_the_process_exits_with_the_code_and_prints_on_both_streams(tmp_path: Path) -> None:
    ended = modelwatch("check", "data-quality", "--json", stdout=subprocess.PIPE, cwd=tmp_path)
    assert ended.returncode == 2
    assert strict_json(ended.stdout)["error"]["code"] == "UnusableArguments"
    assert ended.stderr.count("\n") == 1


def test_a_terminal_without_unicode_still_gets_its_line(tmp_path: Path) -> None:
    arguments = ["baseline", "data-quality", "--data", "größe.csv", "--dataset-format", "csv", "--output", "o"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = modelwatch(*arguments, stdout=subprocess.PIPE, cwd=tmp_path, env=environment)
    assert ended.returncode == 2
    assert ended.stderr.startswith("modelwatch: FileNotFound: ")
    assert "gr\\xf6\\xdfe.csv" in ended.stderr


def test_malformed_records_are_shown_three_times_for_each_reason_and_many_are_a_warning(with_baseline: Run) -> None:
    Path("bad.csv").write_text(TRAIN + "1\n" + "1,a,2\n" * 30)
    shown = with_baseline(*check("bad.csv")).stdout
    assert [line for line in shown.splitlines() if "bad.csv:" in line] == [
        "  bad.csv:202: 1 field instead of 2",
        *(
            f"  bad.csv:{number}: 3 fields instead of 2 (a separator within a value needs quotes around the value)"
            for number in (203, 204, 205)
        ),
    ]
    said = "Warning: 31 of 231 records cannot be parsed and were left out: the results are of the others"
    assert said in " ".join(shown.split())
