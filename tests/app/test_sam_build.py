"""``sam build`` makes every zip function and the layer without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repository import HANGS_AFTER, ROOT

SAM = ROOT / ".venv-sam/bin/sam"
ENVIRONMENT = os.environ | {"PYENV_VERSION": "3.13", "SAM_CLI_TELEMETRY": "0"}


@pytest.mark.sam
def test_sam_builds_all_zip_functions_and_the_layer_without_a_container_engine(tmp_path):
    if not SAM.exists():
        pytest.skip("the SAM CLI is not installed: make check installs it")
    found = shutil.which("python3.13")
    if not found or subprocess.run([found, "-V"], env=ENVIRONMENT, capture_output=True, check=False).returncode:
        pytest.skip("there is no python3.13 on the path, which sam build needs for the runtime python3.13")
    build = [
        SAM,
        "build",
        "--exclude",
        "Analyzer",
        "--build-dir",
        tmp_path / "build",
        "--cache-dir",
        tmp_path / "cache",
    ]
    ran = subprocess.run(
        build, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=HANGS_AFTER, check=False
    )
    assert ran.returncode == 0, ran.stderr
    built = {path.name for path in (tmp_path / "build").iterdir() if path.is_dir()}
    assert built == {
        "CoreLayer",
        "ManageMonitors",
        "CreateBaseline",
        "LaunchExecution",
        "FinishExecution",
        "FollowEndpoints",
        "RouteAlerts",
        "ShowMonitors",
        "Reconcile",
    }
    layer = {path.name for path in (tmp_path / "build/CoreLayer/python").iterdir()}
    assert {"modelwatch_core", "pydantic", "aws_lambda_powertools", "boto3"} <= layer
    assert not layer & {"numpy", "polars", "scipy", "modelwatch_analyzer", "modelwatch"}
    assert_the_layer_is_small_compiled_and_complete(tmp_path / "build/CoreLayer/python")


def assert_the_layer_is_small_compiled_and_complete(layer: Path) -> None:
    wiring = (ROOT / "layers/core/modelwatch_core/wiring.py").read_text(encoding="utf-8")
    called = set(re.findall(r'_session\(\)\.(?:client|resource)\("([a-z0-9-]+)"', wiring))
    assert {path.name for path in (layer / "botocore/data").iterdir() if path.is_dir()} == called
    sources = list(layer.rglob("*.py"))
    assert sources
    assert all((path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").exists() for path in sources)
    assert sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) < 30 << 20
    code = "import boto3, sys; [boto3.client(name, region_name='us-east-1') for name in sys.argv[1:]]"
    code += "; boto3.resource('dynamodb', region_name='us-east-1'); import modelwatch_core.wiring, pydantic"
    alone = ENVIRONMENT | {"PYTHONPATH": str(layer), "PYTHONNOUSERSITE": "1"}
    ran = subprocess.run(
        ["python3.13", "-c", code, *called], env=alone, capture_output=True, text=True, timeout=HANGS_AFTER, check=False
    )
    assert ran.returncode == 0, ran.stderr
