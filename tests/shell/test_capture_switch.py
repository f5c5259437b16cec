"""``modelwatch capture enable`` and ``disable``: what becomes of the endpoint's configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.shell.conftest import Run
from tests.shell.fake_app import FakeApp

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 25,
    "DestinationS3Uri": "s3://my-bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


class SageMaker:
    """One endpoint; an update is done at once, or fails."""

    def __init__(self, capture: dict[str, Any] | None, *, fails: bool = False) -> None:
        self.configs: dict[str, dict[str, Any]] = {"c": {"ProductionVariants": []}}
        if capture:
            self.configs["c"]["DataCaptureConfig"] = capture
        self.current, self.fails = "c", fails

    def describe_endpoint(self, **_named: str) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointConfigName": self.current, "FailureReason": "no capacity"}

    def describe_endpoint_config(self, **named: str) -> dict[str, Any]:
        return self.configs[named["EndpointConfigName"]]

    def create_endpoint_config(self, **parts: Any) -> None:
        self.configs[parts.pop("EndpointConfigName")] = parts

    def delete_endpoint_config(self, **named: str) -> None:
        del self.configs[named["EndpointConfigName"]]

    def update_endpoint(self, **named: str) -> None:
        self.current = self.current if self.fails else named["EndpointConfigName"]


def app_with(sagemaker: SageMaker) -> FakeApp:
    app = FakeApp()
    app._clients = {"sagemaker": sagemaker}
    return app


KEY_AND_CONTENT_TYPES = {
    "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k",
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/jsonlines"]},
}


REQUESTS_ALONE = {"CaptureOptions": [{"CaptureMode": "Input"}]}


@pytest.mark.parametrize(
    "more",
    [{}, KEY_AND_CONTENT_TYPES, REQUESTS_ALONE],
    ids=["plain", "with a key and content types", "of requests alone"],
)
def test_capture_is_disabled_and_enabled_again_as_it_was(run: Run, more: dict[str, Any]):
    capture = CAPTURE | more
    sagemaker = SageMaker(capture)
    off = json.loads(run(app_with(sagemaker), "capture", "disable", "e", "--json").stdout)
    assert off == {"EndpointName": "e", "EndpointConfigName": sagemaker.current}
    assert sagemaker.configs[sagemaker.current]["DataCaptureConfig"] == capture | {"EnableCapture": False}
    ended = run(app_with(sagemaker), "capture", "enable", "e")
    assert "e captures to s3://my-bucket/capture" in ended.stdout
    assert sagemaker.configs[sagemaker.current]["DataCaptureConfig"] == capture
    run(app_with(sagemaker), "capture", "enable", "e", "--sampling-percentage", "0")
    assert sagemaker.configs[sagemaker.current]["DataCaptureConfig"] == capture | {"InitialSamplingPercentage": 0}


def test_the_first_capture_of_an_endpoint_takes_every_request(run: Run):
    sagemaker = SageMaker(None)
    run(app_with(sagemaker), "capture", "enable", "e", "--destination-s3-uri", "s3://my-bucket/capture")
    assert sagemaker.configs[sagemaker.current]["DataCaptureConfig"] == CAPTURE | {"InitialSamplingPercentage": 100}


@pytest.mark.parametrize(
    ("command", "capture", "said"),
    [
        ("enable", None, "--destination-s3-uri: e has no folder for captures yet"),
        ("disable", None, "e does not capture"),
        ("disable", CAPTURE | {"EnableCapture": False}, "e does not capture"),
    ],
)
def test_what_cannot_be_switched_is_refused_and_nothing_is_changed(run: Run, command: str, capture: Any, said: str):
    sagemaker = SageMaker(capture)
    ended = run(app_with(sagemaker), "capture", command, "e")
    assert (ended.exit_code, sagemaker.current) == (2, "c")
    assert ended.stderr.startswith(f"modelwatch: InvalidParameter: {said}")


def test_an_update_that_fails_is_undone_and_its_reason_shown(run: Run):
    sagemaker = SageMaker(None, fails=True)
    ended = run(app_with(sagemaker), "capture", "enable", "e", "--destination-s3-uri", "s3://my-bucket/capture")
    assert (ended.exit_code, sagemaker.current, list(sagemaker.configs)) == (2, "c", ["c"])
    assert ended.stderr.startswith("modelwatch: EndpointNotUpdated: data capture was not applied to e: no capacity")


@pytest.mark.parametrize(
    "arguments", [("enable", "e"), ("enable", "e", "--destination-s3-uri", "s3://a/b"), ("disable", "e")]
)
def test_an_endpoint_that_there_is_not_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]):
    def refuse(_self: SageMaker, **_named: str) -> None:
        error: Any = {"Error": {"Code": "ValidationException", "Message": "Could not find endpoint"}}
        raise ClientError(error, "DescribeEndpoint")

    monkeypatch.setattr(SageMaker, "describe_endpoint", refuse)
    ended = run(app_with(SageMaker(CAPTURE)), "capture", *arguments)
    assert ended.exit_code == 2
    assert ended.stderr == "modelwatch: EndpointNotFound: there is no endpoint e in this account and region\n"
