"""Data capture of a live endpoint, against SageMaker's own description of its API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from modelwatch.app_client import AppClient
from modelwatch.model_monitor import DataCaptureConfig

VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
NAMED = {"EndpointName": "e"}


def endpoint(status: str, config: str, **more: Any) -> dict[str, Any]:
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"
    return NAMED | times | {"EndpointArn": arn, "EndpointStatus": status, "EndpointConfigName": config} | more


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """SageMaker, as far as the endpoint and the copy of its configuration."""
    monkeypatch.setattr("modelwatch.model_monitor.progress.time.sleep", lambda _: None)
    stub = Stubber(boto3.client("sagemaker"))
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c"
    stub.add_response("describe_endpoint", endpoint("InService", "c"), NAMED)
    described = {"EndpointConfigName": "c", "EndpointConfigArn": arn, "CreationTime": 0}
    variants = {"ProductionVariants": [VARIANT], "KmsKeyId": "key"}
    stub.add_response("describe_endpoint_config", described | variants, {"EndpointConfigName": "c"})
    stub.add_response(
        "create_endpoint_config",
        {"EndpointConfigArn": arn},
        variants | {"EndpointConfigName": ANY, "DataCaptureConfig": CONFIG._to_request_dict()},
    )
    with stub:
        yield stub
        stub.assert_no_pending_responses()


CONFIG = DataCaptureConfig(True, 50, "s3://my-bucket/capture")


def applied(stub: Stubber) -> str:
    app = AppClient(boto3.Session(), "modelwatch")
    app._clients["sagemaker"] = stub.client
    settings = {name: getattr(CONFIG, name) for name in ("enable_capture", "sampling_percentage", "destination_s3_uri")}
    return DataCaptureConfig(**settings, sagemaker_session=app).apply("e", logs=False)


def test_an_endpoint_is_updated_to_a_copy_of_its_configuration_that_captures(
    sagemaker: Stubber, monkeypatch: pytest.MonkeyPatch
):
    updated: dict[str, Any] = {}
    sagemaker.add_response("update_endpoint", {"EndpointArn": "arn:aws:sagemaker:us-east-1:1:endpoint/e"})
    sagemaker.add_response("describe_endpoint", endpoint("Updating", "c"), NAMED)
    sagemaker.client.meta.events.register(
        "before-parameter-build.sagemaker.UpdateEndpoint", lambda params, **_: updated.update(params)
    )

    def respond_with_new(model: Any, parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("EndpointConfigName") == "new":
            parsed["EndpointConfigName"] = updated["EndpointConfigName"]

    sagemaker.client.meta.events.register("after-call.sagemaker.DescribeEndpoint", respond_with_new)
    sagemaker.add_response("describe_endpoint", endpoint("InService", "new"), NAMED)
    assert applied(sagemaker) == updated["EndpointConfigName"]
    assert updated["EndpointConfigName"].startswith("c-capture-")


def test_an_update_that_sagemaker_rolled_back_leaves_nothing_behind_and_says_why(sagemaker: Stubber):
    sagemaker.add_response("update_endpoint", {"EndpointArn": "arn:aws:sagemaker:us-east-1:1:endpoint/e"})
    failed = endpoint("InService", "c", FailureReason="no capacity")
    sagemaker.add_response("describe_endpoint", failed, NAMED)
    sagemaker.add_response("describe_endpoint", failed, NAMED)
    sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": ANY})
    with pytest.raises(RuntimeError, match="not applied to e: no capacity; it has c as before"):
        applied(sagemaker)


def test_an_update_that_failed_is_undone(sagemaker: Stubber):
    arn = {"EndpointArn": "arn:aws:sagemaker:us-east-1:1:endpoint/e"}
    sagemaker.add_response("update_endpoint", arn)
    failed = endpoint("Failed", "other", FailureReason="no capacity")
    sagemaker.add_response("describe_endpoint", failed, NAMED)
    sagemaker.add_response("describe_endpoint", failed, NAMED)
    sagemaker.add_response("update_endpoint", arn, NAMED | {"EndpointConfigName": "c"})
    sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": ANY})
    with pytest.raises(RuntimeError, match="no capacity"):
        applied(sagemaker)


def test_an_update_that_sagemaker_refuses_leaves_nothing_behind(sagemaker: Stubber):
    sagemaker.add_client_error("update_endpoint", "ResourceLimitExceeded")
    sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": ANY})
    with pytest.raises(sagemaker.client.exceptions.ResourceLimitExceeded):
        applied(sagemaker)
