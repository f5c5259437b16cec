"""Commands that read files and ask models, with those of the running local stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app as command
from modelwatch.local import LocalStack
from modelwatch.running_stack import announced
from tests.local.conftest import Deployer
from tests.local.model_server import Container

pytestmark = pytest.mark.long_setup  # one stack for the module

ROWS = "".join(f"{number},{number % 7}\n" for number in range(100))
RECORD = {
    "captureData": {"endpointInput": {"data": "1,2\n", "encoding": "CSV", "observedContentType": "text/csv"}},
    "eventMetadata": {"eventId": "1", "inferenceTime": "2026-01-05T09:10:00Z"},
    "eventVersion": "0",
}


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> Iterator[LocalStack]:
    stack = deploy_once("Data: {Type: AWS::S3::Bucket, Properties: {BucketName: my-data}}")
    s3, sagemaker = stack.client("s3"), stack.client("sagemaker")
    s3.put_object(Bucket="my-data", Key="train.csv", Body=f"a,b\n{ROWS}".encode())
    s3.put_object(Bucket="my-data", Key="live/e/09/records.jsonl", Body=json.dumps(RECORD).encode())
    config = {"methods": {"shap": {"baseline": "s3://my-data/background.csv"}}}
    s3.put_object(Bucket="my-data", Key="config.json", Body=json.dumps(config).encode())
    s3.put_object(Bucket="my-data", Key="background.csv", Body=b"0,0\n")
    with Container() as container:
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn="arn:aws:iam::1:role/r")
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="e", ProductionVariants=[variant])
        stack.serve_model("m", container.url)
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="e")
        stack.settle()
        yield stack


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user has no AWS credentials, no region and a profile that does not exist, and does not name the stack."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def shell(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_captures_of_the_local_stack_are_inspected(stack: LocalStack):
    with announced(stack.endpoint_url):
        inspected = shell("capture", "inspect", "s3://my-data/live/e", "--local")
    assert inspected.exit_code == 0, inspected.stderr
    assert "Read 1 row of 1 captured record from 1 file" in inspected.stdout


def test_a_baseline_and_a_check_read_the_local_stack_and_the_next_command_does_so_too(stack: LocalStack):
    data = ("--data", "s3://my-data/train.csv", "--dataset-format", "csv", "--local")
    with announced(stack.endpoint_url):
        made = shell("baseline", "data-quality", *data, "--output", "baseline")
        assert made.exit_code == 0, made.stderr
        assert " --local --output report" in " ".join(made.stdout.split())
        for name in ("statistics", "constraints"):
            content = Path("baseline", f"{name}.json").read_bytes()
            stack.client("s3").put_object(Bucket="my-data", Key=f"{name}.json", Body=content)
        files = ("--statistics", "s3://my-data/statistics.json", "--constraints", "s3://my-data/constraints.json")
        checked = shell("check", "data-quality", *data, *files, "--output", "report")
        assert checked.exit_code == 0, checked.stderr
        power = shell("power", "s3://my-data/statistics.json", "--rows", "100", "--local")
        assert power.exit_code == 0, power.stderr


def test_a_model_of_the_local_stack_is_explained(stack: LocalStack):
    with announced(stack.endpoint_url):
        made = shell(
            *("baseline", "explainability", "--data", "s3://my-data/train.csv", "--dataset-format", "csv"),
            *("--analysis-config", "s3://my-data/config.json", "--endpoint", "e", "--output", "b", "--local"),
        )
    assert made.exit_code == 0, made.stderr
    # The model doubles the first feature: by hand, the second one has no share.
    shares = json.loads(Path("b", "analysis.json").read_text())["explanations"]["kernel_shap"]["label0"]
    assert shares["global_shap_values"]["b"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("capture", "inspect", "s3://my-data/live/e"),
        ("power", "s3://my-data/statistics.json", "--rows", "100"),
        ("doctor",),
    ],
)
def test_without_a_local_stack_it_is_said_how_to_start_one(arguments: tuple[str, ...]):
    ended = shell(*arguments, "--local")
    assert (ended.exit_code, ended.stderr.split(": ")[1]) == (2, "LocalStackNotFound")
    assert "start one with modelwatch local up" in ended.stderr
