"""``modelwatch baseline explainability`` and ``check explainability``."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import numpy as np
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app
from tests.explainability.conftest import Asked, ModelServer
from tests.repository import HANGS_AFTER

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder with data and a configuration."""
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(7).normal(size=(120, 3)).round(3)
    Path("data.csv").write_text("\n".join(["a,b,c", *(",".join(map(str, row)) for row in rows.tolist())]))
    Path("config.json").write_text(json.dumps({"methods": {"shap": {"baseline": [[0, 0, 0]]}}}))
    return lambda *arguments: CliRunner().invoke(app, arguments)


COMMON = ("--dataset-format", "csv", "--analysis-config", "config.json")


def test_a_model_behind_a_url_gets_a_baseline_and_a_check(run: Run, server: ModelServer) -> None:
    made = run(
        "baseline",
        "explainability",
        "--data",
        "data.csv",
        *COMMON,
        "--model-url",
        server.url,
        "--output",
        "b",
        "--overwrite",
    )
    assert made.exit_code == 0
    assert "Explaining 120 of 120 rows by exact SHAP: 841 rows to score in at most 2 of 100 model calls." in made.stderr
    assert "2 of at most 100 model calls, 841 rows scored" in made.stdout
    arguments = (
        "check",
        "explainability",
        "--data",
        "data.csv",
        *COMMON,
        "--model-url",
        server.url,
        "--output",
        "c",
        "--overwrite",
    )
    constraints = ("--constraints", "b/analysis.json")
    assert run(*arguments, *constraints).exit_code == 0
    server.function = lambda values: values @ [1.0, 2.0, 3.0]
    found = run(*arguments, *constraints, "--earlier-results", "b", "--json")
    assert found.exit_code == 1
    printed = json.loads(found.stdout)
    assert (printed["status"], printed["violations"]) == ("CompletedWithViolations", 1)
    assert Path(printed["outputs"]["constraint_violations.json"]).exists()
    label = json.loads(Path("c/analysis.json").read_text())["explanations"]["kernel_shap"]["label0"]
    assert label["attribution_drift"]["attribution_stability"] == pytest.approx(-1.0)


def test_the_option_says_how_many_rows_are_explained(run: Run, server: ModelServer) -> None:
    def explained(*arguments: str) -> str:
        options = ("--data", "data.csv", *COMMON, "--model-url", server.url, "--output", "b", "--overwrite", *arguments)
        return run("baseline", "explainability", *options).output

    assert "Explaining 30 of 120 rows" in explained("--max-explained-rows", "30")
    assert "30 of 120 rows were explained, drawn with seed 0" in explained("--max-explained-rows", "30")
    assert "Explaining 120 of 120 rows" in explained("--max-explained-rows", "all")
    refused = explained("--max-explained-rows", "0")
    assert "InvalidSettings: --max-explained-rows: " in refused
    assert "must be a number of rows, from 1 on, or 'all'" in refused


def test_the_expected_time_is_printed_after_the_first_request(run: Run, server: ModelServer) -> None:
    made = run("baseline", "explainability", "--data", "data.csv", *COMMON, "--model-url", server.url,
               "--output", "b", "--overwrite", "--json")  # fmt: skip
    first, second = made.stderr.splitlines()
    assert first.startswith("Explaining 120 of 120 rows by exact SHAP: 841 rows to score")
    assert re.fullmatch(
        r"The first 121 rows were scored in \S+ seconds: all 841 should take \d+ seconds at most\.", second
    )
    assert json.loads(made.stdout)["status"] == "Completed"


def all_of(terminal: int) -> bytes:
    written = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal
        while part := os.read(terminal, 1 << 16):
            written += part
    return written


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("as_json", "shown"), [((), True), (("--json",), False)])
def test_a_progress_bar_is_on_a_terminal_only_and_not_beside_json(
    run: Run, server: ModelServer, as_json: tuple[str, ...], shown: bool
) -> None:
    assert run  # its folder
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from modelwatch.cli import main; main()", "baseline", "explainability"]
    options = ["--data", "data.csv", *COMMON, "--model-url", server.url, "--output", "b", "--overwrite", *as_json]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(all_of, ours)  # meanwhile: a terminal that nobody reads takes a few kilobytes
        try:
            done = subprocess.run(
                [*command, *options],
                stdout=subprocess.PIPE,
                stderr=theirs,
                env=environment,
                timeout=HANGS_AFTER,
                check=True,
            )
        finally:
            os.close(theirs)
        written = reading.result()
    os.close(ours)
    assert b"Explaining 120 of 120 rows" in written
    assert (b"Calling the model" in written and b"2/2" in written) is shown
    assert b"Calling the model" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model-url", "http://127.0.0.1:9", "--endpoint", "e"), "UnusableArguments: --model-url and --endpoint"),
        (("--endpoint", "my_endpoint"), "InvalidSettings: sagemaker_endpoint_name: String should match"),
        (("--model-artifact", "gone.json"), "FileNotFound: --model-artifact"),
        ((), "ModelNotGiven"),
        (("--model-url", "nowhere"), "InvalidModelUrl"),
    ],
)
def test_models_that_cannot_be_used_end_in_one_line(run: Run, arguments: tuple[str, ...], says: str) -> None:
    failed = run(
        "baseline", "explainability", "--data", "data.csv", *COMMON, "--output", "b", "--overwrite", *arguments
    )
    assert failed.exit_code == 2
    assert f"modelwatch: {says}" in failed.stderr
    assert "Traceback" not in failed.output


def test_an_endpoint_needs_credentials(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    failed = run(
        "baseline", "explainability", "--data", "data.csv", *COMMON, "--output", "b", "--overwrite", "--endpoint", "e"
    )
    assert failed.exit_code == 2
    assert "NoCredentials" in failed.stderr


def test_an_endpoint_needs_a_region(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    failed = run(
        "baseline", "explainability", "--data", "data.csv", *COMMON, "--output", "b", "--overwrite", "--endpoint", "e"
    )
    assert failed.exit_code == 2
    assert "modelwatch: NoRegion: " in failed.stderr


@pytest.mark.slow
def test_baseline_rows_are_fetched_from_s3(run: Run, server: ModelServer) -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="rows.csv", Body=b"1,1,1\n")
        Path("config.json").write_text(json.dumps({"methods": {"shap": {"baseline": "s3://bucket/rows.csv"}}}))
        # moto stands between boto3 and its server only; ours is asked through urllib3.
        made = run(
            "baseline",
            "explainability",
            "--data",
            "data.csv",
            *COMMON,
            "--model-url",
            server.url,
            "--output",
            "b",
            "--overwrite",
        )
    assert made.exit_code == 0, made.output
    assert Path("b/explanations_shap/baseline.csv").read_text() == "a,b,c\n1,1,1\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no Ctrl-C to send")
def test_who_is_interrupted_does_not_wait_for_the_model(run: Run, server: ModelServer) -> None:
    asked, ended = threading.Event(), threading.Event()

    def respond(_: Asked) -> tuple[int, bytes]:
        asked.set()
        ended.wait(HANGS_AFTER)
        return 200, b""

    server.respond = respond
    command = [sys.executable, "-c", "from modelwatch.cli import main; main()", "baseline", "explainability"]
    arguments = ["--data", "data.csv", *COMMON, "--model-url", server.url, "--output", "b", "--overwrite"]
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert asked.wait(HANGS_AFTER)
            process.send_signal(signal.SIGINT)
            _, output = process.communicate(timeout=50)  # a model is given 60
        finally:
            process.kill()
            ended.set()
    assert (process.returncode, output.splitlines()[-1].split(":")[1]) == (130, " Interrupted")
    assert not Path("b/analysis.json").exists()


def test_a_plain_process_explains_what_its_environment_names(
    run: Run, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "analysis_type": "MODEL_EXPLAINABILITY",
        "dataset_source": "data.csv",
        "dataset_format": '{"csv": {"header": true}}',
        "analysis_config": "config.json",
        "model_url": server.url,
        "output_path": "out",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    done = run("analyze")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith("explaining 120 of 120 rows by exact SHAP")
    assert Path("out/analysis.json").exists()
