"""SageMaker endpoints whose models have a server: their status, their events, and requests to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer, events_of
from tests.local.model_server import Container

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = """
Listener:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Endpoints:
        Type: EventBridgeRule
        Properties:
          Pattern:
            source: [aws.sagemaker]
            detail-type: [SageMaker Endpoint State Change]
            detail: {EndpointName: [{prefix: model-}]}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs="Listener: {Value: !Ref Listener}")


@pytest.fixture
def container() -> Iterator[Container]:
    with Container() as container:
        yield container


@pytest.fixture
def endpoint(stack: LocalStack, container: Container, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name, unique to the test, of an endpoint configuration and its model, served by the container."""
    stack.invocations.clear()
    name = f"model-{abs(hash(request.node.name)) % 10**9}"
    sagemaker = stack.client("sagemaker")
    make_config(stack, name)
    stack.serve_model(name, container.url)
    yield name
    stack.settle()
    if name in [found["EndpointName"] for found in sagemaker.list_endpoints()["Endpoints"]]:
        sagemaker.delete_endpoint(EndpointName=name)
        stack.settle()  # its deletion is an event too


def make_config(stack: LocalStack, name: str) -> None:
    sagemaker = stack.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/model"
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    variant = {"VariantName": "All", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def create(stack: LocalStack, name: str) -> None:
    stack.client("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=name, Tags=[{"Key": "team", "Value": "loans"}]
    )


def status(stack: LocalStack, name: str) -> str:
    return str(stack.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"])


def call(stack: LocalStack, name: str, body: bytes = b"1\n2\n", **options: Any) -> Any:
    return stack.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, **options)


def endpoint_events(stack: LocalStack) -> list[dict[str, Any]]:
    return [event["detail"] for event in events_of(stack, stack.outputs["Listener"])]


def test_a_request_reaches_the_container_and_its_response_is_returned(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    response = call(
        stack, endpoint, ContentType="text/csv", Accept="text/plain", InferenceId="42", CustomAttributes="a"
    )
    assert response["Body"].read() == b"2.0\n4.0\n"
    assert (response["ContentType"], response["InvokedProductionVariant"]) == ("text/csv", "All")
    ((headers, body),) = container.requests
    assert body == b"1\n2\n"
    sent = {name.lower(): value for name, value in headers.items()}
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "text/plain")
    assert (sent["x-amzn-sagemaker-inference-id"], sent["x-amzn-sagemaker-custom-attributes"]) == ("42", "a")
    assert "authorization" not in sent
    recorded = stack.calls[-1]
    assert (recorded.service, recorded.action, recorded.status) == ("sagemaker-runtime", "InvokeEndpoint", 200)


def test_binary_requests_arrive_unchanged(stack: LocalStack, container: Container, endpoint: str) -> None:
    create(stack, endpoint)
    stack.settle()
    container.fault = (400, "refused")
    with pytest.raises(ClientError):
        call(stack, endpoint, bytes(range(256)), ContentType="application/x-npy")
    assert container.requests[0][1] == bytes(range(256))


@pytest.mark.parametrize(("status", "side"), [(500, "server"), (404, "client")])
def test_an_error_of_the_container_is_a_model_error(
    stack: LocalStack, container: Container, endpoint: str, status: int, side: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    container.fault = (status, "no such feature")
    with pytest.raises(ClientError) as caught:
        call(stack, endpoint)
    response = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (status, "no such feature")
    assert f"Received {side} error ({status})" in response["Error"]["Message"]


def test_a_body_over_the_limit_is_refused_before_the_container_sees_it(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    with pytest.raises(ClientError, match=r"\(413\).*exceeded 6291456 bytes"):
        call(stack, endpoint, b"1" * 6_291_457)
    assert container.requests == []
    container.fault = (400, "seen")
    with pytest.raises(ClientError, match="seen"):
        call(stack, endpoint, b"1" * 6_291_456)


def test_an_endpoint_that_does_not_exist_is_a_validation_error(stack: LocalStack) -> None:
    with pytest.raises(ClientError, match="Endpoint missing of account 123456789012 not found") as caught:
        call(stack, "missing")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_model_without_a_server_is_an_error_that_says_how_to_register_one(stack: LocalStack) -> None:
    make_config(stack, "elsewhere")
    create(stack, "elsewhere")
    assert status(stack, "elsewhere") == "InService"
    with pytest.raises(ClientError, match="serve_model"):
        call(stack, "elsewhere")


def test_an_endpoint_is_creating_until_its_container_is_ready_and_each_change_is_an_event(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    container.ready = False
    create(stack, endpoint)
    assert status(stack, endpoint) == "Creating"
    with pytest.raises(ClientError, match="not found"):
        call(stack, endpoint)
    with pytest.raises(ClientError, match="in-progress"):
        stack.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    container.ready = True
    stack.settle()
    assert status(stack, endpoint) == "InService"
    events = endpoint_events(stack)
    assert {event["EndpointStatus"] for event in events} == {"CREATING", "IN_SERVICE"}
    assert {event["EndpointName"] for event in events} == {endpoint}
    assert events[0]["Tags"] == {"team": "loans"}
    assert events[0]["EndpointConfigName"] == endpoint
    assert abs(events[0]["CreationTime"] / 1000 - time.time()) < 600


def test_an_endpoint_whose_container_does_not_respond_fails(stack: LocalStack, endpoint: str) -> None:
    stack.serve_model(endpoint, "http://127.0.0.1:9/invocations")
    create(stack, endpoint)
    stack.settle()
    described = stack.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "Failed"
    assert "ping health check" in described["FailureReason"]
    assert "FAILED" in {event["EndpointStatus"] for event in endpoint_events(stack)}


def test_a_name_that_is_in_use_is_refused(stack: LocalStack, endpoint: str) -> None:
    create(stack, endpoint)
    with pytest.raises(ClientError, match="already existing endpoint "):
        create(stack, endpoint)
    variant = {"VariantName": "All", "ModelName": endpoint, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="already existing endpoint configuration"):
        stack.client("sagemaker").create_endpoint_config(EndpointConfigName=endpoint, ProductionVariants=[variant])


def another_config(stack: LocalStack, name: str, model: str) -> str:
    """Return the name of a second endpoint configuration, of a model that may have another server."""
    config = f"{name}-next"
    variant = {"VariantName": "All", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    stack.client("sagemaker").create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    return config


def test_an_endpoint_serves_with_its_old_configuration_until_the_servers_of_the_new_one_respond(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    sagemaker = stack.client("sagemaker")
    create(stack, endpoint)
    stack.settle()
    container.ready = False
    config = another_config(stack, endpoint, endpoint)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    during = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", endpoint)
    assert call(stack, endpoint, ContentType="text/csv")["Body"].read() == b"2.0\n4.0\n"
    for change in (sagemaker.update_endpoint, sagemaker.delete_endpoint):
        named = {"EndpointConfigName": config} if change == sagemaker.update_endpoint else {}
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            change(EndpointName=endpoint, **named)
    container.ready = True
    stack.settle()
    after = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", config)
    statuses = [event["EndpointStatus"] for event in endpoint_events(stack)]
    assert sorted(statuses) == ["CREATING", "IN_SERVICE", "IN_SERVICE", "UPDATING"]


def test_an_endpoint_whose_new_server_does_not_respond_keeps_its_old_configuration_and_says_why(
    stack: LocalStack, endpoint: str
) -> None:
    sagemaker, gone = stack.client("sagemaker"), f"{endpoint}-gone"
    create(stack, endpoint)
    stack.settle()
    role = "arn:aws:iam::123456789012:role/model"
    sagemaker.create_model(ModelName=gone, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    stack.serve_model(gone, "http://127.0.0.1:1/invocations")  # nothing listens on port 1
    config = another_config(stack, endpoint, gone)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    stack.settle()
    after = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", endpoint)
    assert "did not pass the ping health check" in after["FailureReason"]


def test_an_update_to_a_configuration_that_is_not_there_is_refused(stack: LocalStack, endpoint: str) -> None:
    create(stack, endpoint)
    stack.settle()
    with pytest.raises(ClientError, match='Could not find endpoint configuration "none"'):
        stack.client("sagemaker").update_endpoint(EndpointName=endpoint, EndpointConfigName="none")
