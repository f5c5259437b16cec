"""``modelwatch local up``: what it prints, how it ends, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from typer.testing import CliRunner

from modelwatch.cli.commands import app as command
from modelwatch.cli.local import _past_proxies
from tests.local.conftest import Deployer
from tests.local.model_server import Container
from tests.repository import HANGS_AFTER

RESOURCES = """
Fn: {Type: AWS::Serverless::Function}
Topic: {Type: AWS::SNS::Topic}
Mail:
  Type: AWS::SNS::Subscription
  Condition: HasMail
  Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: !Ref Address}
"""
SECTIONS = {
    "Parameters": "Address: {Type: String, Default: ''}",
    "Conditions": "HasMail: !Not [!Equals [!Ref Address, '']]",
    "Outputs": "FnName: {Value: !Ref Fn}\nTopicArn: {Value: !Ref Topic}",
}
COMMAND = [sys.executable, "-W", "error", "-c", "from modelwatch.cli.local import group; group()", "up"]
# A function that can run for longer than any test.
CODE = "import time\ndef handler(event, context): time.sleep(event.get('seconds', 0))\n"


@pytest.fixture
def template(deploy: Deployer) -> Path:
    return deploy.write(RESOURCES, code=CODE, **SECTIONS)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Return the folder for the temporary files of the processes."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def up(template: Path, temporary: Path) -> Iterator:
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, "--template", str(template), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary), "XDG_STATE_HOME": str(temporary.parent)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=HANGS_AFTER)


def printed(process: subprocess.Popen[str]) -> str:
    """Return what it prints once it is up."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if "AWS_SECRET_ACCESS_KEY" in line:
            return "".join(lines)
    raise AssertionError(f"the process ended: {process.communicate()[1]}")


def lambda_client(text: str):
    url = re.search(r"AWS   (\S+)", text)[1]
    return boto3.client("lambda", endpoint_url=url, region_name="us-east-1", config=Config(retries={"max_attempts": 0}))


def test_it_prints_its_addresses_and_ctrl_c_removes_all_its_processes_and_files(up, temporary: Path) -> None:
    """As each signal that ends a command does: tests/cli/test_signals.py."""
    process = up()
    text = printed(process)
    assert re.search(r"Mail  smtp://127\.0\.0\.1:\d+", text)
    name = re.search(r"FnName +(\S+)", text)[1]
    client = lambda_client(text)
    try:
        client.invoke(FunctionName=name)
        client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"seconds": 600}')
    finally:
        client.close()
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    for _ in range(3):  # further signals must not interrupt the cleanup
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANGS_AFTER)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\n")
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert list(temporary.iterdir()) == []


def test_it_refuses_a_requested_port_that_is_taken(up) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = up("--port", str(port))
        _, err = process.communicate(timeout=HANGS_AFTER)
    assert process.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in err
    assert "Traceback" not in err


def test_the_printed_command_exempts_the_stack_from_a_proxy_where_needed(up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com")
    monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")
    assert _past_proxies() == ""
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert ' no_proxy="${no_proxy:-$NO_PROXY},127.0.0.1"' in printed(up())


def test_parameters_reach_the_template_and_invalid_ones_are_refused(up, tmp_path: Path) -> None:
    misspelt = up("--parameter", "Adress=x")
    _, err = misspelt.communicate(timeout=HANGS_AFTER)
    assert misspelt.returncode == 2
    assert "Adress is not a parameter of the template" in err
    process = up("--parameter", "Address=a@example.org", "--mail-folder", str(tmp_path / "mails"))
    text = printed(process)
    url = re.search(r"AWS   (\S+)", text)[1]
    sns = boto3.client("sns", endpoint_url=url, region_name="us-east-1")
    sns.publish(TopicArn=re.search(r"TopicArn +(\S+)", text)[1], Subject="Hello there", Message="m")
    sns.close()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANGS_AFTER)
    (mail,) = (tmp_path / "mails").glob("*.eml")
    assert mail.name == "0001-Hello-there.eml"
    assert "To: a@example.org" in mail.read_text()


def test_requests_to_an_endpoint_reach_the_server_of_its_model(up) -> None:
    with Container() as container:
        text = printed(up("--serve-model", f"scorer={container.url}"))
        url = re.search(r"AWS   (\S+)", text)[1]
        sagemaker = boto3.client("sagemaker", endpoint_url=url, region_name="us-east-1")
        runtime = boto3.client("sagemaker-runtime", endpoint_url=url, region_name="us-east-1")
        role = "arn:aws:iam::123456789012:role/model"
        variant = {"VariantName": "v", "ModelName": "scorer", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        try:
            sagemaker.create_model(ModelName="scorer", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
            sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
            sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
            waiting = {"Delay": 1, "MaxAttempts": 20}
            sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="e", WaiterConfig=waiting)
            assert runtime.invoke_endpoint(EndpointName="e", Body=b"21\n")["Body"].read() == b"42.0\n"
        finally:
            sagemaker.close()
            runtime.close()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--parameter", "Address"), "UnusableArguments"),
        (("--serve-model", "scorer=notaurl"), "UnusableArguments"),
        (("--serve-model", "scorer=http://"), "UnusableArguments"),
        (("--mail-folder", "/proc/mails"), "OutputNotWritable"),
        (("--run-image", "image=python 'my job.py"), "UnusableArguments"),
        (("--run-image", "image="), "UnusableArguments"),
    ],
)
def test_what_could_not_be_used_once_the_stack_is_up_is_refused_before(options: tuple[str, str], code: str) -> None:
    refused = CliRunner().invoke(command, ["local", "up", *options])
    assert (refused.exit_code, refused.stderr.split(": ")[1]) == (2, code)
    assert options[0] in refused.stderr
