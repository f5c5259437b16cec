"""The analyzer's images are built from their Dockerfile, and the handler and a job make a baseline, for real.

Skips itself, saying so, where no container engine can start containers, or there is no base image.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import SimpleNamespace

import boto3
import pytest
from moto.server import ThreadedMotoServer

from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest
from modelwatch_core.domain.processing_job import REQUEST_FILE, REQUEST_VARIABLE, JobRequest, PlacedObject
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.core.ledger_table import create_ledger_table
from tests.repository import ROOT

BASE = "public.ecr.aws/lambda/python:3.13"
IMAGE = "localhost/modelwatch-analyzer:test"
JOB_BASE = "public.ecr.aws/docker/library/python:3.13-slim"
JOB_IMAGE = "localhost/modelwatch-analyzer:test-job"

pytestmark = [pytest.mark.image, pytest.mark.long_setup]


def _succeeds(*command: str, timeout: float = 60) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=timeout, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture(scope="module")
def engine() -> str:
    if sys.platform != "linux":
        pytest.skip("the image is tried on Linux only: elsewhere a container cannot share the host's network")
    for name in ("docker", "podman"):
        if shutil.which(name) and _succeeds(name, "info"):
            break
    else:
        pytest.skip("no container engine responds (docker, podman): the image was not built")
    for base in (BASE, JOB_BASE):
        if not _succeeds(name, "image", "inspect", base) and not _succeeds(name, "pull", base, timeout=300):
            pytest.skip(f"the base image {base} is neither here nor can it be pulled: the image was not built")
        # An engine inside a container may build and pull, and yet be refused the limits that it sets at a start.
        start = [name, "run", "--rm", "--network", "none", "--entrypoint", "/bin/true", base]
        started = subprocess.run(start, capture_output=True, text=True, timeout=120, check=False)
        if started.returncode:
            pytest.skip(f"{name} may not start containers here ({started.stderr.strip()}): the image was not tried")
    return name


@pytest.fixture(scope="module")
def image(engine) -> str:
    return built(engine, "lambda", IMAGE)


def built(engine: str, target: str, tag: str) -> str:
    build = [engine, "build", "--network", "host", "--target", target, "--file", "analyzer_container/Dockerfile"]
    subprocess.run([*build, "--tag", tag, "."], cwd=ROOT, check=True, capture_output=True, timeout=540)
    return tag


class OneInvocation(BaseHTTPRequestHandler):
    """Lambda's Runtime API, as much of it as one invocation needs."""

    protocol_version = "HTTP/1.1"
    event: bytes
    reported: list[tuple[str, bytes]]
    done: Event

    def do_GET(self) -> None:
        if self.done.is_set() or self.reported:
            self.done.wait()
        self.send_response(200)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": "3f6c0d1a-8a2a-4f0e-bb3f-6f1a0d6f2b11",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 120_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:analyzer",
            "Content-Type": "application/json",  # AWS's native client dies without it
            "Content-Length": str(len(self.event)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reported.append((self.path.rpartition("/")[2], body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.done.set()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_the_image_is_built_and_its_handler_makes_a_baseline(engine, image, aws):
    def client(service):
        return boto3.client(service, endpoint_url=aws)

    s3 = client("s3")
    s3.create_bucket(Bucket="results")
    rows = "\n".join(f"{i},{i % 3}" for i in range(200))
    s3.put_object(Bucket="results", Key="data/train.csv", Body=f"a,b\n{rows}\n".encode())
    client("events").create_event_bus(Name="bus")
    create_ledger_table(SimpleNamespace(resource=lambda service: boto3.resource(service, endpoint_url=aws)))
    request = {
        "subject": "baseline/first",
        "host": "lambda",
        "settings": {
            "analysis_type": "DATA_QUALITY",
            "dataset_format": {"csv": {"header": True}},
            "dataset_source": "/opt/ml/processing/input",
            "output_path": "/opt/ml/processing/output",
        },
        "inputs": [{"s3_uri": "s3://results/data/train.csv", "path": "input/"}],
        "output_s3_uri": "s3://results/out",
    }
    done, reported = Event(), []
    handler = type(
        "Handler", (OneInvocation,), {"event": json.dumps(request).encode(), "reported": reported, "done": done}
    )
    runtime_api = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=runtime_api.serve_forever, daemon=True).start()
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime_api.server_address[1]}",
        "AWS_ENDPOINT_URL": aws,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret (invented)
        "AWS_LAMBDA_FUNCTION_NAME": "analyzer",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "4096",
        "ANALYZER_LOG_GROUP": "the-log-group",
        "ANALYSIS_ROLE_ARN": "arn:aws:iam::123456789012:role/analysis",
        "EVENT_BUS": "bus",
        "LEDGER_TABLE": "ledger",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelwatch",
        "POWERTOOLS_SERVICE_NAME": "modelwatch",
    }
    variables = [argument for name, value in environment.items() for argument in ("--env", f"{name}={value}")]
    name = f"modelwatch-analyzer-{uuid.uuid4()}"
    container = subprocess.Popen(
        [engine, "run", "--rm", "--name", name, "--network", "host", *variables, image, "app.handler"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        finished = done.wait(timeout=120)
    finally:
        subprocess.run([engine, "kill", name], capture_output=True, check=False, timeout=60)
        log = container.communicate(timeout=60)[0].decode(errors="replace")
        runtime_api.shutdown()
        runtime_api.server_close()
    assert finished, log
    assert reported == [("response", b"null")], log
    statistics = json.loads(s3.get_object(Bucket="results", Key="out/statistics.json")["Body"].read())
    assert statistics["dataset"]["item_count"] == 200
    constraints = json.loads(s3.get_object(Bucket="results", Key="out/constraints.json")["Body"].read())
    assert [feature["name"] for feature in constraints["features"]] == ["a", "b"]


def test_a_job_runs_as_a_user_of_its_own_in_folders_that_root_owns(engine, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("folders that root owns need root")
    mounts = {name: tmp_path / name for name in ("request", "objects", "output", "message")}
    for folder in mounts.values():
        folder.mkdir()
    tmp_path.chmod(0o755)
    (mounts["objects"] / "0").mkdir()
    rows = "".join(f"{i},{i % 3}\n" for i in range(200))
    (mounts["objects"] / "0/train.csv").write_text(f"a,b\n{rows}")
    asked = AnalysisRequest(
        subject="baseline/first",
        settings=analysis_settings(
            dataset_source="/opt/ml/processing/input",
            output_path="/opt/ml/processing/output",
            dataset_format={"csv": {}},
        ),
        inputs=(AnalysisInput(s3_uri="s3://data/train.csv", path="input/"),),
        output_s3_uri="s3://results/out",
        host="sagemaker",
        job_name="first",
    )
    placed = PlacedObject(downloaded="objects/0/train.csv", path="input/train.csv", modified=datetime.now(UTC))
    document = JobRequest(request=asked, objects=(placed,)).model_dump_json()
    (mounts["request"] / REQUEST_FILE.name).write_text(document)
    places = {"message": "/opt/ml/output"} | {
        name: f"/opt/ml/processing/{name}" for name in ("request", "objects", "output")
    }
    volumes = [argument for name, place in places.items() for argument in ("--volume", f"{mounts[name]}:{place}")]
    variable = f"{REQUEST_VARIABLE}={REQUEST_FILE}"
    command = [engine, "run", "--rm", "--network", "none", *volumes, "--env", variable]
    image = built(engine, "job", JOB_IMAGE)
    made = subprocess.run([*command, image], capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    statistics = mounts["output"] / "statistics.json"
    assert json.loads(statistics.read_bytes())["dataset"]["item_count"] == 200
    assert statistics.stat().st_uid == 10001
    assert (mounts["message"] / "message").read_text().startswith("Completed: ")
