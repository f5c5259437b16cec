"""What an import costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "numpy", "polars", "pydantic")
CODE = """
import sys, time
started = time.process_time()
import {module}
print(time.process_time() - started, *sys.modules)
"""


def imported(module: str) -> tuple[float, set[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", CODE.format(module=module)], capture_output=True, text=True, check=True, timeout=60
    )
    seconds, *modules = ended.stdout.split()
    return float(seconds), set(modules)


@pytest.mark.parametrize("module", ["modelwatch", "modelwatch.model_monitor", "modelwatch.clarify", "modelwatch.s3"])
def test_an_import_loads_nothing_heavy(module: str):
    assert imported(module)[1].isdisjoint(HEAVY)


def test_the_import_takes_less_than_150_milliseconds_of_cpu():
    assert min(imported("modelwatch")[0] for _ in range(3)) < 0.15
