"""How many invocations of a function run at the same time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwatch.local.execution_environment import Request
from modelwatch.local.function import LocalFunction
from modelwatch.local.function_processes import start_fresh
from modelwatch.local.function_settings import FunctionSettings
from tests.local.conftest import Deployer

CONCURRENCY = """
One: {Type: AWS::Serverless::Function, Properties: {ReservedConcurrentExecutions: 1}}
Many: {Type: AWS::Serverless::Function}
"""
COUNT_CONCURRENT = """
import os, pathlib, time
# Each invocation creates a file while it runs, and returns how many files there were at the same time.
def handler(event, context):
    folder = pathlib.Path(event["folder"])
    running_file = folder / context.aws_request_id
    running_file.touch()
    try:
        if event.get("others"):
            until = time.monotonic() + 15
            while len(list(folder.iterdir())) < event["others"] and time.monotonic() < until:
                time.sleep(0.005)
        else:
            time.sleep(0.05)
        return len(list(folder.iterdir()))
    finally:
        if not event.get("others"):
            running_file.unlink()
"""


def test_events_respect_reserved_concurrency_and_otherwise_run_in_parallel(deploy: Deployer, tmp_path: Path) -> None:
    outputs = "One: {Value: !Ref One}\nMany: {Value: !Ref Many}"
    stack = deploy(CONCURRENCY, code=COUNT_CONCURRENT, Outputs=outputs)
    for name, others in (("One", 0), ("Many", 3)):
        folder = tmp_path / name
        folder.mkdir()
        for _ in range(5 if name == "One" else 3):
            event = json.dumps({"folder": str(folder), "others": others})
            stack.client("lambda").invoke(FunctionName=stack.outputs[name], InvocationType="Event", Payload=event)
    stack.settle()
    seen = {name: [] for name in stack.outputs.values()}
    for invocation in stack.invocations:
        seen[invocation.function_name].append(json.loads(invocation.response))
    assert seen == {stack.outputs["One"]: [1] * 5, stack.outputs["Many"]: [3] * 3}


def test_a_process_that_cannot_be_created_does_not_use_up_concurrency(tmp_path: Path) -> None:
    def no_credentials() -> dict[str, str]:
        raise RuntimeError("the role cannot be assumed")

    settings = FunctionSettings("f", "arn", "role", "app.handler", tmp_path, reserved_concurrency=1)
    function = LocalFunction(settings, log=tmp_path / "log", variables=no_credentials, start_process=start_fresh)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cannot be assumed"):
            function.invoke(Request("r", b"{}", "arn"), wait=False)
