"""Endpoints with data capture: what is captured of their requests, how it is encoded, and where it is found."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from modelwatch.local.data_capture import WRITTEN_AFTER, CaptureConfig, DataCapture, Invoked
from modelwatch.model_monitor import DataCaptureConfig
from tests.local.conftest import START, Deployer
from tests.local.model_server import Container

if TYPE_CHECKING:
    from modelwatch.local.aws_clients import AwsClients

pytestmark = pytest.mark.long_setup  # one stack for the module

ROLE = "arn:aws:iam::123456789012:role/model"
HEADER = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    stack = deploy_once("Queue: {Type: AWS::SQS::Queue}")
    stack.client("s3").create_bucket(Bucket="captures")
    return stack


@pytest.fixture
def container() -> Iterator[Container]:
    with Container() as container:
        yield container


class Captured:
    """An endpoint of two variants that captures below a folder of its own."""

    def __init__(self, stack: LocalStack, container: Container, **config: Any) -> None:
        self.stack, self.name, self.folder = stack, f"e-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
        sagemaker = stack.client("sagemaker")
        sagemaker.create_model(ModelName=self.name, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)
        stack.serve_model(self.name, container.url)
        variant = {"ModelName": self.name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://captures/{self.folder}/",
            "CaptureOptions": BOTH,
            "CaptureContentTypeHeader": HEADER,
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName=self.name,
            ProductionVariants=[{**variant, "VariantName": "Blue"}, {**variant, "VariantName": "Green"}],
            DataCaptureConfig={name: value for name, value in {**capture, **config}.items() if value is not None},
        )
        sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        stack.settle()

    def call(self, body: bytes = b"1,a\n", **options: Any) -> None:
        options = {"ContentType": "text/csv", **options}
        self.stack.client("sagemaker-runtime").invoke_endpoint(EndpointName=self.name, Body=body, **options)

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """Return the records of each object by the part of its key below the destination."""
        self.stack.settle()
        s3 = self.stack.client("s3")
        found = s3.list_objects_v2(Bucket="captures", Prefix=f"{self.folder}/").get("Contents", ())
        bodies = {each["Key"]: s3.get_object(Bucket="captures", Key=each["Key"])["Body"].read() for each in found}
        return {
            key.removeprefix(f"{self.folder}/"): [json.loads(line) for line in body.splitlines()]
            for key, body in bodies.items()
        }

    def records(self) -> list[dict[str, Any]]:
        return [record for records in self.objects().values() for record in records]


def test_a_request_and_its_response_are_captured_as_sagemaker_does(stack: LocalStack, container: Container) -> None:
    endpoint = Captured(stack, container)
    endpoint.call(b"21,a\n", InferenceId="loan-1", CustomAttributes="branch=7")
    ((key, records),) = endpoint.objects().items()
    hour, moment = f"{stack.now:%Y/%m/%d/%H}", f"{stack.now:%M-%S}"
    assert re.fullmatch(rf"{endpoint.name}/Blue/{hour}/{moment}-\d{{3}}-[0-9a-f-]{{36}}\.jsonl", key)
    (record,) = records
    assert str(uuid.UUID(record["eventMetadata"].pop("eventId")))
    # The form of the record in the AWS developer guide, "Capture data from real-time endpoint".
    assert record == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "21,a\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": "42.0\n",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "customAttributes": ["branch=7"],
            "inferenceId": "loan-1",
            "inferenceTime": f"{stack.now:%Y-%m-%dT%H:%M:%SZ}",
        },
        "eventVersion": "0",
    }


def test_what_is_captured_while_the_stack_settles_is_written_before_the_clock_moves(
    stack: LocalStack, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, write, has_written = Captured(stack, container), stack._captures.write, Event()

    def written(*, all_of_them: bool = False) -> bool:
        found = write(all_of_them=all_of_them)
        if all_of_them:
            has_written.set()
        return found

    def call() -> None:
        assert has_written.wait(30)
        endpoint.call()

    monkeypatch.setattr(stack._captures, "write", written)
    stack._work.start("a call", call)
    stack.settle()
    found = stack.client("s3").list_objects_v2(Bucket="captures", Prefix=f"{endpoint.folder}/")
    assert found["KeyCount"] == 1


def test_requests_of_some_minutes_share_an_object_and_each_variant_has_its_own(
    stack: LocalStack, container: Container
) -> None:
    endpoint = Captured(stack, container)
    for _ in range(3):
        endpoint.call()
    endpoint.call(TargetVariant="Green")
    stack.advance(timedelta(minutes=10))
    endpoint.call()
    sizes = [(key.split("/")[1], len(records)) for key, records in endpoint.objects().items()]
    assert sizes == [("Blue", 3), ("Blue", 1), ("Green", 1)]


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        ([{"CaptureMode": "Input"}], {"endpointInput"}),
        ([{"CaptureMode": "Output"}], {"endpointOutput"}),
        ([{"CaptureMode": "InputAndOutput"}], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_the_sides_that_the_options_name_are_captured(
    stack: LocalStack, container: Container, options: list[dict[str, str]], sides: set[str]
) -> None:
    endpoint = Captured(stack, container, CaptureOptions=options)
    endpoint.call()
    (record,) = endpoint.records()
    assert set(record["captureData"]) == sides


@pytest.mark.parametrize(
    ("config", "content_type", "body", "encoding"),
    [
        ({}, "text/csv; charset=utf-8", b"1,a\n", "CSV"),
        ({}, "Application/JSON", b"1", "JSON"),
        ({}, "text/plain", b"1,a\n", "BASE64"),
        ({}, "text/csv", b"1,\xff\n", "BASE64"),
        # As botocore's service model says: without headers everything is encoded in BASE64.
        ({"CaptureContentTypeHeader": None}, "text/csv", b"1,a\n", "BASE64"),
    ],
)
def test_the_content_type_decides_how_a_body_is_encoded(
    stack: LocalStack, container: Container, config: dict[str, Any], content_type: str, body: bytes, encoding: str
) -> None:
    endpoint = Captured(stack, container, **config)
    endpoint.call(body, ContentType=content_type)
    (record,) = endpoint.records()
    captured = record["captureData"]["endpointInput"]
    assert (captured["observedContentType"], captured["encoding"]) == (content_type, encoding)
    data = captured["data"]
    assert (base64.b64decode(data) if encoding == "BASE64" else data.encode()) == body


@pytest.mark.parametrize("config", [{"InitialSamplingPercentage": 0}, {"EnableCapture": False}])
def test_nothing_is_captured_at_zero_per_cent_or_with_capture_off(
    stack: LocalStack, container: Container, config: dict[str, Any]
) -> None:
    endpoint = Captured(stack, container, **config)
    for _ in range(20):
        endpoint.call()
    assert endpoint.objects() == {}


def test_capture_is_switched_on_and_off_while_the_endpoint_lives(
    stack: LocalStack, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Captured(stack, container, EnableCapture=False)
    endpoint.call(b"1,before\n")
    session = boto3.Session("local", "local", region_name=stack.region)
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.endpoint_url)
    switch = partial(
        DataCaptureConfig, destination_s3_uri=f"s3://captures/{endpoint.folder}", sagemaker_session=session
    )
    on = switch(True, csv_content_types=["text/csv"]).apply(endpoint.name, logs=False)
    endpoint.call(b"1,on\n")
    switch(False).apply(endpoint.name, logs=False)
    endpoint.call(b"1,after\n")
    assert [record["captureData"]["endpointInput"]["data"] for record in endpoint.records()] == ["1,on\n"]

    sagemaker = stack.client("sagemaker")
    with pytest.raises(ClientError, match="Could not find endpoint "):
        sagemaker.update_endpoint(EndpointName="none", EndpointConfigName=on)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.update_endpoint(EndpointName=endpoint.name, EndpointConfigName="none")


def test_some_requests_are_captured_if_half_of_them_should_be(stack: LocalStack, container: Container) -> None:
    endpoint = Captured(stack, container, InitialSamplingPercentage=50)
    for _ in range(60):
        endpoint.call()
    assert 0 < len(endpoint.records()) < 60  # each end has a probability of 2**-60


def test_what_a_model_refuses_is_not_captured(stack: LocalStack, container: Container) -> None:
    endpoint = Captured(stack, container)
    container.fault = (400, "refused")
    with pytest.raises(ClientError, match="refused"):
        endpoint.call()
    assert endpoint.objects() == {}


def test_records_that_cannot_be_written_are_reported_and_the_endpoint_goes_on(
    stack: LocalStack, container: Container
) -> None:
    endpoint = Captured(stack, container, DestinationS3Uri="s3://no-such-bucket-here/x")
    endpoint.call()
    endpoint.call()
    stack.settle()
    lost = stack.undelivered[-1]
    assert lost.description == "2 captured records of variant Blue"
    assert lost.target == f"s3://no-such-bucket-here/x/{endpoint.name}"
    assert "NoSuchBucket" in lost.reason


class Moving:
    """A clock that a test sets."""

    shift = timedelta(0)

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def move_to(self, moment: datetime) -> None:
        self.moment = moment


class Recorder:
    """Clients whose S3 records the sizes of what is written."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def for_principal(self, *_: str) -> Any:
        return self

    def put_object(self, *, Body: bytes, **_: str) -> None:  # noqa: N803 - boto3's names
        self.lines.append(len(Body.splitlines()))


def test_records_wait_some_seconds_for_others_of_their_file() -> None:
    clock, s3 = Moving(), Recorder()
    capture = DataCapture(clients=cast("AwsClients", s3), clock=clock, lost=lambda *_: None)
    config = CaptureConfig("s3://b/p", 100.0, frozenset({"Input"}), {})
    for after in (timedelta(0), WRITTEN_AFTER / 2):
        clock.move_to(START + after)
        capture.capture(config, Invoked("e", "v", b"1", "text/csv", b"2", "text/csv"))
        capture.write()
    assert s3.lines == []
    clock.move_to(START + WRITTEN_AFTER)
    capture.write()
    capture.write()
    assert s3.lines == [2]
