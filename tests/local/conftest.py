"""Deploys small templates for the tests."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from modelwatch.local import LocalStack

START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

# What most tests need of a function: it fails on request, and returns the event with its name and request id.
ECHO = """
import os, json
def handler(event, context):
    print("event", json.dumps(event))
    if isinstance(event, dict) and (event.get("fail") or (event.get("detail") or {}).get("fail")):
        raise ValueError("failed on request")
    return {"event": event, "name": context.function_name, "request_id": context.aws_request_id}
"""

# What a schedule needs of a role to fire at functions, queues and buses.
SCHEDULER_ROLE = """
Role:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Version: 2012-10-17
      Statement: [{Effect: Allow, Principal: {Service: scheduler.amazonaws.com}, Action: sts:AssumeRole}]
    Policies:
      - PolicyName: fire
        PolicyDocument:
          Version: 2012-10-17
          Statement:
            - {Effect: Allow, Action: ["lambda:InvokeFunction", "sqs:SendMessage", "events:PutEvents"], Resource: "*"}
"""


class Deployer:
    """Writes templates and starts stacks of them; closes every stack at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cleanup = ExitStack()

    def write(self, resources: str, *, code: str = ECHO, **sections: str) -> Path:
        """Return the path of a template whose functions run ``code`` from the folder ``function``."""
        (self._folder / "function").mkdir(exist_ok=True)
        (self._folder / "function" / "app.py").write_text(textwrap.dedent(code))
        parts = [
            "Transform: AWS::Serverless-2016-10-31",
            "Globals: {Function: {Runtime: python3.13, Handler: app.handler, CodeUri: function, Timeout: 20}}",
            *(f"{name}:\n{textwrap.indent(textwrap.dedent(body), '  ')}" for name, body in sections.items()),
            f"Resources:\n{textwrap.indent(textwrap.dedent(resources), '  ')}",
        ]
        path = self._folder / "template.yaml"
        path.write_text("\n".join(parts))
        return path

    def __call__(
        self, resources: str, *, code: str = ECHO, options: dict[str, Any] | None = None, **sections: str
    ) -> LocalStack:
        """Deploy and return the running stack."""
        stack = LocalStack(self.write(resources, code=code, **sections), **({"start": START} | (options or {})))
        return self._cleanup.enter_context(stack)

    def close(self) -> None:
        self._cleanup.close()


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deployer]:
    deployer = Deployer(tmp_path)
    yield deployer
    deployer.close()


@pytest.fixture(scope="module")
def deploy_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    deployer = Deployer(tmp_path_factory.mktemp("stack"))
    yield deployer
    deployer.close()


@pytest.fixture
def invoke() -> Callable[..., Any]:
    """Invoke a function and return its response and its error, if any."""

    def call(stack: LocalStack, name: str, event: Any = None) -> tuple[Any, str | None]:
        response = stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
        return json.loads(response["Payload"].read()), response.get("FunctionError")

    return call


def messages(stack: LocalStack, queue_url: str) -> list[dict[str, Any]]:
    """Receive and delete every message of a queue."""
    client, received = stack.client("sqs"), []
    while batch := client.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", []):
        for message in batch:
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        received += batch
    return received


def events_of(stack: LocalStack, name: str) -> list[Any]:
    """Return the events that a function received, without retries, in the order in which the invocations ended."""
    return [
        json.loads(invocation.payload)
        for invocation in stack.invocations
        if invocation.function_name == name and invocation.attempt == 1
    ]
