"""The operator's settings for the real AWS do not affect the local stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.local import operator_settings
from tests.local.conftest import Deployer

# In a separate process, because moto reads some settings when it is imported.
DEPLOY = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
before = dict(os.environ)
from modelwatch.local import LocalStack
with LocalStack(Path(sys.argv[1]), start=datetime(2026, 1, 5, tzinfo=UTC)) as stack:
    stack.client("config").describe_configuration_recorders()  # this service is loaded on first use
    print(stack.outputs["Arn"])
assert dict(os.environ) == before
"""


def test_a_stack_deploys_with_any_settings_of_the_operator(deploy: Deployer, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("[neither a section")
    template = deploy.write(
        "Fn: {Type: AWS::Serverless::Function, Properties: {FunctionName: fn}}", Outputs="Arn: {Value: !GetAtt Fn.Arn}"
    )
    settings = {
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "MOTO_ACCOUNT_ID": "999999999999",
    }
    finished = subprocess.run(
        [sys.executable, "-c", DEPLOY, str(template)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout, finished.returncode) == ("arn:aws:lambda:us-east-1:123456789012:function:fn\n", 0), (
        finished.stderr
    )


def test_settings_are_hidden_only_inside_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    with operator_settings.hidden():
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_CONFIG_FILE"] == os.devnull
    assert os.environ["AWS_PROFILE"] == "mine"
    assert "AWS_CONFIG_FILE" not in os.environ
