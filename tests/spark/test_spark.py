"""Spark writes what one machine writes, with any number of partitions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.reading import files as reading_files
from modelwatch_core.domain.settings_environment import settings_from_environment
from tests.parts import datasets
from tests.parts.datasets import KINDS, baseline_of, reports_in
from tests.repository import ROOT

PYTHON = ROOT / ".venv-spark/bin/python"
PARTITIONS = (1, 7, 64)
MASTER = os.environ.get("SPARK_MASTER", "local-cluster[2,1,1024]")
"""By default two executors, each a process with a Python worker of its own; ``local[2]`` is quicker."""

_TIMEOUT = 1200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long_setup,
    pytest.mark.skipif(not PYTHON.exists(), reason="`make test-spark` installs PySpark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17"),
]


def environment() -> Mapping[str, str]:
    (site,) = (PYTHON.parents[1] / "lib").glob("python3.*/site-packages")
    path = os.pathsep.join(map(str, (ROOT, ROOT / "layers/core", ROOT / "layers/analyzer", ROOT / "sdk")))
    spark = {"SPARK_HOME": str(site / "pyspark"), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(PYTHON)}
    return {**os.environ, **spark, "PYTHONPATH": path}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=_TIMEOUT, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the datasets, and what Spark makes of them."""
    folder = tmp_path_factory.mktemp("spark")
    datasets.make(folder)
    (folder / "damaged").mkdir()
    for number in range(6):
        content = "1,2\n".encode("utf-16" if number in (2, 4) else "utf-8") * 20
        (folder / f"damaged/part-{number}.csv").write_bytes(content)
    made = run(str(PYTHON), "-m", "tests.spark.reports", str(folder), MASTER, *map(str, PARTITIONS))
    assert made.returncode == 0, made.stderr[-3000:]
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_reports_are_those_of_one_machine_with_any_number_of_partitions(
    kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "PART_BYTES", 1)
    baseline, check = datasets.analyzed(kind, folder, tmp_path)
    assert json.loads((check / "constraint_violations.json").read_bytes())["violations"]
    for partitions in PARTITIONS:
        made = folder / str(partitions) / kind
        assert reports_in(made / "baseline") == reports_in(baseline)
        assert reports_in(made / "check") == reports_in(check)


def test_the_first_part_that_cannot_be_read_is_what_is_refused(folder: Path) -> None:
    code, message = json.loads((folder / "refused.json").read_bytes())
    assert code == "NotUtf8"
    assert message.startswith("part-2.csv")


def test_spark_submit_runs_one_analysis_by_settings(folder: Path, tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    given = baseline_of("MODEL_QUALITY", folder, tmp_path / "made")
    made = submit(given)
    assert made.returncode == 0, made.stderr[-3000:]
    assert "Job completed successfully" in made.stdout
    analyze(settings_from_environment(given | {"output_path": str(expected)}))
    assert reports_in(tmp_path / "made") == reports_in(expected)


def test_spark_submit_says_what_it_cannot_share_out(folder: Path, tmp_path: Path) -> None:
    given = baseline_of("DATA_QUALITY", folder, tmp_path / "made") | {"dataset_format": '{"sagemakerCaptureJson": {}}'}
    made = submit(given)
    assert made.returncode == 1
    assert "NotInParts: Spark does not share out captures: run it on another host" in made.stdout


def submit(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run spark-submit, whose own words are in stderr, and all of the application's in stdout."""
    application = ROOT / "sdk/modelwatch/spark/application.py"
    arguments = (f"{name}={value}" for name, value in settings.items())
    return run(str(PYTHON.parent / "spark-submit"), "--master", "local[2]", str(application), *arguments)
