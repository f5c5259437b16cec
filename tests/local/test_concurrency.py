"""How many of a function run at a time."""

from __future__ import annotations

import json
from pathlib import Path

from tests.local.conftest import Deployer

CONCURRENCY = """
One: {Type: AWS::Serverless::Function, Properties: {ReservedConcurrentExecutions: 1}}
Many: {Type: AWS::Serverless::Function}
"""
MEETS = """
import os, pathlib, time
# Each invocation leaves a mark in a folder while it works, and reports how many marks there were at once.
def handler(event, context):
    folder = pathlib.Path(event["folder"])
    mark = folder / context.aws_request_id
    mark.touch()
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
            mark.unlink()
"""


def test_events_keep_to_the_reserved_concurrency_and_otherwise_run_side_by_side(
    deploy: Deployer, tmp_path: Path
) -> None:
    outputs = "One: {Value: !Ref One}\nMany: {Value: !Ref Many}"
    stack = deploy(CONCURRENCY, code=MEETS, Outputs=outputs)
    for name, others in (("One", 0), ("Many", 3)):
        folder = tmp_path / name
        folder.mkdir()
        for _ in range(5 if name == "One" else 3):
            event = json.dumps({"folder": str(folder), "others": others})
            stack.client("lambda").invoke(FunctionName=stack.outputs[name], InvocationType="Event", Payload=event)
    stack.settle()
    seen = {name: [] for name in stack.outputs.values()}
    for done in stack.invocations:
        seen[done.function_name].append(json.loads(done.response))
    assert seen == {stack.outputs["One"]: [1] * 5, stack.outputs["Many"]: [3] * 3}
